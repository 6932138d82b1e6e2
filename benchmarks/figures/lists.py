"""ListOrders beside COPY of the same rows, and beside the straightforward service."""

import time
from collections.abc import Sequence

import psycopg
from orders.v1.order_service_pb2 import ListOrdersRequest

from benchmarks import bodies, streams
from benchmarks.bench import Bench, Row
from benchmarks.servers import Server
from benchmarks.turns import Measured, Turns, costed

_COPY = "COPY (SELECT snapshot FROM orders ORDER BY create_time DESC, order_id DESC LIMIT {}) TO STDOUT (FORMAT binary)"


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    theirs, orders, their_orders = bench.straightforward, bench.count(40_000), bench.count(2_000)
    fill(bench.server, "listed", orders)
    fill(theirs, "listed", their_orders)
    measures = {
        "COPY": lambda: _copy(bench.url, orders),
        "ListOrders": lambda: listed(bench.server, orders, page_size=1000),
        "ListOrders, 100 a message": lambda: listed(bench.server, orders, page_size=100),
        "straightforward ListOrders": lambda: listed(theirs, their_orders, page_size=1000),
    }
    turns.run(measures, rounds=bench.rounds(4))
    return [
        Row("ListOrders ÷ COPY of the same rows", turns.ratio("ListOrders", "COPY"), at_least=0.5),
        Row("ListOrders ÷ straightforward", turns.ratio("ListOrders", "straightforward ListOrders"), at_least=40),
    ]


def fill(server: Server, name: str, orders: int) -> None:
    """Imports so many orders through the API."""
    batches = bodies.batches(name, -(-orders // bodies.BATCH))
    streams.answers(server.address, bodies.UPSERT, batches, callers=2)


def listed(server: Server, orders: int, *, page_size: int) -> Measured:
    """A list of so many orders, so many a message."""
    request = ListOrdersRequest(limit=orders, page_size=page_size).SerializeToString()
    value = costed(server, lambda: streams.orders_listed(server.address, bodies.LIST, request))
    assert value.done == orders, f"{value.done} of {orders} orders"
    return value


def _copy(url: str, orders: int) -> Measured:
    """The same snapshots in the same order, with no more done about them than to take them in."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        started = time.perf_counter()
        with cursor.copy(_COPY.format(orders)) as copy:
            # The first block begins with the format's header, the last is its end.
            blocks = sum(1 for _ in copy)
        seconds = time.perf_counter() - started
    assert blocks >= orders
    return Measured(orders, seconds)
