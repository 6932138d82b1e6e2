"""An order's life through the API."""

from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_PENDING
from orders.v1.order_service_pb2 import CancelOrderRequest, GetOrderRequest

from tests.conftest import Service, new_order, refused, usd


async def test_a_created_order_is_found_by_its_id_and_its_number(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order(quantity=2))
    assert order.status == ORDER_STATUS_PENDING
    assert order.pricing.total == usd(25)
    for reference in (order.order_id, order.order_number, order.order_id.upper()):
        assert await service.orders.GetOrder(GetOrderRequest(order_id=reference)) == order


async def test_a_cancelled_order_gives_its_stock_back_once(service: Service) -> None:
    before = await service.stock("lamp")
    order = await service.orders.CreateOrder(new_order(product_id="lamp", quantity=3))
    assert await service.stock("lamp") == before - 3
    cancelled = await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id, reason="no"))
    assert cancelled.status == ORDER_STATUS_CANCELLED
    assert await service.stock("lamp") == before
    refusal = await refused(service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id)))
    assert refusal.reason == "ORDER_ALREADY_CANCELLED"
    assert await service.stock("lamp") == before
