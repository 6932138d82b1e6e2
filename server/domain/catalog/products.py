"""Products: their rules, and the offers that order lines are made from."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertProductsRequest,
    BatchUpsertProductsResponse,
    Product,
    ProductVariant,
)
from orders.v1.error_reason_pb2 import ERROR_REASON_PRODUCT_NOT_FOUND
from orders.v1.order_pb2 import OrderItem

from server.domain.base.amounts import check_amounts
from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, Violation, invalid, invalid_field
from server.domain.base.money import from_minor, minor_of, to_price
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.records import Kind, ResourceChange
from server.domain.base.sizes import check_answer, check_content
from server.domain.base.state import State
from server.domain.base.values import Adjustment, Sku
from server.domain.catalog.stock import insufficient_stock


@dataclass(frozen=True, slots=True)
class Offer:
    """A product or a variant as it can be ordered in one currency: the line without its quantity, and prices in minor units."""

    line: OrderItem
    currency: str
    unit_minor: int
    installation_minor: int
    tax_class: str
    image_uri: str
    attributes: Mapping[str, str]


class Offers:
    """The offers of a stored product. Each is built on first use, because few variants and currencies are used."""

    def __init__(self, product: Product) -> None:
        self._product = product
        # A product without variants is ordered by the variant id ''.
        self._variants = {variant.variant_id: variant for variant in product.variants or [ProductVariant()]}
        self._made: dict[tuple[str, str], Offer] = {}

    @property
    def own_currency(self) -> str:
        return str(self._product.price.currency_code)

    @property
    def variant_ids(self) -> list[str]:
        return sorted(self._variants)

    def get(self, variant_id: str, currency: str) -> Offer | None:
        """The offer in a currency, '' for that of the product's `price`; None without such a variant or a price."""
        return self._made.get((variant_id, currency)) or self._make(variant_id, currency)

    def currencies(self, variant_id: str) -> list[str]:
        """The currencies that a variant is sold in."""
        return sorted(price.currency_code for price in _prices(self._product, self._variants[variant_id]))

    def _make(self, variant_id: str, currency: str) -> Offer | None:
        variant = self._variants.get(variant_id)
        wanted = currency or self.own_currency
        prices = [] if variant is None else _prices(self._product, variant)
        price = next((price for price in prices if price.currency_code == wanted), None)
        if variant is None or price is None:
            return None
        offer = self._made[variant_id, currency] = _offer(self._product, variant, price)
        return offer


@lru_cache(maxsize=20_000)
def offers_of(snapshot: bytes) -> Offers:
    """The offers of a stored product."""
    return Offers(Product.FromString(snapshot))


def _prices(product: Product, variant: ProductVariant) -> list[Money]:
    """The prices of a variant by currency: its own if it has any, else the product's."""
    own = [*([variant.price] if variant.HasField("price") else []), *variant.prices]
    return own or [product.price, *product.prices]


def _offer(product: Product, variant: ProductVariant, price: Money) -> Offer:
    currency = price.currency_code
    line = OrderItem(
        product_id=product.product_id,
        variant_id=variant.variant_id,
        sku=variant.sku or product.sku,
        name=product.name,
        variant_name=variant.name,
        unit_price=price,
        requires_installation=product.requires_installation,
    )
    installation_minor = 0
    if product.requires_installation:
        fees = [product.installation_price, *product.installation_prices]
        installation_minor = next((minor_of(fee) for fee in fees if fee.currency_code == currency), 0)
        line.installation_price.CopyFrom(from_minor(installation_minor, currency))
    return Offer(
        line=line,
        currency=currency,
        unit_minor=minor_of(price),
        installation_minor=installation_minor,
        tax_class=product.tax_class,
        image_uri=product.image_uri,
        attributes=dict(variant.attributes),
    )


def without_installation(offer: Offer) -> Offer:
    """The offer without the price of the installation that it needs."""
    if not offer.line.requires_installation:
        return offer
    line = OrderItem()
    line.CopyFrom(offer.line)
    line.without_installation = True
    line.ClearField("installation_price")
    return replace(offer, line=line, installation_minor=0)


def find_offer(products: Mapping[str, bytes], *, product_id: str, variant_id: str, currency: str, field: str) -> Offer:
    """The offer for a line; `field` is the line's path in the request, and `currency` is '' for the product's own."""
    snapshot = products.get(product_id)
    if snapshot is None:
        raise product_not_found(product_id, variant_id)
    offers = offers_of(snapshot)
    offer = offers.get(variant_id, currency)
    if offer is None:
        raise _no_offer(offers, product_id, variant_id, currency=currency, field=field)
    return offer


