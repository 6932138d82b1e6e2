"""Stripe's webhooks: signatures, duplicates, every order of arrival, and the same change reported by both ways."""

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.error_reason_pb2 import ERROR_REASON_DEPENDENCY_UNAVAILABLE, ERROR_REASON_INVALID_ORDER_DATA
from orders.v1.order_service_pb2 import CapturePaymentRequest, RecordPaymentRequest, RefundOrderRequest
from stripe import WebhookSignature

from server.domain.base.errors import Refusal
from server.payments.checkout import Checkout
from server.payments.stripe.api import StripeApi
from server.payments.stripe.provider import StripeProvider
from server.payments.stripe.webhooks import StripeWebhooks, WebhookReply
from tests.domain.builders import ADMIN, command, money, product
from tests.payments.stripe_server import SECRET, Json, StripeServer, stripe_server
from tests.payments.test_checkout import Shop, checkout_of, created

Webhook = tuple[bytes, dict[str, str]]


class World:
    """A shop with Stripe, and what the two do."""

    def __init__(self, stripe: StripeServer) -> None:
        self.shop, self.stripe = Shop(), stripe
        self.shop.store.put_products(product(price="10.00", stock=1000))
        self.provider = StripeProvider(StripeApi("sk_test_key", url=stripe.url, timeout=10))
        self.checkout: Checkout = checkout_of(self.shop, self.provider)  # type: ignore[arg-type]
        self.webhooks = StripeWebhooks(secret=SECRET, records=self.checkout, find_order=self.provider.order_id)

    async def receive(self, webhook: Webhook) -> WebhookReply:
        return await self.webhooks.handle(*webhook)

    async def paid(self) -> tuple[pb.Order, Json, Webhook]:
        """An order, its intent after the customer has paid, and the webhook about that."""
        order = await created(self.checkout)
        intent = self.stripe.intents[order.payment_intent.id]
        self.stripe.pay(intent)
        return order, intent, self.stripe.webhook("payment_intent.amount_capturable_updated", intent)

    def order(self, order: pb.Order) -> pb.Order:
        return self.shop.store.order(order.order_id)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with stripe_server() as stripe:
        world = World(stripe)
        yield world
        await world.provider.close()


def summary(order: pb.Order) -> dict[str, Any]:
    """An order's payments, comparable to those of other orders."""
    return {
        "payment_status": pb.PaymentStatus.Name(order.payment_status),
        "payments": [str(payment).replace(order.payment_intent.id, "pi") for payment in order.payments],
        "refunds": sorted((str(refund.amount), refund.status) for refund in order.refunds),
    }


async def test_a_payment_by_the_customer_s_client_confirms_the_order(world: World) -> None:
    order, _, webhook = await world.paid()
    assert (await world.receive(webhook)).status == 200
    after = world.order(order)
    assert (after.status, after.payment_status) == (pb.ORDER_STATUS_CONFIRMED, pb.PAYMENT_STATUS_AUTHORIZED)
    assert world.shop.store.history(order.order_id)[-1].actor == "payment_provider:stripe"


async def test_a_declined_attempt_is_recorded_and_leaves_the_order(world: World) -> None:
    order, intent, _ = await world.paid()
    intent |= {"status": "requires_payment_method", "last_payment_error": {"message": "No funds.", "charge": "ch_x"}}
    assert (await world.receive(world.stripe.webhook("payment_intent.payment_failed", intent))).status == 200
    after = world.order(order)
    assert (after.status, after.payment_status) == (pb.ORDER_STATUS_PENDING, pb.PAYMENT_STATUS_FAILED)
    assert world.shop.store.history(order.order_id)[-1].reason == "No funds."


async def life(world: World) -> tuple[pb.Order, list[Webhook]]:
    """An order and the webhooks of its life: held, captured in part, refunded, disputed."""
    order, intent, held = await world.paid()
    stripe = world.stripe
    stripe.now += 10
    intent |= {"status": "succeeded", "amount_received": 700, "amount_capturable": 0}
    captured = stripe.webhook("payment_intent.succeeded", intent)
    stripe.now += 10
    charge = {"payment_intent": intent["id"], "currency": "usd", "metadata": {}}
    refund = {"id": f"re_{intent['id']}", "object": "refund", "amount": 200, "status": "succeeded"} | charge
    refunded = stripe.webhook("refund.created", refund)
    dispute = {
        "id": f"dp_{intent['id']}",
        "object": "dispute",
        "amount": 300,
        "created": stripe.now,
        "reason": "fraudulent",
    } | charge
    opened = stripe.webhook("charge.dispute.created", dispute | {"status": "needs_response"})
    stripe.now += 10
    closed = stripe.webhook("charge.dispute.closed", dispute | {"status": "lost"})
    return order, [held, captured, refunded, opened, closed]


async def test_every_order_of_arrival_gives_the_same_payments(world: World) -> None:
    found = []
    for arrival in itertools.permutations(range(5)):
        order, webhooks = await life(world)
        for number in arrival:
            # Each arrives twice.
            for _ in range(2):
                reply = await world.receive(webhooks[number])
                assert (reply.status, reply.text) == (200, "recorded"), arrival
        found.append(summary(world.order(order)))
    assert all(one == found[0] for one in found)
    assert found[0]["payment_status"] == "PAYMENT_STATUS_PARTIALLY_REFUNDED"


