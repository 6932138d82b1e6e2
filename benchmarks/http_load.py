"""Callers over HTTP/1.1: connections that each send one request after the other."""

import asyncio
import re
import time
from collections.abc import Sequence

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class _Caller(asyncio.Protocol):
    """A connection that repeats its requests until it is closed, and counts the answers that are a success."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.done = self.failed = 0
        self._requests = requests
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head + b"\r\n")
        assert length, head
        if len(body) >= int(length[1]):
            self._received = b""
            self.done += head.startswith(b"HTTP/1.1 200")
            self.failed += not head.startswith(b"HTTP/1.1 200")
            self._send()

    def _send(self) -> None:
        assert self._transport
        self._transport.write(self._requests[self.done % len(self._requests)])


def load(
    address: str, paths: Sequence[str], *, headers: Sequence[tuple[str, str]], callers: int, seconds: float
) -> tuple[int, float]:
    """How many calls were answered in how many seconds. Raises RuntimeError if one failed."""
    head = "".join(f"{name}: {value}\r\n" for name, value in (("host", address), *headers))
    requests = [f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() for path in paths]
    return asyncio.run(_load(address, requests, callers, seconds))


async def _load(address: str, requests: Sequence[bytes], callers: int, seconds: float) -> tuple[int, float]:
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    pairs = [await loop.create_connection(lambda: _Caller(requests), host, int(port)) for _ in range(callers)]
    await asyncio.sleep(seconds)
    spent = time.perf_counter() - began
    for transport, _ in pairs:
        transport.abort()
    if failed := sum(caller.failed for _, caller in pairs):
        raise RuntimeError(f"{failed} calls failed")
    return sum(caller.done for _, caller in pairs), spent
