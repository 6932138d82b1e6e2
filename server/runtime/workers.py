"""Serves in several processes on one port; the kernel distributes the connections."""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import NamedTuple

from server.config import ConfigError, Settings
from server.runtime import http_gateway, metrics_server
from server.runtime.app import Started, serve_here
from server.runtime.preflight import StartError
from server.runtime.processes import context, hidden_from_terminal
from server.telemetry.log import set_up

log = logging.getLogger(__name__)

# Seconds for a worker to close its connections after its calls have finished.
_CLOSING = 15.0


class _Worker(NamedTuple):
    process: BaseProcess
    # The pipe for the result of its start: Started, or the error.
    word: Connection


def serve_with_workers(settings: Settings, url: str, announce: Callable[[Started], None]) -> None:
    """Serves until SIGINT or SIGTERM. If a worker dies, all stop, so that the supervisor restarts them. Raises StartError."""
    serving_metrics = metrics_server.serving_for_workers(settings)
    with _signals() as told, _reserved_port(settings) as port, serving_metrics as metrics_url:
        http, settings = settings, settings.model_copy(update={"port": port, "metrics_port": None, "http_port": None})
        workers: list[_Worker] = []
        try:
            started = _start(1, workers, settings, url, told)
            # The first worker loads one-time data such as the demo shop, and receives the payment provider's webhooks.
            settings = settings.model_copy(update={"payment_webhook_port": None})
            if started and _start(settings.workers - 1, workers, settings, url, told):
                with http_gateway.serving(http, port=port) as http_url:
                    announce(started._replace(metrics_url=metrics_url, http_url=http_url))
                    _wait(workers, told)
            log.info("stopping")
        finally:
            _stop(workers, seconds=settings.drain_delay + settings.shutdown_grace + _CLOSING)


@contextmanager
def _signals() -> Iterator[int]:
    """A file descriptor that becomes readable when a signal to stop arrives. Later signals have no effect."""
    told, tell = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.write(tell, b"!"))
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        os.close(told)
        os.close(tell)


@contextmanager
def _reserved_port(settings: Settings) -> Iterator[int]:
    """A port that is reserved while workers start. It is bound but does not listen, so it gets no connections."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as reserved:
        # Also if connections of a previous server are still in TIME_WAIT.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            reserved.bind((settings.host, settings.port))
        except OSError as error:
            raise StartError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error
        yield reserved.getsockname()[1]


def _start(count: int, workers: list[_Worker], settings: Settings, url: str, told: int) -> Started | None:
    """Starts workers concurrently and waits until all of them serve; None if a signal arrives before."""
    fresh = [_spawn(settings, url) for _ in range(count)]
    workers += fresh
    words = [_word(worker, told) for worker in fresh]
    return words[0] if all(words) else None


def _spawn(settings: Settings, url: str) -> _Worker:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(settings, url, theirs))
    with hidden_from_terminal():
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _word(worker: _Worker, told: int) -> Started | None:
    if told in wait([told, worker.word]):
        return None
    try:
        said: Started | str = worker.word.recv()
    except EOFError as error:
        raise StartError(f"a worker {_end(worker)} before it could serve") from error
    if isinstance(said, str):
        raise StartError(said)
    return said


def _wait(workers: Sequence[_Worker], told: int) -> None:
    """Waits for a signal to stop, or until a worker has died."""
    ready = wait([told, *(worker.process.sentinel for worker in workers)])
    if told in ready:
        return
    ends = [_end(worker) for worker in workers if worker.process.sentinel in ready]
    raise StartError(
        f"{len(ends)} of {len(workers)} workers died, and the others are stopped: one {'; one '.join(ends)}"
    )


def _end(worker: _Worker) -> str:
    """The cause of a worker's end, as a phrase."""
    worker.process.join(_CLOSING)
    code = worker.process.exitcode
    if code == -signal.SIGBUS:
        return "was killed by SIGBUS, for example because TMPDIR is full"
    if code is not None and code < 0:
        return f"was killed by signal {-code}"
    return f"ended with exit code {code}; see the log"


def _stop(workers: Sequence[_Worker], *, seconds: float) -> None:
    """Stops the workers, and kills those that do not end in time."""
    for worker in workers:
        worker.process.terminate()
    until = time.monotonic() + seconds
    for worker in workers:
        worker.process.join(max(0.0, until - time.monotonic()))
        worker.process.kill()
        worker.process.join()


def _work(settings: Settings, url: str, parent: Connection) -> None:
    """The main function of a worker."""
    set_up(settings.log_level, settings.log_format)
    try:
        serve_here(settings, url, parent.send)
    except (StartError, ConfigError) as error:
        parent.send(str(error))
    except Exception:
        # Logged, not printed, because its text may contain anything.
        log.critical("a worker failed", exc_info=True)
        sys.exit(1)
