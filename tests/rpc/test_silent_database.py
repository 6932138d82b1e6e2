"""A database that takes requests and answers nothing is given up in time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
from orders.v1.catalog_service_pb2 import AdjustStockRequest, GetProductRequest, ListProductsRequest
from orders.v1.order_service_pb2 import ListOrdersRequest, SearchOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from tests.conftest import RefusedCall, Service, new_order, refusal_of, serving, stock_shop
from tests.rpc.test_contract_failures import NOT_SERVING, SERVING, attempt, turns
from tests.storage.faults import Proxy, proxied
from tests.storage.helpers import disagreements, until

TIMEOUT = 3.0
# Seconds over the timeout. The server needs less than 1, and psycopg, unbounded, takes 10 more: the rest is for a busy machine.
LATE = 9.0


@asynccontextmanager
async def behind_proxy(url: str, **settings: Any) -> AsyncIterator[tuple[Service, Proxy]]:
    """A server that reaches its database through a proxy."""
    async with proxied(url) as proxy, serving(proxy.url, **settings) as service:
        yield service, proxy


async def give_up(call: Any) -> tuple[str, float]:
    """The reason for which a call is refused, and after how many seconds."""
    began = time.monotonic()
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).reason, time.monotonic() - began
    return "", time.monotonic() - began


def calls_of(service: Service) -> list[Any]:
    """Calls of every way into the database."""
    return [
        *(service.orders.CreateOrder(new_order()) for _ in range(3)),
        service.orders.CreateOrder(new_order(validate_only=True)),
        service.catalog.AdjustStock(AdjustStockRequest(product_id="mug", delta=1, reason="delivery")),
        service.catalog.GetProduct(GetProductRequest(product_id="mug")),
        service.catalog.ListProducts(ListProductsRequest()),
        *(service.orders.SearchOrders(SearchOrdersRequest()) for _ in range(12)),
        anext(aiter(service.orders.ListOrders(ListOrdersRequest()))),
    ]


async def test_calls_to_a_silent_database_are_given_up_in_time(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with behind_proxy(url, database_timeout=TIMEOUT) as (service, proxy):
        await stock_shop(service)
        proxy.fall_silent()
        began = time.monotonic()
        health = asyncio.create_task(until(turns(service, NOT_SERVING)))
        first = [asyncio.create_task(give_up(call)) for call in calls_of(service)]
        # These queue behind the first.
        await asyncio.wait(first, timeout=0.3)
        second = [asyncio.create_task(give_up(call)) for call in calls_of(service)]
        await health
        assert time.monotonic() - began < TIMEOUT + LATE
        for reason, seconds in await asyncio.gather(*first, *second):
            assert reason == "DEPENDENCY_UNAVAILABLE"
            assert seconds < TIMEOUT + LATE
        proxy.speak()
        await until(turns(service, SERVING))
        await service.orders.CreateOrder(new_order())
        assert (await service.orders.SearchOrders(SearchOrdersRequest())).total_size
    assert await disagreements(url) == []


async def test_rate_limits_do_not_add_to_the_time(new_database: Callable[[], str]) -> None:
    settings = {"database_timeout": TIMEOUT, "rate_limit_read": 1.0}
    async with behind_proxy(new_database(), **settings) as (service, proxy):
        proxy.fall_silent()
        reason, seconds = await give_up(service.orders.SearchOrders(SearchOrdersRequest()))
        assert reason == "DEPENDENCY_UNAVAILABLE"
        assert seconds < TIMEOUT + LATE


async def test_a_stop_does_not_wait_for_a_silent_database(new_database: Callable[[], str]) -> None:
    async with AsyncExitStack() as stack:
        settings = {"database_timeout": 30.0, "shutdown_grace": 1.0, "health_interval": 0.1}
        service, proxy = await stack.enter_async_context(behind_proxy(new_database(), **settings))
        await stock_shop(service)
        # A connection of its own: that of the service is closed before its server stops.
        async with grpc.aio.insecure_channel(service.address) as channel:
            orders = OrderServiceStub(channel)
            proxy.fall_silent()
            calls = [
                asyncio.create_task(attempt(call))
                for call in (
                    *(orders.CreateOrder(new_order()) for _ in range(3)),
                    orders.SearchOrders(SearchOrdersRequest()),
                    anext(aiter(orders.ListOrders(ListOrdersRequest()))),
                )
            ]
            await asyncio.wait(calls, timeout=0.3)
            assert not any(call.done() for call in calls)
            began = time.monotonic()
            await stack.aclose()
            assert time.monotonic() - began < 1.0 + 2.0 + LATE
            assert all(isinstance(refusal, RefusedCall) for refusal in await asyncio.gather(*calls))
