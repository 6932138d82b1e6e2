"""A share of the pool's connections, and the queue for it."""

import asyncio
import time

from orders.v1.error_reason_pb2 import ERROR_REASON_OVERLOADED

from server.domain.base.errors import Refusal

# The weight of the last use in the mean.
_WEIGHT = 0.1
_SHORTEST_WAIT = 0.1


class Share:
    """Allows `size` concurrent uses. Others wait in order of arrival; beyond `max_waiting`, they are refused."""

    def __init__(self, size: int, *, max_waiting: int) -> None:
        self._size, self._max_waiting = size, max_waiting
        self._free = asyncio.Semaphore(size)
        self.waiting = 0
        # The mean time of a use, in seconds.
        self._seconds = 0.0

    def take(self) -> "_Place":
        """A context that waits for a place in the share. Entering it raises OVERLOADED if too many wait already."""
        return _Place(self)

    async def enter(self) -> None:
        if self._free.locked() and self.waiting >= self._max_waiting:
            raise self.overloaded()
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1

    def leave(self, seconds: float) -> None:
        """Frees a place, after a use of a number of seconds."""
        self._seconds += _WEIGHT * (seconds - self._seconds)
        self._free.release()

    def overloaded(self) -> Refusal:
        """The refusal, with the time until the current queue is served."""
        text = "too many calls wait for a connection to the database; retry in a moment"
        wait = self.waiting * self._seconds / self._size
        return Refusal(ERROR_REASON_OVERLOADED, text, retry_after=max(_SHORTEST_WAIT, wait))


class _Place:
    """A use of a share. Every query has one, so this is a class: a generator costs several times as much."""

    __slots__ = ("_began", "_share")

    def __init__(self, share: Share) -> None:
        self._share = share

    async def __aenter__(self) -> None:
        await self._share.enter()
        self._began = time.monotonic()

    async def __aexit__(self, *_: object) -> None:
        self._share.leave(time.monotonic() - self._began)
