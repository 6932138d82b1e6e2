"""Backorders: units that are sold beyond the stock, the hold on their orders, and the allocation of units that arrive."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import ORDER_EVENT_TYPE_BACKORDER_ALLOCATED, Order, OrderEvent, OrderItem
from orders.v1.shipment_pb2 import HOLD_REASON_INVENTORY_OUT_OF_STOCK, Hold

from server.domain.base.edits import Audit, OrderEdit, edit_of
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.base.values import Sku
from server.domain.catalog.backorders import backorder_terms, beyond_stock
from server.domain.catalog.stock import awaited_by, held_by
from server.domain.fulfilment.holds import place_hold, remove_hold
from server.domain.orders.apply import apply


@dataclass(frozen=True, slots=True)
class AllocateBackorder:
    """Allocates arrived units to an order that waits for them."""

    # Allocating again allocates what has arrived since, so it has no request id.
    request_id: ClassVar[str] = ""

    order_id: str


@operation(AllocateBackorder, needs=lambda request: Needs(orders=[request.order_id], related=True))
def allocate_backorder(request: AllocateBackorder, state: State, audit: Audit) -> Order | bytes:
    """Allocates the units in stock to the order's backordered lines; its hold ends with the last of them."""
    before = state.order(request.order_id, audit.caller)
    edit = edit_of(before, audit)
    left = {sku: state.stock.get(sku) for sku in awaited_by(before)}
    for item in edit.order.items:
        sku = (item.product_id, item.variant_id)
        found = min(item.backordered_quantity, left.get(sku, 0))
        if found:
            item.backordered_quantity -= found
            left[sku] -= found
    if edit.order.items == before.items:
        return before
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_BACKORDER_ALLOCATED, changed_fields=["items"]))
    follow_backorders(edit)
    return apply(edit.finish(), state)


def backorder_lines(before: Order | None, order: Order, state: State) -> None:
    """Counts the units of the lines that are not in stock, if their products can be sold beyond it."""
    wanted: dict[Sku, list[OrderItem]] = {}
    for item in order.items:
        if item.product_id:
            wanted.setdefault((item.product_id, item.variant_id), []).append(item)
    held, own = held_by(before), awaited_by(before)
    for sku, items in wanted.items():
        quantity = sum(item.quantity for item in items)
        free = state.stock.get(sku) + held.get(sku, 0)
        if quantity <= free and not state.awaited.get(sku):
            short = 0
        else:
            free = max(0, state.stock.get(sku) - state.awaited.get(sku) + own.get(sku, 0)) + held.get(sku, 0)
            short = max(0, quantity - free)
        if short > own.get(sku, 0) and short - own.get(sku, 0) > beyond_stock(sku, state):
            short = own.get(sku, 0)
        for item in reversed(items):
            item.backordered_quantity = min(short, item.quantity)
            short -= item.backordered_quantity


def placed_as_of(order: Order, state: State, now: Timestamp) -> Timestamp:
    """The time as of which an order is promised: when the units that it waits for are expected."""
    found = now
    for sku in awaited_skus(order):
        terms = backorder_terms(sku, state)
        if terms is not None and terms.restock_time.ToNanoseconds() > found.ToNanoseconds():
            found = terms.restock_time
    return found


def awaited_skus(order: Order) -> Iterator[Sku]:
    return ((item.product_id, item.variant_id) for item in order.items if item.backordered_quantity)


def hold_new(order: Order, audit: Audit) -> None:
    """Holds a new order that has backordered lines; its first event has the hold."""
    if any(item.backordered_quantity for item in order.items):
        order.holds.add(
            hold_id="1",
            reason=HOLD_REASON_INVENTORY_OUT_OF_STOCK,
            actor=audit.caller.subject,
            create_time=audit.time,
            automatic=True,
        )


def follow_backorders(edit: OrderEdit) -> None:
    """Places or removes the automatic hold, as the lines of the order say."""
    order = edit.order
    hold: Hold | None = next((hold for hold in order.holds if hold.automatic), None)
    waits = any(item.backordered_quantity for item in order.items)
    if waits and hold is None:
        place_hold(edit, HOLD_REASON_INVENTORY_OUT_OF_STOCK, automatic=True)
    elif hold is not None and not waits:
        remove_hold(edit, hold)
