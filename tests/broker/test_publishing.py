"""Publishing to real brokers: nothing is lost and an order's changes keep their order, whatever is killed."""

import asyncio
import json
import multiprocessing
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import psycopg
import pytest
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from orders.v1.consumer_service_pb2 import ListConsumersRequest
from orders.v1.consumer_service_pb2_grpc import ConsumerServiceStub
from orders.v1.order_service_pb2 import CancelOrderRequest

from server.config import ConfigError, Settings
from server.runtime.work import working
from tests.broker.servers import BROKERS, BrokerServer, Delivered, running
from tests.conftest import Service, as_serving_role, new_order, serving, stock_shop

Key = tuple[str, int]

JOBS = "append_to_feed publish_events"
CHANGES = 30


@pytest.fixture(params=BROKERS)
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[BrokerServer]:
    async with running(request.param) as broker:
        yield broker


@asynccontextmanager
async def publishing(url: str, broker: BrokerServer, **settings: Any) -> AsyncIterator[Service]:
    async with serving(url, broker_url=broker.url, **settings) as service:
        await stock_shop(service)
        if "jobs" not in settings:
            await until_started(service.url)
        yield service


async def until_started(url: str) -> None:
    """Waits until the publisher has a position: it begins at the end of the feed."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection, asyncio.timeout(60):
        while True:
            cursor = await connection.execute("SELECT FROM consumers WHERE consumer_id = 'orders.broker'")
            if cursor.rowcount:
                return
            await asyncio.sleep(0.02)


async def walk(service: Service) -> list[Key]:
    """Creates and cancels an order; returns its changes."""
    order = await service.orders.CreateOrder(new_order())
    order = await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id, reason="changed my mind"))
    return [(order.order_id, version) for version in range(1, order.version + 1)]


async def until(broker: BrokerServer, keys: Sequence[Key]) -> list[Delivered]:
    """The messages up to the one that completes the changes."""
    missing, received = set(keys), []
    async with asyncio.timeout(120), aclosing(broker.messages()) as messages:
        async for message in messages:
            received.append(message)
            missing.discard(message.key)
            if not missing:
                break
    return received


def firsts(received: Sequence[Delivered]) -> dict[str, list[int]]:
    """The versions of each order in the order in which they first arrived."""
    found: dict[str, list[int]] = {}
    for order_id, version in dict.fromkeys(message.key for message in received):
        found.setdefault(order_id, []).append(version)
    return found


def by_order(keys: Sequence[Key]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for order_id, version in keys:
        found.setdefault(order_id, []).append(version)
    return found


async def test_consumer_gets_every_change_as_a_cloud_event(
    new_database: Callable[[], str], broker: BrokerServer
) -> None:
    async with publishing(new_database(), broker, broker_payload="full") as service:
        keys = await walk(service)
        received = await until(broker, keys)
    assert [message.key for message in received] == keys
    assert [message.type for message in received] == ["order.created", "order.cancelled"]
    assert {message.content_type for message in received} == {"application/cloudevents+json"}
    bodies = [json.loads(message.body) for message in received]
    assert [body["id"] for body in bodies] == [message.id for message in received]
    # The order is as of the change, not as it is now.
    assert [body["data"]["order"]["status"] for body in bodies] == ["ORDER_STATUS_PENDING", "ORDER_STATUS_CANCELLED"]


async def test_broker_that_is_killed_delays_messages_and_nothing_else(
    new_database: Callable[[], str], broker: BrokerServer
) -> None:
    async with publishing(new_database(), broker) as service:
        keys = await walk(service)
        await until(broker, keys)
        broker.kill()
        # Orders are taken as ever.
        keys += [key for _ in range(CHANGES) for key in await walk(service)]
        consumers = await ConsumerServiceStub(service.channel).ListConsumers(ListConsumersRequest())
        lags = {consumer.consumer_id: consumer.lag_events for consumer in consumers.consumers}
        assert lags["orders.broker"] > 0
        await broker.start()
        received = await until(broker, keys)
    assert firsts(received) == by_order(keys)


async def test_broker_that_is_killed_while_it_stores_loses_nothing(
    new_database: Callable[[], str], broker: BrokerServer
) -> None:
    async with publishing(new_database(), broker, jobs="append_to_feed") as service:
        async with worker(service.url, broker):
            keys = await walk(service)
            await until(broker, keys)
        keys += [key for _ in range(CHANGES) for key in await walk(service)]
        async with worker(service.url, broker):
            # Several times, wherever publishing is meanwhile.
            for key in keys[4 :: len(keys) // 4]:
                await until(broker, [key])
                broker.kill()
                await broker.start()
            received = await until(broker, keys)
    assert firsts(received) == by_order(keys)


def _work(url: str, broker_url: str, word: Any) -> None:
    async def work() -> None:
        settings = Settings(database_url=url, jobs="publish_events", database_timeout=60.0, broker_url=broker_url)
        async with working(settings, url):
            word.send("working")
            await asyncio.Event().wait()

    asyncio.run(work())


@asynccontextmanager
async def worker(url: str, broker: BrokerServer) -> AsyncIterator[None]:
    """A process that only publishes; killed at the end, without what is left of its lease."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(as_serving_role(url), broker.url, theirs))
    process.start()
    theirs.close()
    try:
        await asyncio.to_thread(ours.recv)
        await until_started(url)
        yield
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("UPDATE job_leases SET expire_time = now() WHERE job = 'publish_events'")


async def test_missing_client_library_is_named(
    monkeypatch: pytest.MonkeyPatch, new_database: Callable[[], str]
) -> None:
    monkeypatch.setitem(sys.modules, "nats", None)
    monkeypatch.delitem(sys.modules, "server.broker.nats", raising=False)
    with pytest.raises(ConfigError, match=r"order-service\[nats\]"):
        async with serving(new_database(), broker_url="nats://127.0.0.1:1"):
            pytest.fail("the server started")


async def test_unreachable_broker_turns_unhealthy_and_nothing_else(new_database: Callable[[], str]) -> None:
    async with serving(new_database(), broker_url="nats://127.0.0.1:1") as service:
        await stock_shop(service)
        await until_started(service.url)
        health = health_pb2_grpc.HealthStub(service.channel)
        watch = aiter(health.Watch(HealthCheckRequest(service="broker")))
        assert (await anext(watch)).status == HealthCheckResponse.SERVING
        await service.orders.CreateOrder(new_order())
        await service.rows("UPDATE order_events SET event_time = event_time - interval '2 minutes' RETURNING 1")
        assert (await anext(watch)).status == HealthCheckResponse.NOT_SERVING
        assert (await health.Check(HealthCheckRequest())).status == HealthCheckResponse.SERVING


async def test_killed_publisher_loses_nothing(new_database: Callable[[], str], broker: BrokerServer) -> None:
    async with publishing(new_database(), broker, jobs="append_to_feed") as service:
        keys: list[Key] = []
        for _ in range(2):
            async with worker(service.url, broker):
                keys += await walk(service)
                # Published, and its position perhaps not stored yet.
                await until(broker, keys)
            keys += await walk(service)
        async with worker(service.url, broker):
            received = await until(broker, keys)
    assert firsts(received) == by_order(keys)
