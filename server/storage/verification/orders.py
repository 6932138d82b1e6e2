"""Orders: checks that snapshots, columns, items and events agree, and rebuilds projections."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from orders.v1.order_pb2 import Order
from psycopg import AsyncConnection, AsyncCursor
from sqlalchemy import BigInteger, Uuid, func, select

from server.domain.base.money import minor_of
from server.storage import sql
from server.storage.database import Database, Row, fetch, fetch_named
from server.storage.projections import EventRow, ItemRow, OrderRow, event_row, item_rows, order_row
from server.storage.references import BEFORE_ALL
from server.storage.schema.tables import order_events, order_items, orders
from server.storage.verification import terms
from server.storage.verification.checks import Problem, Progress, Stored, by_order, event_of, page_ids
from server.storage.verification.fulfilment import fulfilment_problems
from server.storage.verification.prices import price_problems
from server.storage.verification.queue import ENTRIES
from server.storage.verification.returns import return_problems
from server.storage.write import statements, work_queue
from server.storage.write.changes import columns_of, names_of
from server.storage.write.statements import EVENT_COLUMNS, ITEM_COLUMNS, ORDER_COLUMNS

_AT_ONCE = 500

_PAGE = (
    select(*sql.as_text(ORDER_COLUMNS))
    .where(orders.c.order_id > sql.parameter("after", Uuid()))
    .order_by(orders.c.order_id)
    .limit(sql.parameter("limit", BigInteger()))
)
READ_PAGE = sql.query(OrderRow, _PAGE)
_LOCK_PAGE = sql.query(OrderRow, _PAGE.with_for_update(key_share=True))
_ITEMS = sql.query(
    ItemRow,
    select(*sql.as_text(ITEM_COLUMNS))
    .where(order_items.c.order_id == func.any(page_ids))
    .order_by(order_items.c.order_id, order_items.c.position),
)
_EVENTS = sql.query(
    EventRow,
    select(*sql.as_text(EVENT_COLUMNS))
    .where(order_events.c.order_id == func.any(page_ids))
    .order_by(order_events.c.order_id, order_events.c.version),
)
COUNT = sql.compiled(select(func.count()).select_from(orders))


class OrderCheck:
    """Every order's columns, items and events are those of its snapshot."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        return [problem for stored in page for problem in _problems_of(stored)]

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        return []


def _problems_of(stored: Stored) -> list[Problem]:
    order = stored.order
    if not stored.readable:
        return [Problem(stored.name, "the snapshot cannot be read")]
    texts = []
    for name, actual, expected in zip(OrderRow._fields, stored.row, _expected_row(stored), strict=True):
        if actual != expected:
            texts.append(f"orders.{name} is {actual!r}, the snapshot says {expected!r}")
    if stored.items != item_rows(order):
        texts.append(f"order_items has {len(stored.items)} rows that are not the snapshot's {len(order.items)} items")
    texts += price_problems(order)
    texts += return_problems(order)
    texts += fulfilment_problems(order)
    texts += _event_problems(stored)
    return [Problem(stored.name, text) for text in texts]


def _event_problems(stored: Stored) -> list[str]:
    order = stored.order
    texts = []
    versions = [row.version for row in stored.events]
    if versions != list(range(1, order.version + 1)):
        texts.append(f"the order is at version {order.version}, its events are {versions}")
    for row in stored.events:
        event = event_of(row)
        if event is None:
            texts.append(f"event {row.version} cannot be read")
            continue
        # The total is the one after that event; only the last event's is the order's.
        if row != event_row(order, event, row.stored)._replace(total_minor=row.total_minor):
            texts.append(f"the columns of event {event.version} are not the event's")
    if stored.events:
        last = event_of(stored.events[-1])
        if last is not None and last.to_status != order.status:
            texts.append("the last event's status is not the order's")
        if stored.events[-1].total_minor != minor_of(order.pricing.total):
            texts.append("the last event's total is not the order's")
    if order.etag != str(order.version):
        texts.append(f"the etag is {order.etag!r} at version {order.version}")
    return texts


