"""An independent calculator of prices, written from docs/pricing.md and nothing of the server."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor


@dataclass(frozen=True)
class Tax:
    name: str
    # In percent.
    rate: Fraction
    compound: bool = False


@dataclass(frozen=True)
class Line:
    product_id: str
    quantity: int
    unit: int
    installation: int = 0
    tax_class: str = ""


@dataclass(frozen=True)
class Coupon:
    code: str
    # One of the two.
    basis_points: int = 0
    amount: int = 0
    product_ids: tuple[str, ...] = ()
    payer: str = ""


@dataclass(frozen=True)
class Zone:
    price: int = 0
    free_from: int | None = None
    classes: dict[str, tuple[Tax, ...]] = field(default_factory=dict)
    included: bool = False
    before_discount: bool = False
    shipping_class: str = ""
    installation_class: str = ""
    policy: str = "CLASS"
    half_up: bool = False
    per_order: bool = False


@dataclass(frozen=True)
class Points:
    requested: int = 0
    # In minor units per point, and per minor unit of the total.
    value: Fraction = Fraction(0)
    per_minor: Fraction = Fraction(0)


@dataclass
class Price:
    subtotal: int = 0
    discount: int = 0
    shipping: int = 0
    installation: int = 0
    tax: int = 0
    included_tax: int = 0
    points_used: int = 0
    points_value: int = 0
    points_earned: int = 0
    total: int = 0
    line_discounts: list[int] = field(default_factory=list)
    line_taxes: list[int] = field(default_factory=list)
    taxes: dict[tuple[str, Fraction, bool], int] = field(default_factory=dict)


# A tax with its share of a taxable amount.
Share = tuple[Tax, Fraction]


def half_to_even(value: Fraction) -> int:
    return round(value)


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def split(amount: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [Fraction(amount * weight, whole) for weight in weights]
    parts = [floor(part) for part in exact]
    order = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
    for index in order[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def price_of(lines: Sequence[Line], coupons: Sequence[Coupon], zone: Zone | None, points: Points) -> Price:
    price = Price()
    prices = [line.unit * line.quantity for line in lines]
    price.subtotal = sum(prices)
    price.installation = sum(line.installation * line.quantity for line in lines)
    price.line_discounts, not_lowering = _coupons(lines, prices, coupons, zone, price)
    if zone is not None:
        goods = price.subtotal - price.discount
        price.shipping = 0 if zone.free_from is not None and goods >= zone.free_from else zone.price
        taxables = [
            total - taken + kept for total, taken, kept in zip(prices, price.line_discounts, not_lowering, strict=True)
        ]
        left = [total - taken for total, taken in zip(prices, price.line_discounts, strict=True)]
        _taxes(lines, taxables, left, zone, price)
    to_pay = price.subtotal + price.tax + price.shipping + price.installation - price.discount
    if points.value:
        price.points_value = min(floor(points.requested * points.value), to_pay)
        price.points_used = ceil(price.points_value / points.value)
    price.total = to_pay - price.points_value
    price.points_earned = half_to_even(price.total * points.per_minor) if points.value else 0
    return price


def _coupons(
    lines: Sequence[Line], prices: Sequence[int], coupons: Sequence[Coupon], zone: Zone | None, price: Price
) -> tuple[list[int], list[int]]:
    """The discounts of the lines, and the part of them that does not lower the tax."""
    left, not_lowering = list(prices), [0] * len(lines)
    for coupon in coupons:
        eligible = [
            part if not coupon.product_ids or line.product_id in coupon.product_ids else 0
            for line, part in zip(lines, left, strict=True)
        ]
        if coupon.basis_points:
            discount = half_to_even(Fraction(sum(eligible) * coupon.basis_points, 10_000))
        else:
            discount = min(coupon.amount, sum(eligible))
        shares = split(discount, eligible)
        left = [part - share for part, share in zip(left, shares, strict=True)]
        price.discount += discount
        by_zone = zone is not None and zone.before_discount and not zone.included
        if coupon.payer == "THIRD_PARTY" or (not coupon.payer and by_zone):
            not_lowering = [sum(pair) for pair in zip(not_lowering, shares, strict=True)]
    return [total - part for total, part in zip(prices, left, strict=True)], not_lowering


def _list(zone: Zone, tax_class: str) -> tuple[Share, ...]:
    taxes = zone.classes.get(tax_class or "standard", zone.classes.get("standard", ()))
    shares: list[Share] = []
    for tax in taxes:
        before = sum((share for _, share in shares), Fraction(0))
        shares.append((tax, tax.rate / 100 * (1 + before if tax.compound else 1)))
    whole = 1 + sum((share for _, share in shares), Fraction(0))
    return tuple((tax, share / whole if zone.included else share) for tax, share in shares if tax.rate)


def _taxes(lines: Sequence[Line], taxables: list[int], left: list[int], zone: Zone, price: Price) -> None:
    lists = [_list(zone, line.tax_class) for line in lines]
    parts = list(zip(taxables, lists, strict=True))
    parts += _shipping(lists, left, zone, price.shipping)
    parts.append((price.installation, _list(zone, zone.installation_class) if zone.installation_class else ()))
    rounded = half_up if zone.half_up else half_to_even
    amounts: list[dict[Share, int]] = [{} for _ in parts]
    if zone.per_order:
        for share in {share: None for _, shares in parts for share in shares}:
            weights = [taxable if share in shares else 0 for taxable, shares in parts]
            whole = rounded(sum(weights) * share[1])
            for part, (_, shares), amount in zip(amounts, parts, split(whole, weights), strict=True):
                if share in shares:
                    part[share] = amount
    else:
        for part, (taxable, shares) in zip(amounts, parts, strict=True):
            part.update({share: rounded(taxable * share[1]) for share in shares})
    price.line_taxes = [sum(part.values()) for part in amounts[: len(lines)]]
    for part, (taxable, _) in zip(amounts, parts, strict=True):
        for (tax, _), amount in part.items() if taxable else ():
            key = (tax.name, tax.rate, tax.compound)
            price.taxes[key] = price.taxes.get(key, 0) + amount
    whole = sum(sum(part.values()) for part in amounts)
    price.tax, price.included_tax = (0, whole) if zone.included else (whole, 0)


def _shipping(
    lists: Sequence[tuple[Share, ...]], left: Sequence[int], zone: Zone, shipping: int
) -> list[tuple[int, tuple[Share, ...]]]:
    if zone.policy == "CLASS":
        return [(shipping, _list(zone, zone.shipping_class) if zone.shipping_class else ())]
    if zone.policy == "PROPORTIONAL" and any(left):
        weights: dict[tuple[Share, ...], int] = {}
        for shares, part in zip(lists, left, strict=True):
            weights[shares] = weights.get(shares, 0) + part
        return list(zip(split(shipping, list(weights.values())), weights, strict=True))
    wholes = [sum((share for _, share in shares), Fraction(0)) for shares in lists]
    return [(shipping, lists[wholes.index(max(wholes))])]
