"""Carts, customers, coupons, zones, payments and refunds: every refusal with all that it says, secrets, and lists."""

import itertools
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    Cart,
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
    ListCouponsRequest,
    ListDeliveryZonesRequest,
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
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_INSUFFICIENT_STOCK,
    ERROR_REASON_PRICE_CHANGED,
)
from orders.v1.order_pb2 import (
    COUPON_TYPE_FIXED,
    COUPON_TYPE_PERCENTAGE,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_METHOD_PAYPAL,
    PAYMENT_STATUS_PAID,
    Order,
)
from orders.v1.order_service_pb2 import (
    UPSERT_OUTCOME_INSERTED,
    UPSERT_OUTCOME_INVALID,
    BatchUpsertOrdersResponse,
    CancelOrderRequest,
    CreateOrderRequest,
    ExplainOrderRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    PriceOrderRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.conftest import HOME, RefusedCall, Service, new_order, serving, stock_shop, usd
from tests.rpc.calls import call, fields_of, outcome
from tests.shop import money
from tests.storage.helpers import imported, upserts

INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
NOT_FOUND = grpc.StatusCode.NOT_FOUND
ABORTED = grpc.StatusCode.ABORTED

TOMORROW, YESTERDAY = Timestamp(seconds=4_000_000_000), Timestamp(seconds=1_000_000_000)
MARS = {"street": "1 Crater", "state": "Tharsis", "postal_code": "M-1", "country": "Mars"}
NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"

COUPONS = [
    Coupon(code="LATER", type=COUPON_TYPE_PERCENTAGE, basis_points=1000, start_time=TOMORROW),
    Coupon(code="OVER", type=COUPON_TYPE_PERCENTAGE, basis_points=1000, end_time=YESTERDAY),
    Coupon(code="BIG", type=COUPON_TYPE_PERCENTAGE, basis_points=1000, minimum_subtotals=[usd(100)]),
    Coupon(code="LAMPS", type=COUPON_TYPE_PERCENTAGE, basis_points=1000, product_ids=["lamp", "pen"]),
    Coupon(code="EURO", type=COUPON_TYPE_FIXED, amounts=[money("GBP", 4), money("EUR", 5)]),
    Coupon(code="GONE", type=COUPON_TYPE_PERCENTAGE, basis_points=1000, usage_limit=1),
    Coupon(code="ONCE", type=COUPON_TYPE_PERCENTAGE, basis_points=1000, usage_limit_per_customer=1),
]
USA = DeliveryZone(
    zone_id="usa",
    areas=[{"country": "US"}],
    methods=[
        {"method": "standard", "prices": [usd(5), money("EUR", 4)]},
        {"method": "express", "prices": [usd(9)], "time_slots": ["08:00-12:00", "12:00-16:00"]},
    ],
)


@dataclass(frozen=True)
class World:
    """A shop that delivers to the USA and Atlantis only, with what the cases ask for."""

    shop: Service
    # One of each, and an order that uses the coupon BIG.
    pending: Order
    paid: Order
    imported: Order
    with_coupon: Order
    # Of jane: two mugs and a pen.
    cart: Cart


@pytest.fixture(scope="module")
async def world(new_database: Callable[[], str]) -> AsyncIterator[World]:
    async with serving(new_database()) as shop:
        yield await _make_world(shop)


async def _make_world(shop: Service) -> World:
    await stock_shop(shop)
    pen = Product(product_id="pen", name="Pen", price=usd(1), prices=[money("EUR", 2)], stock=10)
    sushi = Product(product_id="sushi", name="Sushi", price=money("JPY", 900), stock=10)
    await shop.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[pen, sushi]))
    await shop.catalog.BatchUpsertCoupons(BatchUpsertCouponsRequest(coupons=COUPONS))
    await shop.catalog.BatchUpsertDeliveryZones(BatchUpsertDeliveryZonesRequest(zones=[USA]))
    await shop.catalog.DeleteDeliveryZone(DeleteDeliveryZoneRequest(zone_id="everywhere"))
    orders = shop.orders
    pending = await orders.CreateOrder(new_order(coupon_code="GONE"))
    paid = await orders.CreateOrder(new_order(coupon_code="once"))
    event = {"event_id": "evt-paid", "type": PAYMENT_EVENT_TYPE_PAID}
    paid = await orders.RecordPayment(RecordPaymentRequest(order_id=paid.order_id, event=event))
    for amount, kind in (
        (usd(2), PAYMENT_EVENT_TYPE_REFUNDED),
        (usd(3), PAYMENT_EVENT_TYPE_REFUND_FAILED),
        (usd(4), 0),
    ):
        paid = await orders.RefundOrder(RefundOrderRequest(order_id=paid.order_id, amount=amount))
        if kind:
            refund_id = paid.refunds[-1].refund_id
            done = {"event_id": f"evt-refund-{refund_id}", "type": kind, "refund_id": refund_id}
            paid = await orders.RecordPayment(RecordPaymentRequest(order_id=paid.order_id, event=done))
    upserted = await orders.BatchUpsertOrders(upserts("shop", imported("i-1")))
    stored = await orders.GetOrder(GetOrderRequest(order_id=upserted.results[0].order_id))
    with_coupon = await orders.CreateOrder(new_order(quantity=10, coupon_code="big", delivery_method="express"))
    for product_id, quantity in (("mug", 2), ("pen", 1)):
        line = AddCartItemRequest(customer_id="jane", product_id=product_id, quantity=quantity)
        cart = await shop.carts.AddCartItem(line)
    return World(shop, pending, paid, stored, with_coupon, cart)


