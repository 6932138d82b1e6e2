"""Lists of orders, a page at a time, by key: no snapshot or connection is held between pages.

A list by creation time needs only its key, which never changes. The other keys do change, so a page has two parts: the orders
that are unchanged since the list began, by their columns, and the changed ones, by their keys at that time, which their events
hold. So every order has one fixed position in the list, and occurs exactly once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import (
    ORDER_BY_CREATE_TIME,
    ORDER_BY_TOTAL,
    ORDER_BY_UPDATE_TIME,
    SORT_ORDER_ASC,
    OrderBy,
    OrderFilter,
    SortOrder,
)
from psycopg.pq.abc import PGresult
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    Text,
    Uuid,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.types import TypeEngine

from server.domain.base.sizes import MAX_READABLE, readable
from server.storage import sql
from server.storage.arrays import from_binary
from server.storage.batcher import point_reader
from server.storage.database import Database
from server.storage.read.feed import HISTORY
from server.storage.read.filters import CONDITIONS, is_set, parameters_of
from server.storage.schema.feed_tables import feed_state
from server.storage.schema.tables import PgSnapshot, Xid8, order_events, orders

_TIME = DateTime(timezone=True)
# What an order adds to the checksum of a list.
_STAMP = literal_column(r"(orders.order_id || ':' || orders.version || E'\n')", Text()).label("stamp")
_SEEN = cast(sql.parameter("seen", Text()), PgSnapshot)


class Began(NamedTuple):
    """The beginning of a list: a snapshot of the database, its newest order if there are any, and the end of the feed."""

    snapshot: str
    newest: datetime | None
    position: int
    history: str


class Position(NamedTuple):
    """The position of an order in a list."""

    key: tuple[Any, ...]
    order_id: str


class Page:
    """Orders of a list, as PostgreSQL sent them. Each value is copied only where it is used."""

    __slots__ = ("_key", "_result", "_start", "_stop", "more")

    def __init__(self, key: OrderBy, result: PGresult, rows: range, *, more: bool) -> None:
        """`rows` are those of the result that belong to the page; `more` says whether orders follow it."""
        self._key, self._result, self.more = key, result, more
        self._start, self._stop = rows.start, rows.stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[bytes]:
        """The orders, serialized, as clients can read them."""
        value, column = self._result.get_value, _column(self._result, "snapshot")
        for row in range(self._start, self._stop):
            body = value(row, column) or b""
            # Nearly all of them are: this spares the call.
            yield body if len(body) <= MAX_READABLE else readable(Order, body)

    def stamps(self, count: int) -> bytes:
        """What the first orders add to the list's checksum."""
        value, column = self._result.get_value, _column(self._result, "stamp")
        return b"".join([value(row, column) or b"" for row in range(self._start, min(self._start + count, self._stop))])

    def take(self, count: int) -> "Page":
        """Removes the first orders from this page and returns them as a page."""
        middle = min(self._start + count, self._stop)
        taken = Page(self._key, self._result, range(self._start, middle), more=self.more or middle < self._stop)
        self._start = middle
        return taken

    @property
    def end(self) -> Position:
        """The position of the last order."""
        key = tuple(self._last(_key_name(index), column.type) for index, column in enumerate(_KEYS[self._key]))
        return Position(key, self._last("order_id", Uuid()))

    def _last(self, name: str, type_: TypeEngine[Any]) -> Any:
        """A column of the last order."""
        return from_binary(type_, self._result.get_value(self._stop - 1, _column(self._result, name)) or b"")


@dataclass(frozen=True, slots=True)
class Listing:
    """The filter and the order of a list."""

    filter: OrderFilter
    order_by: OrderBy
    sort_order: SortOrder

    @property
    def key(self) -> OrderBy:
        return self.order_by or ORDER_BY_CREATE_TIME

    @property
    def ascending(self) -> bool:
        return self.sort_order == SORT_ORDER_ASC


_KEYS: dict[int, list[ColumnElement[Any]]] = {
    ORDER_BY_CREATE_TIME: [orders.c.create_time],
    ORDER_BY_UPDATE_TIME: [orders.c.update_time],
    ORDER_BY_TOTAL: [orders.c.currency, orders.c.total_minor],
}

_BEGIN = sql.compiled(
    select(
        literal_column("pg_current_snapshot()::text"),
        select(func.max(orders.c.create_time)).scalar_subquery(),
        select(feed_state.c.position).scalar_subquery(),
        literal_column(f"({HISTORY})"),
    )
)


_COUNTED = 10_000
_UNBOUNDED = 2**63 - 1


