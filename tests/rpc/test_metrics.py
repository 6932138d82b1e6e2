"""What Prometheus is told: every call once, by method and code, every refusal by its reason, and every batch."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import grpc
import pytest
from google.protobuf import descriptor_pool
from orders.v1.catalog_service_pb2 import GetProductRequest, ListProductsRequest
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_service_pb2 import CancelOrderRequest, GetOrderRequest, ListOrdersRequest

from server.rpc.server import SERVICE_NAMES
from server.runtime import jobs
from tests.conftest import Service, new_order, refused, serving, stock_shop
from tests.rpc.test_call_bounds import products_locked, somebody_waits
from tests.scrape import Scrape
from tests.storage.helpers import until

HANDLED = "grpc_server_handled_total"


async def scrape(service: Service) -> Scrape:
    with await asyncio.to_thread(urlopen, service.running.started.metrics_url) as response:
        assert response.headers["content-type"].startswith("text/plain")
        return Scrape(response.read().decode())


@pytest.fixture(scope="module", autouse=True)
def quick_gauges() -> Iterator[None]:
    """Nobody waits a second for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            jobs,
            "JOBS",
            [replace(job, interval=lambda _: 0.02) if job.run is jobs.set_gauges else job for job in jobs.JOBS],
        )
        yield


@pytest.fixture(scope="module")
async def service(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database(), metrics_port=0) as service:
        await stock_shop(service)
        yield service


async def test_every_method_is_there_from_the_first_scrape_on(new_database: Callable[[], str]) -> None:
    async with serving(new_database(), metrics_port=0) as service:
        found = await scrape(service)
    served = map(descriptor_pool.Default().FindServiceByName, SERVICE_NAMES)
    methods = {method.name for each in served for method in each.methods}
    for name in (HANDLED, "grpc_server_handling_seconds_count"):
        assert found.labels(name, "grpc_method") == methods
        assert found.value(name) == 0


async def test_a_call_counts_once_by_its_code_and_a_refusal_by_its_reason(service: Service) -> None:
    before = await scrape(service)
    order = await service.orders.CreateOrder(new_order())
    await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    await refused(service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id)))
    await refused(service.orders.CancelOrder(CancelOrderRequest()))
    after = await scrape(service)

    def more(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    cancel = {"grpc_service": "orders.v1.OrderService", "grpc_method": "CancelOrder", "grpc_type": "unary"}
    assert more(HANDLED, **cancel, grpc_code="OK") == 1
    assert more(HANDLED, **cancel, grpc_code="FAILED_PRECONDITION") == 1
    assert more(HANDLED, **cancel, grpc_code="INVALID_ARGUMENT") == 1
    assert more(HANDLED) == 4
    assert more("grpc_server_handling_seconds_count", **cancel) == 3
    assert 0 < more("grpc_server_handling_seconds_sum", **cancel) < 60
    assert more("orders_refusals_total", grpc_method="CancelOrder", reason="ORDER_ALREADY_CANCELLED") == 1
    assert more("orders_refusals_total") == 2
    # Not the last one: it broke its rules, and got no further.
    assert more("orders_batch_commands_sum", lane="single") == 3
    assert more("orders_batch_seconds_count", lane="single") == more("orders_batch_commands_count", lane="single") > 0


async def test_a_stream_counts_once_however_many_messages_it_has(service: Service) -> None:
    for _ in range(3):
        await service.orders.CreateOrder(new_order())
    before = await scrape(service)
    assert len([message async for message in service.orders.ListOrders(ListOrdersRequest(page_size=1))]) >= 3
    after = await scrape(service)
    stream = {"grpc_type": "server_stream", "grpc_method": "ListOrders", "grpc_code": "OK"}
    assert after.value(HANDLED, **stream) - before.value(HANDLED, **stream) == 1


async def test_calls_whose_callers_left_or_had_no_time_any_more_count_as_such(service: Service) -> None:
    before = await scrape(service)

    async def have_ended(*codes: str) -> bool:
        after = await scrape(service)
        labels = {"grpc_method": "GetProduct", "grpc_type": "unary"}
        more = {
            code: after.value(HANDLED, **labels, grpc_code=code) - before.value(HANDLED, **labels, grpc_code=code)
            for code in ("CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE")
        }
        return more == {code: codes.count(code) for code in more}

    request = GetProductRequest(product_id="mug")
    async with products_locked(service) as connection:
        waiting = asyncio.ensure_future(service.catalog.GetProduct(request))
        await somebody_waits(connection)
        waiting.cancel()
        await until(lambda: have_ended("CANCELLED"))
        # Clients round a deadline up on its way to the server, and leave at the one they meant.
        for seconds in (0.5, 1.05):
            with pytest.raises(grpc.aio.AioRpcError) as late:
                await service.catalog.GetProduct(request, timeout=seconds)
            assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: have_ended("CANCELLED", "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"))


