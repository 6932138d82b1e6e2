"""What has to be swept up now and then."""

from datetime import datetime

from server.storage import statements
from server.storage.database import Database

_AT_ONCE = 1000


async def forget_old_requests(database: Database, *, before: datetime) -> int:
    """Deletes the idempotency keys that are older, a few at a time; returns how many."""
    total = 0
    while True:
        async with database.connection() as connection:
            parameters = {"before": before, "limit": _AT_ONCE}
            cursor = await connection.execute(statements.DELETE_OLD_IDEMPOTENCY_KEYS.text, parameters)
            total += cursor.rowcount
        if cursor.rowcount < _AT_ONCE:
            return total
