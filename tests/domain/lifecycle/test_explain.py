"""ExplainOrder says beforehand what TransitionOrder would answer."""

import itertools

import pytest
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_INVALID_TRANSITION,
    ERROR_REASON_ORDER_ACCESS_DENIED,
    ERROR_REASON_ORDER_ALREADY_CANCELLED,
    ERROR_REASON_ORDER_NOT_CANCELLABLE,
    ERROR_REASON_UNSPECIFIED,
    ErrorReason,
)
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_UNPAID,
    Order,
    OrderEvent,
    OrderStatus,
    PaymentEvent,
    PaymentStatus,
)
from orders.v1.order_service_pb2 import ExplainOrderResponse, RecordPaymentRequest, TransitionExplanation

from server.domain.base.caller import ANONYMOUS, Caller, Role
from server.domain.base.errors import Refusal
from server.domain.base.state import State
from server.domain.lifecycle.explain import explain_order
from tests.domain.builders import (
    ADMIN,
    CALLERS,
    CUSTOMER,
    FULFILMENT,
    PAYMENT,
    STATUSES,
    amount,
    answer,
    history,
    money,
    new_state,
    order_in,
    run,
    stored,
    transition,
)

PAYMENTS = [value for value in PaymentStatus.values() if value]


def short(value: object) -> str:
    return OrderStatus.Name(value).removeprefix("ORDER_STATUS_") if isinstance(value, int) else str(value)


def to(explained: ExplainOrderResponse, status: int) -> TransitionExplanation:
    (found,) = [explanation for explanation in explained.transitions if explanation.to == status]
    return found


def an_order(status: OrderStatus, payment: int = PAYMENT_STATUS_PAID, *, carrier: bool = True) -> tuple[State, Order]:
    state = new_state()
    order = stored(state, order_in(state, status))
    order.payment_status = payment
    order.delivery.carrier = order.delivery.tracking_number = "T1" if carrier else ""
    return state, order


def refusal(state: State, order: Order, status: OrderStatus, caller: Caller) -> Refusal | None:
    """How TransitionOrder refuses the move, if it does; the order is as before afterwards."""
    try:
        answer(state, transition(order, status), caller)
    except Refusal as error:
        return error
    finally:
        state.add_order(order)
    return None


def entered_by(events: list[OrderEvent]) -> list[int]:
    return [event.to_status for event in events if event.from_status != event.to_status]


@pytest.mark.parametrize("before", STATUSES, ids=short)
def test_every_status_but_the_own_is_explained_in_the_order_of_an_orders_life(before: OrderStatus) -> None:
    _, order = an_order(before)
    explained = explain_order(order, ADMIN)
    assert (explained.order_id, explained.status) == (order.order_id, before)
    assert [explanation.to for explanation in explained.transitions] == [s for s in STATUSES if s != before]


@pytest.mark.parametrize(("before", "role"), list(itertools.product(STATUSES, [*Role, None])), ids=short)
def test_the_explanation_is_what_a_transition_answers(before: OrderStatus, role: Role | None) -> None:
    caller = CALLERS[role] if role else Caller("nobody", frozenset())
    for payment, carrier in itertools.product(PAYMENTS, (True, False)):
        state, order = an_order(before, payment, carrier=carrier)
        for explanation in explain_order(order, caller).transitions:
            error = refusal(state, order, explanation.to, caller)
            case = f"{short(before)} to {short(explanation.to)} by {role}, payment {payment}, carrier {carrier}"
            assert explanation.allowed == (error is None), case
            expected = ErrorReason.Value(f"ERROR_REASON_{error.reason}") if error else ERROR_REASON_UNSPECIFIED
            assert explanation.blocked_by == expected, case
            assert explanation.explanation == (error.message if error else ""), case


@pytest.mark.parametrize("before", STATUSES, ids=short)
def test_the_roles_are_those_that_may_move_an_order_with_nothing_else_in_its_way(before: OrderStatus) -> None:
    state, order = an_order(before)
    for explanation in explain_order(order, ANONYMOUS).transitions:
        may = [role for role in sorted(Role) if refusal(state, order, explanation.to, CALLERS[role]) is None]
        assert list(explanation.roles) == may


