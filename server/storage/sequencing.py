"""Gives committed events their positions in the feed."""

from psycopg import AsyncConnection

from server.storage.database import Row
from server.storage.schema import sequencing


class ForeignFeed(Exception):
    """The database was restored from a dump of another cluster, and `orders migrate` has not adopted it yet."""


# After a large import there is much to sort, and a table that was never analyzed must not be read as a whole.
_LOCK = sequencing.LOCK.replace(
    "SELECT", "SELECT set_config('statement_timeout', '0', true), set_config('enable_seqscan', 'off', true)"
)


async def assign_positions(connection: AsyncConnection[Row]) -> int:
    """Appends the committed events without a position; returns their number.

    Concurrent callers wait for each other, so each event gets one position.
    """
    pending = await connection.execute(sequencing.PENDING, prepare=True)
    if await pending.fetchone() is None:
        return 0
    # A pipeline is one transaction: it costs a third of one with BEGIN and COMMIT.
    async with connection.pipeline():
        await connection.execute(_LOCK, prepare=True)
        assigned = await connection.execute(sequencing.ASSIGN, prepare=True)
    row = await assigned.fetchone()
    if row is None:
        raise ForeignFeed("the database was restored from a dump; run `orders migrate` to adopt it")
    return int(row[0])
