"""Movements of a product's stock: adjustments, and the changes by orders, from their histories."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from orders.v1.catalog_service_pb2 import StockMovement
from orders.v1.error_reason_pb2 import ERROR_REASON_TOO_MANY_ORDERS
from orders.v1.order_pb2 import Order, OrderEvent
from sqlalchemy import Uuid

from server.domain.base.differences import undo
from server.domain.base.errors import Refusal
from server.domain.base.event_values import StoredEvent, whole
from server.domain.catalog.stock import held_by
from server.storage.arrays import packer
from server.storage.database import Database
from server.storage.projections import timestamp_of
from server.storage.sql import Query

# The maximum number of orders whose histories one call searches.
_MOST_ORDERS = 50_000


class Period(NamedTuple):
    """Times from `start` to before `end`."""

    start: datetime
    end: datetime


class Place(NamedTuple):
    """The place of a change among a product's: its time, its order or NO_ORDER, and its version or the adjustment's id."""

    time: datetime
    order_id: str
    number: int


NO_ORDER = "00000000-0000-0000-0000-000000000000"


class PlacedMovements(NamedTuple):
    """A change of an order or an adjustment, and the movements that it made."""

    place: Place
    movements: list[StockMovement]


class _Change(NamedTuple):
    time: datetime
    order_id: str
    number: int
    variant_id: str
    delta: int
    reason: str
    actor: str
    request_id: str

    @property
    def place(self) -> Place:
        return Place(self.time, self.order_id, self.number)


class _Event(NamedTuple):
    order_id: str
    snapshot: bytes
    event: bytes
    event_values: bytes | None


class _Orders(NamedTuple):
    number: int


# An order that moved stock in the period was created before its end and has changed since its start.
_OF_PRODUCT = """
SELECT DISTINCT order_id FROM orders JOIN order_items USING (order_id)
WHERE coalesce(order_items.product_id, order_items.sku) = %(product_id)s::text
    AND update_time >= %(start)s AND create_time < %(end)s"""
_COUNT = Query(text=f"SELECT count(*) FROM ({_OF_PRODUCT} LIMIT %(limit)s::bigint) AS found", row=_Orders)
_CHANGES = Query(
    text=f"""
SELECT event_time, order_id::text, version, '', 0, '', '', '' FROM ({_OF_PRODUCT}) AS found
CROSS JOIN LATERAL (
    SELECT event_time, version FROM order_events WHERE order_events.order_id = found.order_id OFFSET 0
) AS events
WHERE event_time >= %(start)s AND event_time < %(end)s
    AND (event_time, order_id, version) < (%(time)s, %(order_id)s::text::uuid, %(number)s::bigint)
UNION ALL
SELECT adjust_time, '{NO_ORDER}', adjustment_id, variant_id, delta, reason, actor, request_id FROM stock_adjustments
WHERE product_id = %(product_id)s AND adjust_time >= %(start)s AND adjust_time < %(end)s
    AND (adjust_time, '{NO_ORDER}'::uuid, adjustment_id) < (%(time)s, %(order_id)s::text::uuid, %(number)s::bigint)
ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT %(limit)s::bigint""",
    row=_Change,
)
_EVENTS = Query(
    text="""
SELECT order_id::text, snapshot, event, event_values FROM order_events JOIN orders USING (order_id)
WHERE order_id = ANY(%(order_ids)s) ORDER BY order_id, order_events.version DESC""",
    row=_Event,
    packers={"order_ids": packer(Uuid())},
)


class StockMovementRepository:
    """Movements by product. Methods raise DEPENDENCY_UNAVAILABLE, and the errors that each names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_number_of_orders(self, product_id: str, period: Period) -> None:
        """Raises TOO_MANY_ORDERS if more orders have changed than one call can search."""
        limit = _MOST_ORDERS + 1
        found = await self._database.fetch_named(_COUNT, product_id=product_id, limit=limit, **period._asdict())
        if found[0].number > _MOST_ORDERS:
            raise _too_many(product_id)

    async def changes(self, product_id: str, period: Period, *, after: Place, limit: int) -> list[PlacedMovements]:
        """Up to `limit` changes behind a place, the newest first. Many changes of orders move no stock."""
        changes = await self._database.fetch_named(
            _CHANGES, product_id=product_id, limit=limit, **period._asdict(), **after._asdict()
        )
        order_ids = sorted({change.order_id for change in changes} - {NO_ORDER})
        events = await self._database.fetch_named(_EVENTS, order_ids=order_ids) if order_ids else []
        moved = _by_version(events, product_id)
        return [
            PlacedMovements(
                change.place,
                [_adjusted(change)] if change.order_id == NO_ORDER else moved[change.order_id, change.number],
            )
            for change in changes
        ]


def _adjusted(change: _Change) -> StockMovement:
    return StockMovement(
        time=timestamp_of(change.time),
        variant_id=change.variant_id,
        delta=change.delta,
        reason=change.reason,
        actor=change.actor,
        request_id=change.request_id,
    )


def _by_version(rows: Iterable[_Event], product_id: str) -> defaultdict[tuple[str, int], list[StockMovement]]:
    """The movements of each version of the orders."""
    orders: dict[str, tuple[Order, list[OrderEvent]]] = {}
    for row in rows:
        if row.order_id not in orders:
            orders[row.order_id] = Order.FromString(row.snapshot), []
        orders[row.order_id][1].append(whole(StoredEvent(row.event, row.event_values)))
    moved: defaultdict[tuple[str, int], list[StockMovement]] = defaultdict(list)
    for order, events in orders.values():
        for movement in _moved(order, events, product_id):
            moved[movement.order_id, movement.order_version].append(movement)
    return moved


def _moved(order: Order, events: Sequence[OrderEvent], product_id: str) -> Iterator[StockMovement]:
    """The movements of an order's changes, from its events, newest first, as far back as values are recorded."""
    for event in events:
        after = held_by(order)
        if event.version > 1:
            if not (event.HasField("before") or event.HasField("after")):
                return
            undo(order, event.before, event.after)
        before = held_by(order) if event.version > 1 else {}
        for sku in sorted({*before, *after}):
            delta = before.get(sku, 0) - after.get(sku, 0)
            if sku[0] == product_id and delta:
                yield StockMovement(
                    time=event.event_time,
                    variant_id=sku[1],
                    delta=delta,
                    order_id=order.order_id,
                    order_number=order.order_number,
                    order_version=event.version,
                    actor=event.actor,
                    request_id=event.request_id,
                )


def _too_many(product_id: str) -> Refusal:
    text = (
        f"more than {_MOST_ORDERS:,} orders of product {product_id!r} have changed in the period; request a shorter one"
    )
    metadata = {"product_id": product_id, "limit": str(_MOST_ORDERS)}
    return Refusal(ERROR_REASON_TOO_MANY_ORDERS, text, metadata=metadata)
