"""How large work lets small work go first on the one event loop that both share."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Pause = Callable[[], Awaitable[None]]

# Turns of the event loop that a call takes from its first sign to the queue of what is to be done.
TURNS_TO_THE_QUEUE = 5

# Seconds: a turn in which nobody else had anything to do, and for how long others go first at once.
_CALM = 0.0002
_LONGEST = 0.01


async def next_turn() -> None:
    """Lets others have one turn."""
    await asyncio.sleep(0)


class Courtesy:
    """Lets others go first, for so many seconds in all; after that for a turn at a time."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    async def give_way(self) -> None:
        """Returns when the event loop has had nothing else at hand for as long as a call would show, or has had its time."""
        began = turned = time.perf_counter()
        until, calm = began + min(_LONGEST, self.left), 0
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            calm = calm + 1 if now - turned < _CALM else 0
            if calm > TURNS_TO_THE_QUEUE or now >= until:
                break
            turned = now
        self.left -= now - began
