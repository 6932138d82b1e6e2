"""Resumable server streams: pages cut into messages, read ahead for fast readers, and ended before the caller's deadline.

For a slow reader, the server holds one message; everything else is dropped and read again from the cursor.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from server.rpc.endpoint import Call

# Bytes of entries in a message, and in one for a fast reader. gRPC holds a message twice while it waits for its reader.
_USUAL_BYTES, _FAST_BYTES = 1 << 16, 1 << 17
# Messages in a page for a reader that has stalled, that is not known yet, and that is fast. A query costs as much as some hundred
# entries, but what is left of a page when a write stalls was read in vain.
_STALLED_PAGE, _USUAL_PAGE, _FAST_PAGE = 1, 2, 8
# Entries in a page of several messages.
_ENTRIES_PER_PAGE = 500
# Concurrent page reads of all streams of a server, which leaves connections for other reads.
_READS_AT_ONCE = 3
# Seconds within which a fast reader takes a message, and after which a reader has stalled.
_QUICK, _STALLED = 0.02, 0.25
# Bytes that a reader must take without delay to count as fast: more than a buffer takes of a reader that reads nothing.
_QUICK_BYTES = 1 << 18
# Seconds kept for the last message before the deadline.
_MARGIN = 0.25
# Bytes that a reader's buffers are believed to hold at most, and the factor by which its speed may be overestimated.
_MOST_BUFFERED, _CAUTION = 1 << 22, 1.5

Cursor = TypeVar("Cursor")


class Room(NamedTuple):
    """The maximum size of a page or a message. One entry always fits."""

    entries: int
    size: int


class Page(Protocol):
    """Serialized entries of a stream, in order."""

    @property
    def more(self) -> bool:
        """Whether entries follow the page."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...

    def take(self, count: int) -> Self:
        """Removes the first entries and returns them as a page."""


Entries = TypeVar("Entries", bound=Page)


class Source(Protocol[Cursor, Entries]):
    """The entries of one stream, and their messages."""

    async def read(self, cursor: Cursor, room: Room) -> Entries:
        """The page after a cursor."""

    def advance(self, cursor: Cursor, page: Entries) -> Cursor:
        """The cursor after a page that is not empty."""

    def message(
        self, entries: Sequence[bytes], cursor: Cursor, *, truncated: bool = False, complete: bool = False
    ) -> bytes:
        """The serialized message, with a token of the cursor from which the stream continues after it."""


class Streams:
    """The streams of a server, which share a bounded number of concurrent reads."""

    def __init__(self) -> None:
        # Held for each read. A read before the first page holds it too: many streams that open at once leave connections for others.
        self.reads = asyncio.Semaphore(_READS_AT_ONCE)

    async def deliver(
        self, source: Source[Cursor, Entries], cursor: Cursor, call: Call, *, entries_per_message: int
    ) -> None:
        """Writes everything after the cursor, or a `truncated` message shortly before the caller's deadline."""
        await _Stream(source, cursor, call, entries_per_message, self.reads).run()


