"""What the contract tests are made of: a valid request of every method, and every way in which its proto says one can be wrong."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import grpc
from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from google.type.money_pb2 import Money
from orders.v1 import (
    api_key_service_pb2,
    cart_service_pb2,
    catalog_service_pb2,
    customer_service_pb2,
    order_service_pb2,
)
from orders.v1.access_pb2 import ROLE_ADMIN, ROLE_CUSTOMER, SCOPE_ORDERS_READ, SCOPE_ORDERS_WRITE
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
    DeleteDeliveryZoneRequest,
    GetCouponRequest,
    GetDeliveryZoneRequest,
    GetProductRequest,
    ListCouponsRequest,
    ListDeliveryZonesRequest,
    ListProductsRequest,
    ListStockAdjustmentsRequest,
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
    COUPON_TYPE_FIXED,
    COUPON_TYPE_PERCENTAGE,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_METHOD_PAYPAL,
    PAYMENT_STATUS_UNPAID,
    TRACKING_STATUS_EXCEPTION,
    Order,
)
from orders.v1.order_service_pb2 import (
    ORDER_BY_TOTAL,
    SORT_ORDER_ASC,
    UPSERT_MODE_ALL_OR_NOTHING,
    BatchGetOrdersRequest,
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    ExplainOrderRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    OrderFilter,
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

from server.domain.access.api_keys import StoredKey
from server.identity import keys
from server.storage.read.api_keys import ApiKeyRepository
from tests.conftest import RefusedCall, Service, new_order, refusal_of, usd

SERVICES = (
    order_service_pb2.DESCRIPTOR.services_by_name["OrderService"],
    catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"],
    cart_service_pb2.DESCRIPTOR.services_by_name["CartService"],
    customer_service_pb2.DESCRIPTOR.services_by_name["CustomerService"],
    api_key_service_pb2.DESCRIPTOR.services_by_name["ApiKeyService"],
)
METHODS: dict[str, MethodDescriptor] = {method.name: method for service in SERVICES for method in service.methods}
WRITES = [name for name, method in METHODS.items() if "request_id" in method.input_type.fields_by_name]
# Those that are about an order's amounts: in its currency only.
IN_THE_ORDERS_CURRENCY = ("RecordPayment", "RefundOrder")

TIME = Timestamp(seconds=1_800_000_000, nanos=500_000_000)
ADDRESS = {"name": "Jane Roe", "street": "1 Main St", "city": "Springfield", "postal_code": "12345", "country": "US"}
CARD = {"payment_method_id": "pm-1", "type": PAYMENT_METHOD_CREDIT_CARD, "brand": "visa", "provider_token": "tok_1"}


def valid_requests(order_id: str) -> dict[str, Message]:
    """A request of every method that succeeds on what `new_subject` made, with two elements in every list and every message set.

    What is not an order's has the order's id in its own, and so nothing to do with other tests.
    """
    return {
        **_order_requests(order_id),
        **_catalog_requests(order_id),
        **_customer_requests(f"c-{order_id}"),
        **_key_requests(order_id),
    }


async def new_subject(service: Service, method: str) -> Order:
    """A new order, and around it what the method's valid request needs."""
    order = await service.orders.CreateOrder(new_order())
    customer_id = f"c-{order.order_id}"
    if method in ("RefundOrder", "GetInvoice"):
        paid = {"event_id": f"before-{order.order_id}", "type": PAYMENT_EVENT_TYPE_PAID}
        order = await service.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=paid))
    elif method in ("GetCart", "UpdateCartItem", "RemoveCartItem", "ClearCart"):
        line = {"product_id": "mug", "quantity": 1}
        await service.carts.AddCartItem(AddCartItemRequest(customer_id=customer_id, **line))
    elif method in ("GetCustomer", "DeleteAddress", "DeletePaymentMethod"):
        address = {"address_id": "home"} | ADDRESS
        await service.customers.UpsertAddress(UpsertAddressRequest(customer_id=customer_id, address=address))
        await service.customers.UpsertPaymentMethod(
            UpsertPaymentMethodRequest(customer_id=customer_id, payment_method=CARD)
        )
    elif method == "DeleteDeliveryZone":
        zone = _zone(f"zone-{order.order_id}", "Shangri-La", order.order_id)
        await service.catalog.BatchUpsertDeliveryZones(BatchUpsertDeliveryZonesRequest(zones=[zone]))
    elif method in ("GetApiKey", "RotateApiKey", "RevokeApiKey"):
        made = keys.generate(_key_id(order.order_id))
        stored = StoredKey(ApiKey(key_id=made.key_id, owner="shop"), made.digest)
        await ApiKeyRepository(service.running.database).add(stored)
    return order