def _no_offer(offers: Offers, product_id: str, variant_id: str, *, currency: str, field: str) -> Refusal:
    if variant_id in offers.variant_ids:
        sold_in = ", ".join(offers.currencies(variant_id))
        wanted = currency or offers.own_currency
        return invalid_field(f"{field}.product_id", f"has no price in {wanted}; it is sold in {sold_in}")
    if variant_id:
        return product_not_found(product_id, variant_id)
    known = ", ".join(offers.variant_ids)
    return invalid_field(f"{field}.variant_id", f"product {product_id!r} has variants; choose one of: {known}")


def product_not_found(product_id: str, variant_id: str = "", *, requested: bool = False) -> Refusal:
    """`requested` is set if the call requests the product itself, not an order of it."""
    text = f"there is no product {product_id!r}" + (f" with a variant {variant_id!r}" if variant_id else "")
    metadata = {"product_id": product_id, "variant_id": variant_id}
    return Refusal(ERROR_REASON_PRODUCT_NOT_FOUND, text, metadata=metadata, requested=requested)


@dataclass(frozen=True, slots=True)
class ProductChange:
    """A product to store."""

    product_id: str
    snapshot: bytes


CatalogChange = ProductChange | Adjustment


def with_stock(product: Product, stock: Mapping[Sku, int], reserved: Mapping[Sku, int]) -> Product:
    """Fills in the available and reserved quantities, which are stored separately."""
    product_id = product.product_id
    if not product.variants:
        product.stock = stock.get((product_id, ""), 0)
        product.reserved = reserved.get((product_id, ""), 0)
        return product
    for variant in product.variants:
        variant.stock = stock.get((product_id, variant.variant_id), 0)
        variant.reserved = reserved.get((product_id, variant.variant_id), 0)
    product.stock = sum(variant.stock for variant in product.variants)
    product.reserved = sum(variant.reserved for variant in product.variants)
    return product


@operation(AdjustStockRequest, needs=lambda request: Needs(products=[request.product_id]))
def adjust_stock(request: AdjustStockRequest, state: State, audit: Audit) -> Product:
    """Adds to or removes from the stock of a SKU. Refuses to remove more than is available."""
    _apply([_adjustment(request, state.stock.values, audit)], state)
    product = Product.FromString(state.products.stored[request.product_id])
    return with_stock(product, state.stock.values, state.reserved.values)


def _adjustment(request: AdjustStockRequest, stock: Mapping[Sku, int], audit: Audit) -> Adjustment:
    sku = (request.product_id, request.variant_id)
    available = stock.get(sku)
    if available is None:
        raise product_not_found(request.product_id, request.variant_id, requested=True)
    if "\0" in request.reason:
        raise invalid_field("reason", "contains a NUL character, which the database cannot store")
    if available + request.delta < 0:
        refusal = insufficient_stock(sku, requested=-request.delta, available=available)
        refusal.message = (
            f"cannot take {-request.delta} of product {request.product_id!r} out of stock; {available} are available"
        )
        raise refusal
    return Adjustment(sku, request.delta, request.reason, audit)


@operation(
    BatchUpsertProductsRequest,
    needs=lambda request: Needs(products=[product.product_id for product in request.products], replaces=Kind.PRODUCT),
)
def upsert_products(
    request: BatchUpsertProductsRequest, state: State, audit: Audit
) -> Generator[None, None, BatchUpsertProductsResponse]:
    """Inserts or replaces products, all or nothing."""
    yield from check_products(request.products)
    changes: list[CatalogChange] = []
    response = BatchUpsertProductsResponse()
    stock = dict(state.stock.values)
    for product in request.products:
        before = state.products.stored.get(product.product_id)
        own = _changes_of(product, before, state.stock.values, audit)
        changes += own
        for change in own:
            if isinstance(change, Adjustment):
                stock[change.sku] = stock.get(change.sku, 0) + change.delta
        outcome = "inserted" if before is None else "updated" if own else "unchanged"
        setattr(response, outcome, getattr(response, outcome) + 1)
        response.products.append(with_stock(_without_stock(product), stock, state.reserved.values))
        yield
    check_answer(response, field="products")
    _apply(changes, state)
    return response


