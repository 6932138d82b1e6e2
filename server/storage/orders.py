"""Reads of orders. What is read goes to the caller as it is stored: serialized."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from orders.v1.order_pb2 import ORDER_STATUS_PENDING, PAYMENT_STATUS_FAILED, PAYMENT_STATUS_UNPAID, Order, OrderEvent
from sqlalchemy import BigInteger, Uuid, select, text, tuple_

from server.domain.create import order_number
from server.domain.errors import order_not_found
from server.storage import sql, statements
from server.storage.batcher import Batcher
from server.storage.database import Database
from server.storage.references import BEFORE_ALL, Reference, as_order_id, split_references
from server.storage.tables import order_events, orders

_ORDER_AND_EVENTS = sql.compiled(
    select(orders.c.snapshot, order_events.c.event)
    .join(order_events, order_events.c.order_id == orders.c.order_id)
    .where(orders.c.order_id == sql.parameter("order_id", Uuid()))
    .order_by(order_events.c.version)
)

_EVENTS_PAGE = sql.compiled(
    select(order_events.c.event)
    .where(
        order_events.c.order_id == sql.parameter("order_id", Uuid()),
        order_events.c.version > sql.parameter("after", BigInteger()),
    )
    .order_by(order_events.c.version)
    .limit(sql.parameter("limit", BigInteger()))
)

_ORDERS_COUNTED = sql.Statement("SELECT last_value - 1 + is_called::int FROM order_numbers")

_UNPAID_AT_ONCE = 100
_UNPAID = sql.compiled(
    select(orders.c.order_id, orders.c.create_time, orders.c.snapshot)
    .where(
        text(f"orders.status = {ORDER_STATUS_PENDING}"),
        text(f"orders.payment_status IN ({PAYMENT_STATUS_UNPAID}, {PAYMENT_STATUS_FAILED})"),
        text("orders.source = '' AND orders.total_minor > 0"),
        tuple_(orders.c.create_time, orders.c.order_id)
        > tuple_(sql.parameter("since", orders.c.create_time.type), sql.parameter("after", Uuid())),
        orders.c.create_time < sql.parameter("before", orders.c.create_time.type),
    )
    .order_by(orders.c.create_time, orders.c.order_id)
    .limit(sql.parameter("limit", BigInteger()))
)

_ORDER_ID = sql.compiled(select(orders.c.order_id).where(statements.by_reference))


class OrderRepository:
    """Orders by id or number, and their events. Methods raise ORDER_NOT_FOUND and DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Reads of single orders that arrive together go out together: one query costs as much as fifty.
        self._reader = Batcher[Reference, bytes](self._read, max_batch=256, max_queue=10_000, workers=1)

    async def get(self, reference: Reference) -> bytes:
        """The order with an id or a number."""
        return await self._reader.submit(reference)

    async def find(self, references: Sequence[Reference]) -> list[bytes | None]:
        """The orders with these ids or numbers, None where there is none that the asker sees."""
        found = await self._database.fetch(statements.READ_ORDERS, **split_references(references)._asdict())
        orders: dict[str, tuple[str, bytes]] = {}
        for order_id, number, customer_id, snapshot in found:
            orders[order_id] = orders[number] = (customer_id, snapshot)
        return [_seen(reference, orders) for reference in references]

    async def _read(self, references: Sequence[Reference]) -> list[bytes | Exception]:
        found = await self.find(references)
        return [
            order_not_found(reference.name) if snapshot is None else snapshot
            for reference, snapshot in zip(references, found, strict=True)
        ]

    async def with_events(self, reference: Reference) -> tuple[bytes, list[OrderEvent]]:
        """The order and all its events, oldest first."""
        found = await self._database.fetch(_ORDER_AND_EVENTS, order_id=await self._order_id(reference))
        return found[0][0], [OrderEvent.FromString(event) for _, event in found]

    async def events(self, reference: Reference, *, after: int, limit: int) -> list[OrderEvent]:
        """Up to `limit` events after a version, oldest first."""
        order_id = await self._order_id(reference)
        found = await self._database.fetch(_EVENTS_PAGE, order_id=order_id, after=after, limit=limit)
        return [OrderEvent.FromString(event) for (event,) in found]

    async def unpaid(self, *, since: datetime, before: datetime) -> AsyncIterator[Order]:
        """The pending orders of that time which cost something and are not paid, oldest first."""
        after = BEFORE_ALL
        while True:
            found = await self._database.fetch(_UNPAID, since=since, after=after, before=before, limit=_UNPAID_AT_ONCE)
            for _, _, snapshot in found:
                yield Order.FromString(snapshot)
            if len(found) < _UNPAID_AT_ONCE:
                return
            after, since = str(found[-1][0]), found[-1][1]

    async def next_order_number(self) -> str:
        """The number that the next order gets, if nobody else orders first."""
        ((counted,),) = await self._database.fetch(_ORDERS_COUNTED)
        return order_number(datetime.now(UTC).year, counted + 1)

    async def _order_id(self, reference: Reference) -> str:
        found = await self._database.fetch(_ORDER_ID, **split_references([reference])._asdict())
        if not found:
            raise order_not_found(reference.name)
        return str(found[0][0])


def _seen(reference: Reference, orders: dict[str, tuple[str, bytes]]) -> bytes | None:
    """The order, if the asker sees it: it may have been found for somebody else, who asked at the same time."""
    customer_id, snapshot = orders.get(as_order_id(reference.name) or reference.name, ("", None))
    return snapshot if reference.owner in ("", customer_id) else None
