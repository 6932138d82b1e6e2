"""The table of section 4 of the design: who may move an order where, and under which condition."""

import itertools

import pytest
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_SHIPMENT_SHIPPED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    ORDER_STATUS_UNSPECIFIED,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_PARTIALLY_PAID,
    PAYMENT_STATUS_PARTIALLY_REFUNDED,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    SHIPPING_STATUS_DELIVERED,
    SHIPPING_STATUS_NOT_SHIPPED,
    SHIPPING_STATUS_PROCESSING,
    SHIPPING_STATUS_SHIPPED,
    Order,
    OrderEvent,
    OrderStatus,
    PaymentStatus,
)
from orders.v1.order_service_pb2 import CancelOrderRequest

from server.domain.base.caller import Caller, Role
from server.domain.base.state import State
from tests.domain.builders import (
    ADMIN,
    CALLERS,
    CUSTOMER,
    FULFILMENT,
    PAYMENT,
    STATUSES,
    create,
    history,
    line,
    new_state,
    order_in,
    pay,
    refuse,
    run,
    stored,
    transition,
    update,
)

ALLOWED: dict[tuple[int, int], set[Role]] = {
    (ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED): {Role.PAYMENT, Role.ADMIN},
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING): {Role.FULFILMENT, Role.ADMIN},
    (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED): {Role.FULFILMENT, Role.ADMIN},
    (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED): {Role.FULFILMENT, Role.ADMIN},
    (ORDER_STATUS_PENDING, ORDER_STATUS_PROCESSING): {Role.FULFILMENT, Role.ADMIN},
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_SHIPPED): {Role.FULFILMENT, Role.ADMIN},
    (ORDER_STATUS_PENDING, ORDER_STATUS_CANCELLED): {Role.CUSTOMER, Role.ADMIN},
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_CANCELLED): {Role.ADMIN},
    (ORDER_STATUS_PROCESSING, ORDER_STATUS_CANCELLED): {Role.ADMIN},
}
UNPAID = (PAYMENT_STATUS_UNPAID, PAYMENT_STATUS_FAILED, PAYMENT_STATUS_REFUNDED, PAYMENT_STATUS_REFUND_DUE)
PAID = (PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_PAID, PAYMENT_STATUS_PARTIALLY_REFUNDED)
WITH_MONEY = (*PAID, PAYMENT_STATUS_PARTIALLY_PAID)
MOVES = list(itertools.product(STATUSES, STATUSES, Role))


def short(value: object) -> str:
    return OrderStatus.Name(value).removeprefix("ORDER_STATUS_") if isinstance(value, int) else str(value)


def by_payment(value: int) -> str:
    return PaymentStatus.Name(value)


def reason_for(before: int, to: int, role: Role) -> str:
    """What the design says about a move of a paid order that has a carrier; '' if it is allowed."""
    who = ALLOWED.get((before, to))
    if who is not None:
        return "" if role in who else "ORDER_ACCESS_DENIED"
    if before == ORDER_STATUS_CANCELLED:
        return "ORDER_ALREADY_CANCELLED"
    return "ORDER_NOT_CANCELLABLE" if to == ORDER_STATUS_CANCELLED else "INVALID_TRANSITION"


def ready(state: State, status: int) -> Order:
    """An order in a status, with all that any guard asks for."""
    order = order_in(state, status)
    kept = stored(state, order)
    kept.delivery.carrier, kept.delivery.tracking_number = "Aramex", "T1"
    return order


def entered(events: list[OrderEvent]) -> list[tuple[int, int]]:
    return [(event.from_status, event.to_status) for event in events]


@pytest.mark.parametrize(("before", "to", "role"), MOVES, ids=short)
def test_a_transition_is_allowed_as_the_table_says(before: int, to: int, role: Role) -> None:
    state = new_state()
    order = ready(state, before)
    expected = reason_for(before, to, role)
    if expected:
        assert refuse(state, transition(order, to), CALLERS[role]).reason == expected
    else:
        assert run(state, transition(order, to), CALLERS[role]).status == to


@pytest.mark.parametrize(("before", "to", "role"), [move for move in MOVES if move[0] != move[1]], ids=short)
def test_an_update_of_the_status_follows_the_same_table(before: int, to: int, role: Role) -> None:
    state = new_state()
    order = ready(state, before)
    request = update(order, "status", wished=Order(status=to))
    expected = reason_for(before, to, role)
    if expected:
        assert refuse(state, request, CALLERS[role]).reason == expected
    else:
        assert run(state, request, CALLERS[role]).status == to


