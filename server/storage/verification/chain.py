"""The chain of events: changing, removing, adding or moving an event breaks all later hashes and the order's."""

from collections.abc import Iterator, Sequence

from orders.v1.order_pb2 import OrderEvent
from psycopg import AsyncConnection

from server.domain.base.event_values import is_erased
from server.domain.base.hash_chain import START, follows, hash_of
from server.storage.database import Row
from server.storage.projections import EventRow
from server.storage.verification.checks import Problem, Stored


class ChainCheck:
    """Each event's hash follows from the event and the one before, and the last one is the order's."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        return [Problem(stored.name, text) for stored in page for text in broken_links(stored)]

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        return []


def _is_erased_inside(row: EventRow) -> bool:
    """Whether an old event was erased, so that its hash no longer matches."""
    return is_erased(row.stored) and not OrderEvent.FromString(row.event).values_digest


def broken_links(stored: Stored) -> Iterator[str]:
    """The events of an order whose hashes do not match the chain."""
    previous = START
    for row in stored.events:
        if not (follows(row.event, previous) or _is_erased_inside(row)):
            yield f"the hash of event {row.version} does not follow from the event and the one before"
        previous = hash_of(row.event)
    if stored.readable and stored.order.event_hash != previous:
        yield "the last event's hash is not the order's"
