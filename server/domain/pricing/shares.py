"""Shares of an order's price: of its lines, shipping and installation, with their discount, taxes and points.

A share is taken from the rest after earlier refunds, so the last one takes the remainder, and all shares add up to the whole.
All amounts are integers of the currency's minor unit.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from orders.v1.order_pb2 import (
    COUPON_PAYER_THIRD_PARTY,
    PRICE_PART_INSTALLATION,
    PRICE_PART_LINE,
    PRICE_PART_SHIPPING,
    PRICE_PART_UNSPECIFIED,
    AppliedTax,
    Order,
    OrderItem,
    PricePart,
    PriceShare,
)

from server.domain.base.money import from_minor, minor_of
from server.domain.base.rounding import divide, spread
from server.domain.pricing.taxes import TaxName, decimal_text


class TaxShare(NamedTuple):
    """A share of one tax."""

    named: TaxName
    taxable: int
    amount: int


class Share(NamedTuple):
    """A share of one part of an order's price."""

    part: PricePart
    item_id: str
    quantity: int
    price: int
    discount: int
    taxes: tuple[TaxShare, ...]
    # Whether the taxes are added to the price; otherwise they are part of it.
    added: bool
    points: int = 0
    points_value: int = 0
    # The part of the discount that third parties pay for.
    by_others: int = 0

    @property
    def key(self) -> tuple[PricePart, str]:
        return self.part, self.item_id

    @property
    def tax(self) -> int:
        return sum(tax.amount for tax in self.taxes)

    @property
    def due(self) -> int:
        """The amount that money and points pay."""
        return self.price - self.discount + (self.tax if self.added else 0)

    @property
    def money(self) -> int:
        return self.due - self.points_value


def parts_of(order: Order) -> list[Share]:
    """The whole price by part, or as one part if the amounts of an imported order do not add up."""
    parts = list(_parts(order))
    pricing = order.pricing
    whole = minor_of(pricing.total) + minor_of(pricing.loyalty_points_value)
    if sum(part.due for part in parts) != whole or any(part.due < 0 for part in parts):
        tax = min(whole, minor_of(pricing.tax) + minor_of(pricing.included_tax))
        taxes = (TaxShare(TaxName("", "", False), whole, tax),) if tax else ()
        parts = [Share(PRICE_PART_UNSPECIFIED, "", 0, whole, 0, taxes, added=False)]
    return _with_others(_with_points(parts, order), order)


def money_of(shares: Iterable[Share]) -> int:
    """The money in the shares."""
    return sum(share.money for share in shares)


def take(part: Share, numerator: int, denominator: int, *, quantity: int = 0) -> Share:
    """A fraction of a part, with its points. No component exceeds that of the part, and neither does the rest."""
    price = divide(part.price * numerator, denominator)
    tax = divide(part.tax * numerator, denominator)
    share = part._replace(
        quantity=quantity,
        price=price,
        discount=divide(part.discount * price, part.price) if part.price else 0,
        taxes=_split(part.taxes, tax, numerator, denominator),
        by_others=0,
    )
    if not part.due:
        return share._replace(points=0, points_value=0)
    return share._replace(
        points=divide(part.points * share.due, part.due), points_value=divide(part.points_value * share.due, part.due)
    )


def take_amount(parts: Sequence[Share], amount: int) -> list[Share]:
    """An amount of money, no more than that of the parts, split among them by largest remainder. It returns no points."""
    weights = [part.money for part in parts]
    if not amount:
        return []
    shares = spread(amount, weights)
    return [_take_money(part, share) for part, share in zip(parts, shares, strict=True) if share]


def _take_money(part: Share, amount: int) -> Share:
    """An amount of money with the tax in it: the part that it is of everything that pays for the part."""
    everything = part.due + part.by_others
    net = part.price - part.discount
    lowest = max(0, amount - net) if part.added else 0
    tax = min(max(divide(part.tax * amount, everything), lowest), amount, part.tax)
    without_tax = amount - tax if part.added else amount
    discount = divide(part.discount * without_tax, net) if net else 0
    return part._replace(
        quantity=0,
        price=without_tax + discount,
        discount=discount,
        taxes=_split(part.taxes, tax, amount, everything),
        points=0,
        points_value=0,
        by_others=0,
    )


