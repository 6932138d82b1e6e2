"""The gRPC server: the one place where every service is registered."""

from dataclasses import dataclass

import grpc
from orders.v1 import (
    api_key_service_pb2,
    cart_service_pb2,
    catalog_service_pb2,
    customer_service_pb2,
    order_service_pb2,
)

from server.rpc.api_key_service import ApiKeyServicer
from server.rpc.cart_service import CartServicer
from server.rpc.catalog_service import CatalogServicer
from server.rpc.customer_service import CustomerServicer
from server.rpc.endpoint import Bounds, UnknownMethods, service_handler
from server.rpc.gate import Gate
from server.rpc.health import Health
from server.rpc.order_service import OrderServicer
from server.rpc.reflection import reflection_handlers
from server.telemetry.metrics import Metrics

ORDER_SERVICE = order_service_pb2.DESCRIPTOR.services_by_name["OrderService"]
CATALOG_SERVICE = catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"]
CART_SERVICE = cart_service_pb2.DESCRIPTOR.services_by_name["CartService"]
CUSTOMER_SERVICE = customer_service_pb2.DESCRIPTOR.services_by_name["CustomerService"]
API_KEY_SERVICE = api_key_service_pb2.DESCRIPTOR.services_by_name["ApiKeyService"]
SERVICES = tuple(
    service.full_name for service in (ORDER_SERVICE, CATALOG_SERVICE, CART_SERVICE, CUSTOMER_SERVICE, API_KEY_SERVICE)
)

_MAX_PENDING = 20_000
# Seconds that a connection which has reached its age stays for its calls, over what the longest of them may take.
_AGE_GRACE = 10.0
# Pings too many before a connection is closed.
_PING_STRIKES = 2


@dataclass(frozen=True, slots=True)
class Connections:
    """What a client's connection may do: its age and idle time and the time between its pings, in seconds, and calls at once."""

    max_age: float
    max_idle: float
    min_ping_interval: float
    max_streams: int
    # Whether other processes serve on the same port. Without, a forgotten server must not.
    share_port: bool = False


def build_server(
    *,
    orders: OrderServicer,
    catalog: CatalogServicer,
    carts: CartServicer,
    customers: CustomerServicer,
    api_keys: ApiKeyServicer,
    health: Health,
    gate: Gate,
    bounds: Bounds,
    metrics: Metrics,
    connections: Connections,
    reflect: bool,
    reflect_to_all: bool,
) -> grpc.aio.Server:
    """A server with every service, not yet listening. `reflect_to_all`: reflection answers callers whom the gate does not know too."""
    server = grpc.aio.server(options=_options(bounds, connections))
    server.add_generic_rpc_handlers(
        tuple(
            service_handler(servicer, service, gate=gate, bounds=bounds, metrics=metrics)
            for servicer, service in (
                (orders, ORDER_SERVICE),
                (catalog, CATALOG_SERVICE),
                (carts, CART_SERVICE),
                (customers, CUSTOMER_SERVICE),
                (api_keys, API_KEY_SERVICE),
            )
        )
    )
    health.add_to(server)
    if reflect:
        server.add_generic_rpc_handlers(reflection_handlers(SERVICES, None if reflect_to_all else gate))
    server.add_generic_rpc_handlers((UnknownMethods(),))
    return server


def _options(bounds: Bounds, connections: Connections) -> list[tuple[str, int]]:
    longest = max(bounds.seconds, bounds.stream_seconds) + _AGE_GRACE
    return [
        ("grpc.so_reuseport", int(connections.share_port)),
        # Above the limit that requests are refused by with details: the library's own refusal has none.
        ("grpc.max_receive_message_length", 4 * bounds.request_bytes),
        ("grpc.max_send_message_length", -1),
        # Of the calls that wait to be taken up, the library drops some above 1,000, as CANCELLED and without a word. The
        # gate and the writer's queue refuse with details.
        ("grpc.server.max_pending_requests", _MAX_PENDING),
        ("grpc.server.max_pending_requests_hard_limit", _MAX_PENDING),
        ("grpc.max_concurrent_streams", connections.max_streams),
        # The library counts calls among them that are answered and not yet cleared away, and refuses new ones without details.
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
