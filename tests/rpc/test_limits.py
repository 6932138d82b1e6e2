"""Rate limits on the real database: shared by replicas, cheap for those within them, and no danger to the service."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from server.domain.base.errors import Refusal
from server.rpc.buckets import Limit
from server.rpc.limits import RateLimiter
from server.storage.database import Database
from server.storage.rate_limits import Lease, RateLimitRepository, Want
from tests.storage.helpers import database, locked, until_waiting

# Hardly fills while a test runs.
FEW = {"write": Limit(rate=0.01, burst=20)}


class Counted(RateLimitRepository):
    """The real one; remembers each statement's wants."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.statements: list[Sequence[Want]] = []

    async def lease(self, wants: Sequence[Want]) -> list[Lease]:
        self.statements.append(wants)
        return await super().lease(wants)


class Clock:
    """The replica's time, which stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Replica:
    """A limiter with a pool of its own."""

    def __init__(self, opened: Database, **settings: Any) -> None:
        self.database, self.leases, self.clock = opened, Counted(opened), Clock()
        self.limiter = RateLimiter(self.leases, **({"limits": FEW, "clock": self.clock} | settings))

    async def call(self, subject: str = "jane", method_class: str = "write") -> Refusal | None:
        """A call as the server takes it; returns its refusal."""
        if self.limiter.try_take(subject, method_class):
            return None
        try:
            await self.limiter.take(subject, method_class)
        except Refusal as error:
            return error
        return None

    async def calls(self, count: int, subject: str = "jane") -> int:
        """How many of so many calls at once are let through."""
        return (await asyncio.gather(*(self.call(subject) for _ in range(count)))).count(None)

    async def change(self, assignment: str) -> None:
        """Sets something in every bucket of the database."""
        async with self.database.connection() as connection:
            await connection.execute(f"UPDATE rate_limits SET {assignment}".encode())

    async def exhaust(self, subject: str = "jane") -> Refusal:
        """Uses everything up; returns the first refusal."""
        while (refusal := await self.call(subject)) is None:
            pass
        return refusal


@asynccontextmanager
async def replica(url: str, **settings: Any) -> AsyncIterator[Replica]:
    async with database(url) as opened:
        yield (replica := Replica(opened, **settings))
        await replica.limiter.drain()


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
async def one(url: str) -> AsyncIterator[Replica]:
    """A replica on buckets that are all full."""
    async with replica(url) as one:
        async with one.database.connection() as connection:
            await connection.execute("DELETE FROM rate_limits")
        yield one


async def test_a_bucket_gives_its_burst_and_then_refuses_with_what_the_caller_needs(one: Replica) -> None:
    found = [await one.call() for _ in range(21)]
    assert found[:20] == [None] * 20
    refusal = found[20]
    assert refusal is not None
    assert refusal.reason == "RATE_LIMITED"
    assert refusal.metadata == {"limit": "0.01/s", "method_class": "write"}
    assert "0.01 per second, and 20 at once" in refusal.message
    # A token comes in 100 seconds, and those who wait for it are spread a little.
    assert refusal.retry_after == pytest.approx(150, abs=51)


async def test_a_class_without_a_limit_costs_nothing(one: Replica) -> None:
    for _ in range(100):
        assert one.limiter.try_take("jane", "read")
    await one.limiter.take("jane", "read")
    assert one.leases.statements == []


async def test_what_is_leased_is_taken_without_the_database(one: Replica) -> None:
    assert not one.limiter.try_take("jane", "write")
    for _ in range(3):
        await one.limiter.take("jane", "write")
    # The first lease has one token, the second two.
    assert len(one.leases.statements) == 2
    one.clock.now += 1.0
    await one.limiter.take("jane", "write")
    assert one.limiter.try_take("jane", "write") is False


async def test_calls_that_come_at_once_share_one_lease(one: Replica) -> None:
    assert await one.calls(50) == 20
    assert [[want.tokens for want in wants] for wants in one.leases.statements] == [[50]]


async def test_buckets_that_are_asked_at_once_share_a_statement(one: Replica) -> None:
    assert await asyncio.gather(*(one.calls(2, f"subject-{number}") for number in range(60))) == [2] * 60
    assert [len(wants) for wants in one.leases.statements] == [60]


async def test_subjects_do_not_use_up_each_others_calls(one: Replica) -> None:
    await one.exhaust()
    assert await one.calls(20, "john") == 20


async def test_an_empty_bucket_refuses_without_the_database_until_there_can_be_a_token(one: Replica) -> None:
    await one.exhaust()
    statements = len(one.leases.statements)
    one.clock.now += 99
    assert await one.calls(100) == 0
    assert len(one.leases.statements) == statements
    await one.change("refill_time = refill_time - interval '101 seconds'")
    one.clock.now += 2
    assert await one.calls(5) == 1
    assert len(one.leases.statements) == statements + 1


async def test_callers_are_spread_over_the_time_the_bucket_needs_for_them(one: Replica) -> None:
    await one.exhaust()
    waits = [error.retry_after for _ in range(200) if (error := await one.call())]
    assert len(waits) == 200
    assert all(wait and 99 <= wait <= 101 + 20 * 100 for wait in waits)
    assert len({round(wait or 0) for wait in waits}) > 50


async def test_two_replicas_share_a_limit(url: str, one: Replica) -> None:
    limits = {"write": Limit(rate=50, burst=100)}
    async with (
        replica(url, limits=limits, clock=time.monotonic) as first,
        replica(url, limits=limits, clock=time.monotonic) as second,
    ):

        async def hammer(replica: Replica) -> int:
            granted = refused = 0
            while refused < 2000:
                if await replica.call("both"):
                    refused += 1
                    await asyncio.sleep(0)
                else:
                    granted += 1
            return granted

        began = time.monotonic()
        granted = sum(await asyncio.gather(*(hammer(replica) for replica in (first, second) for _ in range(5))))
        elapsed = time.monotonic() - began
        # Nothing lapses, since all is used at once: no token that was there is missing, but those that each may hold at the end.
        assert granted <= 100 + 50 * elapsed
        assert granted >= 100 - 2 * 10
        assert len(first.leases.statements) + len(second.leases.statements) < granted


async def test_a_caller_that_leaves_while_it_waits_takes_nobody_along(url: str, one: Replica) -> None:
    await one.call()
    one.clock.now += 10
    async with locked(url, "rate_limits", "subject = 'jane'") as outside:
        waiting = [asyncio.create_task(one.call()) for _ in range(3)]
        await until_waiting(outside)
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
    assert await asyncio.gather(*waiting[1:]) == [None, None]
    assert waiting[0].cancelled()


async def test_who_is_refused_too_often_is_blocked_on_all_replicas(url: str, one: Replica) -> None:
    settings = {"patience": 10, "limits": {"write": Limit(rate=0.1, burst=20)}}
    async with replica(url, **settings) as first, replica(url, **settings) as second:
        await first.exhaust()
        for _ in range(9):
            assert (error := await first.call()) is not None
            assert "blocked" not in error.metadata
        blocked = await first.call()
        assert blocked is not None
        assert blocked.reason == "RATE_LIMITED"
        assert blocked.metadata == {"limit": "0.1/s", "method_class": "write", "blocked": "true"}
        assert blocked.retry_after == 60
        await first.limiter.drain()
        await first.change("tokens = burst")
        elsewhere = await second.call()
        assert elsewhere is not None
        assert elsewhere.metadata["blocked"] == "true"
        assert elsewhere.retry_after == pytest.approx(60, abs=5)
        # Blocked calls ask nobody and prolong nothing.
        statements = len(first.leases.statements)
        first.clock.now += 30
        assert await first.calls(100) == 0
        again = await first.call()
        assert again is not None
        assert again.retry_after == pytest.approx(30, abs=5)
        assert len(first.leases.statements) == statements
        await first.change("blocked_until = clock_timestamp()")
        for replica_ in (first, second):
            replica_.clock.now += 61
        assert await first.call() is None
        assert await second.call() is None


async def test_a_block_that_would_last_no_time_never_comes(url: str, one: Replica) -> None:
    async with replica(url, patience=3, block_seconds=0) as patient:
        await patient.exhaust()
        for _ in range(50):
            assert (error := await patient.call()) is not None
            assert "blocked" not in error.metadata


async def test_calls_pass_while_the_database_does_not_answer_and_that_is_logged_once(
    url: str, one: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    await one.exhaust()
    async with replica(url, timeout=0.2) as away:
        async with locked(url, "rate_limits", "subject = 'jane'"):
            assert await away.calls(30) == 30
            await away.limiter.drain()
            # From now on nobody waits: another try is made beside the calls, and not with each of them.
            statements = len(away.leases.statements)
            assert await away.calls(1000) == 1000
            assert len(away.leases.statements) == statements
            away.clock.now += 1
            assert await away.calls(1000) == 1000
            await away.limiter.drain()
            assert len(away.leases.statements) == statements + 1
        while await away.calls(30) == 30:
            away.clock.now += 1
            await away.limiter.drain()
    said = [record.getMessage() for record in caplog.records if record.name == "server.rpc.limits"]
    assert said == [
        "no rate limits: the database does not answer",
        "rate limits apply again: the database answers",
    ]


async def test_calls_pass_without_a_database() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nowhere", timeout=0.2, pool_size=4)
    await nowhere.open()
    try:
        away = Replica(nowhere)
        assert await away.calls(30) == 30
        await away.limiter.drain()
    finally:
        await nowhere.close()


async def test_buckets_that_nobody_uses_are_forgotten_and_so_are_the_oldest_of_too_many(url: str, one: Replica) -> None:
    async with replica(url, max_buckets=20) as small:

        def known() -> int:
            return len(small.limiter._young) + len(small.limiter._old)

        await asyncio.gather(*(small.call(f"subject-{number}") for number in range(200)))
        assert known() <= 20
        small.clock.now += 61
        await small.call("jane")
        small.clock.now += 61
        await small.call("jane")
        assert known() == 1


async def test_what_is_known_of_a_bucket_in_use_is_not_forgotten(one: Replica) -> None:
    await one.exhaust()
    statements = len(one.leases.statements)
    for _ in range(2):
        one.clock.now += 49
        assert await one.calls(1) == 0
    assert len(one.leases.statements) == statements
