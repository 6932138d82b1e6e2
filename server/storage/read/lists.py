"""Lists of orders, a page at a time, by key: no snapshot or connection is held between pages.

Every order has one fixed position in a list, its key when the list began, and occurs exactly once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import (
    ORDER_BY_CREATE_TIME,
    SORT_ORDER_ASC,
    OrderBy,
    OrderFilter,
    SortOrder,
)
from psycopg.pq.abc import PGresult
from sqlalchemy import Select, Uuid, func, literal_column, select
from sqlalchemy.types import TypeEngine

from server.domain.base.sizes import MAX_READABLE, readable
from server.storage import sql
from server.storage.arrays import from_binary
from server.storage.batcher import point_reader
from server.storage.database import Database
from server.storage.read import list_statements
from server.storage.read.feed import HISTORY
from server.storage.read.filters import CONDITIONS, is_set, parameters_of
from server.storage.read.list_statements import (
    PageShape,
    count_statement,
    few_orders_statement,
    key_name,
    keys_of,
    page_statement,
    past_page_statement,
)
from server.storage.schema.feed_tables import feed_state
from server.storage.schema.tables import orders


class Began(NamedTuple):
    """The start of a list: a database snapshot, its newest creation and update if any, and the end of the feed."""

    snapshot: str
    newest: datetime | None
    latest: datetime | None
    position: int
    history: str


class Position(NamedTuple):
    """The position of an order in a list."""

    key: tuple[Any, ...]
    order_id: str


class Page:
    """Orders of a list in PostgreSQL's format. Each value is copied only on use."""

    __slots__ = ("_backward", "_key", "_pick", "_result", "_start", "_stop", "more")

    def __init__(
        self,
        key: OrderBy,
        result: PGresult,
        rows: range,
        *,
        more: bool,
        pick: Callable[[bytes], bytes] | None = None,
        backward: bool = False,
    ) -> None:
        """`rows` are those of the result that belong to the page; `more` says whether orders follow it; `pick` picks fields.

        A page that was read `backward` has its rows from last to first, and `more` is about the orders before it.
        """
        self._key, self._result, self.more, self._pick = key, result, more, pick
        self._start, self._stop, self._backward = rows.start, rows.stop, backward

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[bytes]:
        """The serialized orders, readable by clients, or their picked fields."""
        return self._orders() if self._pick is None else map(self._pick, self._orders())

    def _orders(self) -> Iterator[bytes]:
        value, column = self._result.get_value, _column(self._result, "snapshot")
        rows = range(self._start, self._stop)
        for row in reversed(rows) if self._backward else rows:
            body = value(row, column) or b""
            # Nearly all of them are, so this avoids the call.
            yield body if len(body) <= MAX_READABLE else readable(Order, body)

    def stamps(self, count: int) -> bytes:
        """The texts that the first orders add to the list's checksum."""
        value, column = self._result.get_value, _column(self._result, "stamp")
        return b"".join([value(row, column) or b"" for row in range(self._start, min(self._start + count, self._stop))])

    def take(self, count: int) -> "Page":
        """Removes the first orders from this page and returns them as a page."""
        middle = min(self._start + count, self._stop)
        more = self.more or middle < self._stop
        taken = Page(self._key, self._result, range(self._start, middle), more=more, pick=self._pick)
        self._start = middle
        return taken

    @property
    def end(self) -> Position:
        """The position of the last order."""
        return self._position(self._start if self._backward else self._stop - 1)

    @property
    def beginning(self) -> Position:
        """The position of the first order."""
        return self._position(self._stop - 1 if self._backward else self._start)

    def _position(self, row: int) -> Position:
        key = tuple(self._read(row, key_name(index), column.type) for index, column in enumerate(keys_of(self._key)))
        return Position(key, self._read(row, "order_id", Uuid()))

    def _read(self, row: int, name: str, type_: TypeEngine[Any]) -> Any:
        """A column of an order."""
        return from_binary(type_, self._result.get_value(row, _column(self._result, name)) or b"")


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


