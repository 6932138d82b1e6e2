"""Serves the metrics over HTTP on a separate port."""

import logging
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from prometheus_client import CollectorRegistry, MetricsHandler
from prometheus_client.multiprocess import MultiProcessCollector

from server.config import Settings, keep_metrics_in
from server.runtime.preflight import StartError

log = logging.getLogger(__name__)

# Seconds until a silent connection is closed, and between checks for a stop.
_SILENCE = 10.0
_LOOK = 0.05
# Bytes that suffice for the metrics of many workers.
_ROOM = 64 << 20


@contextmanager
def serving(registry: CollectorRegistry, settings: Settings) -> Iterator[str]:
    """Answers scrapes in a thread, if a port is set; yields the URL, or ''. Raises StartError."""
    if settings.metrics_port is None:
        yield ""
        return
    host, port = settings.metrics_host, settings.metrics_port
    try:
        server = _Server(host, port, registry)
    except OSError as error:
        raise StartError(
            f"cannot serve metrics on {host}:{port}: {error.strerror}; "
            "choose another address with --metrics-host and --metrics-port"
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(_LOOK,), name="metrics", daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving_for_workers(settings: Settings) -> Iterator[str]:
    """Like `serving`, for the sums over all workers started within the context. Raises StartError."""
    if settings.metrics_port is None:
        yield ""
        return
    with _folder() as folder:
        keep_metrics_in(folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
        with serving(registry, settings) as url:
            yield url


@contextmanager
def _folder() -> Iterator[str]:
    """The folder of the workers' counts. Workers are killed if it is full."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="orders-metrics-")
    except OSError as error:
        raise StartError(f"workers cannot keep their metrics: {error.strerror}; set TMPDIR") from error
    with folder as name:
        if shutil.disk_usage(name).free < _ROOM:
            text = f"workers keep their metrics in {tempfile.gettempdir()}, where {_ROOM >> 20} MB must be free; make room, or set TMPDIR"
            raise StartError(text)
        yield name


class _Server(ThreadingHTTPServer):
    """Unlike the library's own server, stops quickly and does not log requests to stderr."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        handler = MetricsHandler.factory(registry)
        handler.timeout = _SILENCE  # type: ignore[attr-defined]
        super().__init__((host, port), handler)

    def server_bind(self) -> None:
        # Avoids the lookup of this machine's name, which may take long.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.warning("a scrape failed", exc_info=True)
