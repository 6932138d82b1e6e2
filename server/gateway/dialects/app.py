"""Serves a dialect: converts each request to one call of the API, and its response back."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import grpc
import orjson
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from server.gateway.bindings import Binding
from server.gateway.calls import Calls, headers_of
from server.gateway.dialects.dialect import Dialect, Route
from server.gateway.dialects.tables import Json, to_ours
from server.gateway.errors import JSON, HttpError, invalid, of_call, refused_by_gateway
from server.gateway.exchange import Disconnected, Exchange, Receive, Scope, Send
from server.gateway.json_reader import NotJson, parse, read
from server.gateway.json_writer import to_json
from server.gateway.problems import Problems
from server.gateway.templates import Template
from server.gateway.templates import parse as parse_template

log = logging.getLogger(__name__)


class DialectApp:
    """An ASGI application with the routes of a dialect, below a path."""

    def __init__(self, dialect: Dialect, calls: Calls, bindings: Sequence[Binding], *, below: str) -> None:
        self._dialect = dialect
        self._calls = calls
        self._methods = {binding.method.name: binding for binding in reversed(bindings)}
        self._routes = [(route, parse_template(f"{below}{route.path}")) for route in dialect.routes]

    def has(self, path: str) -> bool:
        """Whether one of its routes has the path."""
        return any(template.match(path) is not None for _, template in self._routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        except HttpError as error:
            await self._fail(exchange, error)
        except Disconnected:
            exchange.status = 499
        except Exception:
            log.error("a request failed", exc_info=True)
            await self._fail(exchange, HttpError(500, Status(code=code_pb2.INTERNAL, message="the gateway failed")))
        finally:
            exchange.log()

    async def _answer(self, exchange: Exchange) -> None:
        route, variables = self._find(exchange)
        binding = self._methods[route.method]
        exchange.method = binding.name
        request = _request(route, binding, exchange, variables, await exchange.body())
        call = self._calls.start(
            binding, [request], headers=exchange.headers, request_id=exchange.request_id, timeout=None
        )
        try:
            response = to_json(await call)
            headers = headers_of(await call.initial_metadata(), await call.trailing_metadata())
        except grpc.aio.AioRpcError as error:
            raise of_call(error) from None
        body = route.shape(response, request)
        if body is None:
            await exchange.empty(route.status, headers)
            return
        shown = self._dialect.envelope(body, exchange.request_id)
        await exchange.respond(route.status, orjson.dumps(shown), JSON, headers)

    async def _fail(self, exchange: Exchange, error: HttpError) -> None:
        if exchange.status == 0:
            status, body = self._dialect.fault(error, exchange.request_id)
            await exchange.respond(status, orjson.dumps(body), JSON, error.headers)

    def _find(self, exchange: Exchange) -> tuple[Route, Mapping[str, str]]:
        found = [(route, values) for route, template in self._routes if (values := _match(template, exchange.path))]
        for route, values in found:
            if route.verb == exchange.verb:
                return route, values[0]
        if not found:
            raise refused_by_gateway("NO_SUCH_PATH", "there is no such path")
        allowed = ", ".join(sorted({route.verb for route, _ in found}))
        raise refused_by_gateway("NO_SUCH_VERB", f"this path supports {allowed}", headers=[("allow", allowed)])


def _match(template: Template, path: str) -> tuple[dict[str, str]] | None:
    """The variables, in a tuple that is truthy even if there are none."""
    values = template.match(path)
    return None if values is None else (values,)


def _request(route: Route, binding: Binding, exchange: Exchange, variables: Mapping[str, str], body: bytes) -> Message:
    problems = Problems()
    ours = _query(route, exchange.query, problems)
    if route.body is not None:
        ours |= to_ours(route.body, _parsed(body), problems)
    ours = {route.within: ours} if route.within else ours
    ours |= route.fixed
    for theirs, path in route.variables.items():
        _set(ours, path, variables[theirs])
    if (key := exchange.headers.get("idempotency-key")) and binding.takes("request_id"):
        ours["request_id"] = key.strip('"')
    request = binding.request()
    if not problems.found:
        read(request, ours, problems)
    if problems.found:
        raise invalid(problems.found)
    return request


def _query(route: Route, query: str, problems: Problems) -> Json:
    values = dict(parse_qsl(query, keep_blank_values=True))
    try:
        paging = route.paging(values) if route.paging else {}
    except ValueError as error:
        problems.add("query", str(error))
        return {}
    return to_ours(route.query, values, problems) | paging


def _parsed(body: bytes) -> Any:
    try:
        return parse(body)
    except NotJson as error:
        raise invalid([], str(error)) from None


def _set(ours: Json, path: str, value: str) -> None:
    *outer, last = path.split(".")
    for name in outer:
        ours = ours.setdefault(name, {})
    ours[last] = value
