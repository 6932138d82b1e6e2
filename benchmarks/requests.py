"""Requests of every method: a read's are sent again and again, a write's once each."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from google.protobuf.message import Message
from orders.v1.access_pb2 import ROLE_FULFILMENT, SCOPE_ORDERS_READ
from orders.v1.api_key_service_pb2 import (
    ApiKey,
    CreateApiKeyRequest,
    GetApiKeyRequest,
    ListApiKeysRequest,
    RevokeApiKeyRequest,
    RotateApiKeyRequest,
)
from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    ClearCartRequest,
    GetCartRequest,
    RemoveCartItemRequest,
    UpdateCartItemRequest,
)
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    DeleteDeliveryZoneRequest,
    DeliveryZone,
    GetCouponRequest,
    GetDeliveryZoneRequest,
    GetProductRequest,
    ListCouponsRequest,
    ListDeliveryZonesRequest,
    ListProductsRequest,
    ListStockAdjustmentsRequest,
    Product,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
    GetCustomerRequest,
    ListPointsEntriesRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    ORDER_STATUS_CONFIRMED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_METHOD_CREDIT_CARD,
    TRACKING_STATUS_PROCESSING,
)
from orders.v1.order_service_pb2 import (
    BatchGetOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    ExplainOrderRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    PriceOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    SearchOrdersRequest,
    TrackOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from benchmarks import bodies

# How many things a call is about, where it can be about many.
MANY = 20
# Whoever changes a zone compares it with all others.
_ZONES = 200


class Requests(NamedTuple):
    """What is sent to a method, serialized."""

    serialized: list[bytes]
    read: bool

    def to_send(self) -> Iterator[bytes]:
        return itertools.cycle(self.serialized) if self.read else iter(self.serialized)


class Stage(NamedTuple):
    """What there is to call for: ids of things that nobody else changes, as many of each."""

    # Tells this stage's own things from those of others.
    name: str
    # Orders that stay as they are; that are confirmed; that are paid; that are cancelled.
    order_ids: list[str]
    # Customers with so many orders as a page has, at least.
    buyers: list[str]
    to_confirm: list[str]
    to_pay: list[str]
    to_cancel: list[str]
    key_ids: list[str]

    def names(self, count: int = 0) -> list[str]:
        return [f"{self.name}-{number:05d}" for number in range(count or len(self.to_pay))]

    def request_ids(self) -> Iterator[str]:
        return (f"request-{self.name}-{number}" for number in itertools.count())


def new_keys(count: int) -> list[bytes]:
    """Requests for keys."""
    key = ApiKey(owner="benchmarks", roles=[ROLE_FULFILMENT], scopes=[SCOPE_ORDERS_READ])
    return [CreateApiKeyRequest(api_key=key).SerializeToString()] * count


def requests_of(stage: Stage) -> dict[str, Requests]:
    """The requests by method, `Service/Method`, in an order in which each finds what it is about."""
    ids = stage.request_ids()
    return {
        **_of("OrderService", _order_reads(stage), ids),
        **_of("OrderService", _order_writes(stage), ids),
        **_of("CartService", _carts(stage), ids),
        **_of("CustomerService", _customers(stage), ids),
        **_of("CatalogService", _catalog(stage), ids),
        # No order could be placed where there are zones, and none for its address.
        **_of("CatalogService", _zones(stage), ids),
        **_of("ApiKeyService", _keys(stage), ids),
    }


def _of(service: str, messages: Mapping[str, Iterable[Message]], request_ids: Iterator[str]) -> dict[str, Requests]:
    return {f"{service}/{name}": _requests(name, list(each), request_ids) for name, each in messages.items()}


def _requests(name: str, messages: list[Message], request_ids: Iterator[str]) -> Requests:
    read = name.startswith(("Get", "BatchGet", "List", "Search", "Track", "Explain", "Price"))
    for message in messages:
        if "request_id" in message.DESCRIPTOR.fields_by_name:
            message.request_id = next(request_ids)  # type: ignore[attr-defined]
    return Requests([message.SerializeToString() for message in messages], read)


def _order_reads(stage: Stage) -> dict[str, Iterable[Message]]:
    ids, buyers = stage.order_ids, stage.buyers
    priced = map(CreateOrderRequest.FromString, itertools.islice(bodies.creates(products=bodies.PRODUCTS), 1000))
    return {
        "GetOrder": (GetOrderRequest(order_id=each) for each in ids),
        "BatchGetOrders": (BatchGetOrdersRequest(order_ids=ids[at : at + MANY]) for at in range(0, len(ids), MANY)),
        "ListOrders": (ListOrdersRequest(filter={"customer_id": each}, limit=MANY) for each in buyers),
        "SearchOrders": (SearchOrdersRequest(filter={"customer_id": each}, page_size=MANY) for each in buyers),
        "TrackOrder": (TrackOrderRequest(order_id=each) for each in ids),
        "ExplainOrder": (ExplainOrderRequest(order_id=each) for each in ids),
        "ListOrderEvents": (ListOrderEventsRequest(order_id=each) for each in ids),
        "PriceOrder": (PriceOrderRequest(order=each) for each in priced),
    }


def _order_writes(stage: Stage) -> dict[str, Iterable[Message]]:
    count = len(stage.to_pay)
    created = map(CreateOrderRequest.FromString, itertools.islice(bodies.creates(products=bodies.PRODUCTS), count))
    paid = {"type": PAYMENT_EVENT_TYPE_PAID}
    packed = {"status": TRACKING_STATUS_PROCESSING, "description": "packed"}
    return {
        "CreateOrder": created,
        "UpdateOrder": (_instructed(each) for each in stage.to_confirm),
        "TransitionOrder": (
            TransitionOrderRequest(order_id=each, status=ORDER_STATUS_CONFIRMED, override_reason="paid in cash")
            for each in stage.to_confirm
        ),
        "GetInvoice": (GetInvoiceRequest(order_id=each) for each in stage.to_confirm),
        "RecordTrackingEvent": (RecordTrackingEventRequest(order_id=each, event=packed) for each in stage.to_confirm),
        "ReorderOrder": (ReorderOrderRequest(order_id=each) for each in stage.to_confirm),
        "RecordPayment": (
            RecordPaymentRequest(order_id=each, event={"event_id": f"paid-{each}", **paid}) for each in stage.to_pay
        ),
        "RefundOrder": (
            RefundOrderRequest(order_id=each, amount=bodies.usd(1), reason="scratched") for each in stage.to_pay
        ),
        "CancelOrder": (CancelOrderRequest(order_id=each, reason="ordered twice") for each in stage.to_cancel),
        "BatchUpsertOrders": (bodies.batch(f"{stage.name}-{number}", size=MANY) for number in range(count // MANY)),
    }


def _instructed(order_id: str) -> UpdateOrderRequest:
    request = UpdateOrderRequest(update_mask={"paths": ["special_instructions"]})
    request.order.order_id, request.order.special_instructions = order_id, "ring the bell"
    return request


def _carts(stage: Stage) -> dict[str, Iterable[Message]]:
    customers, product = stage.names(), bodies.product_id(0)
    half = len(customers) // 2
    return {
        "AddCartItem": (AddCartItemRequest(customer_id=each, product_id=product, quantity=1) for each in customers),
        "GetCart": (GetCartRequest(customer_id=each) for each in customers),
        "UpdateCartItem": (UpdateCartItemRequest(customer_id=each, item_id="1", quantity=2) for each in customers),
        "RemoveCartItem": (RemoveCartItemRequest(customer_id=each, item_id="1") for each in customers[:half]),
        "ClearCart": (ClearCartRequest(customer_id=each) for each in customers[half:]),
    }


def _customers(stage: Stage) -> dict[str, Iterable[Message]]:
    customers = stage.names()
    home = {"address_id": "home", "street": "123 Main St", "city": "New York", "country": "US"}
    card = {"payment_method_id": "card", "type": PAYMENT_METHOD_CREDIT_CARD, "provider_token": "token", "brand": "visa"}
    return {
        "UpsertCustomer": (UpsertCustomerRequest(customer={"customer_id": each, "name": "Jane"}) for each in customers),
        "UpsertAddress": (UpsertAddressRequest(customer_id=each, address=home) for each in customers),
        "UpsertPaymentMethod": (
            UpsertPaymentMethodRequest(customer_id=each, payment_method=card) for each in customers
        ),
        "AdjustPoints": (AdjustPointsRequest(customer_id=each, delta=100, reason="welcome") for each in customers),
        "GetCustomer": (GetCustomerRequest(customer_id=each) for each in customers),
        "ListPointsEntries": (ListPointsEntriesRequest(customer_id=each) for each in customers),
        "DeleteAddress": (DeleteAddressRequest(customer_id=each, address_id="home") for each in customers),
        "DeletePaymentMethod": (
            DeletePaymentMethodRequest(customer_id=each, payment_method_id="card") for each in customers
        ),
    }


def _catalog(stage: Stage) -> dict[str, Iterable[Message]]:
    names, stocked = stage.names(), [bodies.product_id(number) for number in range(bodies.PRODUCTS)]
    products = (Product(product_id=each, name="Product", price=bodies.usd(10), stock=5) for each in names)
    coupons = (Coupon(code=each, type=COUPON_TYPE_PERCENTAGE, basis_points=1000) for each in names)
    return {
        "BatchUpsertProducts": (BatchUpsertProductsRequest(products=some) for some in _batches(products)),
        "GetProduct": (GetProductRequest(product_id=each) for each in names),
        "ListProducts": [ListProductsRequest(page_size=MANY)],
        "AdjustStock": (AdjustStockRequest(product_id=each, delta=1, reason="counted") for each in stocked),
        "ListStockAdjustments": (ListStockAdjustmentsRequest(product_id=each, page_size=MANY) for each in stocked),
        "BatchUpsertCoupons": (BatchUpsertCouponsRequest(coupons=some) for some in _batches(coupons)),
        "GetCoupon": (GetCouponRequest(code=each) for each in names),
        "ListCoupons": [ListCouponsRequest(page_size=MANY)],
    }


def _zones(stage: Stage) -> dict[str, Iterable[Message]]:
    names = stage.names(_ZONES)
    method = {"method": "standard", "prices": [bodies.usd(5)]}
    zones = (DeliveryZone(zone_id=each, areas=[{"country": each}], methods=[method]) for each in names)
    return {
        "BatchUpsertDeliveryZones": (BatchUpsertDeliveryZonesRequest(zones=some) for some in _batches(zones)),
        "GetDeliveryZone": (GetDeliveryZoneRequest(zone_id=each) for each in names),
        "ListDeliveryZones": [ListDeliveryZonesRequest(page_size=MANY)],
        "DeleteDeliveryZone": (DeleteDeliveryZoneRequest(zone_id=each) for each in names),
    }


def _keys(stage: Stage) -> dict[str, Iterable[Message]]:
    return {
        "CreateApiKey": map(CreateApiKeyRequest.FromString, new_keys(len(stage.key_ids))),
        "GetApiKey": (GetApiKeyRequest(key_id=each) for each in stage.key_ids),
        "ListApiKeys": [ListApiKeysRequest(page_size=MANY)],
        "RotateApiKey": (RotateApiKeyRequest(key_id=each) for each in stage.key_ids),
        "RevokeApiKey": (RevokeApiKeyRequest(key_id=each) for each in stage.key_ids),
    }


def _batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    remaining = iter(messages)
    while some := list(itertools.islice(remaining, MANY)):
        yield some
