"""Orders by the million: one that the server has imported, copied under other ids, numbers, customers and times.

Its rows go in by COPY in PostgreSQL's binary format, as COPY gave the first one's out, so that whatever the server stores is there;
`orders verify` finds nothing wrong with them. Keys to other tables are not checked again row by row, and nothing else is left out.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
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
from server.domain.base.event_values import digest
from server.domain.base.hash_chain import START, hash_of, seal
from server.storage.schema.tables import order_events, order_items, orders
from server.storage.write.statements import EVENT_COLUMNS, ITEM_COLUMNS, ORDER_COLUMNS

ORDERS_A_CUSTOMER = 20

# Before and behind the rows of a binary COPY.
_HEADER, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
# Numbers and times are as long as those that replace them: seven digits, and nanoseconds of five bytes on the wire.
_FIRST_NUMBER = 1_000_000
_SHORTEST_NANOS = 1 << 28
_A_SECOND = 700
# PostgreSQL's, in microseconds since 1970.
_EPOCH_2000 = 946_684_800_000_000
_AT_ONCE = 2000
_PROCESSES = 2
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT LIKE '%%_pkey'"
_TABLES = ((orders, ORDER_COLUMNS), (order_items, ITEM_COLUMNS), (order_events, EVENT_COLUMNS))


class _Ids(NamedTuple):
    """Where a copy differs from the first order, each as it stands in rows and snapshots."""

    uuid: bytes
    order_id: bytes
    number: bytes
    external: bytes
    customer: bytes
    time: bytes
    timestamp: bytes
    # Of the one event, which says most of the others: of its values, and of all of it.
    digest: bytes = b""
    hash: bytes = b""


class _First(NamedTuple):
    """The order that is copied, its one event without its hash, and the salt of the event's values."""

    order: Order
    event: bytes
    salt: bytes

    @property
    def body(self) -> bytes:
        """What the event made: the order without the hash."""
        unsealed = Order()
        unsealed.CopyFrom(self.order)
        unsealed.ClearField("event_hash")
        return unsealed.SerializeToString(deterministic=True)


