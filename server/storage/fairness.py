"""Fairness on the event loop: long work yields to short work."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

Pause = Callable[[], Awaitable[None]]
Result = TypeVar("Result")

# Turns of the event loop from a call's arrival to the queue.
TURNS_TO_THE_QUEUE = 5

# Seconds: the longest idle turn, and the longest single pause.
_CALM = 0.0002
_LONGEST = 0.01
# Seconds that steps hold the event loop between pauses: a short call takes about ten such turns.
_AT_ONCE = 0.001


async def yield_once() -> None:
    """Yields for one turn of the event loop."""
    await asyncio.sleep(0)


async def run_in_turns(
    steps: Generator[None, None, Result], pause: Pause = yield_once, *, seconds: float = _AT_ONCE
) -> Result:
    """Runs steps to their end and returns their result; pauses after each `seconds` on the event loop."""
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
    """Yields to other work for `seconds` in total; after that, for one turn at a time."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    async def pause(self) -> None:
        """Returns when the event loop has been idle for the number of turns of a call, or the time is used up."""
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
