"""Connections to PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple, TypeVar

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg_pool import AsyncConnectionPool

from server.storage.arrays import adapters
from server.storage.errors import (
    NO_ANSWER,
    WRITE_CAUSES,
    ConnectionLost,
    DatabaseUnavailable,
    Unanswered,
    database_errors,
    spoils_connection,
)
from server.storage.share import Share
from server.storage.sql import NamedRow, Query, Statement
from server.telemetry.spans import child_span, note
from server.telemetry.timings import note_statement

Row = tuple[Any, ...]
Result = TypeVar("Result")

_KEPT_FOR_WRITES = 4
# The part of a pool that is kept for reads.
_KEPT_FOR_READS = 4
# Seconds for the database to confirm that it has cancelled a statement.
_CANCELLATION = 0.3
# Seconds within which a stale connection fails. A later failure has used the time that a retry would need.
_STALE = 0.5
# Seconds for the pool's connections to close.
_CLOSING = 0.5
# The attributes of a span.
_SPAN = {"db.system.name": "postgresql"}


class PoolUse(NamedTuple):
    """The connections in use and idle, and the number of waiters."""

    used: int
    idle: int
    waiting: int


class _Timeouts(NamedTuple):
    """The times at which work is cancelled, and at which its cancellation is interrupted."""

    work: asyncio.Timeout
    cancellation: asyncio.Timeout

    def end(self) -> None:
        """Sets both times to now."""
        now = asyncio.get_running_loop().time()
        for timeout, when in ((self.work, now), (self.cancellation, now + _CANCELLATION)):
            if not timeout.expired():
                timeout.reschedule(when)


@asynccontextmanager
async def bounded(seconds: float) -> AsyncIterator[_Timeouts]:
    """Cancels work with the database after a time, and interrupts the cancellation if the database is silent.

    psycopg answers the first cancellation by asking the server to cancel the statement, and the second by closing the connection.
    """
    async with asyncio.timeout(seconds + _CANCELLATION) as cancellation, asyncio.timeout(seconds) as work:
        yield _Timeouts(work, cancellation)


class Database:
    """A pool whose every use has a deadline."""

    def __init__(self, url: str, *, timeout: float, pool_size: int, max_waiting_reads: int = 3000) -> None:
        """`timeout` bounds each use of a connection, including the wait for it, in seconds."""
        self.timeout = timeout
        # Reads and writes each keep connections that the other cannot use.
        self._reads = Share(max(1, pool_size - _KEPT_FOR_WRITES), max_waiting=max_waiting_reads)
        self._writes = Share(pool_size - max(1, pool_size // _KEPT_FOR_READS), max_waiting=max_waiting_reads)
        self._lending = self._used = 0
        self._uses: set[_Timeouts] = set()
        # The last time the database finished a use, by `time.monotonic`.
        self._answered = 0.0
        # Counts how often the pool's connections were replaced.
        self._generation = 0
        # The cause of the last failed write, if it is lasting; cleared by a health check that writes.
        self.write_failure: str | None = None
        self._url, self._options = url, _connection_options(url, timeout)
        self._pool = AsyncConnectionPool(
            url,
            min_size=min(4, pool_size),
            max_size=pool_size,
            open=False,
            # Later than a use's own timeout, whose error is more specific.
            timeout=timeout + 1,
            # The pool doubles its pauses between attempts up to this time. After that, it tries on each request for a connection.
            reconnect_timeout=timeout,
            kwargs=self._options,
        )

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        """Ends all uses of connections, and closes them."""
        for use in list(self._uses):
            use.end()
        await self._pool.close(timeout=_CLOSING)

    async def connect(self) -> AsyncConnection[Row]:
        """A connection outside the pool."""
        return await AsyncConnection.connect(self._url, **self._options)

    @asynccontextmanager
    async def connection(self, *, passing: tuple[type[Exception], ...] = ()) -> AsyncIterator[AsyncConnection[Row]]:
        """A connection in autocommit mode, to write. Raises DEPENDENCY_UNAVAILABLE and OVERLOADED, except for errors that are `passing`."""
        try:
            async with self._use(self._writes, passing=passing) as connection:
                yield connection
        except DatabaseUnavailable as error:
            if error.cause in WRITE_CAUSES:
                self.write_failure = error.cause
            raise

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection[Row]]:
        """Like `connection`, for reads."""
        return self._use(self._reads)

    @asynccontextmanager
    async def _use(
        self, share: Share, *, passing: tuple[type[Exception], ...] = ()
    ) -> AsyncIterator[AsyncConnection[Row]]:
        began, has_connection = time.monotonic(), False
        with child_span("database", kind="client", **_SPAN), database_errors(passing=passing):
            try:
                async with self.bounded(self.timeout) as timeouts, share.take(), self._lend() as connection:
                    has_connection = True
                    note("connected")
                    yield connection
            except TimeoutError as error:
                if not has_connection and self._answered > began:
                    raise share.overloaded() from error
                if not has_connection or timeouts.cancellation.expired():
                    raise Unanswered(NO_ANSWER) from error
                raise

    @asynccontextmanager
    async def bounded(self, seconds: float) -> AsyncIterator[_Timeouts]:
        """Like the function `bounded`, or until the pool closes if that is sooner."""
        generation = self._generation
        async with bounded(seconds) as timeouts:
            self._uses.add(timeouts)
            try:
                yield timeouts
            finally:
                self._uses.discard(timeouts)
                if timeouts.cancellation.expired():
                    await self._replace_connections(generation)

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[AsyncConnection[Row]]:
        """Like the pool's `connection()`, which loses the connection if the caller is cancelled while returning it."""
        task = asyncio.current_task()
        assert task is not None
        before, generation = task.cancelling(), self._generation
        # The pool's number of waiters includes cancelled ones.
        self._lending += 1
        try:
            connection = await self._pool.getconn()
        finally:
            self._lending -= 1
        self._used += 1
        try:
            # Python 3.11 loses a cancellation that arrives together with the awaited result.
            if task.cancelling() > before:
                raise asyncio.CancelledError
            yield connection
            self._answered = time.monotonic()
        except BaseException as error:
            if spoils_connection(error):
                await self._replace_connections(generation)
            raise
        finally:
            self._used -= 1
            if connection.pgconn.transaction_status != TransactionStatus.IDLE:
                await connection.close()
            await asyncio.shield(self._pool.putconn(connection))

    async def _replace_connections(self, generation: int) -> None:
        """Replaces the connections of a generation once; connections in use when they are returned."""
        if generation == self._generation:
            self._generation += 1
            await self._pool.drain()

    @asynccontextmanager
    async def long_connection(self) -> AsyncIterator[AsyncConnection[Row]]:
        """A connection for work on all orders: each statement has a deadline, but the whole work has none."""
        with database_errors():
            async with self._lend() as connection:
                yield connection

    async def fetch_named(self, query: Query[NamedRow], **parameters: object) -> list[NamedRow]:
        """Like `fetch`, with named rows."""
        return query.named(await self.fetch(query, **parameters))

    async def fetch(self, statement: Statement, **parameters: object) -> list[Row]:
        """The rows of one statement in a separate transaction. Raises DEPENDENCY_UNAVAILABLE and OVERLOADED."""
        return await self._fetch(fetch, statement, parameters)

    async def fetch_result(self, statement: Statement, **parameters: object) -> PGresult:
        """Like `fetch`, in PostgreSQL's binary format, from which each value is copied on use."""
        return await self._fetch(_fetch_result, statement, parameters)

    async def _fetch(
        self, run: Callable[..., Awaitable[Result]], statement: Statement, parameters: dict[str, object]
    ) -> Result:
        async def attempt() -> Result:
            began = time.monotonic()
            async with self.reading() as connection:
                waited = time.monotonic() - began
                result = await run(connection, statement, **parameters)
                note_statement(began=began, waited=waited, rows=_count(result))
                return result

        return await retry_if_stale(attempt)

    def use(self) -> PoolUse:
        waiting = self._reads.waiting + self._writes.waiting + self._lending
        return PoolUse(used=self._used, idle=self._pool.get_stats()["pool_available"], waiting=waiting)


