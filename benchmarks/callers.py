"""Callers on a few HTTP/2 connections, each of whom waits for an answer before it calls again.

A gRPC library costs the machine more a call than the server that is measured. This writes the frames of a unary call itself, for a
fifth of the server's CPU for a no-op or less, sends what each caller is given, and refuses to go on at the first call whose `grpc-status` is not 0,
unless it is to count those.
"""

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from struct import Struct

import uvloop

from benchmarks.access import METADATA

CONNECTIONS = 4
CALLERS = 64

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_SETTING = Struct("!HI").pack
_HEADER_TABLE_SIZE, _INITIAL_WINDOW_SIZE = 1, 4
_LARGEST_WINDOW = (1 << 31) - 1
_FIRST_WINDOW = 65_535
_LARGEST_FRAME = 16_384
_NUMBER = Struct("!I").pack
_PREFIX = Struct("!BI").pack
# Of a server that was asked for no table of headers: each stands as a literal.
_STATUS_OK = b"grpc-status\x010"
_STATUS = re.compile(rb"grpc-status(?:\x01(\d)|\x02(\d\d))")


class CallFailed(Exception):
    """A call that was not answered with OK; the text is what the server said, as it stands on the wire."""


@dataclass(slots=True)
class Answered:
    """What callers got: how long it took in all and for each, in seconds, and the answers, in the order of arrival.

    Of refused calls it knows how many there were, by `grpc-status`.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """The latency that so many percent of the calls stay below, in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def call(
    address: str,
    method: str,
    requests: Iterable[bytes],
    *,
    callers: int = CALLERS,
    seconds: float | None = None,
    every: float = 0.0,
    keep: bool = False,
    count_refused: bool = False,
) -> Answered:
    """Sends serialized requests until they, or the seconds, are used up; keeps the answers if asked to.

    A caller leaves at least `every` seconds between the beginnings of its calls; the callers begin spread over that time.
    Raises CallFailed; for a refused call only if those are not counted.
    """
    answered = Answered()
    connect = partial(
        _Connection, _Headers(address, method), answered, every=every, keep=keep, count_refused=count_refused
    )
    waits = [every * number / callers for number in range(callers)]
    answered.seconds = uvloop.run(_call(address, connect, iter(requests), waits, seconds))
    return answered


async def _call(
    address: str,
    connect: Callable[[Sequence[float]], "_Connection"],
    requests: Iterator[bytes],
    waits: Sequence[float],
    seconds: float | None,
) -> float:
    """Has a caller for each wait, with which it begins; how many seconds all of them took."""
    loop = asyncio.get_running_loop()
    host, port = address.rsplit(":", 1)
    connections = []
    for number in range(min(CONNECTIONS, len(waits))):
        share = partial(connect, waits[number::CONNECTIONS])
        _, connection = await loop.create_connection(share, host.strip("[]"), int(port))
        await connection.ready
        connections.append(connection)
    started = time.perf_counter()
    for connection in connections:
        connection.start(requests, None if seconds is None else started + seconds)
    try:
        await asyncio.gather(*(connection.done for connection in connections))
    finally:
        for connection in connections:
            connection.transport.close()
    return time.perf_counter() - started


class _Headers:
    """A call's headers: written out, to be remembered by the server, with the first call, by number with all others."""

    def __init__(self, address: str, method: str) -> None:
        named = [(":path", method), (":authority", address), ("content-type", "application/grpc"), ("te", "trailers")]
        named += METADATA
        # POST and http, of the table that all servers know.
        self.first = b"\x83\x86" + b"".join(b"\x40" + _text(name) + _text(value) for name, value in named)
        self.others = b"\x83\x86" + bytes(0x80 | 62 + index for index in reversed(range(len(named))))


def _text(text: str) -> bytes:
    size = len(text)
    if size < 127:
        return bytes([size]) + text.encode()
    assert size < 127 + 16_384
    return bytes([127, 0x80 | (size - 127) & 0x7F, (size - 127) >> 7]) + text.encode()


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return b"%b%c%c%b%b" % (_NUMBER(len(payload))[1:], kind, flags, _NUMBER(stream), payload)


