"""Orders as of the versions that changes made, for readers of the feed."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from orders.v1.order_pb2 import Order
from sqlalchemy import Uuid, func, select

from server.storage import sql
from server.storage.database import Database
from server.storage.read.history import HistoryRepository
from server.storage.schema.tables import orders


class OrderVersion(NamedTuple):
    """A version of an order."""

    order_id: str
    version: int


class _Stored(NamedTuple):
    order_id: str
    version: int
    snapshot: bytes


_STORED = sql.query(
    _Stored,
    select(*sql.as_text([orders.c.order_id]), orders.c.version, orders.c.snapshot).where(
        orders.c.order_id == func.any(sql.array("order_ids", Uuid()))
    ),
)


class OrderVersions:
    """Versions of orders, serialized. Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database, history: HistoryRepository) -> None:
        self._database, self._history = database, history

    async def orders_at(self, wanted: Sequence[OrderVersion]) -> list[bytes]:
        """The orders at versions. If the values of a version were not recorded, the oldest version that can be rebuilt.

        The orders exist: they are never deleted.
        """
        versions: defaultdict[str, set[int]] = defaultdict(set)
        for order_id, version in wanted:
            versions[order_id].add(version)
        found: dict[OrderVersion, bytes] = {}
        for row in await self._database.fetch_named(_STORED, order_ids=sorted(versions)):
            old = sorted(version for version in versions[row.order_id] if version < row.version)
            rebuilt = await self._history.rebuild(Order.FromString(row.snapshot), old) if old else {}
            for version in versions[row.order_id]:
                found[OrderVersion(row.order_id, version)] = rebuilt.get(version, row.snapshot)
        return [found[version] for version in wanted]
