"""The checkout walk-through: cart, price, checkout, payment and delivery through a real server; and a server that is killed on the way."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from google.type.money_pb2 import Money
from orders.v1.cart_service_pb2 import AddCartItemRequest, GetCartRequest
from orders.v1.cart_service_pb2_grpc import CartServiceStub
from orders.v1.catalog_service_pb2 import (
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    GetCouponRequest,
    GetProductRequest,
    Product,
)
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.customer_service_pb2 import (
    POINTS_ENTRY_TYPE_ADJUSTED,
    POINTS_ENTRY_TYPE_EARNED,
    POINTS_ENTRY_TYPE_USED,
    AdjustPointsRequest,
    ListPointsEntriesRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.customer_service_pb2_grpc import CustomerServiceStub
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_PAYMENT,
    ORDER_EVENT_TYPE_SHIPMENT_DELIVERED,
    ORDER_EVENT_TYPE_SHIPMENT_SHIPPED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_TRACKING,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_UNPAID,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_IN_TRANSIT,
    TRACKING_STATUS_ORDER_CONFIRMED,
    TRACKING_STATUS_ORDER_PLACED,
    TRACKING_STATUS_PROCESSING,
    TRACKING_STATUS_SHIPPED,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import (
    CreateOrderRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    OrderFilter,
    PriceOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    SearchOrdersRequest,
    TrackOrderRequest,
    TransitionOrderRequest,
)
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from tests.conftest import as_serving_role
from tests.e2e.processes import serving, start, wait_until

# Every amount is a round number to follow by hand.
FLAGS = ("--no-demo", "--point-value", "EGP=0.1", "--points-per-unit", "EGP=0.05")


@dataclass(frozen=True)
class Shop:
    """A running server, its stubs and its database."""

    orders: OrderServiceStub
    catalog: CatalogServiceStub
    carts: CartServiceStub
    customers: CustomerServiceStub
    url: str
    log: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def keeps(self, text: str) -> bool:
        """Whether any row of any table has the text, in a text or in bytes."""
        tables = self.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        assert len(tables) > 15
        dump = "\n".join(row for (table,) in tables for (row,) in self.rows(f"SELECT t::text FROM {table} t"))
        return text in dump or text.encode().hex() in dump

    def stock(self, product_id: str) -> tuple[int, int]:
        """Pieces that can be ordered, and pieces that orders hold."""
        product = self.catalog.GetProduct(GetProductRequest(product_id=product_id))
        return product.stock, product.reserved

    def get(self, order_id: str) -> Order:
        return self.orders.GetOrder(GetOrderRequest(order_id=order_id))

    def pay(self, order: Order, event_id: str, kind: int = PAYMENT_EVENT_TYPE_PAID, **fields: Any) -> Order:
        event = {"event_id": event_id, "type": kind, **fields}
        return self.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=event))

    def move(self, order: Order, status: int, **fields: str) -> Order:
        return self.orders.TransitionOrder(TransitionOrderRequest(order_id=order.order_number, status=status, **fields))

    def save_card(self, customer_id: str, token: str) -> None:
        method = {"payment_method_id": "pm-1", "type": PAYMENT_METHOD_CREDIT_CARD, "provider_token": token}
        self.customers.UpsertPaymentMethod(UpsertPaymentMethodRequest(customer_id=customer_id, payment_method=method))

    def orders_of(self, customer_id: str) -> list[Order]:
        return list(self.orders.SearchOrders(SearchOrdersRequest(filter=OrderFilter(customer_id=customer_id))).orders)


@contextmanager
def shop_at(address: str, url: str, log: Path) -> Iterator[Shop]:
    with grpc.insecure_channel(address) as channel:
        yield Shop(
            orders=OrderServiceStub(channel),
            catalog=CatalogServiceStub(channel),
            carts=CartServiceStub(channel),
            customers=CustomerServiceStub(channel),
            url=url,
            log=log,
        )


@contextmanager
def own_shop(folder: Path, url: str, name: str, *, provider: str) -> Iterator[tuple[Shop, Any]]:
    """A server of its own on a migrated database, with its process."""
    with (
        serving(
            folder / name, "--database-url", as_serving_role(url), "--payment-provider", provider, *FLAGS
        ) as server,
        shop_at(server.address, url, server.log) as shop,
    ):
        yield shop, server


@pytest.fixture(scope="module")
def databases(folder: Path) -> Iterator[tuple[Shop, str]]:
    """A shop that is paid through the test provider, and an empty, migrated database beside its own."""
    with serving(folder / "data", "--payment-provider", "test", *FLAGS) as server:
        url = server.migrated("other")
        with shop_at(server.address, server.url, server.log) as shop:
            yield shop, url


@pytest.fixture(scope="module")
def shop(databases: tuple[Shop, str]) -> Shop:
    """A shop that is paid through the test provider."""
    return databases[0]


@pytest.fixture(scope="module")
def external(folder: Path, databases: tuple[Shop, str]) -> Iterator[Shop]:
    """A shop whose payments are reported from outside."""
    cable = Product(product_id="p001", sku="CABLE", name="USB Cable", price=usd(10), stock=100)
    mouse = Product(product_id="p002", sku="MOUSE", name="Wireless Mouse", price=usd(25), stock=100)
    with own_shop(folder, databases[1], "external", provider="external") as (shop, _):
        shop.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[cable, mouse]))
        yield shop


@dataclass(frozen=True)
class RefusedCall:
    """How a call was refused."""

    code: grpc.StatusCode
    reason: str
    metadata: dict[str, str]
    fields: list[str]


def refused(call: Any, request: Any) -> RefusedCall:
    """Makes a call that must fail and returns how it did."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    (data,) = [value for key, value in caught.value.trailing_metadata() if key == "grpc-status-details-bin"]
    info, bad = ErrorInfo(), BadRequest()
    for detail in Status.FromString(data).details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return RefusedCall(
        caught.value.code(), info.reason, dict(info.metadata), [violation.field for violation in bad.field_violations]
    )


