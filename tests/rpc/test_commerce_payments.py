"""Orders that are paid through a payment provider, on two replicas: what is answered, what is stored, and what happens once only."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import grpc
import pytest
from orders.v1.catalog_service_pb2 import GetCouponRequest
from orders.v1.customer_service_pb2 import UpsertPaymentMethodRequest
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_REFUND,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_UPDATED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_INTENT_STATUS_CANCELLED,
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    PAYMENT_METHOD_BANK_TRANSFER,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    REFUND_STATUS_FAILED,
    Order,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CreateOrderRequest,
    GetOrderRequest,
    OrderFilter,
    RecordPaymentRequest,
    RefundOrderRequest,
    SearchOrdersRequest,
    UpdateOrderRequest,
)

from tests.conftest import Service, new_order, refused, serving, stock_shop, usd
from tests.rpc.test_races import attempt, events_of, put_product, race, split
from tests.storage.helpers import disagreements, locked, until_waiting

Replicas = tuple[Service, Service]

PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture(scope="module")
async def replicas(new_database: Callable[[], str]) -> AsyncIterator[Replicas]:
    """Two servers on one database, with the provider whose tokens say what happens."""
    url = new_database()
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(serving(url, payment_provider="test")) for _ in range(2)]
        await stock_shop(one)
        yield one, other


@pytest.fixture(autouse=True)
async def everything_agrees(replicas: Replicas) -> AsyncIterator[None]:
    yield
    assert await disagreements(replicas[0].url) == []


@pytest.fixture
def shop(replicas: Replicas) -> Service:
    return replicas[0]


async def payer(shop: Service, token: str) -> str:
    """A customer of the test's own, with a card that the provider knows by the token."""
    customer_id = f"payer-{uuid4()}"
    await save_card(shop, customer_id, token)
    return customer_id


async def save_card(shop: Service, customer_id: str, token: str) -> None:
    card = {"payment_method_id": "card", "type": PAYMENT_METHOD_CREDIT_CARD, "provider_token": token}
    await shop.customers.UpsertPaymentMethod(UpsertPaymentMethodRequest(customer_id=customer_id, payment_method=card))


def by_card(customer_id: str, **fields: Any) -> CreateOrderRequest:
    return new_order(customer_id, payment_method_id="card", **fields)


async def orders_of(shop: Service, customer_id: str) -> list[Order]:
    found = await shop.orders.SearchOrders(SearchOrdersRequest(filter=OrderFilter(customer_id=customer_id)))
    return list(found.orders)


async def get(shop: Service, order: Order) -> Order:
    return await shop.orders.GetOrder(GetOrderRequest(order_id=order.order_id))


@pytest.mark.parametrize(
    ("token", "intent", "payment"),
    [
        ("tok_visa", PAYMENT_INTENT_STATUS_SUCCEEDED, PAYMENT_STATUS_PAID),
        ("tok_authorize", PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE, PAYMENT_STATUS_AUTHORIZED),
    ],
)
async def test_an_order_that_is_paid_at_once_is_answered_confirmed_and_with_its_invoice(
    shop: Service, token: str, intent: int, payment: int
) -> None:
    order = await shop.orders.CreateOrder(by_card(await payer(shop, token)))
    assert (order.status, order.payment_status) == (ORDER_STATUS_CONFIRMED, payment)
    assert order.payment_intent.status == intent
    # There is nothing left for the customer's client to do.
    assert not order.payment_intent.client_secret
    assert order.invoice_number
    assert await get(shop, order) == order
    assert (await events_of(shop, order))[0].type == ORDER_EVENT_TYPE_CREATED


@pytest.mark.parametrize("fields", [{"payment_method": PAYMENT_METHOD_BANK_TRANSFER}, {"validate_only": True}])
async def test_the_provider_is_not_asked_where_there_is_nothing_to_pay_through_it(
    shop: Service, fields: dict[str, Any]
) -> None:
    order = await shop.orders.CreateOrder(new_order(**fields))
    assert not order.HasField("payment_intent")
    assert (order.status, order.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_UNPAID)


