"""Streams to readers of every speed, on a clock that only they move."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from server.domain.base.caller import ANONYMOUS, Caller
from server.rpc import streaming
from server.rpc.streaming import Room, Streams
from server.storage.references import Reference

_SIZE = 1000


@dataclass
class Numbers:
    """A page of numbers, each an entry of `_SIZE` bytes."""

    values: range
    more: bool

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[bytes]:
        return (str(value).encode().rjust(_SIZE) for value in self.values)

    def take(self, count: int) -> "Numbers":
        taken, self.values = self.values[:count], self.values[count:]
        return Numbers(taken, more=self.more or bool(self.values))


@dataclass
class Counting:
    """A source of so many numbers; a cursor is the next one."""

    count: int
    rooms: list[Room] = field(default_factory=list)
    hangs_at: int = -1

    async def read(self, cursor: int, room: Room) -> Numbers:
        self.rooms.append(room)
        if 0 <= self.hangs_at <= cursor:
            await asyncio.get_running_loop().create_future()
        stop = min(self.count, cursor + min(room.entries, max(1, room.size // _SIZE)))
        return Numbers(range(cursor, stop), more=stop < self.count)

    def advance(self, cursor: int, page: Numbers) -> int:
        assert page.values[0] == cursor
        return page.values[-1] + 1

    def message(
        self, entries: Sequence[bytes], cursor: int, *, truncated: bool = False, complete: bool = False
    ) -> bytes:
        end = b"T" if truncated else b"C" if complete else b"-"
        return end + b"".join(entries)


@dataclass
class Reader:
    """A caller that reads a message every so many seconds, through buffers of so many bytes."""

    seconds: float
    buffer: int
    deadline: float
    caller: Caller = ANONYMOUS
    now: float = 1.0
    read: list[bytes] = field(default_factory=list)
    read_at: float = 1.0
    waiting: deque[bytes] = field(default_factory=deque)

    def time_remaining(self) -> float:
        return self.deadline

    async def write(self, message: bytes) -> None:
        self.waiting.append(message)
        while sum(map(len, self.waiting)) > self.buffer:
            self.read_one()
        self.now = max(self.now, self.read_at)

    def read_one(self) -> None:
        self.read_at += self.seconds
        self.read.append(self.waiting.popleft())

    def drain(self) -> None:
        while self.waiting:
            self.read_one()

    @property
    def numbers(self) -> list[int]:
        found = b"".join(message[1:] for message in self.read)
        return [int(found[at : at + _SIZE]) for at in range(0, len(found), _SIZE)]

    def reference(self, order_id: str) -> Reference:
        raise AssertionError("streams look at no order")

    async def check_caller(self) -> None:
        """The caller may call for as long as it likes."""

    async def mark_replayed(self) -> None:
        raise AssertionError("streams are not replayed")


async def deliver(reader: Reader, source: Counting, *, entries: int = 1000) -> None:
    await Streams().deliver(source, 0, reader, entries_per_message=entries)


def on_its_clock(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    monkeypatch.setattr(streaming, "time", SimpleNamespace(monotonic=lambda: reader.now))


@pytest.mark.parametrize("buffer", [1, 1 << 16, 1 << 18, 1 << 20])
@pytest.mark.parametrize("entries", [5, 50, 1000])
@pytest.mark.parametrize("seconds", [0.03, 0.1, 0.5, 1.0])
async def test_slow_reader_gets_truncated_before_its_deadline(
    monkeypatch: pytest.MonkeyPatch, buffer: int, entries: int, seconds: float
) -> None:
    # Buffers that the reader can empty in half of its time: nothing else can reach it in time.
    message = 1 + _SIZE * min(entries, (1 << 16) // _SIZE)
    deadline = 3 * seconds * (buffer // message + 6)
    reader, source = Reader(seconds, buffer, deadline), Counting(1_000_000)
    on_its_clock(monkeypatch, reader)
    await deliver(reader, source, entries=entries)
    reader.drain()
    assert reader.read[-1] == b"T"
    assert reader.read_at <= 1.0 + deadline
    assert reader.numbers == list(range(len(reader.numbers)))
    assert len(reader.read) > 1


async def test_fast_reader_gets_everything_in_large_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, source = Reader(0.001, 1 << 16, 60.0), Counting(20_000)
    on_its_clock(monkeypatch, reader)
    await deliver(reader, source)
    reader.drain()
    assert reader.numbers == list(range(20_000))
    assert [message[:1] for message in reader.read] == [b"-"] * (len(reader.read) - 1) + [b"C"]
    assert max(room.size for room in source.rooms) == 8 << 17
    assert len(source.rooms) < 20_000 * _SIZE / (4 << 16)


@dataclass
class Stalling(Reader):
    """A reader that stalls at each message until everything else that was read for it is forgotten."""

    forgets: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, message: bytes) -> None:
        self.read.append(message)
        await self.forgets.wait()
        self.forgets.clear()
        self.now += 1.0


async def test_stalled_reader_leaves_nothing_but_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, source = Stalling(0.0, 0, 3600.0), Counting(500)
    held: list[int] = []
    drop = streaming._Stream._drop

    def drop_and_go_on(stream: "streaming._Stream[int, Numbers]") -> None:
        drop(stream)
        held.append(0 if stream._page is None else len(stream._page))
        reader.forgets.set()

    monkeypatch.setattr(streaming._Stream, "_drop", drop_and_go_on)
    on_its_clock(monkeypatch, reader)
    await deliver(reader, source)
    assert not any(held)
    assert reader.numbers == list(range(500))
    assert all(room.size <= 1 << 16 for room in source.rooms[1:])


async def test_read_that_takes_until_the_deadline_ends_truncated() -> None:
    reader, source = Reader(0.0, 0, 0.2), Counting(1_000_000, hangs_at=120)
    await deliver(reader, source, entries=10)
    reader.drain()
    assert reader.read[-1] == b"T"
    assert reader.numbers == list(range(120))