async def test_what_is_in_use_is_told(service: Service) -> None:
    async def somebody_is_served() -> bool:
        found = await scrape(service)
        return bool(
            found.value("orders_calls_in_flight") == 1 and found.value("orders_database_connections", state="used")
        )

    async def nobody_is() -> bool:
        found = await scrape(service)
        return bool(found.value("orders_calls_in_flight") == 0 and found.value("orders_ready") == 1)

    async with products_locked(service):
        call = asyncio.ensure_future(service.catalog.GetProduct(GetProductRequest(product_id="mug")))
        await until(somebody_is_served)
    await call
    await until(nobody_is)
    found = await scrape(service)
    assert found.labels("orders_commands_waiting", "lane") == {"single", "dry", "dry_single", "bulk", "dry_bulk"}
    assert found.value("process_resident_memory_bytes") > 0
    assert found.value("orders_build_info") == 1


async def test_reads_that_wait_for_a_connection_are_told(new_database: Callable[[], str]) -> None:
    async with serving(new_database(), metrics_port=0, pool_size=5) as service:

        async def one_works_and_others_wait() -> bool:
            found = await scrape(service)
            used = found.value("orders_database_connections", state="used")
            # Background jobs may wait, too.
            return bool(used and found.value("orders_database_waiting") >= 2)

        async def nobody_waits() -> bool:
            return (await scrape(service)).value("orders_database_waiting") == 0

        async with products_locked(service) as connection:
            # Lists do not share queries.
            calls = [asyncio.ensure_future(service.catalog.ListProducts(ListProductsRequest())) for _ in range(3)]
            await somebody_waits(connection)
            await until(one_works_and_others_wait)
        await asyncio.gather(*calls)
        await until(nobody_waits)


async def test_a_server_that_stops_says_so_while_its_last_calls_finish(new_database: Callable[[], str]) -> None:
    async with AsyncExitStack() as stack:
        stopped = await stack.enter_async_context(serving(new_database(), metrics_port=0, shutdown_grace=60))

        async def stops_with_one_call() -> bool:
            found = await scrape(stopped)
            return bool(found.value("orders_ready") == 0 and found.value("orders_calls_in_flight") == 1)

        # A connection of its own: that of the service is closed before its server stops.
        async with grpc.aio.insecure_channel(stopped.address) as channel:
            async with products_locked(stopped) as connection:
                call = CatalogServiceStub(channel).ListProducts(ListProductsRequest())
                answer = asyncio.ensure_future(call)
                await somebody_waits(connection)
                stopping = asyncio.create_task(stack.aclose())
                await until(stops_with_one_call)
            assert list((await answer).products) == []
            await stopping


async def test_a_scrape_that_fails_is_in_the_log_and_nothing_of_it_on_stderr(
    service: Service, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    url = urlsplit(service.running.started.metrics_url)

    def reset() -> None:
        with socket.create_connection((url.hostname, url.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(b"GET /jane")

    def ask_for_no_version() -> None:
        headers = {"accept": "application/openmetrics-text; version=jane"}
        with pytest.raises(OSError, match="closed connection"), urlopen(Request(url.geturl(), headers=headers)):
            pass

    async def failures(count: int) -> bool:
        return caplog.messages.count("a scrape failed") == count

    for number, fail in enumerate((reset, ask_for_no_version), start=1):
        await asyncio.to_thread(fail)
        await until(lambda number=number: failures(number))
    assert "error=ConnectionResetError" in caplog.text
    assert "jane" not in caplog.text
    assert capfd.readouterr().err == ""
    assert (await scrape(service)).value("orders_ready") == 1


async def test_nothing_that_callers_send_is_in_it(service: Service) -> None:
    await service.orders.CreateOrder(new_order())
    await refused(service.orders.GetOrder(GetOrderRequest(order_id="jane@example.com")))
    text = (await scrape(service)).text
    assert "ORDER_NOT_FOUND" in text
    assert "jane" not in text


async def test_without_a_port_nobody_is_told(new_database: Callable[[], str]) -> None:
    async with serving(new_database()) as service:
        assert service.running.started.metrics_url == ""
