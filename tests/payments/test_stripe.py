"""Stripe as the provider, over real HTTP against a scripted server: declines, timeouts, retries, races."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.customer_service_pb2 import UpsertPaymentMethodRequest
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CapturePaymentRequest,
    RefundOrderRequest,
    UpdateOrderRequest,
    VoidPaymentRequest,
)

from server.domain.base.money import minor_of
from server.payments import flow
from server.payments.checkout import Checkout
from server.payments.stripe import api
from server.payments.stripe.amounts import minor_of_stripe, stripe_of_minor
from server.payments.stripe.api import StripeApi
from server.payments.stripe.provider import StripeProvider
from server.retry import RetryPolicy
from tests.domain.builders import ADMIN, command, money, product
from tests.payments.stripe_server import StripeServer, fails, hangs, passes, stripe_server, vanishes
from tests.payments.test_checkout import Shop, checkout_of, created, refusal, wanted

TOKENS = ("pm_card", "pm_saved", "pm_decline", "pm_confirm", "pm_gone")


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.store.put_products(product(price="10.00", stock=10))
    for token in TOKENS:
        method = {"payment_method_id": token, "type": pb.PAYMENT_METHOD_CREDIT_CARD, "provider_token": token}
        shop.store.do(UpsertPaymentMethodRequest(customer_id="carl", payment_method=method))
    return shop


@pytest.fixture
async def stripe(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StripeServer]:
    monkeypatch.setattr(api, "_RETRYING", RetryPolicy(first=0, longest=0, attempts=3))
    monkeypatch.setattr(flow, "_RECORDING", RetryPolicy(first=0, longest=0, attempts=3))
    async with stripe_server() as server:
        yield server


@pytest.fixture
async def checkout(shop: Shop, stripe: StripeServer) -> AsyncIterator[Checkout]:
    provider = StripeProvider(StripeApi("sk_test_key", url=stripe.url, timeout=10))
    yield checkout_of(shop, provider)  # type: ignore[arg-type]
    await provider.close()


async def done(checkout: Checkout, request: Any) -> pb.Order:
    return pb.Order.FromString((await checkout.execute(command(request, ADMIN))).body)


def status(order: pb.Order) -> str:
    return pb.PaymentStatus.Name(order.payment_status).removeprefix("PAYMENT_STATUS_")


def amounts(order: pb.Order) -> tuple[int, ...]:
    (own,) = order.payments
    return tuple(minor_of(getattr(own, f"{name}_amount")) for name in ("authorized", "captured", "refunded", "voided"))


# Paying.


async def test_the_customer_s_client_gets_a_secret_of_the_intent(checkout: Checkout, stripe: StripeServer) -> None:
    order = await created(checkout)
    assert (order.payment_intent.id, order.payment_intent.client_secret) == ("pi_1", "pi_1_secret_x")
    ((path, form, key),) = stripe.asked
    assert path == "POST /payment_intents"
    assert form["metadata[order_id]"] == order.order_id
    assert (form["amount"], form["currency"], form["capture_method"]) == ("1000", "usd", "manual")
    assert key == f"{order.order_id}:open:first"


@pytest.mark.parametrize(("token", "customer"), [("pm_card", None), ("pm_saved", "cus_1")])
async def test_a_saved_card_is_authorized_at_once(
    checkout: Checkout, stripe: StripeServer, token: str, customer: str | None
) -> None:
    order = await created(checkout, token)
    assert (order.status, status(order)) == (pb.ORDER_STATUS_CONFIRMED, "AUTHORIZED")
    assert (order.payments[0].payment_id, order.payments[0].method) == ("stripe:pi_1", "card")
    assert stripe.intents["pi_1"]["customer"] == customer


@pytest.mark.parametrize(
    ("token", "reason"), [("pm_decline", "Your card was declined."), ("pm_gone", "does not accept")]
)
async def test_a_declined_card_cancels_the_order(
    checkout: Checkout, stripe: StripeServer, shop: Shop, token: str, reason: str
) -> None:
    error = await refusal(created(checkout, token))
    assert error.reason == "PAYMENT_FAILED"
    assert reason in error.message
    assert shop.only_order.status == pb.ORDER_STATUS_CANCELLED
    assert stripe.intents["pi_1"]["status"] == "canceled"


async def test_a_card_that_needs_the_customer_leaves_the_order_pending(checkout: Checkout) -> None:
    order = await created(checkout, "pm_confirm")
    assert order.status == pb.ORDER_STATUS_PENDING
    assert order.payment_intent.status == pb.PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION
    assert order.payment_intent.client_secret


# Faults.


@pytest.mark.parametrize("fault", [fails(500), fails(429, Retry_After="0"), fails(409), vanishes])
@pytest.mark.parametrize("step", range(3))
async def test_a_passing_fault_charges_once(checkout: Checkout, stripe: StripeServer, fault: Any, step: int) -> None:
    for faults in (stripe.before, stripe.after):
        faults.extend([passes] * step + [fault])
    order = await created(checkout, "pm_card")
    assert status(order) == "AUTHORIZED"
    assert (len(stripe.intents), amounts(order)) == (1, (1000, 0, 0, 0))


async def test_a_lasting_fault_leaves_the_order_to_a_retry(
    checkout: Checkout, stripe: StripeServer, shop: Shop
) -> None:
    request = command(wanted("pm_card", request_id="again"))
    stripe.after.extend([passes, passes] + [fails(503)] * 3)
    error = await refusal(checkout.execute(request))
    assert (error.reason, shop.only_order.status) == ("DEPENDENCY_UNAVAILABLE", pb.ORDER_STATUS_PENDING)
    order = pb.Order.FromString((await checkout.execute(request)).body)
    assert (len(stripe.intents), status(order), amounts(order)) == (1, "AUTHORIZED", (1000, 0, 0, 0))


async def test_a_timeout_leaves_the_order_to_a_retry(checkout: Checkout, stripe: StripeServer, shop: Shop) -> None:
    request = command(wanted("pm_card", request_id="slow"))
    stripe.after.extend([passes, passes, hangs])
    provider = StripeProvider(StripeApi("sk_test_key", url=stripe.url, timeout=10))
    error = await refusal(checkout_of(shop, provider, timeout=0.5).execute(request))  # type: ignore[arg-type]
    assert (error.reason, shop.only_order.status) == ("DEPENDENCY_UNAVAILABLE", pb.ORDER_STATUS_PENDING)
    await provider.close()
    stripe.after.clear()
    order = pb.Order.FromString((await checkout.execute(request)).body)
    assert (len(stripe.intents), status(order), amounts(order)) == (1, "AUTHORIZED", (1000, 0, 0, 0))


async def test_a_fault_that_stripe_says_will_last_is_not_retried(checkout: Checkout, stripe: StripeServer) -> None:
    stripe.before.append(fails(500, Stripe_Should_Retry="false"))
    await refusal(created(checkout, request_id="once"))
    assert len(stripe.asked) == 1


async def test_the_delay_that_stripe_asks_for_is_kept(
    checkout: Checkout, stripe: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []

    class Policy(RetryPolicy):
        async def run(self, attempt: Any, *, is_retryable: Any, wait: Any = None) -> Any:
            def remember(error: Exception) -> float:
                delays.append(wait(error))
                return 0.0

            return await RetryPolicy.run(self, attempt, is_retryable=is_retryable, wait=remember)

    monkeypatch.setattr(api, "_RETRYING", Policy(first=0, longest=0, attempts=3))
    stripe.before.extend([fails(429, Retry_After="7"), fails(503)])
    await created(checkout)
    assert delays == [7.0, 0.0]


async def test_a_wrong_key_is_not_reported_as_a_decline(checkout: Checkout, stripe: StripeServer) -> None:
    stripe.before.append(fails(401))
    assert (await refusal(created(checkout, "pm_card", request_id="a"))).reason == "DEPENDENCY_UNAVAILABLE"


# Changing and cancelling.


async def test_the_intent_follows_the_total(checkout: Checkout, stripe: StripeServer) -> None:
    order = await created(checkout)
    items = [{"product_id": "chair", "quantity": 2}]
    await done(
        checkout,
        UpdateOrderRequest(order={"order_id": order.order_id, "items": items}, update_mask={"paths": ["items"]}),
    )
    assert [one["amount"] for one in stripe.intents.values()] == [2000]


async def test_an_intent_that_no_call_recorded_is_found(checkout: Checkout, stripe: StripeServer, shop: Shop) -> None:
    stripe.after.extend([fails(503)] * 3)
    await refusal(created(checkout, request_id="lost"))
    items = [{"product_id": "chair", "quantity": 2}]
    order = {"order_id": shop.only_order.order_id, "items": items}
    update = UpdateOrderRequest(order=order, update_mask={"paths": ["items"]}, request_id="update-1")
    stripe.searchable = False
    assert (await refusal(done(checkout, update))).reason == "DEPENDENCY_UNAVAILABLE"
    stripe.searchable = True
    changed = await done(checkout, update)
    assert changed.payment_intent.id == "pi_1"
    assert [one["amount"] for one in stripe.intents.values()] == [2000]


@pytest.mark.parametrize("recorded", [True, False])
async def test_cancelling_releases_the_hold(
    checkout: Checkout, stripe: StripeServer, shop: Shop, *, recorded: bool
) -> None:
    if recorded:
        await created(checkout, "pm_card")
    else:
        stripe.after.extend([passes, passes] + [fails(503)] * 3)
        await refusal(created(checkout, "pm_card", request_id="lost"))
    await done(checkout, CancelOrderRequest(order_id=shop.only_order.order_id))
    assert [one["status"] for one in stripe.intents.values()] == ["canceled"]
    assert minor_of(shop.only_order.payment.authorized_amount) == 0


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_order_cancelled_while_it_is_paid_holds_nothing(
    checkout: Checkout, stripe: StripeServer, shop: Shop, when: str, step: int
) -> None:
    async def cancel() -> None:
        await done(checkout, CancelOrderRequest(order_id=shop.only_order.order_id))

    getattr(stripe, when).extend([passes] * step + [cancel])
    order = await created(checkout, "pm_card")
    assert (order.status, minor_of(order.payment.authorized_amount)) == (pb.ORDER_STATUS_CANCELLED, 0)
    assert {one["status"] for one in stripe.intents.values()} == {"canceled"}


async def test_two_servers_open_one_intent(checkout: Checkout, stripe: StripeServer, shop: Shop) -> None:
    request = command(wanted("pm_card", request_id="twice"))
    provider = StripeProvider(StripeApi("sk_test_key", url=stripe.url, timeout=10))
    other = checkout_of(shop, provider)  # type: ignore[arg-type]
    await asyncio.gather(*(one.execute(request) for one in (checkout, other, checkout)))
    await provider.close()
    assert len(stripe.intents) == 1
    assert amounts(shop.only_order) == (1000, 0, 0, 0)


async def test_a_cancelled_intent_is_followed_by_another(checkout: Checkout, stripe: StripeServer) -> None:
    order = await created(checkout)
    for method in (pb.PAYMENT_METHOD_BANK_TRANSFER, pb.PAYMENT_METHOD_CREDIT_CARD):
        order = await done(checkout, UpdateOrderRequest(order={"order_id": order.order_id, "payment_method": method}))
    assert [one["status"] for one in stripe.intents.values()] == ["canceled", "requires_payment_method"]
    assert order.payment_intent.id == "pi_2"
    assert stripe.asked[-1][2] == f"{order.order_id}:open:pi_1"


# Capturing, releasing, refunding.


async def test_a_partial_capture_releases_the_rest(checkout: Checkout, stripe: StripeServer) -> None:
    order = await created(checkout, "pm_card")
    request = CapturePaymentRequest(order_id=order.order_id, amount=money("4"), request_id="capture-1")
    stripe.after.append(vanishes)
    order = await done(checkout, request)
    assert amounts(order) == (0, 400, 0, 600)
    stripe.answers.clear()
    assert amounts(await done(checkout, request)) == (0, 400, 0, 600)
    assert (await refusal(done(checkout, CapturePaymentRequest(order_id=order.order_id)))).reason


async def test_a_refused_capture_captures_nothing(checkout: Checkout, stripe: StripeServer) -> None:
    order = await created(checkout, "pm_card")
    stripe.intents["pi_1"] |= {"status": "canceled", "canceled_at": stripe.now}
    error = await refusal(done(checkout, CapturePaymentRequest(order_id=order.order_id)))
    assert error.reason == "PAYMENT_FAILED"


async def test_a_release_is_made_once(checkout: Checkout, stripe: StripeServer) -> None:
    order = await created(checkout, "pm_card")
    stripe.after.append(vanishes)
    order = await done(checkout, VoidPaymentRequest(order_id=order.order_id, request_id="void-1"))
    assert amounts(order) == (0, 0, 0, 1000)


async def paid(checkout: Checkout) -> pb.Order:
    order = await created(checkout, "pm_card")
    return await done(checkout, CapturePaymentRequest(order_id=order.order_id))


@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_repeated_refund_pays_back_once(checkout: Checkout, stripe: StripeServer, *, forgotten: bool) -> None:
    order = await paid(checkout)
    request = RefundOrderRequest(order_id=order.order_id, amount=money("3"), request_id="refund-1")
    stripe.after.extend([passes, *[fails(503)] * 3])
    assert (await refusal(done(checkout, request))).reason == "DEPENDENCY_UNAVAILABLE"
    if forgotten:
        stripe.answers.clear()
    order = await done(checkout, request)
    assert amounts(order) == (0, 1000, 300, 0)
    assert len(stripe.refunds) == 1


async def test_a_pending_refund_waits_for_its_webhook(checkout: Checkout, stripe: StripeServer) -> None:
    order = await paid(checkout)
    stripe.refund_status = "pending"
    order = await done(checkout, RefundOrderRequest(order_id=order.order_id, amount=money("3")))
    assert (order.refunds[0].status, amounts(order)) == (pb.REFUND_STATUS_PENDING, (0, 1000, 0, 0))


async def test_a_refund_that_stripe_refuses_fails(checkout: Checkout, stripe: StripeServer) -> None:
    order = await paid(checkout)
    stripe.intents["pi_1"]["amount_received"] = 100
    error = await refusal(done(checkout, RefundOrderRequest(order_id=order.order_id)))
    assert error.reason == "PAYMENT_FAILED"


# Amounts.


@pytest.mark.parametrize(
    ("minor", "currency", "theirs"),
    [(1234, "USD", 1234), (500, "JPY", 500), (5, "ISK", 500), (7, "UGX", 700), (500, "MGA", 5), (12340, "KWD", 12340)],
)
def test_amounts_are_in_stripe_s_units(minor: int, currency: str, theirs: int) -> None:
    assert stripe_of_minor(minor, currency) == theirs
    assert minor_of_stripe(theirs, currency) == minor


def test_an_amount_that_stripe_cannot_represent_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot represent"):
        stripe_of_minor(501, "MGA")
