"""A server that collects payments with Stripe, and receives its webhooks over HTTP on a port of its own."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.order_service_pb2 import CapturePaymentRequest, GetOrderRequest

from server.config import ConfigError, Settings
from server.runtime import payment_provider
from server.runtime.app import running
from server.runtime.preflight import StartError
from tests.conftest import Service, as_serving_role, new_order, serving, stock_shop
from tests.payments.stripe_server import SECRET, StripeServer, stripe_server
from tests.storage.helpers import disagreements

SETTINGS = {"payment_provider": "stripe", "stripe_secret_key": "sk_test_1", "stripe_webhook_secret": SECRET}


@pytest.fixture(scope="module")
async def stripe() -> AsyncIterator[StripeServer]:
    async with stripe_server() as server:
        yield server


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str], stripe: StripeServer) -> AsyncIterator[Service]:
    settings = SETTINGS | {"stripe_api_url": stripe.url, "payment_webhook_port": 0}
    async with serving(new_database(), **settings) as shop:
        await stock_shop(shop)
        yield shop


async def post(shop: Service, body: bytes, headers: dict[str, str], *, method: str = "POST") -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, shop.running.started.payment_webhook_url, data=body, headers=headers) as response,
    ):
        return response.status, await response.text()


async def test_a_customer_pays_and_the_webhook_confirms(shop: Service, stripe: StripeServer) -> None:
    order = await shop.orders.CreateOrder(new_order(payment_method=pb.PAYMENT_METHOD_CREDIT_CARD))
    assert order.payment_intent.client_secret
    intent = stripe.intents[order.payment_intent.id]
    stripe.pay(intent)
    webhook = stripe.webhook("payment_intent.amount_capturable_updated", intent)
    for _ in range(2):
        assert await post(shop, *webhook) == (200, "recorded")
    order = await shop.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    assert (order.status, order.payment_status) == (pb.ORDER_STATUS_CONFIRMED, pb.PAYMENT_STATUS_AUTHORIZED)
    order = await shop.orders.CapturePayment(CapturePaymentRequest(order_id=order.order_id))
    assert order.payment_status == pb.PAYMENT_STATUS_PAID
    assert await disagreements(shop.url) == []


async def test_forged_and_oversized_webhooks_are_refused(shop: Service, stripe: StripeServer) -> None:
    body, headers = stripe.webhook("customer.created", {"object": "customer"})
    assert (await post(shop, body, headers))[0] == 200
    assert (await post(shop, body + b" ", headers))[0] == 400
    assert (await post(shop, b"x" * ((1 << 20) + 1), headers))[0] == 413
    assert (await post(shop, b"", {}, method="GET"))[0] == 405


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stripe_secret_key": None}, "needs ORDERS_STRIPE_SECRET_KEY"),
        ({"payment_webhook_port": 0, "stripe_webhook_secret": None}, "needs ORDERS_STRIPE_WEBHOOK_SECRET"),
        ({"payment_webhook_port": 0, "payment_provider": "test"}, "needs ORDERS_PAYMENT_PROVIDER=stripe"),
        ({"payment_webhook_port": 0, "payment_webhook_host": "0.0.0.0"}, "reachable from other machines"),
    ],
    ids=["no key", "no signing secret", "another provider", "exposed"],
)
async def test_incomplete_settings_name_what_is_missing(
    new_database: Callable[[], str], settings: dict[str, Any], message: str
) -> None:
    url = as_serving_role(new_database())
    own = {"port": 0, "database_url": url, "drain_delay": 0.0, "shutdown_grace": 0.0}
    with pytest.raises(ConfigError, match=message):
        async with running(Settings(**own | SETTINGS | settings), url):
            pass


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "server.payments.stripe.api", None)
    with pytest.raises(StartError, match=r"order-service\[stripe\]"):
        payment_provider.build(Settings(**SETTINGS))
