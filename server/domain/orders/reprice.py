"""Recomputes the price and arrival of a changed order."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from google.protobuf.message import Message
from orders.v1.catalog_service_pb2 import Product
from orders.v1.error_reason_pb2 import ERROR_REASON_INVALID_TRANSITION, ERROR_REASON_PRICE_CHANGED
from orders.v1.order_pb2 import Delivery, Order, OrderItem
from orders.v1.order_service_pb2 import UpdateOrderRequest

from server.domain.base.errors import MAX_VIOLATIONS, Refusal, Violation
from server.domain.base.money import minor_of, text_of
from server.domain.base.state import State
from server.domain.lifecycle.guards import status_name
from server.domain.lifecycle.payment_status import is_open
from server.domain.orders.create import delivery_choice, price_lines
from server.domain.pricing.coupons import CouponUser, code_of, kept_discount, new_discounts
from server.domain.pricing.delivery import check_installation, schedule
from server.domain.pricing.discounts import Discount, Line
from server.domain.pricing.zones import DeliveryChoice, place_of

_APPOINTMENT = "order.installation.scheduled_time"
_TIMES = ("delivery.time_slot", "delivery.requested_time")
# The amounts that an update does not change directly: taxes, the delivery price, the value of points.
_AGREED = ("shipping", "tax", "included_tax", "discount", "loyalty_points_value")


class PriceInputs(NamedTuple):
    """The changes of an order that its price depends on."""

    lines: bool
    destination: bool
    added_coupons: Sequence[str]
    removed_coupons: Sequence[str]

    @property
    def coupons(self) -> bool:
        return bool(self.added_coupons or self.removed_coupons)

    @property
    def any(self) -> bool:
        return self.lines or self.destination or self.coupons


def same_lines(before: Sequence[OrderItem], after: Sequence[OrderItem]) -> bool:
    """Whether two lists of lines have the same products in the same quantities and order."""
    return list(map(_ordered, before)) == list(map(_ordered, after))


def _ordered(item: OrderItem) -> tuple[str, str, int, bool]:
    return item.product_id, item.variant_id, item.quantity, item.without_installation


def coupon_changes(order: Order, request: UpdateOrderRequest) -> tuple[list[str], list[str]]:
    """The codes of the coupons that a request adds to the order, and of those that it removes."""
    used = {coupon.code for coupon in order.pricing.applied_coupons}
    removed = set(map(code_of, request.remove_coupon_codes))
    added = dict.fromkeys(map(code_of, request.add_coupon_codes))
    return [code for code in added if code not in used | removed], sorted(used & removed)


def price_inputs(before: Order, order: Order, request: UpdateOrderRequest) -> PriceInputs:
    added, removed = coupon_changes(before, request)
    moved = place_of(before.shipping_address) != place_of(order.shipping_address)
    return PriceInputs(
        lines=not same_lines(before.items, order.items),
        destination=moved or before.delivery.method != order.delivery.method,
        added_coupons=added,
        removed_coupons=removed,
    )


def reprice(
    before: Order,
    order: Order,
    inputs: PriceInputs,
    paths: Collection[str],
    state: State,
    *,
    accept_changes: bool,
    settles: bool,
) -> None:
    """Recomputes the price and schedule of an order after a change of these paths and inputs.

    `settles` allows the price to change after a payment. Otherwise, once an amount is paid, a change of the price is refused.
    """
    if inputs.any or _touched(paths, _TIMES):
        priced = inputs.any and (settles or is_open(before))
        _follow(before, order, inputs, paths, state, accept_changes=accept_changes, priced=priced)
    # Other lines may need installation, and another arrival may allow another time for it.
    if _touched(paths, ("items", "installation.scheduled_time")):
        check_installation(order, field=_APPOINTMENT)


def _touched(paths: Collection[str], roots: Collection[str]) -> bool:
    return any(path == root or path.startswith(root + ".") for path in paths for root in roots)


def _follow(
    before: Order,
    order: Order,
    inputs: PriceInputs,
    paths: Collection[str],
    state: State,
    *,
    accept_changes: bool,
    priced: bool,
) -> None:
    """Recomputes price and arrival from the lines, the destination, the coupons and the requested time."""
    if before.delivery.zone_id and not state.zones.all() and not (inputs.lines or inputs.coupons):
        return  # There are no longer any zones: the agreed delivery remains.
    choice = delivery_choice(order, state, currency=order.pricing.total.currency_code, field="order.shipping_address")
    elsewhere = _goes_elsewhere(before, choice)
    if priced:
        if not accept_changes:
            _check_prices(before, order, inputs, choice, state)
        _price(order, choice, state, inputs)
    elif inputs.destination and elsewhere and before.delivery.zone_id:
        _check_total(before, order, choice, state)
    elif elsewhere and not inputs.destination:
        return  # The zones have changed, but the agreed terms of the order remain.
    if inputs.destination or _touched(paths, ("delivery.requested_time",)) or (priced and elsewhere):
        _schedule(order, choice, paths, state)


def _goes_elsewhere(before: Order, choice: DeliveryChoice | None) -> bool:
    delivery = before.delivery
    if choice is None:
        return bool(delivery.zone_id)
    return (choice.zone.zone_id, choice.method.method) != (delivery.zone_id, delivery.method)


def _price(order: Order, choice: DeliveryChoice | None, state: State, inputs: PriceInputs | None = None) -> None:
    """Prices the order's lines by current terms, with its kept and added coupons."""
    pricing, lines = order.pricing, [_line(item, state) for item in order.items]
    price_lines(
        order,
        lines,
        state,
        currency=pricing.total.currency_code,
        choice=choice,
        discounts=_discounts(order, lines, state, inputs),
        # An update never takes more points.
        points=pricing.loyalty_points_used,
        field="order.items",
    )


