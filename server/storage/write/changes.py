"""Writes the changes of a batch: one statement per table, all in one round trip."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from orders.v1.order_pb2 import Order
from psycopg import AsyncConnection
from sqlalchemy import Column

from server.domain.base.records import Counters, Kind
from server.domain.base.state import State
from server.storage.database import Row
from server.storage.fairness import Pause
from server.storage.order_terms import NO_TERMS, term_rows, terms_of
from server.storage.projections import (
    ApiKeyRow,
    api_key_row,
    audit_event_row,
    datetime_of,
    document_row,
    event_row,
    item_rows,
    order_row,
    payment_row,
    points_row,
)
from server.storage.sql import Statement
from server.storage.write import erase_statements, statements, work_queue
from server.storage.write.customer_statements import (
    CUSTOMER_COLUMNS,
    INSERT_CUSTOMERS,
    UPDATE_CUSTOMERS,
    customer_row,
)
from server.storage.write.lock_order import LOCK_ORDER
from server.storage.write.statements import CounterStatements
from server.storage.write.term_statements import DELETE_TERMS, INSERT_TERMS, TERM_COLUMNS
from server.storage.write.webhook_deliveries import DELIVERY_COLUMNS, INSERT_DELIVERIES, delivery_row

Parameters = dict[str, list[Any]]
Written = Iterator[tuple[Statement, Parameters]]

# The most rows in a statement: dumping their parameters holds the event loop for milliseconds.
_SLICE = 200


Item = TypeVar("Item")

# Rows after which other work runs.
_PAUSE_AFTER = 50


async def send_changes(connection: AsyncConnection[Row], state: State, pause: Pause) -> None:
    """Sends the statements, with pauses between large ones; in pipeline mode nothing waits for their results."""
    for statement, parameters in _statements(state):
        await connection.execute(statement.text, statement.bind(parameters), prepare=True)
        if len(next(iter(parameters.values()))) >= _PAUSE_AFTER:
            await pause()


def _statements(state: State) -> Written:
    for table in LOCK_ORDER:
        yield from _CHANGING[table](state)
    for append in _APPENDING:
        yield from append(state)


def _records(kind: Kind) -> Callable[[State], Written]:
    """New messages of a kind, changed ones, and removed ones."""

    def written(state: State) -> Written:
        now = datetime_of(state.time)
        own = statements.RECORDS[kind]
        changes = sorted(state.records(kind).changes.items())
        for statement, new in ((own.insert, True), (own.update, False)):
            rows = [
                (key, change.snapshot, now)
                for key, change in changes
                if change.snapshot is not None and change.new is new
            ]
            for part in _slices(rows):
                yield statement, columns_of(statements.RECORD_COLUMNS, part)
        removed = [key for key, change in changes if change.snapshot is None]
        if removed:
            yield own.delete, {"keys": removed}

    return written


def _customers(state: State) -> Written:
    now = datetime_of(state.time)
    changes = sorted(state.customers.changes.items())
    for statement, new in ((INSERT_CUSTOMERS, True), (UPDATE_CUSTOMERS, False)):
        rows = [
            customer_row(key, change.snapshot, now)
            for key, change in changes
            if change.snapshot is not None and change.new is new
        ]
        for part in _slices(rows):
            yield statement, columns_of(names_of(CUSTOMER_COLUMNS), part)


def _inventory(state: State) -> Written:
    stock, reserved = state.stock, state.reserved
    own = statements.SKUS
    new = [(*sku, 0, 0) for sku in sorted(stock.new | reserved.new)]
    for part in _slices(new):
        yield own.insert, columns_of(own.columns, part)
    skus = sorted(stock.deltas.keys() | reserved.deltas.keys())
    deltas = ((sku, stock.deltas.get(sku, 0), reserved.deltas.get(sku, 0)) for sku in skus)
    for part in _slices((*sku, available, held) for sku, available, held in deltas if available or held):
        yield own.add, columns_of(own.columns, part)
    awaited = [(*sku, delta) for sku, delta in sorted(state.awaited.deltas.items()) if delta]
    for waiting in _slices(awaited):
        yield statements.AWAITED.add, columns_of(statements.AWAITED.columns, waiting)


def _orders(state: State) -> Written:
    inserted, updated = _changed_orders(state)
    for order_ids in _slices(inserted):
        yield statements.INSERT_ORDERS, _order_columns(order_ids, state)
    for order_ids in _slices(updated):
        yield statements.UPDATE_ORDERS, _order_columns(order_ids, state)


def _changed_orders(state: State) -> tuple[list[str], dict[str, Order]]:
    """The ids of new orders, sorted by their sources' ids, and the previous versions of changed orders."""
    changes = state.changes
    inserted = sorted((id for id, before in changes.orders.items() if before is None), key=_external_id(state))
    return inserted, {order_id: before for order_id, before in changes.orders.items() if before is not None}


