"""Measures SearchOrders by each filter: `python -m benchmarks.filters`. Prints the median time of a first page with its count.

FILTER_ORDERS is the number of orders, FILTER_FOLDER a folder that keeps them for the next run.
"""

import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_service_pb2 import (
    ORDER_BY_UPDATE_TIME,
    OrderBy,
    OrderFilter,
    SearchOrdersRequest,
    SearchOrdersResponse,
)

from benchmarks import streams
from benchmarks.bodies import ORDER_SERVICE
from benchmarks.fill import ORDERS_A_CUSTOMER
from benchmarks.grown import MANY, grow
from benchmarks.servers import Server, orders_server
from server.storage import embedded

ORDERS = int(os.environ.get("FILTER_ORDERS", str(MANY)))
ROUNDS = 9

_SEARCH = f"{ORDER_SERVICE}SearchOrders"

# An account for each customer.
_ACCOUNTS = """
INSERT INTO customers (customer_id, snapshot, update_time, email, phone, name)
SELECT 'buyer-' || to_char(n, 'FM000000'), '', now(), 'buyer' || n || '@example.com', '20' || n, 'jane doe'
FROM generate_series(0, %(customers)s - 1) AS n ON CONFLICT DO NOTHING"""
_TIMES = "SELECT percentile_disc(ARRAY[0.5, 0.9999]) WITHIN GROUP (ORDER BY create_time) FROM orders"


def main() -> None:
    kept = os.environ.get("FILTER_FOLDER")
    with ExitStack() as stack:
        folder = Path(kept or stack.enter_context(tempfile.TemporaryDirectory(prefix="orders-filters-"))) / "data"
        if (folder / "PG_VERSION").exists():
            postgres = embedded.start(folder)
            stack.callback(postgres.stop)
            server = stack.enter_context(orders_server(folder))
        else:
            server = grow(folder, stack, ORDERS).server
            postgres = embedded.start(folder)
            stack.callback(postgres.stop)
            _complete(postgres.url)
        for name, wanted in _filters(postgres.url):
            for order_by in (OrderBy.ORDER_BY_CREATE_TIME, ORDER_BY_UPDATE_TIME):
                _print(server, name, SearchOrdersRequest(filter=wanted, order_by=order_by))


def _complete(url: str) -> None:
    """Adds what the copied orders lack."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_ACCOUNTS, {"customers": ORDERS // ORDERS_A_CUSTOMER})
        connection.execute("VACUUM ANALYZE customers")


def _filters(url: str) -> Iterator[tuple[str, OrderFilter]]:
    with psycopg.connect(url) as connection:
        ((times,),) = connection.execute(_TIMES).fetchall()
    middle, late = Timestamp(), Timestamp()
    middle.FromDatetime(times[0])
    late.FromDatetime(times[1])
    yield "customer_email", OrderFilter(customer_email="buyer77@example.com")
    yield "customer_phone", OrderFilter(customer_phone="+20 77")
    yield "status_time_from, half of the orders", OrderFilter(status_time_from=middle)
    yield "status_time_from, one of 10,000", OrderFilter(status_time_from=late)
    yield "status_time_to, half of the orders", OrderFilter(status_time_to=middle)
    yield "status_time_to, all of the orders", OrderFilter(status_time_to={"seconds": 7_000_000_000})


def _print(server: Server, name: str, request: SearchOrdersRequest) -> None:
    body = request.SerializeToString()
    answers = [streams.answers(server.address, _SEARCH, [body], callers=1) for _ in range(ROUNDS)]
    seconds = statistics.median(seconds for _, seconds in answers)
    total = SearchOrdersResponse.FromString(answers[-1][0][0]).total_size
    by = OrderBy.Name(request.order_by).removeprefix("ORDER_BY_").lower()
    print(f"{1000 * seconds:10.1f} ms  {name}, by {by} ({total:,} found)", flush=True)


if __name__ == "__main__":
    main()
