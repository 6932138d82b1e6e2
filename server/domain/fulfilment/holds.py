"""Holds: reasons for which an order must not be fulfilled yet."""

from orders.v1.error_reason_pb2 import (
    ERROR_REASON_HOLD_NOT_FOUND,
    ERROR_REASON_INVALID_TRANSITION,
    ERROR_REASON_UNITS_BACKORDERED,
)
from orders.v1.fulfilment_service_pb2 import HoldOrderRequest, ReleaseHoldRequest
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_HOLD_PLACED,
    ORDER_EVENT_TYPE_HOLD_RELEASED,
    ORDER_STATUS_PROCESSING,
    Order,
    OrderEvent,
)
from orders.v1.shipment_pb2 import Hold, HoldReason

from server.domain.base.caller import Role
from server.domain.base.edits import Audit, OrderChange, OrderEdit, edit_of
from server.domain.base.errors import Refusal, invalid_field
from server.domain.lifecycle.guards import status_name
from server.domain.lifecycle.lifecycle import RANK, check_not_cancelled, check_role

_HOLDERS = frozenset({Role.FULFILMENT, Role.PAYMENT, Role.ADMIN})
_MAX_HOLDS = 20


def hold_order(before: Order, request: HoldOrderRequest, audit: Audit) -> OrderChange:
    """The order with one more hold."""
    check_role(before, _HOLDERS, audit.caller, what="place holds on")
    check_not_cancelled(before)
    if RANK[before.status] > RANK[ORDER_STATUS_PROCESSING]:
        status = status_name(before.status)
        metadata = {"order_id": before.order_id, "from": status, "field": "holds"}
        text = f"order {before.order_number} is {status}: nothing is left to hold"
        raise Refusal(ERROR_REASON_INVALID_TRANSITION, text, metadata=metadata)
    if len(before.holds) >= _MAX_HOLDS:
        raise invalid_field("order_id", f"order {before.order_number} has {_MAX_HOLDS} holds, the maximum")
    edit = edit_of(before, audit)
    place_hold(edit, request.reason, note=request.note)
    return edit.finish()


def place_hold(edit: OrderEdit, reason: HoldReason, *, note: str = "", automatic: bool = False) -> Hold:
    """Places a hold and records it. Its id is the version of the order that has it first."""
    hold = edit.order.holds.add(
        hold_id=str(edit.order.version + 1),
        reason=reason,
        note=note,
        actor=edit.audit.caller.subject,
        create_time=edit.audit.time,
        automatic=automatic,
    )
    edit.record(
        OrderEvent(type=ORDER_EVENT_TYPE_HOLD_PLACED, hold_id=hold.hold_id, changed_fields=["holds"], reason=note)
    )
    return hold


def release_hold(before: Order, request: ReleaseHoldRequest, audit: Audit) -> OrderChange:
    """The order without the hold."""
    check_role(before, _HOLDERS, audit.caller, what="release holds of")
    hold = next((hold for hold in before.holds if hold.hold_id == request.hold_id), None)
    if hold is None:
        metadata = {"order_id": before.order_id, "hold_id": request.hold_id}
        text = f"order {before.order_number} has no hold {request.hold_id!r}"
        raise Refusal(ERROR_REASON_HOLD_NOT_FOUND, text, metadata=metadata)
    if hold.automatic:
        metadata = {"order_id": before.order_id, "hold_id": hold.hold_id}
        text = f"order {before.order_number} waits for units that are not in stock; hold {hold.hold_id} ends with them"
        raise Refusal(ERROR_REASON_UNITS_BACKORDERED, text, metadata=metadata)
    edit = edit_of(before, audit)
    remove_hold(edit, hold, note=request.note)
    return edit.finish()


def remove_hold(edit: OrderEdit, hold: Hold, *, note: str = "") -> None:
    """Removes a hold and records it."""
    edit.order.holds.remove(hold)
    edit.record(
        OrderEvent(type=ORDER_EVENT_TYPE_HOLD_RELEASED, hold_id=hold.hold_id, changed_fields=["holds"], reason=note)
    )
