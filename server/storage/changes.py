"""Writes what a batch changed: one statement a table, all in one flight to the server."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from psycopg import AsyncConnection
from sqlalchemy import Column

from server.domain.state import Changes, State
from server.storage import statements
from server.storage.database import Row
from server.storage.projections import datetime_of, event_row, item_rows, order_row
from server.storage.sql import Statement

Parameters = dict[str, list[Any]]

# Rows a statement of a large batch. Dumping their parameters holds the event loop for a few milliseconds.
_SLICE = 500


Item = TypeVar("Item")

# Rows after which others get their turn.
_PAUSE_AFTER = 200


async def send_changes(connection: AsyncConnection[Row], state: State) -> None:
    """Sends the statements; in pipeline mode nothing waits for their results."""
    for statement, parameters in _statements(state):
        await connection.execute(statement.text, parameters, prepare=True)
        if len(next(iter(parameters.values()))) >= _PAUSE_AFTER:
            await asyncio.sleep(0)


def _statements(state: State) -> Iterator[tuple[Statement, Parameters]]:
    changes = state.changes
    yield from _catalog_statements(changes, state)
    yield from _order_statements(changes, state)
    if changes.stock:
        moved = [(product, variant, delta) for (product, variant), delta in changes.stock.items() if delta]
        if moved:
            yield statements.MOVE_STOCK, columns_of(("product_id", "variant_id", "available"), moved)
    if changes.remembered:
        now = datetime_of(state.time)
        rows = [(*key, *remembered, now) for key, remembered in sorted(changes.remembered.items())]
        yield statements.INSERT_IDEMPOTENCY_KEYS, columns_of(names_of(statements.IDEMPOTENCY_COLUMNS), rows)


def _order_statements(changes: Changes, state: State) -> Iterator[tuple[Statement, Parameters]]:
    # Where batches insert the same rows, one order keeps them from deadlocking.
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
        rows = [event_row(order, event) for order, event in events]
        yield statements.INSERT_EVENTS, columns_of(names_of(statements.EVENT_COLUMNS), rows)


def _catalog_statements(changes: Changes, state: State) -> Iterator[tuple[Statement, Parameters]]:
    now = datetime_of(state.time)
    names = names_of(statements.PRODUCT_COLUMNS)
    for statement, new in ((statements.INSERT_PRODUCTS, True), (statements.UPDATE_PRODUCTS, False)):
        rows = [(name, change.snapshot, now) for name, change in sorted(changes.products.items()) if change.new is new]
        if rows:
            yield statement, columns_of(names, rows)
    if changes.new_shelves:
        shelves = [(*shelf, 0) for shelf in sorted(changes.new_shelves)]
        yield statements.INSERT_INVENTORY, columns_of(("product_id", "variant_id", "available"), shelves)
    if changes.adjustments:
        adjusted = [
            (*change.shelf, change.delta, change.reason, change.stamp.caller.subject, change.stamp.request_id, now)
            for change in changes.adjustments
        ]
        yield statements.INSERT_ADJUSTMENTS, columns_of(names_of(statements.ADJUSTMENT_COLUMNS), adjusted)


def _order_columns(order_ids: Iterable[str], state: State) -> Parameters:
    rows = [order_row(state.orders[order_id], state.changes.snapshots[order_id]) for order_id in order_ids]
    return columns_of(names_of(statements.ORDER_COLUMNS), rows)


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
