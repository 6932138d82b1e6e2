"""The statements of pages of lists.

A list by creation time needs only its key, which never changes. The other keys do change, and a list finds each order by the key
that it had when the list began:

- While little has changed since, a page has two parts: the orders that are unchanged, by their columns, and the changed ones, each
  looked up in its events.
- Once much has changed, a page reads the orders' positions from its beginning on, past ones included, and takes those that the
  list's snapshot sees. If the list is of few orders, it looks up all of them instead.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from orders.v1.order_service_pb2 import ORDER_BY_CREATE_TIME, ORDER_BY_TOTAL, ORDER_BY_UPDATE_TIME, OrderBy
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    Table,
    Text,
    Uuid,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from server.storage import sql
from server.storage.read.column_bodies import body_of
from server.storage.read.filters import CONDITIONS
from server.storage.schema.list_tables import past_positions
from server.storage.schema.tables import PgSnapshot, Xid8, order_events, orders

_TIME = DateTime(timezone=True)
_SEEN = cast(sql.parameter("seen", Text()), PgSnapshot)
_LIMIT = sql.parameter("limit", BigInteger())
_OFFSET = sql.parameter("offset", BigInteger())
_MAX_BYTES = sql.parameter("max_bytes", BigInteger())
# The newest creation and update that a list has seen.
_NEWEST, _LATEST = sql.parameter("newest", _TIME), sql.parameter("latest", _TIME)

_ZERO: ColumnElement[int] = literal_column("0")
# What an order adds to the checksum of a list.
_STAMP = literal_column(r"(orders.order_id || ':' || orders.version || E'\n')", Text()).label("stamp")

# The events since a list began that a page looks up one by one.
MOST_LOOKED_UP = 300
# The positions that a page reads at most. It tries the next number if none of them is an order's of the list.
WINDOWS = (4_000, 64_000, None)
# The orders that are few: each of them is looked up instead.
FEW = 1_000
# Few orders match these conditions.
_SELECTIVE = {
    "customer_id",
    "customer_email",
    "customer_phone",
    "external_order_id",
    "order_ids",
    "document_number",
    "payment_event_id",
    "payment_id",
    "tracking_number",
}
# Few orders have one value of these, and many another: the best plan depends on the value.
_UNEVEN = {"metadata_key", "coupon_code", "held"}
# Few or many orders match these, which an index tells.
_INDEXED = {"product_id", "source", "metadata_key", "coupon_code", "held"}


class PageShape(NamedTuple):
    """The kind of a page: the conditions and the order of its list, whether it follows another page, and the columns that it holds of
    each order, if not all of it.
    """

    conditions: tuple[str, ...]
    order_by: OrderBy
    ascending: bool
    resumed: bool
    columns: tuple[str, ...] = ()

    @property
    def where(self) -> list[ColumnElement[bool]]:
        return [CONDITIONS[name].where for name in self.conditions]

    @property
    def is_selective(self) -> bool:
        return not _SELECTIVE.isdisjoint(self.conditions)

    @property
    def may_be_selective(self) -> bool:
        return not _INDEXED.isdisjoint(self.conditions)


def keys_of(order_by: OrderBy, table: Table = orders) -> list[ColumnElement[Any]]:
    """The columns by which a list is sorted, before the order's id."""
    return [table.c[name] for name in _KEYS[order_by]]


_KEYS = {
    ORDER_BY_CREATE_TIME: ("create_time",),
    ORDER_BY_UPDATE_TIME: ("update_time",),
    ORDER_BY_TOTAL: ("currency", "total_minor"),
}


def key_name(index: int) -> str:
    """The name of a part of the key in a page."""
    return f"key_{index}"


@lru_cache(maxsize=4096)
def page_statement(shape: PageShape) -> sql.Statement:
    """A page. If much has changed since the list began, it is empty, and `past_page_statement` is used."""
    build = _by_fixed_key if shape.order_by == ORDER_BY_CREATE_TIME else _by_changing_key
    return replace(sql.compiled(build(shape)), prepared=_UNEVEN.isdisjoint(shape.conditions))


@lru_cache(maxsize=4096)
def past_page_statement(shape: PageShape, window: int | None) -> sql.Statement:
    """A page of a list by a changing key, for any number of changes. With a window, it may end before it is full."""
    return sql.compiled(_by_past_key(shape, window))


@lru_cache(maxsize=4096)
def few_orders_statement(shape: PageShape) -> sql.Statement:
    """A page of a list by a key that changes, of few orders, however much has changed."""
    return sql.compiled(_by_past_key_of_each(shape))