def _order_requests(order_id: str) -> dict[str, Message]:
    listed = OrderFilter(
        customer_id="jane",
        statuses=[ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED],
        payment_statuses=[PAYMENT_STATUS_UNPAID, PAYMENT_STATUS_UNPAID],
        product_id="mug",
        create_time_from={"seconds": 1},
        create_time_to={"seconds": 7_000_000_000},
        update_time_from={"seconds": 1},
        update_time_to={"seconds": 7_000_000_000},
        total_from=usd(0),
        total_to=usd(1_000_000),
    )
    return {
        "CreateOrder": CreateOrderRequest(
            customer_id="jane",
            items=[
                {"product_id": "mug", "quantity": 2, "customizations": {"text": "Jane"}},
                {"product_id": "sofa", "variant_id": "blue", "quantity": 1, "design_project_id": "den"},
            ],
            shipping_address=ADDRESS,
            billing_address=ADDRESS,
            payment_method=PAYMENT_METHOD_PAYPAL,
            payment_method_id="pm-1",
            requested_delivery_time=TIME,
            installation_time=TIME,
            special_instructions="Ring twice",
            referral_code="FRIEND",
            metadata={"channel": "web"},
            delivery_method="express",
            delivery_time_slot="10:00-14:00",
            installation_time_slot="afternoon",
        ),
        "GetOrder": GetOrderRequest(order_id=order_id),
        "BatchGetOrders": BatchGetOrdersRequest(order_ids=[order_id, order_id]),
        "ListOrders": ListOrdersRequest(
            filter=listed, order_by=ORDER_BY_TOTAL, sort_order=SORT_ORDER_ASC, limit=2, page_size=1
        ),
        "SearchOrders": SearchOrdersRequest(
            filter=listed, order_by=ORDER_BY_TOTAL, sort_order=SORT_ORDER_ASC, page_size=1
        ),
        "UpdateOrder": UpdateOrderRequest(
            order={
                "order_id": order_id,
                "customer": {"name": "Jane Roe", "email": "jane@example.com", "phone": "+1 555 0100"},
                "items": [
                    {"product_id": "mug", "quantity": 3, "customizations": {"text": "J"}},
                    {"product_id": "lamp", "quantity": 1},
                ],
                "shipping_address": ADDRESS,
                "billing_address": ADDRESS,
                "payment_method": PAYMENT_METHOD_PAYPAL,
                "delivery": {"method": "express", "requested_time": TIME, "carrier": "DHL", "tracking_number": "1Z"},
                "installation": {"scheduled_time": TIME, "time_slot": "morning"},
                "special_instructions": "Ring once",
                "metadata": {"channel": "phone"},
            }
        ),
        "TransitionOrder": TransitionOrderRequest(
            order_id=order_id, status=ORDER_STATUS_CONFIRMED, override_reason="pays at the door", reason="checked"
        ),
        "CancelOrder": CancelOrderRequest(order_id=order_id, reason="changed my mind"),
        "TrackOrder": TrackOrderRequest(order_id=order_id),
        "RecordTrackingEvent": RecordTrackingEventRequest(
            order_id=order_id,
            event={
                "status": TRACKING_STATUS_EXCEPTION,
                "description": "label torn",
                "time": {"seconds": 1_700_000_000},
                "location": "Giza Distribution Center",
                "city": "Giza",
                "country": "Egypt",
            },
            carrier="DHL",
            tracking_number="1Z999",
            estimated_delivery_time=TIME,
        ),
        "BatchUpsertOrders": BatchUpsertOrdersRequest(
            source="shop",
            mode=UPSERT_MODE_ALL_OR_NOTHING,
            orders=[
                {
                    "external_order_id": f"{order_id}-{number}",
                    "customer": {"customer_id": "c1", "name": "Omar", "email": "o@example.com", "phone": "0100"},
                    "items": [
                        {"sku": "A", "name": "Apple", "quantity": 2, "unit_price": usd(3)},
                        {"sku": "B", "name": "Bread", "quantity": 1, "unit_price": usd(4)},
                    ],
                    "shipping_address": ADDRESS,
                    "discount": usd(1),
                    "total": usd(9),
                    "metadata": {"channel": "app"},
                }
                for number in (1, 2)
            ],
        ),
        "PriceOrder": PriceOrderRequest(
            order=CreateOrderRequest(
                customer_id="jane",
                items=[
                    {"product_id": "mug", "quantity": 2, "customizations": {"text": "Jane"}},
                    {"product_id": "sofa", "variant_id": "red", "quantity": 1, "design_project_id": "den"},
                ],
                shipping_address=ADDRESS,
                billing_address=ADDRESS,
                payment_method=PAYMENT_METHOD_PAYPAL,
                payment_method_id="pm-1",
                requested_delivery_time=TIME,
                installation_time=TIME,
                coupon_code="tenth",
                loyalty_points_to_use=100,
                metadata={"channel": "web"},
                delivery_method="express",
                delivery_time_slot="10:00-14:00",
                installation_time_slot="afternoon",
            )
        ),
        "RecordPayment": RecordPaymentRequest(
            order_id=order_id,
            event={
                "provider": "stripe",
                "event_id": f"evt-{order_id}",
                "type": PAYMENT_EVENT_TYPE_PAID,
                "amount": usd(12, 50),
                "description": "paid by card",
                "time": {"seconds": 1_700_000_000},
            },
        ),
        "RefundOrder": RefundOrderRequest(order_id=order_id, amount=usd(2), reason="a chipped mug"),
        "GetInvoice": GetInvoiceRequest(order_id=order_id),
        "ReorderOrder": ReorderOrderRequest(order_id=order_id),
        "ExplainOrder": ExplainOrderRequest(order_id=order_id),
        "ListOrderEvents": ListOrderEventsRequest(order_id=order_id, page_size=1),
    }


