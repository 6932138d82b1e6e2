"""BatchUpsertOrders: orders of another system, each with its own outcome."""

from itertools import product as pairs

import pytest
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import ErrorInfo
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_IMPORTED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_UPDATED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    ORDER_STATUS_UNSPECIFIED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_PARTIALLY_PAID,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_UNPAID,
    SHIPPING_STATUS_DELIVERED,
    Address,
    Customer,
    Order,
    OrderStatus,
)
from orders.v1.order_service_pb2 import (
    PRICE_STEP_TYPE_DISCOUNT,
    PRICE_STEP_TYPE_SHIPPING,
    PRICE_STEP_TYPE_TAX,
    UPSERT_MODE_ALL_OR_NOTHING,
    UPSERT_OUTCOME_INSERTED,
    UPSERT_OUTCOME_INVALID,
    UPSERT_OUTCOME_UNCHANGED,
    UPSERT_OUTCOME_UPDATED,
    BatchUpsertOrdersRequest,
    UpsertOrder,
)
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_SHIPPED

from server.domain.base.errors import Violation
from server.domain.base.state import State
from server.domain.pricing.price_steps import steps_of
from tests.domain.builders import (
    NOW,
    RESPONSES,
    STATUSES,
    Store,
    address,
    at,
    batch,
    command,
    details_of,
    fields_of,
    fingerprint,
    history,
    money,
    new_state,
    paid,
    refuse,
    run,
    update,
    upsert,
    upsert_line,
)

SAMPLE = upsert(
    "ID-01",
    customer=Customer(customer_id="99", name="Abhay", email="abhay@example.com", phone="7666804987"),
    items=[upsert_line(sku) for sku in ("sss1", "sss2", "ss3s", "sss4")],
    address_text="address 1",
    total=money("5000"),
    discount=money("15"),
    total_quantity=45,
    referral_code="EV78G55H",
)


def short(value: object) -> str:
    return OrderStatus.Name(value) if isinstance(value, int) else str(value)


def only(state: State) -> Order:
    (order,) = state.orders.values()
    return order


def imported(wished: UpsertOrder | None = None) -> State:
    """A state with one imported order."""
    state = new_state()
    run(state, batch(wished or upsert()))
    return state


def reject_names_of(*external_ids: str) -> object:
    def validate(wished: UpsertOrder) -> list[Violation]:
        return [Violation("customer.name", "is bad")] if wished.external_order_id in external_ids else []

    return validate


# 004's own sample.


def test_the_sample_is_taken_as_it_is_with_a_warning_for_each_sum_that_is_wrong() -> None:
    state = new_state()
    response = run(state, batch(SAMPLE))
    (result,) = response.results
    assert result.outcome == UPSERT_OUTCOME_INSERTED
    assert list(result.warnings) == [
        "total: 5000.00 USD does not add up: the items less the discount are 85.00 USD",
        "total_quantity: 45 does not add up: the sum of the quantities is 4",
    ]
    order = only(state)
    assert (order.pricing.subtotal, order.pricing.discount, order.pricing.total) == (
        money("100"),
        money("15"),
        money("5000"),
    )
    assert (order.total_quantity, order.referral_code) == (45, "EV78G55H")
    assert order.shipping_address == order.billing_address == Address(street="address 1")
    assert [(item.item_id, item.sku, item.total_price) for item in order.items] == [
        (str(index), sku, money("25")) for index, sku in enumerate(("sss1", "sss2", "ss3s", "sss4"), start=1)
    ]


def test_the_message_is_the_one_of_the_sample() -> None:
    state = new_state()
    response = run(state, batch(SAMPLE))
    assert response.message == (
        "1 new records inserted. 0 existing records updated. Same value or invalid data skipped 0"
    )
    assert (response.inserted, response.updated, response.skipped) == (1, 0, 0)


def test_the_sample_sent_again_is_unchanged_and_warns_again() -> None:
    state = imported(SAMPLE)
    before = fingerprint(state)
    (result,) = run(state, batch(SAMPLE)).results
    assert result.outcome == UPSERT_OUTCOME_UNCHANGED
    assert len(result.warnings) == 2
    assert fingerprint(state) == before


# What is sent again.


