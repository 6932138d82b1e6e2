"""Refunds and cancellations by line, and updates of paid orders: money, points, stock and documents."""

from decimal import Decimal
from typing import Any

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.catalog_service_pb2 import BatchUpsertDeliveryZonesRequest, BatchUpsertProductsRequest
from orders.v1.customer_service_pb2 import AdjustPointsRequest
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_INVALID_TRANSITION,
    ERROR_REASON_LINE_QUANTITY_EXCEEDED,
    ERROR_REASON_NOTHING_TO_REFUND,
    ERROR_REASON_ORDER_ACCESS_DENIED,
    ERROR_REASON_ORDER_NOT_CANCELLABLE,
    ERROR_REASON_REFUND_EXCEEDS_PAYMENT,
)
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_service_pb2 import (
    CancelOrderLinesRequest,
    CancelOrderRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    UpdateOrderRequest,
)

from server.domain.base.money import minor_of
from server.domain.base.state import State
from server.storage.verification.refunds import refund_problems, tax_problems
from tests.domain.builders import (
    CUSTOMER,
    amount,
    create,
    line,
    money,
    new_state,
    paid,
    product,
    refuse,
    run,
    transition,
)

# Prices include 7 % on coffee and 19 % on everything else.
ZONE: dict[str, Any] = {
    "zone_id": "all",
    "areas": [{}],
    "tax_rates": [{"rate": {"value": "19"}}, {"tax_class": "reduced", "rate": {"value": "7"}}],
    "tax_included": True,
    "methods": [{"method": "standard", "prices": [{"currency_code": "USD"}]}],
}


@pytest.fixture
def state() -> State:
    return shop(ZONE)


def shop(zone: dict[str, Any]) -> State:
    return new_state(
        product("coffee", "16.50", tax_class="reduced", stock=10),
        product("lamp", "47.00", stock=10),
        set_up=[
            BatchUpsertDeliveryZonesRequest(zones=[zone]),
            AdjustPointsRequest(customer_id="carl", delta=1000, reason="gift"),
        ],
    )


def ordered(state: State, **fields: Any) -> pb.Order:
    """Two coffees at 16.50 and a lamp at 47.00."""
    return run(state, create(line("coffee", 2), line("lamp"), **fields))


def refund(state: State, order: pb.Order, *items: tuple[str, int], **fields: Any) -> pb.Order:
    """The order after a refund of these lines that its provider has made."""
    request = RefundOrderRequest(order_id=order.order_id, **fields)
    for item_id, quantity in items:
        request.items.add(item_id=item_id, quantity=quantity)
    made = run(state, request).refunds[-1]
    event = {"event_id": f"back-{made.refund_id}", "type": pb.PAYMENT_EVENT_TYPE_REFUNDED, "refund_id": made.refund_id}
    return run(state, RecordPaymentRequest(order_id=order.order_id, event=event))


def cancel(state: State, order: pb.Order, *items: tuple[str, int], **fields: Any) -> pb.Order:
    return run(state, cancelling(order, *items, **fields))


def cancelling(order: pb.Order, *items: tuple[str, int], **fields: Any) -> CancelOrderLinesRequest:
    lines = [{"item_id": item_id, "quantity": quantity} for item_id, quantity in items]
    return CancelOrderLinesRequest(order_id=order.order_id, items=lines, **fields)


def settling(order: pb.Order, *items: tuple[str, int], **fields: Any) -> UpdateOrderRequest:
    lines = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in items]
    return UpdateOrderRequest(order={"order_id": order.order_id, "items": lines}, **{"settle": True} | fields)


def documents(state: State, kind: type[Any]) -> list[Any]:
    return [document for document in state.changes.documents if isinstance(document, kind)]


def rates(document: Invoice | CreditNote) -> dict[str, Decimal]:
    return {total.rate.value: amount(total.amount) for total in document.tax_totals}


def stock(state: State, product_id: str) -> tuple[int, int]:
    return state.stock.get((product_id, "")), state.reserved.get((product_id, ""))


# Refunds by line.


def test_a_refunded_coffee_returns_the_tax_on_coffee(state: State) -> None:
    order = run(state, paid(ordered(state)))
    after = refund(state, order, ("1", 1))
    (note,) = documents(state, CreditNote)
    assert (note.amount, note.tax, rates(note)) == (money("16.50"), money("1.08"), {"7": Decimal("1.08")})
    assert [(one.item_id, one.quantity, one.price) for one in note.lines] == [("1", 1, money("16.50"))]
    assert after.refunds[0].credited_amount == money("16.50")