def money(currency: str, units: int) -> Money:
    return Money(currency_code=currency, units=units)


def _catalog_requests(order_id: str) -> dict[str, Message]:
    return {
        "BatchUpsertProducts": BatchUpsertProductsRequest(
            products=[
                {
                    "product_id": f"desk-{order_id}-{number}",
                    "sku": "DESK",
                    "name": "Desk",
                    "price": usd(300),
                    "prices": [money("EUR", 280), money("GBP", 250)],
                    "requires_installation": True,
                    "installation_price": usd(30),
                    "installation_prices": [money("EUR", 28), money("GBP", 25)],
                    "tax_class": "standard",
                    "variants": [
                        {
                            "variant_id": "oak",
                            "name": "Oak",
                            "price": usd(350),
                            "stock": 5,
                            "attributes": {"wood": "oak"},
                            "prices": [money("EUR", 320), money("GBP", 290)],
                        },
                        {
                            "variant_id": "ash",
                            "name": "Ash",
                            "price": usd(320),
                            "stock": 6,
                            "attributes": {"wood": "ash"},
                            "prices": [money("EUR", 300), money("GBP", 270)],
                        },
                    ],
                }
                for number in (1, 2)
            ]
        ),
        "GetProduct": GetProductRequest(product_id="mug"),
        "ListProducts": ListProductsRequest(page_size=1),
        "AdjustStock": AdjustStockRequest(product_id="mug", delta=5, reason="delivery 4711"),
        "ListStockAdjustments": ListStockAdjustmentsRequest(product_id="lamp", page_size=1),
        "BatchUpsertCoupons": BatchUpsertCouponsRequest(
            coupons=[
                {"code": f"A-{order_id}", "type": COUPON_TYPE_PERCENTAGE, "basis_points": 500},
                {
                    "code": f"B-{order_id}",
                    "type": COUPON_TYPE_FIXED,
                    "amounts": [usd(5), money("EUR", 4)],
                    "start_time": {"seconds": 1_700_000_000},
                    "end_time": TIME,
                    "minimum_subtotals": [usd(50), money("EUR", 40)],
                    "usage_limit": 100,
                    "usage_limit_per_customer": 1,
                    "product_ids": ["mug", "sofa"],
                    "description": "5 off",
                },
            ]
        ),
        "GetCoupon": GetCouponRequest(code="tenth"),
        "ListCoupons": ListCouponsRequest(page_size=1),
        "BatchUpsertDeliveryZones": BatchUpsertDeliveryZonesRequest(
            zones=[_zone(f"zone-{order_id}-{name}", name, order_id) for name in ("Avalon", "Lyonesse")]
        ),
        "GetDeliveryZone": GetDeliveryZoneRequest(zone_id="everywhere"),
        "ListDeliveryZones": ListDeliveryZonesRequest(page_size=1),
        "DeleteDeliveryZone": DeleteDeliveryZoneRequest(zone_id=f"zone-{order_id}"),
    }


