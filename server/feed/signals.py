"""Signals of events in this process, which spare their receivers a poll."""

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FeedSignals:
    """Set when orders were written here, and when the feed was appended to here."""

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
