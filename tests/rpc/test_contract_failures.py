"""What callers see when the database is gone, when there is too much to do, and when they leave or run out of time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest, GetProductRequest, ListProductsRequest
from orders.v1.order_service_pb2 import GetOrderRequest, ListOrdersRequest, SearchOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.domain.base.state import State
from server.domain.operations import Answer, Command
from server.rpc import request_reader
from server.storage import embedded
from server.storage.schema import schema
from server.storage.write import writer
from tests.conftest import (
    PRODUCTS,
    SERVING_ROLE,
    RefusedCall,
    Service,
    create_serving_role,
    new_order,
    refusal_of,
    refused,
    serving,
)
from tests.methods import METHODS
from tests.rpc.calls import new_subject, outcome
from tests.samples import request_for
from tests.storage.helpers import disagreements, session, until, waiting_for_locks

UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
OVERLOADED = (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


# What the process itself can tell, and batches, in which each item has an error of its own.
WITHOUT_DATABASE = {"GetServerInfo", "WhoAmI", "BatchCreateOrders", "BatchTransitionOrders", "BatchCancelOrders"}


async def health_of(service: Service, name: str = "") -> int:
    response = await health_pb2_grpc.HealthStub(service.channel).Check(health_pb2.HealthCheckRequest(service=name))
    return int(response.status)


def turns(service: Service, status: int) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def turned() -> bool:
        return await health_of(service) == status

    return turned


async def test_without_its_database_the_server_says_so_and_recovers_when_it_is_back(data_dir: Path) -> None:
    postgres = embedded.start(data_dir)
    try:
        create_serving_role(postgres.url)
        schema.migrate(postgres.url, grant_to=SERVING_ROLE)
        async with serving(postgres.url, database_timeout=1.0) as service:
            await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
            order = await service.orders.CreateOrder(new_order())
            subject = await new_subject(service, "AckConsumer")
            assert await health_of(service) == SERVING

            await asyncio.to_thread(postgres.stop)
            methods = [method for method in METHODS if method not in WITHOUT_DATABASE]
            outcomes = await asyncio.gather(
                *(outcome(service, method, request_for(method, subject)) for method in methods)
            )
            for method, refusal in zip(methods, outcomes, strict=True):
                assert refusal is not None, method
                assert (refusal.code, refusal.reason) == UNAVAILABLE
                assert refusal.metadata["dependency"] == "database"
                assert refusal.retry is not None
                assert refusal.retry.retry_delay.ToMilliseconds() > 0
            await until(turns(service, NOT_SERVING))
            assert await health_of(service, "orders.v1.OrderService") == NOT_SERVING
            assert await health_of(service, "liveness") == SERVING

            postgres = await asyncio.to_thread(embedded.start, data_dir)
            await until(turns(service, SERVING), seconds=20)
            assert await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id)) == order
            await service.orders.CreateOrder(new_order())
            assert await disagreements(postgres.url) == []
    finally:
        await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def held_up(service: Service, product_id: str) -> AsyncIterator[Callable[[], Coroutine[Any, Any, bool]]]:
    """Keeps everybody else off a product; yields whether the server waits for it."""
    async with session(service.url, autocommit=False) as outside, session(service.url) as watch:
        await outside.execute("SELECT 1 FROM inventory WHERE product_id = %s FOR UPDATE", (product_id,))

        async def waits() -> bool:
            return await waiting_for_locks(watch) > 0

        yield waits


async def attempt(call: Any) -> Any:
    """The call's answer, or how it was refused."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)


async def test_more_writes_than_the_queue_takes_are_refused_and_told_when_to_come_back(service: Service) -> None:
    async with serving(service.url, max_queue=1) as small:
        stock = await service.stock("mug")
        async with held_up(service, "mug") as waits:
            first = asyncio.ensure_future(attempt(small.orders.CreateOrder(new_order())))
            await until(waits)
            rest = [asyncio.ensure_future(attempt(small.orders.CreateOrder(new_order()))) for _ in range(50)]
            # One waits for its turn, and all the others are answered at once, though nothing moves.
            await until(lambda: _all_but_one_done(rest))
            assert not first.done()
            # Reads have nothing to do with that.
            await small.catalog.GetProduct(GetProductRequest(product_id="mug"))
        answers = [await first, *[await call for call in rest]]
        refused_ones = [answer for answer in answers if isinstance(answer, RefusedCall)]
        assert len(refused_ones) == 49
        assert {(refusal.code, refusal.reason) for refusal in refused_ones} == {OVERLOADED}
        assert all(refusal.retry and refusal.retry.retry_delay.ToMilliseconds() > 0 for refusal in refused_ones)
        assert await service.stock("mug") == stock - 2
        await small.orders.CreateOrder(new_order())