class Case(NamedTuple):
    """A call that is refused, and with what. The refusal has this metadata and these fields, and no others."""

    request: Message
    code: grpc.StatusCode
    reason: str
    metadata: MappingProxyType[str, str] | dict[str, str] = MappingProxyType({})
    fields: Iterable[str] = ()

    @property
    def method(self) -> str:
        return type(self.request).__name__.removesuffix("Request")


def wrong(request: Message, *fields: str) -> Case:
    return Case(request, INVALID, "INVALID_ORDER_DATA", fields=fields)


def as_any_checkout(request: CreateOrderRequest) -> list[Message]:
    """The same checkout in every way in which it can be asked for."""
    dry = CreateOrderRequest()
    dry.CopyFrom(request)
    dry.validate_only = True
    return [request, dry, PriceOrderRequest(order=request)]


def coupon_cases(world: World) -> Iterable[Case]:
    def case(code: str, condition: str, *, request: CreateOrderRequest | None = None, **needed: str) -> Iterable[Case]:
        request = request or new_order()
        request.coupon_code = code.lower()
        metadata = {"coupon_code": code, "condition": condition} | needed
        for checkout in as_any_checkout(request):
            yield Case(checkout, PRECONDITION, "INVALID_COUPON", metadata)

    yield from case("NOPE", "exists")
    yield from case("LATER", "started", start_time="2096-10-02T07:06:40Z")
    yield from case("OVER", "ended", end_time="2001-09-09T01:46:40Z")
    yield from case("BIG", "minimum_subtotal", minimum="100.00 USD", subtotal="12.50 USD")
    yield from case("LAMPS", "products", product_ids="lamp, pen")
    yield from case("EURO", "currency", currency="USD", available="EUR, GBP")
    pens = new_order(product_id="pen", currency_code="EUR")
    yield from case("BIG", "currency", request=pens, currency="EUR", available="USD")
    yield from case("GONE", "usage_limit", usage_limit="1")
    yield from case("ONCE", "usage_limit_per_customer", usage_limit_per_customer="1")
    less = {"order_id": world.with_coupon.order_id, "items": [{"product_id": "mug", "quantity": 1}]}
    needed = {"minimum": "100.00 USD", "subtotal": "12.50 USD"}
    metadata = {"coupon_code": "BIG", "condition": "minimum_subtotal"} | needed
    yield Case(UpdateOrderRequest(order=less), PRECONDITION, "INVALID_COUPON", metadata)


def delivery_cases(world: World) -> Iterable[Case]:
    def case(request: CreateOrderRequest, condition: str, **said: str) -> Iterable[Case]:
        for checkout in as_any_checkout(request):
            yield Case(checkout, PRECONDITION, "DELIVERY_NOT_AVAILABLE", {"condition": condition} | said)

    def update(condition: str, said: dict[str, str], **fields: Any) -> Case:
        request = UpdateOrderRequest(order={"order_id": world.with_coupon.order_id} | fields)
        return Case(request, PRECONDITION, "DELIVERY_NOT_AVAILABLE", {"condition": condition} | said)

    place = {"country": "Mars", "state": "Tharsis", "postal_code": "M-1"}
    drone = {"method": "drone", "available": "standard, express"}
    slot = {"time_slot": "midnight", "available": "08:00-12:00, 12:00-16:00"}
    yield from case(new_order(shipping_address=MARS), "zone", **place)
    yield from case(new_order(delivery_method="drone"), "method", **drone)
    yield from case(new_order(delivery_method="express", delivery_time_slot="midnight"), "time_slot", **slot)
    yield from case(new_order(product_id="sushi"), "currency", currency="JPY", available="EUR, USD")
    euros = new_order(product_id="pen", currency_code="EUR", delivery_method="express")
    yield from case(euros, "currency", currency="EUR", available="USD")
    yield update("zone", place, shipping_address=MARS)
    yield update("method", drone, delivery={"method": "drone"})
    yield update("time_slot", slot, delivery={"time_slot": "midnight"})
    homeless = CreateOrderRequest(customer_id="jane", items=[{"product_id": "mug", "quantity": 1}])
    for checkout in as_any_checkout(homeless):
        prefix = "order." if isinstance(checkout, PriceOrderRequest) else ""
        yield wrong(checkout, f"{prefix}shipping_address")


