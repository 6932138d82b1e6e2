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

# Terms as `order_terms.py` makes them, of every so many orders: the text of each, from the order's number `n`.
_TERMS = {
    r"'tracking\0' || '1Z' || n": 1,
    r"'metadata\0channel\0web'": 2,
    r"'metadata\0channel\0fair'": 100,
    r"'metadata\0erp\0' || n": 1,
    r"'coupon\0WELCOME'": 10,
    r"'payment\0pi_' || n": 2,
    "'held'": 2000,
}
_TERM = """
INSERT INTO order_terms (term, order_id)
SELECT substring(sha256(decode(replace(replace({text}, '\\0', '~'), '~', '\\000'), 'escape')) FROM 1 FOR 16), order_id
FROM (SELECT order_id, row_number() OVER (ORDER BY order_id) AS n FROM orders) AS numbered
WHERE n %% %(every)s = 0 ON CONFLICT DO NOTHING"""
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
    """Adds what the copied orders lack, unless it is there."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT EXISTS (SELECT FROM order_terms)").fetchall() == [(True,)]:
            return
        connection.execute(_ACCOUNTS, {"customers": ORDERS // ORDERS_A_CUSTOMER})
        for text, every in _TERMS.items():
            connection.execute(_TERM.format(text=text), {"every": every})
        connection.execute("VACUUM (ANALYZE) customers, order_terms")
        sizes = (
            "SELECT count(*), pg_relation_size('order_terms'), pg_relation_size('order_terms_pkey') FROM order_terms"
        )
        for count, table, index in connection.execute(sizes):
            print(
                f"  {count:,} terms: {table / count:.0f} bytes each, and {index / count:.0f} in the index", flush=True
            )


def _filters(url: str) -> Iterator[tuple[str, OrderFilter]]:
    with psycopg.connect(url) as connection:
        ((times,),) = connection.execute(_TIMES).fetchall()
    middle, late = Timestamp(), Timestamp()
    middle.FromDatetime(times[0])
    late.FromDatetime(times[1])
    number = ORDERS // 2
    yield "customer_email", OrderFilter(customer_email="buyer77@example.com")
    yield "customer_phone", OrderFilter(customer_phone="+20 77")
    yield "tracking_number", OrderFilter(tracking_number=f"1z {number}")
    yield "payment_id", OrderFilter(payment_id=f"pi_{number}")
    yield "metadata, one order", OrderFilter(metadata_key="erp", metadata_value=str(number))
    yield "metadata, no order", OrderFilter(metadata_key="erp", metadata_value="none")
    yield "metadata, one of 100 orders", OrderFilter(metadata_key="channel", metadata_value="fair")
    yield "metadata, half of the orders", OrderFilter(metadata_key="channel", metadata_value="web")
    yield "coupon_code, one of 10 orders", OrderFilter(coupon_code="welcome")
    yield "held, one of 2,000 orders", OrderFilter(held=True)
    yield "not held", OrderFilter(held=False)
    yield "status_time_from, half of the orders", OrderFilter(status_time_from=middle)
    yield "status_time_from, one of 10,000", OrderFilter(status_time_from=late)
    yield "status_time_to, half of the orders", OrderFilter(status_time_to=middle)


def _print(server: Server, name: str, request: SearchOrdersRequest) -> None:
    body = request.SerializeToString()
    answers = [streams.answers(server.address, _SEARCH, [body], callers=1) for _ in range(ROUNDS)]
    seconds = statistics.median(seconds for _, seconds in answers)
    total = SearchOrdersResponse.FromString(answers[-1][0][0]).total_size
    by = OrderBy.Name(request.order_by).removeprefix("ORDER_BY_").lower()
    print(f"{1000 * seconds:10.1f} ms  {name}, by {by} ({total:,} found)", flush=True)


if __name__ == "__main__":
    main()