class Count(NamedTuple):
    """The number of matching orders; an estimate beyond 10,000."""

    total: int
    estimated: bool


class ListRepository:
    """Lists of orders. Methods raise DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begins = point_reader(self._begin)

    async def begin(self) -> Began:
        """Begins a list, which fixes its content."""
        return await self._begins.submit(None)

    async def _begin(self, lists: Sequence[None]) -> list[Began]:
        (began,) = await self._database.fetch(_BEGIN)
        return [Began._make(began)] * len(lists)

    async def page(
        self,
        listing: Listing,
        began: Began,
        after: Position | None,
        *,
        size: int,
        skip: int = 0,
        max_bytes: int = _UNBOUNDED,
    ) -> Page:
        """Up to `size` orders after a position, or from the beginning, less the first `skip` of them.

        Together they have at most `max_bytes`, unless it is a single order.
        """
        names = tuple(name for name in CONDITIONS if is_set(listing.filter, name))
        statement = _page_statement(names, listing.key, listing.ascending, after is not None)
        parameters = parameters_of(listing.filter, names)
        # One more than the page holds tells whether anything follows.
        parameters |= {"limit": size + 1, "offset": skip, "max_bytes": max_bytes}
        parameters |= {"newest": began.newest, "seen": began.snapshot}
        if after is not None:
            parameters |= {f"after_{index}": value for index, value in enumerate(after.key)}
            parameters["after_id"] = after.order_id
        result = await self._database.fetch_result(statement, **parameters)
        found = result.ntuples
        # The last row only shows that more follow.
        is_full = found > size or (found > 0 and _bytes_until(result, found - 1) > max_bytes)
        if is_full and found == 1:
            return await self.page(listing, began, after, size=1, skip=skip)
        return Page(listing.key, result, range(found - is_full), more=is_full)

    async def count(self, wanted: OrderFilter) -> Count:
        """The number of orders that match now."""
        names = tuple(name for name in CONDITIONS if is_set(wanted, name))
        parameters = parameters_of(wanted, names)
        ((found,),) = await self._database.fetch(_count_statement(names), **parameters)
        if found <= _COUNTED:
            return Count(found, estimated=False)
        ((plan,),) = await self._database.fetch(_estimate_statement(names), **parameters)
        return Count(max(found, int(plan[0]["Plan"]["Plan Rows"])), estimated=True)


def _bytes_until(result: PGresult, row: int) -> int:
    return int.from_bytes(result.get_value(row, _column(result, "until")) or b"", "big")


def _column(result: PGresult, name: str) -> int:
    """The position of a column."""
    return next(column for column in range(result.nfields) if result.fname(column) == name.encode())


def _key_name(index: int) -> str:
    """The name of a part of the key in a page."""
    return f"key_{index}"


def _position_in(page: FromClause, order_by: int) -> list[ColumnElement[Any]]:
    """The sort columns of a page: the key, then the order's id."""
    return [*(page.c[_key_name(index)] for index in range(len(_KEYS[order_by]))), page.c.order_id]


@lru_cache(maxsize=4096)
def _page_statement(names: tuple[str, ...], order_by: int, ascending: bool, resumed: bool) -> sql.Statement:
    build = _by_fixed_key if order_by == ORDER_BY_CREATE_TIME else _by_changing_key
    return sql.compiled(build([CONDITIONS[name].where for name in names], order_by, ascending, resumed))


_LIMIT = sql.parameter("limit", BigInteger())
_OFFSET = sql.parameter("offset", BigInteger())
_MAX_BYTES = sql.parameter("max_bytes", BigInteger())


def _by_fixed_key(where: list[ColumnElement[bool]], order_by: int, ascending: bool, resumed: bool) -> Select[Any]:
    keys = _KEYS[order_by]
    until = orders.c.create_time <= sql.parameter("newest", _TIME)
    part = _part(orders, keys, [until, *where], ascending, resumed)
    return _within_bytes(_ordered(part, [*keys, orders.c.order_id], ascending), order_by, ascending)


def _by_changing_key(where: list[ColumnElement[bool]], order_by: int, ascending: bool, resumed: bool) -> Select[Any]:
    keys = _KEYS[order_by]
    unchanged = func.pg_visible_in_snapshot(orders.c.xid, _SEEN)
    same = _part(orders, keys, [unchanged, *where], ascending, resumed)
    # Orders made since are not in the list; told by their time first, they cost it no look at their events.
    known = orders.c.create_time <= sql.parameter("newest", _TIME)
    moved = _changed_since(order_by, [known, ~unchanged, *where], ascending, resumed)
    parts = [
        _ordered(part, part_keys, ascending).limit(_LIMIT + _OFFSET).subquery().select()
        for part, part_keys in ((same, [*keys, orders.c.order_id]), (select(moved), _position_in(moved, order_by)))
    ]
    page = union_all(*parts).subquery("page")
    return _within_bytes(_ordered(select(page), _position_in(page, order_by), ascending), order_by, ascending)


