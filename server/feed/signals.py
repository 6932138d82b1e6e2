"""Signals of events in this process, which let receivers react before their next poll."""

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FeedSignals:
    """Events that are set when this process writes orders, and when it appends to the feed."""

    committed: asyncio.Event = field(default_factory=asyncio.Event)
    appended: asyncio.Event = field(default_factory=asyncio.Event)


async def wait_for(event: asyncio.Event, *, seconds: float) -> None:
    """Waits until the event is set, at most for some time, and clears it."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