def checkout_cases(world: World) -> Iterable[Case]:
    poor = new_order("poor", loyalty_points_to_use=1)
    for checkout in as_any_checkout(poor):
        yield Case(checkout, PRECONDITION, "INSUFFICIENT_POINTS", {"requested": "1", "available": "0"})
    too_many = AdjustPointsRequest(customer_id="jane", delta=-2_000_001, reason="fraud")
    points = {"requested": "2000001", "available": "2000000"}
    yield Case(too_many, PRECONDITION, "INSUFFICIENT_POINTS", points)
    empty = CreateOrderRequest(customer_id="new", cart_id="c1", shipping_address=HOME)
    for checkout in as_any_checkout(empty):
        yield Case(checkout, NOT_FOUND, "CART_NOT_FOUND", {"cart_id": "c1"})
    other = PAYMENT_METHOD_CREDIT_CARD
    yield wrong(new_order(payment_method_id="pm-1", payment_method=other), "payment_method")
    yield wrong(new_order(currency_code="EUR"), "items[0].product_id")
    yield wrong(new_order(cart_id=world.cart.cart_id), "cart_id")


def cart_cases(world: World) -> Iterable[Case]:
    jane, line = {"customer_id": "jane"}, {"product_id": "mug", "quantity": 1}
    unknown = {"cart_id": "c1"}
    for request in (
        GetCartRequest(**jane, **unknown),
        AddCartItemRequest(**jane, **unknown, **line),
        UpdateCartItemRequest(**jane, **unknown, item_id="1", quantity=1),
        RemoveCartItemRequest(**jane, **unknown, item_id="1"),
        ClearCartRequest(**jane, **unknown),
    ):
        yield Case(request, NOT_FOUND, "CART_NOT_FOUND", unknown)
    for request in (
        UpdateCartItemRequest(**jane, item_id="7", quantity=1),
        RemoveCartItemRequest(**jane, item_id="7"),
    ):
        yield Case(request, NOT_FOUND, "CART_ITEM_NOT_FOUND", {"cart_id": world.cart.cart_id, "item_id": "7"})
    missing = {"product_id": "nope", "variant_id": ""}
    yield Case(AddCartItemRequest(**jane, product_id="nope", quantity=1), PRECONDITION, "PRODUCT_NOT_FOUND", missing)
    short = {"product_id": "pen", "variant_id": "", "available": "10"}
    more = AddCartItemRequest(**jane, product_id="pen", quantity=10)
    yield Case(more, PRECONDITION, "INSUFFICIENT_STOCK", short | {"requested": "11"})
    more = UpdateCartItemRequest(**jane, item_id="2", quantity=12)
    yield Case(more, PRECONDITION, "INSUFFICIENT_STOCK", short | {"requested": "12"})
    yield wrong(AddCartItemRequest(**jane, product_id="sofa", quantity=1), "variant_id")
    yield wrong(AddCartItemRequest(**jane, **line, currency_code="EUR"), "currency_code")
    yield wrong(AddCartItemRequest(customer_id="new", **line, currency_code="EUR"), "product_id")


def missing_cases(world: World) -> Iterable[Case]:
    nobody, jane = {"customer_id": "nobody"}, {"customer_id": "jane"}
    address, method, zone = {"address_id": "x"}, {"payment_method_id": "x"}, {"zone_id": "x"}
    for request in (
        GetCustomerRequest(**nobody),
        DeleteAddressRequest(**nobody, **address),
        DeletePaymentMethodRequest(**nobody, **method),
    ):
        yield Case(request, NOT_FOUND, "CUSTOMER_NOT_FOUND", nobody)
    yield Case(DeleteAddressRequest(**jane, **address), NOT_FOUND, "ADDRESS_NOT_FOUND", jane | address)
    yield Case(DeletePaymentMethodRequest(**jane, **method), NOT_FOUND, "PAYMENT_METHOD_NOT_FOUND", jane | method)
    yield Case(GetCouponRequest(code="nope"), NOT_FOUND, "COUPON_NOT_FOUND", {"coupon_code": "nope"})
    yield Case(GetDeliveryZoneRequest(**zone), NOT_FOUND, "DELIVERY_ZONE_NOT_FOUND", zone)
    yield Case(DeleteDeliveryZoneRequest(**zone), NOT_FOUND, "DELIVERY_ZONE_NOT_FOUND", zone)
    for order in (world.pending, world.imported):
        named = {"order_id": order.order_id}
        yield Case(GetInvoiceRequest(**named), NOT_FOUND, "INVOICE_NOT_FOUND", named)
    event = {"event_id": "e", "type": PAYMENT_EVENT_TYPE_PAID}
    for order_id in (NOWHERE, "ORD-2026-999999"):
        named = {"order_id": order_id}
        for request in (
            RecordPaymentRequest(**named, event=event),
            RefundOrderRequest(**named),
            GetInvoiceRequest(**named),
            ReorderOrderRequest(**named),
            ExplainOrderRequest(**named),
        ):
            yield Case(request, NOT_FOUND, "ORDER_NOT_FOUND", named)
    yield wrong(ReorderOrderRequest(order_id=world.imported.order_id), "order_id")


