"""Servers with many orders, each on an embedded PostgreSQL of its own."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import bodies, streams
from benchmarks.fill import fill
from benchmarks.servers import Server, orders_server
from server.storage import embedded

FEW, MANY = 20_000, 2_000_000


@dataclass(frozen=True, slots=True)
class Grown:
    """A server, how many orders it has, and the ids of some of them from all over its table."""

    server: Server
    orders: int
    order_ids: list[str]


def grow(folder: Path, stack: ExitStack, orders: int) -> Grown:
    """Starts the server and fills its database."""
    postgres = embedded.start(folder)
    stack.callback(postgres.stop)
    server = stack.enter_context(orders_server(folder))
    streams.answers(server.address, bodies.UPSERT_PRODUCTS, [bodies.products().SerializeToString()], callers=1)
    began = time.perf_counter()
    fill(server, postgres.url, orders)
    print(f"  filled with {orders:,} orders in {time.perf_counter() - began:.0f} s", flush=True)
    return Grown(server, orders, _some_ids(postgres.url, orders))


def _some_ids(url: str, orders: int) -> list[str]:
    with psycopg.connect(url) as connection:
        query = "SELECT order_id::text FROM orders TABLESAMPLE SYSTEM (%s) REPEATABLE (1) ORDER BY random() LIMIT 20000"
        percent = min(100.0, 100 * 100_000 / orders)
        return [order_id for (order_id,) in connection.execute(query, [percent])]