@pytest.mark.parametrize("before", STATUSES, ids=short)
@pytest.mark.parametrize("role", Role)
def test_cancel_follows_the_same_table(before: int, role: Role) -> None:
    state = new_state()
    order = ready(state, before)
    request = CancelOrderRequest(order_id=order.order_id)
    expected = reason_for(before, ORDER_STATUS_CANCELLED, role)
    if expected:
        assert refuse(state, request, CALLERS[role]).reason == expected
    else:
        assert run(state, request, CALLERS[role]).status == ORDER_STATUS_CANCELLED


def test_a_refused_move_names_both_statuses_and_those_that_are_allowed() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_CONFIRMED)
    error = refuse(state, transition(order, ORDER_STATUS_DELIVERED))
    assert error.metadata == {"order_id": order.order_id, "from": "CONFIRMED", "to": "DELIVERED"}
    assert error.message.endswith("it can go to PROCESSING, SHIPPED, CANCELLED")


def test_no_status_is_no_move() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_CONFIRMED)
    assert refuse(state, transition(order, ORDER_STATUS_UNSPECIFIED)).reason == "INVALID_TRANSITION"


@pytest.mark.parametrize("status", [ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED, ORDER_STATUS_CANCELLED], ids=short)
def test_a_cancellation_that_comes_too_late_says_where_the_order_stands(status: int) -> None:
    state = new_state()
    order = order_in(state, status)
    error = refuse(state, CancelOrderRequest(order_id=order.order_id))
    assert error.metadata == {"order_id": order.order_id, "status": short(status)}


def test_a_caller_with_two_roles_may_do_what_either_may() -> None:
    state = new_state()
    order = ready(state, ORDER_STATUS_PENDING)
    both = Caller("both", frozenset({Role.PAYMENT, Role.FULFILMENT}))
    run(state, transition(order, ORDER_STATUS_CONFIRMED), both)
    assert run(state, transition(order, ORDER_STATUS_SHIPPED), both).status == ORDER_STATUS_SHIPPED


# Guards.


@pytest.mark.parametrize("payment", PAID, ids=by_payment)
@pytest.mark.parametrize(
    ("to", "caller"), [(ORDER_STATUS_CONFIRMED, PAYMENT), (ORDER_STATUS_PROCESSING, FULFILMENT)], ids=str
)
def test_a_paid_or_authorized_order_leaves_pending(payment: int, to: int, caller: Caller) -> None:
    state = new_state()
    order = pay(state, run(state, create()), payment)
    assert run(state, transition(order, to), caller).status == to


@pytest.mark.parametrize("payment", UNPAID, ids=by_payment)
@pytest.mark.parametrize("to", [ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING], ids=short)
def test_an_order_that_is_not_paid_stays_pending(payment: int, to: int) -> None:
    state = new_state()
    order = pay(state, run(state, create()), payment)
    error = refuse(state, transition(order, to))
    assert (error.reason, error.metadata["guard"]) == ("INVALID_TRANSITION", "paid")


@pytest.mark.parametrize("status", [ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING], ids=short)
@pytest.mark.parametrize(("carrier", "number"), [("", ""), ("Aramex", ""), ("", "T1")])
def test_nothing_is_shipped_without_carrier_and_tracking_number(status: int, carrier: str, number: str) -> None:
    state = new_state()
    order = order_in(state, status)
    stored(state, order).ClearField("delivery")
    request = transition(order, ORDER_STATUS_SHIPPED, carrier=carrier, tracking_number=number)
    error = refuse(state, request, FULFILMENT)
    assert (error.reason, error.metadata["guard"]) == ("INVALID_TRANSITION", "shippable")
    assert "send carrier and tracking_number" in error.message


@pytest.mark.parametrize(("held", "given"), [(("A", ""), ("", "T")), (("", "T"), ("A", "")), (("A", "T"), ("", ""))])
def test_carrier_and_tracking_number_may_come_before_or_with_the_transition(
    held: tuple[str, str], given: tuple[str, str]
) -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_PROCESSING)
    kept = stored(state, order).delivery
    kept.carrier, kept.tracking_number = held
    request = transition(order, ORDER_STATUS_SHIPPED, carrier=given[0], tracking_number=given[1])
    shipped = run(state, request, FULFILMENT)
    assert (shipped.delivery.carrier, shipped.delivery.tracking_number) == ("A", "T")