def _count(result: object) -> int:
    """The rows of a statement's result."""
    return len(result) if isinstance(result, list) else int(getattr(result, "ntuples", 0))


async def retry_if_stale(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """The attempt's result. If it loses its connection immediately, the connection was stale, and the attempt is repeated."""
    began = time.monotonic()
    try:
        return await attempt()
    except ConnectionLost:
        if time.monotonic() - began >= _STALE:
            raise
    return await attempt()


def _connection_options(url: str, timeout: float) -> dict[str, Any]:
    milliseconds = int(timeout * 1000)
    given = conninfo_to_dict(url)
    # Over TCP, the kernel drops peers that acknowledge nothing, also on idle connections.
    network = {
        "tcp_user_timeout": milliseconds,
        "keepalives_idle": max(1, int(timeout)),
        "keepalives_interval": 1,
    }
    return {name: value for name, value in network.items() if name not in given} | {
        "autocommit": True,
        "context": adapters(),
        "prepare_threshold": 0,
        "application_name": "orders",
        "connect_timeout": max(2, int(timeout)),
        "options": f"{given.get('options', '')} -c statement_timeout={milliseconds} -c lock_timeout={milliseconds} "
        f"-c idle_in_transaction_session_timeout={2 * milliseconds} -c TimeZone=UTC",
    }


async def fetch_named(connection: AsyncConnection[Row], query: Query[NamedRow], **parameters: object) -> list[NamedRow]:
    """The rows of one query, with their names."""
    return query.named(await fetch(connection, query, **parameters))


async def fetch(connection: AsyncConnection[Row], statement: Statement, **parameters: object) -> list[Row]:
    """The rows of one statement."""
    note("statement", **{"db.query.text": statement.text})
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement.text, statement.bind(parameters), prepare=True)
        return await cursor.fetchall()


async def _fetch_result(connection: AsyncConnection[Row], statement: Statement, **parameters: object) -> PGresult:
    note("statement", **{"db.query.text": statement.text})
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement.text, statement.bind(parameters), prepare=statement.prepared)
        result = cursor.pgresult
        assert result is not None
        return result
