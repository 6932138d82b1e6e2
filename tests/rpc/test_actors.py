"""Every change says who made it, and with which request."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from orders.v1.catalog_service_pb2 import AdjustStockRequest, ListStockAdjustmentsRequest
from orders.v1.customer_service_pb2 import AdjustPointsRequest, ListPointsEntriesRequest
from orders.v1.order_pb2 import (
    ORDER_STATUS_CONFIRMED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_METHOD_PAYPAL,
    TRACKING_STATUS_EXCEPTION,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.conftest import Service, new_order, serving, stock_shop, usd
from tests.identity_provider import Provider, providing
from tests.rpc.principals import Principal, closed, key_holder, token_holder
from tests.storage.helpers import imported, upserts


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str], provider: Provider) -> AsyncIterator[Service]:
    url = new_database()
    async with serving(url) as open_service:
        await stock_shop(open_service)
    async with closed(url, provider, payment_provider="test") as service:
        yield service


async def callers(shop: Service, provider: Provider) -> dict[str, Principal]:
    """An admin by each kind of credential, by the name that the audit log has."""
    by_key = await key_holder(shop, "admin")
    key_id = by_key.metadata[0][1].split("_")[1]
    return {f"key:{key_id}": by_key, "user:jörg@example.com": token_holder(provider, "admin", sub="jörg@example.com")}


async def history(shop: Service, order_id: str, caller: Principal) -> list[tuple[str, str]]:
    request = ListOrderEventsRequest(order_id=order_id, page_size=1000)
    listed = await shop.orders.ListOrderEvents(request, metadata=caller.metadata)
    return [(event.actor, event.request_id) for event in listed.events]


async def test_every_event_of_an_order_has_its_actor_and_its_request(shop: Service, provider: Provider) -> None:
    for name, caller in (await callers(shop, provider)).items():
        order = await shop.orders.CreateOrder(new_order(request_id=f"{name[:3]}-create"), metadata=caller.metadata)
        order_id = order.order_id
        report = {"status": TRACKING_STATUS_EXCEPTION}
        paid = {"event_id": f"paid-{order_id}", "type": PAYMENT_EVENT_TYPE_PAID}
        confirmed = {"status": ORDER_STATUS_CONFIRMED, "override_reason": "cash"}
        steps: list[tuple[str, Any]] = [
            ("UpdateOrder", UpdateOrderRequest(order={"order_id": order_id, "referral_code": "F"})),
            ("TransitionOrder", TransitionOrderRequest(order_id=order_id, **confirmed)),
            ("RecordTrackingEvent", RecordTrackingEventRequest(order_id=order_id, event=report)),
            ("RecordPayment", RecordPaymentRequest(order_id=order_id, event=paid)),
            ("RefundOrder", RefundOrderRequest(order_id=order_id, amount=usd(1), reason="late")),
            ("CancelOrder", CancelOrderRequest(order_id=order_id, reason="no")),
        ]
        expected = [f"{name[:3]}-create"]
        for method, request in steps:
            before = len(await history(shop, order_id, caller))
            request.request_id = f"{name[:3]}-{method}"
            await getattr(shop.orders, method)(request, metadata=caller.metadata)
            expected += [request.request_id] * (len(await history(shop, order_id, caller)) - before)
        assert len(set(expected)) == len(steps) + 1
        assert await history(shop, order_id, caller) == [(name, request_id) for request_id in expected]
        cancelled = await shop.orders.GetOrder(GetOrderRequest(order_id=order_id), metadata=caller.metadata)
        assert cancelled.cancellation.actor == name


async def test_imports_stock_and_points_have_their_actors_too(shop: Service, provider: Provider) -> None:
    for name, caller in (await callers(shop, provider)).items():
        batch = upserts("till", imported(name[:3]), request_id=f"{name[:3]}-import")
        upserted = await shop.orders.BatchUpsertOrders(batch, metadata=caller.metadata)
        assert await history(shop, upserted.results[0].order_id, caller) == [(name, f"{name[:3]}-import")]
        stock = AdjustStockRequest(product_id="lamp", delta=1, reason="found")
        await shop.catalog.AdjustStock(stock, metadata=caller.metadata)
        adjustments = await shop.catalog.ListStockAdjustments(
            ListStockAdjustmentsRequest(product_id="lamp", page_size=1), metadata=caller.metadata
        )
        assert adjustments.adjustments[0].actor == name
        gift = AdjustPointsRequest(customer_id="jane", delta=1, reason="gift")
        await shop.customers.AdjustPoints(gift, metadata=caller.metadata)
        entries = await shop.customers.ListPointsEntries(
            ListPointsEntriesRequest(customer_id="jane", page_size=1), metadata=caller.metadata
        )
        assert entries.entries[0].actor == name


async def test_what_the_payment_provider_reports_is_not_said_to_be_the_customers_doing(shop: Service) -> None:
    jane = await key_holder(shop, "customer", customer_id="jane")
    key_id = jane.metadata[0][1].split("_")[1]
    order = await shop.orders.CreateOrder(
        new_order("", payment_method=PAYMENT_METHOD_PAYPAL, request_id="by-card"), metadata=jane.metadata
    )
    actors = [actor for actor, _ in await history(shop, order.order_id, jane)]
    assert actors == [f"key:{key_id}", "payment_provider:test"]