def egp(units: int) -> Money:
    return Money(currency_code="EGP", units=units)


def usd(units: int, cents: int = 0) -> Money:
    return Money(currency_code="USD", units=units, nanos=cents * 10_000_000)


def in_days(days: int, hour: int) -> Timestamp:
    at = (datetime.now(UTC) + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)
    return Timestamp(seconds=int(at.timestamp()))


def seconds_between(early: Timestamp, late: Timestamp) -> float:
    return (late.ToNanoseconds() - early.ToNanoseconds()) / 1e9


# From the cart to the door, paid through a provider.


@pytest.fixture(scope="module")
def furniture(shop: Shop) -> Shop:
    """The shop with a sofa, Egypt to deliver to, a coupon, and Ahmed with 1,000 points."""
    sofa = Product(
        product_id="sofa",
        sku="SOFA-001",
        name="Modern 3-Seat Sofa",
        price=egp(2500),
        image_uri="https://cdn.example.com/products/sofa-001-main.jpg",
        requires_installation=True,
        installation_price=egp(200),
        variants=[{"variant_id": "var-001", "name": "Blue Leather", "stock": 5, "attributes": {"color": "Blue"}}],
    )
    zone = {
        "zone_id": "egypt",
        "areas": [{"country": "Egypt"}],
        "tax_rates": [{"basis_points": 1500}],
        "tax_before_discount": True,
        "methods": [
            {
                "method": "standard",
                "prices": [egp(50)],
                "handling_days": 3,
                "transit_days": 2,
                "time_slots": ["10:00-14:00", "14:00-18:00"],
            }
        ],
    }
    coupon = {"code": "welcome10", "type": COUPON_TYPE_PERCENTAGE, "basis_points": 1000}
    contact = {
        "customer_id": "user-001",
        "name": "Ahmed Mohamed",
        "email": "ahmed@example.com",
        "phone": "+201234567890",
    }
    address = {
        "address_id": "addr-001",
        "name": "Ahmed Mohamed",
        "street": "123 Tahrir Square",
        "city": "Cairo",
        "state": "Cairo",
        "country": "Egypt",
    }
    shop.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[sofa]))
    shop.catalog.BatchUpsertDeliveryZones(BatchUpsertDeliveryZonesRequest(zones=[zone]))
    shop.catalog.BatchUpsertCoupons(BatchUpsertCouponsRequest(coupons=[coupon]))
    shop.customers.UpsertCustomer(UpsertCustomerRequest(customer=contact))
    shop.customers.UpsertAddress(UpsertAddressRequest(customer_id="user-001", address=address))
    shop.save_card("user-001", "tok_confirm")
    gift = AdjustPointsRequest(customer_id="user-001", delta=1000, reason="welcome gift")
    assert shop.customers.AdjustPoints(gift).balance == 1000
    return shop


