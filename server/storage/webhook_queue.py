"""The queue of webhooks: takes due deliveries with a lease, and records their attempts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from orders.v1.order_pb2 import OrderEvent
from psycopg import AsyncConnection
from sqlalchemy import Boolean, DateTime, Double, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.types import TypeEngine

from server.storage.arrays import packer
from server.storage.database import Database, Row, fetch, fetch_named
from server.storage.sql import Query, Statement
from server.storage.write.changes import columns_of


class QueuedEndpoint(NamedTuple):
    """An endpoint with due deliveries."""

    endpoint_id: str
    snapshot: bytes
    failing_since: datetime | None
    # Seconds, from now, until the requests sent so far use up its rate; negative if that has passed, None if nothing is known.
    paced_for: float | None


class Share(NamedTuple):
    """The number of deliveries that an endpoint gets now, and whether to include their orders."""

    slots: int
    with_order: bool
    # The requests of a second, 0 for no limit.
    rate: int = 0


class Claimed(NamedTuple):
    """A delivery whose lease this process holds."""

    delivery_id: str
    endpoint_id: str
    lease_id: str
    order_id: str | None
    version: int
    event_type: str
    attempts: int
    create_time: datetime
    event: bytes | None
    order: bytes | None

    @property
    def traceparent(self) -> str:
        """The traceparent of the call that made the change; '' if it had none."""
        return OrderEvent.FromString(self.event).traceparent if self.event else ""


class Outcome(NamedTuple):
    """The outcome of an attempt."""

    delivery_id: str
    lease_id: str
    endpoint_id: str
    state: int
    # Seconds until the next attempt, None if there is none.
    delay: int | None
    attempt_time: datetime
    # The attempt as a message.
    attempt: bytes
    is_success: bool
    # Seconds for which the endpoint requests a pause.
    pause: float


class FailingEndpoint(NamedTuple):
    """An endpoint whose last attempts failed."""

    endpoint_id: str
    failing_since: datetime


_NOW = "clock_timestamp()"
# The rows stay locked, so that no other process takes deliveries of the same endpoints.
_LOCK = Query(
    text=f"""
SELECT endpoint_id, snapshot, failing_since, extract(epoch FROM paced_until - {_NOW})::float8
FROM webhook_endpoints AS endpoint
WHERE (paced_until IS NULL OR paced_until < {_NOW} + interval '1 second') AND EXISTS (
    SELECT FROM webhook_deliveries AS due
    WHERE due.endpoint_id = endpoint.endpoint_id AND due.state = 1 AND due.next_time <= {_NOW}
)
ORDER BY endpoint_id FOR NO KEY UPDATE OF endpoint SKIP LOCKED""",
    row=QueuedEndpoint,
)
# The current values, under the locks.
_IN_FLIGHT = Statement(
    f"SELECT endpoint_id, count(*) FROM webhook_deliveries WHERE lease_id IS NOT NULL AND next_time > {_NOW} GROUP BY endpoint_id"
)
_SHARE_TYPES: dict[str, TypeEngine[Any]] = {
    "endpoint_id": Text(),
    "slots": Integer(),
    "with_order": Boolean(),
    "rate": Integer(),
}
_SHARES = {name: packer(type_) for name, type_ in _SHARE_TYPES.items()}
# First attempts are made in the order of an order's versions: one waits until those before it were made.
_TAKE = Query(
    text=f"""