def test_an_admin_overrides_the_payment_and_the_reason_is_recorded() -> None:
    state = new_state()
    order = run(state, create())
    confirmed = run(state, transition(order, ORDER_STATUS_CONFIRMED, override_reason="pays at the door"))
    event = history(state, order)[-1]
    assert (confirmed.status, confirmed.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_UNPAID)
    assert (event.actor, event.reason) == ("ada", "pays at the door")


def test_the_reason_of_the_transition_does_not_hide_that_of_the_override() -> None:
    state = new_state()
    order = run(state, create())
    run(state, transition(order, ORDER_STATUS_CONFIRMED, override_reason="pays at the door", reason="by phone"))
    recorded = history(state, order)[-1].reason
    assert "pays at the door" in recorded
    assert "by phone" in recorded


def test_an_update_overrides_the_payment_too() -> None:
    state = new_state()
    order = run(state, create())
    request = update(order, "status", wished=Order(status=ORDER_STATUS_CONFIRMED), override_reason="pays at the door")
    run(state, request)
    assert history(state, order)[-1].reason == "pays at the door"


@pytest.mark.parametrize(
    ("to", "caller"), [(ORDER_STATUS_CONFIRMED, PAYMENT), (ORDER_STATUS_PROCESSING, FULFILMENT)], ids=str
)
def test_nobody_but_an_admin_overrides_the_payment(to: int, caller: Caller) -> None:
    state = new_state()
    order = run(state, create())
    error = refuse(state, transition(order, to, override_reason="trust me"), caller)
    assert error.reason == "ORDER_ACCESS_DENIED"


def test_an_override_that_was_not_needed_is_not_recorded() -> None:
    state = new_state()
    order = pay(state, run(state, create()))
    run(state, transition(order, ORDER_STATUS_CONFIRMED, override_reason="just in case"))
    assert history(state, order)[-1].reason == ""


def test_an_override_does_not_stand_for_carrier_and_tracking_number() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_PROCESSING)
    stored(state, order).ClearField("delivery")
    error = refuse(state, transition(order, ORDER_STATUS_SHIPPED, override_reason="by hand"))
    assert error.metadata["guard"] == "shippable"


# Statuses that are passed over.


def test_processing_a_pending_order_confirms_it_on_the_way() -> None:
    state = new_state()
    order = pay(state, run(state, create()))
    processing = run(state, transition(order, ORDER_STATUS_PROCESSING), FULFILMENT)
    passed, last = history(state, order)[1:]
    assert entered([passed, last]) == [
        (ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED),
        (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING),
    ]
    assert [passed.version, last.version, processing.version] == [2, 3, 3]
    assert {passed.type, last.type} == {ORDER_EVENT_TYPE_STATUS_CHANGED}
    assert passed.actor == last.actor == "fay"


def test_shipping_a_confirmed_order_processes_it_on_the_way() -> None:
    state = new_state()
    order = ready(state, ORDER_STATUS_CONFIRMED)
    run(state, transition(order, ORDER_STATUS_SHIPPED), FULFILMENT)
    moved, shipment, shipped = history(state, order)[3:]
    assert entered([moved, shipped]) == [
        (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING),
        (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED),
    ]
    assert shipment.type == ORDER_EVENT_TYPE_SHIPMENT_SHIPPED


def test_the_override_is_recorded_with_the_status_it_was_for() -> None:
    state = new_state()
    order = run(state, create())
    run(state, transition(order, ORDER_STATUS_PROCESSING, override_reason="pays at the door", reason="rush"))
    assert [event.reason for event in history(state, order)[1:]] == ["pays at the door", "rush"]


# What a move brings with it.


def test_the_shipping_status_follows_the_order() -> None:
    state = new_state()
    order = ready(state, ORDER_STATUS_PENDING)
    seen = [order.shipping_status]
    for to in STATUSES[1:5]:
        seen.append(run(state, transition(order, to)).shipping_status)
    assert seen == [
        SHIPPING_STATUS_NOT_SHIPPED,
        SHIPPING_STATUS_NOT_SHIPPED,
        SHIPPING_STATUS_PROCESSING,
        SHIPPING_STATUS_SHIPPED,
        SHIPPING_STATUS_DELIVERED,
    ]


