"""The sequencer: appends committed events to the feed. One process runs it at a time; a second one is safe."""

import asyncio
import time

from server.feed.signals import FeedSignals, wait_for
from server.storage.database import Database
from server.storage.sequencing import assign_positions

# Seconds between polls for events of other processes, and minimum seconds between polls.
_POLL, _SHORTEST = 0.05, 0.02
# From so many events at once on, the seconds between polls: under load, each poll costs writers more than the wait costs readers.
_MANY, _UNDER_LOAD = 20, 0.06
# Seconds until the work is due for another success, as metrics report it.
_RUN = 10.0


class Sequencer:
    """Assigns positions as soon as this process commits, and looks for other processes' events every 50 ms."""

    def __init__(self, database: Database, signals: FeedSignals) -> None:
        self._database, self._signals = database, signals

    async def run(self) -> None:
        """Works for some seconds, on a separate connection, so that it does not wait behind calls."""
        end = time.monotonic() + _RUN
        async with await self._database.connect() as connection:
            while (began := time.monotonic()) < end:
                count = await assign_positions(connection)
                if count:
                    self._signals.appended.set()
                pause = _SHORTEST if count < _MANY else _UNDER_LOAD
                await asyncio.sleep(began + pause - time.monotonic())
                await wait_for(self._signals.committed, seconds=_POLL)
