"""Background jobs: in every process, or in the one that holds their lease."""

import asyncio
import multiprocessing
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from unittest.mock import Mock

import psycopg
import pytest

from server.config import Settings
from server.runtime.background import Job, _repeat, running
from server.runtime.wiring import Components, build
from server.storage import job_leases
from server.storage.database import Database
from tests.conftest import as_serving_role
from tests.storage.helpers import until

SETTINGS = Settings(port=0)
LAST_SUCCESS = "orders_job_last_success_timestamp_seconds"


class Panic(BaseException):
    """As extensions raise it: no Exception."""


@asynccontextmanager
async def wired(url: str) -> AsyncIterator[Components]:
    """The components of a server that does not listen."""
    database = Database(as_serving_role(url), timeout=10, pool_size=4)
    await database.open()
    try:
        yield await build(SETTINGS, database)
    finally:
        await database.close()


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
async def components(url: str) -> AsyncIterator[Components]:
    async with wired(url) as components:
        yield components


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_leases, "SECONDS", 1.5)


class Work:
    """An exclusive job that runs until it is cancelled."""

    def __init__(self, other: "Work | None" = None) -> None:
        self.overlapped, self._other = False, other
        self.started, self.cancelled = asyncio.Event(), asyncio.Event()
        self.job = Job("work", lambda _: 0.0, self._run, exclusive=True)

    async def _run(self, *_: object) -> None:
        self.overlapped |= self._other is not None and self._other.started.is_set()
        self.cancelled.clear()
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.started.clear()
            self.cancelled.set()


def leases(url: str) -> list[tuple[str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT job, holder FROM job_leases ORDER BY job").fetchall()


async def has_renewed(url: str, end: datetime) -> bool:
    return await lease_end(url) >= end


async def lease_end(url: str) -> datetime:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("SELECT expire_time FROM job_leases")
        ((end,),) = await cursor.fetchall()
        return end


def last_success(components: Components, job: str) -> float | None:
    return components.metrics.registry.get_sample_value(LAST_SUCCESS, {"job": job})


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("failure", [ValueError, Panic, SystemExit, asyncio.CancelledError])
async def test_job_that_fails_is_retried_until_the_server_stops(
    exclusive: bool, failure: type[BaseException], components: Components, caplog: pytest.LogCaptureFixture
) -> None:
    begun, twice = 0, asyncio.Event()

    async def fail(*_: object) -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            twice.set()
        raise failure("jane")

    async with asyncio.timeout(60), running([Job("failing", lambda _: 0.0, fail, exclusive)], components, SETTINGS):
        await twice.wait()
    ended = begun
    for _ in range(10):
        await asyncio.sleep(0)
    assert begun == ended >= 2
    assert "a background job failed and will be retried" in caplog.messages
    assert "jane" not in caplog.text
    assert last_success(components, "failing") == 0
    assert components.tasks.is_alive


async def test_success_is_noted_after_failures(components: Components) -> None:
    before, runs, successes = time.time(), 0, list[float | None]()
    twice = asyncio.Event()

    async def work(*_: object) -> None:
        nonlocal runs
        runs += 1
        successes.append(last_success(components, "work"))
        if runs <= 2:
            raise ValueError
        if runs == 4:
            twice.set()

    async with asyncio.timeout(30), running([Job("work", lambda _: 0.0, work)], components, SETTINGS):
        await twice.wait()
    assert successes[:3] == [0, 0, 0]
    assert before <= (successes[3] or 0) <= time.time()


@pytest.mark.parametrize(("interval", "expected"), [(0.0, [1, 2, 2, 2]), (3.0, [1, 2, 3, 3]), (3600.0, [1, 2, 4, 8])])
async def test_failing_job_pauses_whatever_its_interval(
    interval: float, expected: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = list[float]()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == len(expected):
            raise Panic

    async def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(asyncio, "sleep", pause)
    # The longest pause that the policy allows, instead of a random one.
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)
    with pytest.raises(Panic):
        await _repeat(Job("failing", lambda _: interval, fail), Mock(spec=Components), SETTINGS)
    assert pauses == expected


@pytest.mark.usefixtures("short_leases")
async def test_exclusive_job_runs_in_one_process_until_that_stops(url: str) -> None:
    mine = Work()
    others = Work(mine)
    async with asyncio.timeout(60), wired(url) as here, wired(url) as there:
        async with running([mine.job], here, SETTINGS):
            await mine.started.wait()
            end = await lease_end(url)
            async with running([others.job], there, SETTINGS):
                # If it were not renewed, the other process would have the lease by now.
                await until(lambda: has_renewed(url, end + timedelta(seconds=job_leases.SECONDS)), seconds=60)
                assert not others.overlapped
        assert mine.cancelled.is_set()
        assert leases(url) == []
        async with running([others.job], there, SETTINGS):
            await others.started.wait()
            assert leases(url) == [("work", there.job_leases.holder)]
    assert leases(url) == []


@pytest.mark.usefixtures("short_leases")
async def test_waiting_process_takes_over_from_one_that_stops(url: str) -> None:
    mine, others = Work(), Work()
    async with asyncio.timeout(60), wired(url) as here, wired(url) as there:
        async with running([mine.job], here, SETTINGS):
            await mine.started.wait()
            waiting = running([others.job], there, SETTINGS)
            await waiting.__aenter__()
        await others.started.wait()
        await waiting.__aexit__(None, None, None)


def hold(url: str, word: Connection) -> None:
    """Runs the job in a process of its own until that is killed."""

    async def say(*_: object) -> None:
        word.send("running")
        await asyncio.Event().wait()

    async def serve() -> None:
        job = Job("work", lambda _: 0.0, say, exclusive=True)
        async with wired(url) as components, running([job], components, SETTINGS):
            await asyncio.Event().wait()

    job_leases.SECONDS = 1.5
    asyncio.run(serve())


@pytest.mark.usefixtures("short_leases")
async def test_job_of_a_killed_process_is_taken_over(url: str) -> None:
    context, work = multiprocessing.get_context("spawn"), Work()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=hold, args=(url, theirs))
    process.start()
    try:
        assert await asyncio.to_thread(ours.recv) == "running"
        async with asyncio.timeout(60), wired(url) as components, running([work.job], components, SETTINGS):
            ((_, holder),) = leases(url)
            assert f":{process.pid}:" in holder
            process.kill()
            await work.started.wait()
            assert leases(url) == [("work", components.job_leases.holder)]
    finally:
        process.kill()
        await asyncio.to_thread(process.join)


@pytest.mark.usefixtures("short_leases")
async def test_job_is_cancelled_when_its_lease_cannot_be_renewed(url: str, components: Components) -> None:
    work = Work()
    async with asyncio.timeout(60), running([work.job], components, SETTINGS):
        await work.started.wait()
        async with await psycopg.AsyncConnection.connect(url) as other:
            await other.execute("SELECT FROM job_leases FOR UPDATE")
            await work.cancelled.wait()
            await other.rollback()
        await work.started.wait()


@pytest.mark.usefixtures("short_leases")
async def test_job_is_cancelled_when_another_process_has_its_lease(url: str, components: Components) -> None:
    work = Work()
    async with asyncio.timeout(60), running([work.job], components, SETTINGS):
        await work.started.wait()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
            await other.execute("UPDATE job_leases SET holder = 'other', expire_time = 'infinity'")
            await work.cancelled.wait()
    assert not work.started.is_set()
    assert leases(url) == [("work", "other")]
