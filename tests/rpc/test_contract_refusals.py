"""Every method refuses every kind of bad request with the right code and details, and changes nothing."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf.message import Message
from orders.v1 import webhook_service_pb2 as webhooks
from orders.v1.access_pb2 import ROLE_ADMIN, ROLE_CUSTOMER, SCOPE_ORDERS_READ
from orders.v1.accounting_pb2 import ListPaymentsRequest, ListRefundsRequest
from orders.v1.api_key_service_pb2 import (
    CreateApiKeyRequest,
    GetApiKeyRequest,
    RevokeApiKeyRequest,
    RotateApiKeyRequest,
)
from orders.v1.audit_service_pb2 import ListAuditEventsRequest
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
    DeleteDeliveryZoneRequest,
    GetCouponRequest,
    GetDeliveryZoneRequest,
    GetProductRequest,
    Product,
)
from orders.v1.consumer_service_pb2 import UpsertConsumerRequest
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
    GetCustomerRequest,
    SearchCustomersRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.fulfilment_queue_pb2 import ListFulfilmentsRequest
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_METHOD_CREDIT_CARD,
    TRACKING_STATUS_IN_TRANSIT,
    Order,
    PaymentEvent,
)
from orders.v1.order_service_pb2 import (
    UPSERT_MODE_ALL_OR_NOTHING,
    UPSERT_OUTCOME_INSERTED,
    UPSERT_OUTCOME_INVALID,
    BatchGetOrdersRequest,
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    ListOrdersRequest,
    PriceOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    SearchOrdersRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain.base.errors import MAX_VIOLATIONS
from tests.conftest import HOME, RefusedCall, Service, new_order, refusal_of, usd
from tests.methods import METHODS, OF_PROVIDER, name_order, names_order
from tests.rpc.breaks import CONTROL_CHARACTERS, breaks_of_money, breaks_of_rules, free_texts, half_a_yen, in_yen
from tests.rpc.calls import call, fields_of, new_subject, outcome
from tests.samples import SAMPLES, Subject, request_for

INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
NOT_FOUND = grpc.StatusCode.NOT_FOUND
ABORTED = grpc.StatusCode.ABORTED

UNKNOWN_ORDERS = (
    "01890a5d-ac96-774b-bcce-b302099a8057",
    "ORD-2026-999999",
    "nonsense",
    "ü",
    " ",
    "x" * 64,
    *CONTROL_CHARACTERS,
)


# The lists that the samples leave empty.
COUPONS = {"coupon_codes", "add_coupon_codes", "remove_coupon_codes"}


def filters_in(message: Any) -> Iterator[Any]:
    """The filters of orders in a request, whose names of orders the samples leave empty too."""
    for field, value in message.ListFields():
        if field.message_type is not None and not field.is_repeated:
            yield from [value] if field.message_type.name == "OrderFilter" else filters_in(value)


@dataclass(frozen=True)
class World:
    """Orders in the statuses that rules ask about (`imported` is pending; i-1 is one that is shipped), tokens of lists, and keys."""

    pending: Order
    shipped: Order
    cancelled: Order
    imported: Order
    tokens: dict[str, str]
    revoked_key: str
    certificate_key: str
    endpoint_id: str

    def request_for(self, method: str) -> Any:
        request = request_for(method, Subject(self.pending.order_id, endpoint=self.endpoint_id))
        for field in COUPONS.intersection(request.DESCRIPTOR.fields_by_name):
            getattr(request, field).extend(("tenth", "tenth"))
        for wanted in filters_in(request):
            wanted.order_ids.extend(("one", "two"))
        return request


@pytest.fixture(scope="module")
async def world(service: Service) -> World:
    orders = service.orders
    extra = [
        Product(product_id="sushi", name="Sushi", price={"currency_code": "JPY", "units": 900}, stock=100),
        Product(product_id="pen", name="Pen", price=usd(1), stock=100),
        Product(product_id="yacht", name="Yacht", price=usd(9_000_000_000_000), stock=1_000_000),
    ]
    await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=extra))
    pending, shipped, cancelled = [await orders.CreateOrder(new_order()) for _ in range(3)]
    await orders.CancelOrder(CancelOrderRequest(order_id=cancelled.order_id))
    for move in (
        TransitionOrderRequest(status=ORDER_STATUS_CONFIRMED, override_reason="paid in cash"),
        TransitionOrderRequest(status=ORDER_STATUS_SHIPPED, carrier="DHL", tracking_number="1Z"),
    ):
        move.order_id = shipped.order_id
        shipped = await orders.TransitionOrder(move)
    # They wait in the work queue.
    confirmation = {"status": ORDER_STATUS_CONFIRMED, "override_reason": "paid in cash"}
    for waiting in [await orders.CreateOrder(new_order()) for _ in range(2)]:
        await orders.TransitionOrder(TransitionOrderRequest(order_id=waiting.order_id, **confirmation))
    await orders.BatchUpsertOrders(imported("i-1", status=ORDER_STATUS_SHIPPED))
    upserted = await orders.BatchUpsertOrders(imported("i-2"))
    stored = await orders.GetOrder(GetOrderRequest(order_id=upserted.results[0].order_id))
    api_key = {"owner": "shop", "roles": [ROLE_ADMIN], "scopes": [SCOPE_ORDERS_READ]}
    named = api_key | {"certificate_name": "shop.example"}
    revoked, certificate = [
        (await service.api_keys.CreateApiKey(CreateApiKeyRequest(api_key=wished))).key_id for wished in (api_key, named)
    ]
    await service.api_keys.RevokeApiKey(RevokeApiKeyRequest(key_id=revoked))
    endpoint_id = await new_endpoint(service)
    tokens = await tokens_of(service, Subject(shipped.order_id, endpoint=endpoint_id))
    return World(pending, shipped, cancelled, stored, tokens, revoked, certificate, endpoint_id)


async def new_endpoint(service: Service) -> str:
    """The id of a webhook endpoint with several deliveries, beside other endpoints."""
    for _ in range(3):
        request = webhooks.CreateWebhookEndpointRequest(endpoint={"url": "https://127.0.0.1/"})
        (answer,) = await call(service, "CreateWebhookEndpoint", request)
        endpoint_id = webhooks.CreateWebhookEndpointResponse.FromString(answer).endpoint.endpoint_id
        await call(service, "TestWebhookEndpoint", webhooks.TestWebhookEndpointRequest(endpoint_id=endpoint_id))
    await call(service, "TestWebhookEndpoint", webhooks.TestWebhookEndpointRequest(endpoint_id=endpoint_id))
    return str(endpoint_id)


# The methods that take a token, each with its field; the answer's field is called the same or `next_page_token`.
TOKENS = {
    name: field
    for name, method in METHODS.items()
    for field in ("resume_token", "page_token")
    if field in method.input_type.fields_by_name and name not in ("AckConsumer", "SeekConsumer")
}
# Their tokens are good for each other.
FEED = {"WatchOrders", "ListOrderChanges"}
# A list's last message has such a token too, behind which there is nothing to list.
TAKING_CURSORS = {*FEED, "ListOrders"}


async def tokens_of(service: Service, subject: Subject) -> dict[str, str]:
    """A token of every method that gives one."""
    lists: dict[str, Message] = {
        "ListOrders": ListOrdersRequest(page_size=1),
        "SearchOrders": SearchOrdersRequest(page_size=1),
    }
    lists["ListFulfilments"] = ListFulfilmentsRequest(page_size=1)
    lists["ListWebhookDeliveries"] = webhooks.ListWebhookDeliveriesRequest(endpoint_id=subject.endpoint_id, page_size=1)
    lists["ListPayments"] = ListPaymentsRequest(page_size=1)
    lists["ListRefunds"] = ListRefundsRequest(page_size=1)
    lists["ListAuditEvents"] = ListAuditEventsRequest(page_size=1)
    lists["SearchCustomers"] = SearchCustomersRequest(name="Jane", page_size=1)
    found: dict[str, str] = {}
    for name in ("a", "b"):
        await call(service, "UpsertConsumer", UpsertConsumerRequest(consumer={"consumer_id": name}))
        await call(service, "UpsertCustomer", UpsertCustomerRequest(customer={"customer_id": name, "name": "Jane"}))
        await call(service, "AddCartItem", AddCartItemRequest(customer_id=name, product_id="mug", quantity=1))
        order = await service.orders.CreateOrder(new_order())
        paid = PaymentEvent(event_id=f"paid-{name}", type=PAYMENT_EVENT_TYPE_PAID)
        await service.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=paid))
        await service.orders.RefundOrder(RefundOrderRequest(order_id=order.order_id, amount=usd(1)))
    for method, field in TOKENS.items():
        request = lists.get(method) or request_for(method, subject)
        answer = METHODS[method].output_type._concrete_class.FromString((await call(service, method, request))[0])
        found[method] = getattr(answer, "resume_token" if field == "resume_token" else "next_page_token")
    return found


def imported(*ids: str, **fields: Any) -> BatchUpsertOrdersRequest:
    request = BatchUpsertOrdersRequest(source="shop", mode=UPSERT_MODE_ALL_OR_NOTHING)
    for external_order_id in ids:
        order = request.orders.add(external_order_id=external_order_id, customer={"name": "Omar"}, **fields)
        if not order.items:
            order.items.add(sku="A", quantity=1, unit_price=usd(5))
    return request


class Case(NamedTuple):
    """A request and how it has to be refused."""

    name: str
    request: Message | bytes
    code: grpc.StatusCode = INVALID
    reason: str = "INVALID_ORDER_DATA"
    fields: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = MappingProxyType({})

    def mismatch(self, refusal: RefusedCall | None) -> str:
        """What is not as it has to be, if anything."""
        if refusal is None:
            return f"{self.name}: not refused"
        expected = (self.code, self.reason, self.fields)
        infos = [(info.domain, info.reason) for info in refusal.infos]
        if infos != [("orders.v1", self.reason)] or refusal.code != self.code or refusal.fields.keys() != self.fields:
            return f"{self.name}: expected {expected}, got {refusal}"
        if self.metadata.items() - refusal.metadata.items():
            return f"{self.name}: expected metadata {self.metadata}, got {refusal.metadata}"
        if not refusal.message or not all(refusal.fields.values()):
            return f"{self.name}: says nothing: {refusal}"
        return ""


def wrong(name: str, request: Message, *fields: str) -> Case:
    return Case(name, request, fields=frozenset(fields))


def unknown_orders(method: str, world: World) -> Iterator[Case]:
    """The sample request, about orders that do not exist."""
    for name in UNKNOWN_ORDERS:
        request = world.request_for(method)
        name_order(request, name)
        yield Case(f"unknown order {name!r}", request, NOT_FOUND, "ORDER_NOT_FOUND", metadata={"order_id": name})


def bad_tokens(method: str, world: World) -> list[Case]:
    """Tokens that are garbage, damaged, of another query or of another method."""
    request = type(world.request_for(method))
    field = TOKENS[method]
    named = {
        "ListOrderEvents": {"order_id": world.shipped.order_id},
        "ListStockAdjustments": {"product_id": "lamp"},
        "ListStockMovements": {"product_id": "lamp"},
        "ListPointsEntries": {"customer_id": "jane"},
        "ListWebhookDeliveries": {"endpoint_id": world.endpoint_id},
        "SearchCustomers": {"name": "Jane"},
    }.get(method, {})
    own = world.tokens[method]
    assert own
    damaged = [own[:-4], own[4:], own + "AAAA", own[:10] + ("A" if own[10] != "A" else "B") + own[11:], own.upper()]
    garbage = ["!", "AAAA", "ü", "\0", "e30=", "x" * 4096, "null", " "]
    others = [
        token
        for name, token in world.tokens.items()
        if name != method and not (name in FEED and method in TAKING_CURSORS)
    ]
    cases = [request(**named, **{field: token}) for token in (*damaged, *garbage, *others)]
    if method in ("SearchOrders", "ListOrders"):
        cases += [
            request(filter={"customer_id": "jane"}, **{field: own}),
            request(order_by=3, **{field: own}),
            request(sort_order=2, **{field: own}),
        ]
    if method == "ListOrders":
        cases.append(request(limit=7, resume_token=own))
    if method == "ListOrderEvents":
        cases.append(request(order_id=world.pending.order_id, page_token=own))
    if method == "ListStockAdjustments":
        cases.append(request(product_id="mug", page_token=own))
    if method == "ListPointsEntries":
        cases.append(request(customer_id="joe", page_token=own))
    return [
        Case(f"token of {case}", case, INVALID, "RESUME_TOKEN_INVALID", metadata={"field": field}) for case in cases
    ]


def create_order_cases(world: World) -> list[Case]:
    def with_items(*items: tuple[str, str, int]) -> CreateOrderRequest:
        lines = [
            {"product_id": product, "variant_id": variant, "quantity": pieces} for product, variant, pieces in items
        ]
        return CreateOrderRequest(customer_id="jane", items=lines, shipping_address=HOME)

    missing = {"product_id": "nope", "variant_id": ""}
    short = {"product_id": "pen", "requested": "101", "available": "100"}
    coupon = {"coupon_code": "SAVE10", "condition": "exists"}
    points = {"requested": "5", "available": "0"}
    way = {"condition": "method", "method": "drone", "available": "standard, express"}
    return [
        wrong("no items", CreateOrderRequest(customer_id="jane"), "items"),
        wrong("items and a cart", new_order(cart_id="c1"), "cart_id"),
        wrong("a variant is not named", with_items(("mug", "", 1), ("sofa", "", 1)), "items[1].variant_id"),
        wrong("two currencies", with_items(("mug", "", 1), ("sushi", "", 1)), "items[1].product_id"),
        wrong("a line too large", with_items(("mug", "", 1), ("yacht", "", 1000)), "items[1].quantity"),
        wrong("a total too large", with_items(*[("yacht", "", 1)] * 200), "items"),
        wrong("no street", new_order(shipping_address={"city": "X"}), "shipping_address.street"),
        wrong("no billing street", new_order(billing_address={"city": "X"}), "billing_address.street"),
        wrong("unknown saved address", new_order(shipping_address_id="a1"), "shipping_address_id"),
        wrong("unknown saved billing address", new_order(billing_address_id="a1"), "billing_address_id"),
        Case("unknown cart", CreateOrderRequest(customer_id="jane", cart_id="c1"), NOT_FOUND, "CART_NOT_FOUND"),
        Case("unknown product", with_items(("nope", "", 1)), PRECONDITION, "PRODUCT_NOT_FOUND", metadata=missing),
        Case("unknown variant", with_items(("sofa", "pink", 1)), PRECONDITION, "PRODUCT_NOT_FOUND"),
        Case("variant of none", with_items(("mug", "pink", 1)), PRECONDITION, "PRODUCT_NOT_FOUND"),
        Case("too many", with_items(("pen", "", 101)), PRECONDITION, "INSUFFICIENT_STOCK", metadata=short),
        Case("too many together", with_items(*[("pen", "", 51)] * 2), PRECONDITION, "INSUFFICIENT_STOCK"),
        Case("coupon", new_order(coupon_code="SAVE10"), PRECONDITION, "INVALID_COUPON", metadata=coupon),
        Case(
            "points", new_order("poor", loyalty_points_to_use=5), PRECONDITION, "INSUFFICIENT_POINTS", metadata=points
        ),
        wrong("unknown payment method", new_order(payment_method_id="pm-9"), "payment_method_id"),
        wrong("no address", CreateOrderRequest(customer_id="jane", items=new_order().items), "shipping_address"),
        wrong("no price in the currency", new_order(currency_code="EUR"), "items[0].product_id"),
        Case("no such way", new_order(delivery_method="drone"), PRECONDITION, "DELIVERY_NOT_AVAILABLE", metadata=way),
        Case("not even in theory", new_order(product_id="nope", validate_only=True), PRECONDITION, "PRODUCT_NOT_FOUND"),
    ]


def list_cases(method: str, world: World) -> list[Case]:
    request = type(world.request_for(method))
    early, late = {"seconds": 5}, {"seconds": 6}
    return [
        wrong(f"{name} upside down", request(filter={f"{name}_from": late, f"{name}_to": early}), f"filter.{name}_from")
        for name in ("create_time", "update_time")
    ]


# A mask's paths are no fields of the request: the field tells which of them is meant.
def mask_path(path: str) -> str:
    return f"update_mask: {path}"


def update_order_cases(world: World) -> list[Case]:
    pending, shipped, cancelled = world.pending.order_id, world.shipped.order_id, world.cancelled.order_id

    def update(order_id: str, *mask: str, **fields: Any) -> UpdateOrderRequest:
        return UpdateOrderRequest(order={"order_id": order_id, **fields}, update_mask={"paths": mask})

    too_late = {"from": "SHIPPED", "field": "items"}
    many = [f"nope{number}" for number in range(20)]
    cases = [
        wrong("no order id", update(""), "order.order_id"),
        *(
            wrong(f"mask {path!r}", update(pending, path), mask_path(path))
            for path in (
                *("nope", "", ".", "status.", "customer.nope", "metadata.channel", "items.quantity", "Status", "\0"),
                *("order_id", "version", "create_time", "pricing.total", "customer.customer_id", "source", "pricing"),
            )
        ),
        wrong("many bad paths", update(pending, *many), *map(mask_path, many)),
        wrong("star and more", update(pending, "*", "metadata"), mask_path("*")),
        wrong("may not change", update(pending, source="elsewhere"), "order.source"),
        wrong("pricing", update(pending, pricing={"total": usd(1)}), "order.pricing.total"),
        wrong("no items left", update(pending, "items"), "order.items"),
        wrong("no product", update(pending, items=[{"quantity": 1}]), "order.items[0].product_id"),
        wrong(
            "unknown line",
            update(pending, items=[{"item_id": "9", "product_id": "mug", "quantity": 1}]),
            "order.items[0].item_id",
        ),
        wrong(
            "line twice",
            update(pending, items=[{"item_id": "1", "product_id": "mug", "quantity": 1}] * 2),
            "order.items[1].item_id",
        ),
        wrong(
            "no variant", update(pending, items=[{"product_id": "sofa", "quantity": 1}]), "order.items[0].variant_id"
        ),
        wrong(
            "no street",
            update(pending, "shipping_address", shipping_address={"city": "X"}),
            "order.shipping_address.street",
        ),
        wrong(
            "imported items",
            update(world.imported.order_id, items=[{"product_id": "mug", "quantity": 1}]),
            "order.items",
        ),
        Case(
            "unknown product",
            update(pending, items=[{"product_id": "x", "quantity": 1}]),
            PRECONDITION,
            "PRODUCT_NOT_FOUND",
        ),
        Case(
            "too many",
            update(pending, items=[{"product_id": "pen", "quantity": 101}]),
            PRECONDITION,
            "INSUFFICIENT_STOCK",
        ),
        Case(
            "items of a shipped order",
            update(shipped, items=[{"product_id": "mug", "quantity": 9}]),
            PRECONDITION,
            "INVALID_TRANSITION",
            metadata=too_late,
        ),
        Case("a cancelled order", update(cancelled, referral_code="X"), PRECONDITION, "ORDER_ALREADY_CANCELLED"),
        Case("status back", update(shipped, status=ORDER_STATUS_PENDING), PRECONDITION, "INVALID_TRANSITION"),
        wrong("status none", update(pending, "status"), "order.status"),
        Case(
            "unpaid",
            update(pending, status=ORDER_STATUS_CONFIRMED),
            PRECONDITION,
            "INVALID_TRANSITION",
            metadata={"guard": "paid"},
        ),
        Case("cancel too late", update(shipped, status=ORDER_STATUS_CANCELLED), PRECONDITION, "ORDER_NOT_CANCELLABLE"),
        Case("stale", update(pending, etag="0", referral_code="X"), ABORTED, "ETAG_MISMATCH", metadata={"etag": "1"}),
        Case("etag with NUL", update(pending, etag="\0", referral_code="X"), ABORTED, "ETAG_MISMATCH"),
    ]
    return cases


def transition_order_cases(world: World) -> list[Case]:
    pending, shipped, cancelled = world.pending.order_id, world.shipped.order_id, world.cancelled.order_id

    def move(order_id: str, status: Any, **fields: Any) -> TransitionOrderRequest:
        return TransitionOrderRequest(order_id=order_id, status=status, **fields)

    unpaid = {"order_id": pending, "from": "PENDING", "to": "CONFIRMED", "guard": "paid"}
    back = {"order_id": shipped, "from": "SHIPPED", "to": "PENDING"}
    late = {"order_id": shipped, "status": "SHIPPED"}
    return [
        Case("unpaid", move(pending, ORDER_STATUS_CONFIRMED), PRECONDITION, "INVALID_TRANSITION", metadata=unpaid),
        Case("too far", move(pending, ORDER_STATUS_DELIVERED), PRECONDITION, "INVALID_TRANSITION"),
        Case("nowhere", move(pending, ORDER_STATUS_PENDING), PRECONDITION, "INVALID_TRANSITION"),
        Case("back", move(shipped, ORDER_STATUS_PENDING), PRECONDITION, "INVALID_TRANSITION", metadata=back),
        Case(
            "cancel late", move(shipped, ORDER_STATUS_CANCELLED), PRECONDITION, "ORDER_NOT_CANCELLABLE", metadata=late
        ),
        Case("cancelled", move(cancelled, ORDER_STATUS_SHIPPED), PRECONDITION, "ORDER_ALREADY_CANCELLED"),
        Case(
            "stale", move(pending, ORDER_STATUS_CANCELLED, etag="0"), ABORTED, "ETAG_MISMATCH", metadata={"etag": "1"}
        ),
    ]


def cancel_order_cases(world: World) -> list[Case]:
    def cancel(order: Order, **fields: Any) -> CancelOrderRequest:
        return CancelOrderRequest(order_id=order.order_id, **fields)

    return [
        Case("shipped", cancel(world.shipped), PRECONDITION, "ORDER_NOT_CANCELLABLE", metadata={"status": "SHIPPED"}),
        Case("again", cancel(world.cancelled), PRECONDITION, "ORDER_ALREADY_CANCELLED"),
        Case("stale", cancel(world.pending, etag="0"), ABORTED, "ETAG_MISMATCH", metadata={"etag": "1"}),
    ]


def record_tracking_event_cases(world: World) -> list[Case]:
    def record(order_id: str, **fields: Any) -> RecordTrackingEventRequest:
        event = {"status": TRACKING_STATUS_IN_TRANSIT, **fields}
        return RecordTrackingEventRequest(order_id=order_id, event=event)

    future = record(world.shipped.order_id, time={"seconds": 7_000_000_000})
    pending, cancelled = record(world.pending.order_id), record(world.cancelled.order_id)
    return [
        wrong("in the future", future, "event.time"),
        Case("cancelled", cancelled, PRECONDITION, "ORDER_ALREADY_CANCELLED"),
        Case("not even confirmed", pending, PRECONDITION, "INVALID_TRANSITION"),
    ]


def batch_upsert_orders_cases(world: World) -> list[Case]:
    mixed, other_currency, huge, costly = (
        imported("n-1", "n-2"),
        imported("n-1", "i-1"),
        imported("n-1"),
        imported("n-1"),
    )
    mixed.orders[1].items.add(sku="B", quantity=1, unit_price={"currency_code": "EUR", "units": 5})
    other_currency.orders[1].items[0].unit_price.currency_code = "EUR"
    huge.orders[0].items[0].unit_price.units = 10**12
    huge.orders[0].items[0].quantity = 1_000_000
    costly.orders[0].discount.CopyFrom(usd(6))
    discounted = imported("n-1", "n-2")
    discounted.orders[1].discount.CopyFrom(Order().pricing.total)
    return [
        wrong("the same order twice", imported("n-1", "n-1"), "orders[1].external_order_id"),
        wrong("a status that goes back", imported("n-1", "i-1", status=ORDER_STATUS_PENDING), "orders[1].status"),
        wrong("two currencies", mixed, "orders[1].items[1].unit_price.currency_code"),
        wrong("a currency that changes", other_currency, "orders[1].items[0].unit_price.currency_code"),
        wrong("too large", huge, "orders[0].items"),
        wrong("a discount above the price", costly, "orders[0].discount"),
        wrong("a discount in no currency", discounted, "orders[1].discount.currency_code"),
        wrong("several", imported("", ""), "orders[0].external_order_id", "orders[1].external_order_id"),
    ]


def batch_upsert_products_cases(world: World) -> list[Case]:
    mug = {"product_id": "mug2", "name": "Mug", "price": usd(1)}
    variants = [{"variant_id": "a", "name": "A"}, {"variant_id": "a", "name": "A"}]

    def put(*products: dict[str, Any]) -> BatchUpsertProductsRequest:
        return BatchUpsertProductsRequest(products=products)

    euro = {"currency_code": "EUR", "units": 1}
    return [
        wrong("twice", put(mug, mug), "products[1].product_id"),
        wrong("the same variant twice", put(mug | {"variants": variants}), "products[0].variants[1].variant_id"),
        wrong("stock beside variants", put(mug | {"variants": variants[:1], "stock": 1}), "products[0].stock"),
        wrong(
            "installation in another currency",
            put(mug | {"installation_price": euro}),
            "products[0].installation_price.currency_code",
        ),
        wrong(
            "a variant in another currency",
            put(mug | {"variants": [variants[0] | {"price": euro}]}),
            "products[0].variants[0].price.currency_code",
        ),
    ]


def adjust_stock_cases(world: World) -> list[Case]:
    def adjust(product_id: str, delta: int = 1, **fields: Any) -> AdjustStockRequest:
        return AdjustStockRequest(product_id=product_id, delta=delta, **{"reason": "count"} | fields)

    short = {"product_id": "pen", "requested": "101", "available": "100"}
    return [
        wrong("a reason the database cannot hold", adjust("mug", reason="a\0b"), "reason"),
        Case("unknown", adjust("nope"), NOT_FOUND, "PRODUCT_NOT_FOUND", metadata={"product_id": "nope"}),
        Case("unknown variant", adjust("sofa", variant_id="pink"), NOT_FOUND, "PRODUCT_NOT_FOUND"),
        Case("no variant", adjust("sofa"), NOT_FOUND, "PRODUCT_NOT_FOUND"),
        Case("too many", adjust("pen", -101), PRECONDITION, "INSUFFICIENT_STOCK", metadata=short),
    ]


def price_order_cases(world: World) -> list[Case]:
    """Those of CreateOrder: the request is one of its, inside."""
    return [
        case._replace(
            request=PriceOrderRequest(order=case.request), fields=frozenset(f"order.{field}" for field in case.fields)
        )
        for case in create_order_cases(world)
    ]


def record_payment_cases(world: World) -> list[Case]:
    def record(order_id: str, **fields: Any) -> RecordPaymentRequest:
        event = {"event_id": "evt-1", "type": PAYMENT_EVENT_TYPE_PAID, **fields}
        return RecordPaymentRequest(order_id=order_id, event=event)

    pending = world.pending.order_id
    return [
        wrong("in another currency", record(pending, amount={"currency_code": "EUR", "units": 1}), EVENT_CURRENCY),
        wrong("an unknown refund", record(pending, type=PAYMENT_EVENT_TYPE_REFUNDED, refund_id="9"), "event.refund_id"),
    ]


EVENT_CURRENCY = "event.amount.currency_code"


def refund_order_cases(world: World) -> list[Case]:
    pending = world.pending.order_id
    nothing = {"order_id": pending, "refundable": "0.00 USD"}
    return [
        Case("unpaid", RefundOrderRequest(order_id=pending), PRECONDITION, "REFUND_EXCEEDS_PAYMENT", metadata=nothing),
        Case("stale", RefundOrderRequest(order_id=pending, etag="0"), ABORTED, "ETAG_MISMATCH", metadata={"etag": "1"}),
    ]


def batch_upsert_coupons_cases(world: World) -> list[Case]:
    percentage = {"code": "P", "type": 1, "basis_points": 100}
    fixed = {"code": "F", "type": 2, "amounts": [usd(5)]}

    def put(*coupons: dict[str, Any]) -> BatchUpsertCouponsRequest:
        return BatchUpsertCouponsRequest(coupons=coupons)

    ended = {"start_time": {"seconds": 5}, "end_time": {"seconds": 5}}
    return [
        wrong("twice", put(percentage, percentage | {"code": "p"}), "coupons[1].code"),
        wrong("a share of nothing", put(percentage | {"basis_points": 0}), "coupons[0].basis_points"),
        wrong("no amount", put(fixed | {"amounts": []}), "coupons[0].amounts"),
        wrong("two amounts", put(fixed | {"amounts": [usd(5), usd(6)]}), "coupons[0].amounts[1].currency_code"),
        wrong("over before it begins", put(fixed | ended), "coupons[0].end_time"),
    ]


def batch_upsert_zones_cases(world: World) -> list[Case]:
    way = {"method": "standard", "prices": [usd(5)]}
    zone = {"zone_id": "z-1", "areas": [{"country": "Utopia"}], "methods": [way]}

    def put(*zones: dict[str, Any]) -> BatchUpsertDeliveryZonesRequest:
        return BatchUpsertDeliveryZonesRequest(zones=zones)

    return [
        wrong("twice", put(zone, zone), "zones[1].zone_id"),
        wrong("an area of another zone", put(zone | {"areas": [{"country": "ATLANTIS"}]}), "zones[0].areas[0]"),
        wrong("a method twice", put(zone | {"methods": [way, way]}), "zones[0].methods[1].method"),
    ]


def cart_cases(make: Any) -> list[Case]:
    missing = {"cart_id": "c1"}
    return [Case("unknown cart", make(customer_id="jane", cart_id="c1"), NOT_FOUND, "CART_NOT_FOUND", metadata=missing)]


def cart_item_cases(make: Any) -> list[Case]:
    missing = {"item_id": "9"}
    line = make(customer_id="jane", item_id="9")
    return [
        *cart_cases(lambda **fields: make(item_id="1", **fields)),
        Case("unknown line", line, NOT_FOUND, "CART_ITEM_NOT_FOUND", metadata=missing),
    ]


def add_cart_item_cases(world: World) -> list[Case]:
    def add(product_id: str, quantity: int = 1, **fields: Any) -> AddCartItemRequest:
        return AddCartItemRequest(**{"customer_id": "jane"} | fields, product_id=product_id, quantity=quantity)

    short = {"product_id": "pen", "requested": "101", "available": "100"}
    return [
        *cart_cases(lambda **fields: add("mug", **fields)),
        wrong("no variant", add("sofa"), "variant_id"),
        wrong("no price in the currency", add("mug", currency_code="EUR"), "product_id"),
        Case("unknown product", add("nope"), PRECONDITION, "PRODUCT_NOT_FOUND", metadata={"product_id": "nope"}),
        Case("too many", add("pen", 101), PRECONDITION, "INSUFFICIENT_STOCK", metadata=short),
    ]


def of_nobody(make: Any, reason: str) -> list[Case]:
    """Of a customer of whom nothing is kept, and something that jane does not have."""
    return [
        Case("unknown customer", make("nobody"), NOT_FOUND, "CUSTOMER_NOT_FOUND", metadata={"customer_id": "nobody"}),
        Case("not saved", make("jane"), NOT_FOUND, reason, metadata={"customer_id": "jane"}),
    ]


def upsert_payment_method_cases(world: World) -> list[Case]:
    def save(**fields: Any) -> UpsertPaymentMethodRequest:
        return UpsertPaymentMethodRequest(
            customer_id="jane", payment_method={"type": PAYMENT_METHOD_CREDIT_CARD, **fields}
        )

    return [
        wrong("a card number", save(brand="4111 1111 1111 1111"), "payment_method.brand"),
        wrong("a card number for a token", save(provider_token="4111111111111111"), "payment_method.provider_token"),
        wrong("half an expiry", save(expiry_month=1), "payment_method.expiry_year"),
    ]


def adjust_points_cases(world: World) -> list[Case]:
    def adjust(delta: int, **fields: Any) -> AdjustPointsRequest:
        return AdjustPointsRequest(customer_id="poor", delta=delta, **{"reason": "gift"} | fields)

    short = {"requested": "1", "available": "0"}
    return [Case("too many", adjust(-1), PRECONDITION, "INSUFFICIENT_POINTS", metadata=short)]


def create_api_key_cases(world: World) -> list[Case]:
    def create(role: int, **fields: Any) -> CreateApiKeyRequest:
        return CreateApiKeyRequest(api_key={"owner": "shop", "roles": [role], "scopes": [SCOPE_ORDERS_READ], **fields})

    taken = {"certificate_name": "shop.example"}
    return [
        wrong("a customer without a name", create(ROLE_CUSTOMER), "api_key.customer_id"),
        wrong("an admin with a customer's name", create(ROLE_ADMIN, customer_id="jane"), "api_key.customer_id"),
        wrong("over already", create(ROLE_ADMIN, expire_time={"seconds": 1}), "api_key.expire_time"),
        Case("taken", create(ROLE_ADMIN, **taken), PRECONDITION, "CERTIFICATE_NAME_TAKEN", metadata=taken),
    ]


def unknown_keys(make: Any) -> list[Case]:
    return [
        Case(f"unknown key {name!r}", make(key_id=name), NOT_FOUND, "API_KEY_NOT_FOUND", metadata={"key_id": name})
        for name in ("000000000000", "x", "'")
    ]


def rotate_api_key_cases(world: World) -> list[Case]:
    revoked = Case("revoked", RotateApiKeyRequest(key_id=world.revoked_key), PRECONDITION, "API_KEY_REVOKED")
    return [
        revoked._replace(metadata={"key_id": world.revoked_key}),
        wrong("a certificate's", RotateApiKeyRequest(key_id=world.certificate_key), "key_id"),
        *unknown_keys(RotateApiKeyRequest),
    ]


# Refusals by the rules of chosen methods. Every method has the others: see `every_case`.
DOMAIN_CASES = {
    "CreateOrder": create_order_cases,
    "BatchGetOrders": lambda world: [
        wrong("an empty id", BatchGetOrdersRequest(order_ids=["x", ""]), "order_ids[1]"),
        wrong("nothing", BatchGetOrdersRequest(), "order_ids"),
    ],
    "ListOrders": lambda world: list_cases("ListOrders", world),
    "SearchOrders": lambda world: list_cases("SearchOrders", world),
    "UpdateOrder": update_order_cases,
    "TransitionOrder": transition_order_cases,
    "CancelOrder": cancel_order_cases,
    "RecordTrackingEvent": record_tracking_event_cases,
    "BatchUpsertOrders": batch_upsert_orders_cases,
    "BatchUpsertProducts": batch_upsert_products_cases,
    "GetProduct": lambda world: [Case("unknown", GetProductRequest(product_id="nope"), NOT_FOUND, "PRODUCT_NOT_FOUND")],
    "AdjustStock": adjust_stock_cases,
    "PriceOrder": price_order_cases,
    "RecordPayment": record_payment_cases,
    "RefundOrder": refund_order_cases,
    "GetInvoice": lambda world: [
        Case("not confirmed", GetInvoiceRequest(order_id=world.pending.order_id), NOT_FOUND, "INVOICE_NOT_FOUND"),
        Case("imported", GetInvoiceRequest(order_id=world.imported.order_id), NOT_FOUND, "INVOICE_NOT_FOUND"),
    ],
    "ReorderOrder": lambda world: [
        wrong("imported", ReorderOrderRequest(order_id=world.imported.order_id), "order_id"),
    ],
    "BatchUpsertCoupons": batch_upsert_coupons_cases,
    "GetCoupon": lambda world: [Case("unknown", GetCouponRequest(code="nope"), NOT_FOUND, "COUPON_NOT_FOUND")],
    "BatchUpsertDeliveryZones": batch_upsert_zones_cases,
    "GetDeliveryZone": lambda world: [
        Case("unknown", GetDeliveryZoneRequest(zone_id="nope"), NOT_FOUND, "DELIVERY_ZONE_NOT_FOUND")
    ],
    "DeleteDeliveryZone": lambda world: [
        Case("unknown", DeleteDeliveryZoneRequest(zone_id="nope"), NOT_FOUND, "DELIVERY_ZONE_NOT_FOUND")
    ],
    "GetCart": lambda world: cart_cases(GetCartRequest),
    "AddCartItem": add_cart_item_cases,
    "UpdateCartItem": lambda world: cart_item_cases(lambda **fields: UpdateCartItemRequest(quantity=1, **fields)),
    "RemoveCartItem": lambda world: cart_item_cases(RemoveCartItemRequest),
    "ClearCart": lambda world: cart_cases(ClearCartRequest),
    "GetCustomer": lambda world: [
        Case("unknown", GetCustomerRequest(customer_id="nobody"), NOT_FOUND, "CUSTOMER_NOT_FOUND")
    ],
    "UpsertCustomer": lambda world: [
        wrong("nobody", UpsertCustomerRequest(customer={"name": "Jane"}), "customer.customer_id")
    ],
    "UpsertAddress": lambda world: [
        wrong("no street", UpsertAddressRequest(customer_id="jane", address={"city": "X"}), "address.street")
    ],
    "DeleteAddress": lambda world: of_nobody(
        lambda name: DeleteAddressRequest(customer_id=name, address_id="nope"), "ADDRESS_NOT_FOUND"
    ),
    "UpsertPaymentMethod": upsert_payment_method_cases,
    "DeletePaymentMethod": lambda world: of_nobody(
        lambda name: DeletePaymentMethodRequest(customer_id=name, payment_method_id="nope"), "PAYMENT_METHOD_NOT_FOUND"
    ),
    "AdjustPoints": adjust_points_cases,
    "CreateApiKey": create_api_key_cases,
    "GetApiKey": lambda world: unknown_keys(GetApiKeyRequest),
    "RotateApiKey": rotate_api_key_cases,
    "RevokeApiKey": lambda world: unknown_keys(RevokeApiKeyRequest),
}


def cases_of_bytes(method: str, request: Message) -> list[Case]:
    """Bytes that are no request of the method, or too many of them."""
    valid = request.SerializeToString()
    fields = METHODS[method].input_type.fields
    # PriceOrder has only a message, which is no more a text than these.
    text = next((field for field in fields if field.type == field.TYPE_STRING), next(iter(fields), None))
    tag = bytes(((text.number if text else 1) << 3 | 2,))
    padding = (4 << 20) + 1 - len(valid) - 5
    length = bytes((padding & 0x7F | 0x80, padding >> 7 & 0x7F | 0x80, padding >> 14 & 0x7F | 0x80, padding >> 21))
    undecodable = {
        "garbage": b"\xff" * 20,
        "half a tag": b"\x80",
        "half a text": tag + b"\x05ab",
        "a text that is not UTF-8": valid + tag + b"\x02\xff\xfe",
        "half a character": valid + tag + b"\x01\xc3",
        "a surrogate": valid + tag + b"\x03\xed\xa0\x80",
        "a group that never ends": valid + b"\x7b",
        "a wire type that does not exist": valid + b"\x0f",
        "a byte over 4 MiB": valid + b"\x7a" + length + bytes(padding),
    }
    if text is None:
        # What no field knows may be of any kind.
        undecodable = {
            name: data for name, data in undecodable.items() if not name.endswith(("UTF-8", "character", "surrogate"))
        }
    return [Case(name, data, fields=frozenset({""})) for name, data in undecodable.items()]


def every_case(method: str, world: World) -> Iterable[Case]:
    valid = world.request_for(method)
    if method in DOMAIN_CASES:
        yield from DOMAIN_CASES[method](world)
    if names_order(METHODS[method]):
        yield from unknown_orders(method, world)
    if method in TOKENS:
        yield from bad_tokens(method, world)
    yield from cases_of_bytes(method, valid)
    for found in (*breaks_of_rules(method), *breaks_of_money(method)):
        # Items of a batch of writes are answered one by one: test_batch_writes.
        if not found.field.startswith("requests["):
            yield wrong(found.name, found.applied_to(valid), found.field)
    for found in () if method == "BatchCreateOrders" else half_a_yen(method):
        yield wrong(found.name, found.applied_to(in_yen(valid)), found.field)


def test_every_method_has_a_sample_request_of_its_type() -> None:
    nothing = Subject("")
    assert {name: SAMPLES[name].request(nothing).DESCRIPTOR for name in METHODS} == {
        name: method.input_type for name, method in METHODS.items()
    }
    assert SAMPLES.keys() == METHODS.keys()


@pytest.mark.parametrize("method", METHODS)
async def test_the_sample_request_of_every_method_is_answered(service: Service, method: str) -> None:
    subject = await new_subject(service, method)
    assert breaks_of_rules(method) or not METHODS[method].input_type.fields
    refusal = await outcome(service, method, request_for(method, subject))
    assert (refusal and refusal.reason) == ("PAYMENT_OF_OTHER_PROVIDER" if method in OF_PROVIDER else None)


@pytest.mark.parametrize("method", METHODS)
async def test_every_bad_request_is_refused_by_name_and_changes_nothing(
    service: Service, world: World, method: str
) -> None:
    cases = list(every_case(method, world))
    before = await service.contents()
    # Fewer at once than the queue of large requests holds.
    at_once = asyncio.Semaphore(100)

    async def refusal(case: Case) -> RefusedCall | None:
        async with at_once:
            return await outcome(service, method, case.request)

    outcomes = await asyncio.gather(*map(refusal, cases))
    mismatches = [mismatch for case, found in zip(cases, outcomes, strict=True) if (mismatch := case.mismatch(found))]
    assert mismatches == []
    assert await service.contents() == before


TEXTS = (
    "two\nlines\tand a tab",
    "NUL \0 in it",
    "\x1b[31m\x7f\u0085\u2028",
    "🛋️ Größe 漢字 \u202e",
    "'; DROP TABLE orders; --",
)


@pytest.mark.parametrize("method", METHODS)
async def test_no_text_makes_the_server_fail(service: Service, world: World, method: str) -> None:
    valid = world.request_for(method)
    requests = [found.applied_to(valid) for text in TEXTS for found in free_texts(method, text)]
    outcomes = []
    # Fewer at a time than the bulk lane takes.
    for start in range(0, len(requests), 50):
        some = requests[start : start + 50]
        outcomes += await asyncio.gather(*(outcome(service, method, request) for request in some))
    assert {found.code for found in outcomes if found} <= {INVALID, NOT_FOUND, PRECONDITION, ABORTED}
    assert [found for found in outcomes if found and (len(found.infos) != 1 or not found.reason)] == []


@pytest.mark.parametrize("text", TEXTS)
async def test_free_text_comes_back_as_it_was_sent(service: Service, text: str) -> None:
    order = await service.orders.CreateOrder(
        new_order(special_instructions=text, metadata={text: text}, shipping_address={"street": text, "name": text})
    )
    stored = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    assert stored.special_instructions == stored.shipping_address.street == stored.shipping_address.name == text
    assert dict(stored.metadata) == {text: text}


async def test_a_request_beyond_what_the_transport_takes_is_refused_before_it_is_read(service: Service) -> None:
    refusal = await outcome(service, "CreateOrder", bytes((16 << 20) + 1))
    assert refusal is not None
    assert refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await outcome(service, "GetProduct", GetProductRequest(product_id="mug")) is None


@pytest.mark.parametrize("method", ["/orders.v1.OrderService/Nope", "/orders.v1.Nope/GetOrder", "/nope"])
async def test_an_unknown_method_is_refused_with_details(service: Service, method: str) -> None:
    for kind in (service.channel.unary_unary, service.channel.unary_stream):
        call = kind(method)(b"\xff")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call if kind == service.channel.unary_unary else [answer async for answer in call]
        refusal = refusal_of(caught.value)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_NOT_FOUND")
        assert refusal.metadata == {"method": method}


async def test_a_refusal_of_any_length_fits_what_clients_take(service: Service) -> None:
    """Clients give up on more than 8 KiB of trailers, and then show neither the code nor the reason."""
    long = "漢" * 2000
    metadata = {f"{number}{long}": long for number in range(50)}
    requests = {
        "CreateOrder": [new_order(metadata=metadata), CreateOrderRequest(items=[{}] * 500)],
        "UpdateOrder": [
            UpdateOrderRequest(order={"order_id": long}),
            UpdateOrderRequest(order={"order_id": "x"}, update_mask={"paths": [long] * 50}),
        ],
        "BatchUpsertOrders": [imported(*[long] * 500), imported("n-1", metadata=metadata)],
    }
    for method, refusable in requests.items():
        for request in refusable:
            refusal = await outcome(service, method, request)
            assert refusal is not None
            assert refusal.code in (INVALID, NOT_FOUND)
            assert refusal.reason in ("INVALID_ORDER_DATA", "ORDER_NOT_FOUND")


async def test_a_refusal_names_the_first_fields_and_says_that_there_are_more(service: Service) -> None:
    request = CreateOrderRequest(customer_id="jane", items=[{"quantity": 1}] * 500)
    refusal = await outcome(service, "CreateOrder", request)
    assert refusal is not None
    assert list(refusal.fields) == [f"items[{index}].product_id" for index in range(MAX_VIOLATIONS)]
    assert "and at least " in refusal.message


async def test_a_bad_order_of_a_batch_is_answered_by_itself_with_the_details_of_an_error(service: Service) -> None:
    valid = request_for("BatchUpsertOrders", Subject("batch"))
    found = breaks_of_rules("BatchUpsertOrders") + breaks_of_money("BatchUpsertOrders")
    breaks = [one for one in found if one.field.startswith("orders[1].")]
    mismatches = []
    for number, one in enumerate(breaks):
        request = BatchUpsertOrdersRequest()
        request.CopyFrom(one.applied_to(valid))
        request.mode = 0
        request.source = f"shop{number}"
        response = await service.orders.BatchUpsertOrders(request)
        good, bad = response.results
        fields = fields_of(bad.status)
        if (good.outcome, bad.outcome, bad.index) != (UPSERT_OUTCOME_INSERTED, UPSERT_OUTCOME_INVALID, 1):
            mismatches.append(f"{one.name}: {response}")
        if fields != {one.field} or bad.status.code != INVALID.value[0] or bad.order_id:
            mismatches.append(f"{one.name}: {bad}")
    assert mismatches == []
