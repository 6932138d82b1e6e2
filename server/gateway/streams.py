"""Streams as newline-delimited JSON and as server-sent events."""

import asyncio
import zlib
from collections.abc import Callable
from typing import Any

import grpc
import orjson

from server.gateway.calls import headers_of
from server.gateway.conditions import RESUME
from server.gateway.errors import of_call
from server.gateway.exchange import Exchange
from server.gateway.json_writer import to_json

NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"

# Seconds of silence after which the headers are sent, and event sources get a comment, so that proxies do not time out.
_SILENCE = 15.0
_COMMENT = b": waiting\n\n"
_GZIP = 31  # zlib's window bits for the gzip format.

Encode = Callable[[bytes], bytes]


async def send_stream(exchange: Exchange, call: Any, *, stopping: asyncio.Event) -> None:
    """Sends the messages of a call as they come, until it ends, the caller leaves or the gateway stops.

    Raises HttpError if the call fails before its first message. Later the error is the last line or event.
    """
    left = asyncio.create_task(_until_disconnect(exchange))
    stop = asyncio.create_task(stopping.wait())
    try:
        await _Stream(exchange, call, (left, stop)).send()
    finally:
        call.cancel()
        left.cancel()
        stop.cancel()


class _Stream:
    def __init__(self, exchange: Exchange, call: Any, ends: tuple["asyncio.Task[Any]", ...]) -> None:
        self._exchange = exchange
        self._call = call
        self._ends = ends
        self._as_events = exchange.accepts(EVENTS)
        self._encode: Encode | None = _compressor() if exchange.takes_gzip else None

    async def send(self) -> None:
        try:
            while (message := await self._next()) is not grpc.aio.EOF:
                await self._chunk(self._frame(message))
        except grpc.aio.AioRpcError as error:
            if not self._exchange.status:
                raise of_call(error) from None
            await self._chunk(self._error(error))
        await self._start()
        await self._exchange.send(self._encode(b"") if self._encode else b"", more=False)

    async def _start(self) -> None:
        if self._exchange.status:
            return
        headers = [
            ("content-type", EVENTS if self._as_events else NDJSON),
            ("cache-control", "no-store"),
            ("vary", "accept, accept-encoding"),
            *([("content-encoding", "gzip")] if self._encode else []),
            *headers_of(await self._call.initial_metadata()),
        ]
        await self._exchange.start(200, headers)

    async def _next(self) -> Any:
        """The next message, or EOF at the end, which the caller or the gateway can cause."""
        read = asyncio.ensure_future(self._call.read())
        try:
            while not read.done():
                ended, _ = await asyncio.wait(
                    {read, *self._ends}, timeout=_SILENCE, return_when=asyncio.FIRST_COMPLETED
                )
                if not ended:
                    await self._say_waiting()
                elif read not in ended:
                    return grpc.aio.EOF
            return read.result()
        finally:
            read.cancel()

    async def _say_waiting(self) -> None:
        await self._start()
        if self._as_events:
            await self._chunk(_COMMENT)

    async def _chunk(self, text: bytes) -> None:
        await self._start()
        await self._exchange.send(self._encode(text) if self._encode else text, more=True)

    def _frame(self, message: Any) -> bytes:
        text = orjson.dumps(to_json(message))
        if not self._as_events:
            return text + b"\n"
        position = getattr(message, RESUME, "")
        return (b"id: " + position.encode() + b"\n" if position else b"") + b"data: " + text + b"\n\n"

    def _error(self, error: grpc.aio.AioRpcError) -> bytes:
        text = orjson.dumps({"error": to_json(of_call(error).status)})
        return b"event: error\ndata: " + text + b"\n\n" if self._as_events else text + b"\n"


async def _until_disconnect(exchange: Exchange) -> None:
    while (await exchange.receive())["type"] != "http.disconnect":
        pass


def _compressor() -> Encode:
    """Compresses each chunk so that it can be decoded immediately; an empty chunk ends the stream."""
    compressor = zlib.compressobj(wbits=_GZIP)

    def encode(text: bytes) -> bytes:
        if not text:
            return compressor.flush()
        return compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)

    return encode
