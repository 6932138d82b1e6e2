"""Payments and refunds: sums, statuses, and what counts once."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.invoice_pb2 import CreditNote
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_PAYMENT,
    ORDER_EVENT_TYPE_REFUND,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_INTENT_STATUS_CANCELLED,
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_PARTIALLY_PAID,
    PAYMENT_STATUS_PARTIALLY_REFUNDED,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    Order,
    PaymentEvent,
    PaymentEventType,
    PaymentIntent,
    PaymentIntentStatus,
    PaymentStatus,
    Refund,
)
from orders.v1.order_service_pb2 import CancelOrderRequest, RecordPaymentRequest, RefundOrderRequest

from server.domain.base.caller import Caller
from server.domain.base.state import State
from server.domain.lifecycle.payment_status import payment_status_of
from server.domain.operations import Answer
from server.domain.payments.payments import SettleIntent
from tests.domain.builders import (
    ADMIN,
    CUSTOMER,
    FULFILMENT,
    NOW,
    PAYMENT,
    Store,
    amount,
    at,
    command,
    create,
    fields_of,
    history,
    line,
    money,
    new_state,
    order_in,
    pay,
    product,
    refuse,
    run,
    stored,
    transition,
    unhurried,
    upsert,
)
from tests.domain.builders import batch as import_of

AUTHORIZED, PAID, FAILED = (
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_FAILED,
)
REFUNDED, REFUND_FAILED, VOIDED = (
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_VOIDED,
)


@pytest.fixture
def state() -> State:
    return new_state(product(price="10.00"))


@pytest.fixture
def order(state: State) -> Order:
    """A pending order of 10.00 USD."""
    return run(state, create())


def report(
    order: Order, kind: PaymentEventType, value: str = "", *, event_id: str = "", **more: Any
) -> RecordPaymentRequest:
    """A payment event; without an id of its own one that follows from its content."""
    event = PaymentEvent(type=kind, event_id=event_id or f"{kind}-{value}-{more.get('refund_id', '')}", **more)
    if value:
        event.amount.CopyFrom(money(value))
    return RecordPaymentRequest(order_id=order.order_id, event=event)


def tell(state: State, order: Order, kind: PaymentEventType, value: str = "", **more: Any) -> Order:
    return run(state, report(order, kind, value, **more), PAYMENT)


def refund(order: Order, value: str = "", **more: Any) -> RefundOrderRequest:
    request = RefundOrderRequest(order_id=order.order_id, **more)
    if value:
        request.amount.CopyFrom(money(value))
    return request


def sums(order: Order) -> tuple[str, str, str]:
    payment = order.payment
    return tuple(  # type: ignore[return-value]
        f"{amount(sum_):.2f}" for sum_ in (payment.authorized_amount, payment.paid_amount, payment.refunded_amount)
    )


def paid_order(state: State, *items: Any) -> Order:
    order = run(state, create(*items))
    return tell(state, order, PAID, event_id=f"paid-{order.order_id}")


# What the sums and the status become.


def test_a_paid_order_is_confirmed_by_a_second_event(state: State, order: Order) -> None:
    after = tell(state, order, PAID, description="card ending in 4242", time=at(-60))
    assert (after.status, after.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)
    assert sums(after) == ("0.00", "10.00", "0.00")
    paid, confirmed = history(state, order)[1:]
    assert (paid.type, confirmed.type) == (ORDER_EVENT_TYPE_PAYMENT, ORDER_EVENT_TYPE_STATUS_CHANGED)
    assert paid.reason == "card ending in 4242"
    assert list(paid.changed_fields) == ["payment_status", "payment", "payments"]
    assert paid.from_status == paid.to_status == ORDER_STATUS_PENDING
    assert (paid.version, confirmed.version, after.version, after.etag) == (2, 3, 3, "3")
    assert paid.actor == "pay"


def test_what_an_event_leaves_out_is_filled_in(state: State, order: Order) -> None:
    tell(state, order, PAID)
    event = history(state, order)[1].payment_event
    assert event.provider == "external"
    assert event.amount == money("10.00")
    assert event.time == NOW
    assert state.payments["external", event.event_id] == (order.order_id, event)
    assert [order_id for order_id, _ in state.changes.payments] == [order.order_id]


def test_an_authorized_order_is_confirmed_and_paying_takes_the_hold(state: State, order: Order) -> None:
    held = tell(state, order, AUTHORIZED)
    assert (held.status, held.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_AUTHORIZED)
    assert sums(held) == ("10.00", "0.00", "0.00")
    part = tell(state, order, PAID, "4.00")
    assert (part.payment_status, sums(part)) == (PAYMENT_STATUS_AUTHORIZED, ("6.00", "4.00", "0.00"))
    whole = tell(state, order, PAID, "6.00")
    assert (whole.payment_status, sums(whole)) == (PAYMENT_STATUS_PAID, ("0.00", "10.00", "0.00"))


def test_a_payment_of_more_than_is_held_takes_the_whole_hold(state: State, order: Order) -> None:
    tell(state, order, AUTHORIZED)
    assert sums(tell(state, order, PAID, "11.50")) == ("0.00", "11.50", "0.00")


def test_a_part_confirms_nothing_until_the_rest_comes(state: State, order: Order) -> None:
    part = tell(state, order, PAID, "4.00")
    assert (part.status, part.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_PARTIALLY_PAID)
    assert tell(state, order, PAID, "6.00").status == ORDER_STATUS_CONFIRMED


def test_voiding_gives_a_hold_back_whole_or_in_part(state: State, order: Order) -> None:
    tell(state, order, AUTHORIZED)
    part = tell(state, order, VOIDED, "4.00")
    assert (sums(part)[0], part.payment_status) == ("6.00", PAYMENT_STATUS_UNPAID)
    whole = tell(state, order, VOIDED)
    assert sums(whole)[0] == "0.00"
    assert whole.payment.voided_amount == money("10.00")
    assert not history(state, order)[-1].payment_event.HasField("amount")


def test_a_failed_payment_is_a_failed_order_until_something_else_comes(state: State, order: Order) -> None:
    failed = tell(state, order, FAILED, description="no funds")
    assert (failed.status, failed.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_FAILED)
    assert not failed.HasField("payment")
    assert list(history(state, order)[-1].changed_fields) == ["payment_status", "payments"]
    assert tell(state, order, PAID, "1.00").payment_status == PAYMENT_STATUS_PARTIALLY_PAID
    assert tell(state, order, PAID, "9.00").payment_status == PAYMENT_STATUS_PAID


@pytest.mark.parametrize(
    ("kind", "value", "status"),
    [
        (AUTHORIZED, "10.00", PAYMENT_STATUS_AUTHORIZED),
        (PAID, "10.00", PAYMENT_STATUS_PAID),
        (PAID, "1.00", PAYMENT_STATUS_PARTIALLY_PAID),
    ],
)
def test_a_failure_after_money_came_is_only_a_record(
    state: State, order: Order, kind: PaymentEventType, value: str, status: PaymentStatus
) -> None:
    tell(state, order, kind, value)
    failed = tell(state, order, FAILED)
    assert failed.payment_status == status
    assert list(history(state, order)[-1].changed_fields) == []


def test_what_is_paid_beyond_the_total_is_due_for_refund_until_it_is_back(state: State, order: Order) -> None:
    over = tell(state, order, PAID, "25.00")
    assert (over.status, over.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_REFUND_DUE)
    assert sums(over) == ("0.00", "25.00", "0.00")
    part = tell(state, order, REFUNDED, "5.00")
    assert part.payment_status == PAYMENT_STATUS_REFUND_DUE
    assert run(state, refund(order, "10.00")).payment_status == PAYMENT_STATUS_REFUND_DUE
    even = tell(state, order, REFUNDED, refund_id="2")
    assert (even.payment_status, sums(even)) == (PAYMENT_STATUS_PAID, ("0.00", "25.00", "15.00"))
    assert tell(state, order, REFUNDED, "0.01").payment_status == PAYMENT_STATUS_PARTIALLY_REFUNDED
    assert tell(state, order, REFUNDED, "9.99").payment_status == PAYMENT_STATUS_REFUNDED


def test_an_order_that_was_paid_back_and_is_paid_again_is_paid(state: State) -> None:
    order = paid_order(state)
    assert tell(state, order, REFUNDED, "4.00").payment_status == PAYMENT_STATUS_PARTIALLY_REFUNDED
    assert tell(state, order, PAID, "4.00").payment_status == PAYMENT_STATUS_PAID


def test_a_payment_without_an_amount_is_the_rest(state: State, order: Order) -> None:
    tell(state, order, PAID, "4.00")
    whole = tell(state, order, PAID, event_id="rest")
    assert (whole.status, sums(whole)) == (ORDER_STATUS_CONFIRMED, ("0.00", "10.00", "0.00"))
    assert state.payments["external", "rest"][1].amount == money("6.00")
    again = tell(state, order, PAID, event_id="again")
    assert (again.payment_status, sums(again)) == (PAYMENT_STATUS_PAID, ("0.00", "10.00", "0.00"))
    assert state.payments["external", "again"][1].amount == money("0.00")


def test_a_hold_without_an_amount_is_of_the_rest(state: State, order: Order) -> None:
    tell(state, order, PAID, "4.00")
    held = tell(state, order, AUTHORIZED)
    assert (held.status, held.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_AUTHORIZED)
    assert sums(held) == ("6.00", "4.00", "0.00")
    assert sums(tell(state, order, PAID)) == ("0.00", "10.00", "0.00")


def test_the_total_less_what_is_kept_is_left_to_pay(state: State, order: Order) -> None:
    tell(state, order, PAID, "12.00")
    assert sums(tell(state, order, PAID, event_id="again"))[1] == "12.00"
    tell(state, order, REFUNDED, "5.00")
    assert sums(tell(state, order, PAID, event_id="once more"))[1] == "15.00"


@pytest.mark.parametrize("kind", [AUTHORIZED, PAID])
@pytest.mark.parametrize("value", ["", "10.00"])
def test_what_went_back_before_an_order_was_confirmed_is_left_to_pay(
    state: State, order: Order, kind: PaymentEventType, value: str
) -> None:
    tell(state, order, PAID, "4.00")
    back = tell(state, order, REFUNDED, "4.00")
    assert (back.status, back.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_REFUNDED)
    after = tell(state, order, kind, value)
    expected = PAYMENT_STATUS_PAID if kind == PAID else PAYMENT_STATUS_AUTHORIZED
    assert (after.status, after.payment_status) == (ORDER_STATUS_CONFIRMED, expected)


def test_what_was_paid_in_part_and_in_part_paid_back_confirms_nothing(state: State, order: Order) -> None:
    tell(state, order, PAID, "6.00")
    part = tell(state, order, REFUNDED, "1.00")
    assert (part.status, part.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_PARTIALLY_REFUNDED)
    assert tell(state, order, PAID, "4.99").status == ORDER_STATUS_PENDING
    error = refuse(state, transition(order, ORDER_STATUS_CONFIRMED), PAYMENT)
    assert error.metadata["guard"] == "paid"
    assert ": 9.99 USD of 10.00 USD are paid or authorized;" in error.message
    assert tell(state, order, PAID, "0.01").status == ORDER_STATUS_CONFIRMED


def test_what_is_about_to_go_back_confirms_nothing_unless_it_stays(state: State, order: Order) -> None:
    tell(state, order, PAID, "4.00")
    run(state, refund(order))
    asked = tell(state, order, PAID, "6.00")
    assert (asked.status, asked.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_REFUND_DUE)
    stays = tell(state, order, REFUND_FAILED, refund_id="1")
    assert (stays.status, stays.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)


def test_money_for_a_cancelled_order_is_due_for_refund(state: State, order: Order) -> None:
    run(state, CancelOrderRequest(order_id=order.order_id))
    late = tell(state, order, PAID)
    assert (late.status, late.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_REFUND_DUE)
    back = tell(state, order, REFUNDED, "10.00")
    assert back.payment_status == PAYMENT_STATUS_REFUNDED


def test_a_late_hold_on_a_cancelled_order_is_due_until_it_is_voided(state: State, order: Order) -> None:
    run(state, CancelOrderRequest(order_id=order.order_id))
    assert tell(state, order, AUTHORIZED).payment_status == PAYMENT_STATUS_REFUND_DUE
    assert tell(state, order, VOIDED).payment_status == PAYMENT_STATUS_UNPAID


def test_money_may_come_after_the_parcel_has_left(state: State) -> None:
    shipped = order_in(state, ORDER_STATUS_SHIPPED)
    again = tell(state, shipped, PAID, "3.00")
    assert (again.status, sums(again)[1]) == (ORDER_STATUS_SHIPPED, "13.00")


def test_an_imported_order_can_be_paid(state: State) -> None:
    run(state, import_of(upsert("ID-01")))
    (imported,) = state.orders.values()
    after = tell(state, imported, PAID)
    assert (after.status, sums(after)[1]) == (ORDER_STATUS_CONFIRMED, "25.00")
    assert after.invoice_number == ""


def test_an_order_that_costs_nothing_is_confirmed_without_payment() -> None:
    state = new_state(product(price="0.00"))
    order = run(state, create())
    assert run(state, transition(order, ORDER_STATUS_CONFIRMED), PAYMENT).status == ORDER_STATUS_CONFIRMED
    dear = new_state(product(price="0.01"))
    other = run(dear, create())
    assert refuse(dear, transition(other, ORDER_STATUS_CONFIRMED), PAYMENT).metadata["guard"] == "paid"


@pytest.mark.parametrize("kind", [FAILED, VOIDED])
def test_an_order_that_costs_nothing_is_not_confirmed_by_a_payment_that_came_to_nothing(kind: PaymentEventType) -> None:
    state = new_state(product(price="0.00"))
    order = run(state, create())
    assert tell(state, order, kind).status == ORDER_STATUS_PENDING
    assert tell(state, order, PAID).status == ORDER_STATUS_CONFIRMED


@pytest.mark.parametrize(
    ("kept", "cancelled"),
    [
        (PAYMENT_STATUS_PAID, PAYMENT_STATUS_REFUND_DUE),
        (PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_REFUND_DUE),
        (PAYMENT_STATUS_PARTIALLY_REFUNDED, PAYMENT_STATUS_REFUND_DUE),
        (PAYMENT_STATUS_FAILED, PAYMENT_STATUS_FAILED),
        (PAYMENT_STATUS_UNPAID, PAYMENT_STATUS_UNPAID),
    ],
)
def test_an_order_stored_with_a_status_and_no_sums_is_cancelled_by_its_status(
    state: State, order: Order, kept: PaymentStatus, cancelled: PaymentStatus
) -> None:
    pay(state, order, kept)
    assert run(state, CancelOrderRequest(order_id=order.order_id)).payment_status == cancelled


def test_a_failure_does_not_unpay_an_order_stored_without_sums(state: State, order: Order) -> None:
    pay(state, order)
    assert tell(state, order, FAILED).payment_status == PAYMENT_STATUS_PAID


def test_every_status_follows_from_the_sums() -> None:
    """The whole table: authorized, paid, refunded, a pending refund, cancelled; the total is 10."""
    table: Iterable[tuple[int, int, int, int, bool, str]] = [
        (0, 0, 0, 0, False, "UNPAID"),
        (9, 0, 0, 0, False, "UNPAID"),
        (10, 0, 0, 0, False, "AUTHORIZED"),
        (4, 6, 0, 0, False, "AUTHORIZED"),
        (0, 9, 0, 0, False, "PARTIALLY_PAID"),
        (0, 10, 0, 0, False, "PAID"),
        (5, 10, 0, 0, False, "PAID"),
        (0, 12, 0, 0, False, "REFUND_DUE"),
        (5, 12, 0, 0, False, "REFUND_DUE"),
        (0, 12, 1, 0, False, "REFUND_DUE"),
        (0, 12, 2, 0, False, "PAID"),
        (0, 12, 2, 1, False, "REFUND_DUE"),
        (0, 12, 3, 0, False, "PARTIALLY_REFUNDED"),
        (0, 12, 12, 0, False, "REFUNDED"),
        (0, 12, 2, 0, True, "REFUND_DUE"),
        (10, 4, 4, 0, False, "AUTHORIZED"),
        (3, 10, 3, 0, False, "AUTHORIZED"),
        (2, 10, 3, 0, False, "PARTIALLY_REFUNDED"),
        (2, 4, 4, 0, False, "REFUNDED"),
        (0, 10, 0, 3, False, "REFUND_DUE"),
        (0, 10, 3, 0, False, "PARTIALLY_REFUNDED"),
        (0, 10, 3, 3, False, "REFUND_DUE"),
        (0, 10, 10, 0, False, "REFUNDED"),
        (0, 4, 4, 0, False, "REFUNDED"),
        (0, 0, 0, 0, True, "UNPAID"),
        (10, 0, 0, 0, True, "REFUND_DUE"),
        (0, 10, 3, 0, True, "REFUND_DUE"),
        (0, 10, 10, 0, True, "REFUNDED"),
        (2, 10, 10, 0, True, "REFUND_DUE"),
    ]
    for authorized, paid, refunded, pending, cancelled, status in table:
        order = Order(status=ORDER_STATUS_CANCELLED if cancelled else ORDER_STATUS_CONFIRMED)
        order.pricing.total.CopyFrom(money("10"))
        order.payment.authorized_amount.CopyFrom(money(str(authorized)))
        order.payment.paid_amount.CopyFrom(money(str(paid)))
        order.payment.refunded_amount.CopyFrom(money(str(refunded)))
        if pending:
            order.refunds.append(Refund(amount=money(str(pending)), status=REFUND_STATUS_PENDING))
        found = PaymentStatus.Name(payment_status_of(order))
        assert found == f"PAYMENT_STATUS_{status}", (authorized, paid, refunded, pending, cancelled)


# What counts once.


@pytest.mark.parametrize("kind", [AUTHORIZED, PAID, FAILED, VOIDED])
def test_the_same_event_again_changes_nothing(state: State, order: Order, kind: PaymentEventType) -> None:
    once = tell(state, order, kind)
    assert tell(state, order, kind) == once
    assert len(state.changes.payments) == 1


def test_the_same_event_may_say_the_amount_or_leave_it_to_us(state: State, order: Order) -> None:
    once = tell(state, order, PAID, event_id="e1")
    assert tell(state, order, PAID, "10.00", event_id="e1") == once
    assert tell(state, order, PAID, event_id="e1", provider="external") == once


def test_another_provider_may_use_the_same_id(state: State, order: Order) -> None:
    tell(state, order, PAID, "4.00", event_id="e1", provider="stripe")
    assert sums(tell(state, order, PAID, "5.00", event_id="e1", provider="paypal"))[1] == "9.00"


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ({"kind": PAID, "value": "9.00"}, "amount"),
        ({"kind": FAILED}, "type"),
        ({"kind": REFUNDED, "value": "10.00", "refund_id": "1"}, "type, refund_id"),
        ({"kind": VOIDED, "value": "1.00"}, "type, amount"),
    ],
)
def test_an_id_is_not_used_for_another_event(state: State, order: Order, event: dict[str, Any], fields: str) -> None:
    tell(state, order, PAID, event_id="e1")
    error = refuse(state, report(order, **event, event_id="e1"), PAYMENT)
    assert error.reason == "IDEMPOTENCY_KEY_REUSED"
    assert error.metadata == {"request_id": "e1", "fields": fields}


def test_an_id_is_not_used_for_another_order(state: State, order: Order) -> None:
    tell(state, order, PAID, event_id="e1")
    error = refuse(state, report(run(state, create()), PAID, event_id="e1"), PAYMENT)
    assert error.metadata["fields"] == "order_id"


# What is refused.


@pytest.mark.parametrize("caller", [CUSTOMER, FULFILMENT])
def test_only_the_payment_service_and_admins_record_payments_and_refund(
    state: State, order: Order, caller: Caller
) -> None:
    settle = SettleIntent(order.order_id, PaymentIntent(id="pi"), None, cancels=False)
    for request in (report(order, PAID), refund(order), settle):
        error = refuse(state, request, caller)
        assert error.reason == "ORDER_ACCESS_DENIED"
        assert error.metadata == {"order_id": order.order_id, "status": "PENDING", "roles": "admin, payment"}


def test_an_amount_in_another_currency_is_refused(state: State, order: Order) -> None:
    request = report(order, PAID)
    request.event.amount.CopyFrom(money("10", "EUR"))
    assert fields_of(refuse(state, request, PAYMENT)) == ["event.amount.currency_code"]
    back = refund(order)
    back.amount.CopyFrom(money("10", "EUR"))
    assert fields_of(refuse(state, back)) == ["amount.currency_code"]


def test_sums_have_a_bound(state: State, order: Order) -> None:
    most = 10**13
    tell(state, order, PAID, str(most))
    error = refuse(state, report(order, PAID, "0.01"), PAYMENT)
    assert fields_of(error) == ["event.amount"]


def test_a_refund_without_id_and_amount_says_too_little(state: State) -> None:
    assert fields_of(refuse(state, report(paid_order(state), REFUNDED), PAYMENT)) == ["event.amount"]


def test_a_refund_of_nothing_is_refused(state: State) -> None:
    order = paid_order(state)
    assert fields_of(refuse(state, report(order, REFUNDED, "0.00"), PAYMENT)) == ["event.amount"]
    assert fields_of(refuse(state, refund(order, "0.00"))) == ["amount"]


@pytest.mark.parametrize("kind", [REFUNDED, REFUND_FAILED])
def test_a_refund_that_the_order_has_not_is_refused(state: State, kind: PaymentEventType) -> None:
    order = paid_order(state)
    assert fields_of(refuse(state, report(order, kind, refund_id="7"), PAYMENT)) == ["event.refund_id"]


# Refunds.


def test_a_refund_is_asked_for_and_then_made(state: State) -> None:
    order = paid_order(state)
    asked = run(state, refund(order, "4.00", reason="scratched"), PAYMENT)
    (made,) = asked.refunds
    assert (made.refund_id, made.amount, made.reason) == ("1", money("4.00"), "scratched")
    assert (made.status, made.create_time) == (REFUND_STATUS_PENDING, NOW)
    assert asked.payment_status == PAYMENT_STATUS_REFUND_DUE
    event = history(state, order)[-1]
    assert (event.type, event.reason) == (ORDER_EVENT_TYPE_REFUND, "scratched")
    assert list(event.changed_fields) == ["payment_status", "payment", "refunds"]

    done = tell(state, order, REFUNDED, refund_id="1")
    assert done.refunds[0].status == REFUND_STATUS_SUCCEEDED
    assert (done.payment_status, sums(done)) == (PAYMENT_STATUS_PARTIALLY_REFUNDED, ("0.00", "10.00", "4.00"))
    assert list(history(state, order)[-1].changed_fields) == ["payment_status", "payment", "payments", "refunds"]


def test_without_an_amount_everything_that_is_left_is_refunded(state: State) -> None:
    order = paid_order(state)
    run(state, refund(order, "4.00"))
    rest = run(state, refund(order))
    assert [one.refund_id for one in rest.refunds] == ["1", "2"]
    assert rest.refunds[1].amount == money("6.00")
    error = refuse(state, refund(order))
    assert (error.reason, error.metadata["refundable"]) == ("REFUND_EXCEEDS_PAYMENT", "0.00 USD")


def test_no_more_is_refunded_than_was_paid(state: State) -> None:
    order = paid_order(state)
    error = refuse(state, refund(order, "10.01"))
    assert error.reason == "REFUND_EXCEEDS_PAYMENT"
    assert error.metadata == {"order_id": order.order_id, "requested": "10.01 USD", "refundable": "10.00 USD"}


def test_an_unpaid_order_has_nothing_to_refund(state: State, order: Order) -> None:
    assert refuse(state, refund(order)).reason == "REFUND_EXCEEDS_PAYMENT"


def test_a_refund_of_another_version_is_refused(state: State) -> None:
    order = paid_order(state)
    assert refuse(state, refund(order, etag="1")).reason == "ETAG_MISMATCH"
    assert run(state, refund(order, etag=order.etag)).refunds


def test_a_refund_made_at_the_provider_is_recorded_beside_the_pending_ones(state: State) -> None:
    order = paid_order(state)
    run(state, refund(order, "7.00"))
    after = tell(state, order, REFUNDED, "3.00", description="goodwill")
    assert (after.refunds[1].status, after.refunds[1].reason) == (REFUND_STATUS_SUCCEEDED, "goodwill")
    assert after.payment_status == PAYMENT_STATUS_REFUND_DUE


def test_a_failed_refund_gives_its_amount_free_again(state: State) -> None:
    order = paid_order(state)
    run(state, refund(order))
    failed = tell(state, order, REFUND_FAILED, refund_id="1", description="account closed")
    assert (failed.refunds[0].status, failed.payment_status) == (REFUND_STATUS_FAILED, PAYMENT_STATUS_PAID)
    assert sums(failed) == ("0.00", "10.00", "0.00")
    assert run(state, refund(order)).refunds[1].amount == money("10.00")


def test_a_refund_that_had_failed_may_succeed_late(state: State) -> None:
    order = paid_order(state)
    run(state, refund(order, "6.00"))
    tell(state, order, REFUND_FAILED, refund_id="1")
    assert tell(state, order, REFUNDED, refund_id="1").refunds[0].status == REFUND_STATUS_SUCCEEDED
    bounced = tell(state, order, REFUND_FAILED, refund_id="1", event_id="bounced")
    assert (bounced.refunds[0].status, sums(bounced)) == (REFUND_STATUS_FAILED, ("0.00", "10.00", "0.00"))


def test_a_refund_is_made_once_and_with_its_own_amount(state: State) -> None:
    order = paid_order(state)
    run(state, refund(order, "4.00"))
    assert fields_of(refuse(state, report(order, REFUNDED, "3.00", refund_id="1"), PAYMENT)) == ["event.amount"]
    assert fields_of(refuse(state, report(order, REFUND_FAILED, "3.00", refund_id="1"), PAYMENT)) == ["event.amount"]
    tell(state, order, REFUNDED, refund_id="1")
    again = tell(state, order, REFUNDED, refund_id="1", event_id="another")
    assert (len(again.refunds), sums(again)) == (1, ("0.00", "10.00", "4.00"))


def test_a_cancelled_order_is_refunded(state: State) -> None:
    order = order_in(state, ORDER_STATUS_CANCELLED)
    run(state, refund(order))
    done = tell(state, order, REFUNDED, refund_id="1")
    assert (done.status, done.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_REFUNDED)


def test_an_order_takes_a_hundred_refunds(state: State) -> None:
    order = paid_order(state)
    for _ in range(100):
        run(state, refund(order, "0.01"))
    assert fields_of(refuse(state, refund(order, "0.01"))) == ["order_id"]
    assert fields_of(refuse(state, report(order, REFUNDED, "0.01"), PAYMENT)) == ["order_id"]


# Intents.


def settle(
    order: Order,
    status: PaymentIntentStatus,
    event: PaymentEvent | None = None,
    *,
    cancels: bool = True,
    secret: str = "",
) -> SettleIntent:
    intent = PaymentIntent(id="pi_1", status=status, client_secret=secret, provider="test")
    return SettleIntent(order.order_id, intent, event, cancels)


def declined(event_id: str = "e1") -> PaymentEvent:
    return PaymentEvent(provider="test", event_id=event_id, type=FAILED, description="no funds")


def test_an_intent_is_stored_without_its_secret(state: State, order: Order) -> None:
    request = settle(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD, secret="s3cret")
    after = run(state, request, PAYMENT)
    assert (after.payment_intent.id, after.payment_intent.client_secret) == ("pi_1", "")
    assert b"s3cret" not in state.changes.snapshots[order.order_id]
    event = history(state, order)[-1]
    assert (event.type, list(event.changed_fields)) == (ORDER_EVENT_TYPE_PAYMENT, ["payment_intent"])
    assert run(state, request, PAYMENT) == after


def test_a_paid_intent_confirms_the_order_in_one_change(state: State, order: Order) -> None:
    event = PaymentEvent(provider="test", event_id="e1", type=PAID)
    request = settle(order, PAYMENT_INTENT_STATUS_SUCCEEDED, event)
    after = run(state, request, PAYMENT)
    assert (after.status, after.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)
    assert after.invoice_number
    kinds = [event.type for event in history(state, order)[1:]]
    assert kinds == [ORDER_EVENT_TYPE_PAYMENT, ORDER_EVENT_TYPE_PAYMENT, ORDER_EVENT_TYPE_STATUS_CHANGED]
    assert run(state, request, PAYMENT) == after


def test_a_declined_intent_cancels_the_order_and_releases_what_it_held() -> None:
    state = new_state(product(stock=5))
    order = run(state, create(line(quantity=2)))
    assert state.stock.get(("chair", "")) == 3
    request = settle(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD, declined())
    after = run(state, request, ADMIN)
    assert (after.status, after.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_FAILED)
    assert after.cancellation.reason == "payment declined: no funds"
    assert after.payment_intent.status == PAYMENT_INTENT_STATUS_CANCELLED
    assert state.stock.get(("chair", "")) == 5
    assert run(state, request, ADMIN) == after


def test_a_declined_intent_that_does_not_cancel_leaves_the_order_pending(state: State, order: Order) -> None:
    request = settle(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD, declined(), cancels=False)
    after = run(state, request, ADMIN)
    assert (after.status, after.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_FAILED)
    # The same decline is known now; whoever says it again does not cancel by it.
    again = settle(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD, declined())
    assert run(state, again, ADMIN) == after


def test_a_decline_does_not_cancel_an_order_that_was_paid_meanwhile(state: State, order: Order) -> None:
    tell(state, order, PAID)
    after = run(state, settle(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD, declined()), ADMIN)
    assert (after.status, after.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)


def test_an_intent_paid_after_the_cancellation_is_due_for_refund(state: State, order: Order) -> None:
    run(state, CancelOrderRequest(order_id=order.order_id))
    event = PaymentEvent(provider="test", event_id="e1", type=PAID)
    after = run(state, settle(order, PAYMENT_INTENT_STATUS_SUCCEEDED, event), PAYMENT)
    assert (after.status, after.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_REFUND_DUE)
    assert after.payment_intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED


def test_an_unpaid_intent_is_cancelled_with_its_order_before_or_after(state: State, order: Order) -> None:
    request = settle(order, PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE)
    run(state, request, PAYMENT)
    after = run(state, CancelOrderRequest(order_id=order.order_id))
    assert after.payment_intent.status == PAYMENT_INTENT_STATUS_CANCELLED
    assert run(state, request, PAYMENT) == after


def test_a_paid_intent_stays_what_it_is_when_its_order_is_cancelled(state: State, order: Order) -> None:
    event = PaymentEvent(provider="test", event_id="e1", type=PAID)
    run(state, settle(order, PAYMENT_INTENT_STATUS_SUCCEEDED, event), PAYMENT)
    after = run(state, CancelOrderRequest(order_id=order.order_id))
    assert after.payment_intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED


def test_an_intent_stands_where_the_events_of_its_own_provider_bring_it(state: State, order: Order) -> None:
    run(state, settle(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD), PAYMENT)
    held = tell(state, order, AUTHORIZED, provider="test")
    assert held.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE
    # Another one's report is no part of it as long as the hold is needed.
    part = tell(state, order, PAID, "4.00", provider="bank")
    assert part.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE
    paid = tell(state, order, PAID, "6.00", provider="test")
    assert paid.payment_intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED


@pytest.mark.parametrize("kind", [AUTHORIZED, PAID])
def test_an_order_that_another_provider_took_the_money_for_needs_its_intent_no_more(
    state: State, order: Order, kind: PaymentEventType
) -> None:
    run(state, settle(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD), PAYMENT)
    part = tell(state, order, PAID, "4.00", provider="bank")
    assert part.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
    whole = tell(state, order, kind, "6.00", provider="bank")
    assert whole.payment_intent.status == PAYMENT_INTENT_STATUS_CANCELLED


def test_an_intent_is_still_needed_where_the_other_providers_money_went_back(state: State, order: Order) -> None:
    run(state, settle(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD), PAYMENT)
    tell(state, order, PAID, "4.00", provider="bank")
    tell(state, order, REFUNDED, "4.00", provider="bank")
    part = tell(state, order, PAID, "6.00", provider="bank")
    assert (part.status, part.payment_intent.status) == (
        ORDER_STATUS_PENDING,
        PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    )
    whole = tell(state, order, PAID, provider="test")
    assert (whole.status, whole.payment_intent.status) == (ORDER_STATUS_CONFIRMED, PAYMENT_INTENT_STATUS_SUCCEEDED)


# Whatever happens.

KINDS = [AUTHORIZED, PAID, FAILED, REFUNDED, REFUND_FAILED, VOIDED]
VALUES = ["", "0.01", "3.00", "10.00", "12.50"]

reports = st.builds(
    lambda kind, value, refund_id, event_id: (kind, value, refund_id, event_id),
    st.sampled_from(KINDS),
    st.sampled_from(VALUES),
    st.sampled_from(["", "1", "2", "3"]),
    st.sampled_from([f"e{number}" for number in range(12)]),
)
steps = st.one_of(reports, st.sampled_from(VALUES), st.just("cancel"))


def request_of(order: Order, step: Any) -> Any:
    if step == "cancel":
        return CancelOrderRequest(order_id=order.order_id)
    if isinstance(step, str):
        return refund(order, step)
    kind, value, refund_id, event_id = step
    return report(order, kind, value, event_id=event_id, refund_id=refund_id)


def minor(value: Decimal) -> int:
    return int(value * 100)


@given(st.lists(steps, max_size=25))
@unhurried
def test_sums_are_those_of_the_events(taken: list[Any]) -> None:
    store = Store()
    store.put_products(product(price="10.00"))
    order = store.do(create())
    carried_out = []
    for step in taken:
        request = request_of(order, step)
        (outcome,) = store.execute(command(request))
        if isinstance(outcome, Answer) and isinstance(request, RecordPaymentRequest):
            carried_out.append(request)
        now = store.order(order.order_id)
        check_sums(now, [event for _, event in store.payments.values()])
        assert now.payment_status == payment_status_of(now)
        check_history(store, now)
    final = store.orders[order.order_id]
    for request in carried_out:
        (outcome,) = store.execute(command(request))
        assert isinstance(outcome, Answer)
    assert store.orders[order.order_id] == final, "an event that was recorded counted again"
    assert len(store.payments) == len({request.event.event_id for request in carried_out})


def check_sums(order: Order, events: list[PaymentEvent]) -> None:
    def total(kind: PaymentEventType) -> int:
        return sum(minor(amount(event.amount)) for event in events if event.type == kind)

    def of(*statuses: int) -> int:
        return sum(minor(amount(one.amount)) for one in order.refunds if one.status in statuses)

    paid, refunded = minor(amount(order.payment.paid_amount)), minor(amount(order.payment.refunded_amount))
    assert minor(amount(order.payment.authorized_amount)) >= 0
    assert paid == total(PAID)
    assert refunded == of(REFUND_STATUS_SUCCEEDED) <= total(REFUNDED)
    assert [one.refund_id for one in order.refunds] == [str(number + 1) for number in range(len(order.refunds))]


def check_history(store: Store, order: Order) -> None:
    events = store.history(order.order_id)
    assert [event.version for event in events] == list(range(1, order.version + 1))
    recorded = [event.payment_event for event in events if event.HasField("payment_event")]
    assert recorded == [event for _, event in store.payments.values()]
    credited = [one for one in order.refunds if one.credit_note_number]
    assert not credited or order.invoice_number
    numbers = [getattr(document, "credit_note_number", "") for document in store.documents]
    assert sorted(filter(None, numbers)) == sorted(one.credit_note_number for one in credited)
    # An invoice is never less than nothing, nor less by what is kept of it.
    value = sum(minor(amount(document.amount)) for document in store.documents if isinstance(document, CreditNote))
    assert (
        value == sum(minor(amount(one.credited_amount)) for one in order.refunds) <= minor(amount(order.pricing.total))
    )
    assert all(amount(one.credited_amount) <= amount(one.amount) for one in order.refunds)


def test_a_stored_order_is_found_as_it_was_answered(state: State, order: Order) -> None:
    assert tell(state, order, PAID) == stored(state, order)
