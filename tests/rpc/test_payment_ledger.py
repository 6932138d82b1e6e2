"""Payments of several providers on one order, through a real server with a payment provider of its own."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.customer_service_pb2 import UpsertPaymentMethodRequest
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CapturePaymentRequest,
    GetOrderRequest,
    OrderFilter,
    RecordPaymentRequest,
    RefundOrderRequest,
    SearchOrdersRequest,
    VoidPaymentRequest,
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


async def tell(shop: Service, order: pb.Order, kind: str, **event: Any) -> pb.Order:
    given = {"provider": "adyen", "event_id": str(uuid4()), "type": f"PAYMENT_EVENT_TYPE_{kind}"} | event
    return await shop.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=given))


async def held(shop: Service, **fields: Any) -> pb.Order:
    """An order of 12.50 that the server's own provider holds the total for."""
    customer_id = f"holder-{uuid4()}"
    card = {"payment_method_id": "card", "type": pb.PAYMENT_METHOD_CREDIT_CARD, "provider_token": "tok_authorize"}
    await shop.customers.UpsertPaymentMethod(UpsertPaymentMethodRequest(customer_id=customer_id, payment_method=card))
    return await shop.orders.CreateOrder(new_order(customer_id, payment_method_id="card", **fields))


def status(order: pb.Order) -> str:
    return pb.PaymentStatus.Name(order.payment_status).removeprefix("PAYMENT_STATUS_")


async def test_the_server_s_provider_leaves_another_provider_s_hold_alone(shop: Service) -> None:
    order = await shop.orders.CreateOrder(new_order(payment_method=pb.PAYMENT_METHOD_CREDIT_CARD))
    assert order.payment_intent.status == pb.PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
    after = await tell(shop, order, "AUTHORIZED")
    assert (after.status, status(after)) == (pb.ORDER_STATUS_CONFIRMED, "AUTHORIZED")
    assert after.payment.authorized_amount == after.pricing.total
    assert after.payment_intent.status == pb.PAYMENT_INTENT_STATUS_CANCELLED
    assert after == await shop.orders.GetOrder(GetOrderRequest(order_id=order.order_id))


async def test_an_outside_hold_of_a_cancelled_order_is_due_until_its_provider_releases_it(shop: Service) -> None:
    order = await shop.orders.CreateOrder(new_order(payment_method=pb.PAYMENT_METHOD_CREDIT_CARD))
    await tell(shop, order, "AUTHORIZED", amount=usd(5))
    cancelled = await shop.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    assert (status(cancelled), cancelled.payment.refund_due_amount) == ("REFUND_DUE", usd(5))
    assert status(await tell(shop, order, "VOIDED")) == "UNPAID"


async def test_orders_paid_in_part_are_found(shop: Service) -> None:
    order = await shop.orders.CreateOrder(new_order(f"part-{uuid4()}"))
    part = await tell(shop, order, "PAID", amount=usd(5), payment_id="ch_1", method="gift_card")
    (payment,) = part.payments
    assert (payment.payment_id, payment.method, payment.captured_amount) == ("adyen:ch_1", "gift_card", usd(5))
    wanted = OrderFilter(customer_id=order.customer.customer_id, payment_statuses=["PAYMENT_STATUS_PARTIALLY_PAID"])
    found = await shop.orders.SearchOrders(SearchOrdersRequest(filter=wanted))
    assert list(found.orders) == [part]


async def test_a_hold_is_captured_in_parts_and_the_rest_released(shop: Service) -> None:
    order = await held(shop)
    request = CapturePaymentRequest(order_id=order.order_id, amount=usd(5), request_id=f"capture-{order.order_id}")
    part = await shop.orders.CapturePayment(request)
    assert (status(part), part.payment.paid_amount, part.payment.authorized_amount) == (
        "AUTHORIZED",
        usd(5),
        usd(7, 50),
    )
    assert await shop.orders.CapturePayment(request) == part
    again = CapturePaymentRequest(order_id=order.order_id, amount=usd(5))
    assert (await shop.orders.CapturePayment(again)).payment.paid_amount == usd(10)
    refusal = await refused(shop.orders.CapturePayment(again))
    assert (refusal.reason, refusal.metadata["capturable"]) == ("CAPTURE_EXCEEDS_AUTHORIZATION", "2.50 USD")
    released = await shop.orders.VoidPayment(VoidPaymentRequest(order_id=order.order_id, reason="sold out"))
    assert (status(released), released.payment.voided_amount) == ("PARTIALLY_PAID", usd(2, 50))
    refunded = await shop.orders.RefundOrder(RefundOrderRequest(order_id=order.order_id))
    assert (status(refunded), refunded.refunds[0].payment_id) == ("REFUNDED", refunded.payments[0].payment_id)


