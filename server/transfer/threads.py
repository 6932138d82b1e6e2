"""Blocking work in a daemon thread."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")


async def in_daemon_thread(work: Callable[[], _T]) -> _T:
    """Runs `work` in a separate daemon thread.

    It does not use the loop's executor: at exit, the process would wait for a thread that reads from a terminal.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            with suppress(RuntimeError):  # The loop is closed.
                loop.call_soon_threadsafe(_set_exception, done, error)
        else:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_set_result, done, result)

    threading.Thread(target=run, daemon=True, name="orders-transfer-reader").start()
    return await done


def _set_result(done: "asyncio.Future[_T]", result: _T) -> None:
    if not done.done():
        done.set_result(result)


def _set_exception(done: "asyncio.Future[_T]", error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
