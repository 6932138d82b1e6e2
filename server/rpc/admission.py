"""The calls in flight, bounded in number and duration."""

import asyncio
import time

from orders.v1.error_reason_pb2 import ERROR_REASON_OVERLOADED

from server.domain.base.errors import Refusal


class InFlight:
    """The tasks of the calls in flight, and their deadlines. Every call that enters must leave."""

    # A timer per call would cost more than everything else here, so a periodic job finds late calls.

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls: dict[asyncio.Task[object], float] = {}
        # The calls that exceeded their deadlines.
        self._ended: set[asyncio.Task[object]] = set()

    def enter(self, *, until: float) -> None:
        """Admits the running call until a time by `time.monotonic`. Raises OVERLOADED if there is no room."""
        if len(self._calls) >= self._limit:
            text = f"the server is at its limit of {self._limit} concurrent calls; retry in a moment"
            raise Refusal(ERROR_REASON_OVERLOADED, text, retry_after=0.5)
        self._calls[_this_task()] = until

    def leave(self) -> None:
        """Removes the running call."""
        task = _this_task()
        self._calls.pop(task, None)
        self._ended.discard(task)

    @property
    def count(self) -> int:
        return len(self._calls)

    def end_overdue(self) -> None:
        """Cancels the calls that exceeded their deadlines, repeatedly until they have left.

        If the caller does not read, the error waits behind unread messages, and only another cancellation ends the call.
        """
        now = time.monotonic()
        for task, until in self._calls.items():
            if until < now:
                self._ended.add(task)
                task.cancel()

    def has_ended(self) -> bool:
        """Whether the running call was cancelled because it exceeded its deadline."""
        return _this_task() in self._ended


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task
