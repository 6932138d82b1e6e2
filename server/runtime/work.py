"""`orders work`: runs background jobs in this process, and serves no calls."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg

from server.config import Settings
from server.domain.base.errors import Refusal
from server.runtime import background, jobs, metrics_server, traces
from server.runtime.app import FINISHING
from server.runtime.preflight import StartError, bring_up_to_date, check_schema, database_url
from server.runtime.wiring import build
from server.storage.database import Database

log = logging.getLogger(__name__)


def work(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Works until SIGINT or SIGTERM. `announce` gets the URL of the metrics. Raises StartError and ConfigError."""
    import uvloop

    with database_url(settings) as url:
        if settings.database_url is None:
            bring_up_to_date(url)
        else:
            check_schema(url)
        try:
            uvloop.run(_work_until_told(settings, url, announce))
        except (Refusal, psycopg.Error) as error:
            raise StartError(f"cannot use the database: {str(error).splitlines()[0]}") from error


async def _work_until_told(settings: Settings, url: str, announce: Callable[[str], None]) -> None:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with working(settings, url) as metrics_url:
        announce(metrics_url)
        await told.wait()
        log.info("stopping")


@asynccontextmanager
async def working(settings: Settings, url: str) -> AsyncIterator[str]:
    """Background jobs on a database with the current schema. On exit, waits for their work in progress."""
    async with contextlib.AsyncExitStack() as stack:
        database = Database(url, timeout=settings.database_timeout, pool_size=settings.pool_size)
        stack.push_async_callback(database.close)
        await database.open()
        tracing = await stack.enter_async_context(traces.sending(settings))
        components = await build(settings.model_copy(update={"host": "127.0.0.1"}), database, tracing=tracing)
        stack.push_async_callback(components.probe.close)
        stack.push_async_callback(components.registry.leave)
        if components.publishing is not None:
            stack.push_async_callback(components.publishing.publisher.close)
        metrics_url = stack.enter_context(metrics_server.serving(components.metrics.registry, settings))

        async def finish() -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.shutdown_grace + FINISHING):
                    await components.webhooks.worker.drain()
                    await components.writer.drain()

        stack.push_async_callback(finish)
        measuring = [job for job in jobs.JOBS if job.measures and job.applies(settings)]
        await stack.enter_async_context(background.running(measuring, components, settings))
        await stack.enter_async_context(background.running(jobs.selected(settings), components, settings))
        components.registry.start("")
        yield metrics_url
