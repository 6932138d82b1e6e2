"""How customers reach the shop's support."""

from collections.abc import Callable

from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_pb2 import Support
from orders.v1.order_service_pb2 import TrackOrderRequest

from tests.conftest import PRODUCTS, new_order, serving


async def test_tracking_names_the_support_from_the_settings(new_database: Callable[[], str]) -> None:
    own = {"support_email": "help@shop.example", "support_url": "https://shop.example/help", "support_hours": "9-17"}
    async with serving(new_database(), **own) as shop:
        await shop.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        order = await shop.orders.CreateOrder(new_order())
        tracking = await shop.orders.TrackOrder(TrackOrderRequest(order_id=order.order_id))
    assert tracking.support == Support(email="help@shop.example", uri="https://shop.example/help", hours="9-17")