@lru_cache(maxsize=1024)
def count_statement(conditions: tuple[str, ...], most: int) -> sql.Statement:
    """The number of orders that match now, counted until one more than `most`."""
    some = select(orders.c.order_id).where(*(CONDITIONS[name].where for name in conditions))
    counted = some.limit(literal_column(str(most + 1))).subquery()
    return sql.compiled(select(func.count()).select_from(counted))


def _by_fixed_key(shape: PageShape) -> Select[Any]:
    keys = keys_of(shape.order_by)
    part = _part(orders, keys, [orders.c.create_time <= _NEWEST, *shape.where], shape)
    return _within_bytes(_ordered(part, [*keys, orders.c.order_id], shape.ascending), shape)


def _by_changing_key(shape: PageShape) -> Select[Any]:
    keys = keys_of(shape.order_by)
    unchanged = func.pg_visible_in_snapshot(orders.c.xid, _SEEN)
    same = _part(orders, keys, [unchanged, *shape.where], shape)
    # Later orders are not in the list. Their creation time excludes them without a lookup of their events.
    known = orders.c.create_time <= _NEWEST
    unseen = union_all(*_events_unseen()).limit(literal_column(str(MOST_LOOKED_UP + 1))).cte("unseen")
    moved = _changed_since(unseen, [known, ~unchanged, *shape.where], shape)
    parts = [
        _ordered(part, part_keys, shape.ascending).limit(_LIMIT + _OFFSET).subquery().select()
        for part, part_keys in (
            (same, [*keys, orders.c.order_id]),
            (select(moved), _position_in(moved, shape.order_by)),
        )
    ]
    page = union_all(*parts).subquery("page")
    # The planner sees that this depends on no row, and reads nothing if it is false.
    are_few = select(func.count()).select_from(unseen).scalar_subquery() <= literal_column(str(MOST_LOOKED_UP))
    return _within_bytes(
        _ordered(select(page).where(are_few), _position_in(page, shape.order_by), shape.ascending), shape
    )


def _by_past_key_of_each(shape: PageShape) -> Select[Any]:
    then, keys = _then(shape)
    part = _part(orders.join(then, true()), keys, shape.where, shape)
    return _within_bytes(_ordered(part, [*keys, orders.c.order_id], shape.ascending), shape)


def _by_past_key(shape: PageShape, window: int | None) -> Select[Any]:
    position = _past_and_present(shape, window)
    written_before = func.pg_visible_in_snapshot(position.c.written_xid, _SEEN)
    replaced_before = func.pg_visible_in_snapshot(position.c.replaced_xid, _SEEN)
    # OFFSET 0: it looks up the order of each position that the list sees, and of no other.
    this = (
        select(body_of(shape.columns), _STAMP)
        .where(orders.c.order_id == position.c.order_id, *shape.where)
        .offset(_ZERO)
    )
    found = this.correlate(position).lateral("found")
    keys = _position_in(position, shape.order_by)
    page = (
        select(found.c.snapshot, found.c.stamp, *keys)
        .select_from(position.join(found, true()))
        .where(written_before, or_(position.c.replaced_xid.is_(None), ~replaced_before))
    )
    return _within_bytes(_ordered(page, keys, shape.ascending), shape)


def _past_and_present(shape: PageShape, window: int | None) -> FromClause:
    """The first positions of orders in a window."""
    past = past_positions.c
    parts = [
        _positions(orders, orders.c.xid, cast(null(), Xid8), shape),
        _positions(past_positions, past.written_xid, past.replaced_xid, shape),
    ]
    # A number in the text, from which the planner sees that reading the index is best.
    limit: ColumnElement[int] | None = None if window is None else literal_column(str(window))
    first = [part.limit(limit).subquery().select() for part in parts]
    both = union_all(*first).subquery("both")
    return _ordered(select(both), _position_in(both, shape.order_by), shape.ascending).limit(limit).subquery("position")


def _positions(
    table: Table,
    written: ColumnElement[str],
    replaced: ColumnElement[str],
    shape: PageShape,
) -> Select[Any]:
    """The positions in a table, each with the transactions between which an order had it."""
    keys = keys_of(shape.order_by, table)
    columns = [key.label(key_name(index)) for index, key in enumerate(keys)]
    found = select(table.c.order_id, *columns, written.label("written_xid"), replaced.label("replaced_xid"))
    position = [*keys, table.c.order_id]
    if shape.resumed:
        found = found.where(_after(position, shape.ascending))
    if shape.order_by == ORDER_BY_UPDATE_TIME:
        found = found.where(table.c.update_time <= _LATEST)
    return _ordered(found, position, shape.ascending)


