"""Reads the orders that wait for units that have arrived."""

from collections.abc import AsyncIterator

from orders.v1.order_pb2 import Order
from sqlalchemy import BigInteger, Text, Uuid, select, text

from server.domain.catalog.stock import awaited_by
from server.storage import sql
from server.storage.database import Database, fetch
from server.storage.references import BEFORE_ALL
from server.storage.schema.tables import inventory, item_product, order_items, orders

_AT_ONCE = 100
# Stock keeping units of one run of the job.
_SKUS = 1_000

_ARRIVED = sql.compiled(
    select(inventory.c.product_id, inventory.c.variant_id)
    .where(text("awaited > 0 AND available > 0"))
    .order_by(inventory.c.product_id, inventory.c.variant_id)
    .limit(sql.parameter("limit", BigInteger()))
)
_ids = (
    select(order_items.c.order_id)
    .where(
        item_product == sql.parameter("product_id", Text()),
        order_items.c.variant_id == sql.parameter("variant_id", Text()),
        order_items.c.order_id > sql.parameter("after", Uuid()),
    )
    .distinct()
)
_OPEN = sql.compiled(
    select(orders.c.snapshot)
    .where(orders.c.order_id.in_(_ids), text("orders.status < 4 AND orders.source = ''"))
    .order_by(orders.c.order_id)
    .limit(sql.parameter("limit", BigInteger()))
)


async def arrived(database: Database) -> AsyncIterator[str]:
    """The ids of the orders that wait for units which have arrived, of each product oldest first."""
    async with database.connection() as connection:
        skus = await fetch(connection, _ARRIVED, limit=_SKUS)
    for product_id, variant_id in skus:
        after = BEFORE_ALL
        while after:
            async with database.connection() as connection:
                rows = await fetch(
                    connection, _OPEN, product_id=product_id, variant_id=variant_id, after=after, limit=_AT_ONCE
                )
            found = [Order.FromString(snapshot) for (snapshot,) in rows]
            for order in found:
                if awaited_by(order).get((product_id, variant_id)):
                    yield order.order_id
            after = found[-1].order_id if len(found) == _AT_ONCE else ""
