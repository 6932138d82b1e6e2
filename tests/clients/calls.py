"""A program of the client's environment: makes calls to a server and prints what came of them as JSON. calls.py KIND TARGET CASE"""

import asyncio
import json
import sys
from typing import Any

from order_service_client import AsyncClient, Client, OrderServiceError
from orders.v1.order_service_pb2 import (
    BatchCancelOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    GetOrderRequest,
    ListOrdersRequest,
    WatchOrdersRequest,
)

HOME = {"street": "123 Main St", "city": "New York", "state": "NY", "postal_code": "10001", "country": "US"}
WATCH = WatchOrdersRequest(start_time={}, end_when_caught_up=True)


def order(product_id: str = "mug") -> CreateOrderRequest:
    return CreateOrderRequest(
        customer_id="jane",
        items=[{"product_id": product_id, "quantity": 1}],
        shipping_address=HOME,
        payment_method="PAYMENT_METHOD_CASH_ON_DELIVERY",
    )


def error_of(error: OrderServiceError) -> dict[str, Any]:
    found = {name: getattr(error, name) for name in ("reason", "metadata", "fields", "message", "retry_after")}
    return found | {"code": error.code.name, "has_request_id": bool(error.request_id), "links": error.links}


class Sync:
    """The cases with the client for threads."""

    def __init__(self, target: str) -> None:
        self.client = Client(target, plaintext=True)

    def create(self) -> Any:
        """Two calls with the same message are two orders; the message stays as it is."""
        request = order()
        created = [self.client.orders.CreateOrder(request).order_id for _ in range(2)]
        return {"orders": len(set(created)), "request_id": request.request_id}

    def batch(self) -> Any:
        created = self.client.orders.CreateOrder(order())
        request = BatchCancelOrdersRequest(requests=[CancelOrderRequest(order_id=created.order_id)] * 2)
        return len([each for each in self.client.orders.BatchCancelOrders(request).results if each.request_id])

    def refused(self) -> Any:
        try:
            self.client.orders.CreateOrder(order("nothing"))
        except OrderServiceError as error:
            return error_of(error)

    def unreachable(self) -> Any:
        try:
            self.client.orders.GetOrder(GetOrderRequest(order_id="x"), timeout=1.0)
        except OrderServiceError as error:
            return error_of(error)

    def list(self) -> Any:
        return [each.order_id for each in self.client.list_orders(ListOrdersRequest(page_size=5))]

    def watch(self) -> Any:
        return [change.position for change in self.client.watch_orders(WATCH)]

    def raw(self) -> Any:
        return len([each for page in self.client.orders.ListOrders(ListOrdersRequest(limit=3)) for each in page.orders])


class Async:
    """The same cases with the client for asyncio."""

    def __init__(self, target: str) -> None:
        self.client = AsyncClient(target, plaintext=True)

    async def create(self) -> Any:
        request = order()
        created = [(await self.client.orders.CreateOrder(request)).order_id for _ in range(2)]
        return {"orders": len(set(created)), "request_id": request.request_id}

    async def batch(self) -> Any:
        created = await self.client.orders.CreateOrder(order())
        request = BatchCancelOrdersRequest(requests=[CancelOrderRequest(order_id=created.order_id)] * 2)
        return len([each for each in (await self.client.orders.BatchCancelOrders(request)).results if each.request_id])

    async def refused(self) -> Any:
        try:
            await self.client.orders.CreateOrder(order("nothing"))
        except OrderServiceError as error:
            return error_of(error)

    async def unreachable(self) -> Any:
        try:
            await self.client.orders.GetOrder(GetOrderRequest(order_id="x"), timeout=1.0)
        except OrderServiceError as error:
            return error_of(error)

    async def list(self) -> Any:
        return [each.order_id async for each in self.client.list_orders(ListOrdersRequest(page_size=5))]

    async def watch(self) -> Any:
        return [change.position async for change in self.client.watch_orders(WATCH)]

    async def raw(self) -> Any:
        pages = self.client.orders.ListOrders(ListOrdersRequest(limit=3))
        return len([each async for page in pages for each in page.orders])


async def run_async(target: str, case: str) -> Any:
    calls = Async(target)
    async with calls.client:
        return await getattr(calls, case)()


def main(kind: str, target: str, case: str) -> None:
    found = asyncio.run(run_async(target, case)) if kind == "async" else getattr(Sync(target), case)()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
