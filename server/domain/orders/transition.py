"""TransitionOrder and CancelOrder: move an order to another status."""

from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    OrderStatus,
)
from orders.v1.order_service_pb2 import CancelOrderRequest, TransitionOrderRequest

from server.domain.base.edits import Audit, check_etag, edit_of
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.fulfilment.shipping import NO_LABEL, Label, move
from server.domain.lifecycle.lifecycle import FULFILMENT, check_role
from server.domain.orders.apply import apply

# Statuses whose entry changes the order's holdings, and those whose entry may issue an invoice.
MOVING = frozenset({ORDER_STATUS_CANCELLED, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED})
INVOICED = frozenset({ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING})


def _needs(order_id: str, status: OrderStatus) -> Needs:
    return Needs(orders=[order_id], related=status in MOVING, documents=status in INVOICED)


@operation(TransitionOrderRequest, needs=lambda request: _needs(request.order_id, request.status))
def transition_order(request: TransitionOrderRequest, state: State, audit: Audit) -> bytes:
    """Moves an order to a status by the lifecycle table, and sets the carrier if it ships."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    edit = edit_of(before, audit)
    label = Label(request.carrier, request.tracking_number)
    if label != NO_LABEL:
        check_role(before, FULFILMENT, audit.caller, what="set the carrier of")
    move(edit, request.status, label=label, override_reason=request.override_reason, reason=request.reason)
    edit.note_delivery_changes("carrier", "tracking_number")
    return apply(edit.finish(), state)


@operation(CancelOrderRequest, needs=lambda request: _needs(request.order_id, ORDER_STATUS_CANCELLED))
def cancel_order(request: CancelOrderRequest, state: State, audit: Audit) -> bytes:
    """Cancels an order and returns its stock, coupon uses and points."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    edit = edit_of(before, audit)
    move(edit, ORDER_STATUS_CANCELLED, reason=request.reason)
    return apply(edit.finish(), state)