def test_an_order_goes_from_the_cart_to_the_door(furniture: Shop) -> None:
    shop = furniture
    line = {"product_id": "sofa", "variant_id": "var-001", "quantity": 1, "customizations": {"fabric": "leather"}}
    shop.carts.AddCartItem(AddCartItemRequest(customer_id="user-001", **line))
    cart = shop.carts.GetCart(GetCartRequest(customer_id="user-001"))
    assert (cart.total_quantity, cart.currency_code, list(cart.notices)) == (1, "EGP", [])
    (item,) = cart.items
    assert (item.name, item.variant_name, dict(item.variant_attributes)) == (
        "Modern 3-Seat Sofa",
        "Blue Leather",
        {"color": "Blue"},
    )
    assert item.image_uri.endswith("sofa-001-main.jpg")
    assert (item.unit_price, item.total_price, dict(item.customizations)) == (
        egp(2500),
        egp(2500),
        {"fabric": "leather"},
    )
    estimate = cart.pricing
    assert (estimate.subtotal, estimate.tax, estimate.shipping) == (egp(2500), egp(375), egp(50))
    # What the goods, the tax and the shipping make; 200 to install the sofa come to it.
    assert (estimate.installation, estimate.total) == (egp(200), egp(2925 + 200))

    delivery_time, installation_time = in_days(10, 10), in_days(11, 14)
    request = CreateOrderRequest(
        request_id="checkout-1",
        customer_id="user-001",
        cart_id=cart.cart_id,
        shipping_address_id="addr-001",
        payment_method_id="pm-1",
        requested_delivery_time=delivery_time,
        installation_time=installation_time,
        installation_time_slot="afternoon",
        special_instructions="Please call before delivery",
        coupon_code="WELCOME10",
        loyalty_points_to_use=500,
    )
    price = shop.orders.PriceOrder(PriceOrderRequest(order=request))
    assert [(option.method, option.price) for option in price.delivery_options] == [("standard", egp(50))]
    order = shop.orders.CreateOrder(request)
    assert price.pricing == order.pricing
    assert price.items == order.items
    check_order(order, delivery_time, installation_time)
    check_secret(shop, order, request)
    check_what_the_order_took(shop, request)
    check_payment_and_delivery(shop, order)


