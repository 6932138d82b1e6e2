"""A client that speaks bare HTTP/2: it sees what a gRPC library keeps to itself, and does what one never would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 1, 3, 4, 6, 7
NO_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM = 0, 7, 11
MAX_CONCURRENT_STREAMS = 3

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_ACK, _END_HEADERS = 1, 4
# POST and http, of the table that all servers know.
_POST_OVER_HTTP = b"\x83\x86"


class Frame(NamedTuple):
    """What HTTP/2 is made of."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def acknowledges(self) -> bool:
        return bool(self.flags & _ACK)

    @property
    def settings(self) -> dict[int, int]:
        """The values of a SETTINGS frame by their identifiers."""
        entries = [self.payload[at : at + 6] for at in range(0, len(self.payload), 6)]
        return {int.from_bytes(entry[:2]): int.from_bytes(entry[2:]) for entry in entries}

    @property
    def error(self) -> int:
        """The code of a GOAWAY or RST_STREAM frame."""
        return int.from_bytes(self.payload[4:8] if self.kind == GOAWAY else self.payload)

    @property
    def reason(self) -> str:
        """What a GOAWAY frame says besides its code."""
        return self.payload[8:].decode()


class Connection:
    """A connection that greets the server and acknowledges what it sends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        writer.write(_PREFACE)
        self.send(SETTINGS)

    def send(self, kind: int, *, flags: int = 0, stream: int = 0, payload: bytes = b"") -> None:
        size, flagged = len(payload).to_bytes(3), bytes([kind, flags])
        self._writer.write(size + flagged + stream.to_bytes(4) + payload)

    def begin_call(self, path: str, *, stream: int) -> None:
        """Sends the headers of a call, and leaves it at that."""
        headers = ((":path", path), (":authority", "tests"), ("content-type", "application/grpc"), ("te", "trailers"))
        block = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers)
        self.send(HEADERS, flags=_END_HEADERS, stream=stream, payload=_POST_OVER_HTTP + block)

    def ping(self, number: int) -> None:
        self.send(PING, payload=number.to_bytes(8))

    async def read(self) -> Frame | None:
        """The next frame, as soon as it comes; None once the server has closed the connection."""
        async with asyncio.timeout(60):
            head = await self._reader.read(9)
            if not head:
                return None
            head += await self._reader.readexactly(9 - len(head))
            payload = await self._reader.readexactly(int.from_bytes(head[:3]))
        frame = Frame(head[3], head[4], int.from_bytes(head[5:]), payload)
        if frame.kind in (SETTINGS, PING) and not frame.acknowledges:
            self.send(frame.kind, flags=_ACK, payload=payload if frame.kind == PING else b"")
        return frame

    async def first(self, kind: int) -> Frame:
        """Reads on to the next frame of a kind."""
        while (frame := await self.read()) is not None:
            if frame.kind == kind:
                return frame
        raise AssertionError("the server closed the connection")

    async def until_closed(self) -> list[Frame]:
        """All that comes until the server closes the connection."""
        frames = []
        while (frame := await self.read()) is not None:
            frames.append(frame)
        return frames


def _text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """A connection to a server of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
