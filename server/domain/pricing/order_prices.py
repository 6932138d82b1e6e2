"""Writes a price into its order: the amounts, their taxes, and the terms."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from orders.v1.order_pb2 import AppliedTax, Order, OrderItem, PriceTerms, Pricing

from server.domain.base.money import from_minor
from server.domain.base.values import PointTerms
from server.domain.pricing.quotes import Quote
from server.domain.pricing.taxes import Taxed, TaxName, decimal_text


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
        item.taxes.append(_applied(tax.named, taxed.taxable.amount, amount, currency))


@lru_cache(maxsize=4096)
def _applied(tax: TaxName, taxable: int, amount: int, currency: str) -> AppliedTax:
    """A tax as a message. It is cached: copy it, never change it."""
    applied = AppliedTax(name=tax.name, compound=tax.compound)
    applied.rate.value = tax.rate
    applied.taxable_amount.CopyFrom(from_minor(taxable, currency))
    applied.amount.CopyFrom(from_minor(amount, currency))
    return applied


def _fill_taxes(pricing: Pricing, quote: Quote) -> None:
    currency, shipping, installation = quote.currency, quote.shipping_taxes, quote.installation_taxes
    parts = [*quote.line_taxes, *shipping, *installation]
    if any(part.taxable.taxes for part in parts):
        pricing.taxes.extend(_sums(parts, currency))
        pricing.shipping_taxes.extend(_sums(shipping, currency))
        pricing.installation_taxes.extend(_sums(installation, currency))


def _sums(parts: Sequence[Taxed], currency: str) -> Iterable[AppliedTax]:
    """Each tax of the parts in the order of first occurrence, except on parts that cost nothing."""
    sums: dict[TaxName, tuple[int, int]] = {}
    for (taxable, taxes), amounts in parts:
        if taxable and taxes:
            for tax, amount in zip(taxes, amounts, strict=True):
                before, tax_before = sums.get(tax.named, (0, 0))
                sums[tax.named] = before + taxable, tax_before + amount
    return [_applied(named, taxable, amount, currency) for named, (taxable, amount) in sums.items()]


def _fill_points(pricing: Pricing, quote: Quote) -> None:
    pricing.loyalty_points_earned = quote.points_earned
    if quote.points_requested:
        pricing.loyalty_points_requested = quote.points_requested
        pricing.loyalty_points_used = quote.points_used
    if quote.points_value:
        pricing.loyalty_points_value.CopyFrom(from_minor(quote.points_value, quote.currency))


def _fill_terms(terms: PriceTerms, quote: Quote) -> None:
    if quote.choice is not None:
        terms.CopyFrom(quote.choice.price_terms)
    else:
        terms.SetInParent()
    if quote.point_terms.value:
        terms.MergeFrom(_point_terms(quote.point_terms))


@lru_cache(maxsize=256)
def _point_terms(points: PointTerms) -> PriceTerms:
    """The terms of points as a message. It is cached: copy it, never change it."""
    terms = PriceTerms()
    terms.point_value.value = decimal_text(points.value)
    if points.per_unit:
        terms.points_per_unit.value = decimal_text(points.per_unit)
    return terms