class _Stream(Generic[Cursor, Entries]):
    def __init__(
        self,
        source: Source[Cursor, Entries],
        cursor: Cursor,
        call: Call,
        entries_per_message: int,
        reads: asyncio.Semaphore,
    ) -> None:
        self._source, self._cursor, self._call, self._reads = source, cursor, call, reads
        self._entries_per_message = entries_per_message
        self._deadline = deadline_of(call)
        self._pace = Pace()
        self._page: Entries | None = None
        self._following: asyncio.Task[Entries] | None = None

    @property
    def _room(self) -> Room:
        """The maximum size of the next message."""
        return Room(self._entries_per_message, _FAST_BYTES if self._pace.is_fast else _USUAL_BYTES)

    async def run(self) -> None:
        try:
            await self._run()
        finally:
            self._drop()

    async def _run(self) -> None:
        while self._pace.can_drain_by(self._deadline) and await self._has_page():
            await self._call.check_caller()
            message, is_last = self._next_message()
            await self._write(message)
            if is_last:
                return
        await self._call.write(self._source.message([], self._cursor, truncated=True))

    async def _has_page(self) -> bool:
        """Ensures that there is a page to send; False if it cannot be read before the deadline."""
        if self._page is not None:
            return True
        reading = self._following or self._start_reading(self._cursor)
        self._following = None
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()) as limit:
                self._page = await reading
        except TimeoutError:
            if not limit.expired():
                raise
            return False
        if self._page.more and self._pace.is_fast:
            self._following = self._start_reading(self._source.advance(self._cursor, self._page))
        return True

    def _start_reading(self, cursor: Cursor) -> asyncio.Task[Entries]:
        reading = asyncio.create_task(self._read(cursor))
        # The failure of a read that is no longer needed is ignored.
        reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        return reading

    async def _read(self, cursor: Cursor) -> Entries:
        (entries, size), messages = self._room, self._pace.messages_per_page
        room = Room(max(entries, min(entries * messages, _ENTRIES_PER_PAGE)), size * messages)
        async with self._reads:
            return await self._source.read(cursor, room)

    def _next_message(self) -> tuple[bytes, bool]:
        """Takes the next message from the page, with whether it is the stream's last one."""
        page = self._page
        assert page is not None
        entries = _fitting(page, self._room)
        if entries:
            self._cursor = self._source.advance(self._cursor, page.take(len(entries)))
        if not len(page):
            self._page = None
        is_last = not len(page) and not page.more
        return self._source.message(entries, self._cursor, complete=is_last), is_last

    async def _write(self, message: bytes) -> None:
        began = time.monotonic()
        stalled = asyncio.get_running_loop().call_later(_STALLED, self._drop)
        try:
            await self._call.write(message)
        finally:
            stalled.cancel()
        self._pace.record(len(message), began)

    def _drop(self) -> None:
        """Drops everything that was read and not sent."""
        self._page = None
        if self._following is not None:
            self._following.cancel()
            self._following = None


def deadline_of(call: Call) -> float:
    """The time, by `time.monotonic`, at which a stream should send its last message."""
    remaining = call.time_remaining()
    return time.monotonic() + remaining - min(_MARGIN, remaining / 4)


def _fitting(page: Page, room: Room) -> list[bytes]:
    """The first entries of a page that fit into a message."""
    fitting: list[bytes] = []
    left = room.size
    for entry in islice(page, room.entries):
        left -= len(entry)
        if left < 0 and fitting:
            break
        fitting.append(entry)
    return fitting


class Pace:
    """The speed at which a reader accepts messages.

    A write returns as soon as the message is in a buffer, so a slow reader has yet to read everything that the buffers accepted
    without delay. Only the writes that wait show its speed.
    """

    def __init__(self) -> None:
        self._seconds_per_byte = 0.0
        self._last_wait = 0.0
        # Whether the last write that waited did so for long.
        self._has_stalled = False
        # Bytes of the last message, since the last write that waited, and that buffers have taken at most.
        self._size = self._written = self._buffered = 0

    @property
    def is_fast(self) -> bool:
        return self._written >= _QUICK_BYTES

    @property
    def messages_per_page(self) -> int:
        if self._has_stalled:
            return _STALLED_PAGE
        return _FAST_PAGE if self.is_fast else _USUAL_PAGE

    def record(self, size: int, began: float) -> None:
        """Records a write that has just returned."""
        now = time.monotonic()
        self._size = size
        if now - began < _QUICK:
            self._record_quick()
        else:
            self._record_wait(now, now - began)

    def _record_quick(self) -> None:
        self._written += self._size
        self._buffered = max(self._buffered, min(self._written, _MOST_BUFFERED))
        self._has_stalled = self._has_stalled and not self.is_fast
        if self._written > _MOST_BUFFERED:
            self._seconds_per_byte = 0.0

    def _record_wait(self, now: float, waited: float) -> None:
        if self._last_wait:
            seconds, taken = now - self._last_wait, self._written + self._size
        else:
            # A reader's library makes room when half of its buffer is free.
            seconds, taken = waited, max(self._size, self._buffered // 2)
        self._seconds_per_byte = seconds / taken
        self._last_wait, self._written = now, 0
        self._has_stalled = waited >= _STALLED

    def can_drain_by(self, deadline: float) -> bool:
        """Whether the reader can read all buffered data and another message by the deadline."""
        seconds = (self._buffered + self._size) * self._seconds_per_byte
        return time.monotonic() + _CAUTION * seconds <= deadline
