"""Serving in several processes on one port: the kernel spreads connections over them."""

import logging
import multiprocessing
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType

from server.app import Started, serve_here
from server.config import ConfigError, Settings
from server.logs import set_up
from server.startup import StartError

log = logging.getLogger(__name__)

# Spawned, not forked: gRPC's threads do not survive a fork.
_context = multiprocessing.get_context("spawn")


class _Told(BaseException):
    """A signal to stop has come."""


def serve_with_workers(settings: Settings, url: str, announce: Callable[[Started], None]) -> None:
    """Serves until SIGINT or SIGTERM. When a worker dies, all stop: whoever runs them starts them anew. Raises StartError."""
    with _reserved_port(settings) as port, _workers() as workers:
        settings = settings.model_copy(update={"port": port})
        # The first one loads what is loaded once, such as the demo shop.
        started = _start(workers, settings, url)
        for _ in range(settings.workers - 1):
            _start(workers, settings, url)
        announce(started)
        died = wait([worker.sentinel for worker in workers])
        raise StartError(
            f"{len(died)} of {settings.workers} workers died; the others are stopped, and the log says more"
        )


@contextmanager
def _workers() -> Iterator[list[BaseProcess]]:
    """The workers, which are told to stop at the end, and waited for. A signal to stop is no error."""
    workers: list[BaseProcess] = []
    before = {number: signal.signal(number, _raise_told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield workers
    except _Told:
        log.info("stopping")
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_told(number: int, frame: FrameType | None) -> None:
    raise _Told


@contextmanager
def _reserved_port(settings: Settings) -> Iterator[int]:
    """A port that stays the workers' while they start. Bound, not listened on: no connection comes here."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((settings.host, settings.port))
        yield reserved.getsockname()[1]


def _start(workers: list[BaseProcess], settings: Settings, url: str) -> Started:
    ours, theirs = _context.Pipe()
    worker = _context.Process(target=_work, args=(settings, url, theirs), name=f"orders-worker-{len(workers) + 1}")
    worker.start()
    workers.append(worker)
    theirs.close()
    try:
        said = ours.recv()
    except EOFError as error:
        raise StartError("a worker died before it could serve; the log says more") from error
    if isinstance(said, str):
        raise StartError(said)
    return said  # type: ignore[no-any-return]


def _work(settings: Settings, url: str, parent: Connection) -> None:
    """A worker's life. Tells the parent how it started: as Started, or why not."""
    set_up(settings.log_level, settings.log_format)
    # A terminal signals the whole group; the parent tells its workers itself, once each.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve_here(settings, url, parent.send)
    except (StartError, ConfigError) as error:
        parent.send(str(error))