def payment_cases(world: World) -> Iterable[Case]:
    """Of 16.25 USD, 2 are paid back and 4 about to be; 3 have failed."""
    paid, named = world.paid, {"order_id": world.paid.order_id}

    def record(kind: int, **fields: Any) -> RecordPaymentRequest:
        return RecordPaymentRequest(**named, event={"event_id": "evt-new", "type": kind, **fields})

    def exceeds(request: Message, requested: str, refundable: str) -> Case:
        order_id = request.order_id  # type: ignore[attr-defined]
        metadata = {"order_id": order_id, "requested": requested, "refundable": refundable}
        return Case(request, PRECONDITION, "REFUND_EXCEEDS_PAYMENT", metadata)

    refunded, failed = PAYMENT_EVENT_TYPE_REFUNDED, PAYMENT_EVENT_TYPE_REFUND_FAILED
    yield exceeds(RefundOrderRequest(**named, amount=usd(10, 26)), "10.26 USD", "10.25 USD")
    unpaid = world.pending.order_id
    yield exceeds(RefundOrderRequest(order_id=unpaid), "0.00 USD", "0.00 USD")
    yield exceeds(RefundOrderRequest(order_id=unpaid, amount=usd(1)), "1.00 USD", "0.00 USD")
    yield wrong(RefundOrderRequest(**named, amount=usd(0)), "amount")
    yield wrong(RefundOrderRequest(**named, amount=money("EUR", 1)), "amount.currency_code")
    stale = RefundOrderRequest(**named, etag="1")
    fields = "invoice_number, payment, payment_status, payments, refunds, status"
    yield Case(stale, ABORTED, "ETAG_MISMATCH", named | {"etag": paid.etag, "fields": fields})
    yield wrong(record(PAYMENT_EVENT_TYPE_PAID, amount=money("EUR", 1)), "event.amount.currency_code")
    yield wrong(record(refunded), "event.amount")
    yield wrong(record(refunded, refund_id="9"), "event.refund_id")
    yield wrong(record(failed, refund_id="9"), "event.refund_id")
    yield wrong(record(refunded, refund_id="3", amount=usd(3)), "event.amount")
    again = {"event_id": "evt-paid", "type": refunded, "amount": usd(1)}
    elsewhere = {"fields": "order_id, type, amount", "recorded_order_id": paid.order_id}
    for order_id, told in ((paid.order_id, {"fields": "type, amount"}), (unpaid, elsewhere)):
        request = RecordPaymentRequest(order_id=order_id, event=again)
        yield Case(request, INVALID, "IDEMPOTENCY_KEY_REUSED", {"request_id": "evt-paid"} | told)
    items = [{"product_id": "mug", "quantity": 2}]
    too_late = named | {"from": "CONFIRMED", "field": "items"}
    yield Case(UpdateOrderRequest(order=named | {"items": items}), PRECONDITION, "INVALID_TRANSITION", too_late)


def catalog_cases(world: World) -> Iterable[Case]:
    def coupons(*coupons: dict[str, Any]) -> BatchUpsertCouponsRequest:
        return BatchUpsertCouponsRequest(coupons=[{"code": f"C{n}"} | coupon for n, coupon in enumerate(coupons)])

    ten = {"type": COUPON_TYPE_PERCENTAGE, "basis_points": 1000}
    fixed = {"type": COUPON_TYPE_FIXED, "amounts": [usd(1)]}
    yield wrong(coupons(ten, ten | {"code": "c0"}), "coupons[1].code")
    yield wrong(coupons(ten, {"type": COUPON_TYPE_PERCENTAGE}), "coupons[1].basis_points")
    yield wrong(coupons(ten | {"amounts": [usd(1)]}), "coupons[0].amounts")
    yield wrong(
        coupons({"type": COUPON_TYPE_FIXED}, fixed | {"basis_points": 1}),
        "coupons[0].amounts",
        "coupons[1].basis_points",
    )
    yield wrong(coupons(fixed | {"amounts": [usd(1), usd(2)]}), "coupons[0].amounts[1].currency_code")
    yield wrong(coupons(fixed | {"amounts": [usd(1), money("EUR", 0)]}), "coupons[0].amounts[1]")
    yield wrong(coupons(ten | {"start_time": TOMORROW, "end_time": TOMORROW}), "coupons[0].end_time")
    yield wrong(coupons(ten | {"product_ids": ["mug", "mug"]}), "coupons[0].product_ids[1]")

    def zones(*zones: dict[str, Any]) -> BatchUpsertDeliveryZonesRequest:
        return BatchUpsertDeliveryZonesRequest(zones=[{"zone_id": f"z{n}"} | zone for n, zone in enumerate(zones)])

    ways = {"methods": [{"method": "standard", "prices": [usd(1)]}]}
    moon = {"areas": [{"country": "Moon"}]} | ways
    yield wrong(zones(moon, {"zone_id": "z0", "areas": [{"country": "Pluto"}]} | ways), "zones[1].zone_id")
    yield wrong(zones(moon, {"areas": [{"country": "u-s"}]} | ways), "zones[1].areas[0]")
    yield wrong(zones(moon, {"areas": [{"country": "Pluto"}, {"country": "m oon"}]} | ways), "zones[1].areas[1]")
    yield wrong(zones({"areas": [{"country": " - "}]} | ways), "zones[0].areas[0].country")
    rates = [{"tax_class": "standard"}, {}]
    yield wrong(zones(moon | {"tax_rates": rates}), "zones[0].tax_rates[1].tax_class")
    yield wrong(zones(moon | {"methods": ways["methods"] * 2}), "zones[0].methods[1].method")
    slots = ways["methods"][0] | {"time_slots": ["am", "am"]}
    yield wrong(zones(moon | {"methods": [slots]}), "zones[0].methods[0].time_slots[1]")


