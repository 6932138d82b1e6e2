"""CreateOrder and PriceOrder."""

from collections.abc import Sequence
from typing import NamedTuple

from orders.v1.customer_service_pb2 import CustomerAccount
from orders.v1.error_reason_pb2 import ERROR_REASON_INVALID_ORDER_DATA
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_STATUS_PENDING,
    PAYMENT_STATUS_UNPAID,
    SHIPPING_STATUS_NOT_SHIPPED,
    Address,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import CreateOrderRequest, NewOrderItem, PriceOrderRequest, PriceOrderResponse

from server.domain.base.edits import Audit, OrderChange, OrderEdit
from server.domain.base.errors import Refusal, Violation, invalid, invalid_field
from server.domain.base.money import check_current
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.carts.carts import checkout_lines, empty
from server.domain.catalog.products import find_offer, without_installation
from server.domain.customers.accounts import check_address, find_address, pay_by_saved_method
from server.domain.orders.apply import apply, check
from server.domain.orders.backorders import backorder_lines, hold_new, placed_as_of
from server.domain.pricing.coupons import CouponUser, check_combination, codes_of, new_discounts
from server.domain.pricing.delivery import choose_delivery, delivery_options, schedule
from server.domain.pricing.discounts import Discount, Line
from server.domain.pricing.order_prices import fill
from server.domain.pricing.price_steps import steps_of
from server.domain.pricing.quotes import Quote, add_line, line_of, quote
from server.domain.pricing.zones import DeliveryChoice


class Created(NamedTuple):
    """A new order and its quote."""

    change: OrderChange
    quote: Quote


def order_number(year: int, count: int) -> str:
    """The number that people quote, for example `ORD-2026-000001`."""
    return f"ORD-{year}-{count:06d}"


def _needs(request: CreateOrderRequest) -> Needs:
    return Needs(
        carts=[request.cart_id] if request.cart_id else [],
        related=bool(request.cart_id),
        products=[item.product_id for item in request.items],
        customers=[request.customer_id],
        coupons=codes_of(request),
        points=request.loyalty_points_to_use > 0,
        zones=True,
        new_orders=1,
    )


@operation(CreateOrderRequest, needs=_needs)
def create_order(request: CreateOrderRequest, state: State, audit: Audit) -> bytes:
    """Creates an order at current prices, and empties its cart."""
    number = state.next_order_number()
    created = new_order(request, state, order_id=state.new_id(), order_number=number, audit=audit)
    body = apply(created.change, state, field=_lines_field(request))
    if request.cart_id:
        empty(request.cart_id, state, audit)
    return body


def _lines_field(request: CreateOrderRequest) -> str:
    return "cart_id" if request.cart_id else "items"


@operation(PriceOrderRequest, needs=lambda request: _needs(request.order))
def price_order(request: PriceOrderRequest, state: State, audit: Audit) -> PriceOrderResponse:
    """The price and delivery time of an order, and the steps of the price."""
    try:
        created = new_order(request.order, state, order_id="", order_number="", audit=audit)
        check(created.change, state, field=_lines_field(request.order))
    except Refusal as error:
        raise _within_order(error) from error
    return _price_of(created, state)


def _within_order(error: Refusal) -> Refusal:
    """The same error, with field paths as in PriceOrder's request."""
    if error.error_reason != ERROR_REASON_INVALID_ORDER_DATA:
        return error
    return invalid(*(Violation(f"order.{field}", description) for field, description in error.violations))


def new_order(request: CreateOrderRequest, state: State, *, order_id: str, order_number: str, audit: Audit) -> Created:
    """The new order, priced from the catalogue, the delivery zones and the coupon."""
    account = state.account(request.customer_id)
    order = Order(
        order_id=order_id,
        order_number=order_number,
        status=ORDER_STATUS_PENDING,
        payment_status=PAYMENT_STATUS_UNPAID,
        shipping_status=SHIPPING_STATUS_NOT_SHIPPED,
        special_instructions=request.special_instructions,
        referral_code=request.referral_code,
        cart_id=request.cart_id,
        create_time=audit.time,
    )
    order.customer.CopyFrom(account.customer)
    order.customer.customer_id = request.customer_id
    if request.metadata:
        order.metadata.update(request.metadata)
    _set_addresses(order, request, account)
    _set_payment_method(order, request, account)
    _set_appointments(order, request)
    lines, currency = _add_lines(order, request, state)
    choice = delivery_choice(order, state, currency=currency, field="shipping_address")
    codes = codes_of(request)
    user = CouponUser(request.customer_id, lines, currency, audit.time)
    priced = price_lines(
        order,
        lines,
        state,
        currency=currency,
        choice=choice,
        discounts=new_discounts(state, codes, user) if codes else (),
        points=_points(request, state, currency),
    )
    backorder_lines(None, order, state)
    hold_new(order, audit)
    schedule(order, choice, now=placed_as_of(order, state, audit.time))
    edit = OrderEdit(order=order, before=None, audit=audit)
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_CREATED, to_status=ORDER_STATUS_PENDING))
    return Created(edit.finish(), priced)


