"""A share of the pool's connections, and the queue for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orders.v1.error_reason_pb2 import ERROR_REASON_OVERLOADED

from server.domain.base.errors import Refusal

# The weight of the last use in the mean.
_WEIGHT = 0.1
_SHORTEST_WAIT = 0.1


class Share:
    """At most `size` uses at once; more wait in order of arrival, and from `max_waiting` on are refused."""

    def __init__(self, size: int, *, max_waiting: int) -> None:
        self._size, self._max_waiting = size, max_waiting
        self._free = asyncio.Semaphore(size)
        self.waiting = 0
        # The mean time of a use, in seconds.
        self._seconds = 0.0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Waits for a place in the share. Raises OVERLOADED if too many wait already."""
        if self._free.locked() and self.waiting >= self._max_waiting:
            raise self.overloaded()
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds += _WEIGHT * (time.monotonic() - began - self._seconds)
            self._free.release()

    def overloaded(self) -> Refusal:
        """The refusal, with the time until the current queue is served."""
        text = "too many calls wait for a connection to the database; retry in a moment"
        wait = self.waiting * self._seconds / self._size
        return Refusal(ERROR_REASON_OVERLOADED, text, retry_after=max(_SHORTEST_WAIT, wait))
