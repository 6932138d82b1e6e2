"""The calls in flight: no more at once than the server can work on, and none for longer than it has patience."""

import asyncio
import time

from orders.v1.error_reason_pb2 import ERROR_REASON_OVERLOADED

from server.domain.base.errors import Refusal


class InFlight:
    """Knows each call by its task, and when its time is over. Each that has entered must leave."""

    # Not a timer for each call, which would cost it more than everything else here: who is late is looked for now and then.

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls: dict[asyncio.Task[object], float] = {}
        # Those of them whose time was over.
        self._ended: set[asyncio.Task[object]] = set()

    def enter(self, *, until: float) -> None:
        """Lets the running call in until a time by `time.monotonic`. Raises OVERLOADED if there is no room."""
        if len(self._calls) >= self._limit:
            text = f"the server works on {self._limit} calls, which is all it can; try again in a moment"
            raise Refusal(ERROR_REASON_OVERLOADED, text, retry_after=0.5)
        self._calls[_this_task()] = until

    def leave(self) -> None:
        """The running call is over."""
        task = _this_task()
        self._calls.pop(task, None)
        self._ended.discard(task)

    @property
    def count(self) -> int:
        return len(self._calls)

    def end_overdue(self) -> None:
        """Cancels the calls whose time is over, again and again until they have left.

        The refusal of one whose caller reads nothing waits behind what is unread, and only a second cancelling ends that.
        """
        now = time.monotonic()
        for task, until in self._calls.items():
            if until < now:
                self._ended.add(task)
                task.cancel()

    def has_ended(self) -> bool:
        """Whether the running call was cancelled because its time was over."""
        return _this_task() in self._ended


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task
