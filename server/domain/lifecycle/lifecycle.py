"""The lifecycle of an order: the allowed transitions, their roles and their guards."""

from collections.abc import Iterator
from dataclasses import dataclass

from orders.v1.error_reason_pb2 import (
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
from server.domain.base.money import minor_of
from server.domain.lifecycle.guards import (
    NOT_HELD,
    NOT_SHIPPED,
    PAID,
    SETTLED,
    SHIPPABLE,
    blockers,
    invalid_transition,
    status_name,
)
from server.domain.lifecycle.payment_status import has_money, intent_payment, is_paid_for, sum_payments


@dataclass(frozen=True, slots=True)
class Step:
    """An allowed transition: the roles that may make it, its guards, and the status that it skips."""

    who: frozenset[Role]
    guards: tuple[str, ...] = ()
    passing: OrderStatus = ORDER_STATUS_UNSPECIFIED


PAYMENT = frozenset({Role.PAYMENT, Role.ADMIN})
FULFILMENT = frozenset({Role.FULFILMENT, Role.ADMIN})
_OWNER = frozenset({Role.CUSTOMER, Role.ADMIN})
_ADMIN = frozenset({Role.ADMIN})

STEPS: dict[tuple[OrderStatus, OrderStatus], Step] = {
    (ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED): Step(PAYMENT, (PAID, NOT_HELD)),
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING): Step(FULFILMENT, (NOT_HELD,)),
    (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED): Step(FULFILMENT, (NOT_HELD, SETTLED, SHIPPABLE)),
    (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED): Step(FULFILMENT),
    (ORDER_STATUS_PENDING, ORDER_STATUS_PROCESSING): Step(FULFILMENT, passing=ORDER_STATUS_CONFIRMED),
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_SHIPPED): Step(FULFILMENT, passing=ORDER_STATUS_PROCESSING),
    (ORDER_STATUS_PENDING, ORDER_STATUS_CANCELLED): Step(_OWNER),
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_CANCELLED): Step(_ADMIN),
    (ORDER_STATUS_PROCESSING, ORDER_STATUS_CANCELLED): Step(_ADMIN, (NOT_SHIPPED,)),
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

# The statuses of an order whose units have all left.
GONE = frozenset({ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED})
_UNHELD = GONE | {ORDER_STATUS_CANCELLED}

_SHIPPING_STATUS = {
    ORDER_STATUS_CANCELLED: SHIPPING_STATUS_NOT_SHIPPED,
    ORDER_STATUS_PROCESSING: SHIPPING_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED: SHIPPING_STATUS_SHIPPED,
    ORDER_STATUS_DELIVERED: SHIPPING_STATUS_DELIVERED,
}


def guards_of(before: OrderStatus, to: OrderStatus) -> tuple[str, ...]:
    """The guards of a transition, those of the status that it skips first."""
    passing = STEPS[before, to].passing
    if not passing:
        return STEPS[before, to].guards
    return tuple(dict.fromkeys((*STEPS[before, passing].guards, *STEPS[passing, to].guards)))


def refusals(order: Order, to: OrderStatus, caller: Caller, *, overridden: bool = False) -> Iterator[Refusal]:
    """All refusals that block the caller from moving the order to a status; `overridden` skips the payment."""
    try:
        step = _find_step(order, to)
    except Refusal as error:
        yield error
        return
    if not _is_one_of(step.who, order, caller):
        is_end = to == ORDER_STATUS_CANCELLED
        where = "" if is_end else f" to {status_name(to)}"
        yield _role_refusal(order, step.who, what="cancel" if is_end else "move", where=where)
    guards = guards_of(order.status, to)
    yield from blockers(order, to, (guard for guard in guards if guard != PAID or not overridden))


def check_transition(order: Order, to: OrderStatus, caller: Caller, *, override_reason: str = "") -> None:
    """Refuses a transition that the table, the caller's roles or a guard does not allow."""
    for refusal in refusals(order, to, caller, overridden=bool(override_reason)):
        raise refusal
    if overrides(order, to, override_reason) and Role.ADMIN not in caller.roles:
        text = f"only admin may confirm order {order.order_number} unpaid"
        raise Refusal(ERROR_REASON_ORDER_ACCESS_DENIED, text, metadata={"order_id": order.order_id})


def overrides(order: Order, to: OrderStatus, override_reason: str) -> bool:
    """Whether the reason confirms an unpaid order."""
    return bool(override_reason) and PAID in guards_of(order.status, to) and not is_paid_for(order)


def transition(
    edit: OrderEdit,
    to: OrderStatus,
    *,
    override_reason: str = "",
    reason: str = "",
    tracking_event: TrackingEvent | None = None,
) -> None:
    """Moves the edit to a status by the table, and records every entered status."""
    order = edit.order
    check_transition(order, to, edit.audit.caller, override_reason=override_reason)
    overridden = override_reason if overrides(order, to, override_reason) else ""
    passing = STEPS[order.status, to].passing
    if passing:
        overridden = _enter_passed(edit, passing, overridden)
    reasons = "; ".join(filter(None, (overridden, reason)))
    enter(edit, to, reason=reasons, override=bool(overridden), tracking_event=tracking_event)


def _enter_passed(edit: OrderEdit, passing: OrderStatus, overridden: str) -> str:
    """Enters a skipped status; returns the reason of an override that it did not record."""
    confirms = passing == ORDER_STATUS_CONFIRMED
    enter(edit, passing, reason=overridden if confirms else "", override=confirms and bool(overridden))
    return "" if confirms else overridden


