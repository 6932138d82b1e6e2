"""Prices: the amounts of an order add up to its total, and its taxes by name and rate to its tax."""

from collections import Counter
from collections.abc import Iterable, Iterator

from orders.v1.order_pb2 import AppliedTax, Order

from server.domain.base.money import minor_of


def price_problems(order: Order) -> Iterator[str]:
    """The contradictions between the amounts of an order that stores the terms of its price."""
    pricing = order.pricing
    if not pricing.HasField("terms"):
        return
    added = sum(minor_of(getattr(pricing, name)) for name in ("subtotal", "tax", "shipping", "installation"))
    total = added - minor_of(pricing.discount) - minor_of(pricing.loyalty_points_value)
    if total != minor_of(pricing.total):
        yield "the amounts of the price do not add up to its total"
    if minor_of(pricing.discount) != sum(minor_of(item.discount) for item in order.items):
        yield "the items' discounts do not add up to the discount"
    taxes = by_name(pricing.taxes)
    parts = by_name([tax for item in order.items for tax in item.taxes])
    if taxes != parts + by_name(pricing.shipping_taxes) + by_name(pricing.installation_taxes):
        yield "the taxes of the items, shipping and installation do not add up to the taxes by rate"
    if taxes.total() != minor_of(pricing.tax) + minor_of(pricing.included_tax):
        yield "the taxes by rate do not add up to the tax"


def by_name(taxes: Iterable[AppliedTax]) -> Counter[tuple[str, str, bool]]:
    """The amounts by name, rate and whether they are compound; those of 0 are left out."""
    amounts: Counter[tuple[str, str, bool]] = Counter()
    for tax in taxes:
        amounts[tax.name, tax.rate.value, tax.compound] += minor_of(tax.amount)
    return +amounts
