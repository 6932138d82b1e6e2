"""gRPC's built-in retry, by the documented service config: reads are retried when the server says, writes never."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from orders.v1.catalog_service_pb2 import GetProductRequest
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from tests.conftest import Service, new_order, refusal_of, serving, stock_shop
from tests.rpc.test_contract_failures import OVERLOADED, UNAVAILABLE, held_up
from tests.storage.faults import read_only
from tests.storage.helpers import until

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "service-config.json").read_text(encoding="utf-8")
# A client that retries whatever it sends.
CARELESS = json.dumps(
    {"methodConfig": [{"name": [{}], "retryPolicy": json.loads(DOCUMENTED)["methodConfig"][0]["retryPolicy"]}]}
)
PUSHBACK = "grpc-retry-pushback-ms"


@asynccontextmanager
async def retrying(service: Service, config: str) -> AsyncIterator[grpc.aio.Channel]:
    options = [("grpc.service_config", config)]
    async with grpc.aio.insecure_channel(service.address, options=options) as channel:
        yield channel


def count_of(caplog: pytest.LogCaptureFixture, method: str, code: str) -> int:
    """How many calls of a method ended with a code, by the server's log."""
    return sum(f".{method} " in line and f"code={code}" in line for line in caplog.text.splitlines())


async def failure(call: Any) -> tuple[tuple[grpc.StatusCode, str], str, float]:
    """How a call fails: its code and reason, the pushback, and the milliseconds of its RetryInfo."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    refusal = refusal_of(caught.value)
    trailers = dict(caught.value.trailing_metadata() or ())
    assert refusal.retry is not None
    delay = refusal.retry.retry_delay.ToMilliseconds()
    return (refusal.code, refusal.reason), str(trailers.get(PUSHBACK)), delay


async def test_a_read_is_retried_until_there_is_room(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="server")
    async with serving(service.url, max_in_flight=1) as small, retrying(small, DOCUMENTED) as channel:
        async with held_up(service, "mug") as waits:
            holder = asyncio.ensure_future(small.orders.CreateOrder(new_order()))
            await until(waits)
            read = asyncio.ensure_future(CatalogServiceStub(channel).GetProduct(GetProductRequest(product_id="mug")))
            await until(lambda: _refused_read(caplog))
            # A write fails at once.
            outcome, pushback, delay = await failure(OrderServiceStub(channel).CreateOrder(new_order()))
            assert outcome == OVERLOADED
            assert pushback == str(delay)
            assert 500 <= delay <= 1000
        await holder
        assert (await read).product_id == "mug"


async def _refused_read(caplog: pytest.LogCaptureFixture) -> bool:
    return count_of(caplog, "GetProduct", "RESOURCE_EXHAUSTED") > 0


async def test_a_write_without_a_request_id_is_not_repeated_by_careless_clients(
    new_database: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="server")
    url = new_database()
    async with serving(url) as service, retrying(service, CARELESS) as channel:
        await stock_shop(service)
        orders = OrderServiceStub(channel)
        with read_only(url):
            outcome, pushback, _ = await failure(orders.CreateOrder(new_order()))
            assert (outcome, pushback) == (UNAVAILABLE, "-1")
            assert count_of(caplog, "CreateOrder", "UNAVAILABLE") == 1
            outcome, pushback, delay = await failure(orders.CreateOrder(new_order(request_id="r-1"), timeout=20))
            assert (outcome, pushback) == (UNAVAILABLE, str(delay))
            assert count_of(caplog, "CreateOrder", "UNAVAILABLE") == 1 + 5


async def test_callers_who_fail_together_are_told_different_times(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with serving(url) as service:
        await stock_shop(service)
        with read_only(url):
            calls = (failure(service.orders.CreateOrder(new_order())) for _ in range(20))
            delays = {delay for _, _, delay in await asyncio.gather(*calls)}
    assert len(delays) > 10
