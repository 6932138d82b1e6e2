"""The effects of a change of an order: stock, coupon uses, loyalty points.

Effects are the difference between the order's holdings after and before. Every change of an order uses this module, so
everything is returned exactly as often as it was taken.
"""

from typing import NamedTuple

from orders.v1.customer_service_pb2 import (
    POINTS_ENTRY_TYPE_EARNED,
    POINTS_ENTRY_TYPE_RETURNED,
    POINTS_ENTRY_TYPE_USED,
)
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_DELIVERED, Order

from server.domain.base.values import CouponUse, PointsMove, Sku
from server.domain.catalog.stock import awaited_difference, moved_by


class Effects(NamedTuple):
    """The quantities that one change of an order moves."""

    taken: dict[Sku, int]
    reserved: dict[Sku, int]
    awaited: dict[Sku, int]
    coupon_uses: dict[CouponUse, int]
    points: list[PointsMove]


def effects_of(before: Order | None, after: Order) -> Effects:
    """The effects of a change; `before` is None for a new order."""
    taken, reserved = moved_by(before, after)
    return Effects(
        taken, reserved, awaited_difference(before, after), _coupon_uses(before, after), _points(before, after)
    )


def uses_of(order: Order | None) -> dict[CouponUse, int]:
    """The coupons an order uses. A cancelled order uses none."""
    if order is None or order.status == ORDER_STATUS_CANCELLED:
        return {}
    customer_id = order.customer.customer_id
    codes = [coupon.code for coupon in order.pricing.applied_coupons]
    return {(code, user): 1 for code in codes for user in ("", customer_id)}


def points_used_by(order: Order | None) -> int:
    """The loyalty points that pay for an order, less those returned by refunds. Cancelled and imported orders use none."""
    if order is None or order.source or order.status == ORDER_STATUS_CANCELLED:
        return 0
    used = order.pricing.loyalty_points_used
    return max(0, used - sum(refund.returned_points for refund in order.refunds)) if used else 0


def points_earned_by(order: Order | None) -> int:
    """The loyalty points an order has earned; none before it is delivered, and none for an imported order."""
    if order is None or order.source or order.status != ORDER_STATUS_DELIVERED:
        return 0
    return order.pricing.loyalty_points_earned


def _coupon_uses(before: Order | None, after: Order) -> dict[CouponUse, int]:
    used_before, used = uses_of(before), uses_of(after)
    if used_before == used:
        return {}
    return {
        use: used.get(use, 0) - used_before.get(use, 0)
        for use in {**used_before, **used}
        if (use in used) != (use in used_before)
    }


def _points(before: Order | None, after: Order) -> list[PointsMove]:
    moves = []
    used = points_used_by(after) - points_used_by(before)
    if used:
        moves.append(PointsMove(POINTS_ENTRY_TYPE_USED if used > 0 else POINTS_ENTRY_TYPE_RETURNED, -used))
    earned = points_earned_by(after) - points_earned_by(before)
    if earned:
        moves.append(PointsMove(POINTS_ENTRY_TYPE_EARNED, earned))
    return moves