@pytest.mark.parametrize("before", STATUSES, ids=short)
def test_the_statuses_passed_over_are_those_that_the_move_records(before: OrderStatus) -> None:
    state, order = an_order(before)
    for explanation in explain_order(order, ADMIN).transitions:
        known = len(history(state, order))
        if refusal(state, order, explanation.to, ADMIN) is None:
            entered = entered_by(history(state, order)[known:])
            assert [*explanation.passing, explanation.to] == entered
        else:
            assert not explanation.passing


@pytest.mark.parametrize("before", STATUSES, ids=short)
def test_explaining_changes_nothing(before: OrderStatus) -> None:
    _, order = an_order(before)
    as_it_was = order.SerializeToString(deterministic=True)
    first = explain_order(order, ANONYMOUS)
    assert order.SerializeToString(deterministic=True) == as_it_was
    assert explain_order(order, ANONYMOUS) == first


def test_an_unpaid_order_can_be_confirmed_by_nobody_as_it_is_and_the_explanation_says_how() -> None:
    _, order = an_order(ORDER_STATUS_PENDING, PAYMENT_STATUS_UNPAID)
    confirm = to(explain_order(order, PAYMENT), ORDER_STATUS_CONFIRMED)
    assert (confirm.allowed, confirm.blocked_by) == (False, ERROR_REASON_INVALID_TRANSITION)
    assert "neither paid nor authorized" in confirm.explanation
    assert list(confirm.roles) == ["admin", "payment"]


def test_an_order_paid_in_part_is_explained_with_what_has_come() -> None:
    state, order = an_order(ORDER_STATUS_PENDING, PAYMENT_STATUS_UNPAID)
    total = order.pricing.total
    event = PaymentEvent(type=PAYMENT_EVENT_TYPE_PAID, event_id="part", amount=money("1.00"))
    part = run(state, RecordPaymentRequest(order_id=order.order_id, event=event), PAYMENT)
    confirm = to(explain_order(part, PAYMENT), ORDER_STATUS_CONFIRMED)
    assert f": 1.00 USD of {amount(total):.2f} USD are paid or authorized;" in confirm.explanation


def test_a_guard_of_the_status_passed_over_blocks_the_whole_move() -> None:
    _, order = an_order(ORDER_STATUS_PENDING, PAYMENT_STATUS_UNPAID)
    process = to(explain_order(order, FULFILMENT), ORDER_STATUS_PROCESSING)
    assert (process.allowed, process.blocked_by) == (False, ERROR_REASON_INVALID_TRANSITION)
    assert list(process.passing) == [ORDER_STATUS_CONFIRMED]


def test_a_customer_learns_that_shipping_is_not_theirs_to_say_and_whose_it_is() -> None:
    _, order = an_order(ORDER_STATUS_PROCESSING)
    ship = to(explain_order(order, CUSTOMER), ORDER_STATUS_SHIPPED)
    assert (ship.allowed, ship.blocked_by) == (False, ERROR_REASON_ORDER_ACCESS_DENIED)
    assert list(ship.roles) == ["admin", "fulfilment"]


def test_a_shipped_order_can_no_longer_be_cancelled_by_anybody() -> None:
    _, order = an_order(ORDER_STATUS_SHIPPED)
    cancel = to(explain_order(order, ADMIN), ORDER_STATUS_CANCELLED)
    assert (cancel.allowed, cancel.blocked_by) == (False, ERROR_REASON_ORDER_NOT_CANCELLABLE)
    assert not cancel.roles


def test_from_cancelled_and_delivered_nothing_is_allowed() -> None:
    _, cancelled = an_order(ORDER_STATUS_CANCELLED)
    blocks = {explanation.blocked_by for explanation in explain_order(cancelled, ANONYMOUS).transitions}
    assert blocks == {ERROR_REASON_ORDER_ALREADY_CANCELLED}
    _, delivered = an_order(ORDER_STATUS_DELIVERED)
    assert not any(explanation.allowed for explanation in explain_order(delivered, ANONYMOUS).transitions)
