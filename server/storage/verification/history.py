"""The values of events: they have their digests, and lead back from the snapshot to the order's first version."""

from collections.abc import Iterator, Sequence

from orders.v1.order_pb2 import ORDER_EVENT_TYPE_ERASED, Order
from psycopg import AsyncConnection

from server.domain.base.differences import follow_event, undo
from server.domain.base.event_values import digest, is_erased
from server.domain.base.money import minor_of
from server.storage.database import Row
from server.storage.projections import EventRow
from server.storage.verification.chain import broken_links
from server.storage.verification.checks import Problem, Stored, event_of


class HistoryCheck:
    """Each version follows from the next one and the values of its event, as far back as values are recorded."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        return [Problem(stored.name, text) for stored in page if stored.readable for text in _problems_of(stored)]

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        return []


def _problems_of(stored: Stored) -> Iterator[str]:
    if any(broken_links(stored)):
        # Altered events allow no further checks.
        return
    erased_at = max((row.version for row in stored.events if row.type == ORDER_EVENT_TYPE_ERASED), default=0)
    order = Order()
    order.CopyFrom(stored.order)
    rows = stored.events
    for row, previous in zip(reversed(rows), [*reversed(rows[:-1]), None], strict=False):
        event = event_of(row)
        if event is None or not event.values_digest:
            return
        if row.to_status != order.status or row.total_minor != minor_of(order.pricing.total):
            yield f"event {row.version} is not of the version that its later events lead back to"
        if row.salt is None:
            if not is_erased(row.stored) or row.version > erased_at:
                yield f"the values of event {row.version} are missing, and were not erased"
                return
        elif digest(row.event_values or b"", row.salt, created=_created(order, row)) != event.values_digest:
            yield f"the values of event {row.version} are not those that it was recorded with"
        if previous is not None:
            yield from _step_back(order, row, previous)


def _created(order: Order, row: EventRow) -> bytes | None:
    """The order that the first event made, serialized without its hash; None for other events."""
    if row.version > 1:
        return None
    created = Order()
    created.CopyFrom(order)
    created.ClearField("event_hash")
    return created.SerializeToString(deterministic=True)


def _step_back(order: Order, row: EventRow, previous: EventRow) -> Iterator[str]:
    """Turns the order into the version before an event."""
    event, earlier = event_of(row), event_of(previous)
    if event is None or earlier is None:
        return
    after, redone = Order(), Order()
    after.CopyFrom(order)
    undo(order, event.before, event.after)
    redone.CopyFrom(order)
    undo(redone, event.after, event.before)
    if redone != after:
        yield f"the values after event {row.version} are not the order's"
    follow_event(order, earlier)