def _zone(zone_id: str, country: str, order_id: str) -> dict[str, Any]:
    """A zone of two areas that no other zone has."""
    return {
        "zone_id": zone_id,
        "name": country,
        "areas": [{"country": country, "state": order_id, "postal_prefix": prefix} for prefix in ("1", "2")],
        "tax_rates": [{"basis_points": 1900}, {"tax_class": "reduced", "basis_points": 700}],
        "tax_included": True,
        "shipping_tax_class": "standard",
        "installation_tax_class": "standard",
        "methods": [
            {
                "method": method,
                "name": method,
                "prices": [usd(5), money("EUR", 4)],
                "free_from": [usd(100), money("EUR", 90)],
                "handling_days": 1,
                "transit_days": 2,
                "time_slots": ["08:00-12:00", "12:00-16:00"],
            }
            for method in ("standard", "express")
        ],
    }


def _key_id(order_id: str) -> str:
    """The id of the key that goes with an order: as long as one has to be."""
    return order_id[-12:] or "nothing"


def _key_requests(order_id: str) -> dict[str, Message]:
    key_id = _key_id(order_id)
    return {
        "CreateApiKey": CreateApiKeyRequest(
            api_key={
                "owner": "shop",
                "description": "the shop's own",
                "roles": [ROLE_ADMIN, ROLE_CUSTOMER],
                "scopes": [SCOPE_ORDERS_READ, SCOPE_ORDERS_WRITE],
                "customer_id": "jane",
                "certificate_name": f"shop-{order_id}",
                "expire_time": {"seconds": 7_000_000_000},
            }
        ),
        "GetApiKey": GetApiKeyRequest(key_id=key_id),
        "ListApiKeys": ListApiKeysRequest(page_size=1),
        "RotateApiKey": RotateApiKeyRequest(key_id=key_id, overlap={"seconds": 60}),
        "RevokeApiKey": RevokeApiKeyRequest(key_id=key_id),
    }