async def test_without_a_saved_card_the_client_gets_what_it_needs_to_pay(shop: Service) -> None:
    order = await shop.orders.CreateOrder(new_order(payment_method=PAYMENT_METHOD_CREDIT_CARD))
    assert order.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
    assert order.payment_intent.client_secret
    found = await orders_of(shop, "jane")
    assert not any(order.payment_intent.client_secret for order in found)


async def test_a_request_sent_many_times_at_once_is_one_order_and_one_payment(replicas: Replicas) -> None:
    customer_id = await payer(replicas[0], "tok_visa")
    before = await replicas[0].stock("mug")
    request = by_card(customer_id, request_id=f"hedged-{customer_id}", quantity=2)
    found = await race(*(replicas[n % 2].orders.CreateOrder(request) for n in range(20)))
    answers, _ = split(found, reasons=set())
    assert {answer.order_id for answer in answers} == {answers[0].order_id}
    assert {answer.status for answer in answers} == {ORDER_STATUS_CONFIRMED}
    (order,) = await orders_of(replicas[0], customer_id)
    assert order.payment.paid_amount == order.pricing.total == usd(25)
    assert await replicas[0].stock("mug") == before - 2
    assert await replicas[0].rows("SELECT count(*) FROM payments WHERE order_id = %s", order.order_id) == [(1,)]


async def test_a_declined_request_sent_many_times_at_once_cancels_one_order_once(replicas: Replicas) -> None:
    customer_id = await payer(replicas[0], "tok_decline_too_poor")
    before = await replicas[0].stock("mug")
    request = by_card(customer_id, request_id=f"declined-{customer_id}", coupon_code="HALF")
    used = (await replicas[0].catalog.GetCoupon(GetCouponRequest(code="HALF"))).times_used
    found = await race(*(replicas[n % 2].orders.CreateOrder(request) for n in range(20)))
    answers, refusals = split(found, reasons={"PAYMENT_FAILED"})
    assert not answers
    (order,) = await orders_of(replicas[0], customer_id)
    assert {refusal.metadata["order_id"] for refusal in refusals} == {order.order_id}
    assert {(refusal.code, refusal.message) for refusal in refusals} == {(PRECONDITION, refusals[0].message)}
    assert "too poor" in refusals[0].message
    assert (order.status, order.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_FAILED)
    assert order.payment_intent.status == PAYMENT_INTENT_STATUS_CANCELLED
    assert await replicas[0].stock("mug") == before
    assert (await replicas[0].catalog.GetCoupon(GetCouponRequest(code="HALF"))).times_used == used


async def test_the_last_piece_goes_to_somebody_whose_card_is_good(replicas: Replicas) -> None:
    product_id = await put_product(replicas[0], stock=1)
    poor, rich = await payer(replicas[0], "tok_decline"), await payer(replicas[0], "tok_visa")
    for _ in range(3):
        refusal = await refused(replicas[0].orders.CreateOrder(by_card(poor, product_id=product_id)))
        assert refusal.reason == "PAYMENT_FAILED"
    order = await replicas[1].orders.CreateOrder(by_card(rich, product_id=product_id))
    assert order.status == ORDER_STATUS_CONFIRMED
    assert await replicas[0].stock(product_id) == 0


