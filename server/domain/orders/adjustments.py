"""Adjustments: the changes of an order's price after a payment."""

from orders.v1.order_pb2 import Order, PriceAdjustment, PriceAdjustmentType

from server.domain.base.edits import Audit
from server.domain.base.errors import invalid_field

MAX_ADJUSTMENTS = 100


def add_adjustment(order: Order, type: PriceAdjustmentType, audit: Audit) -> PriceAdjustment:
    """Adds a new adjustment to an order whose total has not changed yet."""
    if len(order.adjustments) >= MAX_ADJUSTMENTS:
        text = f"the price of order {order.order_number} has been adjusted {MAX_ADJUSTMENTS} times, the maximum"
        raise invalid_field("order_id", text)
    return order.adjustments.add(
        adjustment_id=str(len(order.adjustments) + 1),
        type=type,
        create_time=audit.time,
        previous_total=order.pricing.total,
    )