async def _all_but_one_done(calls: list[asyncio.Future[Any]]) -> bool:
    return sum(call.done() for call in calls) >= len(calls) - 1


async def test_a_burst_of_calls_on_one_connection_is_answered_to_the_last(service: Service) -> None:
    # More than gRPC lets wait unless it is told to.
    calls = [attempt(service.catalog.GetProduct(GetProductRequest(product_id="mug"))) for _ in range(1500)]
    answers = await asyncio.gather(*calls)
    assert Counter(type(answer).__name__ for answer in answers) == {"Product": 1500}


async def test_callers_that_leave_take_nobody_along(service: Service) -> None:
    before = await service.stock("lamp")
    async with held_up(service, "lamp") as waits:
        first = service.orders.CreateOrder(new_order(product_id="lamp"))
        await until(waits)
        calls = [service.orders.CreateOrder(new_order(product_id="lamp")) for _ in range(60)]
        # An answered call shows that the server has taken in what came before it.
        await refused(service.orders.GetOrder(GetOrderRequest(order_id="nope")))
        for call in calls[::3]:
            call.cancel()
        staying = [call for number, call in enumerate(calls) if number % 3]
        await refused(service.orders.GetOrder(GetOrderRequest(order_id="nope")))
    answers = await asyncio.gather(first, *staying)
    for order in answers:
        assert await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id)) == order
    await service.orders.CreateOrder(new_order())
    ((stored,),) = await service.rows("SELECT count(*) FROM order_items WHERE product_id = 'lamp'")
    assert len(answers) <= stored < 1 + len(calls)
    assert await service.stock("lamp") == before - stored
    assert await disagreements(service.url) == []


async def _expired(call: Callable[[float], Any], waits: Callable[[], Awaitable[bool]]) -> None:
    """Waits for the deadline of a call that has come as far as `waits`, which takes a busy machine longer."""
    for seconds in (1, 4, 16, 64):
        refusal = asyncio.ensure_future(refused(call(seconds)))

        async def settled(refusal: asyncio.Future[RefusedCall] = refusal) -> bool:
            return refusal.done() or await waits()

        await until(settled, seconds=2 * seconds + 60)
        waited = not refusal.done()
        assert (await refusal).code == grpc.StatusCode.DEADLINE_EXCEEDED
        if waited:
            return
    raise AssertionError("no call came as far within its deadline")


async def test_a_deadline_that_is_too_short_is_kept_and_the_server_goes_on(service: Service) -> None:
    async with held_up(service, "mug") as waits:
        await _expired(lambda seconds: service.orders.CreateOrder(new_order(), timeout=seconds), waits)
    assert (await service.orders.CreateOrder(new_order())).order_number
    assert await disagreements(service.url) == []


async def test_a_deadline_that_has_passed_already_is_no_trouble(service: Service) -> None:
    calls = (
        service.orders.SearchOrders(SearchOrdersRequest(), timeout=0),
        service.orders.CreateOrder(new_order(), timeout=0),
        anext(aiter(service.orders.ListOrders(ListOrdersRequest(), timeout=0))),
    )
    for call in calls:
        assert (await refused(call)).code == grpc.StatusCode.DEADLINE_EXCEEDED
    await service.orders.CreateOrder(new_order())


async def test_a_stop_lets_begun_writes_finish(service: Service) -> None:
    async with AsyncExitStack() as stack:
        stopped = await stack.enter_async_context(serving(service.url, shutdown_grace=60))
        # A connection of its own: that of the service is closed before its server stops.
        async with grpc.aio.insecure_channel(stopped.address) as channel:
            watch = aiter(health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest()))
            assert (await anext(watch)).status == SERVING
            async with held_up(service, "mug") as waits:
                orders = OrderServiceStub(channel)
                begun = [orders.CreateOrder(new_order()) for _ in range(20)]
                await until(waits)
                # An answered call shows that the server has taken in what came before it.
                await refused(orders.GetOrder(GetOrderRequest(order_id="nope")))
                stopping = asyncio.create_task(stack.aclose())
                assert (await anext(watch)).status == NOT_SERVING
            answers = await asyncio.gather(*begun)
            async with asyncio.timeout(60):
                await stopping
    for order in answers:
        assert await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id)) == order