def test_an_invoice_lists_its_totals_by_tax_rate(state: State) -> None:
    run(state, paid(ordered(state)))
    (invoice,) = documents(state, Invoice)
    assert rates(invoice) == {"7": Decimal("2.16"), "19": Decimal("7.50")}


def test_an_amount_is_credited_with_the_taxes_of_all_lines(state: State) -> None:
    order = run(state, paid(ordered(state)))
    refund(state, order, amount=money("8.00"), reason="a dented box")
    (note,) = documents(state, CreditNote)
    assert (note.amount, note.tax) == (money("8.00"), money("0.97"))
    assert rates(note) == {"7": Decimal("0.22"), "19": Decimal("0.75")}
    assert note.reason == "a dented box"


def test_the_last_refund_takes_the_remainder(state: State) -> None:
    order = run(state, paid(ordered(state)))
    refund(state, order, amount=money("10.01"))
    refund(state, order, ("1", 1))
    refund(state, order, ("2", 1))
    done = refund(state, order, ("1", 1))
    assert done.payment_status == pb.PAYMENT_STATUS_REFUNDED
    assert sum(minor_of(one.amount) for one in documents(state, CreditNote)) == minor_of(order.pricing.total)
    assert sum(minor_of(one.tax) for one in documents(state, CreditNote)) == minor_of(order.pricing.included_tax)
    assert list(refund_problems(done)) == []


def test_a_refund_that_failed_can_be_made_again(state: State) -> None:
    order = run(state, paid(ordered(state)))
    request = RefundOrderRequest(order_id=order.order_id, items=[{"item_id": "2"}])
    run(state, request)
    refused = refuse(state, request)
    assert refused.error_reason == ERROR_REASON_LINE_QUANTITY_EXCEEDED
    assert refused.metadata["available"] == "0"
    event = {"event_id": "no", "type": pb.PAYMENT_EVENT_TYPE_REFUND_FAILED, "refund_id": "1"}
    run(state, RecordPaymentRequest(order_id=order.order_id, event=event))
    assert run(state, request).refunds[1].amount == money("47.00")


def test_points_go_back_once_the_refund_is_made() -> None:
    state = shop(ZONE)
    order = run(state, paid(ordered(state, loyalty_points_to_use=800)))
    assert state.points.get("carl") == 200
    asked = run(state, RefundOrderRequest(order_id=order.order_id, items=[{"item_id": "2"}]))
    # The lamp is 47 of 80.
    assert (asked.refunds[0].amount, asked.refunds[0].lines[0].loyalty_points) == (money("42.30"), 470)
    assert state.points.get("carl") == 200
    event = {"event_id": "back", "type": pb.PAYMENT_EVENT_TYPE_REFUNDED, "refund_id": "1"}
    run(state, RecordPaymentRequest(order_id=order.order_id, event=event))
    assert state.points.get("carl") == 670


def test_shipping_is_refunded_once() -> None:
    state = shop(ZONE | {"methods": [{"method": "standard", "prices": [{"currency_code": "USD", "units": 5}]}]})
    order = run(state, paid(ordered(state)))
    assert refund(state, order, ("1", 1), shipping=True).refunds[0].amount == money("21.50")
    again = refuse(state, RefundOrderRequest(order_id=order.order_id, shipping=True))
    assert (again.error_reason, again.metadata["field"]) == (ERROR_REASON_NOTHING_TO_REFUND, "shipping")


def test_no_more_is_refunded_than_was_captured(state: State) -> None:
    order = ordered(state)
    run(state, paid(order, amount=money("20.00")))
    refused = refuse(state, RefundOrderRequest(order_id=order.order_id, items=[{"item_id": "2"}]))
    assert refused.error_reason == ERROR_REASON_REFUND_EXCEEDS_PAYMENT
    assert refused.metadata["refundable"] == "20.00 USD"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"items": [{"item_id": "9"}]}, "items[0].item_id"),
        ({"items": [{"item_id": "1", "quantity": 1}, {"item_id": "1"}]}, "items[1].item_id"),
        ({"items": [{"item_id": "1"}], "amount": money("1.00")}, "amount"),
    ],
)
def test_a_refund_that_makes_no_sense_is_refused(state: State, fields: dict[str, Any], field: str) -> None:
    order = run(state, paid(ordered(state)))
    assert refuse(state, RefundOrderRequest(order_id=order.order_id, **fields)).violations[0].field == field


