"""Reads of orders, which are returned in their stored serialized form."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from orders.v1.order_pb2 import ORDER_STATUS_PENDING, PAYMENT_STATUS_FAILED, PAYMENT_STATUS_UNPAID, Order, OrderEvent
from sqlalchemy import BigInteger, Uuid, case, func, select, text, true, tuple_

from server.domain.base.errors import order_not_found
from server.domain.base.event_values import StoredEvent, whole
from server.domain.orders.create import order_number
from server.storage import sql
from server.storage.batcher import point_reader
from server.storage.database import Database
from server.storage.references import BEFORE_ALL, Reference, rows_for, split_references
from server.storage.schema.tables import STORED_EVENT, WHOLE_EVENT, order_events, orders
from server.storage.write import statements

Value = TypeVar("Value")

_of_order = order_events.c.order_id == orders.c.order_id
_events = select(*STORED_EVENT).where(_of_order).order_by(order_events.c.version)
_whole_events = select(WHOLE_EVENT).where(_of_order).order_by(order_events.c.version)


class _Order(NamedTuple):
    order_id: str
    order_number: str
    customer_id: str
    snapshot: bytes


_ORDERS = sql.query(_Order, select(*statements.ORDER_NAMES, orders.c.snapshot).where(statements.by_reference))


class _TrackedOrder(NamedTuple):
    order_id: str
    order_number: str
    customer_id: str
    snapshot: bytes
    tracking_events: list[bytes]


_tracking_events = func.array(_whole_events.where(statements.recorded).scalar_subquery()).label("tracking_events")
_TRACKED_ORDERS = sql.query(
    _TrackedOrder,
    select(*statements.ORDER_NAMES, orders.c.snapshot, _tracking_events).where(statements.by_reference),
)

_later_events = (
    _events.where(order_events.c.version > sql.parameter("after", BigInteger()))
    .limit(sql.parameter("limit", BigInteger()))
    .lateral("later_events")
)
# An order without later events is one row without an event.
_EVENTS_PAGE = sql.compiled(
    select(*_later_events.c).select_from(orders).outerjoin(_later_events, true()).where(statements.by_reference)
)

# The size of a snapshot is known without reading it.
_size = func.octet_length(orders.c.snapshot)
_size_before = func.sum(_size).over(order_by=orders.c.order_id) - _size
_snapshot_within = case((_size_before <= sql.parameter("max_bytes", BigInteger()), orders.c.snapshot))


class Sized(NamedTuple):
    """An order, without a snapshot if the previous ones already have enough bytes."""

    order_id: str
    order_number: str
    customer_id: str
    snapshot: bytes | None


_ORDERS_WITHIN = sql.query(
    Sized,
    select(*statements.ORDER_NAMES, _snapshot_within.label("snapshot")).where(statements.by_reference),
)

_ORDERS_COUNTED = sql.Statement("SELECT last_value - 1 + is_called::int FROM order_numbers")

_UNPAID_AT_ONCE = 100


class _Unpaid(NamedTuple):
    order_id: str
    create_time: datetime
    snapshot: bytes


_UNPAID = sql.query(
    _Unpaid,
    select(*sql.as_text([orders.c.order_id, orders.c.create_time, orders.c.snapshot]))
    .where(
        text(f"orders.status = {ORDER_STATUS_PENDING}"),
        text(f"orders.payment_status IN ({PAYMENT_STATUS_UNPAID}, {PAYMENT_STATUS_FAILED})"),
        text("orders.source = '' AND orders.total_minor > 0"),
        tuple_(orders.c.create_time, orders.c.order_id)
        > tuple_(sql.parameter("since", orders.c.create_time.type), sql.parameter("after", Uuid())),
        orders.c.create_time < sql.parameter("before", orders.c.create_time.type),
    )
    .order_by(orders.c.create_time, orders.c.order_id)
    .limit(sql.parameter("limit", BigInteger())),
)


class OrderRepository:
    """Orders by id or number, and their events. Methods raise ORDER_NOT_FOUND and DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshots = point_reader(self.find)
        self._tracked = point_reader(self._find_tracked)

    async def get(self, reference: Reference) -> bytes:
        """The order with an id or a number."""
        return _found(reference, await self._snapshots.submit(reference))

    async def with_tracking(self, reference: Reference) -> tuple[bytes, list[OrderEvent]]:
        """The order with an id or a number, and its tracking events, oldest first."""
        order = _found(reference, await self._tracked.submit(reference))
        return order.snapshot, [OrderEvent.FromString(event) for event in order.tracking_events]

    async def find(self, references: Sequence[Reference]) -> list[bytes | None]:
        """The orders with these ids or numbers; None for those that do not exist or that the caller cannot read."""
        found = await self._database.fetch_named(_ORDERS, **split_references(references)._asdict())
        return [None if row is None else row.snapshot for row in rows_for(references, found)]

    async def find_within(self, references: Sequence[Reference], *, max_bytes: int) -> list[Sized | None]:
        """Like `find`, but stops once the orders have `max_bytes`; reads at least one."""
        parameters = split_references(references)._asdict()
        found = await self._database.fetch_named(_ORDERS_WITHIN, **parameters, max_bytes=max_bytes)
        return rows_for(references, found)

    async def _find_tracked(self, references: Sequence[Reference]) -> list[_TrackedOrder | None]:
        found = await self._database.fetch_named(_TRACKED_ORDERS, **split_references(references)._asdict())
        return rows_for(references, found)

    async def events(self, reference: Reference, *, after: int, limit: int) -> list[OrderEvent]:
        """Up to `limit` events after a version, oldest first."""
        order = split_references([reference])._asdict()
        found = await self._database.fetch(_EVENTS_PAGE, **order, after=after, limit=limit)
        if not found:
            raise order_not_found(reference.name)
        return [whole(StoredEvent._make(row)) for row in found if row[0] is not None]

    async def unpaid(self, *, since: datetime, before: datetime) -> AsyncIterator[Order]:
        """The unpaid pending orders of a period whose total is not 0, oldest first."""
        after = BEFORE_ALL
        while True:
            found = await self._database.fetch_named(
                _UNPAID, since=since, after=after, before=before, limit=_UNPAID_AT_ONCE
            )
            for order in found:
                yield Order.FromString(order.snapshot)
            if len(found) < _UNPAID_AT_ONCE:
                return
            after, since = found[-1].order_id, found[-1].create_time

    async def next_order_number(self) -> str:
        """The number of the next order, unless a concurrent order takes it."""
        ((counted,),) = await self._database.fetch(_ORDERS_COUNTED)
        return order_number(datetime.now(UTC).year, counted + 1)


def _found(reference: Reference, value: Value | None) -> Value:
    if value is None:
        raise order_not_found(reference.name)
    return value
