"""Writes what a batch changed: one statement a table, all in one flight to the server."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from psycopg import AsyncConnection
from sqlalchemy import Column

from server.domain.base.records import Counters, Kind
from server.domain.base.state import State
from server.storage.database import Row
from server.storage.fairness import Pause
from server.storage.projections import (
    datetime_of,
    document_row,
    event_row,
    item_rows,
    order_row,
    payment_row,
    points_row,
)
from server.storage.sql import Statement
from server.storage.write import statements
from server.storage.write.statements import CounterStatements

Parameters = dict[str, list[Any]]
Written = Iterator[tuple[Statement, Parameters]]

# Rows a statement of a large batch. Dumping their parameters holds the event loop for a few milliseconds.
_SLICE = 200


Item = TypeVar("Item")

# Rows after which others get their turn.
_PAUSE_AFTER = 50


async def send_changes(connection: AsyncConnection[Row], state: State, pause: Pause) -> None:
    """Sends the statements, with pauses between large ones; in pipeline mode nothing waits for their results."""
    for statement, parameters in _statements(state):
        await connection.execute(statement.text, statement.bind(parameters), prepare=True)
        if len(next(iter(parameters.values()))) >= _PAUSE_AFTER:
            await pause()


def _statements(state: State) -> Written:
    # Where batches insert the same rows, one order of tables and keys keeps them from deadlocking.
    for kind in Kind:
        yield from _record_statements(kind, state)
    yield from _stock_statements(state)
    yield from _order_statements(state)
    yield from _commerce_statements(state)
    if state.changes.remembered:
        now = datetime_of(state.time)
        rows = [(*key, *remembered, now) for key, remembered in sorted(state.changes.remembered.items())]
        yield statements.INSERT_IDEMPOTENCY_KEYS, columns_of(names_of(statements.IDEMPOTENCY_COLUMNS), rows)


def _record_statements(kind: Kind, state: State) -> Written:
    """New messages of a kind, changed ones, and those that go."""
    now = datetime_of(state.time)
    own = statements.RECORDS[kind]
    changes = sorted(state.records(kind).changes.items())
    for statement, new in ((own.insert, True), (own.update, False)):
        rows = [
            (key, change.snapshot, now) for key, change in changes if change.snapshot is not None and change.new is new
        ]
        for part in _slices(rows):
            yield statement, columns_of(statements.RECORD_COLUMNS, part)
    removed = [key for key, change in changes if change.snapshot is None]
    if removed:
        yield own.delete, {"keys": removed}


def _stock_statements(state: State) -> Written:
    stock, reserved = state.stock, state.reserved
    own = statements.SHELVES
    new = [(*shelf, 0, 0) for shelf in sorted(stock.new | reserved.new)]
    for part in _slices(new):
        yield own.insert, columns_of(own.columns, part)
    shelves = sorted(stock.deltas.keys() | reserved.deltas.keys())
    moved = [(*shelf, stock.deltas.get(shelf, 0), reserved.deltas.get(shelf, 0)) for shelf in shelves]
    moved = [row for row in moved if row[2] or row[3]]
    for part in _slices(moved):
        yield own.add, columns_of(own.columns, part)
    if state.changes.adjustments:
        now = datetime_of(state.time)
        adjusted = [
            (*change.shelf, change.delta, change.reason, change.stamp.caller.subject, change.stamp.request_id, now)
            for change in state.changes.adjustments
        ]
        for adjustments in _slices(adjusted):
            yield statements.INSERT_ADJUSTMENTS, columns_of(names_of(statements.ADJUSTMENT_COLUMNS), adjustments)


def _order_statements(state: State) -> Written:
    changes = state.changes
    inserted = sorted((id for id, before in changes.orders.items() if before is None), key=_external_id(state))
    updated = {order_id: before for order_id, before in changes.orders.items() if before is not None}
    for order_ids in _slices(inserted):
        yield statements.INSERT_ORDERS, _order_columns(order_ids, state)
    for order_ids in _slices(updated):
        yield statements.UPDATE_ORDERS, _order_columns(order_ids, state)
    replaced = [order_id for order_id, before in updated.items() if before.items != state.orders[order_id].items]
    if replaced:
        yield statements.DELETE_ITEMS, {"order_ids": replaced}
    for items in _slices(row for order_id in (*inserted, *replaced) for row in item_rows(state.orders[order_id])):
        yield statements.INSERT_ITEMS, columns_of(names_of(statements.ITEM_COLUMNS), items)
    for events in _slices(changes.events):
        rows = [event_row(*recorded) for recorded in events]
        yield statements.INSERT_EVENTS, columns_of(names_of(statements.EVENT_COLUMNS), rows)


def _commerce_statements(state: State) -> Written:
    """What orders move besides stock, and what their payments leave behind."""
    changes = state.changes
    yield from _counter_statements(statements.USES, state.coupon_uses, lambda use: use)
    yield from _counter_statements(statements.BALANCES, state.points, lambda customer_id: (customer_id,))
    yield from _counter_statements(statements.NUMBERS, state.documents, lambda series: series)
    for statement, columns, rows in (
        (statements.INSERT_POINTS_ENTRIES, statements.POINTS_COLUMNS, map(points_row, changes.points_entries)),
        (
            statements.INSERT_PAYMENTS,
            statements.PAYMENT_COLUMNS,
            sorted(payment_row(*paid) for paid in changes.payments),
        ),
        (statements.INSERT_DOCUMENTS, statements.DOCUMENT_COLUMNS, map(document_row, changes.documents)),
    ):
        written = list(rows)
        if written:
            yield statement, columns_of(names_of(columns), written)


def _counter_statements(own: CounterStatements, counters: Counters[Any], columns: Callable[[Any], Row]) -> Written:
    """New numbers as they are, and what is added to those that were read."""
    new = [(*columns(key), counters.values[key]) for key in sorted(counters.new)]
    if new:
        yield own.insert, columns_of(own.columns, new)
    added = [
        (*columns(key), delta) for key, delta in sorted(counters.deltas.items()) if delta and key not in counters.new
    ]
    if added:
        yield own.add, columns_of(own.columns, added)


def _order_columns(order_ids: Iterable[str], state: State) -> Parameters:
    orders, changes = state.orders, state.changes
    rows = [
        (*order_row(orders[order_id], changes.snapshots[order_id]), changes.sent[order_id]) for order_id in order_ids
    ]
    return columns_of(names_of(statements.WRITTEN_ORDER_COLUMNS), rows)


def _external_id(state: State) -> Callable[[str], tuple[str, str]]:
    return lambda order_id: (state.orders[order_id].source, state.orders[order_id].external_order_id)


def _slices(items: Iterable[Item]) -> Iterator[list[Item]]:
    remaining = iter(items)
    while taken := list(islice(remaining, _SLICE)):
        yield taken


def names_of(columns: Sequence[Column[Any]]) -> list[str]:
    return [column.name for column in columns]


def columns_of(names: Sequence[str], rows: Sequence[Row]) -> Parameters:
    """Rows turned into one list a column."""
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
