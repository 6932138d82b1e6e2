"""Tasks of the server: they are referenced until they end, and permanent ones survive exceptions."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from orders.v1.error_reason_pb2 import ERROR_REASON_DEPENDENCY_UNAVAILABLE

from server.domain.base.errors import Refusal
from server.telemetry.log import fields

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Contained(Exception):
    """A BaseException, such as a panic in an extension, as an ordinary error of the work that raised it."""


def contain(error: BaseException) -> Exception:
    """The error as an Exception. Re-raises it if it is meant for the running task, for example its cancellation."""
    if isinstance(error, Exception):
        return error
    if isinstance(error, KeyboardInterrupt | GeneratorExit) or _is_own_cancellation(error):
        raise error
    if isinstance(error, asyncio.CancelledError):
        text = "the server cancelled the operation before it completed; retry"
        return Refusal(ERROR_REASON_DEPENDENCY_UNAVAILABLE, text, metadata={"dependency": "server"}, retry_after=1.0)
    contained = Contained(type(error).__name__)
    contained.__cause__ = error
    return contained


def _is_own_cancellation(error: BaseException) -> bool:
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Tasks:
    """The tasks of one part of the server."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_alive = True

    @property
    def is_alive(self) -> bool:
        """False after a kept task has ended before its work was done; only a new process can restart it."""
        return self._is_alive

    def spawn(self, work: Coroutine[Any, Any, Result], *, context: Context | None = None) -> asyncio.Task[Result]:
        """Starts a task, by default in a copy of the current context. Keeps a reference, which the event loop does not."""
        task = asyncio.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def keep(self, work: Callable[[], Awaitable[None]], *, pause: float = 0.0) -> asyncio.Task[None]:
        """Starts a task that runs `work` until it returns, and again, after `pause` seconds, whenever it raises anything.

        It has a separate context, independent of the call that starts it.
        """
        task = self.spawn(_restarting(work, pause), context=Context())
        task.add_done_callback(self._note_end)
        return task

    async def cancel(self, *tasks: asyncio.Task[None]) -> None:
        """Ends kept tasks whose work is no longer needed."""
        for task in tasks:
            task.remove_done_callback(self._note_end)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self) -> None:
        """Waits until every task has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._is_alive = False
            log.critical("a task of the server has died; restart the server")


async def _restarting(work: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        try:
            return await work()
        except BaseException as error:
            log.error("a task failed and is restarted", extra=fields(contain(error)))
        await asyncio.sleep(pause)
