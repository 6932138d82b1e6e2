"""Load on a server: callers that each wait for their answer before they call again."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import grpc
from google.type.money_pb2 import Money
from grpc_health.v1 import health_pb2, health_pb2_grpc
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    CreateOrderRequest,
    GetOrderRequest,
    ListOrdersRequest,
    ListOrdersResponse,
)
from orders.v1.order_service_pb2_grpc import OrderServiceStub

Call = Callable[[], Awaitable[object]]

_PRODUCTS = 1000
_BATCH = 1000


def usd(units: int) -> Money:
    return Money(currency_code="USD", units=units)


class Load:
    """The calls that are measured, against one server."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._orders = OrderServiceStub(channel)
        self._catalog = CatalogServiceStub(channel)
        self._health = health_pb2_grpc.HealthStub(channel)
        self._numbers = itertools.count()
        self._order_ids = [""]

    async def prepare(self) -> None:
        """Products to order, and orders to get."""
        products = BatchUpsertProductsRequest()
        for number in range(_PRODUCTS):
            products.products.add(product_id=f"p{number}", name=f"Product {number}", price=usd(10), stock=100_000_000)
        await self._catalog.BatchUpsertProducts(products)
        created = await asyncio.gather(*(self._orders.CreateOrder(self._new_order()) for _ in range(500)))
        self._order_ids = [order.order_id for order in created]

    def _new_order(self) -> CreateOrderRequest:
        number = next(self._numbers)
        request = CreateOrderRequest(request_id=str(uuid4()), customer_id=f"customer-{number % 1000}")
        for line in range(3):
            request.items.add(product_id=f"p{line}", quantity=1)
        address = request.shipping_address
        address.name, address.street, address.city = "Jane Doe", "123 Main St", "New York"
        address.state, address.postal_code, address.country = "NY", "10001", "US"
        return request

    async def health(self) -> object:
        return await self._health.Check(health_pb2.HealthCheckRequest())

    async def get(self) -> object:
        number = next(self._numbers)
        return await self._orders.GetOrder(GetOrderRequest(order_id=self._order_ids[number % len(self._order_ids)]))

    async def create(self) -> object:
        return await self._orders.CreateOrder(self._new_order())

    async def upsert(self) -> object:
        request = BatchUpsertOrdersRequest(source="bench")
        for number in itertools.islice(self._numbers, _BATCH):
            order = request.orders.add(external_order_id=f"{number}-{uuid4().hex[:8]}", address_text="123 Main St")
            order.customer.customer_id, order.customer.name = f"customer-{number % 1000}", "Jane Doe"
            for line in range(3):
                order.items.add(sku=f"sku-{line}", name="Product", quantity=1, unit_price=usd(10))
        return await self._orders.BatchUpsertOrders(request)

    async def list(self) -> int:
        """Streams everything once; returns how many orders came."""
        total = 0
        async for message in self._orders.ListOrders(ListOrdersRequest(page_size=1000)):
            assert isinstance(message, ListOrdersResponse)
            total += len(message.orders)
        return total


async def rate(call: Call, *, callers: int, seconds: float) -> float:
    """Calls a second, over all callers."""
    until = time.perf_counter() + seconds

    async def caller() -> int:
        done = 0
        while time.perf_counter() < until:
            await call()
            done += 1
        return done

    started = time.perf_counter()
    done = sum(await asyncio.gather(*(caller() for _ in range(callers))))
    return done / (time.perf_counter() - started)
