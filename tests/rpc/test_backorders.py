"""Units that are sold beyond the stock, and the stock that arrives for them."""

import asyncio
from typing import Any

from orders.v1 import order_pb2 as pb
from orders.v1.cart_service_pb2 import AddCartItemRequest
from orders.v1.catalog_service_pb2 import AdjustStockRequest, BatchUpsertProductsRequest
from orders.v1.fulfilment_service_pb2 import ReleaseHoldRequest
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_change_pb2 import WaitOrderRequest
from orders.v1.order_service_pb2 import CancelOrderRequest, GetOrderRequest, PriceOrderRequest
from orders.v1.shipment_pb2 import HOLD_REASON_INVENTORY_OUT_OF_STOCK

from tests.conftest import Service, new_order, refused, usd
from tests.storage.helpers import disagreements


async def sell(service: Service, product_id: str, *, stock: int, **terms: Any) -> None:
    made = {"product_id": product_id, "name": "Kit", "price": usd(1), "stock": stock} | terms
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[made]))


async def bought(service: Service, product_id: str, quantity: int) -> pb.Order:
    return await service.orders.CreateOrder(new_order(product_id=product_id, quantity=quantity))


async def arrive(service: Service, product_id: str, count: int) -> None:
    await service.catalog.AdjustStock(AdjustStockRequest(product_id=product_id, delta=count, reason="a lorry came"))


async def changed(service: Service, order: pb.Order, version: int = 0) -> pb.Order:
    """The order once it has changed."""
    request = WaitOrderRequest(order_id=order.order_id, version=version or order.version + 1)
    return (await service.orders.WaitOrder(request)).order


async def test_units_beyond_the_stock_wait_for_new_stock(service: Service) -> None:
    await sell(service, "kit", stock=3, backorder_limit=4)
    order = await bought(service, "kit", 5)
    (hold,) = order.holds
    assert (order.items[0].backordered_quantity, hold.reason) == (2, HOLD_REASON_INVENTORY_OUT_OF_STOCK)
    assert await service.stock("kit") == 0
    request = ReleaseHoldRequest(order_id=order.order_id, hold_id=hold.hold_id)
    released = await refused(FulfilmentServiceStub(service.channel).ReleaseHold(request))
    assert released.reason == "UNITS_BACKORDERED"
    assert (await refused(bought(service, "kit", 3))).reason == "INSUFFICIENT_STOCK"
    await arrive(service, "kit", 1)
    part = await changed(service, order)
    assert (part.items[0].backordered_quantity, len(part.holds)) == (1, 1)
    await arrive(service, "kit", 2)
    whole = await changed(service, part, part.version + 2)
    assert (whole.items[0].backordered_quantity, list(whole.holds)) == (0, [])
    assert await service.stock("kit") == 1
    assert await disagreements(service.url) == []


async def test_a_cart_takes_units_beyond_the_stock(service: Service) -> None:
    await sell(service, "carted", stock=1, backorder_limit=2)
    wanted = AddCartItemRequest(customer_id="waiting", product_id="carted", quantity=3)
    cart = await service.carts.AddCartItem(wanted)
    assert list(cart.notices) == []
    wanted.quantity = 1
    assert (await refused(service.carts.AddCartItem(wanted))).reason == "INSUFFICIENT_STOCK"


async def test_units_are_sold_beyond_the_stock_until_a_time(service: Service) -> None:
    await sell(service, "early", stock=0, backorder_until={"seconds": 4_000_000_000})
    assert (await bought(service, "early", 50)).items[0].backordered_quantity == 50
    await sell(service, "late", stock=0, backorder_until={"seconds": 1_000_000_000})
    assert (await refused(bought(service, "late", 1))).reason == "INSUFFICIENT_STOCK"


async def test_the_price_has_the_later_arrival(service: Service) -> None:
    restock = 2_000_000_000
    await sell(service, "awaited", stock=1, backorder_limit=5, restock_time={"seconds": restock})
    arrivals = []
    for quantity in (1, 2):
        request = PriceOrderRequest(order=new_order(product_id="awaited", quantity=quantity))
        arrivals.append((await service.orders.PriceOrder(request)).delivery.estimated_time.seconds)
    assert arrivals[0] < restock <= arrivals[1]


async def test_arriving_units_go_to_the_oldest_orders_once(service: Service) -> None:
    await sell(service, "race", stock=0, backorder_limit=100)
    orders = [await bought(service, "race", 2) for _ in range(10)]
    cancelled = orders.pop(4)
    await asyncio.gather(
        *(arrive(service, "race", 1) for _ in range(11)),
        *(bought(service, "race", 1) for _ in range(5)),
        service.orders.CancelOrder(CancelOrderRequest(order_id=cancelled.order_id)),
    )
    # Five orders are complete, and the sixth waits for one of its units.
    await changed(service, orders[4], orders[4].version + 2)
    await changed(service, orders[5])
    found = [await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id)) for order in orders]
    assert [order.items[0].backordered_quantity for order in found] == [0] * 5 + [1] + [2] * 3
    assert await disagreements(service.url) == []