def test_an_order_that_is_sent_again_need_not_be_read() -> None:
    store = Store()
    (inserted,) = store.do(batch(upsert())).results
    state = store.read([command(batch(upsert()))])
    assert not state.orders
    (again,) = store.do(batch(upsert())).results
    assert again.outcome == UPSERT_OUTCOME_UNCHANGED
    assert (again.order_id, again.etag) == (inserted.order_id, inserted.etag)
    assert [event.version for event in store.history(inserted.order_id)] == [1]


def test_an_order_that_has_changed_here_is_read_before_it_counts_as_sent_again() -> None:
    store = Store()
    store.do(batch(upsert(address_text="1 First St")))
    (order_id,) = store.orders
    changed = Order(shipping_address=Address(street="2 Second St"))
    store.do(update(store.order(order_id), "shipping_address.street", wished=changed))
    (result,) = store.do(batch(upsert(address_text="1 First St"))).results
    assert result.outcome == UPSERT_OUTCOME_UPDATED
    assert store.order(order_id).shipping_address.street == "1 First St"


def test_an_order_with_warnings_is_read_to_give_them_again() -> None:
    store = Store()
    store.do(batch(SAMPLE))
    (result,) = store.do(batch(SAMPLE)).results
    assert result.outcome == UPSERT_OUTCOME_UNCHANGED
    assert len(result.warnings) == 2


def test_a_dry_run_beside_another_tells_what_is_the_same_from_what_is_not() -> None:
    store = Store()
    store.do(batch(upsert()))
    same, other = batch(upsert(), validate_only=True), batch(upsert(referral_code="NEW"), validate_only=True)
    answers = store.execute(command(same), command(other))
    outcomes = [RESPONSES[BatchUpsertOrdersRequest].FromString(answer.body).results[0].outcome for answer in answers]
    assert outcomes == [UPSERT_OUTCOME_UNCHANGED, UPSERT_OUTCOME_UPDATED]


@pytest.mark.parametrize("first", [True, False], ids=["the same first", "the same second"])
def test_of_two_with_the_same_key_the_second_is_invalid_also_if_one_is_known(first: bool) -> None:
    store = Store()
    store.do(batch(upsert()))
    pair = [upsert(), upsert(referral_code="NEW")]
    results = store.do(batch(*(pair if first else pair[::-1]))).results
    expected = UPSERT_OUTCOME_UNCHANGED if first else UPSERT_OUTCOME_UPDATED
    assert [result.outcome for result in results] == [expected, UPSERT_OUTCOME_INVALID]


# Outcomes.


def test_a_new_order_is_inserted() -> None:
    state = new_state()
    (result,) = run(state, batch(upsert("A-1"), request_id="r1")).results
    order = only(state)
    (event,) = history(state, order)
    assert (result.index, result.external_order_id, result.outcome) == (0, "A-1", UPSERT_OUTCOME_INSERTED)
    assert (result.order_id, result.etag) == (order.order_id, "1")
    assert (order.source, order.external_order_id, order.order_number) == ("shop", "A-1", "ORD-2026-000001")
    assert (order.status, order.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_UNPAID)
    assert order.create_time == order.update_time == event.event_time == NOW
    assert (event.type, event.actor, event.request_id) == (ORDER_EVENT_TYPE_IMPORTED, "ada", "r1")


