"""A small shop: the products, coupons, delivery zones and the customer jane that the sample requests are about."""

from typing import Any

from google.protobuf.message import Message
from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    DeliveryZone,
    Product,
)
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_pb2 import COUPON_TYPE_PERCENTAGE, PAYMENT_METHOD_CASH_ON_DELIVERY, PAYMENT_METHOD_PAYPAL
from orders.v1.order_service_pb2 import CreateOrderRequest


def money(currency: str, units: int) -> Money:
    return Money(currency_code=currency, units=units)


def usd(units: int, cents: int = 0) -> Money:
    return Money(currency_code="USD", units=units, nanos=cents * 10_000_000)


PRODUCTS = [
    Product(product_id="mug", sku="MUG", name="Mug", price=usd(12, 50), stock=1_000_000),
    Product(product_id="lamp", sku="LAMP", name="Lamp", price=usd(49, 90), stock=1_000_000),
    Product(
        product_id="sofa",
        sku="SOFA",
        name="Sofa",
        price=usd(1250),
        requires_installation=True,
        installation_price=usd(100),
        variants=[
            {"variant_id": "blue", "name": "Blue", "sku": "SOFA-B", "stock": 1_000_000},
            {"variant_id": "red", "name": "Red", "sku": "SOFA-R", "stock": 1_000_000, "price": usd(1300)},
        ],
    ),
]


COUPONS = [
    Coupon(code="HALF", type=COUPON_TYPE_PERCENTAGE, basis_points=5000),
    Coupon(code="TENTH", type=COUPON_TYPE_PERCENTAGE, basis_points=1000),
]

# Everything ships everywhere, free and untaxed, as without zones.
ZONES = [
    DeliveryZone(
        zone_id=zone_id,
        areas=[area],
        methods=[
            {"method": name, "prices": [{"currency_code": code} for code in ("USD", "EUR", "JPY")]}
            for name in ("standard", "express")
        ],
    )
    for zone_id, area in (("atlantis", {"country": "Atlantis"}), ("everywhere", {}))
]

HOME = {"street": "123 Main St", "city": "New York", "state": "NY", "postal_code": "10001", "country": "US"}


def new_order(
    customer_id: str = "jane", *, product_id: str = "mug", quantity: int = 1, **fields: Any
) -> CreateOrderRequest:
    """A request for an order of one line. By default it ships to New York and is paid at the door, without a payment provider."""
    if not fields.keys() & {"shipping_address", "shipping_address_id"}:
        fields["shipping_address"] = HOME
    if not fields.keys() & {"payment_method", "payment_method_id"}:
        fields["payment_method"] = PAYMENT_METHOD_CASH_ON_DELIVERY
    request = CreateOrderRequest(customer_id=customer_id, **fields)
    request.items.add(product_id=product_id, quantity=quantity)
    return request


def stocking() -> list[Message]:
    """The requests that fill an empty shop."""
    contact = {"customer_id": "jane", "name": "Jane Doe", "email": "jane@example.com", "phone": "+1 212 555 0100"}
    method = {"payment_method_id": "pm-1", "type": PAYMENT_METHOD_PAYPAL, "provider_token": "tok_1"}
    gift = AdjustPointsRequest(customer_id="jane", delta=1_000_000, reason="welcome gift")
    delivery = AdjustStockRequest(product_id="lamp", delta=5, reason="delivery 4711")
    return [
        BatchUpsertProductsRequest(products=PRODUCTS),
        BatchUpsertCouponsRequest(coupons=COUPONS),
        BatchUpsertDeliveryZonesRequest(zones=ZONES),
        UpsertCustomerRequest(customer=contact),
        UpsertAddressRequest(customer_id="jane", address={"address_id": "home"} | HOME),
        UpsertPaymentMethodRequest(customer_id="jane", payment_method=method),
        # Two of each, so that lists of them have two pages.
        *[gift, delivery] * 2,
    ]
