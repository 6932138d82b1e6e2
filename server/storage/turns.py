"""How large work lets small work go first on the one event loop that both share."""

import asyncio
import time

# Seconds: a turn of the loop in which nobody else had anything to do, and for how long others go first at most.
_CALM = 0.0002
_LONGEST = 0.01


async def give_way() -> None:
    """Returns when the event loop has nothing else at hand, or has had its time."""
    began = turned = time.perf_counter()
    while True:
        await asyncio.sleep(0)
        now = time.perf_counter()
        if now - turned < _CALM or now - began > _LONGEST:
            return
        turned = now