async def test_a_change_reported_by_both_ways_counts_once(world: World) -> None:
    order, intent, held = await world.paid()
    await world.receive(held)
    capture = CapturePaymentRequest(order_id=order.order_id)
    await world.checkout.execute(command(capture, ADMIN))
    refund = RefundOrderRequest(order_id=order.order_id, amount=money("4"))
    await world.checkout.execute(command(refund, ADMIN))
    before = world.order(order)
    for webhook in (
        world.stripe.webhook("payment_intent.succeeded", intent),
        world.stripe.webhook("refund.updated", world.stripe.refunds[0]),
    ):
        assert (await world.receive(webhook)).text == "recorded"
    assert world.order(order) == before


async def test_a_pending_refund_is_decided_by_its_webhook(world: World) -> None:
    order, _, held = await world.paid()
    await world.receive(held)
    await world.checkout.execute(command(CapturePaymentRequest(order_id=order.order_id), ADMIN))
    world.stripe.refund_status = "pending"
    await world.checkout.execute(command(RefundOrderRequest(order_id=order.order_id, amount=money("4")), ADMIN))
    await world.receive(world.stripe.webhook("refund.updated", world.stripe.refunds[0] | {"status": "succeeded"}))
    (refund,) = world.order(order).refunds
    assert (refund.status, refund.amount) == (pb.REFUND_STATUS_SUCCEEDED, money("4"))


async def test_an_expired_hold_is_released(world: World) -> None:
    order, intent, held = await world.paid()
    await world.receive(held)
    intent |= {"status": "canceled", "canceled_at": world.stripe.now + 604_800}
    await world.receive(world.stripe.webhook("payment_intent.canceled", intent))
    assert world.order(order).payments[0].status == pb.PAYMENT_STATUS_VOIDED


# Signatures.


def signed(body: bytes, *, secret: str = SECRET, timestamp: int | None = None) -> Webhook:
    header = WebhookSignature.generate_signature_header(body.decode(), secret, timestamp)
    return body, {"stripe-signature": header}


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: signed(body, secret="whsec_other"),
        lambda body: signed(body, timestamp=1_700_000_000),
        lambda body: (body.replace(b"1000", b"9999"), signed(body)[1]),
        lambda body: (body, {}),
        lambda body: (body, {"Stripe-Signature": "t=x,v1=é"}),
        lambda body: (b"\xff" + body, signed(body)[1]),
        lambda body: (body, {"Stripe-Signature": signed(body)[1]["stripe-signature"].replace("v1=", "v0=")}),
        lambda _: signed(b"no json"),
    ],
    ids=["another secret", "an old time", "changed", "unsigned", "garbage", "no text", "an old scheme", "no JSON"],
)
async def test_a_webhook_that_stripe_did_not_send_now_is_refused(world: World, forge: Any) -> None:
    order, _, (body, _) = await world.paid()
    reply = await world.receive(forge(body))
    assert reply.status == 400
    assert world.order(order).status == pb.ORDER_STATUS_PENDING


async def test_a_secret_in_rotation_signs_too(world: World) -> None:
    _, _, (body, _) = await world.paid()
    other, own = signed(body, secret="whsec_old")[1]["stripe-signature"], signed(body)[1]["stripe-signature"]
    header = own + other[other.index(",v1=") :]
    assert (await world.receive((body, {"STRIPE-SIGNATURE": header}))).text == "recorded"


# Webhooks that are not recorded.


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("customer.created", {"object": "customer", "id": "cus_1"}),
        ("payment_intent.created", {"object": "payment_intent", "id": "pi_9", "status": "requires_payment_method"}),
        ("charge.dispute.created", {"object": "dispute", "id": "dp_9", "status": "warning_needs_response"}),
        (
            "refund.created",
            {
                "object": "refund",
                "id": "re_9",
                "status": "succeeded",
                "amount": 1,
                "currency": "usd",
                "payment_intent": "pi_x",
            },
        ),
        (
            "payment_intent.canceled",
            {
                "object": "payment_intent",
                "id": "pi_9",
                "status": "canceled",
                "latest_charge": "ch_1",
                "metadata": {"order_id": "gone"},
            },
        ),
    ],
    ids=["another object", "nothing paid", "an inquiry", "another service's", "no such order"],
)
async def test_webhooks_about_other_things_are_accepted_and_ignored(world: World, kind: str, found: Json) -> None:
    reply = await world.receive(world.stripe.webhook(kind, found))
    assert (reply.status, reply.text.partition(":")[0]) == (200, "ignored")


async def test_an_event_of_another_format_is_ignored(world: World) -> None:
    body = json.dumps({"object": "v2.core.event", "type": "v2.core.account.created"}).encode()
    assert (await world.receive(signed(body))).status == 200


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (Refusal(ERROR_REASON_DEPENDENCY_UNAVAILABLE, "no database", retry_after=3.0), (503, 3.0)),
        (Refusal(ERROR_REASON_INVALID_ORDER_DATA, "no"), (422, 0.0)),
    ],
    ids=["for a while", "for good"],
)
async def test_what_is_not_committed_is_not_acknowledged(
    world: World, refusal: Refusal, expected: tuple[int, float]
) -> None:
    order, _, webhook = await world.paid()

    async def refuse() -> None:
        raise refusal

    world.shop.before[RecordPaymentRequest] = refuse
    reply = await world.receive(webhook)
    assert (reply.status, reply.retry_after) == expected
    world.shop.before.clear()
    assert (await world.receive(webhook)).status == 200
    assert world.order(order).status == pb.ORDER_STATUS_CONFIRMED
