"""Reads of products with their stock."""

from orders.v1.catalog_service_pb2 import Product
from sqlalchemy import BigInteger, Text, func, select

from server.domain.catalog import product_not_found, with_stock
from server.storage import sql
from server.storage.database import Database
from server.storage.tables import inventory, products

_STOCK = sql.compiled(
    select(inventory.c.product_id, inventory.c.variant_id, inventory.c.available).where(
        inventory.c.product_id == func.any(sql.array("product_ids", Text()))
    )
)
_PRODUCT = sql.compiled(select(products.c.snapshot).where(products.c.product_id == sql.parameter("product_id", Text())))
_PAGE = sql.compiled(
    select(products.c.snapshot)
    .where(products.c.product_id > sql.parameter("after", Text()))
    .order_by(products.c.product_id)
    .limit(sql.parameter("limit", BigInteger()))
)
_ANY = sql.compiled(select(products.c.product_id).limit(sql.parameter("limit", BigInteger())))


class CatalogRepository:
    """Products by id. Methods raise PRODUCT_NOT_FOUND and DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, product_id: str) -> Product:
        found = await self._database.fetch(_PRODUCT, product_id=product_id)
        if not found:
            raise product_not_found(product_id, asked_for=True)
        return (await self._with_stock([Product.FromString(found[0][0])]))[0]

    async def page(self, *, after: str, limit: int) -> list[Product]:
        """Up to `limit` products after an id, in the order of their ids."""
        found = await self._database.fetch(_PAGE, after=after, limit=limit)
        return await self._with_stock([Product.FromString(snapshot) for (snapshot,) in found])

    async def is_empty(self) -> bool:
        return not await self._database.fetch(_ANY, limit=1)

    async def _with_stock(self, found: list[Product]) -> list[Product]:
        rows = await self._database.fetch(_STOCK, product_ids=[product.product_id for product in found])
        stock = {(product_id, variant_id): available for product_id, variant_id, available in rows}
        return [with_stock(product, stock) for product in found]
