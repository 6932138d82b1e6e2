"""Taxes: the rates of a tax class, and the tax on each part of an order, in minor units."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from orders.v1.catalog_service_pb2 import DeliveryZone, TaxRate
from orders.v1.order_pb2 import (
    ROUNDING_LEVEL_ORDER,
    ROUNDING_MODE_HALF_UP,
    SHIPPING_TAX_POLICY_HIGHEST,
    SHIPPING_TAX_POLICY_PROPORTIONAL,
    ShippingTaxPolicy,
    TaxRounding,
)

from server.domain.base.errors import invalid_field
from server.domain.base.rounding import divide, spread

STANDARD = "standard"
MAX_TAXES_OF_CLASS = 5

_NUMBER = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_MAX_DIGITS = 28
_MAX_PLACES = 6


class TaxName(NamedTuple):
    """A tax as an order names it."""

    name: str
    # In percent, for example `9.975`.
    rate: str
    compound: bool


class Tax(NamedTuple):
    """One tax of a tax class."""

    named: TaxName
    # The rate in hundredths of a percent; 0 if it is not a whole number of them.
    basis_points: int
    # The part of a taxable amount that the tax is: of the amount that it is added to, or of the one that includes it.
    numerator: int
    denominator: int


# The taxes on one thing, in the order of the zone.
TaxSet: TypeAlias = tuple[Tax, ...]


class Taxable(NamedTuple):
    """An amount, and the taxes on it."""

    amount: int
    taxes: TaxSet


class Taxed(NamedTuple):
    """A taxable amount, and the amount of each of its taxes."""

    taxable: Taxable
    amounts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Taxes:
    """The taxes of a delivery zone."""

    # By tax class, those that the zone names. Any other is taxed as standard.
    classes: Mapping[str, TaxSet]
    standard: TaxSet
    included: bool
    # Whether a discount lowers the tax if its coupon has no payer.
    before_discount: bool
    rounding: TaxRounding
    shipping_policy: ShippingTaxPolicy
    shipping: TaxSet
    installation: TaxSet

    def of(self, tax_class: str) -> TaxSet:
        return self.classes.get(tax_class, self.standard)

    def on(self, parts: Sequence[Taxable]) -> list[Taxed]:
        """The taxes on the parts of an order, rounded as the zone says."""
        half_up = self.rounding.mode == ROUNDING_MODE_HALF_UP
        per_order = self.rounding.level == ROUNDING_LEVEL_ORDER
        return _of_order(parts, half_up=half_up) if per_order else _of_lines(parts, half_up=half_up)

    def shipping_parts(self, shipping: int, goods: Sequence[Taxable]) -> list[Taxable]:
        """The parts of the shipping price with the taxes on them; `goods` are the prices of the lines."""
        if self.shipping_policy == SHIPPING_TAX_POLICY_PROPORTIONAL and any(line.amount for line in goods):
            weights: dict[TaxSet, int] = {}
            for line in goods:
                weights[line.taxes] = weights.get(line.taxes, 0) + line.amount
            return list(map(Taxable, spread(shipping, list(weights.values())), weights))
        if self.shipping_policy in (SHIPPING_TAX_POLICY_PROPORTIONAL, SHIPPING_TAX_POLICY_HIGHEST):
            return [Taxable(shipping, max((line.taxes for line in goods), key=_whole_rate))]
        return [Taxable(shipping, self.shipping)]


def _of_lines(parts: Sequence[Taxable], *, half_up: bool) -> list[Taxed]:
    return [
        Taxed(part, [divide(part.amount * tax.numerator, tax.denominator, half_up=half_up) for tax in part.taxes])
        if part.taxes
        else Taxed(part, ())
        for part in parts
    ]


def _of_order(parts: Sequence[Taxable], *, half_up: bool) -> list[Taxed]:
    """Each tax is rounded once for all parts, and split among them by largest remainder."""
    shares: dict[Tax, list[int]] = {}
    for tax in dict.fromkeys(tax for part in parts for tax in part.taxes):
        amounts = [part.amount if tax in part.taxes else 0 for part in parts]
        whole = divide(sum(amounts) * tax.numerator, tax.denominator, half_up=half_up)
        shares[tax] = spread(whole, amounts) if whole else [0] * len(parts)
    return [Taxed(part, [shares[tax][index] for tax in part.taxes]) for index, part in enumerate(parts)]


def _whole_rate(taxes: TaxSet) -> Fraction:
    return sum((Fraction(tax.numerator, tax.denominator) for tax in taxes), Fraction())


def taxes_of(zone: DeliveryZone) -> Taxes:
    """The taxes of a stored zone."""
    rates: dict[str, list[TaxRate]] = {}
    for rate in zone.tax_rates:
        rates.setdefault(rate.tax_class or STANDARD, []).append(rate)
    classes = {name: _tax_set(found, included=zone.tax_included) for name, found in rates.items()}
    standard = classes.get(STANDARD, ())
    shipping, installation = zone.shipping_tax_class, zone.installation_tax_class
    return Taxes(
        classes=classes,
        standard=standard,
        included=zone.tax_included,
        before_discount=zone.tax_before_discount and not zone.tax_included,
        rounding=zone.rounding,
        shipping_policy=zone.shipping_tax_policy,
        shipping=classes.get(shipping, standard) if shipping else (),
        installation=classes.get(installation, standard) if installation else (),
    )


def _tax_set(rates: Iterable[TaxRate], *, included: bool) -> TaxSet:
    """The taxes of a class with a rate above zero."""
    parts: list[tuple[TaxRate, Fraction]] = []
    whole = Fraction(0)
    for rate in rates:
        part = Fraction(_percent(rate)) * Fraction(1, 100) * (1 + whole if rate.compound else 1)
        whole += part
        parts.append((rate, part))
    return tuple(_tax(rate, Fraction(part, 1 + whole) if included else part) for rate, part in parts if part)


def _tax(rate: TaxRate, part: Fraction) -> Tax:
    percent = _percent(rate)
    points = percent.scaleb(2)
    named = TaxName(rate.name, decimal_text(percent), rate.compound)
    return Tax(named, int(points) if points == int(points) else 0, part.numerator, part.denominator)


def _percent(rate: TaxRate) -> Decimal:
    return Decimal(rate.rate.value) if rate.HasField("rate") else Decimal(rate.basis_points).scaleb(-2)


def decimal_text(value: Decimal) -> str:
    """The number without exponent and trailing zeros: `9.975`."""
    return f"{value.normalize():f}"


def check_tax_rates(rates: Sequence[TaxRate], *, field: str) -> None:
    """Checks the rules on a zone's taxes that protos cannot express."""
    names: dict[str, list[str]] = {}
    for index, rate in enumerate(rates):
        path, tax_class = f"{field}[{index}]", rate.tax_class or STANDARD
        _check_rate(rate, field=path)
        _check_name(rate.name, names.setdefault(tax_class, []), tax_class, field=path)


def _check_rate(rate: TaxRate, *, field: str) -> None:
    if not rate.HasField("rate"):
        return
    if rate.basis_points:
        raise invalid_field(f"{field}.basis_points", "set either rate or basis_points")
    text = rate.rate.value
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        raise invalid_field(f"{field}.rate.value", "must be a decimal number in percent, for example 9.975")
    percent = Decimal(text)
    if percent > 100 or percent.scaleb(_MAX_PLACES) % 1:
        raise invalid_field(f"{field}.rate.value", f"must be 0 to 100, with up to {_MAX_PLACES} decimal places")


def _check_name(name: str, taken: list[str], tax_class: str, *, field: str) -> None:
    if name and name in taken:
        raise invalid_field(f"{field}.name", f"{name!r} occurs twice in tax class {tax_class!r}")
    if taken and ("" in taken or not name):
        raise invalid_field(f"{field}.tax_class", f"{tax_class!r} occurs twice; give each of its taxes a name")
    if len(taken) == MAX_TAXES_OF_CLASS:
        raise invalid_field(field, f"tax class {tax_class!r} has more than {MAX_TAXES_OF_CLASS} taxes")
    taken.append(name)
