"""The terms by which products are sold beyond their stock."""

from orders.v1.catalog_service_pb2 import Product, ProductVariant

from server.domain.base.state import State
from server.domain.base.values import Sku

_FIELDS = frozenset({"backorder_limit", "backorder_until", "restock_time"})
# More than any order can have.
_ANY = 1_000_000_000


def backorder_terms(sku: Sku, state: State) -> Product | ProductVariant | None:
    """The message that has the terms of a SKU: the variant's, or else the product's."""
    snapshot = state.products.stored.get(sku[0])
    if snapshot is None:
        return None
    product = Product.FromString(snapshot)
    variant = next((one for one in product.variants if one.variant_id == sku[1]), None)
    named = {field.name for field, _ in variant.ListFields()} if variant is not None else set()
    return variant if named & _FIELDS else product


def beyond_stock(sku: Sku, state: State) -> int:
    """The number of further units of a SKU that can be sold beyond its stock now."""
    terms = backorder_terms(sku, state)
    if terms is None:
        return 0
    limit, ends = terms.backorder_limit, terms.HasField("backorder_until")
    if ends and terms.backorder_until.ToNanoseconds() <= state.time.ToNanoseconds():
        return 0
    return max(0, limit - state.awaited.get(sku)) if limit else _ANY * ends


def for_sale(sku: Sku, quantity: int, state: State) -> int:
    """The number of units that can be ordered: all that there are, or at least this quantity."""
    free = max(0, state.stock.get(sku) - state.awaited.get(sku))
    return free if quantity <= free else free + beyond_stock(sku, state)