GROUPS = (
    coupon_cases,
    delivery_cases,
    checkout_cases,
    cart_cases,
    missing_cases,
    payment_cases,
    catalog_cases,
)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
async def test_every_refusal_says_what_it_should_and_changes_nothing(
    world: World, group: Callable[[World], Iterable[Case]]
) -> None:
    before = await world.shop.contents()
    for case in group(world):
        refusal = await outcome(world.shop, case.method, case.request)
        assert refusal is not None, case.request
        assert (refusal.code, refusal.reason) == (case.code, case.reason), (refusal, case.request)
        assert refusal.metadata == case.metadata, case.request
        assert set(refusal.fields) == set(case.fields), (refusal.fields, case.request)
        assert refusal.message
    assert await world.shop.contents() == before


# Prices that change while they lie in a cart.


async def test_prices_that_changed_are_refused_by_line_until_the_customer_has_seen_them(world: World) -> None:
    shop, named = world.shop, {"customer_id": "slow"}

    async def price(product_id: str, amount: int) -> None:
        product = Product(product_id=product_id, name=product_id, price=usd(amount), stock=10)
        await shop.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[product]))

    for product_id in ("cup", "jug", "bowl"):
        await price(product_id, 10)
        cart = await shop.carts.AddCartItem(AddCartItemRequest(**named, product_id=product_id, quantity=1))
    await price("jug", 12)
    await price("bowl", 9)
    request = CreateOrderRequest(**named, cart_id=cart.cart_id, shipping_address=HOME)
    before = await shop.contents()
    for checkout in as_any_checkout(request):
        method = type(checkout).__name__.removesuffix("Request")
        refusal = await outcome(shop, method, checkout)
        assert refusal is not None
        assert (refusal.code, refusal.reason) == (PRECONDITION, "PRICE_CHANGED")
        assert refusal.metadata == {"cart_id": cart.cart_id}
        assert refusal.fields == {
            "cart.items[1].unit_price": "was 10.00 USD, is 12.00 USD",
            "cart.items[2].unit_price": "was 10.00 USD, is 9.00 USD",
        }
    assert await shop.contents() == before
    seen = await shop.carts.GetCart(GetCartRequest(**named))
    assert [(notice.item_id, notice.reason) for notice in seen.notices] == [
        ("2", ERROR_REASON_PRICE_CHANGED),
        ("3", ERROR_REASON_PRICE_CHANGED),
    ]
    assert [item.previous_unit_price.units for item in seen.items] == [0, 10, 10]
    assert seen.pricing.total == usd(31)
    # Whoever changes the line has seen its price.
    changed = await shop.carts.UpdateCartItem(UpdateCartItemRequest(**named, item_id="2", quantity=2))
    assert [notice.item_id for notice in changed.notices] == ["3"]
    request.accept_price_changes = True
    order = await shop.orders.CreateOrder(request)
    assert [item.unit_price.units for item in order.items] == [10, 12, 9]


async def test_a_cart_says_what_could_not_be_ordered(world: World) -> None:
    shop, named = world.shop, {"customer_id": "hopeful"}
    rare = Product(product_id="rare", name="Rare", price=usd(10), stock=2)
    await shop.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[rare]))
    await shop.carts.AddCartItem(AddCartItemRequest(**named, product_id="rare", quantity=2))
    await shop.catalog.AdjustStock(AdjustStockRequest(product_id="rare", delta=-1, reason="broken"))
    cart = await shop.carts.GetCart(GetCartRequest(**named))
    assert [(notice.item_id, notice.reason) for notice in cart.notices] == [("1", ERROR_REASON_INSUFFICIENT_STOCK)]
    request = CreateOrderRequest(**named, cart_id=cart.cart_id, shipping_address=HOME)
    refusal = await outcome(shop, "CreateOrder", request)
    assert refusal is not None
    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert refusal.message == cart.notices[0].message


# Card data.

NUMBERS = ("4111111111111111", "5500 0000 0000 0004", "3782-822463-10005")
CODE = "9173"


