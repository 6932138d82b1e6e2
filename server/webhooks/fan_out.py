"""Queues a delivery for each endpoint that selects a change."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, Protocol

from orders.v1.webhook_service_pb2 import WebhookDelivery, WebhookEndpoint
from uuid_utils import uuid7

from server.domain.webhooks.event_types import choose, names_of
from server.feed.matching import Test, can_match, test_of
from server.storage.consumer_positions import Connection
from server.storage.fairness import yield_once
from server.storage.read.feed import Change, ChangePage, Selection

# Endpoints after which other work runs.
_PAUSE_AFTER = 20


class Deliveries(Protocol):
    """The storage of endpoints and deliveries: `storage/webhooks.py`."""

    async def has_endpoints(self) -> bool: ...

    async def snapshots(self, connection: Connection) -> list[bytes]: ...

    async def queue(self, connection: Connection, deliveries: Sequence[WebhookDelivery]) -> None: ...


class Feed(Protocol):
    """The feed: `storage/read/feed.py`."""

    async def page(self, kind: type[Change], selection: Selection, after: int, *, limit: int) -> ChangePage[Change]: ...


class _Subscriber(NamedTuple):
    """An endpoint's selection of changes."""

    endpoint_id: str
    types: tuple[str, ...]
    selection: Selection
    # None if only the database can evaluate the filter.
    test: Test | None


@lru_cache(maxsize=2048)
def _subscriber(snapshot: bytes) -> _Subscriber:
    endpoint = WebhookEndpoint.FromString(snapshot)
    selection = Selection(endpoint.filter, since=endpoint.create_time.ToDatetime(UTC))
    test = test_of(selection) if can_match(selection) else None
    return _Subscriber(endpoint.endpoint_id, tuple(endpoint.event_types), selection, test)


class FanOut:
    """The consumer of the feed that queues deliveries, in the transaction that moves its position."""

    def __init__(self, deliveries: Deliveries, feed: Feed) -> None:
        self._deliveries, self._feed = deliveries, feed

    async def start(self) -> None:
        """Needs nothing."""

    async def is_idle(self) -> bool:
        return not await self._deliveries.has_endpoints()

    async def handle(self, changes: Sequence[Change]) -> None:
        """Does nothing: everything happens in the database."""

    async def store(self, connection: Connection, changes: Sequence[Change]) -> None:
        if not changes:
            return
        queued: list[WebhookDelivery] = []
        for count, snapshot in enumerate(await self._deliveries.snapshots(connection)):
            subscriber = _subscriber(snapshot)
            queued += _deliveries(subscriber, await self._selected(subscriber, changes))
            if count % _PAUSE_AFTER == _PAUSE_AFTER - 1:
                await yield_once()
        await self._deliveries.queue(connection, queued)

    async def _selected(self, subscriber: _Subscriber, changes: Sequence[Change]) -> list[Change]:
        if subscriber.test is not None:
            return [change for change in changes if subscriber.test(change)]
        first, last = changes[0].position, changes[-1].position
        page = await self._feed.page(Change, subscriber.selection, first - 1, limit=len(changes))
        return [change for change in page.changes if change.position <= last]


def _deliveries(subscriber: _Subscriber, changes: Sequence[Change]) -> Iterator[WebhookDelivery]:
    now = datetime.now(UTC)
    for change in changes:
        chosen = choose(subscriber.types, names_of(change.type, change.from_status, change.to_status))
        if chosen is not None:
            delivery = WebhookDelivery(
                delivery_id=str(uuid7()),
                endpoint_id=subscriber.endpoint_id,
                event_type=chosen,
                order_id=change.order_id,
                version=change.version,
            )
            delivery.create_time.FromDatetime(now)
            yield delivery