def _within_bytes(ordered: Select[Any], shape: PageShape) -> Select[Any]:
    """The rows of a page until its orders exceed the bytes in the parameters, each with the bytes up to it."""
    page = ordered.limit(_LIMIT).offset(_OFFSET).subquery("rows")
    directed = [key.asc() if shape.ascending else key.desc() for key in _position_in(page, shape.order_by)]
    size = func.octet_length(page.c.snapshot)
    until = func.sum(size).over(order_by=directed, rows=(None, 0)).label("until")
    sized = select(page, until).subquery("sized")
    return select(sized).where(sized.c.until - func.octet_length(sized.c.snapshot) <= _MAX_BYTES)


def _changed_since(unseen: FromClause, where: list[ColumnElement[bool]], shape: PageShape) -> FromClause:
    """The orders of unseen events, with the key that each had when the list began."""
    changed = select(unseen.c.order_id).distinct().subquery("changed")
    then, keys = _then(shape)
    this = orders.c.order_id == changed.c.order_id
    # OFFSET 0: however many the planner expects, it looks each of them up and does not read all orders instead.
    found = _part(orders.join(then, true()), keys, [this, *where], shape).offset(_ZERO)
    moved = found.correlate(changed).lateral("moved")
    return select(moved).select_from(changed.join(moved, true())).subquery("changed_since")


def _then(shape: PageShape) -> tuple[FromClause, list[ColumnElement[Any]]]:
    """The last event of an order that a list saw, and the order's keys at that time."""
    then = (
        select(order_events.c.event_time, order_events.c.total_minor)
        .where(order_events.c.order_id == orders.c.order_id, func.pg_visible_in_snapshot(order_events.c.xid, _SEEN))
        .order_by(order_events.c.version.desc())
        .limit(literal_column("1"))
        .lateral("then")
    )
    if shape.order_by == ORDER_BY_TOTAL:
        return then, [orders.c.currency, then.c.total_minor]
    return then, [then.c.event_time]


def _events_unseen() -> list[Select[Any]]:
    """The orders of the events that a list did not see when it began: of later transactions, and of those that were still running.

    A transaction that stays open holds back the oldest transaction of a snapshot, but not the next one: nothing older is looked at.
    """
    later, running = order_events.alias("later"), func.pg_snapshot_xip(_SEEN).table_valued(Column("xid", Xid8))
    running = running.render_derived(name="running")
    # OFFSET 0 keeps the planner to an index scan for each of them.
    theirs = select(order_events.c.order_id).where(order_events.c.xid == running.c.xid).offset(_ZERO)
    found = theirs.lateral("found")
    return [
        select(later.c.order_id).where(later.c.xid >= func.pg_snapshot_xmax(_SEEN)),
        select(found.c.order_id).select_from(running.join(found, true())),
    ]


def _part(
    source: FromClause, keys: list[ColumnElement[Any]], where: list[ColumnElement[bool]], shape: PageShape
) -> Select[Any]:
    """Orders of a source with their keys; if shape.resumed, those after the position in the parameters."""
    columns = [key.label(key_name(index)) for index, key in enumerate(keys)]
    part = select(body_of(shape.columns), orders.c.order_id, _STAMP, *columns).select_from(source).where(*where)
    return part.where(_after([*keys, orders.c.order_id], shape.ascending)) if shape.resumed else part


def _after(position: Sequence[ColumnElement[Any]], ascending: bool) -> ColumnElement[bool]:
    """Whether a position follows the one in the parameters."""
    *keys, _ = position
    values = [sql.parameter(f"after_{index}", key.type) for index, key in enumerate(keys)]
    here, after = tuple_(*position), tuple_(*values, sql.parameter("after_id", Uuid()))
    return here > after if ascending else here < after


def _position_in(page: FromClause, order_by: OrderBy) -> list[ColumnElement[Any]]:
    """The sort columns of a page: the key, then the order's id."""
    return [*(page.c[key_name(index)] for index in range(len(_KEYS[order_by]))), page.c.order_id]


def _ordered(page: Select[Any], keys: Sequence[ColumnElement[Any]], ascending: bool) -> Select[Any]:
    return page.order_by(*(key.asc() if ascending else key.desc() for key in keys))
