"""The price and arrival of a changed order."""

from collections.abc import Collection

from orders.v1.catalog_service_pb2 import Product
from orders.v1.error_reason_pb2 import ERROR_REASON_INVALID_TRANSITION
from orders.v1.order_pb2 import (
    Delivery,
    Order,
    OrderItem,
)

from server.domain.base.errors import Refusal
from server.domain.base.money import minor_of, text_of
from server.domain.base.state import State
from server.domain.lifecycle.lifecycle import status_name
from server.domain.lifecycle.payment_status import is_open
from server.domain.orders.create import delivery_choice, price_lines
from server.domain.pricing.delivery import check_installation, schedule
from server.domain.pricing.quotes import Line
from server.domain.pricing.zones import DeliveryChoice

# The other fields that an order's price or arrival depends on.
_PLACE = ("shipping_address", "delivery.method")
_APPOINTMENT = "order.installation.scheduled_time"
_TIME = ("delivery.time_slot", "delivery.requested_time")


def reprice(before: Order, order: Order, paths: Collection[str], state: State) -> None:
    """Recomputes the price and schedule of an order after these paths have changed.

    Destination and method change the price while it may still change; afterwards, a change of price is refused.
    """
    if _touched(paths, ("items", *_PLACE, *_TIME)):
        _follow(before, order, paths, state)
    # Other lines may need installation, and another arrival may allow another time for it.
    if _touched(paths, ("items", "installation.scheduled_time")):
        check_installation(order, field=_APPOINTMENT)


def _follow(before: Order, order: Order, paths: Collection[str], state: State) -> None:
    """Recomputes price and arrival from the lines, the destination and the requested time."""
    if before.delivery.zone_id and not state.zones.all() and "items" not in paths:
        return  # There are no zones any more: the agreed delivery remains.
    items, place = "items" in paths, _touched(paths, _PLACE)
    currency = order.pricing.total.currency_code
    choice = delivery_choice(order, state, currency=currency, field="order.shipping_address")
    opened, elsewhere = is_open(before), _goes_elsewhere(before, choice)
    if opened and (items or elsewhere):
        _price(order, choice, state)
    elif elsewhere and before.delivery.zone_id:
        _check_total(before, order, choice, state)
    # The zones may have changed: an order that is priced by another one is delivered by it too.
    if place or "delivery.requested_time" in paths or (opened and elsewhere):
        _schedule(order, choice, paths, state)


def _touched(paths: Collection[str], roots: Collection[str]) -> bool:
    return any(path == root or path.startswith(root + ".") for path in paths for root in roots)


def _goes_elsewhere(before: Order, choice: DeliveryChoice | None) -> bool:
    delivery = before.delivery
    if choice is None:
        return bool(delivery.zone_id)
    return (choice.zone.zone_id, choice.method.method) != (delivery.zone_id, delivery.method)


def _price(order: Order, choice: DeliveryChoice | None, state: State) -> None:
    pricing = order.pricing
    price_lines(
        order,
        [_line(item, state) for item in order.items],
        state,
        currency=pricing.total.currency_code,
        choice=choice,
        coupon_code=pricing.applied_coupons[0].code if pricing.applied_coupons else "",
        points=pricing.loyalty_points_used,
        time=order.create_time,
        counted=True,
        field="order.items",
    )


def _line(item: OrderItem, state: State) -> Line:
    """The line at the price that it was ordered at."""
    snapshot = state.products.stored.get(item.product_id)
    return Line(
        item.product_id,
        item.variant_id,
        item.quantity,
        minor_of(item.unit_price),
        minor_of(item.installation_price),
        "" if snapshot is None else Product.FromString(snapshot).tax_class,
    )


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
        f"order {order.order_id}: {field} would change the total from {text_of(total, currency)} to {text_of(now, currency)}, "
        "and the order is paid or confirmed; cancel it and create a new order"
    )
    metadata = {"order_id": order.order_id, "from": status, "to": status, "field": field}
    raise Refusal(ERROR_REASON_INVALID_TRANSITION, text, metadata=metadata)


def _schedule(order: Order, choice: DeliveryChoice | None, paths: Collection[str], state: State) -> None:
    wished = Delivery()
    wished.CopyFrom(order.delivery)
    schedule(order, choice, now=state.time, field=_APPOINTMENT)
    if "delivery.estimated_time" in paths:
        order.delivery.ClearField("estimated_time")
        if wished.HasField("estimated_time"):
            order.delivery.estimated_time.CopyFrom(wished.estimated_time)