# Verification.


def test_refunds_that_return_more_than_a_line_has_are_found(state: State) -> None:
    order = refund(state, run(state, paid(ordered(state))), ("2", 1))
    assert list(refund_problems(order)) == []
    order.items[1].total_price.units -= 1
    order.pricing.total.units -= 1
    assert list(refund_problems(order)) == ["refunds return more of line 2 than the order has"]
    order.refunds[0].lines[0].amount.units += 1
    assert "the amounts of the lines of refund 1 are not those of their prices" in refund_problems(order)


def test_taxes_of_a_document_that_do_not_add_up_by_rate_are_found(state: State) -> None:
    refund(state, run(state, paid(ordered(state))), ("1", 1))
    for document in state.changes.documents:
        assert list(tax_problems("D", document)) == []
        document.tax_totals[0].rate.value = "19"
        assert list(tax_problems("D", document)) == ["the taxes of document D do not add up by rate"]


# Cancelled lines.


def test_a_cancelled_line_returns_stock_tax_and_money(state: State) -> None:
    order = run(state, paid(ordered(state)))
    after = cancel(state, order, ("1", 1), reason="sold out")
    assert stock(state, "coffee") == (9, 1)
    assert (after.items[0].quantity, after.total_quantity) == (1, 2)
    assert (after.pricing.total, after.pricing.included_tax) == (money("63.50"), money("8.58"))
    assert [(one.amount, one.status) for one in after.refunds] == [(money("16.50"), pb.REFUND_STATUS_PENDING)]
    assert (after.payment_status, after.payment.refund_due_amount) == (pb.PAYMENT_STATUS_REFUND_DUE, money("16.50"))
    (note,) = documents(state, CreditNote)
    assert (note.amount, note.tax, note.adjustment_id, note.reason) == (money("16.50"), money("1.08"), "1", "sold out")
    event = {"event_id": "back", "type": pb.PAYMENT_EVENT_TYPE_REFUNDED, "refund_id": "1"}
    done = run(state, RecordPaymentRequest(order_id=order.order_id, event=event))
    assert done.payment_status == pb.PAYMENT_STATUS_PAID
    assert documents(state, CreditNote) == [note], "the refund was credited with the cancellation"


def test_a_cancelled_line_lowers_the_price_of_an_unpaid_order(state: State) -> None:
    order = ordered(state, loyalty_points_to_use=800)
    after = cancel(state, order, ("2", 0))
    assert (after.pricing.total, after.pricing.loyalty_points_used) == (money("29.70"), 330)
    assert [tax.rate.value for tax in after.pricing.taxes] == ["7"]
    assert state.points.get("carl") == 670
    assert (list(after.refunds), documents(state, CreditNote)) == ([], [])


def test_lines_cancelled_one_by_one_leave_what_an_amount_took(state: State) -> None:
    order = run(state, paid(ordered(state)))
    refund(state, order, amount=money("8.00"))
    after = cancel(state, order, ("2", 1))
    assert after.refunds[1].amount == money("47.00")
    assert after.pricing.total == money("33.00")
    credited = sum(minor_of(one.amount) for one in documents(state, CreditNote))
    assert credited == 800 + 4700
    assert list(refund_problems(after)) == []


def test_not_every_line_can_be_cancelled_alone(state: State) -> None:
    order = ordered(state)
    refused = refuse(state, cancelling(order, ("1", 2), ("2", 1)))
    assert "CancelOrder" in refused.message
    assert refuse(state, cancelling(order, ("1", 3))).error_reason == ERROR_REASON_LINE_QUANTITY_EXCEEDED


def test_lines_are_cancelled_by_those_who_could_cancel_the_order(state: State) -> None:
    order = run(state, paid(ordered(state)))
    assert refuse(state, cancelling(order, ("1", 1)), CUSTOMER).error_reason == ERROR_REASON_ORDER_ACCESS_DENIED
    shipped(state, order)
    assert refuse(state, cancelling(order, ("1", 1))).error_reason == ERROR_REASON_ORDER_NOT_CANCELLABLE


