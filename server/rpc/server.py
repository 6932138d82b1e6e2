"""The gRPC server, with every service."""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc

from server.domain.base.methods import SERVICES
from server.rpc.endpoint import Bounds, UnknownMethods, service_handler
from server.rpc.errors import Refuser
from server.rpc.gate import Gate
from server.rpc.health import Health
from server.rpc.operations import Execute, handlers_of
from server.rpc.reflection import reflection_handlers
from server.rpc.replays import Orders
from server.rpc.tracing import Tracing
from server.telemetry.metrics import Metrics

SERVICE_NAMES = tuple(str(service.full_name) for service in SERVICES)

_MAX_PENDING = 20_000
# Seconds that a connection at its maximum age stays open beyond the longest call.
_AGE_GRACE = 10.0
# Excess pings before a connection is closed.
_PING_STRIKES = 2


@dataclass(frozen=True, slots=True)
class Connections:
    """The bounds of a client's connection: age, idle time and ping interval in seconds, and concurrent calls."""

    max_age: float
    max_idle: float
    min_ping_interval: float
    max_streams: int
    # Whether other processes serve on the same port. If not, a forgotten server must not share it.
    share_port: bool = False


def build_server(
    *,
    servicers: Mapping[str, object],
    execute: Execute,
    orders: Orders,
    health: Health,
    gate: Gate,
    bounds: Bounds,
    metrics: Metrics,
    refuser: Refuser,
    connections: Connections,
    reflect: bool,
    reflect_to_all: bool,
    tracing: Tracing | None = None,
) -> grpc.aio.Server:
    """A server with every service, not yet listening.

    `servicers` answer reads, by the name of their service; `execute` executes operations, and
    `orders` reads those that earlier operations were about. With `reflect_to_all`, reflection
    also answers callers that the gate does not know.
    """
    server = grpc.aio.server(options=_options(bounds, connections))
    server.add_generic_rpc_handlers(
        tuple(
            service_handler(
                service,
                handlers_of(service, servicers.get(service.name), execute, orders),
                gate=gate,
                bounds=bounds,
                metrics=metrics,
                refuser=refuser,
                tracing=tracing,
            )
            for service in SERVICES
        )
    )
    health.add_to(server, refuser)
    if reflect:
        server.add_generic_rpc_handlers(reflection_handlers(SERVICE_NAMES, None if reflect_to_all else gate, refuser))
    server.add_generic_rpc_handlers((UnknownMethods(refuser),))
    return server


def _options(bounds: Bounds, connections: Connections) -> list[tuple[str, int]]:
    longest = max(bounds.seconds, bounds.stream_seconds) + _AGE_GRACE
    return [
        ("grpc.so_reuseport", int(connections.share_port)),
        # Above the limit at which requests are refused with details: the library's own refusal has none.
        ("grpc.max_receive_message_length", 4 * bounds.request_bytes),
        ("grpc.max_send_message_length", -1),
        # The library drops some of more than 1,000 pending calls as CANCELLED, without details. The
        # gate and the writer's queue refuse with details.
        ("grpc.server.max_pending_requests", _MAX_PENDING),
        ("grpc.server.max_pending_requests_hard_limit", _MAX_PENDING),
        ("grpc.max_concurrent_streams", connections.max_streams),
        # The library counts answered calls that are not cleaned up yet, and refuses new ones without details.
        ("grpc.http.overload_protection", 0),
        ("grpc.max_connection_age_ms", _milliseconds(connections.max_age)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(longest)),
        ("grpc.max_connection_idle_ms", _milliseconds(connections.max_idle)),
        ("grpc.http2.min_ping_interval_without_data_ms", _milliseconds(connections.min_ping_interval)),
        ("grpc.http2.max_ping_strikes", _PING_STRIKES),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