def _apply(changes: Iterable[CatalogChange], state: State) -> None:
    """Makes changes of products and their stock part of the batch."""
    for change in changes:
        if isinstance(change, Adjustment):
            state.changes.adjustments.append(change)
            state.resource_changes.append(_stock_change(change, state.stock.get(change.sku)))
            state.stock.add(change.sku, change.delta)
        else:
            state.products.put(change.product_id, change.snapshot)
            for sku in skus_of_snapshot(change.snapshot):
                if sku not in state.stock.values:
                    state.stock.add(sku, 0)


def _stock_change(change: Adjustment, before: int) -> ResourceChange:
    product_id, variant_id = change.sku

    def product(stock: int) -> bytes:
        if variant_id:
            return Product(variants=[ProductVariant(variant_id=variant_id, stock=stock)]).SerializeToString()
        return Product(stock=stock).SerializeToString()

    return ResourceChange("products", product_id, product(before), product(before + change.delta))


def _changes_of(product: Product, before: bytes | None, stock: Mapping[Sku, int], audit: Audit) -> list[CatalogChange]:
    changes: list[CatalogChange] = []
    snapshot = _without_stock(product).SerializeToString(deterministic=True)
    skus = skus_of(product)
    if snapshot != before or any(sku not in stock for sku in skus):
        changes.append(ProductChange(product.product_id, snapshot))
    for sku, wanted in skus.items():
        delta = 0 if wanted is None else wanted - stock.get(sku, 0)
        if delta:
            changes.append(Adjustment(sku, delta, "catalogue", audit))
    return changes


def skus_of(product: Product) -> dict[Sku, int | None]:
    """The SKUs of a product, each with the stock that the message sets, if any."""
    if not product.variants:
        return {(product.product_id, ""): product.stock if product.HasField("stock") else None}
    return {
        (product.product_id, variant.variant_id): variant.stock if variant.HasField("stock") else None
        for variant in product.variants
    }


def skus_of_snapshot(snapshot: bytes) -> list[Sku]:
    """The SKUs of a stored product."""
    return list(skus_of(Product.FromString(snapshot)))


def _without_stock(product: Product) -> Product:
    copy = Product()
    copy.CopyFrom(product)
    copy.ClearField("omitted_fields")
    for message in (copy, *copy.variants):
        message.ClearField("stock")
        message.ClearField("reserved")
    return copy


def check_products(products: Iterable[Product]) -> Generator[None, None, None]:
    """Checks the rules that protos cannot express: prices, currencies, duplicate ids. Yields after each product."""
    violations: list[Violation] = []
    seen: set[str] = set()
    for index, product in enumerate(products):
        field = f"products[{index}]"
        if product.product_id in seen:
            violations.append(Violation(f"{field}.product_id", f"{product.product_id!r} occurs twice"))
        seen.add(product.product_id)
        try:
            _check_product(product, field)
        except Refusal as error:
            violations += error.violations
        yield
    if violations:
        raise invalid(*violations)


def _check_product(product: Product, field: str) -> None:
    check_content(product, field=field, advice="use fewer variants or shorter attributes")
    currency = product.price.currency_code
    _check_prices(product, field, currency=currency)
    _check_prices(product, field, currency=currency, prefix="installation_")
    if product.variants and product.HasField("stock"):
        raise invalid_field(f"{field}.stock", "set the stock of its variants instead")
    seen: set[str] = set()
    for index, variant in enumerate(product.variants):
        path = f"{field}.variants[{index}]"
        if variant.variant_id in seen:
            raise invalid_field(f"{path}.variant_id", f"{variant.variant_id!r} occurs twice")
        seen.add(variant.variant_id)
        _check_prices(variant, path, currency=currency)


def _check_prices(message: Product | ProductVariant, field: str, *, currency: str, prefix: str = "") -> None:
    """Refuses a price in another currency than the product's, and two prices in one currency."""
    one, others = f"{prefix}price", f"{prefix}prices"
    first = []
    if message.HasField(one):
        price = getattr(message, one)
        to_price(price, field=f"{field}.{one}")
        if price.currency_code != currency:
            text = (
                f"is {price.currency_code}, but the product's price is in {currency}; other currencies go into {others}"
            )
            raise invalid_field(f"{field}.{one}.currency_code", text)
        first = [currency]
    check_amounts(getattr(message, others), field=f"{field}.{others}", taken=first)
