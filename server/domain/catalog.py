"""Products: what they are checked for, and what an order line takes from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertProductsRequest,
    BatchUpsertProductsResponse,
    Product,
    ProductVariant,
)
from orders.v1.order_pb2 import OrderItem

from server.domain.draft import Stamp
from server.domain.errors import OrderError, Violation, invalid, invalid_field
from server.domain.money import from_minor, minor_of, to_minor
from server.domain.stock import Shelf, insufficient_stock


@dataclass(frozen=True, slots=True)
class Offer:
    """A product or a variant as it can be ordered: the line without its quantity, and its prices in minor units."""

    line: OrderItem
    currency: str
    unit_minor: int
    installation_minor: int


@lru_cache(maxsize=20_000)
def offers_of(snapshot: bytes) -> Mapping[str, Offer]:
    """What a stored product offers, by variant id ('' for a product without variants)."""
    product = Product.FromString(snapshot)
    variants = product.variants or [ProductVariant()]
    return {variant.variant_id: _offer(product, variant) for variant in variants}


def _offer(product: Product, variant: ProductVariant) -> Offer:
    price = variant.price if variant.HasField("price") else product.price
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
        installation_minor = minor_of(product.installation_price)
        line.installation_price.CopyFrom(from_minor(installation_minor, price.currency_code))
    return Offer(line, price.currency_code, minor_of(price), installation_minor)


def find_offer(products: Mapping[str, bytes], *, product_id: str, variant_id: str, field: str) -> Offer:
    """The offer that a line asks for; `field` is the line's path in the request."""
    snapshot = products.get(product_id)
    if snapshot is None:
        raise product_not_found(product_id, variant_id)
    offers = offers_of(snapshot)
    offer = offers.get(variant_id)
    if offer is not None:
        return offer
    if variant_id:
        raise product_not_found(product_id, variant_id)
    known = ", ".join(sorted(offers))
    raise invalid_field(f"{field}.variant_id", f"product {product_id!r} is ordered by variant: {known}")


def product_not_found(product_id: str, variant_id: str = "", *, asked_for: bool = False) -> OrderError:
    """`asked_for`: the product itself was asked for, not an order of it."""
    text = f"there is no product {product_id!r}" + (f" with a variant {variant_id!r}" if variant_id else "")
    metadata = {"product_id": product_id, "variant_id": variant_id}
    return OrderError("PRODUCT_NOT_FOUND", text, metadata=metadata, asked_for=asked_for)


@dataclass(frozen=True, slots=True)
class ProductChange:
    """A product to store; `new` if none was stored before."""

    product_id: str
    snapshot: bytes
    new: bool


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Pieces added to or taken from a shelf by somebody, not by an order."""

    shelf: Shelf
    delta: int
    reason: str
    stamp: Stamp


CatalogChange = ProductChange | Adjustment


def with_stock(product: Product, stock: Mapping[Shelf, int]) -> Product:
    """Fills in the stock, which is kept beside the product."""
    product_id = product.product_id
    if not product.variants:
        product.stock = stock.get((product_id, ""), 0)
        return product
    for variant in product.variants:
        variant.stock = stock.get((product_id, variant.variant_id), 0)
    product.stock = sum(variant.stock for variant in product.variants)
    return product


def adjust_stock(request: AdjustStockRequest, stock: Mapping[Shelf, int], *, stamp: Stamp) -> Adjustment:
    """The adjustment a request asks for; refuses to take more than is there."""
    shelf = (request.product_id, request.variant_id)
    available = stock.get(shelf)
    if available is None:
        raise product_not_found(request.product_id, request.variant_id, asked_for=True)
    if "\0" in request.reason:
        raise invalid_field("reason", "contains a NUL character, which the database does not keep in texts")
    if available + request.delta < 0:
        raise insufficient_stock(shelf, requested=-request.delta, available=available)
    return Adjustment(shelf, request.delta, request.reason, stamp)


def upsert_products(
    request: BatchUpsertProductsRequest, products: Mapping[str, bytes], stock: Mapping[Shelf, int], *, stamp: Stamp
) -> tuple[list[CatalogChange], BatchUpsertProductsResponse]:
    """What storing the products changes, and the answer. All or nothing: the first call of `invalid` refuses them all."""
    check_products(request.products)
    changes: list[CatalogChange] = []
    response = BatchUpsertProductsResponse()
    after = dict(stock)
    for product in request.products:
        before = products.get(product.product_id)
        own = _changes_of(product, before, stock, stamp)
        changes += own
        for change in own:
            if isinstance(change, Adjustment):
                after[change.shelf] = after.get(change.shelf, 0) + change.delta
        if before is None:
            response.inserted += 1
        elif own:
            response.updated += 1
        else:
            response.unchanged += 1
        response.products.append(with_stock(_without_stock(product), after))
    return changes, response


def _changes_of(
    product: Product, before: bytes | None, stock: Mapping[Shelf, int], stamp: Stamp
) -> list[CatalogChange]:
    changes: list[CatalogChange] = []
    snapshot = _without_stock(product).SerializeToString(deterministic=True)
    shelves = shelves_of(product)
    if snapshot != before or any(shelf not in stock for shelf in shelves):
        changes.append(ProductChange(product.product_id, snapshot, new=before is None))
    for shelf, wanted in shelves.items():
        delta = 0 if wanted is None else wanted - stock.get(shelf, 0)
        if delta:
            changes.append(Adjustment(shelf, delta, "catalogue", stamp))
    return changes


def shelves_of(product: Product) -> dict[Shelf, int | None]:
    """The shelves a product has, each with the stock that the message says, if it does."""
    if not product.variants:
        return {(product.product_id, ""): product.stock if product.HasField("stock") else None}
    return {
        (product.product_id, variant.variant_id): variant.stock if variant.HasField("stock") else None
        for variant in product.variants
    }


def shelves_of_snapshot(snapshot: bytes) -> list[Shelf]:
    """The shelves of a stored product."""
    return list(shelves_of(Product.FromString(snapshot)))


def _without_stock(product: Product) -> Product:
    copy = Product()
    copy.CopyFrom(product)
    copy.ClearField("stock")
    for variant in copy.variants:
        variant.ClearField("stock")
    return copy


def check_products(products: Iterable[Product]) -> None:
    """Refuses what the proto cannot say: prices, currencies, ids that occur twice."""
    violations: list[Violation] = []
    seen: set[str] = set()
    for index, product in enumerate(products):
        field = f"products[{index}]"
        if product.product_id in seen:
            violations.append(Violation(f"{field}.product_id", f"{product.product_id!r} occurs twice"))
        seen.add(product.product_id)
        try:
            _check_product(product, field)
        except OrderError as error:
            violations += error.violations
    if violations:
        raise invalid(*violations)


def _check_product(product: Product, field: str) -> None:
    currency = product.price.currency_code
    to_minor(product.price, field=f"{field}.price")
    if product.HasField("installation_price"):
        to_minor(product.installation_price, field=f"{field}.installation_price", currency=currency)
    if product.variants and product.HasField("stock"):
        raise invalid_field(f"{field}.stock", "a product with variants has its stock in them")
    seen: set[str] = set()
    for index, variant in enumerate(product.variants):
        path = f"{field}.variants[{index}]"
        if variant.variant_id in seen:
            raise invalid_field(f"{path}.variant_id", f"{variant.variant_id!r} occurs twice")
        seen.add(variant.variant_id)
        if variant.HasField("price"):
            to_minor(variant.price, field=f"{path}.price", currency=currency)