async def rebuild(database: Database, progress: Progress) -> int:
    """Rewrites columns and items that differ from the snapshots; returns the number of differing orders."""
    rebuilt: set[str] = set()
    done, after = 0, BEFORE_ALL
    async with database.long_connection() as connection:
        ((total,),) = await fetch(connection, COUNT)
        while True:
            await connection.execute("BEGIN")
            page = await _read_page(connection, _LOCK_PAGE, after)
            rebuilt |= await _rebuild_page(connection, page)
            await connection.execute("COMMIT")
            done += len(page)
            progress(done, total)
            if len(page) < _AT_ONCE:
                break
            after = page[-1].order_id
        rebuilt |= await terms.delete_wrong(connection)
    return len(rebuilt)


async def _rebuild_page(connection: AsyncConnection[Row], page: list[Stored]) -> set[str]:
    """Returns the ids of the orders that were rebuilt."""
    page = [stored for stored in page if stored.readable]
    rows = [stored for stored in page if stored.row != _expected_row(stored)]
    items = [stored for stored in page if stored.items != item_rows(stored.order)]
    if rows:
        parameters = columns_of(names_of(ORDER_COLUMNS), [_expected_row(stored) for stored in rows])
        await _run(connection, statements.REBUILD_ORDERS, parameters)
    if items:
        await _run(connection, statements.DELETE_ITEMS, {"order_ids": [stored.order.order_id for stored in items]})
        parameters = columns_of(names_of(ITEM_COLUMNS), [row for stored in items for row in item_rows(stored.order)])
        await _run(connection, statements.INSERT_ITEMS, parameters)
    queued = await _rebuild_queue(connection, page)
    found = await terms.add_missing(connection, page)
    return found | {stored.order.order_id for stored in (*rows, *items, *queued)}


async def _rebuild_queue(connection: AsyncConnection[Row], page: list[Stored]) -> list[Stored]:
    """Corrects the rows of the work queue; returns the orders whose rows were wrong."""
    found = await by_order(connection, ENTRIES, [stored.order_id for stored in page])
    wrong = [stored for stored in page if found[stored.order_id] != _expected_entries(stored)]
    entries = [entry for stored in wrong for entry in _expected_entries(stored)]
    removed = [stored.order_id for stored in wrong if not _expected_entries(stored)]
    if removed:
        await _run(connection, work_queue.DELETE_ENTRIES, {"order_ids": removed})
    if entries:
        await _run(connection, work_queue.PUT_ENTRIES, columns_of(work_queue.EntryRow._fields, entries))
    return wrong


def _expected_entries(stored: Stored) -> list[work_queue.EntryRow]:
    entry = work_queue.entry_row(stored.order)
    return [] if entry is None else [entry]


async def _run(
    connection: AsyncConnection[Row], statement: sql.Statement, parameters: dict[str, Any]
) -> AsyncCursor[Row]:
    return await connection.execute(statement.text, statement.bind(parameters))


async def pages(connection: AsyncConnection[Row], query: sql.Query[OrderRow]) -> AsyncIterator[list[Stored]]:
    """All orders, a page at a time."""
    after = BEFORE_ALL
    while page := await _read_page(connection, query, after):
        yield page
        after = page[-1].order_id


async def _read_page(connection: AsyncConnection[Row], query: sql.Query[OrderRow], after: str) -> list[Stored]:
    rows = await fetch_named(connection, query, after=after, limit=_AT_ONCE)
    order_ids = [row.order_id for row in rows]
    items = await by_order(connection, _ITEMS, order_ids)
    events = await by_order(connection, _EVENTS, order_ids)
    return [_stored(row, items[row.order_id], events[row.order_id]) for row in rows]


def _stored(row: OrderRow, items: list[ItemRow], events: list[EventRow]) -> Stored:
    try:
        return Stored(Order.FromString(row.snapshot), row, items, events)
    except DecodeError:
        return Stored(Order(), row, items, events, readable=False)


def _expected_row(stored: Stored) -> OrderRow:
    return order_row(stored.order, stored.row.snapshot)
