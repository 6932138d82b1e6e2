"""Orders by the million: one that the server has imported, copied under other ids, numbers, customers and times.

Its rows go in by COPY in PostgreSQL's binary format, as COPY gave the first one's out, so that whatever the server stores is there;
`orders verify` finds nothing wrong with them. Keys to other tables are not checked again row by row, and nothing else is left out.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from typing import Any, NamedTuple

import psycopg
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest
from psycopg import sql
from sqlalchemy import Column, Table

from benchmarks import bodies, streams
from benchmarks.servers import Server
from benchmarks.template import Template
from server.domain.chain import START, hash_of, seal
from server.storage.statements import EVENT_COLUMNS, ITEM_COLUMNS, ORDER_COLUMNS
from server.storage.tables import order_events, order_items, orders

ORDERS_A_CUSTOMER = 20

# Before and behind the rows of a binary COPY.
_HEADER, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
# Numbers and times are as long as those that replace them: seven digits, and nanoseconds of five bytes on the wire.
_FIRST_NUMBER = 1_000_000
_SHORTEST_NANOS = 1 << 28
_A_SECOND = 700
_EPOCH_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_AT_ONCE = 2000


class _Ids(NamedTuple):
    """Where a copy differs from the first order, each as it stands in rows and snapshots."""

    uuid: bytes
    order_id: bytes
    number: bytes
    external: bytes
    customer: bytes
    time: bytes
    timestamp: bytes
    # Of the one event, which says most of the others.
    hash: bytes = b""


class _First(NamedTuple):
    """The order that is copied, and its one event without its hash."""

    order: Order
    event: bytes


def fill(server: Server, url: str, count: int) -> None:
    """Adds so many imported orders of 20 each for a customer."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT setval('order_numbers', %s)", [_FIRST_NUMBER])
        # A load of gigabytes in a minute is no time for a checkpoint after each of them.
        connection.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
        connection.execute("SELECT pg_reload_conf()")
        first = _first_order(server, connection)
        # Making the rows is most of the work: a process for each half.
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            halves = [pool.submit(load, url, first, count) for load in (_load_orders, _load_lines)]
            for half in halves:
                half.result()
        connection.execute("SELECT setval('order_numbers', %s)", [_count_of(first.order) + count])
        connection.execute("VACUUM (ANALYZE) orders, order_items, order_events")
        connection.execute("CHECKPOINT")
        (stored,) = connection.execute("SELECT count(*) FROM orders").fetchone() or (0,)
    assert stored >= count, f"{stored} orders"


def _first_order(server: Server, connection: psycopg.Connection) -> _First:
    """One with a time of full length, imported through the API."""
    while True:
        request = BatchUpsertOrdersRequest(source="fill")
        order = request.orders.add(
            external_order_id=f"fill-{datetime.now(UTC):%f}x", address_text="123 Main St, New York"
        )
        order.customer.customer_id, order.customer.name = "buyer-xxxxxx", "Jane Doe"
        for line in range(3):
            order.items.add(sku=f"sku-{line}", name="Product", quantity=1, unit_price=bodies.usd(10))
        streams.answers(server.address, bodies.UPSERT, [request.SerializeToString()], callers=1)
        snapshot, event = connection.execute(
            "SELECT snapshot, event FROM orders JOIN order_events USING (order_id) WHERE external_order_id = %s",
            [order.external_order_id],
        ).fetchone() or (b"", b"")
        first = Order.FromString(snapshot)
        if first.create_time.nanos >= _SHORTEST_NANOS:
            return _First(first, event[: -len(seal(b"", START))])


def _ids_of(order: Order) -> _Ids:
    created = order.create_time
    return _ids(
        bytes.fromhex(order.order_id.replace("-", "")),
        number=order.order_number,
        external=order.external_order_id,
        customer=order.customer.customer_id,
        time=created.ToDatetime(UTC),
    )._replace(hash=order.event_hash)


