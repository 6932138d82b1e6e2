"""The positions of the server's own consumers of the feed, such as webhooks. They are durable consumers too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from psycopg import AsyncConnection

from server.storage.database import Database, Row, fetch
from server.storage.sql import Statement

# A connection with an open transaction.
Connection: TypeAlias = AsyncConnection[Row]

# The ids of these consumers begin with it. Callers cannot take, move or delete them.
PREFIX = "orders."

# A consumer begins at the end of the feed.
_ADD = Statement(
    """
INSERT INTO consumers (consumer_id, definition, position, unseen_by, acked_by, create_time)
SELECT %(consumer_id)s::text, '', position, '', '', clock_timestamp() FROM feed_state
ON CONFLICT (consumer_id) DO NOTHING"""
)
_GET = Statement("SELECT position FROM consumers WHERE consumer_id = %(consumer_id)s")
_MOVE = Statement(
    """
UPDATE consumers SET position = %(until)s, ack_time = clock_timestamp(), acked_by = 'server'
WHERE consumer_id = %(consumer_id)s AND position = %(after)s RETURNING consumer_id"""
)


class PositionMoved(Exception):
    """Another process has moved the consumer."""


class ConsumerPositions:
    """Positions by consumer. Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, consumer_id: str) -> int:
        """The consumer's position."""
        async with self._database.connection() as connection:
            found = await fetch(connection, _GET, consumer_id=consumer_id)
            if not found:
                await connection.execute(_ADD.text, {"consumer_id": consumer_id})
                found = await fetch(connection, _GET, consumer_id=consumer_id)
        return int(found[0][0])

    @asynccontextmanager
    async def moving(self, consumer_id: str, *, after: int, until: int) -> AsyncIterator[Connection]:
        """A transaction that moves the consumer, in which its handler stores rows. Raises PositionMoved."""
        async with self._database.connection(passing=(PositionMoved,)) as connection, connection.transaction():
            if not await fetch(connection, _MOVE, consumer_id=consumer_id, after=after, until=until):
                raise PositionMoved(consumer_id)
            yield connection