def _within_bytes(ordered: Select[Any], order_by: int, ascending: bool) -> Select[Any]:
    """The rows of a page until its orders exceed the bytes in the parameters, each with the bytes up to it."""
    page = ordered.limit(_LIMIT).offset(_OFFSET).subquery("rows")
    directed = [key.asc() if ascending else key.desc() for key in _position_in(page, order_by)]
    size = func.octet_length(page.c.snapshot)
    until = func.sum(size).over(order_by=directed, rows=(None, 0)).label("until")
    sized = select(page, until).subquery("sized")
    return select(sized).where(sized.c.until - func.octet_length(sized.c.snapshot) <= _MAX_BYTES)


def _changed_since(order_by: int, where: list[ColumnElement[bool]], ascending: bool, resumed: bool) -> FromClause:
    """The orders that changed since the list began, with the key that each had then."""
    changed = union(*_events_unseen()).subquery("changed")
    then = (
        select(order_events.c.event_time, order_events.c.total_minor)
        .where(order_events.c.order_id == orders.c.order_id, func.pg_visible_in_snapshot(order_events.c.xid, _SEEN))
        .order_by(order_events.c.version.desc())
        .limit(literal_column("1"))
        .lateral("then")
    )
    keys: list[ColumnElement[Any]] = [then.c.event_time]
    if order_by == ORDER_BY_TOTAL:
        keys = [orders.c.currency, then.c.total_minor]
    this = orders.c.order_id == changed.c.order_id
    # OFFSET 0: however many the planner expects, it looks each of them up and does not read all orders instead.
    found = _part(orders.join(then, true()), keys, [this, *where], ascending, resumed).offset(literal_column("0"))
    moved = found.correlate(changed).lateral("moved")
    return select(moved).select_from(changed.join(moved, true())).subquery("changed_since")


def _events_unseen() -> list[Select[Any]]:
    """The orders of the events that a list did not see when it began: of later transactions, and of those that were still running.

    A transaction that stays open holds back the oldest transaction of a snapshot, but not the next one: nothing older is looked at.
    """
    later, running = order_events.alias("later"), func.pg_snapshot_xip(_SEEN).table_valued(Column("xid", Xid8))
    running = running.render_derived(name="running")
    # OFFSET 0 keeps the planner to an index scan for each of them.
    theirs = select(order_events.c.order_id).where(order_events.c.xid == running.c.xid).offset(literal_column("0"))
    found = theirs.lateral("found")
    return [
        select(later.c.order_id).where(later.c.xid >= func.pg_snapshot_xmax(_SEEN)),
        select(found.c.order_id).select_from(running.join(found, true())),
    ]


def _part(
    source: FromClause, keys: list[ColumnElement[Any]], where: list[ColumnElement[bool]], ascending: bool, resumed: bool
) -> Select[Any]:
    """Orders of a source with their keys; if resumed, those after the position in the parameters."""
    columns = [key.label(_key_name(index)) for index, key in enumerate(keys)]
    part = select(orders.c.snapshot, orders.c.order_id, _STAMP, *columns).select_from(source).where(*where)
    if not resumed:
        return part
    here = tuple_(*keys, orders.c.order_id)
    values = [sql.parameter(f"after_{index}", key.type) for index, key in enumerate(keys)]
    after = tuple_(*values, sql.parameter("after_id", Uuid()))
    return part.where(here > after if ascending else here < after)


def _ordered(page: Select[Any], keys: Sequence[ColumnElement[Any]], ascending: bool) -> Select[Any]:
    return page.order_by(*(key.asc() if ascending else key.desc() for key in keys))


@lru_cache(maxsize=1024)
def _count_statement(names: tuple[str, ...]) -> sql.Statement:
    some = _matching(names).limit(literal_column(str(_COUNTED + 1))).subquery()
    return sql.compiled(select(func.count()).select_from(some))


@lru_cache(maxsize=1024)
def _estimate_statement(names: tuple[str, ...]) -> sql.Statement:
    return sql.Statement("EXPLAIN (FORMAT JSON) " + sql.compiled(_matching(names)).text)


def _matching(names: Sequence[str]) -> Select[Any]:
    return select(orders.c.order_id).where(*(CONDITIONS[name].where for name in names))
