"""Prices of orders, as a pure function of their lines. All amounts are integers of the currency's minor unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orders.v1.order_pb2 import COUPON_TYPE_PERCENTAGE, CouponType, Order, OrderItem

from server.domain.base.currencies import EXPONENTS
from server.domain.base.errors import invalid_field
from server.domain.base.money import MAX_MINOR, from_minor
from server.domain.base.rounding import divide, spread
from server.domain.base.values import Terms
from server.domain.catalog.products import Offer
from server.domain.pricing.zones import DeliveryChoice, Taxes

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
    basis_points: int
    amount_minor: int
    # The products whose lines are eligible; all if empty.
    product_ids: frozenset[str]

    def fits(self, line: Line) -> bool:
        return not self.product_ids or line.product_id in self.product_ids


class Quote(NamedTuple):
    """A price and everything that it was computed from."""

    lines: Sequence[Line]
    currency: str
    terms: Terms
    choice: DeliveryChoice | None
    coupon: Discount | None
    quantity: int
    subtotal: int
    discount: int
    # By line; empty without a discount or without taxes.
    line_discounts: Sequence[int]
    line_taxes: Sequence[int]
    shipping: int
    shipping_tax: int
    installation: int
    installation_tax: int
    # The sum of the taxes: added to the prices, or included in them.
    tax: int
    included_tax: int
    points_asked: int
    points_used: int
    points_value: int
    points_earned: int
    total: int


def quote(
    lines: Sequence[Line],
    *,
    currency: str,
    terms: Terms,
    choice: DeliveryChoice | None = None,
    discount: Discount | None = None,
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
    taken, shares = _discount(lines, discount) if discount is not None else (0, ())
    shipping = tax = included_tax = shipping_tax = installation_tax = 0
    line_taxes: Sequence[int] = ()
    if choice is not None:
        taxes = choice.taxes
        shipping = shipping_price(choice.price_minor, choice.free_from_minor, goods=subtotal - taken)
        line_taxes = _line_taxes(lines, shares, taxes)
        shipping_tax = _tax(shipping, taxes.shipping, included=taxes.included)
        installation_tax = _tax(installation, taxes.installation, included=taxes.included)
        all_taxes = sum(line_taxes) + shipping_tax + installation_tax
        tax, included_tax = (0, all_taxes) if taxes.included else (all_taxes, 0)
    gross = subtotal + tax + shipping + installation
    if gross > MAX_MINOR:
        raise invalid_field(field, "the order's total is too large")
    total = gross - taken
    used, value = _points(points, terms, currency, to_pay=total) if points else (0, 0)
    total -= value
    return Quote(
        lines=lines,
        currency=currency,
        terms=terms,
        choice=choice,
        coupon=discount,
        quantity=quantity,
        subtotal=subtotal,
        discount=taken,
        line_discounts=shares,
        line_taxes=line_taxes,
        shipping=shipping,
        shipping_tax=shipping_tax,
        installation=installation,
        installation_tax=installation_tax,
        tax=tax,
        included_tax=included_tax,
        points_asked=points,
        points_used=used,
        points_value=value,
        points_earned=_points_earned(total, terms, currency),
        total=total,
    )


def shipping_price(price: int, free_from: int | None, *, goods: int) -> int:
    """The price of a delivery method for goods of this subtotal less the discount."""
    return 0 if free_from is not None and goods >= free_from else price


def eligible_subtotal(lines: Sequence[Line], discount: Discount) -> int:
    """The subtotal of the lines that a coupon applies to."""
    return sum(line.total for line in lines if discount.fits(line))


def _discount(lines: Sequence[Line], discount: Discount) -> tuple[int, Sequence[int]]:
    """A coupon's discount in total and by line. Ties go by the lines' content, so that their order changes no sum."""
    weights = [line.total if discount.fits(line) else 0 for line in lines]
    eligible = sum(weights)
    if discount.type == COUPON_TYPE_PERCENTAGE:
        taken = divide(eligible * discount.basis_points, _WHOLE)
    else:
        taken = min(discount.amount_minor, eligible)
    return taken, spread(taken, weights, ties=lines) if taken else ()


def _line_taxes(lines: Sequence[Line], shares: Sequence[int], taxes: Taxes) -> Sequence[int]:
    if not taxes.rates:
        return ()
    less = shares if shares and not taxes.before_discount else (0,) * len(lines)
    return [
        _tax(line.total - share, taxes.rate(line.tax_class), included=taxes.included)
        for line, share in zip(lines, less, strict=True)
    ]


def _tax(base: int, basis_points: int, *, included: bool) -> int:
    """The tax on an amount, or the tax that it includes."""
    if not basis_points:
        return 0
    if included:
        return base - divide(base * _WHOLE, _WHOLE + basis_points)
    return divide(base * basis_points, _WHOLE)


def _points(asked: int, terms: Terms, currency: str, *, to_pay: int) -> tuple[int, int]:
    """The points used of those asked for, no more than it takes to pay everything, and their value."""
    value = terms.point_value
    # A point is worth this many minor units: a ratio, because it may be less than one.
    worth, of = value.numerator * 10 ** EXPONENTS[currency], value.denominator
    if not worth:
        return asked, 0
    value_paid = min(asked * worth // of, to_pay)
    # No more points than pay for something: the rest stays with the customer.
    return -(-value_paid * of // worth), value_paid


def _points_earned(total: int, terms: Terms, currency: str) -> int:
    rate = terms.points_per_unit
    return divide(total * rate.numerator, rate.denominator * 10 ** EXPONENTS[currency])


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


def fill(order: Order, quote: Quote) -> None:
    """Writes a price into the order, whose items correspond to the quote's lines."""
    if order.HasField("pricing"):
        _clear(order)
    if quote.line_discounts or quote.line_taxes:
        _fill_lines(order, quote)
    order.total_quantity = quote.quantity
    order.installation.required = any(item.requires_installation for item in order.items)
    currency, pricing = quote.currency, order.pricing
    pricing.subtotal.CopyFrom(from_minor(quote.subtotal, currency))
    pricing.tax.CopyFrom(from_minor(quote.tax, currency))
    pricing.shipping.CopyFrom(from_minor(quote.shipping, currency))
    pricing.discount.CopyFrom(from_minor(quote.discount, currency))
    pricing.installation.CopyFrom(from_minor(quote.installation, currency))
    pricing.total.CopyFrom(from_minor(quote.total, currency))
    pricing.loyalty_points_earned = quote.points_earned
    if quote.coupon is not None:
        coupon = pricing.applied_coupons.add(code=quote.coupon.code, type=quote.coupon.type)
        coupon.discount.CopyFrom(pricing.discount)
    if quote.points_used:
        pricing.loyalty_points_used = quote.points_used
    if quote.points_value:
        pricing.loyalty_points_value.CopyFrom(from_minor(quote.points_value, currency))
    if quote.included_tax:
        pricing.included_tax.CopyFrom(from_minor(quote.included_tax, currency))


def _clear(order: Order) -> None:
    """Clears an earlier price."""
    order.ClearField("pricing")
    for item in order.items:
        item.ClearField("discount")
        item.ClearField("tax")
        item.ClearField("tax_basis_points")


def _fill_lines(order: Order, quote: Quote) -> None:
    for item, share in zip(order.items, quote.line_discounts, strict=False):
        if share:
            item.discount.CopyFrom(from_minor(share, quote.currency))
    for item, line, tax in zip(order.items, quote.lines, quote.line_taxes, strict=False):
        if tax and quote.choice is not None:
            item.tax.CopyFrom(from_minor(tax, quote.currency))
            item.tax_basis_points = quote.choice.taxes.rate(line.tax_class)