def rest_of(part: Share, shares: Iterable[Share]) -> Share:
    """A part without the shares that were taken from it."""
    rest = part
    for share in shares:
        rest = rest._replace(
            quantity=max(0, rest.quantity - share.quantity),
            price=max(0, rest.price - share.price),
            discount=max(0, rest.discount - share.discount),
            taxes=_less(rest.taxes, share.taxes),
            points=max(0, rest.points - share.points),
            points_value=max(0, rest.points_value - share.points_value),
        )
    others = divide(part.by_others * rest.discount, part.discount) if part.discount else 0
    # The price of a changed order may be less than the shares taken from it.
    discount = min(rest.discount, rest.price)
    rest = rest._replace(by_others=others, discount=discount)
    return rest._replace(points_value=min(rest.points_value, rest.due))


def summed(shares: Sequence[Share]) -> Share:
    """The sum of shares, as one of the whole order."""
    added = any(share.added for share in shares)
    return Share(
        PRICE_PART_UNSPECIFIED,
        "",
        0,
        sum(share.price for share in shares),
        sum(share.discount for share in shares),
        tuple(_sums(tax for share in shares for tax in share.taxes)),
        added,
        sum(share.points for share in shares),
        sum(share.points_value for share in shares),
    )


def tax_totals(shares: Iterable[Share], currency: str) -> list[AppliedTax]:
    """The sum of each tax over the shares, in the order of first occurrence, except on shares that cost nothing."""
    charged = (tax for share in shares for tax in share.taxes if tax.taxable)
    return [_tax_message(tax, currency) for tax in _sums(charged)]


def sum_taxes(taxes: Iterable[AppliedTax], currency: str) -> list[AppliedTax]:
    """The sum of each tax."""
    return [_tax_message(tax, currency) for tax in _sums(map(_tax_share, taxes))]


def message_of(share: Share, currency: str) -> PriceShare:
    """A share as a message."""
    return PriceShare(
        part=share.part,
        item_id=share.item_id,
        quantity=share.quantity,
        price=from_minor(share.price, currency),
        discount=from_minor(share.discount, currency) if share.discount else None,
        taxes=[_tax_message(tax, currency) for tax in share.taxes],
        loyalty_points=share.points,
        loyalty_points_value=from_minor(share.points_value, currency) if share.points_value else None,
        amount=from_minor(share.money, currency),
    )


def share_of(message: PriceShare) -> Share:
    """A stored share."""
    price, discount = minor_of(message.price), minor_of(message.discount)
    value, taxes = minor_of(message.loyalty_points_value), tuple(map(_tax_share, message.taxes))
    net = price - discount - value
    added = any(tax.amount for tax in taxes) and minor_of(message.amount) != net
    return Share(
        message.part, message.item_id, message.quantity, price, discount, taxes, added, message.loyalty_points, value
    )


def _parts(order: Order) -> Iterator[Share]:
    pricing, added = order.pricing, not minor_of(order.pricing.included_tax)
    installation_taxes = tuple(map(_tax_share, pricing.installation_taxes))
    shipping_taxes = tuple(map(_tax_share, pricing.shipping_taxes))
    if not pricing.taxes:
        shipping_taxes = tuple(_other_tax(order))
    for item in order.items:
        taxes = tuple(_item_taxes(item))
        price, discount = minor_of(item.total_price), minor_of(item.discount)
        yield Share(PRICE_PART_LINE, item.item_id, item.quantity, price, discount, taxes, added)
    yield Share(PRICE_PART_SHIPPING, "", 0, minor_of(pricing.shipping), 0, shipping_taxes, added)
    yield Share(PRICE_PART_INSTALLATION, "", 0, minor_of(pricing.installation), 0, installation_taxes, added)


