"""Orders that nobody pays."""

import asyncio
from collections.abc import Callable

from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_METHOD_BANK_TRANSFER,
    PAYMENT_METHOD_CASH_ON_DELIVERY,
    Order,
)
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    RecordPaymentRequest,
)

from server.config import Settings
from server.runtime.jobs import cancel_unpaid_orders
from tests.conftest import PRODUCTS, Service, new_order, serving, usd
from tests.runtime.test_background import wired

_MILLISECOND = 1 / 3_600_000


async def test_orders_that_nobody_has_paid_in_time_give_back_what_they_hold(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with serving(url) as shop:
        await shop.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        before = await shop.stock("mug")
        paid, started, at_the_door, unpaid = [
            await shop.orders.CreateOrder(new_order(quantity=2, payment_method=method))
            for method in (
                *[PAYMENT_METHOD_BANK_TRANSFER] * 2,
                PAYMENT_METHOD_CASH_ON_DELIVERY,
                PAYMENT_METHOD_BANK_TRANSFER,
            )
        ]
        await pay(shop, paid, paid.pricing.total)
        await pay(shop, started, usd(1))
        imported = await import_order(shop)
    async with serving(url, unpaid_hours=_MILLISECOND) as shop:
        async with asyncio.timeout(60):
            while (await get(shop, unpaid.order_id)).status != ORDER_STATUS_CANCELLED:
                pass
        assert (await get(shop, paid.order_id)).status == ORDER_STATUS_CONFIRMED
        kept = {
            "a part is paid": started.order_id,
            "it is paid at the door": at_the_door.order_id,
            "its source says": imported,
        }
        for why, order_id in kept.items():
            assert (await get(shop, order_id)).status == ORDER_STATUS_PENDING, why
        assert await shop.stock("mug") == before - 3 * 2
        events = (await shop.orders.ListOrderEvents(ListOrderEventsRequest(order_id=unpaid.order_id))).events
        assert (events[-1].actor, events[-1].reason) == ("housekeeping", "not paid in time")


async def test_servers_that_cancel_the_same_orders_do_no_harm(new_database: Callable[[], str]) -> None:
    url = new_database()
    settings = Settings(unpaid_hours=_MILLISECOND)
    async with serving(url) as shop, wired(url) as one, wired(url) as other:
        await shop.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        before = await shop.stock("mug")
        for _ in range(20):
            await shop.orders.CreateOrder(new_order(payment_method=PAYMENT_METHOD_BANK_TRANSFER))
        await asyncio.gather(*(cancel_unpaid_orders(server, settings) for server in (one, other)))
        assert await shop.rows("SELECT count(*) FROM orders WHERE status = %s", ORDER_STATUS_CANCELLED) == [(20,)]
        assert await shop.rows("SELECT count(*) FROM order_events") == [(40,)]
        assert await shop.stock("mug") == before


async def get(shop: Service, order_id: str) -> Order:
    return await shop.orders.GetOrder(GetOrderRequest(order_id=order_id))


async def pay(shop: Service, order: Order, amount: object) -> None:
    event = {"event_id": order.order_id, "type": PAYMENT_EVENT_TYPE_PAID, "amount": amount}
    await shop.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))


async def import_order(shop: Service) -> str:
    line = {"sku": "A", "quantity": 1, "unit_price": usd(1)}
    wished = {"external_order_id": "e1", "customer": {"customer_id": "jane"}, "items": [line]}
    request = BatchUpsertOrdersRequest(source="shop", orders=[wished])
    return str((await shop.orders.BatchUpsertOrders(request)).results[0].order_id)
