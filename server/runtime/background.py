"""Runs background jobs: some in every process, and exclusive ones in the process that holds their lease."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from server.config import Settings
from server.retry import RetryPolicy
from server.runtime.wiring import Components
from server.storage import job_leases
from server.storage.job_leases import JobLeases
from server.tasks import Tasks, contain
from server.telemetry.log import fields

log = logging.getLogger(__name__)

# A failed job is retried before its next run is due; one without an interval, within this number of seconds.
_FAILURES, _CONTINUOUS = RetryPolicy(first=1.0, longest=600.0), 2.0
# Seconds until the task of a job is restarted if it dies.
_RESTART = 1.0
# Seconds, at shutdown, for the database to confirm that it has cancelled the jobs' statements.
_CANCELLATION = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """Background work that a server repeats. It can be cancelled at any moment and repeated safely."""

    name: str
    # Seconds between two runs.
    interval: Callable[[Settings], float]
    run: Callable[[Components, Settings], Awaitable[None]]
    # Whether the settings require the job.
    applies: Callable[[Settings], bool] = lambda _: True
    # Runs in one process at a time, over all workers and replicas. Two concurrent runs must be safe.
    exclusive: bool = False
    # Whether it serves its process's own calls. Every serving process runs it, regardless of ORDERS_JOBS.
    local: bool = False
    # Whether it sets metrics, which processes without calls also do.
    measures: bool = False
    # Duration of its lease in seconds, after which another process takes over the work of a killed one.
    lease: float | None = None

    @property
    def lease_seconds(self) -> float:
        return job_leases.SECONDS if self.lease is None else self.lease


@asynccontextmanager
async def running(jobs: Sequence[Job], components: Components, settings: Settings) -> AsyncIterator[None]:
    """Runs the jobs within the context: each immediately and then at its interval. Releases their leases at the end."""
    for job in jobs:
        components.registry.expect_job(job.name, exclusive=job.exclusive, interval=job.interval(settings))
    loops = (partial(_run_exclusively if job.exclusive else _repeat, job, components, settings) for job in jobs)
    async with _kept(components.tasks, *loops):
        yield


@asynccontextmanager
async def _kept(tasks: Tasks, *works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    kept = [tasks.keep(work, pause=_RESTART) for work in works]
    try:
        yield
    finally:
        # Cancelled once, a statement waits for the database to confirm it; cancelled twice, it closes its connection.
        with suppress(TimeoutError):
            async with asyncio.timeout(_CANCELLATION):
                await tasks.cancel(*kept)


async def _repeat(job: Job, components: Components, settings: Settings) -> None:
    interval, failures = job.interval(settings), 0
    while True:
        try:
            await job.run(components, settings)
        except BaseException as error:
            failures += 1
            log.warning("a background job failed and will be retried", extra=fields(contain(error), job=job.name))
        else:
            failures = 0
            components.registry.note_success(job.name)
        await asyncio.sleep(_pause(interval, failures))


def _pause(interval: float, failures: int) -> float:
    """Seconds until the next run."""
    return min(interval or _CONTINUOUS, _FAILURES.delay(failures)) if failures else interval


async def _run_exclusively(job: Job, components: Components, settings: Settings) -> None:
    """Repeatedly waits for the job's lease, and runs the job while this process holds it."""
    try:
        while True:
            if (end := await _renew(job, components, None)) is not None:
                await _run_while_held(job, end, components, settings)
            await asyncio.sleep(JobLeases.pause(job.lease_seconds))
    finally:
        await _give_back(job, components)


async def _run_while_held(job: Job, end: float | None, components: Components, settings: Settings) -> None:
    """Runs the job, and cancels it when its lease ends: it was not renewed, or another process has it."""
    log.debug("this process now runs the job", extra=fields(job=job.name))
    with suppress(TimeoutError):
        async with (
            asyncio.timeout_at(end) as lease,
            _kept(components.tasks, partial(_repeat, job, components, settings)),
        ):
            while end is not None:
                lease.reschedule(end)
                await asyncio.sleep(JobLeases.pause(job.lease_seconds))
                end = await _renew(job, components, end)
    log.warning("this process no longer holds the job's lease", extra=fields(job=job.name))


async def _renew(job: Job, components: Components, end: float | None) -> float | None:
    """The new end of the lease by the event loop's clock; unchanged if the database does not answer."""
    try:
        return await components.job_leases.take(job.name, seconds=job.lease_seconds)
    except Exception as error:
        log.warning("a job's lease was not renewed by the database", extra=fields(error, job=job.name))
        return end


async def _give_back(job: Job, components: Components) -> None:
    try:
        await components.job_leases.give_back(job.name)
    except Exception as error:
        log.warning("a job's lease was not released and will expire", extra=fields(error, job=job.name))