def _customer_requests(customer_id: str) -> dict[str, Message]:
    named = {"customer_id": customer_id}
    contact = named | {"name": "Jane Roe", "email": "jane@example.com", "phone": "+1 555 0100"}
    address = {"address_id": "office"} | ADDRESS
    card = CARD | {"payment_method_id": "pm-2", "last_four": "4242", "expiry_month": 12, "expiry_year": 2099}
    return {
        "GetCart": GetCartRequest(**named),
        "AddCartItem": AddCartItemRequest(
            **named,
            product_id="sofa",
            variant_id="blue",
            quantity=2,
            design_project_id="den",
            customizations={"text": "Jane"},
            currency_code="USD",
        ),
        "UpdateCartItem": UpdateCartItemRequest(**named, item_id="1", quantity=3),
        "RemoveCartItem": RemoveCartItemRequest(**named, item_id="1"),
        "ClearCart": ClearCartRequest(**named),
        "GetCustomer": GetCustomerRequest(**named),
        "UpsertCustomer": UpsertCustomerRequest(customer=contact),
        "UpsertAddress": UpsertAddressRequest(**named, address=address),
        "DeleteAddress": DeleteAddressRequest(**named, address_id="home"),
        "UpsertPaymentMethod": UpsertPaymentMethodRequest(**named, payment_method=card),
        "DeletePaymentMethod": DeletePaymentMethodRequest(**named, payment_method_id="pm-1"),
        "AdjustPoints": AdjustPointsRequest(**named, delta=5, reason="welcome gift"),
        "ListPointsEntries": ListPointsEntriesRequest(customer_id="jane", page_size=1),
    }


async def call(
    service: Service, method: str, request: Message | bytes, metadata: Sequence[tuple[str, str]] = ()
) -> list[bytes]:
    """The serialized answers of a call, made with serialized bytes, well formed or not."""
    descriptor = METHODS[method]
    path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
    data = request if isinstance(request, bytes) else request.SerializeToString()
    if descriptor.server_streaming:
        return [answer async for answer in service.channel.unary_stream(path)(data, timeout=60, metadata=metadata)]
    return [await service.channel.unary_unary(path)(data, timeout=60, metadata=metadata)]


async def outcome(
    service: Service, method: str, request: Message | bytes, metadata: Sequence[tuple[str, str]] = ()
) -> RefusedCall | None:
    """How a call was refused; None if it was not."""
    try:
        await call(service, method, request, metadata)
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    return None


def fields_of(status: Status) -> set[str]:
    """The fields that a status blames."""
    details = [BadRequest.FromString(detail.value) for detail in status.details if detail.Is(BadRequest.DESCRIPTOR)]
    return {violation.field for detail in details for violation in detail.field_violations}


class Break(NamedTuple):
    """A way to make a valid request break one rule, and the field that the refusal has to name."""

    name: str
    apply: Callable[[Any], None]
    field: str

    def applied_to(self, request: Message) -> Message:
        broken = type(request)()
        broken.CopyFrom(request)
        self.apply(broken)
        return broken


class Bad(NamedTuple):
    """A value that breaks a rule, and what it adds to the field's path."""

    name: str
    value: Any
    suffix: str = ""


Reach = Callable[[Any], Any]
Find = Callable[[FieldDescriptor], Iterator[Break]]


def breaks_of_rules(method: str) -> list[Break]:
    """Everything that breaks a rule of the method's proto."""
    return list(_walk(METHODS[method].input_type, lambda request: request, "", _breaks_of_rules))


def breaks_of_money(method: str) -> list[Break]:
    """Everything that can be wrong with an amount that the caller sets."""
    return list(_walk(METHODS[method].input_type, lambda request: request, "", _breaks_of_money))