def check_cancellable(order: Order, caller: Caller) -> None:
    """Refuses an order that the caller could not cancel."""
    check_role(order, _find_step(order, ORDER_STATUS_CANCELLED).who, caller, what="cancel lines of")


def confirm_if_paid(edit: OrderEdit) -> None:
    """Confirms a pending order if enough is paid or held after a change of its total."""
    if edit.order.status == ORDER_STATUS_PENDING and has_money(edit.order) and is_paid_for(edit.order):
        enter(edit, ORDER_STATUS_CONFIRMED)


def check_not_cancelled(order: Order) -> None:
    """Refuses a cancelled order, which cannot change."""
    if order.status == ORDER_STATUS_CANCELLED:
        metadata = {"order_id": order.order_id, "status": status_name(order.status)}
        cancelled, reason = order.cancellation, order.cancellation.reason
        when = f" on {cancelled.cancel_time.ToDatetime():%Y-%m-%d}" if cancelled.HasField("cancel_time") else ""
        why = f" ({reason})" if reason else ""
        text = f"order {order.order_number} was cancelled{when}{why}; cancelled orders cannot be changed"
        raise Refusal(ERROR_REASON_ORDER_ALREADY_CANCELLED, text, metadata=metadata)


def _find_step(order: Order, to: OrderStatus) -> Step:
    step = STEPS.get((order.status, to))
    if step is not None:
        return step
    check_not_cancelled(order)
    if to == ORDER_STATUS_CANCELLED:
        raise _not_cancellable(order)
    allowed = ", ".join(status_name(after) for before, after in STEPS if before == order.status)
    here = status_name(order.status)
    raise invalid_transition(order, to, f"; from {here} it can go to {allowed}" if allowed else f"; {here} is final")


def _not_cancellable(order: Order) -> Refusal:
    status = status_name(order.status)
    text = f"order {order.order_number} is {status} and can no longer be cancelled"
    return Refusal(ERROR_REASON_ORDER_NOT_CANCELLABLE, text, metadata={"order_id": order.order_id, "status": status})


def check_role(order: Order, who: frozenset[Role], caller: Caller, *, what: str) -> None:
    """Refuses a caller without one of the roles `who`; `what` completes the error message."""
    if not _is_one_of(who, order, caller):
        raise _role_refusal(order, who, what=what)


def _is_one_of(who: frozenset[Role], order: Order, caller: Caller) -> bool:
    return not caller.roles_towards(order.customer.customer_id).isdisjoint(who)


def _role_refusal(order: Order, who: frozenset[Role], *, what: str, where: str = "") -> Refusal:
    roles, status = sorted(who), status_name(order.status)
    text = f"only {' or '.join(roles)} may {what} order {order.order_number}{where}, which is {status}"
    metadata = {"order_id": order.order_id, "status": status, "roles": ", ".join(roles)}
    return Refusal(ERROR_REASON_ORDER_ACCESS_DENIED, text, metadata=metadata)


def enter(
    edit: OrderEdit,
    status: OrderStatus,
    *,
    reason: str = "",
    override: bool = False,
    tracking_event: TrackingEvent | None = None,
) -> None:
    """Enters a status that the order's payments or shipments imply, without checks."""
    order = edit.order
    event = OrderEvent(
        type=ORDER_EVENT_TYPE_STATUS_CHANGED,
        from_status=order.status,
        to_status=status,
        reason=reason,
        override=override,
        tracking_event=tracking_event,
    )
    _set_status(order, status)
    if status == ORDER_STATUS_CANCELLED:
        _cancel(order, edit.audit, reason)
    edit.record(event)


def _set_status(order: Order, status: OrderStatus) -> None:
    """Sets the status, and the shipping status unless that follows from shipments. Holds end when nothing is left to fulfil."""
    order.status = status
    if status in _UNHELD:
        order.ClearField("holds")
    if status in _SHIPPING_STATUS and not (status in GONE and order.shipments):
        order.shipping_status = _SHIPPING_STATUS[status]


def _cancel(order: Order, audit: Audit, reason: str = "") -> None:
    order.cancellation.reason = reason
    order.cancellation.actor = audit.caller.subject
    order.cancellation.cancel_time.CopyFrom(audit.time)
    sum_payments(order)
    if order.HasField("payment_intent") and not minor_of(intent_payment(order).captured_amount):
        order.payment_intent.status = PAYMENT_INTENT_STATUS_CANCELLED


def _check_not_shipped(order: Order) -> None:
    if order.status in GONE:
        raise _not_cancellable(order)
    for refusal in blockers(order, ORDER_STATUS_CANCELLED, (NOT_SHIPPED,)):
        raise refusal


def advance_imported(order: Order, to: OrderStatus, audit: Audit) -> None:
    """Moves an imported order to its source's status: forward by any number of statuses, or to CANCELLED before it ships."""
    if to in (0, order.status):
        return
    if to == ORDER_STATUS_CANCELLED:
        _check_not_shipped(order)
    elif order.holds:
        raise next(blockers(order, to, (NOT_HELD,)))
    if RANK[to] < RANK[order.status]:
        raise invalid_field(
            "status", f"cannot move back to {status_name(to)}: the order is already {status_name(order.status)}"
        )
    _set_status(order, to)
    if to == ORDER_STATUS_CANCELLED:
        _cancel(order, audit)
