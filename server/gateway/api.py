"""Serves the API's bindings: one HTTP request, one call."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import grpc
import orjson
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from server.gateway.bindings import Binding
from server.gateway.calls import Calls, headers_of, timeout_of
from server.gateway.conditions import RESUME, etag_of, fields_of, is_unchanged
from server.gateway.errors import JSON, HttpError, invalid, of_call, refused_by_gateway
from server.gateway.exchange import Disconnected, Exchange, Receive, Scope, Send
from server.gateway.json_reader import NotJson
from server.gateway.json_writer import to_json
from server.gateway.locations import locator
from server.gateway.requests import BadRequest, build, build_stream
from server.gateway.router import NoSuchPath, NoSuchVerb, Router
from server.gateway.statuses import CREATED, NOT_MODIFIED
from server.gateway.streams import send_stream

log = logging.getLogger(__name__)

_EVERY_ORIGIN = "*"


class Api:
    """An ASGI application with all bindings. Streams end when `stopping` is set."""

    def __init__(
        self,
        calls: Calls,
        bindings: Sequence[Binding],
        *,
        cors_origins: Sequence[str],
        stopping: asyncio.Event,
    ) -> None:
        self._calls = calls
        self._router = Router(bindings)
        self._locate = {each.grpc_path: found for each in bindings if (found := locator(each, bindings))}
        self._origins = frozenset(cors_origins)
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        except HttpError as error:
            await exchange.fail(error)
        except Disconnected:
            exchange.status = 499
        except Exception:
            log.error("a request failed", exc_info=True)
            await exchange.fail(HttpError(500, Status(code=code_pb2.INTERNAL, message="the gateway failed")))
        finally:
            exchange.log()

    async def _answer(self, exchange: Exchange) -> None:
        self._check_origin(exchange)
        binding, variables = self._find(exchange)
        exchange.method = binding.name
        requests = _requests(exchange, binding, variables, await exchange.body())
        call = self._calls.start(
            binding,
            requests,
            headers=exchange.headers,
            request_id=exchange.request_id,
            timeout=_timeout(exchange),
        )
        if binding.streams:
            await send_stream(exchange, call, stopping=self._stopping)
        else:
            await self._send_message(exchange, binding, requests[0], call)

    def _check_origin(self, exchange: Exchange) -> None:
        """Refuses pages of other origins: a browser would send their requests even to servers that only it can reach."""
        origin = exchange.headers.get("origin")
        if origin is None or origin in self._origins or _EVERY_ORIGIN in self._origins:
            return
        if urlsplit(origin).netloc != exchange.headers.get("host"):
            text = "pages of this origin may not call the API; ORDERS_HTTP_CORS_ORIGINS allows origins"
            raise refused_by_gateway("ORIGIN_REFUSED", text)

    def _find(self, exchange: Exchange) -> tuple[Binding, dict[str, str]]:
        try:
            # HEAD is a GET whose body the server leaves out.
            return self._router.find("GET" if exchange.verb == "HEAD" else exchange.verb, exchange.path)
        except NoSuchVerb as error:
            text = f"this path supports {', '.join(error.allowed)}"
            raise refused_by_gateway("NO_SUCH_VERB", text, headers=[("allow", ", ".join(error.allowed))]) from None
        except NoSuchPath:
            text = "there is no such path; see /docs or /openapi.json"
            raise refused_by_gateway("NO_SUCH_PATH", text) from None

    async def _send_message(self, exchange: Exchange, binding: Binding, request: Message, call: Any) -> None:
        try:
            response = await call
            headers = headers_of(await call.initial_metadata(), await call.trailing_metadata())
        except grpc.aio.AioRpcError as error:
            failed = of_call(error)
            failed.headers += headers_of(error.initial_metadata(), error.trailing_metadata())
            raise failed from None
        status = 200
        etag = etag_of(response)
        if etag:
            headers += [("etag", etag), ("cache-control", "private, no-cache")]
        if binding.verb == "GET" and is_unchanged(exchange.headers, etag):
            await exchange.empty(NOT_MODIFIED, headers)
            return
        if (locate := self._locate.get(binding.grpc_path)) and not getattr(request, "validate_only", False):
            status = CREATED
            headers.append(("location", locate(response)))
        await exchange.respond(status, orjson.dumps(to_json(response)), JSON, headers)


def _requests(exchange: Exchange, binding: Binding, variables: dict[str, str], body: bytes) -> list[Message]:
    try:
        if binding.takes_stream:
            return build_stream(binding, query=exchange.query, body=body)
        return [_request(exchange, binding, variables, body)]
    except BadRequest as error:
        raise invalid(error.problems) from None
    except NotJson as error:
        raise invalid([], str(error)) from None


def _request(exchange: Exchange, binding: Binding, variables: dict[str, str], body: bytes) -> Message:
    headers = fields_of(binding, exchange.headers)
    request = build(binding, variables=variables, query=exchange.query, body=body, headers=headers)
    # An event source that reconnects repeats its query, and says in the header how far it had come.
    if (position := exchange.headers.get("last-event-id")) and binding.streams and binding.takes(RESUME):
        setattr(request, RESUME, position)
    return request


def _timeout(exchange: Exchange) -> float | None:
    try:
        return timeout_of(exchange.headers.get("grpc-timeout"))
    except ValueError as error:
        raise invalid([("grpc-timeout", str(error))]) from None
