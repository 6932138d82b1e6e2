"""The application: the API's bindings, their description, and the gateway's health."""

import asyncio
from collections.abc import Sequence
from importlib.resources import files

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server.gateway.api import Api
from server.gateway.bindings import bindings
from server.gateway.calls import Calls
from server.gateway.dialects.app import DialectApp
from server.gateway.dialects.mounts import dialect_apps
from server.gateway.openapi import document
from server.gateway.options import Options

_HEALTH_SECONDS = 2.0
# Headers of responses that pages of other origins may read.
_EXPOSED = (
    "etag",
    "location",
    "retry-after",
    "x-request-id",
    "idempotency-replayed",
    "idempotency-first-answered",
    "x-explain",
)
_VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PREFLIGHT_SECONDS = 3600


def build(channel: grpc.aio.Channel, options: Options, *, stopping: asyncio.Event) -> ASGIApp:
    """The application on a channel to the server."""
    every = bindings()
    calls = Calls(channel, every)
    api = Api(calls, every, cors_origins=options.cors_origins, stopping=stopping)
    dialects = dialect_apps(options, calls, every)
    described, events = document(), document("asyncapi.json")
    page = files("server.gateway").joinpath("docs.html").read_text(encoding="utf-8")

    async def health(_: Request) -> Response:
        serves = not stopping.is_set() and await _serves(channel)
        return JSONResponse({"status": "SERVING" if serves else "NOT_SERVING"}, 200 if serves else 503)

    async def openapi(_: Request) -> Response:
        return Response(described, media_type="application/json")

    async def asyncapi(_: Request) -> Response:
        return Response(events, media_type="application/json")

    async def docs(_: Request) -> Response:
        return HTMLResponse(page, headers={"content-security-policy": _POLICY})

    async def start(_: Request) -> Response:
        return RedirectResponse("/docs")

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/openapi.json", openapi),
            Route("/asyncapi.json", asyncapi),
            Route("/docs", docs),
            Route("/", start),
            *(_Below(dialect) for dialect in dialects),
            Mount("/", api),
        ],
        middleware=_cors(options.cors_origins),
    )


class _Below(BaseRoute):
    """The paths of a dialect."""

    def __init__(self, dialect: DialectApp) -> None:
        self._dialect = dialect

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        found = scope["type"] == "http" and self._dialect.has(scope["raw_path"].decode("ascii"))
        return (Match.FULL if found else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._dialect(scope, receive, send)


# The page loads nothing from other hosts, and calls only this one.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


def _cors(origins: Sequence[str]) -> list[Middleware]:
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=list(_VERBS),
            allow_headers=["*"],
            expose_headers=list(_EXPOSED),
            max_age=_PREFLIGHT_SECONDS,
        )
    ]


async def _serves(channel: grpc.aio.Channel) -> bool:
    """Whether the server's health check reports SERVING."""
    try:
        check = health_pb2_grpc.HealthStub(channel).Check
        answer = await check(health_pb2.HealthCheckRequest(), timeout=_HEALTH_SECONDS)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
