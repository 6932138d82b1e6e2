"""Prices of orders, as a pure function of their lines. All amounts are integers of the currency's minor unit.

docs/pricing.md defines every amount.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from orders.v1.order_pb2 import Order, OrderItem

from server.domain.base.currencies import EXPONENTS
from server.domain.base.errors import invalid_field
from server.domain.base.money import MAX_MINOR, from_minor
from server.domain.base.rounding import divide
from server.domain.base.values import PointTerms
from server.domain.catalog.products import Offer
from server.domain.pricing.discounts import AppliedDiscount, Discount, Line, apply_discounts, line_sums
from server.domain.pricing.taxes import Taxable, Taxed, Taxes
from server.domain.pricing.zones import DeliveryChoice


class Quote(NamedTuple):
    """A price and everything that it was computed from."""

    lines: Sequence[Line]
    currency: str
    point_terms: PointTerms
    choice: DeliveryChoice | None
    coupons: Sequence[AppliedDiscount]
    quantity: int
    subtotal: int
    discount: int
    # By line.
    line_discounts: Sequence[int]
    # By line; empty without a zone.
    line_taxes: Sequence[Taxed]
    shipping: int
    shipping_taxes: Sequence[Taxed]
    installation: int
    installation_taxes: Sequence[Taxed]
    # The sum of the taxes: added to the prices, or included in them.
    tax: int
    included_tax: int
    points_requested: int
    points_used: int
    points_value: int
    points_earned: int
    total: int


def quote(
    lines: Sequence[Line],
    *,
    currency: str,
    point_terms: PointTerms,
    choice: DeliveryChoice | None = None,
    discounts: Sequence[Discount] = (),
    points: int = 0,
    field: str = "items",
) -> Quote:
    """The price of the lines; `points` are those to use, `field` is the lines' path in the request."""
    quantity = subtotal = installation = 0
    for line in lines:
        pieces = line.quantity
        quantity += pieces
        subtotal += line.unit_minor * pieces
        installation += line.installation_minor * pieces
    coupons: Sequence[AppliedDiscount] = apply_discounts(lines, discounts) if discounts else ()
    discount = sum(coupon.amount for coupon in coupons)
    shares = line_sums(coupons, lines)
    shipping = 0
    taxed = _NO_TAXES
    if choice is not None:
        shipping = shipping_price(choice.price_minor, choice.free_from_minor, goods=subtotal - discount)
        taxed = _taxes(lines, coupons, shares, choice.taxes, shipping=shipping, installation=installation)
    all_taxes = taxed.sum()
    tax, included_tax = (0, all_taxes) if choice is not None and choice.taxes.included else (all_taxes, 0)
    gross = subtotal + tax + shipping + installation
    if gross > MAX_MINOR:
        raise invalid_field(field, "the order's total is too large")
    to_pay = gross - discount
    used, value = _points(points, point_terms, currency, to_pay=to_pay) if points else (0, 0)
    return Quote(
        lines=lines,
        currency=currency,
        point_terms=point_terms,
        choice=choice,
        coupons=coupons,
        quantity=quantity,
        subtotal=subtotal,
        discount=discount,
        line_discounts=shares,
        line_taxes=taxed.lines,
        shipping=shipping,
        shipping_taxes=taxed.shipping,
        installation=installation,
        installation_taxes=taxed.installation,
        tax=tax,
        included_tax=included_tax,
        points_requested=points,
        points_used=used,
        points_value=value,
        points_earned=points_earned(to_pay - value, point_terms, currency),
        total=to_pay - value,
    )


def shipping_price(price: int, free_from: int | None, *, goods: int) -> int:
    """The price of a delivery method for goods of this subtotal less the discount."""
    return 0 if free_from is not None and goods >= free_from else price


class _PartTaxes(NamedTuple):
    """The taxes on the parts of an order."""

    lines: Sequence[Taxed]
    shipping: Sequence[Taxed]
    installation: Sequence[Taxed]

    def sum(self) -> int:
        return sum(sum(taxed.amounts) for parts in self for taxed in parts)


_NO_TAXES = _PartTaxes((), (), ())


def _taxes(
    lines: Sequence[Line],
    coupons: Sequence[AppliedDiscount],
    shares: Sequence[int],
    taxes: Taxes,
    *,
    shipping: int,
    installation: int,
) -> _PartTaxes:
    sets = [taxes.of(line.tax_class) for line in lines]
    lowering = [one for one in coupons if one.discount.lowers_tax(before_discount=taxes.before_discount)]
    less = shares if len(lowering) == len(coupons) else line_sums(lowering, lines)
    goods = [Taxable(line.total - share, its) for line, share, its in zip(lines, less, sets, strict=True)]
    prices = goods
    if less is not shares:
        prices = [Taxable(line.total - share, its) for line, share, its in zip(lines, shares, sets, strict=True)]
    parts = [*goods, *taxes.shipping_parts(shipping, prices), Taxable(installation, taxes.installation)]
    taxed = taxes.on(parts)
    count = len(lines)
    return _PartTaxes(taxed[:count], taxed[count:-1], taxed[-1:])


def _points(requested: int, terms: PointTerms, currency: str, *, to_pay: int) -> tuple[int, int]:
    """The used points and their value, limited to the amount to pay."""
    # A point is worth this many minor units: a ratio, because it may be less than one.
    worth, of = _ratio(terms.value, 10 ** EXPONENTS[currency])
    if not worth:
        return 0, 0
    value_paid = min(requested * worth // of, to_pay)
    # Only the points that are needed; the customer keeps the rest.
    return -(-value_paid * of // worth), value_paid


def points_earned(total: int, terms: PointTerms, currency: str) -> int:
    """The points that a total earns."""
    if not terms.value:
        return 0
    numerator, denominator = _ratio(terms.per_unit, 1)
    return divide(total * numerator, denominator * 10 ** EXPONENTS[currency])


@lru_cache(maxsize=256)
def _ratio(value: Decimal, scale: int) -> tuple[int, int]:
    numerator, denominator = value.as_integer_ratio()
    return numerator * scale, denominator


def line_of(offer: Offer, quantity: int) -> Line:
    """A quantity of an offer, as a line to price."""
    line = offer.line
    return Line(line.product_id, line.variant_id, quantity, offer.unit_minor, offer.installation_minor, offer.tax_class)


def add_line(order: Order, offer: Offer, *, quantity: int, item_id: str, field: str) -> OrderItem:
    """Appends a line at the offer's price; `field` is the line's path in the request."""
    total = offer.unit_minor * quantity
    if total > MAX_MINOR:
        raise invalid_field(f"{field}.quantity", "makes the line's total too large")
    item = order.items.add()
    item.CopyFrom(offer.line)
    item.item_id = item_id
    item.quantity = quantity
    item.total_price.CopyFrom(from_minor(total, offer.currency))
    return item
