"""Starts and stops the sending of traces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.config import Settings
from server.rpc.tracing import Tracing
from server.runtime.preflight import StartError

_MISSING = "ORDERS_OTLP_ENDPOINT needs OpenTelemetry; install it with: pip install 'order-service[otel]'"


@asynccontextmanager
async def sending(settings: Settings) -> AsyncIterator[Tracing | None]:
    """The traces of a server, if a collector is set; on exit, sends the remaining ones. Raises StartError."""
    if settings.otlp_endpoint is None:
        yield None
        return
    try:
        from server.telemetry.traces import Traces
    except ModuleNotFoundError as error:
        raise StartError(_MISSING) from error
    traces = Traces(settings.otlp_endpoint, ratio=settings.trace_ratio)
    try:
        yield traces
    finally:
        # Blocks while it waits for the collector.
        await asyncio.to_thread(traces.close)