WITH shares AS (
    SELECT * FROM unnest(%(endpoint_id)s::text[], %(slots)s::int[], %(with_order)s::bool[])
    AS shares (endpoint_id, slots, with_order)
), due AS (
    SELECT found.delivery_id, shares.with_order FROM shares, LATERAL (
        SELECT delivery_id FROM webhook_deliveries AS delivery
        WHERE delivery.endpoint_id = shares.endpoint_id AND state = 1 AND next_time <= {_NOW}
        AND (attempts > 0 OR order_id IS NULL OR NOT EXISTS (
            SELECT FROM webhook_deliveries AS earlier
            WHERE earlier.endpoint_id = delivery.endpoint_id AND earlier.order_id = delivery.order_id
            AND earlier.version < delivery.version AND earlier.state = 1 AND earlier.attempts = 0
        ))
        ORDER BY next_time, delivery_id LIMIT shares.slots
    ) AS found
), taken AS (
    UPDATE webhook_deliveries AS delivery
    SET lease_id = %(lease_id)s::uuid, next_time = {_NOW} + make_interval(secs => %(seconds)s)
    FROM due WHERE delivery.delivery_id = due.delivery_id
    RETURNING delivery.*, due.with_order
)
SELECT taken.delivery_id::text, taken.endpoint_id, taken.lease_id::text, taken.order_id::text, taken.version, taken.event_type,
    taken.attempts, taken.create_time, order_events.event,
    CASE WHEN taken.with_order THEN (SELECT snapshot FROM orders WHERE orders.order_id = taken.order_id) END
FROM taken LEFT JOIN order_events ON order_events.order_id = taken.order_id AND order_events.version = taken.version
ORDER BY taken.delivery_id""",
    packers=_SHARES,
    row=Claimed,
)
_PACE = Statement(
    f"""
UPDATE webhook_endpoints AS endpoint
SET paced_until = greatest(paced_until, {_NOW}) + make_interval(secs => sent.slots / sent.rate::float8)
FROM unnest(%(endpoint_id)s::text[], %(slots)s::int[], %(rate)s::int[]) AS sent (endpoint_id, slots, rate)
WHERE endpoint.endpoint_id = sent.endpoint_id""",
    _SHARES,
)

_OUTCOME_TYPES: dict[str, TypeEngine[Any]] = {
    "delivery_id": Uuid(),
    "lease_id": Uuid(),
    "endpoint_id": Text(),
    "state": SmallInteger(),
    "delay": Integer(),
    "attempt_time": DateTime(timezone=True),
    "attempt": LargeBinary(),
    "is_success": Boolean(),
    "pause": Double(),
}
_OUTCOMES = {name: packer(type_) for name, type_ in _OUTCOME_TYPES.items()}
_LOCK_ENDPOINTS = Statement(
    "SELECT FROM webhook_endpoints WHERE endpoint_id = ANY(%(endpoint_id)s::text[]) ORDER BY endpoint_id FOR NO KEY UPDATE",
    _OUTCOMES,
)
# An endpoint that keeps failing is paused for a tenth of the time since its first failure, at most a minute.
_NOTE_HEALTH = Query(
    text=f"""
WITH health AS (
    SELECT endpoint_id, bool_or(is_success) AS works, min(attempt_time) AS since, max(pause) AS pause
    FROM unnest(%(endpoint_id)s::text[], %(is_success)s::bool[], %(attempt_time)s::timestamptz[], %(pause)s::float8[])
    AS outcomes (endpoint_id, is_success, attempt_time, pause) GROUP BY endpoint_id
), noted AS (
    UPDATE webhook_endpoints AS endpoint
    SET failing_since = CASE WHEN NOT works THEN coalesce(failing_since, since) END,
        paced_until = CASE WHEN works AND health.pause = 0 THEN paced_until ELSE greatest(paced_until, {_NOW} + make_interval(
            secs => greatest(health.pause, CASE WHEN works THEN 0 ELSE
                least(60, extract(epoch FROM {_NOW} - coalesce(failing_since, {_NOW})) / 10) END)
        )) END
    FROM health
    WHERE endpoint.endpoint_id = health.endpoint_id AND (failing_since IS NOT NULL OR NOT works OR health.pause > 0)
    RETURNING endpoint.endpoint_id, endpoint.failing_since
)
SELECT * FROM noted WHERE failing_since IS NOT NULL""",
    packers=_OUTCOMES,
    row=FailingEndpoint,
)
# An attempt that has lost its lease records nothing: another one is being made.
_FINISH = Statement(
    f"""
