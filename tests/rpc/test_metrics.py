"""What Prometheus is told: every call once, by method and code, every refusal by its reason, and every batch."""

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.request import urlopen

import grpc
import pytest
from google.protobuf import descriptor_pool
from orders.v1.catalog_service_pb2 import GetProductRequest
from orders.v1.order_service_pb2 import CancelOrderRequest, GetOrderRequest, ListOrdersRequest
from prometheus_client.parser import text_string_to_metric_families

from server.rpc.server import SERVICES
from tests.conftest import Service, new_order, refused, serving, stock_shop
from tests.rpc.test_call_bounds import products_locked, somebody_waits
from tests.storage.helpers import until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scrape:
    """What a server's metrics said at one time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """A sample's value; the sum of those that have these labels among others."""
        wanted = set(labels.items())
        return sum(value for (given, have), value in self._samples.items() if given == name and wanted <= have)

    def labels(self, name: str, label: str) -> set[str]:
        return {dict(have)[label] for given, have in self._samples if given == name}


async def scrape(service: Service) -> Scrape:
    with await asyncio.to_thread(urlopen, service.running.started.metrics_url) as response:
        assert response.headers["content-type"].startswith("text/plain")
        return Scrape(response.read().decode())


@pytest.fixture(scope="module")
async def service(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database(), metrics_port=0) as service:
        await stock_shop(service)
        yield service


async def test_every_method_is_there_from_the_first_scrape_on(new_database: Callable[[], str]) -> None:
    async with serving(new_database(), metrics_port=0) as service:
        found = await scrape(service)
    served = map(descriptor_pool.Default().FindServiceByName, SERVICES)
    methods = {method.name for each in served for method in each.methods}
    for name in ("grpc_server_handled_total", "grpc_server_handling_seconds_count"):
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
    assert more("grpc_server_handled_total", **cancel, grpc_code="OK") == 1
    assert more("grpc_server_handled_total", **cancel, grpc_code="FAILED_PRECONDITION") == 1
    assert more("grpc_server_handled_total", **cancel, grpc_code="INVALID_ARGUMENT") == 1
    assert more("grpc_server_handled_total") == 4
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
    name = "grpc_server_handled_total"
    assert after.value(name, **stream) - before.value(name, **stream) == 1


async def ended(service: Service, code: str) -> bool:
    """Whether a GetProduct has ended with that code: after its caller is gone, the server takes a moment."""
    name = "grpc_server_handled_total"
    return (await scrape(service)).value(name, grpc_method="GetProduct", grpc_code=code) > 0


async def test_calls_whose_callers_left_or_had_no_time_any_more_count_as_such(service: Service) -> None:
    async with products_locked(service) as connection:
        call = service.catalog.GetProduct(GetProductRequest(product_id="mug"))
        waiting = asyncio.ensure_future(call)
        await somebody_waits(connection)
        waiting.cancel()
        await until(lambda: ended(service, "CANCELLED"))
        with pytest.raises(grpc.aio.AioRpcError) as late:
            await service.catalog.GetProduct(GetProductRequest(product_id="mug"), timeout=0.1)
        assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: ended(service, "DEADLINE_EXCEEDED"))


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
    assert found.labels("orders_commands_waiting", "lane") == {"single", "dry", "bulk", "dry_bulk"}
    assert found.value("process_resident_memory_bytes") > 0
    assert found.value("orders_build_info") == 1


async def test_nothing_that_callers_send_is_in_it(service: Service) -> None:
    await service.orders.CreateOrder(new_order())
    await refused(service.orders.GetOrder(GetOrderRequest(order_id="jane@example.com")))
    text = (await scrape(service)).text
    assert "ORDER_NOT_FOUND" in text
    assert "jane" not in text


async def test_without_a_port_nobody_is_told(new_database: Callable[[], str]) -> None:
    async with serving(new_database()) as service:
        assert service.running.started.metrics_url == ""
