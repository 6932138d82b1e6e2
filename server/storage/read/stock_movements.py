"""Movements of a product's stock: adjustments, and the changes by orders, from their histories."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
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
_MOST_ORDERS = 1_000


class _Adjustment(NamedTuple):
    variant_id: str
    delta: int
    reason: str
    actor: str
    request_id: str
    adjust_time: datetime


class _Order(NamedTuple):
    order_id: str
    snapshot: bytes


class _Event(NamedTuple):
    order_id: str
    event: bytes
    event_values: bytes | None


_ADJUSTMENTS = Query(
    text="""
SELECT variant_id, delta, reason, actor, request_id, adjust_time FROM stock_adjustments
WHERE product_id = %(product_id)s AND adjust_time >= %(start)s AND adjust_time < %(end)s""",
    row=_Adjustment,
)
# An order that moved stock in the period was created before its end and has changed since its start. Lines that were removed from
# an order before are not found.
_ORDERS = Query(
    text="""
SELECT DISTINCT order_id::text, snapshot FROM orders JOIN order_items USING (order_id)
WHERE coalesce(order_items.product_id, order_items.sku) = %(product_id)s::text
    AND update_time >= %(start)s AND create_time < %(end)s LIMIT %(limit)s::bigint""",
    row=_Order,
)
_EVENTS = Query(
    text="""
SELECT order_id::text, event, event_values FROM order_events WHERE order_id = ANY(%(order_ids)s)
ORDER BY order_id, version DESC""",
    row=_Event,
    packers={"order_ids": packer(Uuid())},
)


class StockMovementRepository:
    """Movements by product. Methods raise DEPENDENCY_UNAVAILABLE, and the errors that each names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def movements(self, product_id: str, *, start: datetime, end: datetime) -> list[StockMovement]:
        """The movements of a period, the newest first. Raises TOO_MANY_ORDERS."""
        period = {"product_id": product_id, "start": start, "end": end}
        found = [_adjusted(row) for row in await self._database.fetch_named(_ADJUSTMENTS, **period)]
        orders = await self._database.fetch_named(_ORDERS, **period, limit=_MOST_ORDERS + 1)
        if len(orders) > _MOST_ORDERS:
            raise _too_many(product_id)
        events: defaultdict[str, list[OrderEvent]] = defaultdict(list)
        order_ids = sorted(row.order_id for row in orders)
        for row in await self._database.fetch_named(_EVENTS, order_ids=order_ids):
            events[row.order_id].append(whole(StoredEvent(row.event, row.event_values)))
        for order in orders:
            moved = _moved(Order.FromString(order.snapshot), events[order.order_id], product_id)
            found += [each for each in moved if timestamp_of(start).ToNanoseconds() <= each.time.ToNanoseconds()]
        latest = timestamp_of(end).ToNanoseconds()
        found = [each for each in found if each.time.ToNanoseconds() < latest]
        return sorted(found, key=lambda each: -each.time.ToNanoseconds())


def _adjusted(row: _Adjustment) -> StockMovement:
    fields = row._asdict()
    return StockMovement(time=timestamp_of(fields.pop("adjust_time")), **fields)


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