WITH outcomes AS (
    SELECT * FROM unnest(
        %(delivery_id)s::uuid[], %(lease_id)s::uuid[], %(state)s::smallint[], %(delay)s::int[], %(attempt_time)s::timestamptz[],
        %(attempt)s::bytea[]
    ) AS outcomes (delivery_id, lease_id, state, delay, attempt_time, attempt)
), finished AS (
    UPDATE webhook_deliveries AS delivery
    SET state = outcomes.state, attempts = attempts + 1, lease_id = NULL,
        next_time = {_NOW} + make_interval(secs => outcomes.delay),
        end_time = CASE WHEN outcomes.state <> 1 THEN {_NOW} END
    FROM outcomes WHERE delivery.delivery_id = outcomes.delivery_id AND delivery.lease_id = outcomes.lease_id
    RETURNING delivery.delivery_id, outcomes.attempt_time, outcomes.attempt
)
INSERT INTO webhook_attempts (delivery_id, attempt_time, attempt) SELECT * FROM finished
ON CONFLICT DO NOTHING""",
    _OUTCOMES,
)


class Claim:
    """A transaction that holds the locks of endpoints with due deliveries."""

    def __init__(
        self, connection: AsyncConnection[Row], endpoints: Sequence[QueuedEndpoint], in_flight: Mapping[str, int]
    ) -> None:
        self._connection = connection
        self.endpoints = endpoints
        # The attempts in progress, in all processes.
        self.in_flight = in_flight

    async def take(self, shares: Mapping[str, Share], *, seconds: float) -> list[Claimed]:
        """Takes due deliveries, with leases of a number of seconds."""
        rows = [(endpoint_id, share.slots, share.with_order) for endpoint_id, share in shares.items()]
        columns = columns_of(["endpoint_id", "slots", "with_order"], rows)
        taken = await fetch_named(self._connection, _TAKE, **columns, lease_id=str(uuid4()), seconds=seconds)
        await self._pace(shares, taken)
        return taken

    async def _pace(self, shares: Mapping[str, Share], taken: Sequence[Claimed]) -> None:
        counts: dict[str, int] = {}
        for delivery in taken:
            counts[delivery.endpoint_id] = counts.get(delivery.endpoint_id, 0) + 1
        rows = [(id_, count, shares[id_].rate) for id_, count in counts.items() if shares[id_].rate]
        if rows:
            bound = _PACE.bind(columns_of(["endpoint_id", "slots", "rate"], rows))
            await self._connection.execute(_PACE.text, bound, prepare=True)


class WebhookQueue:
    """Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def claiming(self) -> AsyncIterator[Claim]:
        """Locks the endpoints with due deliveries, except those locked by other processes."""
        async with self._database.connection() as connection, connection.transaction():
            endpoints = await fetch_named(connection, _LOCK)
            in_flight: list[Row] = await fetch(connection, _IN_FLIGHT) if endpoints else []
            yield Claim(connection, endpoints, dict(in_flight))

    async def finish(self, outcomes: Sequence[Outcome]) -> list[FailingEndpoint]:
        """Records attempts; returns the endpoints that are now failing."""
        columns = columns_of(Outcome._fields, outcomes)

        def bind(statement: Statement, *names: str) -> dict[str, object]:
            return statement.bind({name: columns[name] for name in names})

        async with self._database.connection() as connection, connection.transaction():
            # In the order of their ids, as other processes do.
            await connection.execute(_LOCK_ENDPOINTS.text, bind(_LOCK_ENDPOINTS, "endpoint_id"), prepare=True)
            health = {name: columns[name] for name in ("endpoint_id", "is_success", "attempt_time", "pause")}
            failing = await fetch_named(connection, _NOTE_HEALTH, **health)
            ended = bind(_FINISH, "delivery_id", "lease_id", "state", "delay", "attempt_time", "attempt")
            await connection.execute(_FINISH.text, ended, prepare=True)
        return failing
