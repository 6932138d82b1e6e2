"""Adds missing orders to the work queue, which a version without the queue has confirmed."""

from collections.abc import Sequence

from orders.v1.order_pb2 import Order
from psycopg import Connection
from sqlalchemy import BigInteger, Uuid, select, text

from server.storage import sql
from server.storage.database import Database, Row, fetch
from server.storage.references import BEFORE_ALL
from server.storage.schema.fulfilment_tables import fulfilments
from server.storage.schema.tables import orders
from server.storage.write.changes import columns_of
from server.storage.write.work_queue import PUT_ENTRIES, EntryRow, entry_row

_AT_ONCE = 100

_queued = select(fulfilments.c.order_id).where(fulfilments.c.order_id == orders.c.order_id).exists()
# Confirmed orders and those in processing, locked as a change of them would lock them.
_MISSING = sql.compiled(
    select(orders.c.snapshot)
    .where(
        orders.c.order_id > sql.parameter("after", Uuid()),
        text("orders.status IN (2, 3) AND orders.source = ''"),
        ~_queued,
    )
    .order_by(orders.c.order_id)
    .limit(sql.parameter("limit", BigInteger()))
    .with_for_update(of=orders, key_share=True)
)

_PUT_ENTRY = f"INSERT INTO {fulfilments.name} ({', '.join(EntryRow._fields)}) VALUES (%s, %s, %s, %s, %s)"


async def queue_missing(database: Database) -> int:
    """Adds the waiting orders without a row in the queue; returns their number."""
    after, count = BEFORE_ALL, 0
    while after:
        async with database.connection() as connection, connection.transaction():
            entries, after = _entries(await fetch(connection, _MISSING, after=after, limit=_AT_ONCE))
            if entries:
                await connection.execute(PUT_ENTRIES.text, PUT_ENTRIES.bind(columns_of(EntryRow._fields, entries)))
        count += len(entries)
    return count


def queue_missing_in(connection: Connection[Row]) -> None:
    """Like `queue_missing`, for a migration. Commits regularly, so that writers wait only briefly."""
    after = BEFORE_ALL
    while after:
        rows = connection.execute(_MISSING.text, {"after": after, "limit": _AT_ONCE}).fetchall()
        entries, after = _entries(rows)
        with connection.cursor() as cursor:
            cursor.executemany(_PUT_ENTRY, entries)
        connection.commit()


def _entries(rows: Sequence[Row]) -> tuple[list[EntryRow], str]:
    """The rows to add for some orders, and the last of these; none if there are no more."""
    found = [Order.FromString(snapshot) for (snapshot,) in rows]
    entries = [entry for order in found if (entry := entry_row(order)) is not None]
    return entries, found[-1].order_id if len(found) == _AT_ONCE else ""