async def test_a_whole_hold_is_captured(shop: Service) -> None:
    order = await held(shop)
    paid = await shop.orders.CapturePayment(CapturePaymentRequest(order_id=order.order_id))
    assert (status(paid), paid.payment_intent.status) == ("PAID", pb.PAYMENT_INTENT_STATUS_SUCCEEDED)


async def test_a_dry_capture_or_release_leaves_the_hold(shop: Service) -> None:
    order = await shop.orders.GetOrder(GetOrderRequest(order_id=(await held(shop)).order_id))
    for call, request in (
        (shop.orders.CapturePayment, CapturePaymentRequest(order_id=order.order_id, validate_only=True)),
        (shop.orders.VoidPayment, VoidPaymentRequest(order_id=order.order_id, validate_only=True)),
    ):
        tried = await call(request)
        assert (tried.payments, tried.payment, tried.version) == (order.payments, order.payment, order.version)
    assert await shop.orders.GetOrder(GetOrderRequest(order_id=order.order_id)) == order
    much = CapturePaymentRequest(order_id=order.order_id, amount=usd(99), validate_only=True)
    assert (await refused(shop.orders.CapturePayment(much))).reason == "CAPTURE_EXCEEDS_AUTHORIZATION"


async def test_a_dry_capture_is_refused_for_another_provider_s_payment(shop: Service) -> None:
    order = await shop.orders.CreateOrder(new_order())
    await tell(shop, order, "AUTHORIZED", payment_id="psp_2")
    request = CapturePaymentRequest(order_id=order.order_id, validate_only=True)
    tried = await refused(shop.orders.CapturePayment(request))
    request.validate_only = False
    assert await refused(shop.orders.CapturePayment(request)) == tried


async def test_another_provider_s_payment_is_captured_and_released_there(shop: Service) -> None:
    order = await shop.orders.CreateOrder(new_order())
    await tell(shop, order, "AUTHORIZED", payment_id="psp_1")
    capture, void = CapturePaymentRequest(order_id=order.order_id), VoidPaymentRequest(order_id=order.order_id)
    for call in (shop.orders.CapturePayment(capture), shop.orders.VoidPayment(void)):
        refusal = await refused(call)
        assert (refusal.reason, refusal.metadata["payment_id"]) == ("PAYMENT_OF_OTHER_PROVIDER", "adyen:psp_1")


async def test_each_provider_pays_back_its_own_payment(shop: Service) -> None:
    order = await held(shop)
    await shop.orders.CapturePayment(CapturePaymentRequest(order_id=order.order_id, amount=usd(10)))
    await tell(shop, order, "PAID", amount=usd(2, 50), payment_id="ch_1")
    refusal = await refused(shop.orders.RefundOrder(RefundOrderRequest(order_id=order.order_id)))
    assert (refusal.reason, "adyen:ch_1" in refusal.message) == ("INVALID_ORDER_DATA", True)
    outside = await shop.orders.RefundOrder(RefundOrderRequest(order_id=order.order_id, payment_id="ch_1"))
    assert (outside.refunds[0].status, outside.payment.refund_due_amount) == (pb.REFUND_STATUS_PENDING, usd(2, 50))
    own = await shop.orders.RefundOrder(RefundOrderRequest(order_id=order.order_id, payment_id="test"))
    assert (own.refunds[1].status, own.refunds[1].amount) == (pb.REFUND_STATUS_SUCCEEDED, usd(10))
    both = await tell(shop, order, "REFUNDED", refund_id="1")
    assert (both.payment.refunded_amount, both.refunds[0].status) == (usd(12, 50), pb.REFUND_STATUS_SUCCEEDED)


async def test_a_lost_dispute_gets_a_credit_note(shop: Service) -> None:
    order = await shop.orders.CreateOrder(new_order())
    await tell(shop, order, "PAID", payment_id="ch_1")
    opened = await tell(shop, order, "DISPUTE_OPENED", payment_id="ch_1", transaction_id="dp_1")
    assert (status(opened), opened.payment.disputed_amount, len(opened.refunds)) == ("PAID", usd(12, 50), 0)
    lost = await tell(shop, order, "DISPUTE_LOST", payment_id="ch_1", transaction_id="dp_1")
    assert (status(lost), lost.payment.disputed_amount) == ("REFUNDED", usd(0))
    assert lost.refunds[0].credit_note_number
