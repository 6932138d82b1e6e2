"""One HTTP request and its response."""

import asyncio
import gzip
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from server.gateway.calls import is_metadata
from server.gateway.errors import PROBLEM, HttpError, body_of, refused_by_gateway
from server.telemetry.log import fields

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Four times the largest message that the server takes by default: JSON is longer.
MAX_BODY = 16 << 20
_BODY_SECONDS = 30.0
# Smaller bodies do not get shorter by much.
_COMPRESSED_FROM = 1024
_LEVEL = 4


class Exchange:
    """Reads the request and sends the response, and logs both."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.verb: str = scope["method"]
        # Still percent-encoded: a template decides what its variables are.
        self.path: str = scope["raw_path"].decode("ascii")
        self.query: str = scope["query_string"].decode("latin-1")
        self.scheme: str = scope["scheme"]
        given = self.headers.get("x-request-id", "")
        self.request_id = given if given and is_metadata("x-request-id", given) else str(uuid.uuid4())
        # The method that is called, once it is known, for the log.
        self.method = ""
        self.receive = receive
        self._send = send
        self._began = time.monotonic()
        self.status = 0

    def accepts(self, media_type: str) -> bool:
        """Whether the caller names a media type in `Accept`."""
        return media_type in self.headers.get("accept", "")

    @property
    def takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("accept-encoding", "")

    async def body(self) -> bytes:
        """The whole body. Raises HttpError if it is too large or too slow."""
        if self.headers.get("content-encoding", "identity") != "identity":
            raise refused_by_gateway("BODY_ENCODED", "send the body without content-encoding")
        length = self.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > MAX_BODY:
            raise _too_large()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                return await self._read()
        except TimeoutError as error:
            raise refused_by_gateway("BODY_TIMEOUT", "the body did not arrive in time") from error

    async def _read(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > MAX_BODY:
                raise _too_large()
            if not message.get("more_body"):
                return b"".join(chunks)

    async def respond(self, status: int, body: bytes, media_type: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Sends a whole response."""
        extra = [("content-type", media_type), ("vary", "accept, accept-encoding")]
        if len(body) >= _COMPRESSED_FROM and self.takes_gzip:
            body = gzip.compress(body, _LEVEL, mtime=0)
            extra.append(("content-encoding", "gzip"))
        await self.start(status, [*extra, ("content-length", str(len(body))), *headers])
        await self.send(body, more=False)

    async def empty(self, status: int, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Sends a response without a body."""
        await self.start(status, headers)
        await self.send(b"", more=False)

    async def start(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        self.status = status
        every = (("x-request-id", self.request_id), ("x-content-type-options", "nosniff"), *headers)
        encoded = [(name.encode("latin-1"), _one_line(value)) for name, value in every]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def send(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def fail(self, error: HttpError) -> None:
        """Sends an error, if no response has begun."""
        if self.status == 0:
            body, media_type = body_of(error, as_problem=self.accepts(PROBLEM))
            await self.respond(error.http_status, body, media_type, error.headers)

    def log(self) -> None:
        """Writes the line of the access log. A path may hold anything, so the log has the method instead."""
        spent = round((time.monotonic() - self._began) * 1000, 3)
        log.info(
            "request",
            extra=fields(
                verb=self.verb,
                method=self.method,
                status=self.status,
                milliseconds=spent,
                request_id=self.request_id,
            ),
        )


class Disconnected(Exception):
    """The caller has left."""


def _too_large() -> HttpError:
    return refused_by_gateway("BODY_TOO_LARGE", f"the body may have up to {MAX_BODY:,} bytes; send less at once")


def _one_line(value: str) -> bytes:
    """The value of a header, from which no line break can begin another header."""
    return value.replace("\r", " ").replace("\n", " ").encode("utf-8")
