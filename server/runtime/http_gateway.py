"""The HTTP gateway of `orders serve`: a separate process, so that HTTP callers do not delay gRPC callers."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from urllib.parse import urlsplit

from server.config import Settings
from server.gateway.listener import GatewayError
from server.gateway.options import Options
from server.gateway.serve import serve
from server.runtime import own_server
from server.runtime.preflight import StartError
from server.runtime.processes import context, hidden_from_terminal
from server.telemetry.log import set_up
from server.transfer.client import Client

log = logging.getLogger(__name__)

DEFAULT_PORT = 8080

# Seconds until a dead gateway is restarted, and seconds after its grace period until it is killed.
_RESTART = 1.0
_CLOSING = 5.0


def options_of(settings: Settings) -> Options:
    """The gateway's options from the settings."""
    return Options(
        host=settings.http_host,
        port=DEFAULT_PORT if settings.http_port is None else settings.http_port,
        tls_certificate=settings.tls_certificate,
        tls_key=settings.tls_key,
        tls_client_ca=settings.tls_client_ca,
        cors_origins=tuple(settings.http_cors_origins.split()),
        dialects=tuple(settings.dialects.split()),
        dialect_currency=settings.dialect_currency,
        insecure=settings.insecure,
        drain_delay=settings.drain_delay,
        shutdown_grace=settings.shutdown_grace,
    )


@contextmanager
def serving(settings: Settings, *, port: int) -> Iterator[str]:
    """Runs a gateway to the server on a port, if the settings name one for HTTP; yields its URL, or ''. Raises StartError."""
    if settings.http_port is None:
        yield ""
        return
    if settings.tls_client_ca:
        text = "with ORDERS_TLS_CLIENT_CA, serve HTTP with `orders gateway`, which has its own client certificate"
        raise StartError(text)
    settings = settings.model_copy(update={"port": port})
    gateway = _Gateway(Client(**own_server.connection(settings)), options_of(settings), settings)
    url = gateway.start()
    try:
        yield url
    finally:
        gateway.stop()


class _Gateway:
    """A gateway process, which is restarted if it dies."""

    def __init__(self, client: Client, options: Options, settings: Settings) -> None:
        self._client = client
        self._options = options
        self._settings = settings
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="http-gateway", daemon=True)
        self._process: BaseProcess | None = None

    def start(self) -> str:
        url = self._spawn()
        # A restarted gateway keeps its port.
        self._options = replace(self._options, port=urlsplit(url).port or 0)
        self._keeper.start()
        return url

    def _spawn(self) -> str:
        ours, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(self._client, self._options, self._settings, theirs))
        with hidden_from_terminal():
            self._process.start()
        theirs.close()
        try:
            word: tuple[bool, str] = ours.recv()
        except EOFError as error:
            raise StartError("the HTTP gateway died before it could serve; see the log") from error
        started, text = word
        if not started:
            raise StartError(text)
        return text

    def _keep(self) -> None:
        while self._process is not None:
            self._process.join()
            if self._stopping.is_set():
                return
            log.error("the HTTP gateway died; restarting it")
            self._stopping.wait(_RESTART)
            try:
                self._spawn()
            except StartError:
                log.error("the HTTP gateway cannot start")

    def stop(self) -> None:
        """Ends the process after its requests in flight."""
        self._stopping.set()
        if self._process is None:
            return
        self._process.terminate()
        self._process.join(self._options.drain_delay + self._options.shutdown_grace + _CLOSING)
        self._process.kill()
        self._keeper.join()


def _work(client: Client, options: Options, settings: Settings, parent: Connection) -> None:
    """The main function of the process."""
    set_up(settings.log_level, settings.log_format)
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    try:
        serve(client.channel, options, announce=lambda url: parent.send((True, url)))
    except (GatewayError, OSError) as error:
        parent.send((False, str(error)))
    except Exception:
        log.critical("the HTTP gateway failed", exc_info=True)
        sys.exit(1)


def _follow_parent() -> None:
    """Stops if the server has died without stopping the gateway."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
