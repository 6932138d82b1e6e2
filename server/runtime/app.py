"""Serving: starts the components in order and stops them in reverse."""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import grpc
import psycopg

from server.config import Settings
from server.domain.base.errors import Refusal
from server.rpc.health import Health
from server.runtime import background, http_gateway, jobs, metrics_server, payment_webhooks, security, traces
from server.runtime.demo import has_demo_shop, load_demo_shop
from server.runtime.preflight import StartError
from server.runtime.wiring import Components, build
from server.storage.database import Database
from server.telemetry.log import fields

log = logging.getLogger(__name__)

# Each object costs a collection about 2 µs, during which no call makes progress.
_GC_THRESHOLDS = (5_000, 20, 50)

# Seconds after the grace period in which work without a caller may finish.
FINISHING = 1.0


class ServingEnded(Exception):
    """The gRPC library has stopped serving unexpectedly."""


class Started(NamedTuple):
    """The properties of a started server."""

    host: str
    port: int
    # Whether callers need no credentials.
    is_open: bool
    has_tls: bool
    # The URL of the metrics; '' if none are served.
    metrics_url: str
    # The number of the next order, for commands to paste; '' without the demo shop.
    next_order_number: str
    # The URL of HTTP/JSON; '' if it is not served.
    http_url: str = ""
    # The URL for the payment provider's webhooks; '' if none are received.
    payment_webhook_url: str = ""


class Running(NamedTuple):
    """A running server."""

    started: Started
    health: Health
    database: Database
    server: grpc.aio.Server

    @property
    def port(self) -> int:
        return self.started.port


@asynccontextmanager
async def running(settings: Settings, url: str) -> AsyncIterator[Running]:
    """A server on a database with the current schema. On exit, it finishes the work in progress."""
    async with contextlib.AsyncExitStack() as stack:
        database = Database(
            url,
            timeout=settings.database_timeout,
            pool_size=settings.pool_size,
            max_waiting_reads=settings.max_waiting_reads,
        )
        stack.push_async_callback(database.close)
        await database.open()
        tracing = await stack.enter_async_context(traces.sending(settings))
        components = await build(settings, database, tracing=tracing)
        stack.push_async_callback(components.probe.close)
        if components.publishing is not None:
            stack.push_async_callback(components.publishing.publisher.close)
        if components.provider is not None:
            stack.push_async_callback(components.provider.close)
        port = _listen(components.server, settings)
        if settings.demo and settings.database_url is None:
            await load_demo_shop(components.catalog, components.writer)
        metrics_url = stack.enter_context(metrics_server.serving(components.metrics.registry, settings))
        await jobs.check_database(components, settings)
        shared = jobs.selected(settings)
        local = [job for job in jobs.JOBS if job.local and job.applies(settings)]
        await stack.enter_async_context(background.running(local, components, settings))
        await components.server.start()
        stack.push_async_callback(_stop, components, settings)
        webhook_url = await stack.enter_async_context(payment_webhooks.receiving(components, settings))
        # At shutdown, other processes take over these jobs first; the other jobs run until the last calls have finished.
        await stack.enter_async_context(background.running(shared, components, settings))
        stack.callback(components.health.stop)
        number = await _next_order_number(components, settings)
        started = Started(
            host=settings.host,
            port=port,
            is_open=components.authenticator is None,
            has_tls=settings.tls_certificate is not None,
            metrics_url=metrics_url,
            next_order_number=number,
            payment_webhook_url=webhook_url,
        )
        components.registry.start(f"{settings.host}:{port}")
        yield Running(started, components.health, database, components.server)


async def _next_order_number(components: Components, settings: Settings) -> str:
    # Always read, so that a missing permission shows at startup.
    number = await components.orders.next_order_number()
    has_shop = settings.database_url is None and await has_demo_shop(components.customers)
    return number if has_shop else ""


def _listen(server: grpc.aio.Server, settings: Settings) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address, credentials = f"{host}:{settings.port}", security.credentials(settings)
    try:
        if credentials is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, credentials))
    except RuntimeError as error:
        raise StartError(f"cannot listen on {address}; choose another address with --host and --port") from error


async def _stop(components: Components, settings: Settings) -> None:
    """Stops accepting calls after a delay, and waits for running calls and their work.

    Work that waits for the database is cancelled soon after the grace period.
    """
    await asyncio.sleep(settings.drain_delay)
    try:
        async with asyncio.timeout(settings.shutdown_grace + FINISHING):
            components.feed_reader.close()
            await components.server.stop(settings.shutdown_grace)
            finishing = (components.gate, components.checkout, components.webhooks.worker, components.writer)
            for drain in (each.drain for each in finishing):
                await drain()
            await jobs.record_key_uses(components, settings)
            await components.registry.leave()
    except TimeoutError:
        log.warning("the grace period is over; cancelling calls in flight")
    except Refusal as error:
        log.warning("the last uses of keys were not recorded", extra=fields(error))
    finally:
        await components.database.close()


def serve_here(settings: Settings, url: str, announce: Callable[[Started], None]) -> None:
    """Serves in this process until it is stopped."""
    import uvloop

    try:
        uvloop.run(_serve_until_told(settings, url, announce))
    except (Refusal, psycopg.Error) as error:
        raise StartError(f"cannot use the database: {str(error).splitlines()[0]}") from error


def _collect_less_often() -> None:
    """Excludes permanent objects from garbage collection, and makes it rarer: a batch creates thousands of objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


async def _serve_until_told(settings: Settings, url: str, announce: Callable[[Started], None]) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    if (parent := multiprocessing.parent_process()) is not None:
        # A killed parent cannot stop its workers.
        loop.add_reader(parent.sentinel, told.set)
    async with running(settings, url) as server:
        _collect_less_often()
        async with _http(settings, server.port) as http_url:
            announce(server.started._replace(http_url=http_url))
            await _first(told.wait(), _end_of(server.server))
        if not told.is_set():
            raise ServingEnded("the server no longer accepts calls")
        log.info("stopping")


@asynccontextmanager
async def _http(settings: Settings, port: int) -> AsyncIterator[str]:
    """The HTTP gateway, which stops before the server that it calls."""
    gateway = http_gateway.serving(settings, port=port)
    url = await asyncio.to_thread(gateway.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(gateway.__exit__, None, None, None)


async def _end_of(server: grpc.aio.Server) -> None:
    # Without a timeout, cancelling the wait would cancel the server's shutdown.
    while await server.wait_for_termination(timeout=3600):
        pass


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Waits until one of them completes."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
