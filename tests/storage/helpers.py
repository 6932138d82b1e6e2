"""What the tests of storage, streams and races have in common."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest, UpsertOrder
from psycopg import AsyncConnection

from server.storage.database import Database
from server.storage.verification import rebuild, verify
from tests.conftest import usd

Row = tuple[Any, ...]


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    """A pool of our own on a database, as the commands that go over all orders have it."""
    opened = Database(url, timeout=30, pool_size=4)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


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


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 10) -> None:
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