def card_requests(number: str) -> Iterable[tuple[str, Message]]:
    """The number in all kinds of fields of all kinds of requests, with the field's path."""
    card = {"payment_method_id": "pm-9", "type": PAYMENT_METHOD_CREDIT_CARD, "provider_token": "tok_9"}
    digits = re.sub(r"\D", "", number)
    for field, value in (("provider_token", digits), ("payment_method_id", digits), ("brand", number)):
        request = UpsertPaymentMethodRequest(customer_id="jane", payment_method=card | {field: value})
        yield f"payment_method.{field}", request
    yield "payment_method_id", new_order(payment_method_id=digits)
    yield "special_instructions", new_order(special_instructions=f"charge {number} please")
    yield 'metadata["card"]', new_order(metadata={"card": number})
    yield (
        'items[0].customizations["engraving"]',
        CreateOrderRequest(
            customer_id="jane", items=[{"product_id": "mug", "quantity": 1, "customizations": {"engraving": number}}]
        ),
    )
    yield "order.special_instructions", PriceOrderRequest(order=new_order(special_instructions=number))
    yield (
        "order.shipping_address.street",
        UpdateOrderRequest(order={"order_id": NOWHERE, "shipping_address": {"street": number}}),
    )
    yield "reason", CancelOrderRequest(order_id=NOWHERE, reason=number)
    yield (
        "override_reason",
        TransitionOrderRequest(order_id=NOWHERE, status=ORDER_STATUS_CONFIRMED, override_reason=number),
    )
    yield (
        "event.description",
        RecordPaymentRequest(
            order_id=NOWHERE, event={"event_id": "e", "type": PAYMENT_EVENT_TYPE_PAID, "description": number}
        ),
    )
    yield "customer.name", UpsertCustomerRequest(customer={"customer_id": "jane", "name": number})
    yield "address.street", UpsertAddressRequest(customer_id="jane", address={"street": number})
    yield "reason", AdjustPointsRequest(customer_id="jane", delta=1, reason=number)
    yield (
        'customizations["engraving"]',
        AddCartItemRequest(customer_id="jane", product_id="mug", quantity=1, customizations={"engraving": number}),
    )
    yield (
        "coupons[0].description",
        BatchUpsertCouponsRequest(
            coupons=[{"code": "C", "type": COUPON_TYPE_PERCENTAGE, "basis_points": 1, "description": number}]
        ),
    )


def code_requests() -> Iterable[tuple[str, Message]]:
    yield 'metadata["cvc"]', new_order(metadata={"cvc": CODE})
    yield 'metadata["Card-CVV"]', new_order(metadata={"Card-CVV": CODE})
    yield "special_instructions", new_order(special_instructions=f"the CVC is {CODE}")
    yield (
        'customizations["security code"]',
        AddCartItemRequest(customer_id="jane", product_id="mug", quantity=1, customizations={"security code": CODE}),
    )


