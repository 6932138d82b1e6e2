"""The lifecycle of an order: the allowed transitions, their roles and their guards."""

from dataclasses import dataclass

from orders.v1.error_reason_pb2 import (
    ERROR_REASON_INVALID_TRANSITION,
    ERROR_REASON_ORDER_ACCESS_DENIED,
    ERROR_REASON_ORDER_ALREADY_CANCELLED,
    ERROR_REASON_ORDER_NOT_CANCELLABLE,
)
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    ORDER_STATUS_UNSPECIFIED,
    PAYMENT_INTENT_STATUS_CANCELLED,
    SHIPPING_STATUS_DELIVERED,
    SHIPPING_STATUS_NOT_SHIPPED,
    SHIPPING_STATUS_PROCESSING,
    SHIPPING_STATUS_SHIPPED,
    Order,
    OrderEvent,
    OrderStatus,
    TrackingEvent,
)

from server.domain.base.caller import Caller, Role
from server.domain.base.edits import Audit, OrderEdit
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.money import minor_of, text_of
from server.domain.lifecycle.payment_status import due, has_money, intent_payment, is_paid_for, secured, sum_payments


@dataclass(frozen=True, slots=True)
class Step:
    """An allowed transition: the roles that may make it, its guard, and the status that it skips."""

    who: frozenset[Role]
    guard: str = ""
    passing: OrderStatus = ORDER_STATUS_UNSPECIFIED


PAYMENT = frozenset({Role.PAYMENT, Role.ADMIN})
FULFILMENT = frozenset({Role.FULFILMENT, Role.ADMIN})
_OWNER = frozenset({Role.CUSTOMER, Role.ADMIN})
_ADMIN = frozenset({Role.ADMIN})

PAID = "paid"
SHIPPABLE = "shippable"
SETTLED = "settled"

STEPS: dict[tuple[OrderStatus, OrderStatus], Step] = {
    (ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED): Step(PAYMENT, PAID),
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING): Step(FULFILMENT),
    (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED): Step(FULFILMENT, SHIPPABLE),
    (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED): Step(FULFILMENT),
    (ORDER_STATUS_PENDING, ORDER_STATUS_PROCESSING): Step(FULFILMENT, passing=ORDER_STATUS_CONFIRMED),
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_SHIPPED): Step(FULFILMENT, passing=ORDER_STATUS_PROCESSING),
    (ORDER_STATUS_PENDING, ORDER_STATUS_CANCELLED): Step(_OWNER),
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_CANCELLED): Step(_ADMIN),
    (ORDER_STATUS_PROCESSING, ORDER_STATUS_CANCELLED): Step(_ADMIN),
}

# The order of the statuses.
RANK = {
    ORDER_STATUS_PENDING: 0,
    ORDER_STATUS_CONFIRMED: 1,
    ORDER_STATUS_PROCESSING: 2,
    ORDER_STATUS_SHIPPED: 3,
    ORDER_STATUS_DELIVERED: 4,
    ORDER_STATUS_CANCELLED: 5,
}

_SHIPPING_STATUS = {
    ORDER_STATUS_CANCELLED: SHIPPING_STATUS_NOT_SHIPPED,
    ORDER_STATUS_PROCESSING: SHIPPING_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED: SHIPPING_STATUS_SHIPPED,
    ORDER_STATUS_DELIVERED: SHIPPING_STATUS_DELIVERED,
}


def status_name(status: OrderStatus) -> str:
    """The status without its prefix, as people write it: `SHIPPED`."""
    return str(OrderStatus.Name(status)).removeprefix("ORDER_STATUS_")


def transition(
    edit: OrderEdit,
    to: OrderStatus,
    *,
    override_reason: str = "",
    reason: str = "",
    tracking_event: TrackingEvent | None = None,
) -> None:
    """Moves the edit to a status by the table, recording every status it enters."""
    order, caller = edit.order, edit.audit.caller
    step = _find_step(order, to)
    check_role(order, step.who, caller, what=f"move to {status_name(to)}")
    passed = STEPS[order.status, step.passing] if step.passing else None
    passed_reason = _check_guard(order, passed, step.passing, caller, override_reason) if passed else ""
    last = STEPS[step.passing, to] if passed else step
    overridden = _check_guard(order, last, to, caller, override_reason)
    if passed:
        _enter(edit, step.passing, reason=passed_reason)
    _enter(edit, to, reason="; ".join(filter(None, (overridden, reason))), tracking_event=tracking_event)


def check_cancellable(order: Order, caller: Caller) -> None:
    """Refuses an order that the caller could not cancel."""
    check_role(order, _find_step(order, ORDER_STATUS_CANCELLED).who, caller, what="cancel lines of")


def confirm_if_paid(edit: OrderEdit) -> None:
    """Confirms a pending order of which enough is paid or held since its total has changed."""
    if edit.order.status == ORDER_STATUS_PENDING and has_money(edit.order) and is_paid_for(edit.order):
        _enter(edit, ORDER_STATUS_CONFIRMED, reason="")


