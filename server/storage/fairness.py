"""How large work lets small work go first on the one event loop that both share."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

Pause = Callable[[], Awaitable[None]]
Result = TypeVar("Result")

# Turns of the event loop that a call takes from its first sign to the queue of what is to be done.
TURNS_TO_THE_QUEUE = 5

# Seconds: a turn in which nobody else had anything to do, and for how long others go first at once.
_CALM = 0.0002
_LONGEST = 0.01
# Seconds that steps hold the event loop between two pauses: a small call takes about ten of its turns.
_AT_ONCE = 0.001


async def yield_once() -> None:
    """Lets others have one turn."""
    await asyncio.sleep(0)


async def run_in_turns(
    steps: Generator[None, None, Result], pause: Pause = yield_once, *, seconds: float = _AT_ONCE
) -> Result:
    """Runs steps to their end and returns their result; pauses whenever they have taken that many seconds."""
    began = time.perf_counter()
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        if time.perf_counter() - began > seconds:
            await pause()
            began = time.perf_counter()


class Yielder:
    """Lets others go first, for so many seconds in all; after that for a turn at a time."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    async def pause(self) -> None:
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
