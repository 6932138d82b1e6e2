"""SIGINT and SIGTERM: contexts in which they unwind the process, are deferred, or are ignored."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")

_ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def unwinding() -> Iterator[None]:
    """The signals raise an exception in the block, which can clean up."""
    with _handled({signal.SIGINT: signal.default_int_handler, signal.SIGTERM: _exit}):
        yield


@contextmanager
def deferred() -> Iterator[None]:
    """The signals are deferred until the end of the block."""
    came: list[int] = []
    try:
        with _handled(dict.fromkeys(_ENDING, lambda number, _: came.append(number))):
            yield
    finally:
        if came:
            signal.raise_signal(came[0])


@contextmanager
def ignored() -> Iterator[None]:
    """The signals are ignored, also by processes started in the block: a terminal sends Ctrl-C to all of them."""
    with _handled(dict.fromkeys(_ENDING, signal.SIG_IGN)):
        yield


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` for an unwinding block: signals do not interrupt the creation or closing of its loop."""
    runner = asyncio.Runner()
    with deferred():
        runner.get_loop()
    try:
        return runner.run(work)
    finally:
        with deferred():
            runner.close()


@contextmanager
def _handled(handlers: dict[signal.Signals, Any]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
