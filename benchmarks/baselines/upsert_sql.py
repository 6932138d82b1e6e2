"""The SQL of BatchUpsertOrders alone: the statements that the writer sends, recorded with their parameters, and run again."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import psycopg
import uvloop
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest
from psycopg import AsyncConnection, AsyncCursor

from server.domain.base.caller import ANONYMOUS
from server.domain.operations import Command
from server.rpc.validation import violations_of
from server.storage.arrays import adapters
from server.storage.database import Database, Row
from server.storage.write.writer import Writer

_WRITES = ("INSERT", "UPDATE", "DELETE")


class Sent(NamedTuple):
    """A statement with its parameters, packed."""

    text: str
    parameters: dict[str, Any] | None


Transaction = list[Sent]


class _Recorder:
    """A connection that notes what is sent on it, carries out what reads, and commits nothing."""

    def __init__(self, connection: AsyncConnection[Row]) -> None:
        self._connection = connection
        self.sent: Transaction = []

    async def execute(
        self, text: str, parameters: dict[str, Any] | None = None, **how: bool
    ) -> AsyncCursor[Row] | None:
        self.sent.append(Sent(text, parameters))
        if text.startswith(_WRITES):
            return None
        return await self._connection.execute("ROLLBACK" if text == "COMMIT" else text, parameters, **how)

    def pipeline(self) -> Any:
        return self._connection.pipeline()


class _RecordingDatabase(Database):
    """The database, with connections that record."""

    def __init__(self, url: str) -> None:
        super().__init__(url, timeout=60, pool_size=10)
        self.recorded: list[Transaction] = []

    @asynccontextmanager
    async def connection(self, **how: Any) -> AsyncIterator[Any]:
        async with super().connection(**how) as connection:
            recorder = _Recorder(connection)
            yield recorder
            self.recorded.append(recorder.sent)


def record(url: str, batches: Sequence[bytes]) -> list[Transaction]:
    """The transaction of each batch, as it would be now; nothing is written."""
    return uvloop.run(_record(url, batches))


async def _record(url: str, batches: Sequence[bytes]) -> list[Transaction]:
    database = _RecordingDatabase(url)
    await database.open()
    writer = Writer(database, validate=violations_of)
    for batch in batches:
        await writer.execute(Command(BatchUpsertOrdersRequest.FromString(batch), ANONYMOUS))
    await writer.drain()
    await database.close()
    assert len(database.recorded) == len(batches)
    return database.recorded


def replay(url: str, transactions: Sequence[Transaction]) -> float:
    """Runs them one after the other, as the writer does; the seconds that took."""
    return uvloop.run(_replay(url, transactions))


async def _replay(url: str, transactions: Sequence[Transaction]) -> float:
    connect = psycopg.AsyncConnection.connect(url, autocommit=True, context=adapters(), prepare_threshold=0)
    async with await connect as connection:
        started = time.perf_counter()
        for transaction in transactions:
            await _run(connection, transaction)
        return time.perf_counter() - started


async def _run(connection: AsyncConnection[Row], transaction: Transaction) -> None:
    """As the writer: what reads in one flight, with its rows taken in, and what writes in another, with the COMMIT."""
    reads = [sent for sent in transaction if not sent.text.startswith((*_WRITES, "COMMIT"))]
    async with connection.pipeline():
        cursors = [
            await connection.execute(text, parameters, prepare=parameters is not None, binary=True)
            for text, parameters in reads
        ]
        for cursor in cursors:
            if cursor.description:
                await cursor.fetchall()
    async with connection.pipeline():
        for text, parameters in transaction[len(reads) :]:
            await connection.execute(text, parameters, prepare=parameters is not None)
