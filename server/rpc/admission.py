"""Takes no more calls at once than the server can work on."""

import random

from server.domain.errors import OrderError


class InFlight:
    """Counts the calls in flight. Each that has entered must leave."""

    __slots__ = ("_limit", "count")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.count = 0

    def enter(self) -> None:
        """Raises OVERLOADED if the server is full."""
        if self.count >= self._limit:
            text = f"the server works on {self._limit} calls, which is all it can; try again in a moment"
            # Not all of them at the same moment.
            raise OrderError("OVERLOADED", text, retry_after=0.5 + random.random())
        self.count += 1

    def leave(self) -> None:
        self.count -= 1
