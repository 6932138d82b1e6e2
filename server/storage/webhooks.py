"""Webhook endpoints and their deliveries."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from orders.v1.error_reason_pb2 import ERROR_REASON_WEBHOOK_DELIVERY_NOT_FOUND
from orders.v1.webhook_service_pb2 import (
    WEBHOOK_ENDPOINT_STATE_DISABLED,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)

from server.domain.base.errors import Refusal
from server.domain.base.redaction import without_secrets
from server.domain.webhooks.endpoints import webhook_endpoint_not_found
from server.domain.webhooks.payloads import webhook_id_of
from server.storage.consumer_positions import Connection
from server.storage.database import Database, Row, fetch, fetch_named
from server.storage.projections import timestamp_of
from server.storage.references import as_order_id
from server.storage.sql import Query, Statement
from server.storage.write.changes import columns_of
from server.storage.write.webhook_deliveries import DELIVERY_COLUMNS, INSERT_DELIVERIES, delivery_row


class StoredEndpoint(NamedTuple):
    """A stored endpoint."""

    snapshot: bytes
    failing_since: datetime | None

    @property
    def message(self) -> WebhookEndpoint:
        """The endpoint as callers see it."""
        endpoint = without_secrets(WebhookEndpoint.FromString(self.snapshot))
        if self.failing_since is not None:
            endpoint.failing_since.CopyFrom(timestamp_of(self.failing_since))
        return endpoint


class StoredDelivery(NamedTuple):
    """A stored delivery."""

    delivery_id: str
    endpoint_id: str
    order_id: str | None
    version: int
    event_type: str
    state: int
    attempts: int
    next_time: datetime | None
    create_time: datetime
    end_time: datetime | None
    # Newest first; empty unless they are requested.
    recorded: list[bytes]

    @property
    def message(self) -> WebhookDelivery:
        """The delivery as callers see it."""
        delivery = WebhookDelivery(
            delivery_id=self.delivery_id,
            endpoint_id=self.endpoint_id,
            webhook_id=webhook_id_of(self.order_id, self.version, self.delivery_id),
            order_id=self.order_id or "",
            version=self.version,
            event_type=self.event_type,
            state=self.state,  # type: ignore[arg-type]
            attempt_count=self.attempts,
            create_time=timestamp_of(self.create_time),
            attempts=map(WebhookAttempt.FromString, reversed(self.recorded)),
        )
        if self.next_time is not None:
            delivery.next_attempt_time.CopyFrom(timestamp_of(self.next_time))
        if self.end_time is not None:
            delivery.end_time.CopyFrom(timestamp_of(self.end_time))
        return delivery


def _without_responses(delivery: WebhookDelivery) -> WebhookDelivery:
    """The delivery, in a list of many."""
    for attempt in delivery.attempts:
        attempt.ClearField("response")
    return delivery


class EndpointHealth(NamedTuple):
    """The state of an endpoint's queue, for metrics."""

    snapshot: bytes
    failing_since: datetime | None
    # The time since when its first delivery has been due, if one is.
    overdue: timedelta | None


class QueueHealth(NamedTuple):
    """The state of all queues, for metrics."""

    failing: int
    disabled: int
    overdue_seconds: float


_ENDPOINT = "SELECT snapshot, failing_since FROM webhook_endpoints"
_GET_ENDPOINT = Query(text=f"{_ENDPOINT} WHERE endpoint_id = %(endpoint_id)s", row=StoredEndpoint)
_ENDPOINTS = Query(
    text=f"{_ENDPOINT} WHERE endpoint_id > %(after)s ORDER BY endpoint_id LIMIT %(limit)s::bigint", row=StoredEndpoint
)
_ANY_ENDPOINT = Statement("SELECT FROM webhook_endpoints LIMIT 1")
_SNAPSHOTS = Statement("SELECT snapshot FROM webhook_endpoints ORDER BY endpoint_id")
_HEALTH = Query(
    text="""
SELECT snapshot, failing_since, (
    SELECT clock_timestamp() - next_time FROM webhook_deliveries AS due
    WHERE due.endpoint_id = endpoint.endpoint_id AND state = 1 AND next_time <= clock_timestamp()
    ORDER BY next_time LIMIT 1
) FROM webhook_endpoints AS endpoint""",
    row=EndpointHealth,
)