def check_order(order: Order, delivery_time: Timestamp, installation_time: Timestamp) -> None:
    pricing = order.pricing
    assert (pricing.subtotal, pricing.tax, pricing.shipping) == (egp(2500), egp(375), egp(50))
    assert (pricing.discount, pricing.installation, pricing.total) == (egp(250), egp(200), egp(2825))
    # 500 points pay 50. A twentieth of 2,825 is 141.25.
    assert (pricing.loyalty_points_used, pricing.loyalty_points_value) == (500, egp(50))
    assert pricing.loyalty_points_earned == 141
    (coupon,) = pricing.applied_coupons
    assert (coupon.code, coupon.discount, coupon.type) == ("WELCOME10", egp(250), COUPON_TYPE_PERCENTAGE)
    (item,) = order.items
    assert (item.name, item.sku, item.variant_name) == ("Modern 3-Seat Sofa", "SOFA-001", "Blue Leather")
    assert (item.unit_price, item.total_price, item.installation_price) == (egp(2500), egp(2500), egp(200))
    assert (item.tax, item.tax_basis_points, item.discount) == (egp(375), 1500, egp(250))
    assert (order.customer.name, order.customer.phone) == ("Ahmed Mohamed", "+201234567890")
    assert (order.shipping_address.address_id, order.shipping_address.city) == ("addr-001", "Cairo")
    assert order.billing_address == order.shipping_address
    delivery = order.delivery
    assert (delivery.method, delivery.time_slot, delivery.zone_id) == ("standard", "10:00-14:00", "egypt")
    assert seconds_between(order.create_time, delivery.estimated_shipping_time) == 3 * 86_400
    assert delivery.estimated_time == delivery.requested_time == delivery_time
    assert order.installation.required
    assert (order.installation.scheduled_time, order.installation.time_slot) == (installation_time, "afternoon")
    assert order.special_instructions == "Please call before delivery"
    assert (order.status, order.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_UNPAID)
    assert (order.payment_method, order.payment_method_id) == (PAYMENT_METHOD_CREDIT_CARD, "pm-1")


def check_secret(shop: Shop, order: Order, request: CreateOrderRequest) -> None:
    """The client secret is in the answer to CreateOrder, and in no other place."""
    secret = order.payment_intent.client_secret
    assert secret.startswith(order.payment_intent.id)
    assert order.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION
    assert shop.orders.CreateOrder(request) == order
    stored = shop.get(order.order_number)
    assert stored.payment_intent.id == order.payment_intent.id
    assert not stored.payment_intent.client_secret
    assert shop.keeps(order.payment_intent.id)
    assert not shop.keeps(secret)
    assert secret not in shop.log.read_text()


def check_what_the_order_took(shop: Shop, request: CreateOrderRequest) -> None:
    assert shop.stock("sofa") == (4, 1)
    assert shop.catalog.GetCoupon(GetCouponRequest(code="welcome10")).times_used == 1
    points = shop.customers.ListPointsEntries(ListPointsEntriesRequest(customer_id="user-001"))
    assert points.points_balance == 500
    cart = shop.carts.GetCart(GetCartRequest(customer_id="user-001"))
    assert cart.cart_id == request.cart_id
    assert not cart.items
    request.request_id = "checkout-2"
    refusal = refused(shop.orders.CreateOrder, request)
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["cart_id"])
    assert shop.stock("sofa") == (4, 1)


def check_payment_and_delivery(shop: Shop, order: Order) -> None:
    paid = shop.pay(order, "evt-1", provider="test", amount=egp(2825))
    assert (paid.status, paid.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)
    invoice = shop.orders.GetInvoice(GetInvoiceRequest(order_id=order.order_id))
    assert invoice.invoice_number == paid.invoice_number
    assert invoice.invoice_number.startswith("INV-")
    assert (invoice.pricing, invoice.items) == (order.pricing, order.items)
    shop.move(order, ORDER_STATUS_PROCESSING)
    shop.move(order, ORDER_STATUS_SHIPPED, carrier="Nile Logistics", tracking_number="TRK-789012345")
    assert shop.stock("sofa") == (4, 0)
    seen = {"location": "Giza Distribution Center", "city": "Giza", "country": "Egypt"}
    event = {"status": TRACKING_STATUS_IN_TRANSIT, "description": "on the way"} | seen
    shop.orders.RecordTrackingEvent(RecordTrackingEventRequest(order_id=order.order_id, event=event))
    tracking = shop.orders.TrackOrder(TrackOrderRequest(order_id=order.order_id))
    assert [event.status for event in tracking.events] == [
        TRACKING_STATUS_ORDER_PLACED,
        TRACKING_STATUS_ORDER_CONFIRMED,
        TRACKING_STATUS_PROCESSING,
        TRACKING_STATUS_SHIPPED,
        TRACKING_STATUS_IN_TRANSIT,
    ]
    assert (tracking.carrier, tracking.tracking_number) == ("Nile Logistics", "TRK-789012345")
    assert (tracking.current_location.city, tracking.current_location.country) == ("Giza", "Egypt")
    assert tracking.estimated_delivery_time == order.delivery.estimated_time
    event["status"] = TRACKING_STATUS_DELIVERED
    shop.orders.RecordTrackingEvent(RecordTrackingEventRequest(order_id=order.order_id, event=event))
    assert shop.get(order.order_id).status == ORDER_STATUS_DELIVERED
    check_log(shop.orders.ListOrderEvents(ListOrderEventsRequest(order_id=order.order_id)).events)
    points = shop.customers.ListPointsEntries(ListPointsEntriesRequest(customer_id="user-001"))
    assert points.points_balance == 641
    assert [(entry.type, entry.delta) for entry in points.entries] == [
        (POINTS_ENTRY_TYPE_EARNED, 141),
        (POINTS_ENTRY_TYPE_USED, -500),
        (POINTS_ENTRY_TYPE_ADJUSTED, 1000),
    ]