def _discounts(order: Order, lines: Sequence[Line], state: State, inputs: PriceInputs | None) -> list[Discount]:
    added, removed = (inputs.added_coupons, inputs.removed_coupons) if inputs else ((), ())
    used = [coupon for coupon in order.pricing.applied_coupons if coupon.code not in removed]
    user = CouponUser(order.customer.customer_id, lines, order.pricing.total.currency_code, order.create_time)
    kept = [kept_discount(state, coupon, user) for coupon in used]
    return kept + new_discounts(state, added, user._replace(time=state.time))


def _line(item: OrderItem, state: State) -> Line:
    """The line at the price that it has in the order."""
    snapshot = state.products.stored.get(item.product_id)
    return Line(
        item.product_id,
        item.variant_id,
        item.quantity,
        minor_of(item.unit_price),
        minor_of(item.installation_price),
        "" if snapshot is None else Product.FromString(snapshot).tax_class,
    )


def _check_prices(
    before: Order, order: Order, inputs: PriceInputs, choice: DeliveryChoice | None, state: State
) -> None:
    """Refuses an update if an unchanged part of the order has another price now."""
    changes = list(_changed_lines(before, order))
    if not (inputs.destination and _goes_elsewhere(before, choice)):
        changes += _changed_amounts(before, choice, state)
    if changes:
        text = (
            f"prices have changed since order {order.order_number} was priced; "
            "show the customer the new prices, then send accept_price_changes"
        )
        metadata = {"order_id": order.order_id}
        raise Refusal(ERROR_REASON_PRICE_CHANGED, text, metadata=metadata, violations=changes[:MAX_VIOLATIONS])


def _changed_lines(before: Order, order: Order) -> Iterator[Violation]:
    """The prices of products that the order had before."""
    agreed = {_priced(item): item for item in reversed(before.items)}
    for index, item in enumerate(order.items):
        old = agreed.get(_priced(item))
        if old is not None:
            for name in ("unit_price", "installation_price"):
                yield from _changed(old, item, name, field=f"order.items[{index}].{name}", order=order)


def _priced(item: OrderItem) -> tuple[str, str, bool]:
    return item.product_id, item.variant_id, item.without_installation


def _changed_amounts(before: Order, choice: DeliveryChoice | None, state: State) -> list[Violation]:
    """The amounts that the unchanged order would have now."""
    today = Order()
    today.CopyFrom(before)
    try:
        _price(today, choice, state)
    except Refusal:
        return []  # The unchanged order is no longer available, so only the changed order counts.
    return [
        change
        for name in _AGREED
        for change in _changed(before.pricing, today.pricing, name, field=f"order.pricing.{name}", order=before)
    ]


def _changed(old: Message, new: Message, name: str, *, field: str, order: Order) -> Iterator[Violation]:
    was, now = minor_of(getattr(old, name)), minor_of(getattr(new, name))
    if was != now:
        currency = order.pricing.total.currency_code
        yield Violation(field, f"was {text_of(was, currency)}, is {text_of(now, currency)}")


def _check_total(before: Order, order: Order, choice: DeliveryChoice | None, state: State) -> None:
    wished = Order()
    wished.CopyFrom(order)
    _price(wished, choice, state)
    total, now = minor_of(before.pricing.total), minor_of(wished.pricing.total)
    if total == now:
        return
    currency, status = before.pricing.total.currency_code, status_name(before.status)
    field = "shipping_address" if order.shipping_address != before.shipping_address else "delivery.method"
    text = (
        f"order {order.order_number}: {field} would change the total from {text_of(total, currency)} to {text_of(now, currency)}, "
        "and the order is paid or confirmed; cancel it and create a new order"
    )
    metadata = {"order_id": order.order_id, "from": status, "field": field}
    raise Refusal(ERROR_REASON_INVALID_TRANSITION, text, metadata=metadata)


def _schedule(order: Order, choice: DeliveryChoice | None, paths: Collection[str], state: State) -> None:
    wished = Delivery()
    wished.CopyFrom(order.delivery)
    schedule(order, choice, now=state.time, field=_APPOINTMENT)
    if "delivery.estimated_time" in paths:
        order.delivery.ClearField("estimated_time")
        if wished.HasField("estimated_time"):
            order.delivery.estimated_time.CopyFrom(wished.estimated_time)
