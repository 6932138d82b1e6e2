"""Stripe's own stripe-mock accepts the requests: it checks their paths and parameters against Stripe's specification."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from orders.v1.order_pb2 import Order, Refund

from server.payments.stripe import api
from server.payments.stripe.api import StripeApi
from server.payments.stripe.provider import StripeProvider
from server.retry import RetryPolicy
from tests.domain.builders import money
from tests.e2e.tools import find_tool

STRIPE_MOCK = find_tool("stripe-mock")

pytestmark = pytest.mark.skipif(STRIPE_MOCK is None, reason="stripe-mock is not installed")


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[StripeProvider]:
    # Without ports, it chooses free ones.
    addresses = ("-http-addr", "127.0.0.1:", "-https-addr", "127.0.0.1:")
    process = await asyncio.create_subprocess_exec(STRIPE_MOCK or "", *addresses, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    while not (line := await process.stdout.readline()).startswith(b"Listening for HTTP at"):
        assert line, "stripe-mock does not start"
    port = int(line.rpartition(b":")[2])
    provider = StripeProvider(StripeApi("sk_test_123", url=f"http://127.0.0.1:{port}", timeout=60))
    yield provider
    await provider.close()
    process.terminate()
    await process.communicate()


def order_of() -> Order:
    order = Order(order_id="01a200b9-d413-72c6-ae67-30b71ddd57ac")
    order.pricing.total.CopyFrom(money("10.00"))
    return order


def recorded() -> Order:
    order = order_of()
    order.payment_intent.provider, order.payment_intent.id = "stripe", "pi_123"
    return order


async def test_requests_that_open_and_pay_are_valid(provider: StripeProvider) -> None:
    opened = await provider.open_intent(order_of(), token="pm_card_visa")
    assert opened.intent.id.startswith("pi_")
    assert opened.intent.client_secret


async def test_requests_that_cancel_capture_and_refund_are_valid(provider: StripeProvider) -> None:
    await provider.cancel_intent(recorded())
    await provider.capture_intent(recorded(), money("4.00"), key="1:400")
    await provider.refund(recorded(), Refund(refund_id="1", amount=money("4.00")))


async def test_the_search_is_valid(provider: StripeProvider) -> None:
    assert (await provider._search(order_of())).data["object"] == "payment_intent"


async def test_a_wrong_parameter_would_be_found(provider: StripeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_RETRYING", RetryPolicy(first=0, longest=0, attempts=1))
    monkeypatch.setattr("server.payments.stripe.provider._EXPAND", {"no": "list"})
    with pytest.raises(Exception, match="expand"):
        await provider.open_intent(order_of(), token="")