def _item_taxes(item: OrderItem) -> Iterator[TaxShare]:
    """The taxes of a line; the only tax of a line priced by an earlier version of the server."""
    if item.taxes:
        yield from map(_tax_share, item.taxes)
    elif minor_of(item.tax):
        rate = decimal_text(Decimal(item.tax_basis_points).scaleb(-2))
        yield TaxShare(TaxName("", rate, False), minor_of(item.total_price), minor_of(item.tax))


def _other_tax(order: Order) -> Iterator[TaxShare]:
    """The tax of an order priced by an earlier version of the server, less that of its lines."""
    pricing = order.pricing
    tax = minor_of(pricing.tax) + minor_of(pricing.included_tax) - sum(minor_of(item.tax) for item in order.items)
    if tax:
        yield TaxShare(TaxName("", "", False), minor_of(pricing.shipping), tax)


def _with_points(parts: Sequence[Share], order: Order) -> list[Share]:
    value, points = minor_of(order.pricing.loyalty_points_value), order.pricing.loyalty_points_used
    if not value:
        return list(parts)
    weights = [part.due for part in parts]
    return [
        part._replace(points_value=worth, points=count)
        for part, worth, count in zip(parts, spread(value, weights), spread(points, weights), strict=True)
    ]


def _with_others(parts: Sequence[Share], order: Order) -> list[Share]:
    """The parts with their shares of the discounts that third parties pay for, which do not lower the tax."""
    coupons = order.pricing.applied_coupons
    whole = sum(minor_of(one.discount) for one in coupons if one.terms.payer == COUPON_PAYER_THIRD_PARTY)
    weights = [_untaxed_discount(part) for part in parts]
    if not any(weights):
        weights = [part.discount for part in parts]
    if not whole or not any(weights):
        return list(parts)
    shares = spread(whole, weights)
    return [part._replace(by_others=min(share, part.discount)) for part, share in zip(parts, shares, strict=True)]


def _untaxed_discount(part: Share) -> int:
    """The part of a line's discount that does not lower its tax."""
    lowering = part.price - part.taxes[0].taxable if part.taxes else 0
    return max(0, part.discount - lowering) if part.part == PRICE_PART_LINE else 0


def _split(taxes: Sequence[TaxShare], amount: int, numerator: int, denominator: int) -> tuple[TaxShare, ...]:
    """Splits an amount among the taxes by largest remainder, with a fraction of their taxable amounts."""
    amounts = spread(amount, [tax.amount for tax in taxes]) if amount else [0] * len(taxes)
    return tuple(
        TaxShare(tax.named, divide(tax.taxable * numerator, denominator), share)
        for tax, share in zip(taxes, amounts, strict=True)
    )


def _less(taxes: Sequence[TaxShare], taken: Sequence[TaxShare]) -> tuple[TaxShare, ...]:
    gone = {tax.named: tax for tax in taken}
    return tuple(
        tax._replace(taxable=max(0, tax.taxable - less.taxable), amount=max(0, tax.amount - less.amount))
        if (less := gone.get(tax.named))
        else tax
        for tax in taxes
    )


def _sums(taxes: Iterable[TaxShare]) -> Iterable[TaxShare]:
    sums: dict[TaxName, TaxShare] = {}
    for tax in taxes:
        known = sums.get(tax.named, TaxShare(tax.named, 0, 0))
        sums[tax.named] = TaxShare(tax.named, known.taxable + tax.taxable, known.amount + tax.amount)
    return sums.values()


def _tax_share(tax: AppliedTax) -> TaxShare:
    named = TaxName(tax.name, tax.rate.value, tax.compound)
    return TaxShare(named, minor_of(tax.taxable_amount), minor_of(tax.amount))


def _tax_message(tax: TaxShare, currency: str) -> AppliedTax:
    applied = AppliedTax(name=tax.named.name, compound=tax.named.compound)
    applied.rate.value = tax.named.rate
    applied.taxable_amount.CopyFrom(from_minor(tax.taxable, currency))
    applied.amount.CopyFrom(from_minor(tax.amount, currency))
    return applied
