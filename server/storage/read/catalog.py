"""Reads of the catalogue: products with their stock, coupons, delivery zones."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from orders.v1.catalog_service_pb2 import Coupon, DeliveryZone, Product, StockAdjustment
from orders.v1.error_reason_pb2 import ERROR_REASON_COUPON_NOT_FOUND, ERROR_REASON_DELIVERY_ZONE_NOT_FOUND
from sqlalchemy import BigInteger, Column, Select, Text, func, literal_column, select

from server.domain.base.errors import Refusal
from server.domain.base.records import Kind
from server.domain.base.sizes import MAX_PAGE
from server.domain.catalog.products import product_not_found, with_stock
from server.domain.pricing.coupons import code_of, with_uses
from server.storage import sql
from server.storage.batcher import point_reader
from server.storage.database import Database
from server.storage.projections import InventoryRow, timestamp_of
from server.storage.schema.tables import coupon_uses, coupons, delivery_zones, inventory, products, stock_adjustments
from server.storage.write.statements import RECORDS

_NEWEST = 2**63 - 1


def _after(statement: Select[tuple[bytes]], key: Column[str]) -> sql.Statement:
    """A page of a statement's rows, sorted by a key. It ends one row after the row that exceeds the page's bytes."""
    after = key > sql.parameter("after", Text())
    limit = sql.parameter("limit", BigInteger())
    page = statement.add_columns(key.label("key")).where(after).order_by(key).limit(limit).subquery("page")
    # The size of a snapshot is known without reading it.
    size = func.octet_length(page.c.snapshot)
    before = func.sum(size).over(order_by=page.c.key) - size
    previous = func.lag(size).over(order_by=page.c.key)
    sized = select(page, (before - func.coalesce(previous, literal_column("0"))).label("read")).subquery("sized")
    *found, place, read = sized.c
    return sql.compiled(select(*found).where(read <= literal_column(str(MAX_PAGE))).order_by(place))


_STOCK = sql.query(
    InventoryRow, select(*inventory.c).where(inventory.c.product_id == func.any(sql.array("product_ids", Text())))
)
_PRODUCTS = _after(select(products.c.snapshot), products.c.product_id)
_ANY = sql.compiled(select(products.c.product_id).limit(sql.parameter("limit", BigInteger())))


class _Adjustment(NamedTuple):
    adjustment_id: int
    product_id: str
    variant_id: str
    delta: int
    reason: str
    actor: str
    request_id: str
    adjust_time: datetime


_ADJUSTMENTS = sql.query(
    _Adjustment,
    select(*stock_adjustments.c)
    .where(
        stock_adjustments.c.product_id == sql.parameter("product_id", Text()),
        stock_adjustments.c.adjustment_id < sql.parameter("before", BigInteger()),
    )
    .order_by(stock_adjustments.c.adjustment_id.desc())
    .limit(sql.parameter("limit", BigInteger())),
)

_all_uses = (coupon_uses.c.code == coupons.c.code) & (coupon_uses.c.customer_id == literal_column("''"))
_with_uses = select(coupons.c.snapshot, func.coalesce(coupon_uses.c.used, literal_column("0"))).join_from(
    coupons, coupon_uses, _all_uses, isouter=True
)
_COUPONS_BY_CODE = sql.compiled(
    _with_uses.add_columns(coupons.c.code).where(coupons.c.code == func.any(sql.array("codes", Text())))
)
_COUPONS = _after(_with_uses, coupons.c.code)

_ZONES = _after(select(delivery_zones.c.snapshot), delivery_zones.c.zone_id)


class CatalogRepository:
    """Products, coupons and delivery zones by id. Methods raise DEPENDENCY_UNAVAILABLE, and the errors that each names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._products = point_reader(self._read_products)
        self._coupons = point_reader(self._read_coupons)
        self._zones = point_reader(self._read_zones)

    async def get(self, product_id: str) -> Product:
        """The product, with its stock. Raises PRODUCT_NOT_FOUND."""
        product = await self._products.submit(product_id)
        if product is None:
            raise product_not_found(product_id, requested=True)
        return product

    async def page(self, *, after: str, limit: int) -> list[Product]:
        """Up to `limit` products after an id, in the order of their ids; fewer if they are large."""
        found = await self._database.fetch(_PRODUCTS, after=after, limit=limit)
        return await self._with_stock([Product.FromString(snapshot) for (snapshot,) in found])

    async def is_empty(self) -> bool:
        """Whether there are no products."""
        return not await self._database.fetch(_ANY, limit=1)

    async def _with_stock(self, found: Sequence[Product]) -> list[Product]:
        rows = await self._database.fetch_named(_STOCK, product_ids=[product.product_id for product in found])
        stock = {row.sku: row.available for row in rows}
        reserved = {row.sku: row.reserved for row in rows}
        return [with_stock(product, stock, reserved) for product in found]

    async def adjustments(self, product_id: str, *, before: int = 0, limit: int) -> list[StockAdjustment]:
        """Up to `limit` adjustments of a product's stock before an id, newest first; from the newest on, if it is 0."""
        found = await self._database.fetch_named(
            _ADJUSTMENTS, product_id=product_id, before=before or _NEWEST, limit=limit
        )
        return [StockAdjustment(**(row._asdict() | {"adjust_time": timestamp_of(row.adjust_time)})) for row in found]

    async def coupon(self, code: str) -> Coupon:
        """The coupon, with its number of uses. Raises COUPON_NOT_FOUND."""
        coupon = await self._coupons.submit(code_of(code))
        if coupon is None:
            raise Refusal(
                ERROR_REASON_COUPON_NOT_FOUND,
                f"there is no coupon {code!r}; ListCoupons lists all",
                metadata={"coupon_code": code},
            )
        return coupon

    async def coupons(self, *, after: str, limit: int) -> list[Coupon]:
        """Up to `limit` coupons after a code, in the order of their codes; fewer if they are large."""
        found = await self._database.fetch(_COUPONS, after=after, limit=limit)
        return [with_uses(Coupon.FromString(snapshot), used) for snapshot, used in found]

    async def zone(self, zone_id: str) -> DeliveryZone:
        """The delivery zone. Raises DELIVERY_ZONE_NOT_FOUND."""
        zone = await self._zones.submit(zone_id)
        if zone is None:
            text = f"there is no delivery zone {zone_id!r}; ListDeliveryZones lists all"
            raise Refusal(ERROR_REASON_DELIVERY_ZONE_NOT_FOUND, text, metadata={"zone_id": zone_id})
        return zone

    async def zones(self, *, after: str, limit: int) -> list[DeliveryZone]:
        """Up to `limit` delivery zones after an id, in the order of their ids; fewer if they are large."""
        found = await self._database.fetch(_ZONES, after=after, limit=limit)
        return [DeliveryZone.FromString(snapshot) for (snapshot,) in found]

    async def _read_products(self, product_ids: Sequence[str]) -> list[Product | None]:
        snapshots = await self._read_records(Kind.PRODUCT, product_ids)
        with_stock = await self._with_stock([Product.FromString(snapshot) for snapshot in snapshots.values()])
        found = dict(zip(snapshots, with_stock, strict=True))
        return [found.get(product_id) for product_id in product_ids]

    async def _read_coupons(self, codes: Sequence[str]) -> list[Coupon | None]:
        rows = await self._database.fetch(_COUPONS_BY_CODE, codes=codes)
        found = {code: with_uses(Coupon.FromString(snapshot), used) for snapshot, used, code in rows}
        return [found.get(code) for code in codes]

    async def _read_zones(self, zone_ids: Sequence[str]) -> list[DeliveryZone | None]:
        found = await self._read_records(Kind.ZONE, zone_ids)
        return [DeliveryZone.FromString(found[zone_id]) if zone_id in found else None for zone_id in zone_ids]

    async def _read_records(self, kind: Kind, keys: Sequence[str]) -> dict[str, bytes]:
        return dict(await self._database.fetch(RECORDS[kind].read.plain, keys=keys))
