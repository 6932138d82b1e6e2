"""The common parts of the tests of storage, streams and races."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest, UpsertOrder
from psycopg import AsyncConnection

from server.domain.base.caller import ANONYMOUS
from server.domain.base.errors import Refusal
from server.domain.operations import Answer, Command
from server.rpc.validation import violations_of
from server.storage.database import Database
from server.storage.verification import rebuild, verify
from server.storage.write.writer import Writer
from tests.conftest import PRODUCTS, as_serving_role, usd

Row = tuple[Any, ...]


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    """A pool of our own on a database, as the commands that go over all orders have it, under the role that may only serve."""
    opened = Database(as_serving_role(url), timeout=60, pool_size=4)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


@dataclass(frozen=True)
class Store:
    """A writer without a server around it: what is submitted in one turn of the loop goes in one batch."""

    writer: Writer
    url: str
    database: Database

    def submit(self, *requests: Any) -> list[asyncio.Task[Answer]]:
        return [asyncio.create_task(self.execute(request)) for request in requests]

    async def execute(self, request: Any) -> Answer:
        return await self.writer.execute(Command(request, ANONYMOUS))

    async def order(self, request: Any) -> Order:
        return Order.FromString((await self.execute(request)).body)

    async def rows(self, query: str, *parameters: Any) -> list[Row]:
        """The rows of a query of the database, beside the writer."""
        async with session(self.url) as outside:
            return await (await outside.execute(query.encode(), parameters)).fetchall()


@asynccontextmanager
async def replica(url: str, **settings: Any) -> AsyncIterator[Store]:
    """One more writer on a database, with connections of its own."""
    async with database(url) as opened:
        yield (store := Store(Writer(opened, validate=violations_of, **settings), url, opened))
        await store.writer.drain()


@asynccontextmanager
async def storing(url: str, **settings: Any) -> AsyncIterator[Store]:
    """A writer on an empty database, with the products of `PRODUCTS`."""
    async with replica(url, **settings) as store:
        await store.execute(BatchUpsertProductsRequest(products=PRODUCTS))
        yield store


async def outcomes(tasks: list[asyncio.Task[Answer]]) -> list[Answer | BaseException]:
    return await asyncio.gather(*tasks, return_exceptions=True)


def reason(outcome: Answer | BaseException) -> str:
    """Why a command was refused; empty if it was carried out."""
    return outcome.reason if isinstance(outcome, Refusal) else ""


async def disagreements(url: str) -> list[str]:
    """What `orders verify` finds."""
    async with database(url) as opened:
        return [f"{subject}: {text}" for subject, text in await verify(opened, lambda done, total: None)]


async def mend(url: str) -> int:
    """What `orders rebuild` does."""
    async with database(url) as opened:
        return await rebuild(opened, lambda done, total: None)


@asynccontextmanager
async def session(url: str, *, autocommit: bool = True) -> AsyncIterator[AsyncConnection[Row]]:
    """A connection beside the server."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=autocommit) as connection:
        yield connection


@asynccontextmanager
async def locked(url: str, table: str, condition: str) -> AsyncIterator[AsyncConnection[Row]]:
    """A transaction of somebody else that has rows locked; the connection it yields looks on from outside."""
    async with session(url) as outside, session(url, autocommit=False) as holder:
        cursor = await holder.execute(f"SELECT FROM {table} WHERE {condition} FOR UPDATE".encode())
        assert cursor.rowcount
        yield outside


async def until_waiting(outside: AsyncConnection[Row], count: int = 1) -> None:
    """Waits until so many of the servers' connections wait for a lock."""

    async def waiting() -> bool:
        return await waiting_for_locks(outside) == count

    await until(waiting)


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 60) -> None:
    """Waits for something that another process does."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def waiting_for_locks(connection: AsyncConnection[Row]) -> int:
    """How many of the servers' connections to this database wait for a lock."""
    cursor = await connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'orders'"
        " AND wait_event_type = 'Lock'"
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


def upserts(source: str, *orders: UpsertOrder, **fields: Any) -> BatchUpsertOrdersRequest:
    return BatchUpsertOrdersRequest(source=source, orders=orders, **fields)


def imported(external_order_id: str, customer_id: str = "jane", *, cents: int = 100, **fields: Any) -> UpsertOrder:
    """An order of another system, with one line of one piece."""
    order = UpsertOrder(external_order_id=external_order_id, customer={"customer_id": customer_id}, **fields)
    order.items.add(sku="SKU", name="Thing", quantity=1, unit_price=usd(cents // 100, cents % 100))
    return order


def ids(orders: list[Order]) -> list[str]:
    return [order.order_id for order in orders]


async def keep(url: str, tables: Sequence[str]) -> None:
    """Copies the tables, for `restore`."""
    async with session(url) as connection:
        await connection.execute("CREATE SCHEMA kept")
        for table in tables:
            await connection.execute(f"CREATE TABLE kept.{table} AS TABLE {table}".encode())


async def restore(url: str, tables: Sequence[str]) -> None:
    """Gives the tables the rows that they had when they were kept."""
    async with session(url, autocommit=False) as connection:
        await connection.execute(f"TRUNCATE {', '.join(tables)}".encode())
        for table in tables:
            copy = f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{table}"
            await connection.execute(copy.encode())
