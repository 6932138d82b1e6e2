"""The versions of orders, by ascending id."""

from functools import lru_cache
from typing import Any, NamedTuple

from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import OrderFilter
from sqlalchemy import BigInteger, Uuid, literal_column, select

from server.storage import sql
from server.storage.database import Database
from server.storage.read.filters import CONDITIONS, is_set, parameters_of
from server.storage.schema.tables import orders

# Not before any id.
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class StoredState(NamedTuple):
    """An order's version and, if requested, the hash of its last event."""

    order_id: str
    version: int
    event_hash: bytes


class _Row(NamedTuple):
    order_id: str
    version: int
    snapshot: bytes


@lru_cache(maxsize=1024)
def _statement(names: tuple[str, ...], hashes: bool) -> sql.Query[_Row]:
    snapshot = orders.c.snapshot if hashes else literal_column("''::bytea").label("snapshot")
    page = (
        select(*sql.as_text([orders.c.order_id]), orders.c.version, snapshot)
        .where(
            orders.c.order_id > sql.parameter("after", Uuid()),
            orders.c.order_id <= sql.parameter("until", Uuid()),
            *(CONDITIONS[name].where for name in names),
        )
        .order_by(orders.c.order_id)
        .limit(sql.parameter("limit", BigInteger()))
    )
    return sql.query(_Row, page)


class StateRepository:
    """Versions of orders. Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: OrderFilter, *, after: str, until: str, limit: int, hashes: bool) -> list[StoredState]:
        """Up to `limit` matching orders with ids after one and up to another, by id."""
        names = tuple(name for name in CONDITIONS if is_set(wanted, name))
        parameters: dict[str, Any] = parameters_of(wanted, names)
        rows = await self._database.fetch_named(
            _statement(names, hashes), **parameters, after=after, until=until, limit=limit
        )
        return [StoredState(row.order_id, row.version, _hash_of(row) if hashes else b"") for row in rows]


def _hash_of(row: _Row) -> bytes:
    return bytes(Order.FromString(row.snapshot).event_hash)
