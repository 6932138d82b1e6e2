"""The gRPC server: the one place where every service is registered."""

import grpc
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection
from orders.v1 import cart_service_pb2, catalog_service_pb2, customer_service_pb2, order_service_pb2

from server.rpc.cart_service import CartServicer
from server.rpc.catalog_service import CatalogServicer
from server.rpc.customer_service import CustomerServicer
from server.rpc.endpoint import UnknownMethods, service_handler
from server.rpc.health import Health
from server.rpc.order_service import OrderServicer

ORDER_SERVICE = order_service_pb2.DESCRIPTOR.services_by_name["OrderService"]
CATALOG_SERVICE = catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"]
CART_SERVICE = cart_service_pb2.DESCRIPTOR.services_by_name["CartService"]
CUSTOMER_SERVICE = customer_service_pb2.DESCRIPTOR.services_by_name["CustomerService"]
SERVICES = tuple(service.full_name for service in (ORDER_SERVICE, CATALOG_SERVICE, CART_SERVICE, CUSTOMER_SERVICE))

_MAX_PENDING = 20_000

# Reflection serves the types of error details only if they are loaded.
_LOADED_FOR_REFLECTION = error_details_pb2


def build_server(
    *,
    orders: OrderServicer,
    catalog: CatalogServicer,
    carts: CartServicer,
    customers: CustomerServicer,
    health: Health,
    max_bytes: int,
    reflect: bool,
) -> grpc.aio.Server:
    """A server with every service, not yet listening."""
    server = grpc.aio.server(
        options=[
            # With one process, a forgotten server must not share the port.
            ("grpc.so_reuseport", 0),
            # Above the limit that requests are refused by with details: the library's own refusal has none.
            ("grpc.max_receive_message_length", 4 * max_bytes),
            ("grpc.max_send_message_length", -1),
            # Of the calls that wait to be taken up, the library drops some above 1,000, as CANCELLED and without a word. The
            # writer's queue refuses with details.
            ("grpc.server.max_pending_requests", _MAX_PENDING),
            ("grpc.server.max_pending_requests_hard_limit", _MAX_PENDING),
        ]
    )
    server.add_generic_rpc_handlers(
        (
            service_handler(orders, ORDER_SERVICE, max_bytes=max_bytes),
            service_handler(catalog, CATALOG_SERVICE, max_bytes=max_bytes),
            service_handler(carts, CART_SERVICE, max_bytes=max_bytes),
            service_handler(customers, CUSTOMER_SERVICE, max_bytes=max_bytes),
        )
    )
    health.add_to(server)
    if reflect:
        names = (*SERVICES, "grpc.health.v1.Health", reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
    server.add_generic_rpc_handlers((UnknownMethods(),))
    return server