def fill(server: Server, url: str, count: int) -> None:
    """Adds so many imported orders of 20 each for a customer."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT setval('order_numbers', %s)", [_FIRST_NUMBER])
        # A load of gigabytes in a minute is no time for a checkpoint after each of them.
        connection.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
        first = _first_order(server, connection)
        # Making the rows is half of the work: a process for each core that the least machine has.
        with (
            _indexes_at_the_end(connection),
            ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool,
        ):
            parts = [pool.submit(_load, url, first, count, part) for part in range(_PROCESSES)]
            for part in parts:
                part.result()
        connection.execute("SELECT setval('order_numbers', %s)", [_count_of(first.order) + count])
        connection.execute("VACUUM (ANALYZE) orders, order_items, order_events")
        connection.execute("CHECKPOINT")
        (stored,) = connection.execute("SELECT count(*) FROM orders").fetchone() or (0,)
    assert stored >= count, f"{stored} orders"


@contextmanager
def _indexes_at_the_end(connection: psycopg.Connection) -> Iterator[None]:
    """Nobody tidies up meanwhile, and all indexes but those of the keys are made at once when the rows are there."""
    tables = [table.name for table, _ in _TABLES]
    indexes = connection.execute(_INDEXES, [tables]).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    connection.execute("ALTER SYSTEM SET autovacuum = off")
    connection.execute("SELECT pg_reload_conf()")
    yield
    connection.execute("SET maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        connection.execute(definition)
    connection.execute("ALTER SYSTEM RESET autovacuum")
    connection.execute("SELECT pg_reload_conf()")


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
        snapshot, event, values, salt = connection.execute(
            "SELECT snapshot, event, event_values, salt FROM orders JOIN order_events USING (order_id)"
            " WHERE external_order_id = %s",
            [order.external_order_id],
        ).fetchone() or (b"", b"", None, b"")
        first = Order.FromString(snapshot)
        if first.create_time.nanos >= _SHORTEST_NANOS:
            assert not values, "the event has values of its own"
            return _First(first, event[: -len(seal(b"", START))], salt)


def _ids_of(first: _First) -> _Ids:
    order = first.order
    ids = _ids(
        bytes.fromhex(order.order_id.replace("-", "")),
        number=order.order_number,
        external=order.external_order_id,
        customer=order.customer.customer_id,
        microseconds=order.create_time.ToMicroseconds(),
    )
    return ids._replace(digest=digest(b"", first.salt, created=first.body), hash=order.event_hash)


def _ids(uuid: bytes, *, number: str, external: str, customer: str, microseconds: int) -> _Ids:
    """`microseconds` since 1970."""
    text = uuid.hex()
    timestamp = Timestamp(seconds=microseconds // 1_000_000, nanos=microseconds % 1_000_000 * 1000)
    return _Ids(
        uuid,
        f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode(),
        number.encode(),
        external.encode(),
        customer.encode(),
        (microseconds - _EPOCH_2000).to_bytes(8, "big"),
        timestamp.SerializeToString(),
    )


def _count_of(order: Order) -> int:
    return int(order.order_number.rpartition("-")[2])


def _copies(original: _First, count: int) -> Callable[[range], Iterator[_Ids]]:
    """Of orders that came in evenly before the first one: those with these numbers, of so many in all."""
    first, salt, whole = original.order, original.salt, _ids_of(original)
    body, of_body = _template(original.body, whole)
    event, of_event = _template(original.event, whole)
    prefix, taken = first.order_number.rpartition("-")[0], _count_of(first)
    began = first.create_time.ToDatetime(UTC).replace(microsecond=0) - timedelta(seconds=60 + count // _A_SECOND)
    # In milliseconds. Each has some hundreds of them, which makes its nanoseconds long enough.
    began_at = int(began.timestamp()) * 1000 + 300
    customers = max(1, count // ORDERS_A_CUSTOMER)

    def copies(numbers: range) -> Iterator[_Ids]:
        for number in numbers:
            second, rest = divmod(number, _A_SECOND)
            milliseconds = began_at + 1000 * second + rest
            ids = _ids(
                (milliseconds << 80 | 7 << 76 | 2 << 62 | number).to_bytes(16, "big"),
                number=f"{prefix}-{taken + 1 + number}",
                external=f"fill-{number:07d}",
                customer=f"buyer-{number % customers:06d}",
                microseconds=1000 * milliseconds,
            )
            made = body.fill_bytes(*map(ids.__getitem__, of_body))
            ids = ids._replace(digest=digest(b"", salt, created=made))
            yield ids._replace(hash=hash_of(seal(event.fill_bytes(*map(ids.__getitem__, of_event)), START)))

    return copies


def _template(example: bytes, ids: _Ids) -> tuple[Template, list[int]]:
    """An example with holes where the ids stand in it, and which those are: not everything has all of them."""
    own = [(index, hole) for index, hole in enumerate(ids) if hole in example]
    return Template(example, *(hole for _, hole in own)), [index for index, _ in own]


def _load(url: str, first: _First, count: int, part: int) -> None:
    """One of the processes' shares: blocks in turn, so that rows stand nearly in the order of their times."""
    copies = _copies(first, count)
    with ExitStack() as stack:
        tables = [stack.enter_context(_Table.open(url, table, columns, first)) for table, columns in _TABLES]
        for begin in range(part * _AT_ONCE, count, _PROCESSES * _AT_ONCE):
            block = list(copies(range(begin, min(begin + _AT_ONCE, count))))
            for table in tables:
                table.write(block)


class _Table(NamedTuple):
    """A table that copies of the first order's rows are written to, as its own connection's COPY takes them."""

    template: Template
    holes: list[int]
    copy: psycopg.Copy

    @classmethod
    @contextmanager
    def open(cls, url: str, table: Table, columns: list[Column[Any]], first: _First) -> Iterator["_Table"]:
        name, names = sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
        into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(name, names)
        # The rows are right by their making; looking up the order of each line again would take longer than all the rest.
        with psycopg.connect(url, options="-c session_replication_role=replica") as connection:
            template, holes = _template(_example(connection, name, names, first.order), _ids_of(first))
            with connection.cursor() as cursor, cursor.copy(into) as copy:
                copy.write(_HEADER)
                yield cls(template, holes, copy)
                copy.write(_END)

    def write(self, copies: Sequence[_Ids]) -> None:
        fill, holes = self.template.fill_bytes, self.holes
        self.copy.write(b"".join([fill(*[ids[hole] for hole in holes]) for ids in copies]))


def _example(connection: psycopg.Connection, table: sql.Identifier, names: sql.Composed, order: Order) -> bytes:
    """An order's rows of a table, as COPY writes them."""
    copy = sql.SQL("COPY (SELECT {} FROM {} WHERE order_id = {}) TO STDOUT (FORMAT binary)")
    with connection.cursor() as cursor, cursor.copy(copy.format(names, table, sql.Literal(order.order_id))) as blocks:
        return b"".join(map(bytes, blocks)).removeprefix(_HEADER).removesuffix(_END)