_COLUMNS = """delivery_id::text, endpoint_id, order_id::text, version, event_type, state, attempts, next_time, create_time,
    end_time"""
_OF_ENDPOINT = "endpoint_id = %(endpoint_id)s AND delivery_id = %(delivery_id)s::text::uuid"
# Of an endpoint that still exists.
_EXISTS = "EXISTS (SELECT FROM webhook_endpoints WHERE endpoint_id = %(endpoint_id)s)"
# Consistent with its newest attempts, if those are requested.
_GET = Query(
    text=f"""
SELECT {_COLUMNS}, ARRAY(
    SELECT attempt FROM webhook_attempts
    WHERE %(with_attempts)s AND webhook_attempts.delivery_id = delivery.delivery_id ORDER BY attempt_time DESC LIMIT 50
) FROM webhook_deliveries AS delivery WHERE {_OF_ENDPOINT} AND {_EXISTS}""",
    row=StoredDelivery,
)
_PAGE = Query(
    text=f"""
SELECT {_COLUMNS}, ARRAY(
    SELECT attempt FROM webhook_attempts
    WHERE webhook_attempts.delivery_id = webhook_deliveries.delivery_id ORDER BY attempt_time DESC LIMIT 1
) FROM webhook_deliveries
WHERE endpoint_id = %(endpoint_id)s AND (%(before)s::text = '' OR delivery_id < nullif(%(before)s::text, '')::uuid)
AND (%(states)s::int[] = '{{}}' OR state = ANY(%(states)s::int[]))
AND (%(order_ids)s::uuid[] = '{{}}' OR order_id = ANY(%(order_ids)s::uuid[]))
ORDER BY delivery_id DESC LIMIT %(limit)s::bigint""",
    row=StoredDelivery,
)
# One that is being attempted keeps its lease: there must not be two attempts at the same time.
_REQUEUE = """
UPDATE webhook_deliveries SET state = 1, attempts = 0, next_time = clock_timestamp(), end_time = NULL, lease_id = NULL
WHERE endpoint_id = %(endpoint_id)s AND NOT (state = 1 AND lease_id IS NOT NULL AND next_time > clock_timestamp())"""
_RESEND = Statement(f"{_REQUEUE} AND delivery_id = %(delivery_id)s::text::uuid")
_RECOVER = Statement(
    f"{_REQUEUE} AND ((state = 3 AND end_time >= %(since)s) OR (state = 1 AND attempts > 0 AND next_time > clock_timestamp()))"
)
# Ends the endpoint's pause, too.
_RESUME = Statement("UPDATE webhook_endpoints SET paced_until = NULL WHERE endpoint_id = %(endpoint_id)s")