def test_a_cancellation_says_why_by_whom_and_when() -> None:
    state = new_state()
    order = run(state, create())
    cancelled = run(state, CancelOrderRequest(order_id=order.order_id, reason="too slow"), CUSTOMER)
    assert cancelled.cancellation.reason == history(state, order)[-1].reason == "too slow"
    assert (cancelled.cancellation.actor, cancelled.cancellation.cancel_time) == ("carl", state.time)


def test_the_reason_of_a_transition_to_cancelled_is_that_of_the_cancellation() -> None:
    state = new_state()
    order = run(state, create())
    cancelled = run(state, transition(order, ORDER_STATUS_CANCELLED, reason="too slow"))
    assert cancelled.cancellation.reason == "too slow"


@pytest.mark.parametrize("payment", PaymentStatus.values()[1:], ids=by_payment)
@pytest.mark.parametrize("status", [ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING], ids=short)
def test_cancelling_makes_what_was_paid_due_for_refund(payment: int, status: int) -> None:
    state = new_state()
    order = pay(state, order_in(state, status), payment)
    cancelled = run(state, CancelOrderRequest(order_id=order.order_id))
    assert cancelled.payment_status == (PAYMENT_STATUS_REFUND_DUE if payment in WITH_MONEY else payment)


@pytest.mark.parametrize("status", [ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING], ids=short)
def test_cancelling_gives_the_stock_back_once(status: int) -> None:
    state = new_state()
    order = order_in(state, status, line(quantity=7))
    assert state.stock.get(("chair", "")) == 93
    run(state, CancelOrderRequest(order_id=order.order_id))
    refuse(state, CancelOrderRequest(order_id=order.order_id))
    assert state.stock.get(("chair", "")) == 100


def test_moving_forward_keeps_the_stock() -> None:
    state = new_state()
    order_in(state, ORDER_STATUS_DELIVERED, line(quantity=7))
    assert state.stock.get(("chair", "")) == 93


# Who is meant, and whether they have changed.


@pytest.mark.parametrize("kind", ["id", "upper case id", "number"])
def test_an_order_is_found_by_its_id_and_by_its_number(kind: str) -> None:
    state = new_state()
    state.new_id = lambda: "0190abcd-0000-7000-8000-0000000000ff"
    order = run(state, create())
    name = {"id": order.order_id, "upper case id": order.order_id.upper(), "number": order.order_number}[kind]
    assert run(state, CancelOrderRequest(order_id=name)).order_id == order.order_id


@pytest.mark.parametrize("name", ["", "ORD-2026-999999", "00000000-0000-7000-8000-ffffffffffff"])
def test_an_order_that_is_not_there_is_named(name: str) -> None:
    error = refuse(new_state(), CancelOrderRequest(order_id=name))
    assert (error.reason, error.metadata) == ("ORDER_NOT_FOUND", {"order_id": name})


def test_a_stale_etag_is_refused_with_the_current_one() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_CONFIRMED)
    for request in (
        transition(order, ORDER_STATUS_PROCESSING, etag="1"),
        CancelOrderRequest(order_id=order.order_id, etag="1"),
    ):
        error = refuse(state, request)
        fields = "invoice_number, payment, payment_status, payments, status"
        assert error.reason == "ETAG_MISMATCH"
        assert error.metadata == {"order_id": order.order_id, "etag": "3", "fields": fields}


def test_the_current_etag_is_taken_and_every_event_makes_a_new_one() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_CONFIRMED)
    shipped = run(state, transition(order, ORDER_STATUS_SHIPPED, etag="3", carrier="A", tracking_number="T"), ADMIN)
    assert shipped.etag == str(shipped.version) == "6"
    assert [event.version for event in history(state, order)] == [1, 2, 3, 4, 5, 6]


def test_a_refusal_names_the_status_that_the_order_has_not_one_on_the_way() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_CONFIRMED)
    error = refuse(state, transition(order, ORDER_STATUS_SHIPPED))
    assert (error.metadata["from"], error.metadata["to"]) == ("CONFIRMED", "SHIPPED")