def _ids(uuid: bytes, *, number: str, external: str, customer: str, time: datetime) -> _Ids:
    text = uuid.hex()
    since_2000 = (time - _EPOCH_2000) // timedelta(microseconds=1)
    # Not by ToDatetime's opposite: this runs millions of times.
    since_1970 = since_2000 + 946_684_800_000_000
    timestamp = Timestamp(seconds=since_1970 // 1_000_000, nanos=since_1970 % 1_000_000 * 1000)
    return _Ids(
        uuid,
        f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode(),
        number.encode(),
        external.encode(),
        customer.encode(),
        since_2000.to_bytes(8, "big"),
        timestamp.SerializeToString(),
    )


def _count_of(order: Order) -> int:
    return int(order.order_number.rpartition("-")[2])


def _copies(original: _First, count: int) -> Iterator[_Ids]:
    """Of orders that came in evenly before the first one."""
    first = original.order
    event, own = _template(original.event, _ids_of(first))
    prefix, taken = first.order_number.rpartition("-")[0], _count_of(first)
    began = first.create_time.ToDatetime(UTC).replace(microsecond=0) - timedelta(seconds=60 + count // _A_SECOND)
    customers = max(1, count // ORDERS_A_CUSTOMER)
    for number in range(count):
        time = began + timedelta(seconds=number // _A_SECOND, milliseconds=300 + number % _A_SECOND)
        milliseconds = int(time.timestamp()) * 1000 + 300 + number % _A_SECOND
        uuid = (milliseconds << 80 | 7 << 76 | 2 << 62 | number).to_bytes(16, "big")
        ids = _ids(
            uuid,
            number=f"{prefix}-{taken + 1 + number}",
            external=f"fill-{number:07d}",
            customer=f"buyer-{number % customers:06d}",
            time=time,
        )
        yield ids._replace(hash=hash_of(seal(event.fill_bytes(*map(ids.__getitem__, own)), START)))


def _template(example: bytes, ids: _Ids) -> tuple[Template, list[int]]:
    """An example with holes where the ids stand in it, and which those are: not everything has all of them."""
    own = [(index, hole) for index, hole in enumerate(ids) if hole in example]
    return Template(example, *(hole for _, hole in own)), [index for index, _ in own]


def _load_orders(url: str, first: _First, count: int) -> None:
    with _connection(url) as connection:
        _load(connection, orders, ORDER_COLUMNS, first, count)


def _load_lines(url: str, first: _First, count: int) -> None:
    with _connection(url) as connection:
        _load(connection, order_items, ITEM_COLUMNS, first, count)
        _load(connection, order_events, EVENT_COLUMNS, first, count)


def _connection(url: str) -> psycopg.Connection:
    # The rows are right by their making; looking up the order of each line again would take longer than all the rest.
    return psycopg.connect(url, options="-c session_replication_role=replica")


def _load(connection: psycopg.Connection, table: Table, columns: list[Column[Any]], first: _First, count: int) -> None:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    name = sql.Identifier(table.name)
    example = _example(connection, name, names, first.order)
    template, holes = _template(example, _ids_of(first.order))
    rows = (template.fill_bytes(*map(ids.__getitem__, holes)) for ids in _copies(first, count))
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(name, names)
    with connection.cursor() as cursor, cursor.copy(copy) as blocks:
        blocks.write(_HEADER)
        while block := b"".join(islice(rows, _AT_ONCE)):
            blocks.write(block)
        blocks.write(_END)
    connection.commit()


def _example(connection: psycopg.Connection, table: sql.Identifier, names: sql.Composed, order: Order) -> bytes:
    """An order's rows of a table, as COPY writes them."""
    copy = sql.SQL("COPY (SELECT {} FROM {} WHERE order_id = {}) TO STDOUT (FORMAT binary)")
    with connection.cursor() as cursor, cursor.copy(copy.format(names, table, sql.Literal(order.order_id))) as blocks:
        return b"".join(map(bytes, blocks)).removeprefix(_HEADER).removesuffix(_END)