def check_log(events: Sequence[OrderEvent]) -> None:
    """Every change, in order."""
    assert [(event.type, event.to_status) for event in events] == [
        (ORDER_EVENT_TYPE_CREATED, ORDER_STATUS_PENDING),
        # The payment intent, and the payment.
        (ORDER_EVENT_TYPE_PAYMENT, ORDER_STATUS_PENDING),
        (ORDER_EVENT_TYPE_PAYMENT, ORDER_STATUS_PENDING),
        (ORDER_EVENT_TYPE_STATUS_CHANGED, ORDER_STATUS_CONFIRMED),
        (ORDER_EVENT_TYPE_STATUS_CHANGED, ORDER_STATUS_PROCESSING),
        (ORDER_EVENT_TYPE_SHIPMENT_SHIPPED, ORDER_STATUS_PROCESSING),
        (ORDER_EVENT_TYPE_STATUS_CHANGED, ORDER_STATUS_SHIPPED),
        (ORDER_EVENT_TYPE_TRACKING, ORDER_STATUS_SHIPPED),
        (ORDER_EVENT_TYPE_SHIPMENT_DELIVERED, ORDER_STATUS_SHIPPED),
        (ORDER_EVENT_TYPE_STATUS_CHANGED, ORDER_STATUS_DELIVERED),
    ]
    assert [event.version for event in events] == list(range(1, len(events) + 1))
    assert events[0].request_id == "checkout-1"


# A server that is killed.


def test_retry_pays_an_order_whose_server_died(folder: Path, external: Shop) -> None:
    before = external.stock("p001")[0]
    external.save_card("killed", "tok_good")
    request = CreateOrderRequest(request_id="killed-1", customer_id="killed", payment_method_id="pm-1")
    request.items.add(product_id="p001", quantity=2)
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(external.url) as holder, own_shop(folder, external.url, "killed", provider="test") as killed:
        # The order can be written; what the provider answers to it cannot.
        holder.execute("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")
        shop, server = killed
        call = shop.orders.CreateOrder.future(request)
        wait_until(lambda: bool(external.rows(waiting)))
        server.process.send_signal(signal.SIGKILL)
        assert call.code() == grpc.StatusCode.UNAVAILABLE
    (order,) = external.orders_of("killed")
    assert (order.status, order.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_UNPAID)
    assert not order.HasField("payment_intent")
    with own_shop(folder, external.url, "risen", provider="test") as (shop, _):
        paid = shop.orders.CreateOrder(request)
        assert (paid.status, paid.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)
        assert shop.orders.CreateOrder(request) == paid
    assert paid.order_id == order.order_id
    assert paid.payment.paid_amount == order.pricing.total
    assert [found.order_id for found in external.orders_of("killed")] == [order.order_id]
    assert external.stock("p001")[0] == before - 2


def test_after_all_that_every_table_agrees(shop: Shop, external: Shop) -> None:
    urls = (shop.url, as_serving_role(external.url))
    checks = [start("verify", env={"ORDERS_DATABASE_URL": url}) for url in urls]
    assert [check.communicate(timeout=60)[0] for check in checks] == ["everything is consistent\n"] * 2
