"""Writing a price into its order: the amounts, the taxes behind them, and the terms that it was computed by."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from orders.v1.order_pb2 import AppliedTax, Order, OrderItem, PriceTerms, Pricing

from server.domain.base.money import from_minor
from server.domain.base.values import PointTerms
from server.domain.pricing.quotes import Quote
from server.domain.pricing.taxes import Taxed, decimal_text
from server.domain.pricing.zones import DeliveryChoice


def fill(order: Order, quote: Quote) -> None:
    """Writes a price into the order, whose items correspond to the quote's lines."""
    if order.HasField("pricing"):
        _clear(order)
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
    if quote.included_tax:
        pricing.included_tax.CopyFrom(from_minor(quote.included_tax, currency))
    for coupon in quote.coupons:
        pricing.applied_coupons.append(coupon.applied_coupon(currency))
    _fill_taxes(pricing, quote)
    _fill_points(pricing, quote)
    _fill_terms(pricing.terms, quote)


def _clear(order: Order) -> None:
    """Clears an earlier price."""
    order.ClearField("pricing")
    for item in order.items:
        for name in ("discount", "tax", "tax_basis_points", "taxes"):
            item.ClearField(name)


def _fill_lines(order: Order, quote: Quote) -> None:
    currency = quote.currency
    if quote.discount:
        for item, share in zip(order.items, quote.line_discounts, strict=True):
            if share:
                item.discount.CopyFrom(from_minor(share, currency))
    for item, taxed in zip(order.items, quote.line_taxes, strict=False):
        if taxed.taxable.taxes:
            _fill_line_taxes(item, taxed, currency)


def _fill_line_taxes(item: OrderItem, taxed: Taxed, currency: str) -> None:
    taxes = taxed.taxable.taxes
    whole = sum(taxed.amounts)
    if whole:
        item.tax.CopyFrom(from_minor(whole, currency))
        if len(taxes) == 1:
            item.tax_basis_points = taxes[0].basis_points
    for tax, amount in zip(taxes, taxed.amounts, strict=True):
        item.taxes.append(_applied(tax[:3], taxed.taxable.amount, amount, currency))


# A tax as an order names it: its name, its rate and whether it is compound.
_Named: TypeAlias = tuple[str, str, bool]


@lru_cache(maxsize=4096)
def _applied(tax: _Named, taxable: int, amount: int, currency: str) -> AppliedTax:
    """A tax as a message. It is cached: copy it, never change it."""
    name, rate, compound = tax
    applied = AppliedTax(name=name, compound=compound)
    applied.rate.value = rate
    applied.taxable_amount.CopyFrom(from_minor(taxable, currency))
    applied.amount.CopyFrom(from_minor(amount, currency))
    return applied


def _fill_taxes(pricing: Pricing, quote: Quote) -> None:
    parts = [*quote.line_taxes, *quote.shipping_taxes, *quote.installation_taxes]
    pricing.taxes.extend(_sums(parts, quote.currency))
    pricing.shipping_taxes.extend(_sums(quote.shipping_taxes, quote.currency))
    pricing.installation_taxes.extend(_sums(quote.installation_taxes, quote.currency))


def _sums(parts: Sequence[Taxed], currency: str) -> Iterable[AppliedTax]:
    """Each tax of the parts in the order of first occurrence, except on parts that cost nothing."""
    taxables: dict[_Named, int] = {}
    amounts: dict[_Named, int] = {}
    for taxable, part in parts:
        if taxable.amount:
            for tax, amount in zip(taxable.taxes, part, strict=True):
                named = tax[:3]
                taxables[named] = taxables.get(named, 0) + taxable.amount
                amounts[named] = amounts.get(named, 0) + amount
    return [_applied(named, taxable, amounts[named], currency) for named, taxable in taxables.items()]


def _fill_points(pricing: Pricing, quote: Quote) -> None:
    pricing.loyalty_points_earned = quote.points_earned
    pricing.loyalty_points_requested = quote.points_requested
    pricing.loyalty_points_used = quote.points_used
    if quote.points_value:
        pricing.loyalty_points_value.CopyFrom(from_minor(quote.points_value, quote.currency))


def _fill_terms(terms: PriceTerms, quote: Quote) -> None:
    terms.CopyFrom(_point_terms(quote.point_terms))
    terms.SetInParent()
    if quote.choice is not None:
        _fill_delivery(terms, quote.choice, quote.currency)


@lru_cache(maxsize=256)
def _point_terms(terms: PointTerms) -> PriceTerms:
    """Cached: copy it, never change it."""
    filled = PriceTerms()
    if terms.value:
        filled.point_value.value = decimal_text(terms.value)
        if terms.per_unit:
            filled.points_per_unit.value = decimal_text(terms.per_unit)
    return filled


def _fill_delivery(terms: PriceTerms, choice: DeliveryChoice, currency: str) -> None:
    taxes = choice.taxes
    terms.tax_included = taxes.included
    terms.shipping_tax_policy = taxes.shipping_policy
    if taxes.rounding.mode or taxes.rounding.level:
        terms.rounding.CopyFrom(taxes.rounding)
    terms.shipping_price.CopyFrom(from_minor(choice.price_minor, currency))
    if choice.free_from_minor is not None:
        terms.free_from.CopyFrom(from_minor(choice.free_from_minor, currency))
