"""The pool: nobody's leaving or failing costs it a connection."""

import asyncio
import random
from collections.abc import Callable

import pytest

from server.domain.base.errors import Refusal
from server.storage.database import Database, PoolUse
from server.storage.probe import Probe
from server.storage.share import Share
from server.storage.sql import Statement
from tests.storage.helpers import database, until


async def _all_back(opened: Database) -> bool:
    stats = opened._pool.get_stats()
    return stats["pool_available"] == stats["pool_size"] and not stats.get("requests_waiting")


async def test_callers_that_are_cancelled_at_any_moment_leave_every_connection_in_the_pool(
    new_database: Callable[[], str],
) -> None:
    chance = random.Random(1)

    async def caller(opened: Database) -> None:
        for _ in range(1000):
            await opened.fetch(Statement("SELECT 1"))

    async with database(new_database()) as opened:
        for _ in range(25):
            callers = [asyncio.create_task(caller(opened)) for _ in range(12)]
            await asyncio.sleep(chance.random() * 0.004)
            while waiting := [task for task in callers if not task.done()]:
                for task in waiting:
                    task.cancel()
                await asyncio.wait(waiting, timeout=0.05)

        async def all_back() -> bool:
            return await _all_back(opened)

        await until(all_back)
        assert await opened.fetch(Statement("SELECT 1")) == [(1,)]


async def test_a_caller_that_is_cancelled_just_as_its_connection_comes_does_not_go_on(
    new_database: Callable[[], str],
) -> None:
    went_on: list[int] = []

    async def hold(opened: Database, release: asyncio.Event) -> None:
        async with opened.connection():
            await release.wait()

    async def caller(opened: Database, turns: int) -> None:
        async with opened.connection():
            went_on.append(turns)
            await asyncio.Event().wait()

    async with database(new_database()) as opened:
        for turns in range(20):
            release = asyncio.Event()
            # As many as there are connections; the caller waits behind them.
            holders = [asyncio.create_task(hold(opened, release)) for _ in range(4)]
            await _soon()
            waiting = asyncio.create_task(caller(opened, turns))
            await _soon()
            release.set()
            for _ in range(turns):
                await asyncio.sleep(0)
            waiting.cancel()
            done, _ = await asyncio.wait([waiting], timeout=60)
            assert done, f"cancelled after {turns} turns, it went on"
            await asyncio.gather(*holders)
        # Some were cancelled before they had the connection, and some after.
        assert 0 not in went_on
        assert 19 in went_on

        async def all_back() -> bool:
            return await _all_back(opened)

        await until(all_back)


async def _soon() -> None:
    """Lets every task that can run do so."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_statement_that_takes_too_long_is_given_up_and_its_connection_is_used_again(
    new_database: Callable[[], str],
) -> None:
    opened = Database(new_database(), timeout=60, pool_size=4)
    await opened.open()
    try:
        # All connections are open: only a statement can take too long.
        await until(lambda: _all_back(opened))
        opened.timeout = 0.2
        slow = (opened.fetch(Statement("SELECT pg_sleep(3600)")) for _ in range(4))
        for found in await asyncio.gather(*slow, return_exceptions=True):
            assert isinstance(found, Refusal)
            assert found.reason == "DEPENDENCY_UNAVAILABLE"
        opened.timeout = 60
        for _ in range(8):
            assert await opened.fetch(Statement("SELECT 1")) == [(1,)]
    finally:
        await opened.close()


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    opened = Database("postgresql://nobody@127.0.0.1:1/nowhere", timeout=0.2, pool_size=4)
    await opened.open()
    try:
        assert await Probe(opened).check() == "no_answer"
        with pytest.raises(Refusal) as refusal:
            await opened.fetch(Statement("SELECT 1"))
        assert refusal.value.reason == "DEPENDENCY_UNAVAILABLE"
        assert refusal.value.retry_after
    finally:
        await opened.close()


async def test_options_of_the_url_are_kept(new_database: Callable[[], str]) -> None:
    database = Database(f"{new_database()}&options=-csearch_path%3Delsewhere", timeout=5, pool_size=4)
    await database.open()
    try:
        ((path, timeout),) = await database.fetch(
            Statement("SELECT current_setting('search_path'), current_setting('statement_timeout')")
        )
    finally:
        await database.close()
    assert (path, timeout) == ("elsewhere", "5s")


async def test_of_a_database_that_is_away_nothing_is_in_use_and_nobody_waits() -> None:
    away = Database("postgresql://orders@127.0.0.1:1/orders", timeout=0.1, pool_size=5)
    await away.open()
    try:
        refusals = await asyncio.gather(*(away.fetch(Statement("SELECT 1")) for _ in range(4)), return_exceptions=True)
        assert [getattr(refusal, "reason", refusal) for refusal in refusals] == ["DEPENDENCY_UNAVAILABLE"] * 4
        assert away.use() == PoolUse(used=0, idle=0, waiting=0)
    finally:
        await away.close()


async def test_reads_are_refused_when_too_many_wait_for_a_connection(new_database: Callable[[], str]) -> None:
    # One connection of four is for reads.
    opened = Database(new_database(), timeout=10, pool_size=4, max_waiting_reads=2)
    await opened.open()
    try:
        async with opened.reading():
            waiting = [asyncio.create_task(opened.fetch(Statement("SELECT 1"))) for _ in range(2)]
            await _soon()
            with pytest.raises(Refusal) as refusal:
                await opened.fetch(Statement("SELECT 1"))
            assert refusal.value.reason == "OVERLOADED"
            assert refusal.value.retry_after
            assert opened.use().waiting == 2
        assert await asyncio.gather(*waiting) == [[(1,)], [(1,)]]
    finally:
        await opened.close()


async def test_writes_leave_a_small_pool_s_last_connection_to_reads(new_database: Callable[[], str]) -> None:
    opened = Database(new_database(), timeout=10, pool_size=4)
    await opened.open()

    async def write(begun: asyncio.Semaphore, end: asyncio.Event) -> None:
        async with opened.connection():
            begun.release()
            await end.wait()

    try:
        begun, end = asyncio.Semaphore(0), asyncio.Event()
        writes = [asyncio.create_task(write(begun, end)) for _ in range(5)]
        for _ in range(3):
            await begun.acquire()
        assert await opened.fetch(Statement("SELECT 1")) == [(1,)]
        assert begun.locked()
        end.set()
        await asyncio.gather(*writes)
    finally:
        await opened.close()


async def test_a_longer_queue_is_told_to_wait_longer() -> None:
    async def delay(waiting: int) -> float:
        share = Share(1, max_waiting=waiting)
        async with share.take():
            await asyncio.sleep(0.05)
        async with share.take(), asyncio.TaskGroup() as group:
            queue = [group.create_task(take(share)) for _ in range(waiting)]
            await _soon()
            with pytest.raises(Refusal) as refusal:
                await take(share)
            for task in queue:
                task.cancel()
        assert refusal.value.retry_after is not None
        return refusal.value.retry_after

    async def take(share: Share) -> None:
        async with share.take():
            pass

    assert await delay(10) < await delay(1000)
