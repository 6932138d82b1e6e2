"""Settles an update of an order after a payment: computes the amount due and records the adjustment."""

from orders.v1.error_reason_pb2 import ERROR_REASON_INVALID_TRANSITION
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_UPDATED,
    ORDER_STATUS_PROCESSING,
    PRICE_ADJUSTMENT_TYPE_SETTLED,
    Order,
    OrderEvent,
)

from server.domain.base.edits import OrderEdit
from server.domain.base.errors import Refusal
from server.domain.base.money import minor_of
from server.domain.lifecycle.guards import status_name
from server.domain.lifecycle.lifecycle import RANK, confirm_if_paid
from server.domain.lifecycle.payment_status import is_open, is_paid_for, payment_required, sum_payments
from server.domain.orders.adjustments import add_adjustment
from server.domain.pricing.remaining import remaining
from server.domain.pricing.shares import parts_of

_FIELDS = ("adjustments", "payment", "payment_status")


def can_settle(order: Order) -> bool:
    """Whether an update of the order after a payment can be settled: it has not shipped."""
    return not order.source and RANK[order.status] <= RANK[ORDER_STATUS_PROCESSING]


def record_update(edit: OrderEdit, before: Order, changed: list[str], *, settles: bool) -> None:
    """Records an update of these fields, and settles it if the request asks for that."""
    fields = [*changed, *settle(edit, before)] if settles else changed
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_UPDATED, changed_fields=fields))
    if settles:
        confirm_if_paid(edit)


def settle(edit: OrderEdit, before: Order) -> list[str]:
    """Adds the adjustment of an order whose price changed after a payment; returns the fields that change by that."""
    order = edit.order
    if is_open(before) or order.pricing == before.pricing:
        return []
    if remaining(before) != parts_of(before):
        raise _refunded(before)
    adjustment = add_adjustment(order, PRICE_ADJUSTMENT_TYPE_SETTLED, edit.audit)
    adjustment.previous_total.CopyFrom(before.pricing.total)
    adjustment.new_total.CopyFrom(order.pricing.total)
    adjustment.payment_required = payment_required(before) or (
        is_paid_for(before) and minor_of(order.pricing.total) > minor_of(before.pricing.total)
    )
    sum_payments(order)
    return [name for name in _FIELDS if getattr(order, name) != getattr(before, name)]


def _refunded(order: Order) -> Refusal:
    status = status_name(order.status)
    text = (
        f"order {order.order_number}: parts of its price are refunded, so its price cannot be recomputed; "
        "call CancelOrderLines to cancel lines, or create a new order for more"
    )
    metadata = {"order_id": order.order_id, "from": status, "to": status, "field": "items"}
    return Refusal(ERROR_REASON_INVALID_TRANSITION, text, metadata=metadata)