_BEGIN = sql.compiled(
    select(
        literal_column("pg_current_snapshot()::text"),
        select(func.max(orders.c.create_time)).scalar_subquery(),
        select(func.max(orders.c.update_time)).scalar_subquery(),
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
        """Starts a list, which fixes its content."""
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
        pick: Callable[[bytes], bytes] | None = None,
        columns: tuple[str, ...] = (),
        backward: bool = False,
    ) -> Page:
        """Up to `size` orders after a position, or from the beginning, less the first `skip` of them.

        Together they have at most `max_bytes`, unless it is a single order. `pick` picks the fields that are wanted of each; `columns`
        are these fields if no others are. With `backward`, they are the nearest ones before the position.
        """
        names = tuple(name for name in CONDITIONS if is_set(listing.filter, name))
        shape = PageShape(names, listing.key, listing.ascending is not backward, after is not None, columns)
        parameters = parameters_of(listing.filter, names)
        # One more than the page holds, to see whether anything follows.
        parameters |= {"limit": size + 1, "offset": skip, "max_bytes": max_bytes}
        parameters |= {"newest": began.newest, "latest": began.latest, "seen": began.snapshot}
        if after is not None:
            parameters |= {f"after_{index}": value for index, value in enumerate(after.key)}
            parameters["after_id"] = after.order_id
        result, is_cut = await self._fetch(shape, parameters)
        found = result.ntuples
        # The last row only shows that more follow.
        is_full = found > size or (found > 0 and _bytes_until(result, found - 1) > max_bytes)
        if is_full and found == 1:
            return await self.page(
                listing, began, after, size=1, skip=skip, pick=pick, columns=columns, backward=backward
            )
        rows = range(found - is_full)
        return Page(listing.key, result, rows, more=is_full or is_cut, pick=pick, backward=backward)

    async def _fetch(self, shape: PageShape, parameters: dict[str, Any]) -> tuple[PGresult, bool]:
        """The rows of a page, and whether more may follow although it is not full."""
        result = await self._database.fetch_result(page_statement(shape), **parameters)
        if result.ntuples or shape.order_by == ORDER_BY_CREATE_TIME:
            return result, False
        if shape.is_selective or await self._are_few(shape, parameters):
            return await self._database.fetch_result(few_orders_statement(shape), **parameters), False
        for window in list_statements.WINDOWS:
            result = await self._database.fetch_result(past_page_statement(shape, window), **parameters)
            if result.ntuples:
                return result, window is not None
        return result, False

    async def _are_few(self, shape: PageShape, parameters: dict[str, Any]) -> bool:
        """Whether few orders match now: reading the positions of all orders would find them last, or none at all."""
        if not shape.may_be_selective:
            return False
        counting = count_statement(shape.conditions, list_statements.FEW)
        ((found,),) = await self._database.fetch(counting, **parameters)
        return bool(found <= list_statements.FEW)

    async def count(self, wanted: OrderFilter) -> Count:
        """The number of orders that match now."""
        names = tuple(name for name in CONDITIONS if is_set(wanted, name))
        parameters = parameters_of(wanted, names)
        ((found,),) = await self._database.fetch(count_statement(names, _COUNTED), **parameters)
        if found <= _COUNTED:
            return Count(found, estimated=False)
        ((plan,),) = await self._database.fetch(_estimate_statement(names), **parameters)
        return Count(max(found, int(plan[0]["Plan"]["Plan Rows"])), estimated=True)


def _bytes_until(result: PGresult, row: int) -> int:
    return int.from_bytes(result.get_value(row, _column(result, "until")) or b"", "big")


def _column(result: PGresult, name: str) -> int:
    """The position of a column."""
    return next(column for column in range(result.nfields) if result.fname(column) == name.encode())


@lru_cache(maxsize=1024)
def _estimate_statement(names: tuple[str, ...]) -> sql.Statement:
    return sql.Statement("EXPLAIN (FORMAT JSON) " + sql.compiled(_matching(names)).text)


def _matching(names: Sequence[str]) -> Select[Any]:
    return select(orders.c.order_id).where(*(CONDITIONS[name].where for name in names))
