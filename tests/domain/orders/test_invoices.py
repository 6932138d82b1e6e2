"""Invoices and credit notes: when there is one, its number, and the tax in it."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_METHOD_PAYPAL,
    REFUND_STATUS_SUCCEEDED,
    Order,
    PaymentEvent,
    Refund,
)
from orders.v1.order_service_pb2 import CancelOrderLinesRequest, LineQuantity, RecordPaymentRequest, RefundOrderRequest

from server.domain.base.edits import OrderChange
from server.domain.base.money import from_minor, minor_of, text_of
from server.domain.base.state import State
from server.domain.base.values import Series, document_number
from server.domain.orders.invoices import CREDIT_NOTES, INVOICES, invoiced_totals, issue_documents
from tests.domain.builders import (
    FULFILMENT,
    NOW,
    PAYMENT,
    Store,
    address,
    create,
    history,
    line,
    money,
    new_state,
    paid,
    product,
    run,
    transition,
    unhurried,
    upsert,
)
from tests.domain.builders import batch as import_of


@pytest.fixture
def state() -> State:
    return new_state(product(price="10.00"))


def tell(state: State, order: Order, kind: Any, value: str, event_id: str, **more: Any) -> Order:
    event = PaymentEvent(type=kind, event_id=event_id, amount=money(value), **more)
    return run(state, RecordPaymentRequest(order_id=order.order_id, event=event), PAYMENT)


def test_a_confirmed_order_has_an_invoice_with_what_was_ordered(state: State) -> None:
    billing = address("2 Bank St")
    order = run(state, create(payment_method=PAYMENT_METHOD_PAYPAL, billing_address=billing))
    assert order.invoice_number == ""
    assert not state.changes.documents
    confirmed = run(state, paid(order), PAYMENT)
    (invoice,) = state.changes.documents
    assert isinstance(invoice, Invoice)
    assert invoice.invoice_number == confirmed.invoice_number == "INV-2026-000001"
    assert (invoice.order_id, invoice.order_number) == (order.order_id, order.order_number)
    assert (invoice.customer, invoice.pricing) == (order.customer, order.pricing)
    assert (invoice.shipping_address, invoice.billing_address) == (order.shipping_address, billing)
    assert list(invoice.items) == list(order.items)
    assert (invoice.payment_method, invoice.issue_time) == (PAYMENT_METHOD_PAYPAL, NOW)


def test_a_pending_order_that_is_picked_is_confirmed_on_the_way_and_invoiced(state: State) -> None:
    order = run(state, create())
    state.orders[order.order_id].payment_status = 3
    assert run(state, transition(order, ORDER_STATUS_PROCESSING), FULFILMENT).invoice_number == "INV-2026-000001"


def test_an_order_confirmed_unpaid_is_invoiced(state: State) -> None:
    order = run(state, create())
    confirmed = run(state, transition(order, ORDER_STATUS_CONFIRMED, override_reason="pays on delivery"))
    assert confirmed.invoice_number == "INV-2026-000001"


def test_an_order_has_one_invoice(state: State) -> None:
    order = run(state, paid(run(state, create())))
    run(state, transition(order, ORDER_STATUS_PROCESSING))
    run(state, paid(order, "again"))
    assert len(state.changes.documents) == 1


def test_an_imported_order_has_its_invoice_elsewhere(state: State) -> None:
    run(state, import_of(upsert("ID-01")))
    (imported,) = state.orders.values()
    after = run(state, paid(imported))
    assert (after.status, after.invoice_number) == (ORDER_STATUS_CONFIRMED, "")
    assert tell(state, imported, PAYMENT_EVENT_TYPE_REFUNDED, "5.00", "back").refunds[0].credit_note_number == ""
    assert not state.changes.documents


def test_numbers_have_no_gaps_and_begin_again_every_year() -> None:
    store = Store()
    store.put_products(product())
    numbers = [store.do(paid(store.do(create()))).invoice_number for _ in range(2)]
    store.time = Timestamp(seconds=1_800_000_000)
    numbers.append(store.do(paid(store.do(create()))).invoice_number)
    assert numbers == ["INV-2026-000001", "INV-2026-000002", "INV-2027-000001"]
    assert document_number(Series("CN", 2031), 1_234_567) == "CN-2031-1234567"


def test_a_refund_that_is_made_has_a_credit_note(state: State) -> None:
    order = run(state, paid(run(state, create())))
    asked = run(state, RefundOrderRequest(order_id=order.order_id, amount=money("4.00"), reason="scratched"))
    assert asked.refunds[0].credit_note_number == ""
    done = tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "4.00", "back", refund_id="1")
    note = state.changes.documents[1]
    assert isinstance(note, CreditNote)
    assert note.credit_note_number == done.refunds[0].credit_note_number == "CN-2026-000001"
    assert (note.invoice_number, note.order_id, note.refund_id) == ("INV-2026-000001", order.order_id, "1")
    assert (note.amount, note.reason, note.issue_time) == (money("4.00"), "scratched", NOW)
    assert note.tax == money("0.00")


def test_a_refund_that_fails_has_none(state: State) -> None:
    order = run(state, paid(run(state, create())))
    run(state, RefundOrderRequest(order_id=order.order_id))
    tell(state, order, PAYMENT_EVENT_TYPE_REFUND_FAILED, "10.00", "back", refund_id="1")
    assert len(state.changes.documents) == 1


def test_what_was_paid_back_before_the_invoice_is_no_part_of_it(state: State) -> None:
    order = run(state, create())
    tell(state, order, PAYMENT_EVENT_TYPE_PAID, "1.00", "deposit")
    tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "1.00", "deposit-back")
    confirmed = run(state, transition(order, ORDER_STATUS_CONFIRMED, override_reason="known customer"))
    assert confirmed.refunds[0].credit_note_number == ""
    later = tell(state, order, PAYMENT_EVENT_TYPE_PAID, "10.00", "rest")
    assert later.refunds[0].credit_note_number == ""
    assert [type(document) for document in state.changes.documents] == [Invoice]


def notes_of(state: State) -> list[CreditNote]:
    return [document for document in state.changes.documents if isinstance(document, CreditNote)]


def test_what_was_paid_too_much_is_paid_back_without_a_credit_note(state: State) -> None:
    order = run(state, create())
    tell(state, order, PAYMENT_EVENT_TYPE_PAID, "12.00", "paid")
    even = tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "2.00", "excess")
    assert (even.invoice_number, even.refunds[0].credit_note_number) == ("INV-2026-000001", "")
    assert not even.refunds[0].HasField("credited_amount")
    back = tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "4.00", "scratched")
    (note,) = notes_of(state)
    assert (note.credit_note_number, note.refund_id, note.amount) == ("CN-2026-000001", "2", money("4.00"))
    assert back.refunds[1].credited_amount == money("4.00")


def test_a_refund_of_more_than_the_invoice_is_credited_up_to_it(state: State) -> None:
    order = run(state, create())
    tell(state, order, PAYMENT_EVENT_TYPE_PAID, "12.00", "paid")
    back = tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "12.00", "back")
    (note,) = notes_of(state)
    assert note.amount == back.refunds[0].credited_amount == money("10.00")
    assert back.refunds[0].amount == money("12.00")


def test_what_was_credited_and_paid_again_is_not_credited_twice(state: State) -> None:
    order = run(state, paid(run(state, create())))
    tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "4.00", "back")
    tell(state, order, PAYMENT_EVENT_TYPE_PAID, "4.00", "again")
    tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "4.00", "back-again")
    assert [note.amount for note in notes_of(state)] == [money("4.00")]
    tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "6.00", "rest")
    assert [note.amount for note in notes_of(state)] == [money("4.00"), money("6.00")]


def test_a_part_that_was_paid_is_credited_as_it_goes_back(state: State) -> None:
    """Also where the invoice was never paid in full."""
    order = run(state, create())
    run(state, transition(order, ORDER_STATUS_CONFIRMED, override_reason="pays on delivery"))
    tell(state, order, PAYMENT_EVENT_TYPE_PAID, "3.00", "part")
    tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "3.00", "back")
    assert [note.amount for note in notes_of(state)] == [money("3.00")]


def test_lines_that_are_cancelled_while_a_refund_is_on_its_way_are_credited(state: State) -> None:
    order = run(state, create(line(quantity=3)))
    run(state, paid(order), PAYMENT)
    run(state, RefundOrderRequest(order_id=order.order_id))
    run(state, CancelOrderLinesRequest(order_id=order.order_id, items=[LineQuantity(item_id="1", quantity=1)]))
    tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "30.00", "back", refund_id="1")
    invoice, *notes = state.changes.documents
    assert isinstance(invoice, Invoice)
    assert [text_of(minor_of(note.amount), "USD") for note in notes if isinstance(note, CreditNote)] == [
        "10.00 USD",
        "20.00 USD",
    ]
    assert minor_of(invoice.pricing.total) == sum(
        minor_of(note.amount) for note in notes if isinstance(note, CreditNote)
    )


def test_lines_that_are_cancelled_before_the_invoice_are_no_part_of_it(state: State) -> None:
    order = run(state, create(line(quantity=3)))
    cancel = CancelOrderLinesRequest(order_id=order.order_id, items=[LineQuantity(item_id="1", quantity=1)])
    order = run(state, cancel)
    order = run(state, paid(order), PAYMENT)
    order = run(state, cancel)
    assert [minor_of(adjustment.new_total) for adjustment in order.adjustments] == [2000, 1000]
    assert invoiced_totals(order, history(state, order)) == {order.invoice_number: 2000}


def test_an_order_that_cost_nothing_has_nothing_to_credit() -> None:
    state = new_state(product(price="0.00"))
    order = run(state, create())
    tell(state, order, PAYMENT_EVENT_TYPE_PAID, "5.00", "paid")
    back = tell(state, order, PAYMENT_EVENT_TYPE_REFUNDED, "5.00", "back")
    assert back.invoice_number
    assert not notes_of(state)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 1500)), max_size=12))
@unhurried
def test_credit_notes_are_never_over_more_than_the_invoice_nor_over_what_is_kept(moves: list[tuple[bool, int]]) -> None:
    state = new_state(product(price="10.00"))
    order = run(state, create())
    run(state, transition(order, ORDER_STATUS_CONFIRMED, override_reason="pays in parts"))
    came = kept = 0
    for number, (comes, value) in enumerate(moves):
        if not comes and value > kept:
            continue
        kind = PAYMENT_EVENT_TYPE_PAID if comes else PAYMENT_EVENT_TYPE_REFUNDED
        came, kept = came + value * comes, kept + (value if comes else -value)
        issued = len(notes_of(state))
        tell(state, order, kind, str(Decimal(value) / 100), f"e{number}")
        credited = sum(minor_of(note.amount) for note in notes_of(state))
        assert credited <= 1000
        # All that was paid up to the total is either kept or credited.
        assert min(came, 1000) <= credited + kept
        assert len(notes_of(state)) == issued or credited + kept <= 1000


# The tax on credit notes.


def invoiced(*, total: int, tax: int = 0, included: int = 0, currency: str = "USD") -> Order:
    order = Order(order_id="o", invoice_number="INV-2026-000001", status=ORDER_STATUS_CONFIRMED)
    order.pricing.total.CopyFrom(from_minor(total, currency))
    order.pricing.tax.CopyFrom(from_minor(tax, currency))
    if included:
        order.pricing.included_tax.CopyFrom(from_minor(included, currency))
    return order


def credit(order: Order, *amounts: int) -> list[int]:
    """The taxes on the credit notes, if these amounts are paid back one after the other."""
    currency = order.pricing.total.currency_code
    paid_back = 0
    order.payment.paid_amount.CopyFrom(from_minor(max(sum(amounts), minor_of(order.pricing.total)), currency))
    taxes = []
    for number, value in enumerate(amounts, start=1):
        before = Order()
        before.CopyFrom(order)
        back = Refund(refund_id=str(number), amount=from_minor(value, currency), status=REFUND_STATUS_SUCCEEDED)
        order.refunds.append(back)
        paid_back += value
        order.payment.refunded_amount.CopyFrom(from_minor(paid_back, currency))
        change = OrderChange(before=before, after=order, events=[])
        (note,) = issue_documents(change, number="{}-1".format, time=NOW)
        assert isinstance(note, CreditNote)
        assert order.refunds[-1].credit_note_number == note.credit_note_number == "CN-1"
        taxes.append(minor_of(note.tax))
    return taxes


@pytest.mark.parametrize(
    ("total", "tax", "included", "back", "expected"),
    [
        (11000, 1000, 0, 11000, 1000),
        (11000, 1000, 0, 5500, 500),
        (11000, 0, 1000, 1100, 100),
        (11000, 600, 400, 1100, 100),
        (200, 1, 0, 100, 0),
        (200, 3, 0, 100, 2),
        (300, 1, 0, 200, 1),
        (1000, 100, 0, 1500, 100),
    ],
)
def test_a_credit_note_has_its_share_of_the_tax_half_to_even(
    total: int, tax: int, included: int, back: int, expected: int
) -> None:
    assert credit(invoiced(total=total, tax=tax, included=included), back) == [expected]


@given(st.data())
@unhurried
def test_the_credit_notes_of_an_order_paid_back_in_parts_have_its_whole_tax(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 10**6))
    tax = data.draw(st.integers(0, total))
    cuts = {0, total, *data.draw(st.lists(st.integers(0, total), max_size=6))}
    amounts = [after - before for before, after in pairwise(sorted(cuts))]
    taxes = credit(invoiced(total=total, tax=tax), *amounts)
    assert sum(taxes) == tax
    for back, share in zip(amounts, taxes, strict=True):
        # Earlier shares are rounded, and the later ones take what that leaves.
        assert abs(share * total - back * tax) <= 2 * total


def test_the_series_are_those_that_invoices_are_looked_up_by() -> None:
    assert (INVOICES, CREDIT_NOTES) == ("INV", "CN")