async def test_connections_that_were_lost_while_idle_cost_nobody_an_error(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    for _ in range(3):
        terminated = await service.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'orders'"
        )
        assert terminated
        assert (await service.orders.CreateOrder(new_order())).order_number
        assert await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id)) == order
        assert (await service.orders.SearchOrders(SearchOrdersRequest())).total_size


async def test_reads_go_on_while_writes_wait_and_neither_takes_the_other_s_connections(service: Service) -> None:
    async with serving(service.url, pool_size=5) as small:
        async with held_up(small, "mug") as waits:
            waiting = [small.orders.CreateOrder(new_order()) for _ in range(3)]
            await until(waits)
            found = await asyncio.gather(*(small.orders.SearchOrders(SearchOrdersRequest()) for _ in range(50)))
            assert all(page.total_size for page in found)
            assert not any(call.done() for call in waiting)
        assert all([(await call).order_number for call in waiting])


async def test_a_read_waits_for_a_connection_no_longer_than_its_deadline(service: Service) -> None:
    # One connection of four is for reads.
    async with serving(service.url, pool_size=4) as small, session(service.url, autocommit=False) as outside:
        await outside.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        holder = asyncio.ensure_future(small.orders.SearchOrders(SearchOrdersRequest()))
        async with session(service.url) as watch:
            await until(lambda: _waits_for_lock(watch))
        list_products = partial(small.catalog.ListProducts, ListProductsRequest())
        await _expired(lambda seconds: list_products(timeout=seconds), lambda: _has_waiting(small, 1))
        await until(lambda: _has_waiting(small, 0))
        await outside.rollback()
        assert (await holder).total_size


async def _waits_for_lock(watch: Any) -> bool:
    return await waiting_for_locks(watch) > 0


async def _has_waiting(service: Service, count: int) -> bool:
    return service.running.database.use().waiting == count


class Panic(BaseException):
    """As extensions raise it: no Exception."""


async def test_a_panic_fails_its_own_call_and_neither_its_neighbours_nor_the_lane(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = writer.decide

    def panic(command: Command, state: State) -> Generator[None, None, Answer]:
        if getattr(command.request, "request_id", "") == "panic":
            raise Panic
        return (yield from decide(command, state))

    monkeypatch.setattr(writer, "decide", panic)
    async with asyncio.timeout(60):
        requests = [new_order(request_id="panic" if number == 5 else "") for number in range(10)]
        outcomes = await asyncio.gather(*(attempt(service.orders.CreateOrder(request)) for request in requests))
        await service.orders.CreateOrder(new_order())
    refusals = [refusal for refusal in outcomes if isinstance(refusal, RefusedCall)]
    assert [(refusal.code, refusal.reason) for refusal in refusals] == [(grpc.StatusCode.INTERNAL, "INTERNAL")]
    assert await health_of(service, "liveness") == SERVING


@pytest.mark.parametrize("failure", [Panic, SystemExit])
async def test_a_panic_outside_of_the_lanes_is_answered_too(
    service: Service, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    def panic(*_: object) -> None:
        raise failure

    monkeypatch.setattr(request_reader, "check", panic)
    async with asyncio.timeout(60):
        refusal = await refused(service.catalog.GetProduct(GetProductRequest(product_id="mug")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")


async def test_liveness_fails_once_a_lane_has_died(service: Service) -> None:
    async with serving(service.url) as dying:
        before = asyncio.all_tasks()
        async with held_up(service, "mug") as waits:
            call = asyncio.ensure_future(attempt(dying.orders.CreateOrder(new_order())))
            await until(waits)
            (worker,) = [task for task in asyncio.all_tasks() - before if "_restarting" in repr(task.get_coro())]
            worker.cancel()
            refusal = await call
        assert (refusal.code, refusal.reason) == UNAVAILABLE
        assert await health_of(dying, "liveness") == NOT_SERVING
        assert await health_of(dying) == SERVING
