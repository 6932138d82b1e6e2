"""Periodic deletion of old rows."""

from datetime import datetime

from server.storage.database import Database
from server.storage.mails import DELETE_OLD_MAILS
from server.storage.sql import Statement
from server.storage.write import statements
from server.storage.write.webhook_deliveries import DELETE_OLD_DELIVERIES, DELETE_ORPHANED_DELIVERIES

_AT_ONCE = 1000


async def forget_old_requests(database: Database, *, before: datetime) -> int:
    """Deletes older idempotency keys; returns their number."""
    return await _sweep(database, statements.DELETE_OLD_IDEMPOTENCY_KEYS, before=before)


async def forget_old_carts(database: Database, *, before: datetime) -> int:
    """Deletes carts that are unchanged since a time; returns their number."""
    return await _sweep(database, statements.DELETE_OLD_CARTS, before=before)


async def forget_idle_limits(database: Database, *, before: datetime) -> int:
    """Deletes full buckets of rate limits that are unused since a time; returns their number."""
    return await _sweep(database, statements.DELETE_IDLE_RATE_LIMITS, before=before)


async def forget_old_deliveries(database: Database, *, before: datetime) -> int:
    """Deletes webhook deliveries that ended earlier, and those of endpoints that are deleted; returns their number."""
    ended = await _sweep(database, DELETE_OLD_DELIVERIES, before=before)
    return ended + await _sweep(database, DELETE_ORPHANED_DELIVERIES, before=before)


async def forget_old_mails(database: Database, *, before: datetime) -> int:
    """Deletes the records of mails that ended earlier; returns their number."""
    return await _sweep(database, DELETE_OLD_MAILS, before=before)


async def _sweep(database: Database, statement: Statement, *, before: datetime) -> int:
    """Deletes a few rows at a time, so that other work waits only briefly."""
    total = 0
    while True:
        async with database.connection() as connection:
            cursor = await connection.execute(statement.text, {"before": before, "limit": _AT_ONCE})
            total += cursor.rowcount
        if cursor.rowcount < _AT_ONCE:
            return total
