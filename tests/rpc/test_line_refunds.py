"""Refunds by line, cancelled lines and settled updates, through a real server with a payment provider of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import grpc
import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.customer_service_pb2 import UpsertPaymentMethodRequest
from orders.v1.order_service_pb2 import (
    CancelOrderLinesRequest,
    CancelOrderRequest,
    CapturePaymentRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.conftest import Service, new_order, refused, serving, stock_shop, usd
from tests.storage.helpers import disagreements


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database(), payment_provider="test") as shop:
        await stock_shop(shop)
        yield shop


@pytest.fixture(autouse=True)
async def everything_agrees(shop: Service) -> AsyncIterator[None]:
    yield
    assert await disagreements(shop.url) == []


async def bought(shop: Service, *, token: str = "tok_visa", mugs: int = 3) -> pb.Order:
    """An order of mugs at 12.50 and a lamp at 49.90, paid with a saved card."""
    customer_id = f"buyer-{uuid4()}"
    await save_card(shop, customer_id, token)
    request = new_order(customer_id, quantity=mugs, payment_method_id="card")
    request.items.add(product_id="lamp", quantity=1)
    return await shop.orders.CreateOrder(request)


async def save_card(shop: Service, customer_id: str, token: str) -> None:
    card = {"payment_method_id": "card", "type": pb.PAYMENT_METHOD_CREDIT_CARD, "provider_token": token}
    await shop.customers.UpsertPaymentMethod(UpsertPaymentMethodRequest(customer_id=customer_id, payment_method=card))


def settling(order: pb.Order, mugs: int, **fields: Any) -> UpdateOrderRequest:
    items = [{"product_id": "mug", "quantity": mugs}, {"product_id": "lamp", "quantity": 1}]
    return UpdateOrderRequest(order={"order_id": order.order_id, "items": items}, settle=True, **fields)


def shipping(order: pb.Order) -> TransitionOrderRequest:
    return TransitionOrderRequest(
        order_id=order.order_id, status=pb.ORDER_STATUS_SHIPPED, carrier="DHL", tracking_number="1"
    )


async def test_refunds_at_the_same_time_share_what_is_left(shop: Service) -> None:
    order = await bought(shop)
    request = RefundOrderRequest(order_id=order.order_id, items=[{"item_id": "1", "quantity": 1}])
    calls = [shop.orders.RefundOrder(request) for _ in range(6)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    errors = [one for one in found if isinstance(one, grpc.aio.AioRpcError)]
    assert (len(errors), {one.code() for one in errors}) == (3, {grpc.StatusCode.FAILED_PRECONDITION})
    now = await shop.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    assert now.payment.refunded_amount == usd(37, 50)
    invoice = await shop.orders.GetInvoice(GetInvoiceRequest(order_id=order.order_id))
    assert [note.lines[0].quantity for note in invoice.credit_notes] == [1, 1, 1]


async def test_a_repeated_cancellation_of_lines_pays_back_once(shop: Service) -> None:
    order = await bought(shop)
    request = CancelOrderLinesRequest(
        order_id=order.order_id, items=[{"item_id": "1", "quantity": 2}], request_id=str(uuid4())
    )
    first = await shop.orders.CancelOrderLines(request)
    again = await shop.orders.CancelOrderLines(request)
    assert (first.payment_status, first.payment.refunded_amount) == (pb.PAYMENT_STATUS_PAID, usd(25))
    assert again == first


async def test_lines_of_a_held_order_are_not_captured(shop: Service) -> None:
    order = await bought(shop, token="tok_authorize")
    after = await shop.orders.CancelOrderLines(
        CancelOrderLinesRequest(order_id=order.order_id, items=[{"item_id": "2", "quantity": 1}])
    )
    assert (after.pricing.total, len(after.refunds)) == (usd(37, 50), 0)
    captured = await shop.orders.CapturePayment(CapturePaymentRequest(order_id=order.order_id))
    assert (captured.payment_status, captured.payment.paid_amount) == (pb.PAYMENT_STATUS_PAID, usd(37, 50))


async def test_cancelled_lines_lower_the_intent_of_an_unpaid_order(shop: Service) -> None:
    request = new_order(f"b-{uuid4()}", quantity=2, payment_method=pb.PAYMENT_METHOD_CREDIT_CARD)
    order = await shop.orders.CreateOrder(request)
    after = await shop.orders.CancelOrderLines(
        CancelOrderLinesRequest(order_id=order.order_id, items=[{"item_id": "1", "quantity": 1}])
    )
    assert (after.pricing.total, after.payment_intent.id) == (usd(12, 50), order.payment_intent.id)


async def test_more_is_paid_by_another_intent(shop: Service) -> None:
    order = await bought(shop)
    request = settling(order, 5, request_id=str(uuid4()))
    after = await shop.orders.UpdateOrder(request)
    assert [one.captured_amount for one in after.payments] == [usd(87, 40), usd(25)]
    assert after.payment.due_amount == usd(0)
    assert after.payment_intent.id == after.payments[1].provider_payment_id != order.payment_intent.id
    assert await shop.orders.UpdateOrder(request) == after
    # Each payment is refunded by its own intent.
    for payment, amount in zip(after.payments, (usd(87, 40), usd(25)), strict=True):
        after = await shop.orders.RefundOrder(
            RefundOrderRequest(order_id=order.order_id, payment_id=payment.payment_id, amount=amount)
        )
    assert [one.refunded_amount for one in after.payments] == [usd(87, 40), usd(25)]
    invoice = await shop.orders.GetInvoice(GetInvoiceRequest(order_id=order.order_id))
    assert (len(invoice.replaced_invoices), invoice.pricing.total) == (1, usd(112, 40))


async def test_what_is_due_is_shown_until_it_is_paid(shop: Service) -> None:
    order = await bought(shop)
    await save_card(shop, order.customer.customer_id, "tok_confirm")
    owed = await shop.orders.UpdateOrder(settling(order, 4))
    assert (owed.payment.due_amount, owed.payment_intent.amount) == (usd(12, 50), usd(12, 50))
    assert owed.payment_intent.client_secret
    assert (await refused(shop.orders.TransitionOrder(shipping(order)))).reason == "INVALID_TRANSITION"
    more = await shop.orders.UpdateOrder(settling(order, 5))
    assert (more.payment_intent.id, more.payment_intent.amount) == (owed.payment_intent.id, usd(25))
    event = {
        "provider": "test",
        "payment_id": more.payment_intent.id,
        "event_id": str(uuid4()),
        "type": pb.PAYMENT_EVENT_TYPE_PAID,
    }
    paid = await shop.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))
    assert (paid.payment_status, paid.payment.due_amount) == (pb.PAYMENT_STATUS_PAID, usd(0))
    assert paid.payment_intent.status == pb.PAYMENT_INTENT_STATUS_SUCCEEDED
    assert (await shop.orders.TransitionOrder(shipping(order))).status == pb.ORDER_STATUS_SHIPPED


async def test_a_declined_difference_leaves_the_order_changed_and_due(shop: Service) -> None:
    order = await bought(shop)
    await save_card(shop, order.customer.customer_id, "tok_decline_no_funds")
    assert (await refused(shop.orders.UpdateOrder(settling(order, 4)))).reason == "PAYMENT_FAILED"
    now = await shop.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    assert (now.status, now.payment.due_amount) == (pb.ORDER_STATUS_CONFIRMED, usd(12, 50))
    cancelled = await shop.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    assert cancelled.payment.refund_due_amount == usd(87, 40)
    assert cancelled.payment_intent.status == pb.PAYMENT_INTENT_STATUS_CANCELLED


async def test_a_settled_order_that_costs_less_is_due_for_refund(shop: Service) -> None:
    order = await bought(shop)
    after = await shop.orders.UpdateOrder(settling(order, 1))
    assert (after.payment_status, after.payment.refund_due_amount) == (pb.PAYMENT_STATUS_REFUND_DUE, usd(25))
    done = await shop.orders.RefundOrder(RefundOrderRequest(order_id=order.order_id, amount=usd(25)))
    assert (done.payment_status, done.refunds[0].credit_note_number) == (pb.PAYMENT_STATUS_PAID, "")
