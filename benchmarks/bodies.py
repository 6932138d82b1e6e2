"""Serialized requests, by the thousand: each a template with its holes filled, so that making them costs the load next to nothing."""

import itertools
from collections.abc import Iterator
from uuid import uuid4

from google.type.money_pb2 import Money
from grpc_health.v1.health_pb2 import HealthCheckRequest
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_pb2 import ORDER_STATUS_CONFIRMED, Address, Order
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    GetOrderRequest,
    ListOrdersRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from benchmarks.template import Template

ORDER_SERVICE = "/orders.v1.OrderService/"
HEALTH = "/grpc.health.v1.Health/Check"
GET, CREATE, LIST = f"{ORDER_SERVICE}GetOrder", f"{ORDER_SERVICE}CreateOrder", f"{ORDER_SERVICE}ListOrders"
UPDATE, TRANSITION, CANCEL = (f"{ORDER_SERVICE}{name}Order" for name in ("Update", "Transition", "Cancel"))
UPSERT = f"{ORDER_SERVICE}BatchUpsertOrders"
UPSERT_PRODUCTS = "/orders.v1.CatalogService/BatchUpsertProducts"

PRODUCTS = 1000
BATCH = 1000

_ADDRESS = Address(
    name="Jane Doe", street="123 Main St", city="New York", state="NY", postal_code="10001", country="US"
)
_ORDER_ID = "01900000-0000-7000-8000-000000000000"
_REQUEST_ID = "request-00000000-0000000000"

# Of this run alone, so that no request id is met twice.
# Of letters alone: by chance, digits before a request id's own would have each request looked through for card numbers.
_run = uuid4().hex[:8].translate(str.maketrans("0123456789", "ghijklmnop"))
_numbers = itertools.count()


def product_id(number: int) -> str:
    return f"p{number:04d}"


def customer_id(number: int) -> str:
    return f"customer-{number:04d}"


def usd(units: int) -> Money:
    return Money(currency_code="USD", units=units)


def products() -> BatchUpsertProductsRequest:
    """What there is to order, never sold out."""
    request = BatchUpsertProductsRequest()
    for number in range(PRODUCTS):
        request.products.add(
            product_id=product_id(number), name=f"Product {number}", price=usd(10), stock=1_000_000_000
        )
    return request


def noop() -> Iterator[bytes]:
    return itertools.repeat(HealthCheckRequest(service="liveness").SerializeToString())


def creates(*, products: int, customers: int = 1000) -> Iterator[bytes]:
    """New orders of 3 lines without end, of as many customers: on as many products, the same each time if 1 or 3, else spread over them."""
    request = CreateOrderRequest(request_id=_REQUEST_ID, customer_id=customer_id(0), shipping_address=_ADDRESS)
    for line in range(3):
        request.items.add(product_id=f"p000{line}", quantity=1)
    template = Template.of(request, _REQUEST_ID, customer_id(0), "p0000", "p0001", "p0002")
    for number in _numbers:
        # Neighbours meet on no product, and every product has its turn.
        lines = (product_id((number * 7 + 331 * line) % products) for line in range(3))
        if products == 3:
            lines = (product_id(line) for line in range(3))
        yield template.fill(_request_id(number), customer_id(number % customers), *lines)


def gets(order_ids: list[str]) -> Iterator[bytes]:
    """The orders in turn, again and again."""
    template = Template.of(GetOrderRequest(order_id=_ORDER_ID), _ORDER_ID)
    return itertools.cycle([template.fill(order_id) for order_id in order_ids])


def updates(order_ids: list[str]) -> Iterator[bytes]:
    """Other instructions for each order."""
    request = UpdateOrderRequest(request_id=_REQUEST_ID, update_mask={"paths": ["special_instructions"]})
    request.order.order_id, request.order.special_instructions = _ORDER_ID, "ring the bell, number 0000000000"
    template = Template.of(request, _ORDER_ID, "0000000000", _REQUEST_ID)
    for number, order_id in zip(_numbers, order_ids, strict=False):
        yield template.fill(order_id, f"{number:010d}", _request_id(number))


def transitions(order_ids: list[str]) -> Iterator[bytes]:
    """Each order is confirmed, and gets its invoice."""
    request = TransitionOrderRequest(
        order_id=_ORDER_ID,
        status=ORDER_STATUS_CONFIRMED,
        request_id=_REQUEST_ID,
        override_reason="paid by bank transfer",
    )
    return _once_each(Template.of(request, _ORDER_ID, _REQUEST_ID), order_ids)


def cancels(order_ids: list[str]) -> Iterator[bytes]:
    """Each order is cancelled, and its stock comes back."""
    request = CancelOrderRequest(order_id=_ORDER_ID, reason="ordered twice", request_id=_REQUEST_ID)
    return _once_each(Template.of(request, _ORDER_ID, _REQUEST_ID), order_ids)


def first_pages(customers: int) -> Iterator[bytes]:
    """The newest orders of customer after customer."""
    request = ListOrdersRequest(filter={"customer_id": "buyer-000000"}, limit=20)
    template = Template.of(request, "buyer-000000")
    return itertools.cycle([template.fill(f"buyer-{number:06d}") for number in range(customers)])


def batches(name: str, count: int, *, quantity: int = 1) -> list[bytes]:
    """Calls of BatchUpsertOrders, with orders of their own; those of another quantity differ in all orders."""
    return [batch(f"{name}-{number}", quantity=quantity).SerializeToString() for number in range(count)]


def batch(name: str, *, quantity: int = 1, size: int = BATCH) -> BatchUpsertOrdersRequest:
    """A call of BatchUpsertOrders with so many orders of three lines."""
    request = BatchUpsertOrdersRequest(source="bench")
    for number in range(size):
        order = request.orders.add(external_order_id=f"{name}-{number:04d}", address_text="123 Main St, New York")
        order.customer.customer_id, order.customer.name = f"customer-{number:04d}", "Jane Doe"
        for line in range(3):
            order.items.add(sku=f"sku-{line}", name="Product", quantity=quantity, unit_price=usd(10))
    return request


def _once_each(template: Template, order_ids: list[str]) -> Iterator[bytes]:
    for number, order_id in zip(_numbers, order_ids, strict=False):
        yield template.fill(order_id, _request_id(number))


def _request_id(number: int) -> str:
    return f"request-{_run}-{number:010d}"


def order_id_of(order: bytes) -> str:
    """The id of a serialized order."""
    return Order.FromString(order).order_id
