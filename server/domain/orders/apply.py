"""Applies a change of an order. Only this module moves stock, coupon uses, points and documents."""

from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_IMPORTED,
    ORDER_EVENT_TYPE_UPDATED,
)

from server.domain.base.edits import OrderChange
from server.domain.base.hash_chain import chain_events
from server.domain.base.sizes import check_content
from server.domain.base.state import State
from server.domain.base.values import Series, document_number
from server.domain.catalog.stock import check_available
from server.domain.customers.points import check_points, entry_of
from server.domain.orders.effects import Effects, effects_of
from server.domain.orders.invoices import issue_documents

# The events by which callers write an order's content. Later events are never refused for its size.
_CONTENT_EVENTS = frozenset({ORDER_EVENT_TYPE_CREATED, ORDER_EVENT_TYPE_IMPORTED, ORDER_EVENT_TYPE_UPDATED})


def check(change: OrderChange, state: State, *, field: str = "items") -> Effects:
    """The effects of a change. Refuses one that needs more stock or points than available, or makes the order too large.

    `field` holds the order's lines in the request.
    """
    if not _CONTENT_EVENTS.isdisjoint(event.type for event in change.events):
        check_content(change.after, field=field, advice="send fewer lines or shorter texts")
    effects = effects_of(change.before, change.after)
    check_available(effects.taken, state.stock.values, state.awaited.values, before=change.before)
    if effects.points:
        balance = state.points.get(change.after.customer.customer_id)
        check_points(effects.points, balance=balance, requested=change.after.pricing.loyalty_points_requested)
    return effects


def apply(change: OrderChange, state: State, *, sent: bytes | None = None, field: str = "items") -> bytes:
    """Adds a change to the batch and returns the serialized order, or refuses it and leaves the state unchanged.

    `sent` is the hash of the import that the order now equals, if it equals one; `field` is as in `check`.
    """
    effects = check(change, state, field=field)
    order = change.after
    if not change.events:
        return order.SerializeToString(deterministic=True)
    changes = state.changes
    changes.documents += issue_documents(
        change, number=lambda prefix: _next_document_number(prefix, state), time=state.time
    )
    snapshot, chained = chain_events(change)
    if state.dry:
        # The hash of events that are never stored.
        order.ClearField("event_hash")
        snapshot = order.SerializeToString(deterministic=True)
    _move(effects, change, state)
    changes.orders.setdefault(order.order_id, change.before)
    changes.snapshots[order.order_id] = snapshot
    changes.sent[order.order_id] = sent
    state.add_events(order, change.events)
    for event, stored in zip(change.events, chained, strict=True):
        changes.events.append((order, event, stored))
        if event.HasField("payment_event"):
            state.add_payment(order.order_id, event.payment_event)
            changes.payments.append((order.order_id, event.payment_event))
    state.add_order(order)
    return snapshot


def _move(effects: Effects, change: OrderChange, state: State) -> None:
    for sku, quantity in effects.taken.items():
        state.stock.add(sku, -quantity)
    for sku, quantity in effects.reserved.items():
        state.reserved.add(sku, quantity)
    for sku, quantity in effects.awaited.items():
        state.awaited.add(sku, quantity)
    for use, delta in effects.coupon_uses.items():
        state.coupon_uses.add(use, delta)
    customer_id = change.after.customer.customer_id
    for move in effects.points:
        balance = state.points.add(customer_id, move.delta)
        state.changes.points_entries.append(entry_of(move, change, entry_id=state.new_id(), balance=balance))


def _next_document_number(prefix: str, state: State) -> str:
    if state.dry:
        return ""
    series = Series(prefix, state.time.ToDatetime().year)
    return document_number(series, state.documents.add(series, 1))
