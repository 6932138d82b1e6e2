"""The HTTP server: its socket, the bounds of its connections, and its TLS files."""

import asyncio
import logging
import socket
import ssl
from asyncio import TimerHandle, Transport
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.gateway.options import Options
from server.telemetry.log import fields

log = logging.getLogger(__name__)

# Bytes and seconds that the headers of a request may take.
_MAX_HEADERS = 64 << 10
_HEADER_SECONDS = 10.0
# Seconds that an unused connection stays open.
_IDLE_SECONDS = 75
_TLS_LOOK = 10.0


class GatewayError(Exception):
    """The gateway cannot start; the message has the cause and the fix."""


def listen(options: Options) -> socket.socket:
    """A listening socket. Raises GatewayError."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((options.host, options.port))
        found.listen(2048)
    except (OSError, OverflowError) as error:
        found.close()
        reason = getattr(error, "strerror", None) or error
        text = f"cannot serve HTTP on {options.host}:{options.port}: {reason}; choose another address with --http-host and --http-port"
        raise GatewayError(text) from error
    return found


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose headers are too long or too slow."""

    _headers = 0
    _deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deadline is not None or self.cycle is None or self.cycle.response_complete:
            self._headers += len(data)
        super().data_received(data)
        if self._headers > _MAX_HEADERS and self._deadline is not None:
            self.send_400_response("The headers are too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._begin()

    def on_headers_complete(self) -> None:
        self._end()
        super().on_headers_complete()

    def _begin(self) -> None:
        self._headers = 0
        self._deadline = self.loop.call_later(_HEADER_SECONDS, self.transport.close)

    def _end(self) -> None:
        self._headers = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Listener(uvicorn.Server):
    """Serves until `stop` is called, and then finishes what is in flight."""

    def __init__(self, app: ASGIApp, options: Options, *, stopping: asyncio.Event) -> None:
        super().__init__(_config(app, options))
        self._stopping = stopping
        self._options = options

    def stop(self) -> None:
        """Stops serving after the drain delay. Streams end immediately; they can be resumed elsewhere."""
        self._stopping.set()
        asyncio.get_running_loop().call_later(self._options.drain_delay, self._exit)

    def _exit(self) -> None:
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to the process."""
        yield

    async def run_on(self, listening: socket.socket) -> None:
        """Serves on a socket."""
        reload = asyncio.create_task(_reload_tls(self.config, self._options))
        try:
            await self.serve([listening])
        finally:
            reload.cancel()


def _config(app: ASGIApp, options: Options) -> uvicorn.Config:
    tls: dict[str, Any] = {}
    if options.tls_certificate is not None:
        tls = {"ssl_certfile": options.tls_certificate, "ssl_keyfile": options.tls_key}
        if options.tls_client_ca is not None:
            tls |= {"ssl_ca_certs": options.tls_client_ca, "ssl_cert_reqs": ssl.CERT_REQUIRED}
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=options.max_connections,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=max(1, int(options.shutdown_grace)),
        **tls,
    )
    try:
        config.load()
    except OSError as error:
        raise GatewayError(f"the TLS files of the gateway cannot be used: {error.strerror or error}") from error
    return config


async def _reload_tls(config: uvicorn.Config, options: Options) -> None:
    """Loads the certificate again when its file changes, for the connections that follow."""
    if config.ssl is None or options.tls_certificate is None:
        return
    seen = options.tls_certificate.stat().st_mtime_ns
    while True:
        await asyncio.sleep(_TLS_LOOK)
        try:
            now = options.tls_certificate.stat().st_mtime_ns
            if now != seen:
                config.ssl.load_cert_chain(options.tls_certificate, options.tls_key)
                seen = now
                log.info("using the new TLS files")
        except OSError as error:
            log.warning("the new TLS files are not used yet", extra=fields(error))
