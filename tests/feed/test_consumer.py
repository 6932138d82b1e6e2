"""The server's own consumers: they handle every change, and their rows and position are stored together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from server.feed.consumer import FeedConsumer
from server.storage.consumer_positions import Connection, ConsumerPositions, PositionMoved
from server.storage.read.feed import Change, FeedRepository
from tests.conftest import Service, new_order, serving, stock_shop
from tests.storage.helpers import database, until

Key = tuple[str, int]


class Recorder:
    """A handler that stores each change's key in a table, and fails as often as it is told."""

    def __init__(self, *, failures: int = 0, idle: bool = False) -> None:
        self.failures, self.idle = failures, idle
        self.handled: list[Key] = []
        self.stored: asyncio.Queue[Key] = asyncio.Queue()
        self.looked = asyncio.Event()

    async def start(self) -> None:
        """Needs nothing."""

    async def is_idle(self) -> bool:
        self.looked.set()
        return self.idle

    async def handle(self, changes: Sequence[Change]) -> None:
        self.handled += [(change.order_id, change.version) for change in changes]

    async def store(self, connection: Connection, changes: Sequence[Change]) -> None:
        if changes and self.failures:
            self.failures -= 1
            raise RuntimeError("as told")
        for change in changes:
            self.stored.put_nowait((change.order_id, change.version))


@pytest.fixture(scope="module")
async def service(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database(), jobs="append_to_feed") as service:
        await stock_shop(service)
        yield service


@asynccontextmanager
async def consumer(service: Service, name: str, recorder: Recorder) -> AsyncIterator[FeedConsumer]:
    async with database(service.url) as own:
        yield FeedConsumer(name, recorder, feed=FeedRepository(own), positions=ConsumerPositions(own))


async def create(service: Service) -> Key:
    return (await service.orders.CreateOrder(new_order())).order_id, 1


@asynccontextmanager
async def running(work: FeedConsumer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_consumer_continues_at_its_position(service: Service) -> None:
    recorder = Recorder()
    async with consumer(service, "orders.test", recorder) as work:
        async with running(work):
            await recorder.looked.wait()
            first = await create(service)
            assert await recorder.stored.get() == first
        second = await create(service)
        async with running(work):
            assert await recorder.stored.get() == second
    assert recorder.stored.empty()


async def test_changes_are_handled_again_if_they_are_not_stored(service: Service) -> None:
    recorder = Recorder(failures=1)
    async with consumer(service, "orders.failing", recorder) as work:
        async with running(work) as task:
            await recorder.looked.wait()
            order = await create(service)
            with pytest.raises(RuntimeError):
                await task
        async with running(work):
            assert await recorder.stored.get() == order
    assert recorder.handled == [order, order]


async def test_idle_consumer_skips_what_the_feed_has(service: Service) -> None:
    recorder = Recorder(idle=True)
    async with consumer(service, "orders.idle", recorder) as work, running(work):
        await recorder.looked.wait()
        await create(service)
        async with database(service.url) as own:
            end = (await FeedRepository(own).end()).position

            async def is_at_the_end() -> bool:
                return await ConsumerPositions(own).start("orders.idle") >= end

            await until(is_at_the_end)
    assert recorder.handled == []


async def test_two_processes_do_not_move_a_position_twice(service: Service) -> None:
    async with database(service.url) as own:
        positions = ConsumerPositions(own)
        start = await positions.start("orders.twice")
        async with positions.moving("orders.twice", after=start, until=start + 1):
            pass
        with pytest.raises(PositionMoved):
            async with positions.moving("orders.twice", after=start, until=start + 1):
                pytest.fail("the position moved twice")
        assert await positions.start("orders.twice") == start + 1
