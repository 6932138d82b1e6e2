"""What a server bounds calls by: how often, how many at once, and for how long."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import grpc
import psycopg
import pytest
from google.protobuf.message import Message
from orders.v1.catalog_service_pb2 import GetProductRequest, ListProductsRequest
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_service_pb2 import CancelOrderRequest, GetOrderRequest
from prometheus_client import generate_latest

from server.domain.base.errors import Refusal
from server.domain.base.methods import SERVICES
from server.rpc.admission import InFlight
from server.rpc.endpoint import Bounds, Call, service_handler
from server.rpc.errors import Refuser
from server.rpc.gate import Gate
from server.telemetry.metrics import Metrics
from tests.conftest import Service, refused, serving
from tests.rpc.handlers import handlers
from tests.rpc.principals import closed, key_holder
from tests.scrape import Scrape
from tests.storage.helpers import until


class HandlerCallDetails(NamedTuple):
    """Which method a handler is asked for."""

    method: str


GET = GetProductRequest(product_id="mug")


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@asynccontextmanager
async def products_locked(service: Service) -> AsyncIterator[psycopg.AsyncConnection]:
    """Whoever reads a product waits meanwhile."""
    async with await psycopg.AsyncConnection.connect(service.url) as connection:
        await connection.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        yield connection
        await connection.rollback()


async def somebody_waits(connection: psycopg.AsyncConnection) -> None:
    """Looks again and again until a call waits for the lock."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'products'::regclass"
    while (await (await connection.execute(query)).fetchone()) == (0,):
        pass


async def test_a_caller_over_its_limit_is_refused_for_that_class_and_others_are_not(url: str) -> None:
    async with closed(url, rate_limit_read=1.0, rate_limit_block_seconds=0.0) as service:
        eager, modest = await key_holder(service, "admin"), await key_holder(service, "admin")
        answers = []
        for _ in range(10):
            call = service.catalog.ListProducts(ListProductsRequest(), metadata=eager.metadata)
            answers.append(await call.code())
        assert answers.count(grpc.StatusCode.RESOURCE_EXHAUSTED) > 0
        refusal = await refused(service.catalog.ListProducts(ListProductsRequest(), metadata=eager.metadata))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        assert refusal.metadata == {"limit": "1/s", "method_class": "read"}
        assert refusal.retry is not None
        await service.catalog.ListProducts(ListProductsRequest(), metadata=modest.metadata)


async def test_more_calls_at_once_than_there_is_room_for_are_refused_and_come_through_later(url: str) -> None:
    async with serving(url, authentication="open", max_in_flight=1) as service:
        async with products_locked(service) as connection:
            first = asyncio.ensure_future(refused(service.catalog.GetProduct(GET)))
            await somebody_waits(connection)
            second = await refused(service.catalog.GetProduct(GET))
            assert (second.code, second.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
            assert second.retry is not None
        assert (await first).reason == "PRODUCT_NOT_FOUND"
        assert (await refused(service.catalog.GetProduct(GET))).reason == "PRODUCT_NOT_FOUND"


async def test_a_call_without_a_deadline_ends_when_the_server_has_no_more_patience(url: str) -> None:
    async with serving(url, authentication="open", max_call_seconds=0.2) as service:
        async with products_locked(service):
            refusal = await refused(service.catalog.GetProduct(GET))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        assert (await refused(service.catalog.GetProduct(GET))).reason == "PRODUCT_NOT_FOUND"


async def _no_errors_left() -> bool:
    return not any(isinstance(each, Refusal) for each in gc.get_objects())


@pytest.mark.parametrize(
    ("method", "request_", "provider"),
    [
        ("GetOrder", GetOrderRequest(order_id="ORD-2026-999999"), "external"),
        ("CancelOrder", CancelOrderRequest(order_id="ORD-2026-999999"), "external"),
        ("CancelOrder", CancelOrderRequest(order_id="ORD-2026-999999"), "test"),
        ("GetOrder", GetOrderRequest(), "external"),
    ],
    ids=["a read", "a write", "a write with a payment provider", "a request that breaks its rules"],
)
async def test_refusals_leave_no_errors_for_the_garbage_collector(
    url: str, method: str, request_: Message, provider: str
) -> None:
    async with serving(url, authentication="open", payment_provider=provider) as service:
        call = getattr(service.orders, method)
        await refused(call(request_))
        gc.collect()
        # What other tests hold, such as the errors of one that failed, is not looked at.
        gc.freeze()
        gc.disable()
        try:
            for _ in range(3):
                await refused(call(request_))
            # The last one is answered a little before its handler is done with it.
            await until(_no_errors_left)
        finally:
            gc.enable()
            gc.unfreeze()


class Abandoned:
    """Methods that wait for what is given up while they do."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[bytes]]:
        async def method(*_: object) -> bytes:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            return await future

        return method


async def test_a_call_that_waits_for_something_given_up_is_answered_all_the_same() -> None:
    gate = Gate(authenticator=None, limiter=None, in_flight=InFlight(1))
    bounds = Bounds(request_bytes=1 << 20, seconds=60, stream_seconds=60)
    server = grpc.aio.server()
    handler = service_handler(
        _service("CatalogService"),
        handlers(Abandoned(), _service("CatalogService")),
        gate=gate,
        bounds=bounds,
        metrics=Metrics(),
        refuser=Refuser(),
    )
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            refusal = await refused(CatalogServiceStub(channel).GetProduct(GET))
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    finally:
        await server.stop(None)


def _service(name: str) -> Any:
    return next(service for service in SERVICES if service.name == name)


class Gone:
    """What the library shows of a call whose caller has left, before it cancels the handler."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def time_remaining(self) -> None:
        return None

    async def write(self, message: bytes) -> None:
        raise grpc.aio.InternalError("the call is over")


class Writing:
    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def method(_: Message, call: Call) -> None:
            await call.write(b"")

        return method


async def test_a_stream_that_writes_to_nobody_counts_as_left() -> None:
    gate = Gate(authenticator=None, limiter=None, in_flight=InFlight(1))
    bounds = Bounds(request_bytes=1 << 20, seconds=60, stream_seconds=60)
    metrics = Metrics()
    served = service_handler(
        _service("OrderService"),
        handlers(Writing(), _service("OrderService")),
        gate=gate,
        bounds=bounds,
        metrics=metrics,
        refuser=Refuser(),
    )
    serve = served.service(HandlerCallDetails("/orders.v1.OrderService/ListOrders")).unary_stream
    with pytest.raises(asyncio.CancelledError):
        await serve(b"", Gone())
    found = Scrape(generate_latest(metrics.registry).decode())
    assert found.value("grpc_server_handled_total", grpc_method="ListOrders", grpc_code="CANCELLED") == 1
    assert found.value("grpc_server_handled_total") == 1
    assert found.value("orders_refusals_total") == 0
