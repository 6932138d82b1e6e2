"""The work queue: it contains the claimable orders, with columns that match them."""

from collections.abc import Sequence

from psycopg import AsyncConnection
from sqlalchemy import func, select

from server.storage import sql
from server.storage.database import Row
from server.storage.schema.fulfilment_tables import fulfilments
from server.storage.verification.checks import Problem, Stored, by_order, page_ids
from server.storage.write.work_queue import EntryRow, entry_row

ENTRIES = sql.query(
    EntryRow,
    select(*sql.as_text([fulfilments.c[name] for name in EntryRow._fields])).where(
        fulfilments.c.order_id == func.any(page_ids)
    ),
)


class QueueCheck:
    """An order is in the queue if and only if it is waiting or claimed."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        entries = await by_order(connection, ENTRIES, [stored.order_id for stored in page])
        problems = []
        for stored in page:
            actual = next(iter(entries[stored.order_id]), None)
            expected = entry_row(stored.order)
            if stored.readable and actual != expected:
                problems.append(
                    Problem(stored.name, f"its row in fulfilments is {actual}, the snapshot says {expected}")
                )
        return problems

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        return []