def test_an_order_that_differs_is_updated_and_its_event_names_the_fields() -> None:
    state = imported(SAMPLE)
    state.time.CopyFrom(at(60))
    changed = UpsertOrder()
    changed.CopyFrom(SAMPLE)
    changed.discount.CopyFrom(money("20"))
    changed.customer.phone = "1"
    (result,) = run(state, batch(changed)).results
    order = only(state)
    event = history(state, order)[-1]
    assert (result.outcome, result.order_id, result.etag) == (UPSERT_OUTCOME_UPDATED, order.order_id, "2")
    assert (event.type, list(event.changed_fields)) == (ORDER_EVENT_TYPE_UPDATED, ["customer", "pricing"])
    assert (order.create_time, order.update_time) == (NOW, at(60))
    assert order.order_number == "ORD-2026-000001"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer": Customer(name="B")}, "customer"),
        ({"items": [upsert_line(quantity=2)]}, "items"),
        ({"items": [upsert_line("other")]}, "items"),
        ({"shipping_address": address()}, "shipping_address"),
        ({"address_text": "5 Park Rd"}, "shipping_address"),
        ({"discount": money("1")}, "pricing"),
        ({"total": money("24")}, "pricing"),
        ({"total_quantity": 7}, "total_quantity"),
        ({"referral_code": "X"}, "referral_code"),
        ({"metadata": {"a": "b"}}, "metadata"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_every_field_that_an_upsert_says_is_compared(change: dict[str, object], field: str) -> None:
    state = imported()
    (result,) = run(state, batch(upsert(**change))).results
    assert result.outcome == UPSERT_OUTCOME_UPDATED
    assert field in history(state, only(state))[-1].changed_fields


@pytest.mark.parametrize("left_out", ["address_text", "referral_code", "metadata"])
def test_a_field_that_is_left_out_stays(left_out: str) -> None:
    state = imported(upsert(address_text="address 1", referral_code="EV78", metadata={"a": "b"}))
    before = fingerprint(state)
    more = {"address_text": "address 1", "referral_code": "EV78", "metadata": {"a": "b"}}
    del more[left_out]
    (result,) = run(state, batch(upsert(**more))).results
    assert result.outcome == UPSERT_OUTCOME_UNCHANGED
    assert fingerprint(state) == before


def test_metadata_is_replaced_whole() -> None:
    state = imported(upsert(metadata={"a": "1", "b": "2"}))
    run(state, batch(upsert(metadata={"a": "3"})))
    assert dict(only(state).metadata) == {"a": "3"}


def test_the_same_id_of_another_source_is_another_order() -> None:
    state = imported()
    (result,) = run(state, batch(upsert(), source="market")).results
    assert result.outcome == UPSERT_OUTCOME_INSERTED
    assert len(state.orders) == 2


def test_whether_an_order_is_paid_follows_what_its_source_makes_of_it() -> None:
    state = imported(upsert(total=money("25")))
    run(state, paid(only(state)))
    assert only(state).payment_status == PAYMENT_STATUS_PAID
    run(state, batch(upsert(items=[upsert_line(quantity=2)])))
    assert (only(state).payment_status, only(state).payment.paid_amount) == (PAYMENT_STATUS_PARTIALLY_PAID, money("25"))
    assert list(history(state, only(state))[-1].changed_fields) == [
        "items",
        "pricing",
        "total_quantity",
        "payment_status",
    ]
    run(state, batch(upsert(total=money("25"))))
    assert only(state).payment_status == PAYMENT_STATUS_PAID
    # It costs less than was paid for it: the rest goes back.
    run(state, batch(upsert(total=money("20"))))
    assert only(state).payment_status == PAYMENT_STATUS_REFUND_DUE


def test_an_imported_order_holds_no_stock() -> None:
    state = new_state()
    run(state, batch(upsert(items=[upsert_line("SKU-chair", 50)])))
    assert state.stock.values == {("chair", ""): 100}
    assert not state.stock.deltas
    assert not state.reserved.deltas


def test_a_batch_counts_its_outcomes_and_says_them_in_words() -> None:
    state = new_state()
    run(state, batch(upsert("same"), upsert("other")))
    orders = [upsert("new-1"), upsert("same"), upsert("other", referral_code="X"), upsert("bad"), upsert("new-2")]
    response = run(state, batch(*orders), validate=reject_names_of("bad"))
    assert [result.outcome for result in response.results] == [
        UPSERT_OUTCOME_INSERTED,
        UPSERT_OUTCOME_UNCHANGED,
        UPSERT_OUTCOME_UPDATED,
        UPSERT_OUTCOME_INVALID,
        UPSERT_OUTCOME_INSERTED,
    ]
    assert [result.index for result in response.results] == [0, 1, 2, 3, 4]
    assert (response.inserted, response.updated, response.unchanged, response.invalid) == (2, 1, 1, 1)
    assert response.skipped == 2
    assert response.message == (
        "2 new records inserted. 1 existing records updated. Same value or invalid data skipped 2"
    )


# What is invalid.


def invalid_status(state: State, *orders: UpsertOrder, index: int = 0, **more: object) -> object:
    """The status of an order that is invalid, the rest of the state being as it was."""
    result = run(state, batch(*orders), **more).results[index]
    assert result.outcome == UPSERT_OUTCOME_INVALID
    assert (result.order_id, result.etag) == ("", "")
    return result.status


def test_an_invalid_order_says_what_is_wrong_with_the_details_of_an_error() -> None:
    state = new_state()
    before = fingerprint(state)
    status = invalid_status(state, upsert(), validate=reject_names_of("ID-01"))
    assert status.code == code_pb2.INVALID_ARGUMENT
    assert [info.reason for info in details_of(status, ErrorInfo)] == ["INVALID_ORDER_DATA"]
    assert fields_of(status) == ["orders[0].customer.name"]
    assert fingerprint(state) == before


@pytest.mark.parametrize(
    ("wished", "field"),
    [
        (upsert(items=[upsert_line(), upsert_line(currency="EUR")]), "items[1].unit_price.currency_code"),
        (upsert(discount=money("1", "EUR")), "discount.currency_code"),
        (upsert(total=money("1", "EUR")), "total.currency_code"),
        (upsert(items=[upsert_line(currency="XXX")]), "items[0].unit_price.currency_code"),
        (upsert(items=[upsert_line(price="-1")]), "items[0].unit_price"),
        (upsert(items=[upsert_line(price="0.001")]), "items[0].unit_price.nanos"),
        (upsert(discount=money("26")), "discount"),
        (upsert(items=[upsert_line(quantity=1_000_000, price="9000000000000")]), "items"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_amounts_that_cannot_be_are_invalid(wished: UpsertOrder, field: str) -> None:
    assert fields_of(invalid_status(new_state(), wished)) == [f"orders[0].{field}"]


def test_an_order_keeps_its_currency() -> None:
    state = imported()
    before = fingerprint(state)
    status = invalid_status(state, upsert(items=[upsert_line(currency="EUR")]))
    assert fields_of(status) == ["orders[0].items[0].unit_price.currency_code"]
    assert fingerprint(state) == before


@pytest.mark.parametrize("differs", [False, True])
def test_the_same_key_twice_in_a_batch_makes_the_later_one_invalid(differs: bool) -> None:
    state = new_state()
    second = upsert(referral_code="X") if differs else upsert()
    response = run(state, batch(upsert(), upsert("B"), second))
    assert [result.outcome for result in response.results] == [
        UPSERT_OUTCOME_INSERTED,
        UPSERT_OUTCOME_INSERTED,
        UPSERT_OUTCOME_INVALID,
    ]
    assert fields_of(response.results[2].status) == ["orders[2].external_order_id"]
    assert "twice" in response.results[2].status.message
    assert (response.inserted, response.invalid, len(state.orders)) == (2, 1, 2)


def test_the_same_key_again_is_taken_if_the_first_one_was_invalid() -> None:
    state = new_state()
    response = run(state, batch(upsert(discount=money("99")), upsert()))
    assert [result.outcome for result in response.results] == [UPSERT_OUTCOME_INVALID, UPSERT_OUTCOME_INSERTED]


def test_orders_that_repeat_an_invalid_id_leave_numbers_for_the_others() -> None:
    state = new_state()
    shipped = {"status": SHIPMENT_STATUS_SHIPPED, "items": [{"item_id": "1", "quantity": 1}]}
    wrong = upsert("A", status=ORDER_STATUS_CANCELLED, shipments=[shipped])
    response = run(state, batch(wrong, wrong, upsert("A"), upsert("B")))
    invalid, inserted = UPSERT_OUTCOME_INVALID, UPSERT_OUTCOME_INSERTED
    assert [result.outcome for result in response.results] == [invalid, invalid, inserted, inserted]
    assert "order A cannot go from PENDING to CANCELLED" in response.results[1].status.message


# Amounts.


def test_the_steps_of_an_imported_price_are_as_its_source_sent_them() -> None:
    state = new_state()
    run(state, batch(upsert(shipping=money("5"), tax=money("4"), discount=money("1"))))
    (order,) = state.orders.values()
    sent = {step.type: (step.subject, step.rule) for step in steps_of(order)}
    as_sent = ("", "as sent by the order's source")
    assert [sent[type] for type in (PRICE_STEP_TYPE_SHIPPING, PRICE_STEP_TYPE_TAX, PRICE_STEP_TYPE_DISCOUNT)] == [
        as_sent
    ] * 3


def test_a_total_that_is_not_given_is_the_lines_less_the_discount() -> None:
    state = new_state()
    (result,) = run(state, batch(upsert(items=[upsert_line(quantity=4)], discount=money("15.50")))).results
    assert only(state).pricing.total == money("84.50")
    assert (list(result.warnings), only(state).total_quantity) == ([], 4)


def test_a_total_of_nothing_is_a_total() -> None:
    state = new_state()
    (result,) = run(state, batch(upsert(total=money("0")))).results
    assert only(state).pricing.total == money("0")
    assert len(result.warnings) == 1


def test_amounts_that_add_up_bring_no_warning() -> None:
    wished = upsert(items=[upsert_line(quantity=2)], discount=money("10"), total=money("40"), total_quantity=2)
    (result,) = run(new_state(), batch(wished)).results
    assert not result.warnings


def test_a_discount_of_more_than_the_lines_is_taken_if_the_total_is_given() -> None:
    (result,) = run(new_state(), batch(upsert(discount=money("26"), total=money("0")))).results
    assert result.outcome == UPSERT_OUTCOME_INSERTED
    assert result.warnings[0].endswith("the items less the discount are -1.00 USD")


def test_an_order_of_another_currency_has_its_own_digits() -> None:
    state = new_state()
    run(state, batch(upsert(items=[upsert_line(quantity=3, price="1.001", currency="KWD")])))
    assert only(state).pricing.total == money("3.003", "KWD")


# Statuses.


@pytest.mark.parametrize("status", STATUSES, ids=short)
def test_a_new_order_stands_where_its_source_says(status: int) -> None:
    state = imported(upsert(status=status))
    (event,) = history(state, only(state))
    assert (only(state).status, event.to_status, only(state).version) == (status, status, 1)


def outcome_of(before: int, to: int) -> int:
    if to in (ORDER_STATUS_UNSPECIFIED, before):
        return UPSERT_OUTCOME_UNCHANGED
    forward = STATUSES.index(to) > STATUSES.index(before)
    too_late = to == ORDER_STATUS_CANCELLED and before in (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED)
    return UPSERT_OUTCOME_UPDATED if forward and not too_late else UPSERT_OUTCOME_INVALID


@pytest.mark.parametrize(("before", "to"), list(pairs(STATUSES, [ORDER_STATUS_UNSPECIFIED, *STATUSES])), ids=short)
def test_a_status_goes_forward_only(before: int, to: int) -> None:
    state = imported(upsert(status=before))
    (result,) = run(state, batch(upsert(status=to))).results
    assert result.outcome == outcome_of(before, to)
    if result.outcome == UPSERT_OUTCOME_UPDATED:
        event = history(state, only(state))[-1]
        assert (event.type, event.from_status, event.to_status) == (ORDER_EVENT_TYPE_STATUS_CHANGED, before, to)
        assert only(state).status == to
    else:
        assert (only(state).status, only(state).version) == (before, 1)


def test_a_status_that_would_go_back_names_its_field() -> None:
    state = imported(upsert(status=ORDER_STATUS_SHIPPED))
    status = invalid_status(state, upsert(status=ORDER_STATUS_CONFIRMED))
    assert fields_of(status) == ["orders[0].status"]
    assert "cannot move back to CONFIRMED: the order is already SHIPPED" in status.message


def test_an_order_that_has_left_is_not_cancellable_by_its_source_either() -> None:
    state = imported(upsert(status=ORDER_STATUS_DELIVERED))
    status = invalid_status(state, upsert(status=ORDER_STATUS_CANCELLED))
    assert status.code == code_pb2.FAILED_PRECONDITION
    assert [info.reason for info in details_of(status, ErrorInfo)] == ["ORDER_NOT_CANCELLABLE"]


def test_fields_and_status_change_as_two_events() -> None:
    state = imported()
    run(state, batch(upsert(status=ORDER_STATUS_DELIVERED, referral_code="X")))
    order = only(state)
    first, second = history(state, order)[1:]
    assert (first.from_status, first.to_status) == (ORDER_STATUS_PENDING, ORDER_STATUS_PENDING)
    assert (second.from_status, second.to_status) == (ORDER_STATUS_PENDING, ORDER_STATUS_DELIVERED)
    assert (order.version, order.etag, order.shipping_status) == (3, "3", SHIPPING_STATUS_DELIVERED)


def test_a_cancellation_by_the_source_says_who_and_when() -> None:
    state = imported()
    only(state).payment_status = PAYMENT_STATUS_PAID
    run(state, batch(upsert(status=ORDER_STATUS_CANCELLED)))
    order = only(state)
    assert (order.cancellation.actor, order.cancellation.cancel_time) == ("ada", NOW)
    assert order.payment_status == PAYMENT_STATUS_REFUND_DUE


def test_an_order_that_moved_on_here_is_not_taken_back_by_its_source() -> None:
    state = imported(upsert(status=ORDER_STATUS_PROCESSING))
    before = fingerprint(state)
    invalid_status(state, upsert(status=ORDER_STATUS_PENDING, referral_code="X"))
    assert fingerprint(state) == before


# All or nothing.


def all_or_nothing(*orders: UpsertOrder, **more: object) -> object:
    return batch(*orders, mode=UPSERT_MODE_ALL_OR_NOTHING, **more)


def test_all_or_nothing_writes_all() -> None:
    state = imported()
    response = run(state, all_or_nothing(upsert("B"), upsert(referral_code="X"), upsert("C")))
    assert (response.inserted, response.updated, len(state.orders)) == (2, 1, 3)
    assert [result.etag for result in response.results] == ["1", "2", "1"]
    assert {result.order_id for result in response.results} == set(state.orders)


def test_all_or_nothing_writes_nothing_if_one_is_invalid_and_names_its_fields_once() -> None:
    state = imported()
    orders = [upsert("B"), upsert("bad"), upsert("C", discount=money("99")), upsert("B")]
    error = refuse(state, all_or_nothing(*orders), validate=reject_names_of("bad"))
    assert error.reason == "INVALID_ORDER_DATA"
    assert fields_of(error) == ["orders[1].customer.name", "orders[2].discount", "orders[3].external_order_id"]
    assert error.message.startswith("orders[1].customer.name: is bad; orders[2].discount: 99.00 USD")


def test_all_or_nothing_names_an_order_whose_fault_is_not_in_a_field() -> None:
    state = imported(upsert(status=ORDER_STATUS_SHIPPED))
    error = refuse(state, all_or_nothing(upsert("B"), upsert(status=ORDER_STATUS_CANCELLED)))
    assert fields_of(error) == ["orders[1]"]
    assert "can no longer be cancelled" in error.message


# Trying it out.


@pytest.mark.parametrize("mode", ["best effort", "all or nothing"])
def test_validate_only_says_what_would_become_of_each_and_stores_nothing(mode: str) -> None:
    state = imported()
    order = only(state)
    before = fingerprint(state)
    orders = [upsert("B"), upsert(referral_code="X")]
    make = batch if mode == "best effort" else all_or_nothing
    response = run(state, make(*orders, validate_only=True, request_id="r1"))
    assert fingerprint(state) == before
    assert (response.inserted, response.updated) == (1, 1)
    assert [(result.order_id, result.etag) for result in response.results] == [("", ""), (order.order_id, "1")]


def test_validate_only_finds_the_same_key_twice() -> None:
    response = run(new_state(), batch(upsert(), upsert(), validate_only=True))
    assert [result.outcome for result in response.results] == [UPSERT_OUTCOME_INSERTED, UPSERT_OUTCOME_INVALID]


def test_validate_only_refuses_an_atomic_batch_with_an_invalid_order() -> None:
    request = all_or_nothing(upsert(), upsert(), validate_only=True)
    assert fields_of(refuse(new_state(), request)) == ["orders[1].external_order_id"]


def test_an_import_goes_on_from_what_was_changed_here() -> None:
    state = imported(upsert(status=ORDER_STATUS_CONFIRMED))
    run(state, batch(upsert(status=ORDER_STATUS_SHIPPED)))
    assert [event.version for event in history(state, only(state))] == [1, 2]
    assert only(state).status not in (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PENDING)
