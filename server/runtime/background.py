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

# A job that fails is retried before its next run is due; one without an interval, within so many seconds.
_FAILURES, _CONTINUOUS = RetryPolicy(first=1.0, longest=600.0), 2.0
# Seconds until a job's task is restarted, should it die.
_RESTART = 1.0
# Seconds that the database gets, at a stop, to confirm that it has cancelled the jobs' statements.
_CANCELLATION = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """Work that a server repeats beside serving. It can be cancelled at any moment and repeated safely."""

    name: str
    # Seconds between two runs.
    interval: Callable[[Settings], float]
    run: Callable[[Components, Settings], Awaitable[None]]
    # Whether there is anything to do with these settings.
    applies: Callable[[Settings], bool] = lambda _: True
    # Runs in one process at a time, over all workers and replicas. Two at once, for a moment, must do no harm.
    exclusive: bool = False
    # Whether it serves its process's own calls. Every process that serves runs it, whatever ORDERS_JOBS selects.
    local: bool = False
    # Whether it measures for metrics, in processes that only work, too.
    measures: bool = False
    # Seconds that its lease lasts, which is how long the work rests after its process was killed. Default: that of most jobs.
    lease: float | None = None

    @property
    def lease_seconds(self) -> float:
        return job_leases.SECONDS if self.lease is None else self.lease


@asynccontextmanager
async def running(jobs: Sequence[Job], components: Components, settings: Settings) -> AsyncIterator[None]:
    """Runs the jobs within, each at once and then at its interval; gives their leases back on leaving."""
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
    """Waits for the job's lease and runs the job while this process holds it, again and again."""
    try:
        while True:
            if (end := await _renew(job, components, None)) is not None:
                await _run_while_held(job, end, components, settings)
            await asyncio.sleep(JobLeases.pause(job.lease_seconds))
    finally:
        await _give_back(job, components)


async def _run_while_held(job: Job, end: float | None, components: Components, settings: Settings) -> None:
    """Runs the job, and cancels it when its lease ends: because the database does not renew it, or another process has it."""
    log.debug("this process runs the job from now on", extra=fields(job=job.name))
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
    """When the lease ends now, by the event loop's clock: as before if the database does not answer, never if another has it."""
    try:
        return await components.job_leases.take(job.name, seconds=job.lease_seconds)
    except Exception as error:
        log.warning("the database does not renew a job's lease", extra=fields(error, job=job.name))
        return end


async def _give_back(job: Job, components: Components) -> None:
    try:
        await components.job_leases.give_back(job.name)
    except Exception as error:
        log.warning("a job's lease is not given back and will expire", extra=fields(error, job=job.name))