class _Connection(asyncio.Protocol):
    """A connection and its share of the callers, with how long each waits before its first call."""

    transport: asyncio.Transport

    def __init__(
        self,
        headers: _Headers,
        answered: Answered,
        waits: Sequence[float],
        *,
        every: float,
        keep: bool,
        count_refused: bool,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._headers, self._waits, self._callers, self._answered = headers, waits, len(waits), answered
        self._every, self._keep, self._count_refused = every, keep, count_refused
        self._block = headers.first
        self._buffer = b""
        self._next_stream = 1
        self._began: dict[int, float] = {}
        self._bodies: dict[int, list[bytes]] = {}
        # What the server is ready to take, and what waits until it is; what has come in that it does not know to be taken.
        self._window = _FIRST_WINDOW
        self._waiting: deque[bytes] = deque()
        self._taken = 0
        self._out: list[bytes] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        settings = _SETTING(_HEADER_TABLE_SIZE, 0) + _SETTING(_INITIAL_WINDOW_SIZE, _LARGEST_WINDOW)
        window = _frame(_WINDOW_UPDATE, 0, 0, _NUMBER(_LARGEST_WINDOW - _FIRST_WINDOW))
        transport.write(_PREFACE + _frame(_SETTINGS, 0, 0, settings) + window)

    def connection_lost(self, error: Exception | None) -> None:
        for future in (self.ready, self.done):
            if not future.done():
                future.set_exception(error or ConnectionError("the server closed the connection"))

    def start(self, requests: Iterator[bytes], until: float | None) -> None:
        self._requests, self._until = requests, until
        for wait in self._waits:
            self._call_in(wait)
        self._flush()

    def _call_in(self, wait: float) -> None:
        if wait > 0:
            self._loop.call_later(wait, self._call_late)
        else:
            self._next_call()

    def _call_late(self) -> None:
        self._next_call()
        self._flush()

    def _next_call(self) -> None:
        now = time.perf_counter()
        request = next(self._requests, None) if self._until is None or now < self._until else None
        if request is None:
            self._callers -= 1
            if not self._callers and not self.done.done():
                self.done.set_result(None)
            return
        stream = self._next_stream
        self._next_stream += 2
        self._began[stream] = now
        body = _PREFIX(0, len(request)) + request
        assert len(body) <= _LARGEST_FRAME, "requests are sent in one frame"
        # Headers go out at once, for their order is that of the streams; bodies as the server takes them.
        self._out.append(_frame(_HEADERS, _END_HEADERS, stream, self._block))
        self._block = self._headers.others
        self._waiting.append(_frame(_DATA, _END_STREAM, stream, body))

    def _flush(self) -> None:
        while self._waiting and len(self._waiting[0]) - 9 <= self._window:
            self._window -= len(self._waiting[0]) - 9
            self._out.append(self._waiting.popleft())
        if self._out:
            self.transport.write(b"".join(self._out))
            self._out.clear()

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        position, end = 0, len(data)
        while end - position >= 9:
            size = data[position] << 16 | data[position + 1] << 8 | data[position + 2]
            if end - position < 9 + size:
                break
            kind, flags = data[position + 3], data[position + 4]
            stream = int.from_bytes(data[position + 5 : position + 9], "big")
            payload = data[position + 9 : position + 9 + size]
            position += 9 + size
            try:
                self._take(kind, flags, stream, payload)
            except CallFailed as failure:
                if not self.done.done():
                    self.done.set_exception(failure)
                return
        self._buffer = data[position:]
        self._flush()

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _DATA:
            self._taken += len(payload)
            if self._keep:
                self._bodies.setdefault(stream, []).append(payload)
            if self._taken > _LARGEST_WINDOW // 4:
                self._out.append(_frame(_WINDOW_UPDATE, 0, 0, _NUMBER(self._taken)))
                self._taken = 0
        elif kind == _HEADERS:
            if flags & _END_STREAM:
                self._end(stream, payload)
        elif kind == _WINDOW_UPDATE:
            if stream == 0:
                self._window += int.from_bytes(payload, "big")
        elif kind == _PING and not flags & _ACK:
            self._out.append(_frame(_PING, _ACK, 0, payload))
        elif kind == _SETTINGS and not flags & _ACK:
            self._out.append(_frame(_SETTINGS, _ACK, 0))
        elif kind == _SETTINGS:
            # The server has taken our settings: from here on its headers are literals.
            self.ready.set_result(None)
        elif kind in (_RST_STREAM, _GOAWAY):
            raise CallFailed(f"the server broke off with frame {kind}: {payload!r}")

    def _end(self, stream: int, trailers: bytes) -> None:
        took = time.perf_counter() - self._began.pop(stream)
        if _STATUS_OK in trailers:
            self._answered.latencies.append(took)
            if self._keep:
                # Without the 5 bytes before the first message; answers of one message are that message.
                self._answered.answers.append(b"".join(self._bodies.pop(stream))[5:])
        else:
            self._refuse(trailers)
        self._call_in(self._every - took)

    def _refuse(self, trailers: bytes) -> None:
        status = _STATUS.search(trailers)
        if status is None or not self._count_refused:
            raise CallFailed(trailers.decode("ascii", "replace"))
        self._answered.refused[int(status[1] or status[2])] += 1