def free_texts(method: str, text: str) -> list[Break]:
    """The text in every field that takes any text."""

    def find(field: FieldDescriptor) -> Iterator[Break]:
        rules = _rules(field)
        if is_map(field):
            yield Break("text as a key", lambda m: getattr(m, field.name).update({text[:64]: "value"}), "")
            yield Break("text as a value", lambda m: getattr(m, field.name).update({"key": text}), "")
        elif field.type == field.TYPE_STRING and not field.is_repeated and not rules.string.pattern:
            yield Break("text", _setter(field, text[: rules.string.max_len or None]), "")

    return list(_walk(METHODS[method].input_type, lambda request: request, "", find))


def texts(method: str, text: str) -> list[Break]:
    """The text in every field for text, whether it may be there or not."""

    def find(field: FieldDescriptor) -> Iterator[Break]:
        if is_map(field):
            yield Break("text as a key", lambda m: getattr(m, field.name).update({text: "value"}), "")
            yield Break("text as a value", lambda m: getattr(m, field.name).update({"key": text}), "")
        elif field.type == field.TYPE_STRING and field.is_repeated:
            yield Break("text", lambda m: getattr(m, field.name).append(text), "")
        elif field.type == field.TYPE_STRING:
            yield Break("text", _setter(field, text), "")

    return list(_walk(METHODS[method].input_type, lambda request: request, "", find))


def _walk(descriptor: Any, reach: Reach, path: str, find: Find) -> Iterator[Break]:
    """What `find` finds in a message's fields and in those of the messages in it; in lists, in the second element."""
    for field in descriptor.fields:
        for found in find(field):
            where = f"{path}{field.name}{found.field}"
            yield Break(f"{path}{field.name} {found.name}", _applied(found, reach), where)
        inner = field.message_type
        if inner is not None and inner.file.package == "orders.v1" and not is_map(field) and not _is_output(field):
            index = "[1]" if field.is_repeated else ""
            yield from _walk(inner, _reach_into(field, reach), f"{path}{field.name}{index}.", find)


def _applied(found: Break, reach: Reach) -> Callable[[Any], None]:
    return lambda request: found.apply(reach(request))


