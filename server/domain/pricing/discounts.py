"""The discounts of coupons on the lines of an order. All amounts are integers of the currency's minor unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orders.v1.order_pb2 import (
    COUPON_PAYER_THIRD_PARTY,
    COUPON_PAYER_UNSPECIFIED,
    COUPON_TYPE_PERCENTAGE,
    AppliedCoupon,
    CouponTerms,
    CouponType,
)

from server.domain.base.money import from_minor, minor_of
from server.domain.base.rounding import divide, spread

# Hundredths of a percent in the whole.
_WHOLE = 10_000


class Line(NamedTuple):
    """The priced part of an order line; prices are per unit."""

    product_id: str
    variant_id: str
    quantity: int
    unit_minor: int
    installation_minor: int
    tax_class: str

    @property
    def total(self) -> int:
        return self.unit_minor * self.quantity


@dataclass(frozen=True, slots=True)
class Discount:
    """A coupon in one currency."""

    code: str
    type: CouponType
    # Never changed: it is shared by all orders that use the coupon.
    terms: CouponTerms
    amount_minor: int
    minimum_minor: int
    # The products whose lines are eligible; all if empty.
    product_ids: frozenset[str]

    def fits(self, line: Line) -> bool:
        return not self.product_ids or line.product_id in self.product_ids

    def lowers_tax(self, *, before_discount: bool) -> bool:
        """Whether the discount lowers the tax; `before_discount` is the zone's rule for coupons without one."""
        if self.terms.payer == COUPON_PAYER_UNSPECIFIED:
            return not before_discount
        return bool(self.terms.payer != COUPON_PAYER_THIRD_PARTY)


def discount_of(code: str, type: CouponType, terms: CouponTerms) -> Discount:
    """The discount of a coupon, by its terms in an order's currency."""
    return Discount(
        code=code,
        type=type,
        terms=terms,
        amount_minor=minor_of(terms.amount),
        minimum_minor=minor_of(terms.minimum_subtotal),
        product_ids=frozenset(terms.product_ids),
    )


class AppliedDiscount(NamedTuple):
    """A discount on the lines of an order."""

    discount: Discount
    # The eligible lines' price, less the discounts before this one.
    eligible: int
    amount: int
    # By line.
    shares: Sequence[int]

    def applied_coupon(self, currency: str) -> AppliedCoupon:
        discount = self.discount
        coupon = AppliedCoupon(code=discount.code, type=discount.type, terms=discount.terms)
        coupon.discount.CopyFrom(from_minor(self.amount, currency))
        coupon.eligible_amount.CopyFrom(from_minor(self.eligible, currency))
        return coupon


def apply_discounts(lines: Sequence[Line], discounts: Sequence[Discount]) -> list[AppliedDiscount]:
    """The discounts, one after the other: each on the part of its lines' price that the ones before it leave."""
    left = [line.total for line in lines]
    applied = []
    for discount in discounts:
        one = _apply(discount, lines, left)
        left = [price - share for price, share in zip(left, one.shares, strict=True)]
        applied.append(one)
    return applied


def _apply(discount: Discount, lines: Sequence[Line], prices: Sequence[int]) -> AppliedDiscount:
    weights = [price if discount.fits(line) else 0 for line, price in zip(lines, prices, strict=True)]
    eligible = sum(weights)
    if discount.type == COUPON_TYPE_PERCENTAGE:
        amount = divide(eligible * discount.terms.basis_points, _WHOLE)
    else:
        amount = min(discount.amount_minor, eligible)
    shares = spread(amount, weights) if amount else [0] * len(lines)
    return AppliedDiscount(discount, eligible, amount, shares)


def eligible_subtotal(lines: Sequence[Line], discount: Discount) -> int:
    """The subtotal of the lines that a coupon applies to."""
    return sum(line.total for line in lines if discount.fits(line))


def line_sums(applied: Sequence[AppliedDiscount], lines: Sequence[Line]) -> Sequence[int]:
    """The discounts' shares by line."""
    if not applied:
        return [0] * len(lines)
    return [sum(shares) for shares in zip(*(one.shares for one in applied), strict=True)]
