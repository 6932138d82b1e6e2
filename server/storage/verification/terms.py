"""The terms by which orders are found: those of the snapshots, and no others."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from google.protobuf.message import DecodeError
from orders.v1.order_pb2 import Order
from psycopg import AsyncConnection
from sqlalchemy import BigInteger, LargeBinary, Uuid, func, select, tuple_

from server.storage import sql
from server.storage.database import Row, fetch, fetch_named
from server.storage.order_terms import TermRow, term_rows, terms_of
from server.storage.references import BEFORE_ALL
from server.storage.schema.list_tables import order_terms
from server.storage.schema.tables import orders
from server.storage.verification.checks import Problem, Stored, by_order, page_ids
from server.storage.write.changes import columns_of, names_of
from server.storage.write.term_statements import DELETE_TERMS, INSERT_TERMS, TERM_COLUMNS

_AT_ONCE = 500

_rows = sql.rows(TERM_COLUMNS)
_FOUND = sql.query(
    TermRow,
    select(*sql.as_text(TERM_COLUMNS)).join(
        _rows, (order_terms.c.term == _rows.c.term) & (order_terms.c.order_id == _rows.c.order_id)
    ),
)
_COUNT = sql.compiled(select(func.count()).select_from(order_terms))


class _WithSnapshot(NamedTuple):
    """A term, and the snapshot of its order."""

    term: bytes
    order_id: str
    snapshot: bytes


_PAGE = sql.query(
    _WithSnapshot,
    select(*sql.as_text(TERM_COLUMNS), orders.c.snapshot)
    .select_from(order_terms.join(orders, orders.c.order_id == order_terms.c.order_id))
    .where(
        tuple_(order_terms.c.term, order_terms.c.order_id)
        > tuple_(sql.parameter("after_term", LargeBinary()), sql.parameter("after", Uuid()))
    )
    .order_by(order_terms.c.term, order_terms.c.order_id)
    .limit(sql.parameter("limit", BigInteger())),
)


class _Snapshot(NamedTuple):
    order_id: str
    snapshot: bytes


_LOCKED = sql.query(
    _Snapshot,
    select(*sql.as_text([orders.c.order_id]), orders.c.snapshot)
    .where(orders.c.order_id == func.any(page_ids))
    .order_by(orders.c.order_id)
    .with_for_update(key_share=True),
)


class TermCheck:
    """Every order is found by its terms, and by no others."""

    def __init__(self) -> None:
        self._found = 0

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        expected = _expected(page)
        missing = expected - await _present(connection, expected)
        self._found += len(expected) - len(missing)
        names = {stored.order_id: stored.name for stored in page}
        missed = sorted({row.order_id for row in missing})
        return [Problem(names[order_id], "order_terms lacks terms that the snapshot has") for order_id in missed]

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        ((count,),) = await fetch(connection, _COUNT)
        if count == self._found:
            return []
        return [Problem("order_terms", f"{count - self._found} rows are of no order, or of an order without that term")]


async def add_missing(connection: AsyncConnection[Row], page: Sequence[Stored]) -> set[str]:
    """Adds the terms that orders lack; returns the ids of these orders, which are locked."""
    expected = _expected(page)
    missing = expected - await _present(connection, expected)
    await _run(connection, INSERT_TERMS, missing)
    return {row.order_id for row in missing}


async def delete_wrong(connection: AsyncConnection[Row]) -> set[str]:
    """Deletes the terms that their orders do not have; returns the ids of these orders. Terms of lost orders stay."""
    changed: set[str] = set()
    after_term, after = b"", BEFORE_ALL
    while page := await fetch_named(connection, _PAGE, after_term=after_term, after=after, limit=_AT_ONCE):
        after_term, after = page[-1].term, page[-1].order_id
        doubtful = [TermRow(row.term, row.order_id) for row in page if _is_wrong(row.term, row.snapshot)]
        if doubtful:
            changed |= await _delete_wrong(connection, doubtful)
    return changed


async def _delete_wrong(connection: AsyncConnection[Row], doubtful: Sequence[TermRow]) -> set[str]:
    async with connection.transaction():
        order_ids = {row.order_id for row in doubtful}
        locked = await by_order(connection, _LOCKED, sorted(order_ids))
        wrong = [row for row in doubtful if any(_is_wrong(row.term, each.snapshot) for each in locked[row.order_id])]
        await _run(connection, DELETE_TERMS, wrong)
    return {row.order_id for row in wrong}


def _is_wrong(term: bytes, snapshot: bytes) -> bool:
    try:
        return term not in terms_of(Order.FromString(snapshot))
    except DecodeError:
        return False


def _expected(page: Sequence[Stored]) -> set[TermRow]:
    return {row for stored in page if stored.readable for row in term_rows(stored.order, terms_of(stored.order))}


async def _present(connection: AsyncConnection[Row], rows: Iterable[TermRow]) -> set[TermRow]:
    rows = list(rows)
    if not rows:
        return set()
    return set(await fetch_named(connection, _FOUND, **columns_of(names_of(TERM_COLUMNS), rows)))


async def _run(connection: AsyncConnection[Row], statement: sql.Statement, rows: Iterable[TermRow]) -> None:
    rows = list(rows)
    if rows:
        parameters = columns_of(names_of(TERM_COLUMNS), rows)
        await connection.execute(statement.text, statement.bind(parameters))
