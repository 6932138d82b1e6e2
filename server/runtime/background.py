"""What a server does beside serving: looks at the database and at itself, sweeps up, notes when keys were used."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from server.config import Settings
from server.payments.expiry import cancel_unpaid
from server.runtime.wiring import Components
from server.storage.errors import HEALTH_CAUSES, WRITE_CAUSES
from server.storage.housekeeping import forget_idle_limits, forget_old_carts, forget_old_requests
from server.tasks import Tasks, contain
from server.telemetry.log import fields

log = logging.getLogger(__name__)

_HOUSEKEEPING_INTERVAL = 3600.0
# So long it may take until a rotation knows that the text of the one before is in use.
_NOTE_INTERVAL = 5.0
_OVERDUE_INTERVAL = 0.5
_METRICS_INTERVAL = 1.0
_IDLE_LIMITS = timedelta(hours=1)


@asynccontextmanager
async def upkeep(parts: Components, settings: Settings) -> AsyncIterator[None]:
    """Runs the background jobs."""
    async with _in_the_background(
        parts.jobs,
        (lambda: _end_overdue(parts), _OVERDUE_INTERVAL),
        # A check takes up to half the timeout, so health follows the database within the timeout.
        (lambda: check_database(parts), min(settings.health_interval, settings.database_timeout / 2)),
        (lambda: note_uses(parts), _NOTE_INTERVAL),
        (lambda: _sweep(parts, settings), _HOUSEKEEPING_INTERVAL),
    ):
        yield


@asynccontextmanager
async def gauges(parts: Components) -> AsyncIterator[None]:
    """Has the metrics say how much of the server is in use, also while its last calls finish."""
    async with _in_the_background(parts.jobs, (lambda: _note_use(parts), _METRICS_INTERVAL)):
        yield


@asynccontextmanager
async def _in_the_background(jobs: Tasks, *works: tuple[Callable[[], Awaitable[None]], float]) -> AsyncIterator[None]:
    """Does each again and again, with so many seconds between."""
    tasks = [jobs.keep(partial(_again_and_again, work, interval), pause=interval) for work, interval in works]
    try:
        yield
    finally:
        await jobs.cancel(*tasks)


async def _again_and_again(work: Callable[[], Awaitable[None]], interval: float) -> None:
    while True:
        try:
            await work()
        except BaseException as error:
            log.warning("upkeep failed, it will be tried again", extra=fields(contain(error)))
        await asyncio.sleep(interval)


async def _end_overdue(parts: Components) -> None:
    parts.gate.in_flight.end_overdue()


async def _note_use(parts: Components) -> None:
    parts.metrics.set_use(
        calls=parts.gate.in_flight.count,
        commands=parts.writer.waiting(),
        **parts.database.use()._asdict(),
        is_ready=parts.health.ready,
        failing={cause: cause == parts.health.cause for cause in HEALTH_CAUSES},
    )


async def check_database(parts: Components) -> None:
    """Sets the server's health by the database's."""
    cause = await parts.probe.check()
    if cause != parts.health.cause:
        if cause is None:
            log.warning("the database reads and writes again")
        else:
            log.warning("the database does not do its work", extra=fields(cause=cause))
    parts.health.cause = cause
    parts.health.set_ready(cause is None, reads=cause is None or cause in WRITE_CAUSES)


async def note_uses(parts: Components) -> None:
    """Writes down when keys were used: now and then, and not with each call."""
    if parts.authenticator is not None:
        await parts.api_keys.note_uses(parts.authenticator.take_uses())


async def _sweep(parts: Components, settings: Settings) -> None:
    database, now = parts.database, datetime.now(UTC)
    requests = await forget_old_requests(database, before=now - timedelta(days=settings.idempotency_days))
    carts = await forget_old_carts(database, before=now - timedelta(days=settings.cart_days))
    limits = await forget_idle_limits(database, before=now - _IDLE_LIMITS)
    log.debug("forgot request ids, carts and limits", extra=fields(requests=requests, carts=carts, limits=limits))
    if settings.unpaid_hours:
        before = now - timedelta(hours=settings.unpaid_hours)
        unpaid = await cancel_unpaid(parts.checkout, parts.orders, before=before)
        log.info("cancelled orders that were not paid in time", extra=fields(count=unpaid))
