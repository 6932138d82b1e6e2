"""CreateOrder."""

from collections.abc import Mapping

from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_STATUS_PENDING,
    PAYMENT_STATUS_UNPAID,
    SHIPPING_STATUS_NOT_SHIPPED,
    Address,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import CreateOrderRequest

from server.domain.catalog import Offer, find_offer
from server.domain.draft import Draft, OrderChange, Stamp
from server.domain.errors import OrderError, invalid_field
from server.domain.pricing import add_line, price

DEFAULT_DELIVERY_METHOD = "standard"


def order_number(year: int, count: int) -> str:
    """The number that people quote, for example `ORD-2026-000001`."""
    return f"ORD-{year}-{count:06d}"


def create_order(
    request: CreateOrderRequest, products: Mapping[str, bytes], *, order_id: str, order_number: str, stamp: Stamp
) -> OrderChange:
    """The new order, priced from the catalogue."""
    _check(request)
    order = Order(
        order_id=order_id,
        order_number=order_number,
        status=ORDER_STATUS_PENDING,
        payment_status=PAYMENT_STATUS_UNPAID,
        shipping_status=SHIPPING_STATUS_NOT_SHIPPED,
        payment_method=request.payment_method,
        payment_method_id=request.payment_method_id,
        special_instructions=request.special_instructions,
        referral_code=request.referral_code,
        create_time=stamp.time,
    )
    order.customer.customer_id = request.customer_id
    if request.metadata:
        order.metadata.update(request.metadata)
    price(order, _add_lines(order, request, products), field="items")
    _set_addresses(order, request)
    _set_appointments(order, request)
    draft = Draft(order=order, before=None, stamp=stamp)
    draft.record(OrderEvent(type=ORDER_EVENT_TYPE_CREATED, to_status=ORDER_STATUS_PENDING))
    return draft.finish()


def _check(request: CreateOrderRequest) -> None:
    """Refuses what refers to things this service does not keep yet: nobody has a cart, a coupon, points or a saved address."""
    if request.cart_id:
        if request.items:
            raise invalid_field("cart_id", "give either items or cart_id")
        text = f"there is no cart {request.cart_id!r}"
        raise OrderError("CART_NOT_FOUND", text, metadata={"cart_id": request.cart_id})
    if not request.items:
        raise invalid_field("items", "an order needs at least one item")
    for field in ("shipping_address_id", "billing_address_id"):
        if request.HasField(field):
            raise invalid_field(field, f"the customer has no saved address {getattr(request, field)!r}")
    for field in ("shipping_address", "billing_address"):
        if request.HasField(field):
            check_address(getattr(request, field), field=field)
    if request.coupon_code:
        text = f"there is no coupon {request.coupon_code!r}"
        raise OrderError("INVALID_COUPON", text, metadata={"coupon_code": request.coupon_code, "condition": "exists"})
    if request.loyalty_points_to_use:
        text = f"{request.loyalty_points_to_use} points were to be used, the customer has 0"
        metadata = {"requested": str(request.loyalty_points_to_use), "available": "0"}
        raise OrderError("INSUFFICIENT_POINTS", text, metadata=metadata)


def check_address(address: Address, *, field: str) -> None:
    """An address that nobody could deliver to is refused."""
    if not address.street:
        raise invalid_field(f"{field}.street", "an address needs a street")


def _add_lines(order: Order, request: CreateOrderRequest, products: Mapping[str, bytes]) -> list[Offer]:
    offers = []
    for index, line in enumerate(request.items):
        field = f"items[{index}]"
        offer = find_offer(products, product_id=line.product_id, variant_id=line.variant_id, field=field)
        item = add_line(order, offer, quantity=line.quantity, item_id=str(index + 1), field=field)
        if line.design_project_id:
            item.design_project_id = line.design_project_id
        if line.customizations:
            item.customizations.update(line.customizations)
        offers.append(offer)
    return offers


def _set_addresses(order: Order, request: CreateOrderRequest) -> None:
    if request.HasField("shipping_address"):
        order.shipping_address.CopyFrom(request.shipping_address)
        order.billing_address.CopyFrom(request.shipping_address)
    if request.HasField("billing_address"):
        order.billing_address.CopyFrom(request.billing_address)


def _set_appointments(order: Order, request: CreateOrderRequest) -> None:
    order.delivery.method = request.delivery_method or DEFAULT_DELIVERY_METHOD
    order.delivery.time_slot = request.delivery_time_slot
    order.installation.time_slot = request.installation_time_slot
    if request.HasField("requested_delivery_time"):
        order.delivery.requested_time.CopyFrom(request.requested_delivery_time)
    if request.HasField("installation_time"):
        order.installation.scheduled_time.CopyFrom(request.installation_time)
