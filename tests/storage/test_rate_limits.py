"""Buckets of tokens in the database: how they empty, fill and are blocked, and that replicas never lock each other out."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.storage.database import Database
from server.storage.housekeeping import forget_idle_limits
from server.storage.rate_limits import Lease, RateLimitRepository, Want
from server.storage.sql import Statement
from tests.storage.helpers import database

pytestmark = pytest.mark.every_postgres


@pytest.fixture(scope="module")
async def opened(new_database: Callable[[], str]) -> AsyncIterator[Database]:
    async with database(new_database()) as opened:
        yield opened


@pytest.fixture
async def limits(opened: Database) -> RateLimitRepository:
    """The buckets, all full."""
    async with opened.connection() as connection:
        await connection.execute("DELETE FROM rate_limits")
    return RateLimitRepository(opened)


async def _change(opened: Database, assignment: str) -> None:
    """Sets something in every bucket."""
    async with opened.connection() as connection:
        await connection.execute(f"UPDATE rate_limits SET {assignment}".encode())


def want(tokens: int, *, rate: float = 0.001, burst: float = 10, subject: str = "jane", block: float = 0.0) -> Want:
    """A want of a bucket that hardly fills while a test runs."""
    return Want(subject, "write", rate, burst, tokens, block)


async def test_a_new_bucket_is_full_and_gives_what_is_there_and_no_more(limits: RateLimitRepository) -> None:
    found = [await limits.lease([want(4)]) for _ in range(4)]
    assert [leases[0].tokens for leases in found] == [4, 4, 2, 0]
    assert found[-1][0].left == pytest.approx(0, abs=0.1)


async def test_no_lease_is_larger_than_the_bucket_and_none_has_half_a_token(limits: RateLimitRepository) -> None:
    (first,) = await limits.lease([want(100, burst=2.5)])
    assert first == Lease(2, 0.5, 0.0)
    (second,) = await limits.lease([want(100, burst=2.5)])
    assert second.tokens == 0
    assert second.left == pytest.approx(0.5, abs=0.1)


async def test_a_bucket_fills_with_time_and_never_over_its_burst(opened: Database, limits: RateLimitRepository) -> None:
    await limits.lease([want(10)])
    await _change(opened, "refill_time = refill_time - interval '2500 seconds'")
    (lease,) = await limits.lease([want(10)])
    assert lease.tokens == 2
    assert lease.left == pytest.approx(0.5, abs=0.1)
    await _change(opened, "refill_time = refill_time - interval '10 days'")
    (lease,) = await limits.lease([want(3)])
    assert lease == Lease(3, 7.0, 0.0)


async def test_a_lower_limit_holds_from_its_first_lease(limits: RateLimitRepository) -> None:
    await limits.lease([want(1, burst=1000)])
    (lease,) = await limits.lease([want(1000, burst=20)])
    assert lease == Lease(20, 0.0, 0.0)


async def test_a_clock_that_is_set_back_neither_takes_tokens_nor_stops_the_refill(
    opened: Database, limits: RateLimitRepository
) -> None:
    await limits.lease([want(4)])
    await _change(opened, "refill_time = refill_time + interval '1 hour'")
    (lease,) = await limits.lease([want(4)])
    assert lease.tokens == 4
    assert lease.left == pytest.approx(2, abs=0.1)
    await _change(opened, "refill_time = refill_time - interval '3000 seconds'")
    (lease,) = await limits.lease([want(10)])
    assert lease.tokens == 5


async def test_many_buckets_are_leased_in_one_statement_each_its_own(limits: RateLimitRepository) -> None:
    names = [f"subject-{number}" for number in range(100)]
    random.Random(1).shuffle(names)
    wants = [want(index, burst=50, subject=name) for index, name in enumerate(names)]
    assert [lease.tokens for lease in await limits.lease(wants)] == [min(index, 50) for index in range(100)]
    wants.reverse()
    again = await limits.lease(wants)
    assert [lease.tokens for lease in again] == [min(index, max(0, 50 - index)) for index in reversed(range(100))]


async def test_a_subject_has_a_bucket_for_each_class_of_methods(limits: RateLimitRepository) -> None:
    read = Want("jane", "read", 0.001, 10, 10)
    assert [lease.tokens for lease in await limits.lease([read, want(10)])] == [10, 10]


async def test_a_blocked_bucket_gives_nothing_until_the_block_ends(
    opened: Database, limits: RateLimitRepository
) -> None:
    (blocked,) = await limits.lease([want(0, block=60)])
    assert (blocked.tokens, blocked.left) == (0, 10.0)
    assert blocked.blocked == pytest.approx(60, abs=0.1)
    (lease,) = await limits.lease([want(4)])
    assert lease.tokens == 0
    assert 50 < lease.blocked <= 60
    await _change(opened, "blocked_until = clock_timestamp() - interval '1 second'")
    (lease,) = await limits.lease([want(4)])
    assert lease == Lease(4, 6.0, 0.0)


async def test_a_bucket_in_use_can_be_blocked_and_a_shorter_block_does_not_end_a_longer_one(
    limits: RateLimitRepository,
) -> None:
    await limits.lease([want(4)])
    for seconds in (60, 1):
        (lease,) = await limits.lease([want(0, block=seconds)])
        assert 50 < lease.blocked <= 60
    assert lease.left == pytest.approx(6, abs=0.1)


async def test_replicas_that_lease_at_once_share_what_is_there(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with database(url) as one, database(url) as two:
        replicas = [RateLimitRepository(one), RateLimitRepository(two)]
        leases = await asyncio.gather(*(replicas[n % 2].lease([want(3, burst=100)]) for n in range(60)))
    assert sum(lease.tokens for (lease,) in leases) == 100


async def test_replicas_that_lease_overlapping_buckets_never_deadlock(new_database: Callable[[], str]) -> None:
    url = new_database()
    names = [f"subject-{number}" for number in range(40)]

    async def replica(limits: RateLimitRepository, chance: random.Random) -> int:
        granted = 0
        for _ in range(40):
            chosen = chance.sample(names, 25)
            leases = await limits.lease([want(1, burst=1000, subject=name) for name in chosen])
            granted += sum(lease.tokens for lease in leases)
        return granted

    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(database(url)) for _ in range(3)]
        # PostgreSQL ends a deadlock by refusing one of its statements.
        granted = await asyncio.gather(
            *(replica(RateLimitRepository(pools[number % 3]), random.Random(number)) for number in range(9))
        )
    assert sum(granted) == 9 * 40 * 25


async def test_the_sweep_forgets_only_what_is_idle_full_and_not_blocked(
    opened: Database, limits: RateLimitRepository
) -> None:
    now = datetime.now(UTC)
    rows: list[tuple[str, float, datetime, datetime | None]] = [
        ("idle", 1.0, now - timedelta(hours=2), None),
        ("idle after a block", 1.0, now - timedelta(hours=2), now - timedelta(hours=1.5)),
        ("busy", 1.0, now - timedelta(minutes=1), None),
        ("blocked", 1.0, now - timedelta(hours=2), now + timedelta(hours=1)),
        ("filling slowly", 0.0001, now - timedelta(hours=2), None),
    ]
    async with opened.connection() as connection, connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO rate_limits VALUES (%s, 'write', %s, 10, 0, 1, %s, %s)",
            [[subject, rate, time, blocked] for subject, rate, time, blocked in rows],
        )
    assert await forget_idle_limits(opened, before=now - timedelta(hours=1)) == 2
    left: list[Any] = await opened.fetch(Statement("SELECT subject FROM rate_limits ORDER BY subject"))
    assert left == [("blocked",), ("busy",), ("filling slowly",)]
