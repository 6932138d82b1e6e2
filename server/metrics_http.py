"""Answers Prometheus: serves what the server counts, over HTTP, on a port of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from server.config import Settings, share_metrics
from server.startup import StartError


@contextmanager
def serving(registry: CollectorRegistry, settings: Settings) -> Iterator[str]:
    """Answers scrapes over HTTP, in a thread, if the settings say so; yields where, or ''. Raises StartError."""
    if settings.metrics_port is None:
        yield ""
        return
    try:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError as error:
        raise StartError(
            f"cannot serve metrics on {settings.metrics_host}:{settings.metrics_port}: {error.strerror}; "
            "stop what does, or choose another address with --metrics-host and --metrics-port"
        ) from error
    host = f"[{settings.metrics_host}]" if ":" in settings.metrics_host else settings.metrics_host
    try:
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving_for_workers(settings: Settings) -> Iterator[str]:
    """As `serving`, for the sums over all workers that are started within. Raises StartError."""
    if settings.metrics_port is None:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="orders-metrics-") as folder:
        share_metrics(folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
        with serving(registry, settings) as url:
            yield url