def _items(state: State) -> Written:
    inserted, updated = _changed_orders(state)
    replaced = [order_id for order_id, before in updated.items() if before.items != state.orders[order_id].items]
    if replaced:
        yield statements.DELETE_ITEMS, {"order_ids": replaced}
    for items in _slices(row for order_id in (*inserted, *replaced) for row in item_rows(state.orders[order_id])):
        yield statements.INSERT_ITEMS, columns_of(names_of(statements.ITEM_COLUMNS), items)


def _terms(state: State) -> Written:
    """The terms by which orders are found, where they change."""
    removed, added = [], []
    for order_id, before in state.changes.orders.items():
        order = state.orders[order_id]
        old, new = NO_TERMS if before is None else terms_of(before), terms_of(order)
        if new != old:
            removed += term_rows(order, old - new)
            added += term_rows(order, new - old)
    for statement, rows in ((DELETE_TERMS, removed), (INSERT_TERMS, added)):
        for part in _slices(rows):
            yield statement, columns_of(names_of(TERM_COLUMNS), part)


def _events(state: State) -> Written:
    for events in _slices(state.changes.events):
        rows = [event_row(*recorded) for recorded in events]
        yield statements.INSERT_EVENTS, columns_of(names_of(statements.EVENT_COLUMNS), rows)


def _erased_events(state: State) -> Written:
    for events in _slices(state.changes.erased_events):
        rows = [(order_id, version, *stored) for order_id, version, stored in events]
        yield erase_statements.ERASE_EVENTS, columns_of(names_of(erase_statements.ERASED_EVENT_COLUMNS), rows)


def _erased_payments(state: State) -> Written:
    for events in _slices(state.changes.erased_payments):
        rows = [(event.provider, event.event_id, event.SerializeToString(deterministic=True)) for event in events]
        yield erase_statements.ERASE_PAYMENTS, columns_of(names_of(erase_statements.ERASED_PAYMENT_COLUMNS), rows)


def _queue(state: State) -> Written:
    """The changed rows of orders in the work queue, and claims."""
    removed, rows = [], []
    for order_id, before in state.changes.orders.items():
        old = None if before is None else work_queue.entry_row(before)
        new = work_queue.entry_row(state.orders[order_id])
        if new is None and old is not None:
            removed.append(order_id)
        elif new is not None and new != old:
            rows.append(new)
    if removed:
        yield work_queue.DELETE_ENTRIES, {"order_ids": sorted(removed)}
    for entries in _slices(sorted(rows)):
        yield work_queue.PUT_ENTRIES, columns_of(work_queue.EntryRow._fields, entries)
    for claims in _slices(map(work_queue.claim_row, state.changes.claims.values())):
        yield work_queue.PUT_CLAIMS, columns_of(work_queue.ClaimRow._fields, claims)


def _appended(
    statement: Statement, columns: Sequence[Column[Any]], rows_of: Callable[[State], Iterable[Row]]
) -> Callable[[State], Written]:
    def written(state: State) -> Written:
        for rows in _slices(rows_of(state)):
            yield statement, columns_of(names_of(columns), rows)

    return written


def _adjustments(state: State) -> Iterator[Row]:
    now = datetime_of(state.time)
    for change in state.changes.adjustments:
        audit = change.audit
        yield (*change.sku, change.delta, change.reason, audit.caller.subject, audit.request_id, now)