def check_not_cancelled(order: Order) -> None:
    """Refuses a cancelled order, which cannot change."""
    if order.status == ORDER_STATUS_CANCELLED:
        metadata = {"order_id": order.order_id, "status": status_name(order.status)}
        text = f"order {order.order_id} is cancelled and cannot be changed"
        raise Refusal(ERROR_REASON_ORDER_ALREADY_CANCELLED, text, metadata=metadata)


def _find_step(order: Order, to: OrderStatus) -> Step:
    step = STEPS.get((order.status, to))
    if step is not None:
        return step
    check_not_cancelled(order)
    if to == ORDER_STATUS_CANCELLED:
        raise _not_cancellable(order)
    allowed = ", ".join(status_name(after) for before, after in STEPS if before == order.status) or "nothing"
    raise invalid_transition(order, to, f"; from {status_name(order.status)} it can go to {allowed}")


def _not_cancellable(order: Order) -> Refusal:
    status = status_name(order.status)
    text = f"order {order.order_id} is {status} and can no longer be cancelled"
    return Refusal(ERROR_REASON_ORDER_NOT_CANCELLABLE, text, metadata={"order_id": order.order_id, "status": status})


def invalid_transition(order: Order, to: OrderStatus, why: str, *, guard: str = "") -> Refusal:
    """A refusal of a transition; `why` ends the sentence."""
    metadata = {"order_id": order.order_id, "from": status_name(order.status), "to": status_name(to)}
    if guard:
        metadata["guard"] = guard
    text = f"order {order.order_id} cannot go from {metadata['from']} to {metadata['to']}{why}"
    return Refusal(ERROR_REASON_INVALID_TRANSITION, text, metadata=metadata)


def check_role(order: Order, who: frozenset[Role], caller: Caller, *, what: str) -> None:
    """Refuses a caller that is none of `who`; `what` ends the sentence that says so."""
    if caller.roles_towards(order.customer.customer_id).isdisjoint(who):
        text = f"only {' or '.join(sorted(who))} may {what} order {order.order_id}"
        raise Refusal(ERROR_REASON_ORDER_ACCESS_DENIED, text, metadata={"order_id": order.order_id})


def _check_guard(order: Order, step: Step, to: OrderStatus, caller: Caller, override_reason: str) -> str:
    """Refuses if the step's guard does not hold; returns the reason if an admin overrode it."""
    if step.guard == PAID and not is_paid_for(order):
        if not override_reason:
            why = f": {_paid_so_far(order)}; an admin can confirm it with override_reason"
            raise invalid_transition(order, to, why, guard=PAID)
        if Role.ADMIN not in caller.roles:
            text = f"only admin may confirm order {order.order_id} unpaid"
            raise Refusal(ERROR_REASON_ORDER_ACCESS_DENIED, text, metadata={"order_id": order.order_id})
        return override_reason
    if to == ORDER_STATUS_SHIPPED and due(order):
        owed = text_of(due(order), order.pricing.total.currency_code)
        raise invalid_transition(order, to, f": {owed} are due for its last update", guard=SETTLED)
    if step.guard == SHIPPABLE and not (order.delivery.carrier and order.delivery.tracking_number):
        why = ": it needs delivery.carrier and delivery.tracking_number"
        raise invalid_transition(order, to, why, guard=SHIPPABLE)
    return ""


def _paid_so_far(order: Order) -> str:
    so_far, total = secured(order), order.pricing.total
    if not so_far:
        return "it is neither paid nor authorized"
    currency = total.currency_code
    return f"{text_of(so_far, currency)} of {text_of(minor_of(total), currency)} are paid or authorized"


def _enter(edit: OrderEdit, status: OrderStatus, *, reason: str, tracking_event: TrackingEvent | None = None) -> None:
    order = edit.order
    event = OrderEvent(
        type=ORDER_EVENT_TYPE_STATUS_CHANGED,
        from_status=order.status,
        to_status=status,
        reason=reason,
        tracking_event=tracking_event,
    )
    order.status = status
    if status in _SHIPPING_STATUS:
        order.shipping_status = _SHIPPING_STATUS[status]
    if status == ORDER_STATUS_CANCELLED:
        _cancel(order, edit.audit, reason)
    edit.record(event)


def _cancel(order: Order, audit: Audit, reason: str = "") -> None:
    order.cancellation.reason = reason
    order.cancellation.actor = audit.caller.subject
    order.cancellation.cancel_time.CopyFrom(audit.time)
    sum_payments(order)
    if order.HasField("payment_intent") and not minor_of(intent_payment(order).captured_amount):
        order.payment_intent.status = PAYMENT_INTENT_STATUS_CANCELLED


def advance_imported(order: Order, to: OrderStatus, audit: Audit) -> None:
    """Moves an imported order to its source's status: forward over any number of statuses, or to CANCELLED before it ships."""
    if to in (0, order.status):
        return
    if to == ORDER_STATUS_CANCELLED and order.status in (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED):
        raise _not_cancellable(order)
    if RANK[to] < RANK[order.status]:
        raise invalid_field(
            "status", f"{status_name(to)} would go back: the order is {status_name(order.status)} already"
        )
    order.status = to
    if to in _SHIPPING_STATUS:
        order.shipping_status = _SHIPPING_STATUS[to]
    if to == ORDER_STATUS_CANCELLED:
        _cancel(order, audit)
