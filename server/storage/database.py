"""Connections to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq.abc import PGresult
from psycopg_pool import AsyncConnectionPool

from server.storage.arrays import adapters
from server.storage.errors import ConnectionLost, database_errors
from server.storage.sql import Statement

Row = tuple[Any, ...]
Result = TypeVar("Result")

_KEPT_FOR_WRITES = 4


class PoolUse(NamedTuple):
    """Connections that are in use and that are not, and how many wait for one."""

    used: int
    idle: int
    waiting: int


class Database:
    """A pool whose every use has a deadline."""

    def __init__(self, url: str, *, timeout: float, pool_size: int) -> None:
        """`timeout` is in seconds and bounds each use of a connection, waiting for it included."""
        self.timeout = timeout
        # Writes and the look at the database's health keep connections for themselves, however many reads there are.
        self._reads = asyncio.Semaphore(max(1, pool_size - _KEPT_FOR_WRITES))
        self._waiting = self._used = 0
        milliseconds = int(timeout * 1000)
        given = conninfo_to_dict(url)
        self._pool = AsyncConnectionPool(
            url,
            min_size=min(4, pool_size),
            max_size=pool_size,
            open=False,
            timeout=timeout,
            kwargs={
                "autocommit": True,
                "context": adapters(),
                "prepare_threshold": 0,
                "application_name": "orders",
                "connect_timeout": max(2, int(timeout)),
                "options": f"{given.get('options', '')} -c statement_timeout={milliseconds} -c lock_timeout={milliseconds} "
                f"-c idle_in_transaction_session_timeout={2 * milliseconds} -c TimeZone=UTC",
            },
        )

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self, *, passing: tuple[type[Exception], ...] = ()) -> AsyncIterator[AsyncConnection[Row]]:
        """A connection in autocommit mode. Raises DEPENDENCY_UNAVAILABLE, except for errors that are `passing`."""
        with database_errors(passing=passing):
            async with asyncio.timeout(self.timeout), self._lend() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection[Row]]:
        """As `connection`, of those that are there for reads."""
        with self._wait():
            await self._reads.acquire()
        try:
            async with self.connection() as connection:
                yield connection
        finally:
            self._reads.release()

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[AsyncConnection[Row]]:
        """As the pool's own `connection()`, which loses the connection if the caller is cancelled just when it gives it back."""
        task = asyncio.current_task()
        assert task is not None
        before = task.cancelling()
        with self._wait():
            connection = await self._pool.getconn()
        self._used += 1
        try:
            # Python 3.11 swallows a cancellation that comes just as what is waited for does.
            if task.cancelling() > before:
                raise asyncio.CancelledError
            async with connection:
                yield connection
        finally:
            self._used -= 1
            await asyncio.shield(self._pool.putconn(connection))

    @contextmanager
    def _wait(self) -> Iterator[None]:
        """Counts who waits for a connection. The pool does not forget those who gave up."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def long_connection(self) -> AsyncIterator[AsyncConnection[Row]]:
        """A connection for work on all orders: each statement has its deadline, the whole has none."""
        with database_errors():
            async with self._lend() as connection:
                yield connection

    async def fetch(self, statement: Statement, **parameters: object) -> list[Row]:
        """The rows of one statement in a transaction of its own. Raises DEPENDENCY_UNAVAILABLE."""
        return await self._fetch(fetch, statement, parameters)

    async def fetch_result(self, statement: Statement, **parameters: object) -> PGresult:
        """As `fetch`, in PostgreSQL's binary format, from which each value is copied when it is used."""
        return await self._fetch(_fetch_result, statement, parameters)

    async def _fetch(
        self, run: Callable[..., Awaitable[Result]], statement: Statement, parameters: dict[str, object]
    ) -> Result:
        try:
            async with self.reading() as connection:
                return await run(connection, statement, **parameters)
        except ConnectionLost:
            await self.check_connections()
            async with self.reading() as connection:
                return await run(connection, statement, **parameters)

    async def check_connections(self) -> None:
        """Replaces the connections of the pool that are lost."""
        await self._pool.check()

    def use(self) -> PoolUse:
        return PoolUse(used=self._used, idle=self._pool.get_stats()["pool_available"], waiting=self._waiting)

    async def ping(self) -> bool:
        """Whether the database answers."""
        try:
            async with asyncio.timeout(self.timeout), self._lend() as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, OSError, TimeoutError):
            return False
        return True


async def fetch(connection: AsyncConnection[Row], statement: Statement, **parameters: object) -> list[Row]:
    """The rows of one statement."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement.text, statement.bind(parameters), prepare=True)
        return await cursor.fetchall()


async def _fetch_result(connection: AsyncConnection[Row], statement: Statement, **parameters: object) -> PGresult:
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement.text, statement.bind(parameters), prepare=True)
        result = cursor.pgresult
        assert result is not None
        return result