def _request_keys(state: State) -> Iterator[Row]:
    now = datetime_of(state.time)
    for key, remembered in sorted(state.changes.remembered.items()):
        yield (*key, remembered.request, remembered.response, now)


def _counters(
    own: CounterStatements, counters_of: Callable[[State], Counters[Any]], columns: Callable[[Any], Row]
) -> Callable[[State], Written]:
    """Inserts new numbers, and adds differences to existing ones."""
    return lambda state: _counter_statements(own, counters_of(state), columns)


def _counter_statements(own: CounterStatements, counters: Counters[Any], columns: Callable[[Any], Row]) -> Written:
    new = [(*columns(key), counters.values[key]) for key in sorted(counters.new)]
    if new:
        yield own.insert, columns_of(own.columns, new)
    added = [
        (*columns(key), delta) for key, delta in sorted(counters.deltas.items()) if delta and key not in counters.new
    ]
    if added:
        yield own.add, columns_of(own.columns, added)


def _api_keys(state: State) -> Written:
    """Changed keys before new ones, since revoking a key frees its certificate name; new ones in the order of their names."""
    changes = state.changes.api_keys
    for statement, new in ((statements.UPDATE_API_KEYS, False), (statements.INSERT_API_KEYS, True)):
        rows = [api_key_row(state.api_keys[key_id]) for key_id, is_new in changes.items() if is_new is new]
        for part in _slices(sorted(rows, key=_certificate_name)):
            yield statement, columns_of(names_of(statements.API_KEY_COLUMNS), part)


def _certificate_name(row: ApiKeyRow) -> str:
    return row.certificate_name or ""


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
    """Rows converted to one list per column."""
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


# Rows that are changed, by their table.
_CHANGING: dict[str, Callable[[State], Written]] = {
    "orders": _orders,
    "carts": _records(Kind.CART),
    "customers": _customers,
    "coupons": _records(Kind.COUPON),
    "coupon_uses": _counters(statements.USES, lambda state: state.coupon_uses, lambda use: use),
    "delivery_zones": _records(Kind.ZONE),
    "points_accounts": _counters(statements.BALANCES, lambda state: state.points, lambda customer_id: (customer_id,)),
    "products": _records(Kind.PRODUCT),
    "inventory": _inventory,
    "api_keys": _api_keys,
    "webhook_endpoints": _records(Kind.WEBHOOK_ENDPOINT),
    "runtime_settings": _records(Kind.RUNTIME_SETTING),
    "document_numbers": _counters(statements.NUMBERS, lambda state: state.documents, lambda series: series),
    "fulfilments": _queue,
}

# Rows that are only appended, or belong to locked orders, last the request ids, by which batches of other replicas meet.
_APPENDING: tuple[Callable[[State], Written], ...] = (
    _items,
    _terms,
    _events,
    _erased_events,
    _erased_payments,
    _appended(statements.INSERT_ADJUSTMENTS, statements.ADJUSTMENT_COLUMNS, _adjustments),
    _appended(
        statements.INSERT_POINTS_ENTRIES,
        statements.POINTS_COLUMNS,
        lambda state: map(points_row, state.changes.points_entries),
    ),
    _appended(
        statements.INSERT_PAYMENTS,
        statements.PAYMENT_COLUMNS,
        lambda state: sorted(payment_row(*paid) for paid in state.changes.payments),
    ),
    _appended(
        statements.INSERT_DOCUMENTS,
        statements.DOCUMENT_COLUMNS,
        lambda state: map(document_row, state.changes.documents),
    ),
    _appended(
        statements.INSERT_AUDIT_EVENTS,
        statements.AUDIT_COLUMNS,
        lambda state: map(audit_event_row, state.changes.audit_events),
    ),
    _appended(
        INSERT_DELIVERIES,
        DELIVERY_COLUMNS,
        lambda state: map(delivery_row, state.changes.webhook_deliveries),
    ),
    _appended(statements.INSERT_IDEMPOTENCY_KEYS, statements.IDEMPOTENCY_COLUMNS, _request_keys),
)
