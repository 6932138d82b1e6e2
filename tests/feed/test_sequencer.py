"""The sequencer: every committed event gets one position, whatever else happens in the database."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psycopg
import pytest
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_service_pb2 import CancelOrderRequest

from server.feed.sequencer import Sequencer
from server.feed.signals import FeedSignals
from server.runtime import preflight
from server.storage.sequencing import ForeignFeed, assign_positions
from tests.conftest import PRODUCTS, as_serving_role, new_order, serving
from tests.storage.helpers import Store, database, disagreements, storing, until

Connection = psycopg.AsyncConnection[Any]


@pytest.fixture
async def store(new_database: Callable[[], str]) -> AsyncIterator[Store]:
    async with storing(new_database()) as store:
        yield store


@asynccontextmanager
async def connected(store: Store) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(as_serving_role(store.url), autocommit=True) as connection:
        yield connection


async def positions(store: Store) -> list[tuple[int, str, int]]:
    return await store.rows("SELECT position, order_id::text, version FROM feed ORDER BY position")


async def test_every_event_gets_the_next_position(store: Store) -> None:
    async with connected(store) as connection:
        assert not await assign_positions(connection)
        order = await store.order(new_order())
        assert await assign_positions(connection)
        await store.execute(CancelOrderRequest(order_id=order.order_id))
        other = await store.order(new_order())
        assert await assign_positions(connection)
        assert not await assign_positions(connection)
    assert await positions(store) == [(1, order.order_id, 1), (2, order.order_id, 2), (3, other.order_id, 1)]
    assert await disagreements(store.url) == []


async def test_long_transaction_elsewhere_delays_nothing_and_loses_nothing(store: Store) -> None:
    async with connected(store) as connection, await psycopg.AsyncConnection.connect(store.url) as slow:
        await slow.execute("SELECT pg_current_xact_id()")
        first = await store.order(new_order())
        assert await assign_positions(connection)
        assert [order_id for _, order_id, _ in await positions(store)] == [first.order_id]
        # It commits an event with an older transaction id than the one that has a position.
        await slow.execute(
            "INSERT INTO order_events SELECT order_id, 2, type, actor, request_id, event_time, from_status, to_status, "
            "total_minor, event FROM order_events"
        )
        second = await store.order(new_order())
        assert await assign_positions(connection)
        await slow.commit()
        assert await assign_positions(connection)
    assert await positions(store) == [(1, first.order_id, 1), (2, second.order_id, 1), (3, first.order_id, 2)]


async def test_two_sequencers_by_mistake_assign_each_position_once(store: Store) -> None:
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(connected(store)) for _ in range(3)]

        async def sequence(connection: Connection) -> None:
            for _ in range(20):
                await assign_positions(connection)
                await asyncio.sleep(0)

        async def write() -> None:
            for _ in range(10):
                await asyncio.gather(*store.submit(*[new_order() for _ in range(5)]))

        await asyncio.gather(write(), *map(sequence, connections))
        await assign_positions(connections[0])
    assert [position for position, _, _ in await positions(store)] == list(range(1, 51))
    assert await disagreements(store.url) == []


async def test_commits_wake_the_sequencer_and_it_wakes_readers(store: Store) -> None:
    signals = FeedSignals()
    async with database(store.url) as opened, asyncio.timeout(60):
        running = asyncio.create_task(Sequencer(opened, signals).run())
        await store.order(new_order())
        signals.committed.set()
        await signals.appended.wait()
        running.cancel()
    assert len(await positions(store)) == 1


async def test_migrate_assigns_positions_to_existing_events(store: Store) -> None:
    orders = [await store.order(new_order()) for _ in range(3)]
    preflight.migrate(store.url)
    assert [order_id for _, order_id, _ in await positions(store)] == [order.order_id for order in orders]
    assert await disagreements(store.url) == []


async def test_dump_of_another_cluster_is_adopted_by_migrate(store: Store) -> None:
    async with connected(store) as connection:
        first = await store.order(new_order())
        await assign_positions(connection)
        second = await store.order(new_order())
        # The snapshot counts the transactions of another cluster, which is ahead.
        await store.rows(
            "UPDATE feed_state SET system_identifier = 1, snapshot = '9000000000:9000000000:' RETURNING position"
        )
        with pytest.raises(preflight.StartError, match="orders migrate"):
            preflight.check_schema(store.url)
        await store.rows("UPDATE feed_state SET snapshot = '1:1:' RETURNING position")
        with pytest.raises(ForeignFeed, match="orders migrate"):
            await assign_positions(connection)
        await store.rows("UPDATE feed_state SET snapshot = '9000000000:9000000000:' RETURNING position")
        preflight.migrate(store.url)
        preflight.check_schema(store.url)
        third = await store.order(new_order())
        assert await assign_positions(connection)
    expected = [(1, first.order_id, 1), (2, second.order_id, 1), (3, third.order_id, 1)]
    assert await positions(store) == expected
    assert await disagreements(store.url) == []


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("DELETE FROM feed WHERE position = 2", "have gaps"),
        ("DELETE FROM feed WHERE position = 3", "has no position in the feed"),
        ("UPDATE feed SET position = -position WHERE position < 3", "is before an earlier version"),
        ("UPDATE feed SET version = 9 WHERE position = 1", "its event does not exist"),
        ("UPDATE feed_state SET position = 9", "the stored one is 9"),
    ],
)
async def test_verify_finds_damage_of_positions(store: Store, damage: str, problem: str) -> None:
    order = await store.order(new_order())
    await store.execute(CancelOrderRequest(order_id=order.order_id))
    await store.order(new_order())
    preflight.migrate(store.url)
    assert await disagreements(store.url) == []
    await store.rows(f"WITH damaged AS ({damage} RETURNING 1) SELECT * FROM damaged")
    assert any(problem in found for found in await disagreements(store.url))


def _serve(url: str, word: Any) -> None:
    """A server in a process of its own, until it is killed."""

    async def serve() -> None:
        async with serving(url) as service:
            word.send(service.running.port)
            await asyncio.Event().wait()

    asyncio.run(serve())


async def test_another_process_takes_over_from_a_killed_sequencer(new_database: Callable[[], str]) -> None:
    url, context = new_database(), multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(url, theirs))
    process.start()
    theirs.close()
    try:
        await asyncio.to_thread(ours.recv)
        async with serving(url) as service, asyncio.timeout(60):
            await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))

            async def holds_lease(number: int) -> bool:
                query = "SELECT holder FROM job_leases WHERE job = 'append_to_feed'"
                return any(f":{number}:" in holder for (holder,) in await service.rows(query))

            await until(lambda: holds_lease(process.pid or 0))
            process.kill()
            await service.orders.CreateOrder(new_order())

            async def is_sequenced() -> bool:
                return bool(await service.rows("SELECT position FROM feed"))

            await until(is_sequenced, seconds=60)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