async def test_without_a_request_id_nothing_is_left_of_an_order_that_cannot_be_paid_now(shop: Service) -> None:
    customer_id = await payer(shop, "tok_unavailable")
    before = await shop.stock("mug")
    refusal = await refused(shop.orders.CreateOrder(by_card(customer_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert refusal.metadata == {"dependency": "payment_provider"}
    assert refusal.retry is not None
    (order,) = await orders_of(shop, customer_id)
    assert order.status == ORDER_STATUS_CANCELLED
    assert await shop.stock("mug") == before


async def test_cancelling_an_authorized_order_lets_go_of_the_money(shop: Service) -> None:
    order = await shop.orders.CreateOrder(by_card(await payer(shop, "tok_authorize")))
    cancelled = await shop.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    assert cancelled.status == ORDER_STATUS_CANCELLED
    assert cancelled.payment_status == PAYMENT_STATUS_UNPAID
    assert cancelled.payment.authorized_amount == usd(0)
    assert await get(shop, order) == cancelled


async def test_how_a_cancelling_ends_that_nobody_waits_for_any_more_is_no_matter_for_the_log(
    shop: Service, caplog: pytest.LogCaptureFixture
) -> None:
    order = await shop.orders.CreateOrder(by_card(await payer(shop, "tok_authorize")))
    cancel = CancelOrderRequest(order_id=order.order_id)
    await shop.orders.CancelOrder(cancel)
    async with locked(shop.url, "orders", f"order_id = '{order.order_id}'") as outside:
        call = shop.orders.CancelOrder(cancel)
        await until_waiting(outside)
        call.cancel()
    # When a later one is answered, so is this one.
    assert (await refused(shop.orders.CancelOrder(cancel))).reason == "ORDER_ALREADY_CANCELLED"
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_cancelling_at_many_places_at_once_lets_go_of_the_money_once(replicas: Replicas) -> None:
    order = await replicas[0].orders.CreateOrder(by_card(await payer(replicas[0], "tok_authorize")))
    cancel = CancelOrderRequest(order_id=order.order_id, request_id=f"cancel-{order.order_id}")
    found = await race(*(replicas[n % 2].orders.CancelOrder(cancel) for n in range(10)))
    answers, _ = split(found, reasons=set())
    assert {answer.status for answer in answers} == {ORDER_STATUS_CANCELLED}
    reports = [event.payment_event.type for event in await events_of(replicas[0], order)]
    assert (reports.count(PAYMENT_EVENT_TYPE_AUTHORIZED), reports.count(PAYMENT_EVENT_TYPE_VOIDED)) == (1, 1)


async def test_a_paid_order_is_paid_back_at_once_and_one_that_the_provider_refuses_is_not(shop: Service) -> None:
    customer_id = await payer(shop, "tok_visa")
    order = await shop.orders.CreateOrder(by_card(customer_id))
    cancelled = await shop.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    assert cancelled.payment_status == PAYMENT_STATUS_REFUND_DUE
    refund = RefundOrderRequest(order_id=order.order_id, request_id=f"refund-{order.order_id}")
    repaid = await shop.orders.RefundOrder(refund)
    assert repaid.payment_status == PAYMENT_STATUS_REFUNDED
    assert repaid.refunds[0].credit_note_number.startswith("CN-")
    assert await shop.orders.RefundOrder(refund) == repaid

    stubborn = await shop.orders.CreateOrder(by_card(customer_id, metadata={"test_refund": "fails"}))
    refund = RefundOrderRequest(order_id=stubborn.order_id, request_id=f"refund-{stubborn.order_id}", amount=usd(5))
    named = {"order_id": stubborn.order_id, "provider": "test", "refund_id": "1", "amount": "5.00 USD"}
    for words in ({"decline_reason": "refused by the bank"}, {}):
        refusal = await refused(shop.orders.RefundOrder(refund))
        assert (refusal.code, refusal.reason) == (PRECONDITION, "PAYMENT_FAILED")
        assert refusal.metadata == named | words
    now = await get(shop, stubborn)
    assert [(found.status, found.credit_note_number) for found in now.refunds] == [(REFUND_STATUS_FAILED, "")]
    assert now.payment_status == PAYMENT_STATUS_PAID


async def test_refunds_asked_for_at_once_never_exceed_what_was_paid(replicas: Replicas) -> None:
    order = await replicas[0].orders.CreateOrder(by_card(await payer(replicas[0], "tok_visa"), quantity=8))
    refund = RefundOrderRequest(order_id=order.order_id, amount=usd(30))
    found = await race(*(replicas[n % 2].orders.RefundOrder(refund) for n in range(20)))
    answers, _ = split(found, reasons={"REFUND_EXCEEDS_PAYMENT"})
    assert len(answers) == 3
    now = await get(replicas[0], order)
    assert now.payment.refunded_amount == usd(90)
    assert len({refund.credit_note_number for refund in now.refunds}) == 3
    types = [event.type for event in await events_of(replicas[0], order)]
    assert types.count(ORDER_EVENT_TYPE_REFUND) == 3


async def test_an_order_that_changes_before_it_is_paid_is_paid_as_it_is_then(shop: Service) -> None:
    customer_id = await payer(shop, "tok_confirm")
    order = await shop.orders.CreateOrder(by_card(customer_id))
    more = {"order_id": order.order_id, "items": [{"item_id": "1", "product_id": "mug", "quantity": 3}]}
    changed = await shop.orders.UpdateOrder(UpdateOrderRequest(order=more))
    assert (changed.status, changed.pricing.total) == (ORDER_STATUS_PENDING, usd(37, 50))
    # With a card that is good at once, the same update pays.
    await save_card(shop, customer_id, "tok_visa")
    fewer = {"order_id": order.order_id, "items": [{"item_id": "1", "product_id": "mug", "quantity": 2}]}
    paid = await shop.orders.UpdateOrder(UpdateOrderRequest(order=fewer))
    assert (paid.status, paid.payment.paid_amount) == (ORDER_STATUS_CONFIRMED, usd(25))
    types = [event.type for event in await events_of(shop, order)]
    assert types.count(ORDER_EVENT_TYPE_UPDATED) == 2
    assert types[-1] == ORDER_EVENT_TYPE_STATUS_CHANGED


async def test_another_card_that_is_declined_leaves_the_order_to_be_paid_in_another_way(shop: Service) -> None:
    customer_id = await payer(shop, "tok_confirm")
    order = await shop.orders.CreateOrder(by_card(customer_id))
    await save_card(shop, customer_id, "tok_decline")
    wish = {"order_id": order.order_id, "items": [{"item_id": "1", "product_id": "mug", "quantity": 4}]}
    refusal = await refused(shop.orders.UpdateOrder(UpdateOrderRequest(order=wish)))
    assert refusal.reason == "PAYMENT_FAILED"
    assert "stays pending" in refusal.message
    now = await get(shop, order)
    assert (now.status, now.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_FAILED)
    assert now.pricing.total == usd(50)
    event = {"provider": "test", "event_id": f"late-{order.order_id}", "type": PAYMENT_EVENT_TYPE_PAID}
    paid = await shop.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))
    assert (paid.status, paid.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)


async def test_a_payment_a_cancellation_and_an_update_at_once_end_in_one_of_the_ways_that_they_may(
    replicas: Replicas,
) -> None:
    customer_id = await payer(replicas[0], "tok_confirm")
    orders = await asyncio.gather(*(replicas[n % 2].orders.CreateOrder(by_card(customer_id)) for n in range(20)))
    await save_card(replicas[0], customer_id, "tok_visa")
    calls: list[Awaitable[Any]] = []
    for n, order in enumerate(orders):
        one, other = replicas if n % 2 else reversed(replicas)
        more = {"order_id": order.order_id, "items": [{"item_id": "1", "product_id": "mug", "quantity": 2}]}
        event = {"event_id": f"race-{order.order_id}", "type": PAYMENT_EVENT_TYPE_PAID, "amount": usd(12, 50)}
        calls += [
            one.orders.UpdateOrder(UpdateOrderRequest(order=more)),
            other.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id)),
            one.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event)),
        ]
    split(await race(*calls), reasons={"INVALID_TRANSITION", "ORDER_ALREADY_CANCELLED"})
    for order in orders:
        now = await get(replicas[0], order)
        paid = now.payment.paid_amount
        assert paid.units >= 12
        if now.status == ORDER_STATUS_CANCELLED:
            assert now.payment_status == PAYMENT_STATUS_REFUND_DUE
        else:
            assert now.status == ORDER_STATUS_CONFIRMED


async def test_a_caller_that_leaves_does_not_leave_a_half_paid_order_behind(shop: Service) -> None:
    customer_id = await payer(shop, "tok_visa")
    calls = [shop.orders.CreateOrder(by_card(customer_id)) for _ in range(20)]
    pending = [asyncio.ensure_future(attempt(call)) for call in calls]
    for number, call in enumerate(calls):
        await asyncio.sleep(0)
        if number % 2:
            call.cancel()
    await asyncio.gather(*pending, return_exceptions=True)

    async def settled() -> bool:
        found = await orders_of(shop, customer_id)
        return all(order.status == ORDER_STATUS_CONFIRMED for order in found)

    async with asyncio.timeout(60):
        while not await settled():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(await orders_of(shop, customer_id)) >= 10
