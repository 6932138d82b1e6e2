"""Orders as they were at a version."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Uuid, func, select

from server.storage import sql
from server.storage.database import Database
from server.storage.schema.tables import orders


class OrderVersion(NamedTuple):
    """A version of an order."""

    order_id: str
    version: int


class _Stored(NamedTuple):
    order_id: str
    snapshot: bytes


_STORED = sql.query(
    _Stored,
    select(*sql.as_text([orders.c.order_id]), orders.c.snapshot).where(
        orders.c.order_id == func.any(sql.array("order_ids", Uuid()))
    ),
)


class OrderVersions:
    """Versions of orders, serialized. Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def order_at(self, order_id: str, version: int) -> bytes:
        """The order as of a version: so far the stored order, which has that version or a later one."""
        (order,) = await self.orders_at([OrderVersion(order_id, version)])
        return order

    async def orders_at(self, versions: Sequence[OrderVersion]) -> list[bytes]:
        """As `order_at`, for several. The orders exist: they are never deleted."""
        wanted = sorted({version.order_id for version in versions})
        found = {row.order_id: row.snapshot for row in await self._database.fetch_named(_STORED, order_ids=wanted)}
        return [found[version.order_id] for version in versions]
