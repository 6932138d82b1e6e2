"""The guards of the lifecycle: named conditions that an order must meet for a transition."""

from collections.abc import Callable, Iterable, Iterator

from orders.v1.error_reason_pb2 import (
    ERROR_REASON_INVALID_TRANSITION,
    ERROR_REASON_ORDER_NOT_CANCELLABLE,
    ERROR_REASON_ORDER_ON_HOLD,
    ErrorReason,
)
from orders.v1.order_pb2 import ORDER_STATUS_SHIPPED, Order, OrderStatus
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_CANCELLED, SHIPMENT_STATUS_PENDING, HoldReason, Shipment

from server.domain.base.errors import Refusal
from server.domain.base.money import minor_of, text_of
from server.domain.lifecycle.payment_status import due, is_paid_for, secured

PAID = "paid"
NOT_HELD = "not_held"
SETTLED = "settled"
SHIPPABLE = "shippable"
NOT_SHIPPED = "not_shipped"


def status_name(status: OrderStatus) -> str:
    """The status without its prefix, as people write it: `SHIPPED`."""
    return str(OrderStatus.Name(status)).removeprefix("ORDER_STATUS_")


def hold_names(order: Order) -> str:
    """The reasons of the order's holds, for example `INCORRECT_ADDRESS, OTHER`."""
    return ", ".join(HoldReason.Name(hold.reason).removeprefix("HOLD_REASON_") for hold in order.holds)


def blockers(order: Order, to: OrderStatus, guards: Iterable[str]) -> Iterator[Refusal]:
    """A refusal for each guard that blocks the order from moving to a status."""
    for guard in dict.fromkeys(guards):
        why = _GUARDS[guard](order)
        if why:
            yield _refusal(order, to, guard, why)


def invalid_transition(order: Order, to: OrderStatus, why: str) -> Refusal:
    """A refusal of a transition; `why` ends the sentence."""
    return _refused(ERROR_REASON_INVALID_TRANSITION, order, to, why)


def _refusal(order: Order, to: OrderStatus, guard: str, why: str) -> Refusal:
    reason = _REASONS.get(guard, ERROR_REASON_INVALID_TRANSITION)
    refusal = _refused(reason, order, to, f": {why}")
    refusal.metadata["guard"] = guard
    if guard == NOT_HELD:
        refusal.metadata["holds"] = hold_names(order)
    if guard == NOT_SHIPPED:
        refusal.metadata["status"] = status_name(order.status)
    return refusal


def _refused(reason: ErrorReason, order: Order, to: OrderStatus, why: str) -> Refusal:
    metadata = {"order_id": order.order_id, "from": status_name(order.status), "to": status_name(to)}
    text = f"order {order.order_number} cannot go from {metadata['from']} to {metadata['to']}{why}"
    return Refusal(reason, text, metadata=metadata)


def _unpaid(order: Order) -> str:
    if is_paid_for(order):
        return ""
    return f"{_paid_so_far(order)}; an admin can confirm it with override_reason"


def _paid_so_far(order: Order) -> str:
    so_far, total = secured(order), order.pricing.total
    if not so_far:
        return "it is neither paid nor authorized"
    currency = total.currency_code
    return f"{text_of(so_far, currency)} of {text_of(minor_of(total), currency)} are paid or authorized"


def _held(order: Order) -> str:
    return f"it is on hold ({hold_names(order)})" if order.holds else ""


def _owes(order: Order) -> str:
    owed = due(order)
    return f"{text_of(owed, order.pricing.total.currency_code)} are due for its last update" if owed else ""


def _unshippable(order: Order) -> str:
    if all(shipment.status == SHIPMENT_STATUS_CANCELLED for shipment in order.shipments):
        delivery = order.delivery
        missing = not (delivery.carrier and delivery.tracking_number)
        return "send carrier and tracking_number" if missing else ""
    incomplete = next(filter(None, map(missing_label, order.shipments)), "")
    unpacked = sum(item.quantity - item.packed_quantity for item in order.items)
    if incomplete or not unpacked:
        return incomplete
    return f"{unpacked} units are in no shipment: set the carrier and tracking_number of their parcel"


def missing_label(shipment: Shipment) -> str:
    """The missing part of a label without which a shipment cannot leave; '' if none is missing."""
    if shipment.status != SHIPMENT_STATUS_PENDING:
        return ""
    name = f"shipment {shipment.shipment_id}"
    if not shipment.parcels:
        return f"{name} has no parcel"
    return next(
        (
            f"parcel {parcel.parcel_id} of {name} needs a carrier and a tracking number"
            for parcel in shipment.parcels
            if not (parcel.carrier and parcel.tracking_number)
        ),
        "",
    )


def check_can_leave(order: Order, shipment: Shipment) -> None:
    """Refuses to ship a part of an order that may not ship."""
    for refusal in blockers(order, ORDER_STATUS_SHIPPED, (NOT_HELD, SETTLED)):
        raise refusal
    if why := missing_label(shipment):
        raise _refusal(order, ORDER_STATUS_SHIPPED, SHIPPABLE, why)


def _partly_shipped(order: Order) -> str:
    shipped = sum(item.shipped_quantity for item in order.items)
    return f"{shipped} of its units have shipped; cancel the others with CancelOrderLines" if shipped else ""


_GUARDS: dict[str, Callable[[Order], str]] = {
    PAID: _unpaid,
    NOT_HELD: _held,
    SETTLED: _owes,
    SHIPPABLE: _unshippable,
    NOT_SHIPPED: _partly_shipped,
}
_REASONS = {NOT_HELD: ERROR_REASON_ORDER_ON_HOLD, NOT_SHIPPED: ERROR_REASON_ORDER_NOT_CANCELLABLE}