class WebhookRepository:
    """Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED, and the errors that each names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def endpoint(self, endpoint_id: str) -> WebhookEndpoint:
        """The endpoint with an id. Raises WEBHOOK_ENDPOINT_NOT_FOUND."""
        found = await self._database.fetch_named(_GET_ENDPOINT, endpoint_id=endpoint_id)
        if not found:
            raise webhook_endpoint_not_found(endpoint_id)
        return found[0].message

    async def endpoints(self, *, after: str, limit: int) -> list[WebhookEndpoint]:
        """Up to `limit` endpoints after an id, in the order of their ids."""
        found = await self._database.fetch_named(_ENDPOINTS, after=after, limit=limit)
        return [stored.message for stored in found]

    async def delivery(self, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
        """A delivery with its newest attempts. Raises WEBHOOK_DELIVERY_NOT_FOUND."""
        return await self._delivery(endpoint_id, delivery_id, with_attempts=True)

    async def deliveries(
        self, endpoint_id: str, *, states: Sequence[int], order_ids: Sequence[str], before: str, limit: int
    ) -> list[WebhookDelivery]:
        """Up to `limit` deliveries of an endpoint, newest first, with their last attempts without the responses.

        Raises WEBHOOK_ENDPOINT_NOT_FOUND.
        """
        await self.endpoint(endpoint_id)
        known = [each for each in order_ids if as_order_id(each)]
        if (order_ids and not known) or (before and not as_order_id(before)):
            return []
        found = await self._database.fetch_named(
            _PAGE, endpoint_id=endpoint_id, states=list(states), order_ids=known, before=before, limit=limit
        )
        return [_without_responses(stored.message) for stored in found]

    async def resend(self, endpoint_id: str, delivery_id: str, *, dry: bool) -> WebhookDelivery:
        """Queues a delivery again. Raises WEBHOOK_DELIVERY_NOT_FOUND."""
        await self._delivery(endpoint_id, delivery_id)
        async with self._requeuing(endpoint_id, dry=dry) as connection:
            ids = {"endpoint_id": endpoint_id, "delivery_id": delivery_id}
            await connection.execute(_RESEND.text, ids)
            found = await fetch_named(connection, _GET, **ids, with_attempts=False)
        if not found:
            raise _delivery_not_found(endpoint_id, delivery_id)
        return found[0].message

    async def recover(self, endpoint_id: str, *, since: datetime, dry: bool) -> int:
        """Requeues the deliveries that failed since a time; returns their number. Raises WEBHOOK_ENDPOINT_NOT_FOUND."""
        await self.endpoint(endpoint_id)
        async with self._requeuing(endpoint_id, dry=dry) as connection:
            cursor = await connection.execute(_RECOVER.text, {"endpoint_id": endpoint_id, "since": since})
        return cursor.rowcount

    async def has_endpoints(self) -> bool:
        return bool(await self._database.fetch(_ANY_ENDPOINT))

    async def snapshots(self, connection: Connection) -> list[bytes]:
        """All endpoints, serialized with their secrets."""
        return [snapshot for (snapshot,) in await fetch(connection, _SNAPSHOTS)]

    async def queue(self, connection: Connection, deliveries: Sequence[WebhookDelivery]) -> None:
        """Queues deliveries, except for changes that are already queued for the endpoint."""
        for start in range(0, len(deliveries), _SLICE):
            rows: list[Row] = list(map(delivery_row, deliveries[start : start + _SLICE]))
            columns = columns_of([column.name for column in DELIVERY_COLUMNS], rows)
            await connection.execute(INSERT_DELIVERIES.text, INSERT_DELIVERIES.bind(columns), prepare=True)

    async def health(self) -> QueueHealth:
        """The numbers of failing and disabled endpoints, and the delay of deliveries to all others."""
        found = await self._database.fetch_named(_HEALTH)
        disabled = [WebhookEndpoint.FromString(row.snapshot).state == WEBHOOK_ENDPOINT_STATE_DISABLED for row in found]
        enabled = [row for row, is_disabled in zip(found, disabled, strict=True) if not is_disabled]
        late = (row.overdue for row in enabled if row.overdue is not None and row.failing_since is None)
        overdue = max(late, default=timedelta())
        return QueueHealth(
            failing=sum(row.failing_since is not None for row in enabled),
            disabled=sum(disabled),
            overdue_seconds=overdue.total_seconds(),
        )

    async def _delivery(self, endpoint_id: str, delivery_id: str, *, with_attempts: bool = False) -> WebhookDelivery:
        ids = {"endpoint_id": endpoint_id, "delivery_id": delivery_id}
        found = (
            await self._database.fetch_named(_GET, **ids, with_attempts=with_attempts)
            if as_order_id(delivery_id)
            else []
        )
        if not found:
            raise _delivery_not_found(endpoint_id, delivery_id)
        return found[0].message

    @asynccontextmanager
    async def _requeuing(self, endpoint_id: str, *, dry: bool) -> AsyncIterator[Connection]:
        """A transaction that queues deliveries, whose changes are dropped if it is `dry`."""
        async with self._database.connection() as connection, connection.transaction(force_rollback=dry):
            # In this order, as attempts are recorded.
            await connection.execute(_RESUME.text, {"endpoint_id": endpoint_id})
            yield connection


def _delivery_not_found(endpoint_id: str, delivery_id: str) -> Refusal:
    text = f"webhook endpoint {endpoint_id!r} has no delivery {delivery_id!r}; ListWebhookDeliveries lists those it has"
    metadata = {"endpoint_id": endpoint_id, "delivery_id": delivery_id}
    return Refusal(ERROR_REASON_WEBHOOK_DELIVERY_NOT_FOUND, text, metadata=metadata)


# Rows of a statement: dumping their parameters holds the event loop for milliseconds.
_SLICE = 500
