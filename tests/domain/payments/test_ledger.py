"""The ledger: an order's payments follow from the set of its payment events, in whatever order they arrive."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from orders.v1 import order_pb2 as pb
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CapturePaymentRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    VoidPaymentRequest,
)

from server.domain.base.errors import Refusal
from server.domain.base.money import minor_of
from server.domain.base.state import State
from server.domain.payments.ledger import ledger_of
from tests.domain.builders import (
    PAYMENT,
    Store,
    at,
    command,
    create,
    fields_of,
    money,
    new_state,
    product,
    refuse,
    run,
    unhurried,
)

CONFIRMED, PENDING = pb.ORDER_STATUS_CONFIRMED, pb.ORDER_STATUS_PENDING
KINDS = [kind for kind in pb.PaymentEventType.values() if kind]


def event(kind: str, value: str = "", *, seconds: int = 0, **more: Any) -> pb.PaymentEvent:
    """An event at a number of seconds; its id follows from its content."""
    made = pb.PaymentEvent(type=f"PAYMENT_EVENT_TYPE_{kind}", **{"provider": "adyen", "time": at(seconds)} | more)
    if value:
        made.amount.CopyFrom(money(value))
    made.event_id = more.get("event_id", f"{kind}-{value}-{seconds}-{made.provider}-{made.payment_id}")
    return made


def order_of(total: str) -> tuple[State, pb.Order]:
    state = new_state(product(price=total))
    return state, run(state, create())


def tell(state: State, order: pb.Order, *events: pb.PaymentEvent) -> pb.Order:
    for each in events:
        order = run(state, RecordPaymentRequest(order_id=order.order_id, event=each), PAYMENT)
    return order


def after(total: str, *events: pb.PaymentEvent) -> pb.Order:
    """A new order after these events."""
    return tell(*order_of(total), *events)


def sums(order: pb.Order) -> tuple[int, int, int]:
    """The amounts held, paid and refunded, in cents."""
    payment = order.payment
    return minor_of(payment.authorized_amount), minor_of(payment.paid_amount), minor_of(payment.refunded_amount)


def status(order: pb.Order) -> str:
    return pb.PaymentStatus.Name(order.payment_status).removeprefix("PAYMENT_STATUS_")


def test_holds_of_two_payments_add_up() -> None:
    order = after(
        "434.32", event("AUTHORIZED", "200.00", payment_id="gift"), event("AUTHORIZED", "234.32", payment_id="card")
    )
    assert (order.status, status(order), sums(order)) == (CONFIRMED, "AUTHORIZED", (43432, 0, 0))
    assert {payment.payment_id for payment in order.payments} == {"adyen:card", "adyen:gift"}


def test_a_hold_and_a_payment_of_two_providers_confirm_an_order() -> None:
    order = after("47.80", event("AUTHORIZED", "30.00"), event("PAID", "17.80", provider="paypal"))
    assert (order.status, status(order), sums(order)) == (CONFIRMED, "AUTHORIZED", (3000, 1780, 0))


def test_a_release_by_a_provider_that_holds_nothing_changes_nothing() -> None:
    order = after("10.00", event("AUTHORIZED", "10.00"), event("VOIDED", provider="paypal", seconds=1))
    assert (status(order), sums(order)) == ("AUTHORIZED", (1000, 0, 0))
    assert [payment.provider for payment in order.payments] == ["adyen"]


@pytest.mark.parametrize("payment_ids", [("a1", "a2"), ("a1", "a1")], ids=["two payments", "one payment, twice"])
def test_a_late_release_of_the_first_hold_leaves_the_second(payment_ids: tuple[str, str]) -> None:
    first, second = payment_ids
    holds = [event("AUTHORIZED", "10.00", payment_id=first), event("AUTHORIZED", "10.00", payment_id=second, seconds=9)]
    order = after("10.00", *holds, event("VOIDED", payment_id=first, seconds=5))
    assert (status(order), sums(order)) == ("AUTHORIZED", (1000, 0, 0))


def test_a_release_that_arrives_before_its_hold_releases_it() -> None:
    order = after("10.00", event("VOIDED", seconds=9), event("AUTHORIZED", "10.00", seconds=1))
    assert (order.status, status(order), sums(order)) == (PENDING, "UNPAID", (0, 0, 0))
    assert pb.PaymentStatus.Name(order.payments[0].status) == "PAYMENT_STATUS_VOIDED"


@pytest.mark.parametrize("value", ["10.00", ""], ids=["with its amount", "without an amount"])
def test_a_charge_reported_under_two_ids_is_paid_once(value: str) -> None:
    state, order = order_of("10.00")
    paid = tell(state, order, *(event("PAID", value, payment_id="ch_1", event_id=name) for name in ("e1", "e2")))
    assert (status(paid), sums(paid)) == ("PAID", (0, 1000, 0))
    refunded = run(state, RefundOrderRequest(order_id=order.order_id))
    assert refunded.refunds[0].amount == money("10.00")


def test_equal_captures_count_twice_where_they_have_ids_of_their_own() -> None:
    captures = [event("PAID", "5.00", payment_id="ch_1", transaction_id=name, event_id=name) for name in ("c1", "c2")]
    again = event("PAID", "5.00", payment_id="ch_1", event_id="intent")
    order = after("10.00", event("AUTHORIZED", "10.00", payment_id="ch_1"), *captures, again)
    assert (status(order), sums(order)) == ("PAID", (0, 1000, 0))


@pytest.mark.parametrize("value", ["10.00", ""], ids=["with its amount", "without an amount"])
def test_a_late_report_of_a_refunded_charge_pays_nothing(value: str) -> None:
    paid, late = (
        event("PAID", "10.00", payment_id="ch_1"),
        event("PAID", value, payment_id="ch_1", event_id="late", seconds=9),
    )
    order = after("10.00", paid, event("REFUNDED", "10.00", payment_id="ch_1", seconds=5), late)
    assert (status(order), sums(order)) == ("REFUNDED", (0, 1000, 1000))


def test_what_was_refunded_is_left_to_pay() -> None:
    steps = [event("PAID", "50.00"), event("REFUNDED", "50.00", seconds=1), event("AUTHORIZED", seconds=2)]
    held = after("100.00", *steps)
    assert (held.status, sums(held)) == (CONFIRMED, (10000, 5000, 5000))
    order = after("100.00", *steps, event("PAID", seconds=3))
    assert (status(order), sums(order)) == ("PAID", (0, 15000, 5000))


def test_a_part_is_paid_in_part() -> None:
    assert status(after("97.90", event("PAID", "40.00"))) == "PARTIALLY_PAID"


def test_a_lost_dispute_keeps_its_amount() -> None:
    state, order = order_of("10.00")
    tell(state, order, event("PAID", "10.00"), event("DISPUTE_LOST", "4.00", seconds=1))
    later = event("DISPUTE_LOST", "5.00", seconds=2, event_id="later")
    error = refuse(state, RecordPaymentRequest(order_id=order.order_id, event=later), PAYMENT)
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", ["event.amount"])


def test_an_event_without_a_payment_is_refused_if_several_are_open() -> None:
    state, order = order_of("10.00")
    tell(state, order, event("AUTHORIZED", "4.00", payment_id="a1"), event("AUTHORIZED", "6.00", payment_id="a2"))
    error = refuse(state, RecordPaymentRequest(order_id=order.order_id, event=event("VOIDED")), PAYMENT)
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", ["event.payment_id"])
    assert "'a1' (4.00 USD held" in error.message
    assert "'a2' (6.00 USD held" in error.message
    tell(state, order, event("VOIDED", payment_id="a1", seconds=1))
    assert sums(tell(state, order, event("VOIDED", seconds=2))) == (0, 0, 0)


def test_a_partial_hold_of_a_cancelled_order_is_due_until_it_is_released() -> None:
    state, order = order_of("10.00")
    tell(state, order, event("AUTHORIZED", "4.00"))
    cancelled = run(state, CancelOrderRequest(order_id=order.order_id))
    assert (status(cancelled), cancelled.payment.refund_due_amount) == ("REFUND_DUE", money("4.00"))
    released = tell(state, order, event("VOIDED", seconds=1))
    assert (status(released), released.payment.refund_due_amount) == ("UNPAID", money("0.00"))


# Refunds.


def two_providers() -> tuple[State, pb.Order]:
    state, order = order_of("47.80")
    return state, tell(
        state, order, event("PAID", "30.00"), event("PAID", "17.80", provider="paypal", payment_id="PP-7")
    )


def test_a_refund_names_its_payment_if_there_are_several() -> None:
    state, order = two_providers()
    error = refuse(state, RefundOrderRequest(order_id=order.order_id))
    assert (fields_of(error), "'paypal:PP-7' (17.80 USD)" in error.message) == (["payment_id"], True)
    for name in ("PP-7", "paypal:PP-7"):
        asked = run(state, RefundOrderRequest(order_id=order.order_id, payment_id=name, amount=money("1.00")))
        assert asked.refunds[-1].payment_id == "paypal:PP-7"
    unknown = RefundOrderRequest(order_id=order.order_id, payment_id="ch_9")
    assert refuse(state, unknown).reason == "PAYMENT_NOT_FOUND"
    more = RefundOrderRequest(order_id=order.order_id, payment_id="PP-7", amount=money("15.81"))
    assert refuse(state, more).metadata["refundable"] == "15.80 USD"


def test_money_that_two_providers_pay_back_is_recorded_twice() -> None:
    state, order = two_providers()
    run(state, RefundOrderRequest(order_id=order.order_id, payment_id="adyen", amount=money("10.00")))
    by_other = event("REFUNDED", "10.00", provider="paypal", refund_id="1", seconds=2)
    both = tell(state, order, event("REFUNDED", refund_id="1", seconds=1), by_other)
    assert sums(both) == (0, 4780, 2000)
    assert [(one.payment_id, one.status) for one in both.refunds] == [
        ("adyen", pb.REFUND_STATUS_SUCCEEDED),
        ("paypal:PP-7", pb.REFUND_STATUS_SUCCEEDED),
    ]
    changed = event("REFUNDED", "4.00", provider="paypal", payment_id="PP-7", refund_id="1", seconds=3)
    assert fields_of(refuse(state, RecordPaymentRequest(order_id=order.order_id, event=changed))) == ["event.amount"]


def test_a_pending_refund_keeps_no_credit_from_one_that_succeeds() -> None:
    state, order = order_of("10.00")
    tell(state, order, event("PAID", "10.00"))
    run(state, RefundOrderRequest(order_id=order.order_id))
    outside = tell(state, order, event("REFUNDED", "4.00", transaction_id="re_1", seconds=1))
    assert [minor_of(refund.credited_amount) for refund in outside.refunds] == [0, 400]
    both = tell(state, order, event("REFUNDED", refund_id="1", seconds=2))
    assert [minor_of(refund.credited_amount) for refund in both.refunds] == [600, 400]


def test_a_report_that_first_names_the_payment_has_the_requested_amount() -> None:
    state, order = order_of("10.00")
    tell(state, order, event("PAID", "10.00"))
    run(state, RefundOrderRequest(order_id=order.order_id, amount=money("4.00")))
    other = event("REFUNDED", "1.00", refund_id="1", payment_id="ch_2", seconds=1)
    assert fields_of(refuse(state, RecordPaymentRequest(order_id=order.order_id, event=other))) == ["event.amount"]
    (done,) = tell(state, order, event("REFUNDED", "4.00", refund_id="1", payment_id="ch_2", seconds=1)).refunds
    assert (done.payment_id, done.amount, done.status) == ("adyen:ch_2", money("4.00"), pb.REFUND_STATUS_SUCCEEDED)


def test_a_payment_paid_back_twice_shows_it() -> None:
    state, order = order_of("10.00")
    refunds = [event("REFUNDED", "10.00", transaction_id=name, event_id=name, seconds=1) for name in ("r1", "r2")]
    twice = tell(state, order, event("PAID", "10.00"), *refunds)
    assert (status(twice), sums(twice)) == ("REFUNDED", (0, 1000, 2000))
    credited = sum(minor_of(refund.credited_amount) for refund in twice.refunds)
    assert credited == 1000, "no more than the invoice"


# Disputes.


def test_a_dispute_is_a_refund_once_it_is_lost() -> None:
    state, order = order_of("10.00")
    opened = tell(state, order, event("PAID", "10.00"), event("DISPUTE_OPENED", "4.00", seconds=1))
    assert (status(opened), opened.payment.disputed_amount, len(opened.refunds)) == ("PAID", money("4.00"), 0)
    assert pb.PaymentStatus.Name(opened.payments[0].status) == "PAYMENT_STATUS_DISPUTED"
    too_much = refuse(state, RefundOrderRequest(order_id=order.order_id, amount=money("6.01")))
    assert too_much.metadata["refundable"] == "6.00 USD"
    lost = tell(state, order, event("DISPUTE_LOST", "4.00", seconds=2, description="fraud"))
    assert (status(lost), lost.payment.disputed_amount, sums(lost)) == (
        "PARTIALLY_REFUNDED",
        money("0.00"),
        (0, 1000, 400),
    )
    assert (lost.refunds[0].reason, bool(lost.refunds[0].credit_note_number)) == ("dispute lost: fraud", True)
    again = tell(state, order, event("DISPUTE_LOST", "4.00", seconds=2, event_id="again"))
    assert (len(again.refunds), sums(again)) == (1, (0, 1000, 400))


@pytest.mark.parametrize("later", [{}, {"payment_id": "ch_2"}], ids=["unnamed", "named for the first time"])
def test_a_dispute_that_is_reported_again_is_about_the_same_amount(later: dict[str, str]) -> None:
    state, order = order_of("10.00")
    tell(state, order, event("PAID", "10.00"), event("DISPUTE_OPENED", "4.00", seconds=1))
    for seconds in (2, 3):
        lost = tell(state, order, event("DISPUTE_LOST", seconds=seconds, **later))
        assert (sums(lost), [one.amount for one in lost.refunds]) == ((0, 1000, 400), [money("4.00")])


def test_a_dispute_that_first_names_its_payment_is_about_what_it_keeps() -> None:
    order = after("10.00", event("PAID", "10.00"), event("DISPUTE_LOST", payment_id="ch_2", seconds=1))
    assert (status(order), sums(order)) == ("REFUNDED", (0, 1000, 1000))


def test_a_hold_that_first_names_its_payment_is_of_the_whole_amount() -> None:
    order = after("10.00", event("AUTHORIZED", "10.00"), event("AUTHORIZED", payment_id="ch_2", seconds=1))
    assert (status(order), sums(order)) == ("AUTHORIZED", (1000, 0, 0))


def test_a_dispute_over_nothing_pays_nothing_back() -> None:
    order = after("10.00", event("DISPUTE_LOST"), event("PAID", "10.00", seconds=1))
    assert (status(order), list(order.refunds)) == ("PAID", [])


def test_a_dispute_that_is_won_changes_nothing() -> None:
    won = [event("DISPUTE_OPENED", "4.00", seconds=1), event("DISPUTE_WON", seconds=2)]
    for events in permutations(won):
        order = after("10.00", event("PAID", "10.00"), *events)
        assert (status(order), order.payment.disputed_amount, len(order.refunds)) == ("PAID", money("0.00"), 0)


# Captures and releases.


def test_no_more_is_captured_than_is_held() -> None:
    state, order = order_of("10.00")
    error = refuse(state, CapturePaymentRequest(order_id=order.order_id))
    assert error.reason == "CAPTURE_EXCEEDS_AUTHORIZATION"
    tell(state, order, event("AUTHORIZED", "10.00"))
    error = refuse(state, CapturePaymentRequest(order_id=order.order_id, amount=money("10.01")))
    assert (error.reason, error.metadata["capturable"]) == ("CAPTURE_EXCEEDS_AUTHORIZATION", "10.00 USD")
    tell(state, order, event("PAID", "10.00", seconds=1))
    assert refuse(state, VoidPaymentRequest(order_id=order.order_id)).reason == "CAPTURE_EXCEEDS_AUTHORIZATION"


# Whatever happens.

events = st.builds(
    lambda kind, cents, seconds, provider, payment_id, transaction_id: pb.PaymentEvent(
        type=kind,
        amount=money(f"{cents / 100:.2f}"),
        time=at(seconds),
        provider=provider,
        payment_id=payment_id,
        transaction_id=transaction_id,
    ),
    st.sampled_from([kind for kind in KINDS if kind != pb.PAYMENT_EVENT_TYPE_REFUND_FAILED]),
    st.sampled_from([100, 300, 1000]),
    st.integers(0, 3),
    st.sampled_from(["adyen", "paypal"]),
    st.sampled_from(["ch_1", "ch_2"]),
    st.sampled_from(["", "t1", "t2"]),
)


def is_told_alike(made: Sequence[pb.PaymentEvent]) -> bool:
    """Whether reports of one lost dispute agree on its amount. The second of two that do not is refused."""
    lost = [each for each in made if each.type == pb.PAYMENT_EVENT_TYPE_DISPUTE_LOST]
    amounts = {(each.provider, each.payment_id, each.transaction_id): minor_of(each.amount) for each in lost}
    return all(amounts[each.provider, each.payment_id, each.transaction_id] == minor_of(each.amount) for each in lost)


def with_ids(made: Sequence[pb.PaymentEvent]) -> list[pb.PaymentEvent]:
    for number, each in enumerate(made):
        each.event_id = f"e{number}"
    return list(made)


def money_of(order: pb.Order) -> tuple[Any, ...]:
    refunds = sorted(
        (one.payment_id, one.provider_refund_id, minor_of(one.amount), one.status) for one in order.refunds
    )
    succeeded = [refund for refund in refunds if refund[-1] == pb.REFUND_STATUS_SUCCEEDED]
    return list(order.payments), order.payment, order.payment_status, succeeded


_REVOKED = [
    pb.PaymentEvent(
        type=kind, amount=money("1.00"), time=at(seconds), provider="paypal", payment_id="ch_2", transaction_id="t1"
    )
    for kind, seconds in ((pb.PAYMENT_EVENT_TYPE_DISPUTE_WON, 1), (pb.PAYMENT_EVENT_TYPE_DISPUTE_LOST, 0))
]


@given(st.lists(events, min_size=2, max_size=4).filter(is_told_alike))
@example(_REVOKED)
@settings(unhurried, max_examples=40)
def test_the_same_events_in_any_order_give_the_same_order(made: list[pb.PaymentEvent]) -> None:
    found = []
    for arrival in permutations(with_ids(made)):
        store = Store()
        store.put_products(product(price="10.00"))
        order = store.do(create())
        for each in arrival:
            (outcome,) = store.execute(command(RecordPaymentRequest(order_id=order.order_id, event=each)))
            assert not isinstance(outcome, Refusal), outcome
        found.append(money_of(store.order(order.order_id)))
    assert all(each == found[0] for each in found)


@given(st.lists(events, max_size=12), st.randoms(use_true_random=False))
@unhurried
def test_a_ledger_follows_from_the_set_of_its_events(made: list[pb.PaymentEvent], random: Any) -> None:
    made = with_ids(made)
    for each in made:
        each.payment_id = random.choice(["", each.payment_id])
    ledger = ledger_of(made, currency="USD")
    random.shuffle(made)
    assert ledger_of(made, currency="USD").payments == ledger.payments


@given(
    st.lists(st.sampled_from([100, 250, 400, 1000]), min_size=1, max_size=6),
    st.booleans(),
    st.randoms(use_true_random=False),
)
@unhurried
def test_a_sum_counts_the_same_however_it_is_split_among_providers(parts: list[int], paid: bool, random: Any) -> None:
    kind = "PAID" if paid else "AUTHORIZED"
    whole = after("10.00", event(kind, f"{sum(parts) / 100:.2f}"))
    split = [
        event(
            kind, f"{part / 100:.2f}", provider=random.choice(["adyen", "paypal", "stripe"]), payment_id=f"ch_{number}"
        )
        for number, part in enumerate(parts)
    ]
    order = after("10.00", *split)
    assert (order.status, status(order), sums(order)) == (whole.status, status(whole), sums(whole))
    assert order.payment == whole.payment
