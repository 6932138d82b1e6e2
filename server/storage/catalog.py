"""Reads of what can be ordered and on what terms: products with their stock, coupons, delivery zones."""

from collections.abc import Sequence

from orders.v1.catalog_service_pb2 import Coupon, DeliveryZone, Product, StockAdjustment
from sqlalchemy import BigInteger, Column, Select, Table, Text, func, literal_column, select

from server.domain.catalog import product_not_found, with_stock
from server.domain.coupons import code_of, with_uses
from server.domain.errors import OrderError
from server.domain.stock import Shelf
from server.storage import sql
from server.storage.database import Database
from server.storage.projections import timestamp_of
from server.storage.tables import coupon_uses, coupons, delivery_zones, inventory, products, stock_adjustments

_NEWEST = 2**63 - 1


def _after(statement: Select[tuple[bytes]], key: Column[str]) -> sql.Statement:
    """A page of what a statement finds, in the order of a key."""
    after = key > sql.parameter("after", Text())
    return sql.compiled(statement.where(after).order_by(key).limit(sql.parameter("limit", BigInteger())))


def _get(table: Table, key: Column[str]) -> sql.Statement:
    return sql.compiled(select(table.c.snapshot).where(key == sql.parameter("key", Text())))


_STOCK = sql.compiled(
    select(inventory.c.product_id, inventory.c.variant_id, inventory.c.available, inventory.c.reserved).where(
        inventory.c.product_id == func.any(sql.array("product_ids", Text()))
    )
)
_PRODUCT = _get(products, products.c.product_id)
_PRODUCTS = _after(select(products.c.snapshot), products.c.product_id)
_ANY = sql.compiled(select(products.c.product_id).limit(sql.parameter("limit", BigInteger())))

_ADJUSTMENTS = sql.compiled(
    select(*stock_adjustments.c)
    .where(
        stock_adjustments.c.product_id == sql.parameter("product_id", Text()),
        stock_adjustments.c.adjustment_id < sql.parameter("before", BigInteger()),
    )
    .order_by(stock_adjustments.c.adjustment_id.desc())
    .limit(sql.parameter("limit", BigInteger()))
)

_all_uses = (coupon_uses.c.code == coupons.c.code) & (coupon_uses.c.customer_id == literal_column("''"))
_with_uses = select(coupons.c.snapshot, func.coalesce(coupon_uses.c.used, literal_column("0"))).join_from(
    coupons, coupon_uses, _all_uses, isouter=True
)
_COUPON = sql.compiled(_with_uses.where(coupons.c.code == sql.parameter("key", Text())))
_COUPONS = _after(_with_uses, coupons.c.code)

_ZONE = _get(delivery_zones, delivery_zones.c.zone_id)
_ZONES = _after(select(delivery_zones.c.snapshot), delivery_zones.c.zone_id)


class CatalogRepository:
    """Products, coupons and delivery zones by id. Methods raise DEPENDENCY_UNAVAILABLE, and what each says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, product_id: str) -> Product:
        """The product, with its stock. Raises PRODUCT_NOT_FOUND."""
        found = await self._database.fetch(_PRODUCT, key=product_id)
        if not found:
            raise product_not_found(product_id, asked_for=True)
        return (await self._with_stock([Product.FromString(found[0][0])]))[0]

    async def page(self, *, after: str, limit: int) -> list[Product]:
        """Up to `limit` products after an id, in the order of their ids."""
        found = await self._database.fetch(_PRODUCTS, after=after, limit=limit)
        return await self._with_stock([Product.FromString(snapshot) for (snapshot,) in found])

    async def is_empty(self) -> bool:
        """Whether there are no products."""
        return not await self._database.fetch(_ANY, limit=1)

    async def _with_stock(self, found: Sequence[Product]) -> list[Product]:
        rows = await self._database.fetch(_STOCK, product_ids=[product.product_id for product in found])
        stock: dict[Shelf, int] = {}
        reserved: dict[Shelf, int] = {}
        for product_id, variant_id, available, held in rows:
            stock[product_id, variant_id] = available
            reserved[product_id, variant_id] = held
        return [with_stock(product, stock, reserved) for product in found]

    async def adjustments(self, product_id: str, *, before: int = 0, limit: int) -> list[StockAdjustment]:
        """Up to `limit` adjustments of a product's stock before an id, newest first; from the newest on, if it is 0."""
        found = await self._database.fetch(_ADJUSTMENTS, product_id=product_id, before=before or _NEWEST, limit=limit)
        return [
            StockAdjustment(
                adjustment_id=adjustment_id,
                product_id=of_product,
                variant_id=variant_id,
                delta=delta,
                reason=reason,
                actor=actor,
                request_id=request_id,
                adjust_time=timestamp_of(time),
            )
            for adjustment_id, of_product, variant_id, delta, reason, actor, request_id, time in found
        ]

    async def coupon(self, code: str) -> Coupon:
        """The coupon, with how often it was used. Raises COUPON_NOT_FOUND."""
        found = await self._database.fetch(_COUPON, key=code_of(code))
        if not found:
            raise OrderError("COUPON_NOT_FOUND", f"there is no coupon {code!r}", metadata={"coupon_code": code})
        return with_uses(Coupon.FromString(found[0][0]), found[0][1])

    async def coupons(self, *, after: str, limit: int) -> list[Coupon]:
        """Up to `limit` coupons after a code, in the order of their codes."""
        found = await self._database.fetch(_COUPONS, after=after, limit=limit)
        return [with_uses(Coupon.FromString(snapshot), used) for snapshot, used in found]

    async def zone(self, zone_id: str) -> DeliveryZone:
        """The delivery zone. Raises DELIVERY_ZONE_NOT_FOUND."""
        found = await self._database.fetch(_ZONE, key=zone_id)
        if not found:
            text = f"there is no delivery zone {zone_id!r}"
            raise OrderError("DELIVERY_ZONE_NOT_FOUND", text, metadata={"zone_id": zone_id})
        return DeliveryZone.FromString(found[0][0])

    async def zones(self, *, after: str, limit: int) -> list[DeliveryZone]:
        """Up to `limit` delivery zones after an id, in the order of their ids."""
        found = await self._database.fetch(_ZONES, after=after, limit=limit)
        return [DeliveryZone.FromString(snapshot) for (snapshot,) in found]