async def test_card_numbers_and_security_codes_are_refused_by_field_and_leave_no_trace(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shop = world.shop
    before = await shop.contents()
    cases = [(number, *case) for number in NUMBERS for case in card_requests(number)]
    cases += [(CODE, *case) for case in code_requests()]
    for secret, field, request in cases:
        refusal = await outcome(shop, type(request).__name__.removesuffix("Request"), request)
        assert refusal is not None, request
        assert (refusal.code, refusal.reason) == (INVALID, "INVALID_ORDER_DATA"), request
        assert set(refusal.fields) == {field}, request
        shown = f"{refusal.message} {refusal.fields} {refusal.metadata}"
        assert secret not in shown
        assert secret not in caplog.text
    assert await shop.contents() == before
    dump = "\n".join(await dump_of(shop))
    for number in NUMBERS:
        for text in {number, re.sub(r"\D", "", number)}:
            assert text not in dump
            assert text.encode().hex() not in dump


async def test_card_data_in_an_import_is_refused_order_by_order_and_in_fields_unknown_here_not_kept(
    world: World,
) -> None:
    shop, number = world.shop, NUMBERS[0]
    orders = imported("c-1", metadata={"card": number}), imported("c-2", address_text=number), imported("c-3")
    (answer,) = await call(shop, "BatchUpsertOrders", upserts("shop", *orders, request_id="cards"))
    results = BatchUpsertOrdersResponse.FromString(answer).results
    assert [result.outcome for result in results] == [UPSERT_OUTCOME_INVALID] * 2 + [UPSERT_OUTCOME_INSERTED]
    assert [fields_of(result.status) for result in results[:2]] == [
        {'orders[0].metadata["card"]'},
        {"orders[1].address_text"},
    ]
    assert number.encode() not in answer
    assert number.encode().hex() not in "\n".join(await dump_of(shop))


@pytest.mark.parametrize("secret", [NUMBERS[0], CODE])
async def test_what_newer_clients_send_in_fields_unknown_here_is_not_kept(world: World, secret: str) -> None:
    shop, card = world.shop, b"\x10\x02"
    # Field 900, of wire type 2.
    unknown = b"\xa2\x38" + bytes([len(secret)]) + secret.encode()
    order = new_order(request_id=f"unknown-{secret}").SerializeToString() + unknown
    save = UpsertPaymentMethodRequest(customer_id="newer", request_id=f"unknown-{secret}").SerializeToString()
    save += b"\x12" + bytes([len(card + unknown)]) + card + unknown
    for method, data in (("CreateOrder", order), ("UpsertPaymentMethod", save)):
        assert await outcome(shop, method, data) is None
    assert unknown.hex() not in "\n".join(await dump_of(shop))


async def dump_of(service: Service) -> list[str]:
    """Every row of every table, bytes in hexadecimal digits."""
    tables = await service.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    assert len(tables) > 15
    return [row for (table,) in tables for (row,) in await service.rows(f"SELECT t::text FROM {table} t")]


async def test_what_only_resembles_card_data_is_taken(world: World) -> None:
    # A wrong check digit, a telephone number, a tracking number, a bare number of three digits.
    metadata = {"ref": "4111111111111112", "phone": "+1 212 555 0100 99", "size": "173", "cvc": "see the back"}
    order = await world.shop.orders.CreateOrder(
        new_order(metadata=metadata, special_instructions="ring 1234 then 567, my postcard has 100 stamps")
    )
    assert dict(order.metadata) == metadata


async def test_a_provider_s_token_is_kept_and_in_no_answer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shop, token = world.shop, "tok_whisper"
    named = {"customer_id": "discreet"}
    card = {"payment_method_id": "pm-1", "type": PAYMENT_METHOD_PAYPAL, "provider_token": token}
    answers: list[bytes] = []

    async def made(request: Message) -> bytes:
        (answer,) = await call(shop, type(request).__name__.removesuffix("Request"), request)
        answers.append(answer)
        return answer

    save = UpsertPaymentMethodRequest(**named, payment_method=card, request_id="save-1")
    for request in (
        *(save, save),
        UpsertPaymentMethodRequest(**named, payment_method=card | {"brand": "visa", "provider_token": ""}),
        UpsertPaymentMethodRequest(**named, payment_method=card | {"payment_method_id": ""}),
        UpsertCustomerRequest(customer=named | {"name": "Ann"}),
        UpsertAddressRequest(**named, address={"address_id": "home"} | HOME),
        AdjustPointsRequest(**named, delta=1, reason="gift"),
        GetCustomerRequest(**named),
        DeleteAddressRequest(**named, address_id="home"),
        GetCartRequest(**named),
        PriceOrderRequest(order=new_order("discreet", payment_method_id="pm-1")),
    ):
        await made(request)
    order = Order.FromString(await made(new_order("discreet", payment_method_id="pm-1")))
    assert order.payment_method == PAYMENT_METHOD_PAYPAL
    for request in (
        RecordPaymentRequest(order_id=order.order_id, event={"event_id": "evt-d", "type": PAYMENT_EVENT_TYPE_PAID}),
        GetOrderRequest(order_id=order.order_id),
        GetInvoiceRequest(order_id=order.order_id),
        ListOrderEventsRequest(order_id=order.order_id),
        DeletePaymentMethodRequest(**named, payment_method_id="pm-1"),
    ):
        await made(request)
    assert not any(token.encode() in answer for answer in answers)
    other = UpsertPaymentMethodRequest(**named, payment_method=card | {"brand": "other"}, request_id="save-1")
    refusal = await outcome(shop, "UpsertPaymentMethod", other)
    assert refusal is not None
    assert refusal.metadata == {"request_id": "save-1", "fields": "payment_method"}
    assert token not in f"{refusal}"
    assert token not in caplog.text
    (kept,) = await shop.rows("SELECT encode(snapshot, 'hex') FROM customers WHERE customer_id = 'discreet'")
    # Two were saved; the second, under an id of its own, is still there.
    assert kept[0].count(token.encode().hex()) == 1


# What belongs to somebody else.


async def test_what_is_somebody_else_s_is_not_told_from_what_does_not_exist(world: World) -> None:
    shop, stranger = world.shop, {"customer_id": "stranger"}
    await shop.customers.UpsertAddress(UpsertAddressRequest(**stranger, address={"address_id": "own"} | HOME))
    own_cart = await shop.carts.AddCartItem(AddCartItemRequest(**stranger, product_id="mug", quantity=1))
    assert own_cart.cart_id != world.cart.cart_id

    def requests(address_id: str, method_id: str, cart_id: str) -> Iterable[Message]:
        cart = stranger | {"cart_id": cart_id}
        yield new_order("stranger", shipping_address_id=address_id)
        yield new_order("stranger", billing_address_id=address_id)
        yield new_order("stranger", payment_method_id=method_id)
        yield CreateOrderRequest(**cart, shipping_address=HOME)
        yield PriceOrderRequest(order=CreateOrderRequest(**cart, shipping_address=HOME))
        yield DeleteAddressRequest(**stranger, address_id=address_id)
        yield DeletePaymentMethodRequest(**stranger, payment_method_id=method_id)
        yield GetCartRequest(**cart)
        yield AddCartItemRequest(**cart, product_id="mug", quantity=1)
        yield UpdateCartItemRequest(**cart, item_id="1", quantity=5)
        yield RemoveCartItemRequest(**cart, item_id="1")
        yield ClearCartRequest(**cart)

    async def refusals(address_id: str, method_id: str, cart_id: str) -> list[RefusedCall]:
        found = []
        for request in requests(address_id, method_id, cart_id):
            refusal = await outcome(shop, type(request).__name__.removesuffix("Request"), request)
            assert refusal is not None, request
            text = repr(refusal)
            for secret, name in ((address_id, "ADDRESS"), (method_id, "METHOD"), (cart_id, "CART")):
                text = text.replace(repr(secret), name).replace(f'"{secret}"', name)
            found.append(replace(refusal, message=text, infos=[], fields={}))
        return found

    before = await shop.contents()
    theirs = await refusals("home", "pm-1", world.cart.cart_id)
    assert theirs == await refusals("gone", "pm-9", NOWHERE)
    assert await shop.contents() == before
    # All of them exist.
    order = new_order(shipping_address_id="home", billing_address_id="home", payment_method_id="pm-1")
    assert (await shop.orders.CreateOrder(order)).status == ORDER_STATUS_PENDING


async def test_saving_over_somebody_else_s_id_makes_one_of_one_s_own(world: World) -> None:
    shop = world.shop
    jane = await shop.customers.GetCustomer(GetCustomerRequest(customer_id="jane"))
    address = {"address_id": "home"} | MARS
    await shop.customers.UpsertAddress(UpsertAddressRequest(customer_id="twin", address=address))
    method = {"payment_method_id": "pm-1", "type": PAYMENT_METHOD_CREDIT_CARD}
    await shop.customers.UpsertPaymentMethod(UpsertPaymentMethodRequest(customer_id="twin", payment_method=method))
    assert await shop.customers.GetCustomer(GetCustomerRequest(customer_id="jane")) == jane


# Lists.


async def pages(method: Any, request: Any, records: Callable[[Any], Iterable[Any]]) -> list[list[Any]]:
    """Every page of a list."""
    found = []
    for _ in itertools.count():
        answer = await method(request)
        found.append(list(records(answer)))
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token
    raise AssertionError


async def test_every_list_can_be_paged_through(world: World) -> None:
    shop, catalog = world.shop, world.shop.catalog
    customer = {"customer_id": "collector"}
    for number in range(1, 6):
        await shop.customers.AdjustPoints(AdjustPointsRequest(**customer, delta=number, reason=f"visit {number}"))
        await catalog.AdjustStock(AdjustStockRequest(product_id="sushi", delta=number, reason=f"delivery {number}"))
    lists: dict[str, tuple[Any, Any, Callable[[Any], Iterable[Any]]]] = {
        "coupons": (catalog.ListCoupons, ListCouponsRequest, lambda answer: answer.coupons),
        "zones": (catalog.ListDeliveryZones, ListDeliveryZonesRequest, lambda answer: answer.zones),
        "adjustments": (
            catalog.ListStockAdjustments,
            lambda **fields: ListStockAdjustmentsRequest(product_id="sushi", **fields),
            lambda answer: answer.adjustments,
        ),
        "entries": (
            shop.customers.ListPointsEntries,
            lambda **fields: ListPointsEntriesRequest(**customer, **fields),
            lambda answer: answer.entries,
        ),
    }
    whole = {}
    for name, (method, request, records) in lists.items():
        (whole[name],) = await pages(method, request(), records)
        for size in (1, 2, len(whole[name])):
            found = await pages(method, request(page_size=size), records)
            assert list(itertools.chain(*found)) == whole[name], name
            assert {len(page) for page in found[:-1]} <= {size}
            assert 1 <= len(found[-1]) <= size
    codes = [coupon.code for coupon in whole["coupons"]]
    assert codes == sorted(codes)
    assert {coupon.code for coupon in COUPONS} < set(codes)
    assert [zone.zone_id for zone in whole["zones"]] == ["atlantis", "usa"]
    assert [entry.delta for entry in whole["adjustments"]] == [5, 4, 3, 2, 1, 10]
    assert [(entry.delta, entry.balance) for entry in whole["entries"]] == [(5, 15), (4, 10), (3, 6), (2, 3), (1, 1)]


async def test_a_token_is_good_for_its_own_list_only(world: World) -> None:
    shop = world.shop
    first = await shop.customers.ListPointsEntries(ListPointsEntriesRequest(customer_id="jane", page_size=1))
    for request in (
        ListPointsEntriesRequest(customer_id="stranger", page_token=first.next_page_token),
        ListCouponsRequest(page_token=first.next_page_token),
        ListDeliveryZonesRequest(page_token="made up"),
    ):
        refusal = await outcome(shop, type(request).__name__.removesuffix("Request"), request)
        assert refusal is not None
        assert (refusal.code, refusal.reason) == (INVALID, "RESUME_TOKEN_INVALID")
        assert refusal.metadata == {"field": "page_token"}


# What is not refused, though it might be thought so.


async def test_deleting_what_an_order_was_made_of_leaves_the_order_as_it_is(world: World) -> None:
    shop, named = world.shop, {"customer_id": "leaver"}
    await shop.customers.UpsertAddress(UpsertAddressRequest(**named, address={"address_id": "home"} | HOME))
    card = {"payment_method_id": "pm-1", "type": PAYMENT_METHOD_CREDIT_CARD}
    await shop.customers.UpsertPaymentMethod(UpsertPaymentMethodRequest(**named, payment_method=card))
    order = await shop.orders.CreateOrder(
        new_order("leaver", shipping_address_id="home", payment_method_id="pm-1", coupon_code="TENTH")
    )
    await shop.customers.DeleteAddress(DeleteAddressRequest(**named, address_id="home"))
    await shop.customers.DeletePaymentMethod(DeletePaymentMethodRequest(**named, payment_method_id="pm-1"))
    assert await shop.orders.GetOrder(GetOrderRequest(order_id=order.order_id)) == order
    event = {"event_id": f"leaver-{order.order_id}", "type": PAYMENT_EVENT_TYPE_PAID}
    paid = await shop.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))
    assert paid.payment_status == PAYMENT_STATUS_PAID
    assert paid.shipping_address == order.shipping_address