def _reach_into(field: FieldDescriptor, reach: Reach) -> Reach:
    def into(request: Any) -> Any:
        value = getattr(reach(request), field.name)
        if field.is_repeated:
            return value[1]
        value.SetInParent()
        return value

    return into


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _rules(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[validate_pb2.field]


def _is_output(field: FieldDescriptor) -> bool:
    behaviours = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.OUTPUT_ONLY in behaviours


def _breaks_of_rules(field: FieldDescriptor) -> Iterator[Break]:
    rules = _rules(field)
    if rules.required:
        yield Break("missing", lambda message: message.ClearField(field.name), "")
    if is_map(field):
        yield from _breaks_of_map(field, rules.map)
    elif field.is_repeated:
        yield from _breaks_of_list(field, rules.repeated)
    else:
        for bad in _bad_values(field, rules):
            yield Break(bad.name, _setter(field, bad.value), bad.suffix)


def _setter(field: FieldDescriptor, value: Any) -> Callable[[Any], None]:
    def apply(message: Any) -> None:
        if isinstance(value, Message):
            getattr(message, field.name).CopyFrom(value)
        else:
            setattr(message, field.name, value)

    return apply


def _breaks_of_map(field: FieldDescriptor, rules: Any) -> Iterator[Break]:
    _expect_only(rules, {"max_pairs", "keys", "values"}, field)
    for count in (rules.max_pairs + 1, 10_000):
        pairs = {f"key {number}": "" for number in range(count)}
        yield Break(f"has {count} pairs", lambda message, pairs=pairs: getattr(message, field.name).update(pairs), "")
    for bad in _bad_texts(rules.keys.string):
        pair = {bad.value: "value"}
        put = Break(f"key {bad.name}", lambda m, pair=pair: getattr(m, field.name).update(pair), f'["{bad.value}"]')
        yield put
    for bad in _bad_texts(rules.values.string):
        pair = {"key": bad.value}
        yield Break(f"value {bad.name}", lambda m, pair=pair: getattr(m, field.name).update(pair), '["key"]')


def _breaks_of_list(field: FieldDescriptor, rules: Any) -> Iterator[Break]:
    _expect_only(rules, {"min_items", "max_items", "unique", "items"}, field)
    if rules.min_items:
        yield Break("is empty", lambda message: message.ClearField(field.name), "")
    for count in (rules.max_items + 1, 10_000) if rules.max_items else ():
        yield Break(f"has {count} elements", lambda message, count=count: _fill(message, field, count), "")
    if rules.unique:
        yield Break("has one twice", lambda message: _set_second(message, field, getattr(message, field.name)[0]), "")
    for bad in _bad_values(field, rules.items) if rules.items.WhichOneof("type") else ():
        yield Break(f"element {bad.name}", lambda m, bad=bad: _set_second(m, field, bad.value), f"[1]{bad.suffix}")


# For lists that callers leave empty: they have texts.
FILLER = "items"


def _fill(message: Any, field: FieldDescriptor, count: int) -> None:
    values = getattr(message, field.name)
    first = values[0] if values else FILLER
    values.extend([first] * (count - len(values)))


def _set_second(message: Any, field: FieldDescriptor, value: Any) -> None:
    values = getattr(message, field.name)
    values.extend([FILLER] * (2 - len(values)))
    values[1] = value


def _bad_values(field: FieldDescriptor, rules: Any) -> Iterator[Bad]:
    kind = rules.WhichOneof("type")
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        yield from _bad_times(rules.timestamp, field)
    elif kind == "duration":
        _expect_only(rules.duration, {"gte", "lte"}, field)
        for seconds in (rules.duration.gte.seconds - 1, rules.duration.lte.seconds + 1, 300_000_000_000):
            yield Bad(f"of {seconds} s", Duration(seconds=seconds))
    elif kind == "string":
        _expect_only(rules.string, {"min_len", "max_len", "pattern"}, field)
        yield from _bad_texts(rules.string)
    elif kind == "enum":
        yield from _bad_enums(field, rules.enum)
    elif kind in ("int32", "int64"):
        yield from _bad_numbers(kind, getattr(rules, kind), field)
    else:
        assert kind is None, f"there are no cases for the {kind} rules of {field.full_name}"


def _expect_only(rules: Any, known: set[str], field: FieldDescriptor) -> None:
    unknown = {rule.name for rule, _ in rules.ListFields()} - known
    assert not unknown, f"there are no cases for the rules {unknown} of {field.full_name}"


CONTROL_CHARACTERS = ("a\0b", "a\nb", "a\r\n", "\x1b[31mred", "a\x7fb", "a\u0085b")


def _bad_texts(rules: Any) -> Iterator[Bad]:
    if rules.max_len:
        yield Bad("too long", "x" * (rules.max_len + 1))
        yield (
            Bad("far too long", "x" * 100_000) if rules.pattern else Bad("too long in CJK", "漢" * (rules.max_len + 1))
        )
    if rules.min_len:
        yield Bad("empty", "")
    for text in (*CONTROL_CHARACTERS, "tab\t", "blank here", "Übergröße", "漢字", "A"):
        if rules.pattern and not re.fullmatch(rules.pattern, text):
            yield Bad(repr(text), text)


def _bad_enums(field: FieldDescriptor, rules: Any) -> Iterator[Bad]:
    _expect_only(rules, {"defined_only", "not_in"}, field)
    assert rules.defined_only
    highest = max(field.enum_type.values_by_number)
    for number in (highest + 1, 99, -1, 2**31 - 1, -(2**31), *rules.not_in):
        yield Bad(f"= {number}", number)


def _bad_numbers(kind: str, rules: Any, field: FieldDescriptor) -> Iterator[Bad]:
    _expect_only(rules, {"gt", "gte", "lte", "not_in"}, field)
    largest = 2 ** (31 if kind == "int32" else 63)
    low = rules.gt if rules.HasField("gt") else rules.gte - 1
    numbers = [low, low - 1, -largest, *rules.not_in]
    if rules.HasField("lte"):
        numbers += [rules.lte + 1, largest - 1]
    for number in numbers:
        yield Bad(f"= {number}", number)


def _bad_times(rules: Any, field: FieldDescriptor) -> Iterator[Bad]:
    _expect_only(rules, {"gte", "lt"}, field)
    if rules.HasField("lt"):
        for seconds in (rules.gte.seconds - 1, rules.lt.seconds, 2**63 - 1, -(2**63)):
            yield Bad(f"at {seconds} s", Timestamp(seconds=seconds))
    for nanos in (2_000_000_000, 1_000_000_000, -1):
        yield Bad(f"with {nanos} ns", Timestamp(seconds=1, nanos=nanos), ".nanos")


def _breaks_of_money(field: FieldDescriptor) -> Iterator[Break]:
    if field.message_type is None or field.message_type.full_name != "google.type.Money" or _is_output(field):
        return
    put, index = (_put_second, "[1]") if field.is_repeated else (_setter, "")
    for code in ("ZZZ", "usd", "", "US\0"):
        bad = Money(currency_code=code, units=1)
        yield Break(f"in currency {code!r}", put(field, bad), f"{index}.currency_code")
    for bad, suffix in (
        (Money(currency_code="USD", units=-1), ""),
        (Money(currency_code="USD", nanos=-10_000_000), ""),
        (Money(currency_code="USD", units=5, nanos=-10_000_000), ""),
        (Money(currency_code="USD", units=2**63 - 1), ""),
        (Money(currency_code="USD", units=10**15), ""),
        (Money(currency_code="USD", units=-(2**63)), ""),
        (Money(currency_code="USD", units=1, nanos=5_000_000), ".nanos"),
        (Money(currency_code="USD", units=1, nanos=1), ".nanos"),
        (Money(currency_code="USD", units=1, nanos=1_000_000_000), ".nanos"),
        (Money(currency_code="USD", nanos=2**31 - 1), ".nanos"),
    ):
        yield Break(f"is {bad.units} USD {bad.nanos} nanos", put(field, bad), f"{index}{suffix}")


def _put_second(field: FieldDescriptor, bad: Money) -> Callable[[Any], None]:
    """Sets the second amount of a list; dollars become its own currency, as a list has each currency once."""

    def apply(message: Any) -> None:
        amount = getattr(message, field.name)[1]
        currency = amount.currency_code
        amount.CopyFrom(bad)
        if bad.currency_code == "USD":
            amount.currency_code = currency

    return apply


# Currencies without decimals: for single amounts, and for those in a list, which are each in another.
YEN = "JPY"
LIKE_YEN = ("KRW", "CLP")


def in_yen(request: Message) -> Message:
    """The same request with all its amounts in currencies without decimals."""
    copy = type(request)()
    copy.CopyFrom(request)
    _to_yen(copy)
    return copy


def _to_yen(message: Message) -> None:
    for field, value in message.ListFields():
        if field.message_type is None or is_map(field):
            continue
        amounts = field.message_type.full_name == "google.type.Money"
        for index, inner in enumerate(value if field.is_repeated else (value,)):
            if amounts:
                inner.currency_code = LIKE_YEN[index] if field.is_repeated else YEN
            else:
                _to_yen(inner)


def half_a_yen(method: str) -> list[Break]:
    """Half a yen in every single amount that the caller sets; for requests in yen."""
    if method in IN_THE_ORDERS_CURRENCY:
        return []

    def find(field: FieldDescriptor) -> Iterator[Break]:
        for _ in list(_breaks_of_money(field))[: not field.is_repeated]:
            yield Break("is half a yen", _setter(field, Money(currency_code=YEN, nanos=500_000_000)), ".nanos")

    return list(_walk(METHODS[method].input_type, lambda request: request, "", find))