def shipped(state: State, order: pb.Order) -> pb.Order:
    more = {"carrier": "DHL", "tracking_number": "1"}
    return run(state, transition(order, pb.ORDER_STATUS_SHIPPED, **more))


def test_an_order_is_cancelled_whole_after_some_of_its_lines(state: State) -> None:
    order = run(state, paid(ordered(state, loyalty_points_to_use=800)))
    cancel(state, order, ("1", 1))
    run(state, CancelOrderRequest(order_id=order.order_id))
    assert (stock(state, "coffee"), stock(state, "lamp"), state.points.get("carl")) == ((10, 0), (10, 0), 1000)


# Settled updates.


def test_an_order_that_owes_more_does_not_ship(state: State) -> None:
    order = run(state, paid(ordered(state)))
    preview = run(state, settling(order, ("coffee", 2), ("lamp", 2), validate_only=True))
    assert preview.payment.due_amount == money("47.00")
    after = run(state, settling(order, ("coffee", 2), ("lamp", 2)))
    assert (after.pricing.total, after.payment.due_amount) == (money("127.00"), money("47.00"))
    refused = refuse(state, transition(order, pb.ORDER_STATUS_SHIPPED, carrier="DHL", tracking_number="1"))
    assert (refused.error_reason, refused.metadata["guard"]) == (ERROR_REASON_INVALID_TRANSITION, "settled")
    assert "47.00 USD" in refused.message
    run(state, paid(order, "rest"))
    assert shipped(state, order).payment_status == pb.PAYMENT_STATUS_PAID


def test_a_settled_order_gets_a_new_invoice(state: State) -> None:
    order = run(state, paid(ordered(state)))
    after = run(state, settling(order, ("lamp", 2)))
    first, second = documents(state, Invoice)
    (note,) = documents(state, CreditNote)
    assert (note.invoice_number, note.amount) == (first.invoice_number, money("80.00"))
    assert (note.tax, rates(note)) == (money("9.66"), rates(first))
    assert (after.invoice_number, second.pricing.total) == (second.invoice_number, money("94.00"))


def test_an_order_that_costs_less_is_due_for_refund(state: State) -> None:
    order = run(state, paid(ordered(state)))
    after = run(state, settling(order, ("lamp", 1)))
    assert (after.payment_status, after.payment.refund_due_amount) == (pb.PAYMENT_STATUS_REFUND_DUE, money("33.00"))
    done = refund(state, order, amount=money("33.00"))
    assert (done.payment_status, done.refunds[0].lines) == (pb.PAYMENT_STATUS_PAID, [])
    assert len(documents(state, CreditNote)) == 1
    assert shipped(state, order)


def test_a_paid_order_changes_only_if_it_is_settled(state: State) -> None:
    order = run(state, paid(ordered(state)))
    refused = refuse(state, settling(order, ("lamp", 2), settle=False))
    assert "settle" in refused.message or "PENDING" in refused.message
    shipped(state, order)
    assert refuse(state, settling(order, ("lamp", 2))).error_reason == ERROR_REASON_INVALID_TRANSITION


def test_a_settled_update_asks_before_it_changes_prices(state: State) -> None:
    order = run(state, paid(ordered(state)))
    run(state, BatchUpsertProductsRequest(products=[product("lamp", "50.00", stock=10)]))
    refused = refuse(state, settling(order, ("coffee", 2), ("lamp", 2)))
    assert "accept_price_changes" in refused.message
    after = run(state, settling(order, ("coffee", 2), ("lamp", 2), accept_price_changes=True))
    assert after.payment.due_amount == money("53.00")


def test_an_order_of_which_lines_were_refunded_is_not_priced_again(state: State) -> None:
    order = run(state, paid(ordered(state)))
    refund(state, order, ("1", 1))
    assert "refunded" in refuse(state, settling(order, ("lamp", 2))).message


def test_an_unpaid_order_that_pays_at_the_door_owes_nothing_before(state: State) -> None:
    order = ordered(state)
    run(state, transition(order, pb.ORDER_STATUS_CONFIRMED, override_reason="pays at the door"))
    assert not run(state, settling(order, ("lamp", 2))).payment.HasField("due_amount")
    assert shipped(state, order)