def _price_of(created: Created, state: State) -> PriceOrderResponse:
    order, priced = created.change.after, created.quote
    response = PriceOrderResponse(
        pricing=order.pricing,
        items=order.items,
        delivery=order.delivery,
        installation=order.installation,
        steps=steps_of(order),
    )
    if order.HasField("shipping_address"):
        response.delivery_options.extend(
            delivery_options(
                state.zones.all(),
                order.shipping_address,
                currency=order.pricing.total.currency_code,
                quote=priced,
                now=placed_as_of(order, state, state.time),
            )
        )
    return response


def delivery_choice(order: Order, state: State, *, currency: str, field: str) -> DeliveryChoice | None:
    """The delivery of an order to its address by its method; `field` is the address's path in the request."""
    address = order.shipping_address if order.HasField("shipping_address") else None
    delivery = order.delivery
    return choose_delivery(
        state.zones.all(),
        address,
        method=delivery.method,
        time_slot=delivery.time_slot,
        currency=currency,
        field=field,
    )


def price_lines(
    order: Order,
    lines: Sequence[Line],
    state: State,
    *,
    currency: str,
    choice: DeliveryChoice | None,
    discounts: Sequence[Discount],
    points: int,
    field: str = "items",
) -> Quote:
    """Prices the lines and writes the price into the order; `field` is the lines' path in the request."""
    if len(discounts) > 1:
        check_combination(discounts)
    priced = quote(
        lines,
        currency=currency,
        point_terms=state.terms.points_in(currency),
        choice=choice,
        discounts=discounts,
        points=points,
        field=field,
    )
    fill(order, priced)
    return priced


def _points(request: CreateOrderRequest, state: State, currency: str) -> int:
    """The points to use. Refuses points in a currency in which they have no value."""
    points = int(request.loyalty_points_to_use)
    if points and not state.terms.points_in(currency).value:
        known = ", ".join(sorted(code for code, terms in state.terms.points.items() if terms.value)) or "no currency"
        raise invalid_field("loyalty_points_to_use", f"points cannot be used in {currency}, only in {known}")
    return points


def _add_lines(order: Order, request: CreateOrderRequest, state: State) -> tuple[list[Line], str]:
    """Adds the requested lines to the order; returns them for pricing, and their currency."""
    items, currency, path = _wanted(request, state)
    lines = []
    for index, wanted in enumerate(items):
        field = f"{path}[{index}]"
        offer = find_offer(
            state.products.stored,
            product_id=wanted.product_id,
            variant_id=wanted.variant_id,
            currency=currency,
            field=field,
        )
        if wanted.without_installation:
            offer = without_installation(offer)
        currency = offer.currency
        item = add_line(order, offer, quantity=wanted.quantity, item_id=str(index + 1), field=field)
        if wanted.design_project_id:
            item.design_project_id = wanted.design_project_id
        if wanted.customizations:
            item.customizations.update(wanted.customizations)
        lines.append(line_of(offer, wanted.quantity))
    check_current(currency, field="currency_code" if request.currency_code else path)
    return lines, currency


def _wanted(request: CreateOrderRequest, state: State) -> tuple[Sequence[NewOrderItem], str, str]:
    """The lines of the request or of its cart, the currency if it is known, and the lines' path."""
    if not request.cart_id:
        if not request.items:
            raise invalid_field("items", "an order needs at least one item, or a cart_id")
        return request.items, request.currency_code, "items"
    if request.items:
        raise invalid_field("cart_id", "set either items or cart_id")
    cart, items = checkout_lines(request, state)
    return items, cart.currency_code, "cart.items"


def _set_addresses(order: Order, request: CreateOrderRequest, account: CustomerAccount) -> None:
    """Sets both addresses; the billing address defaults to the shipping address."""
    shipping = _address(request, "shipping_address", account)
    billing = _address(request, "billing_address", account) or shipping
    if shipping is not None:
        order.shipping_address.CopyFrom(shipping)
    if billing is not None:
        order.billing_address.CopyFrom(billing)


def _address(request: CreateOrderRequest, field: str, account: CustomerAccount) -> Address | None:
    """The address, given directly or by the id of a saved one."""
    if request.HasField(field):
        address: Address = getattr(request, field)
        check_address(address, field=field)
        return address
    by_id = f"{field}_id"
    return find_address(account, getattr(request, by_id), field=by_id) if request.HasField(by_id) else None


def _set_payment_method(order: Order, request: CreateOrderRequest, account: CustomerAccount) -> None:
    order.payment_method = request.payment_method
    if request.payment_method_id:
        order.payment_method_id = request.payment_method_id
        pay_by_saved_method(order, account, now=order.create_time)


def _set_appointments(order: Order, request: CreateOrderRequest) -> None:
    order.delivery.method = request.delivery_method
    order.delivery.time_slot = request.delivery_time_slot
    order.installation.time_slot = request.installation_time_slot
    if request.HasField("requested_delivery_time"):
        order.delivery.requested_time.CopyFrom(request.requested_delivery_time)
    if request.HasField("installation_time"):
        order.installation.scheduled_time.CopyFrom(request.installation_time)
