"""The only reader of the feed in a process, which fills the ring for all watchers."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orders.v1.order_service_pb2 import OrderFilter

from server.feed.matching import can_match
from server.feed.ring import Entry, Group, Ring, RingEntry
from server.feed.signals import FeedSignals, wait_for
from server.storage.read.feed import Change, FeedRepository, Selection

# Seconds between polls of the feed, to which other processes may append, and minimum seconds between reads.
_POLL, _SHORTEST = 0.05, 0.01
# Changes of one read.
_AT_ONCE = 2_000
# Seconds until the work is due for another success, as metrics report it.
_RUN = 10.0
# CPU seconds of a message, and the part of the event loop that messages may take: when many watchers want everything, they get
# fewer and larger messages, so that calls are still served.
_MESSAGE, _SHARE = 0.0001, 0.05

_EVERYTHING = Selection(OrderFilter())


class FeedReader:
    """Reads while there are watchers. All watchers of a process share its reads and changes."""

    def __init__(self, feed: FeedRepository, signals: FeedSignals, *, encode: Callable[[Change], Entry]) -> None:
        self._feed, self._signals, self._encode = feed, signals, encode
        self._watchers = 0
        self._ring: Ring | None = None
        self._joined, self._started = asyncio.Event(), asyncio.Event()
        self.is_closed = False

    @property
    def watchers(self) -> int:
        """The number of streams that watch."""
        return self._watchers

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keeps the reader active within the context."""
        self._watchers += 1
        self._joined.set()
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._ring = None
                self._started.clear()

    async def run(self) -> None:
        """Reads for some seconds."""
        end = time.monotonic() + _RUN
        while (left := end - time.monotonic()) > 0:
            if not self._watchers:
                await wait_for(self._joined, seconds=left)
                continue
            began = time.monotonic()
            woken = await self._read()
            await asyncio.sleep(began + max(_SHORTEST, woken * _MESSAGE / _SHARE) - time.monotonic())
            await wait_for(self._signals.appended, seconds=_POLL)

    async def _read(self) -> int:
        """Reads the changes after the ring's head; returns the number of watchers that it woke."""
        ring = self._ring
        if ring is None:
            end = await self._feed.end()
            if self._watchers:
                self._ring = Ring(end.history, end.position)
                self._started.set()
            return 0
        page = await self._feed.page(Change, _EVERYTHING, ring.head, limit=_AT_ONCE)
        if page.end.history != ring.history:
            # After a failover, the ring may contain changes that were never committed.
            self._ring = Ring(page.end.history, page.end.position)
            ring.wake_all()
            return 0
        if len(page.changes) == _AT_ONCE:
            self._signals.appended.set()
        return ring.append([RingEntry(self._encode(change), change) for change in page.changes], page.until)

    async def started(self) -> Ring:
        """The ring, once it is filled."""
        while self._ring is None:
            await self._started.wait()
        return self._ring

    def is_current(self, ring: Ring) -> bool:
        """Whether the ring is still being filled."""
        return ring is self._ring and not self.is_closed

    def join(self, ring: Ring, selection: Selection, after: int) -> Group | None:
        """The group of a selection; None if only the database can evaluate it, or if the ring begins later."""
        return ring.join(selection, after) if can_match(selection) else None

    def close(self) -> None:
        """Ends the streams: each gets its cursor and continues at another server."""
        self.is_closed = True
        if self._ring is not None:
            self._ring.wake_all()
