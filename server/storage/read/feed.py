"""Reads of the feed: changes by position, and its end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from orders.v1.order_pb2 import (
    EVENT_VALUES_STATE_NOT_RECORDED,
    EVENT_VALUES_STATE_RECORDED,
    EventValuesState,
    OrderEvent,
)
from orders.v1.order_service_pb2 import OrderFilter
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Interval,
    LargeBinary,
    Select,
    SmallInteger,
    Text,
    case,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy import literal_column as literal

from server.storage import sql
from server.storage.batcher import point_reader
from server.storage.database import Database, fetch_named
from server.storage.read.filters import CONDITIONS, OPEN, is_set, parameters_of
from server.storage.schema.feed_tables import feed
from server.storage.schema.tables import WHOLE_EVENT, PgSnapshot, order_events, orders

_TIME = DateTime(timezone=True)

# Names the history that positions belong to: cluster, database and timeline. After a failover, a restored dump or in another
# database, the same position may be another event's. While a standby that was just promoted has not written its checkpoint, only
# the name of its current WAL file contains the new timeline.
HISTORY = """
    (SELECT system_identifier FROM pg_control_system())::text
    || '.' || (SELECT oid FROM pg_database WHERE datname = current_database())::text
    || '.' || CASE WHEN pg_is_in_recovery() THEN lpad(to_hex((SELECT timeline_id FROM pg_control_checkpoint())), 8, '0')
        ELSE lower(left(pg_walfile_name(pg_current_wal_lsn()), 8)) END"""


class End(NamedTuple):
    """The end of the feed: its last position and its history."""

    position: int
    history: str


class Change(NamedTuple):
    """An event with its position, and the values that filters use."""

    position: int
    order_id: str
    version: int
    type: int
    from_status: int
    to_status: int
    total_minor: int
    event_time: datetime
    event: bytes
    customer_id: str
    source: str
    external_order_id: str
    currency: str
    create_time: datetime


class EventAt(NamedTuple):
    """An event with its position, as sent to readers."""

    position: int
    order_id: str
    version: int
    event: bytes


Read = TypeVar("Read", Change, EventAt)


class Selection(NamedTuple):
    """The changes that a reader selects."""

    filter: OrderFilter
    types: tuple[int, ...] = ()
    # Only changes from this time on.
    since: datetime | None = None
    # A snapshot of the database: changes that it sees are left out.
    unseen_by: str = ""


class ChangePage(NamedTuple, Generic[Read]):
    """Changes up to a position, where the read ended."""

    changes: list[Read]
    until: int
    end: End
    # Whether every change that `unseen_by` sees is at or before the end.
    covers_snapshot: bool


_END = sql.Query(text=f"SELECT position, {HISTORY} FROM feed_state", row=End)


class _SeenEnd(NamedTuple):
    position: int
    history: str
    covers: bool


# Whether the events that have positions include all that another snapshot sees.
_SEEN_END = sql.Query(
    text=f"""
SELECT position, {HISTORY},
    pg_snapshot_xmax(snapshot) >= pg_snapshot_xmax(CAST(%(seen)s AS pg_snapshot)) AND NOT EXISTS (
        SELECT FROM pg_snapshot_xip(snapshot) AS running
        WHERE pg_visible_in_snapshot(running, CAST(%(seen)s AS pg_snapshot))
    )
FROM feed_state""",
    row=_SeenEnd,
)

# The most positions that one read looks at, so that a filter that matches little bounds its time.
_WINDOW = 20_000
# Clocks of replicas differ, and a long import is committed after events with later times: by less than this.
_DISORDER = timedelta(minutes=10)

_TIME_AT = sql.compiled(
    select(order_events.c.event_time)
    .select_from(
        feed.join(
            order_events, (order_events.c.order_id == feed.c.order_id) & (order_events.c.version == feed.c.version)
        )
    )
    .where(feed.c.position == sql.parameter("position", BigInteger()))
)


class FeedRepository:
    """The feed. Methods raise DEPENDENCY_UNAVAILABLE and OVERLOADED."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ends = point_reader(self._read_ends)

    async def end(self) -> End:
        """The end of the feed now."""
        return await self._ends.submit(None)

    async def _read_ends(self, readers: Sequence[None]) -> list[End]:
        (end,) = await self._database.fetch_named(_END)
        return [end] * len(readers)

    async def page(self, kind: type[Read], selection: Selection, after: int, *, limit: int) -> ChangePage[Read]:
        """Up to `limit` changes after a position. More may follow even if the page is not full, unless it reaches the end."""
        async with self._database.reading() as connection:
            end, covers = End(0, ""), True
            if selection.unseen_by:
                (seen,) = await fetch_named(connection, _SEEN_END, seen=selection.unseen_by)
                end, covers = End(seen.position, seen.history), seen.covers
            else:
                (end,) = await fetch_named(connection, _END)
            until = min(after + _WINDOW, end.position)
            if until <= after:
                return ChangePage([], max(after, end.position), end, covers)
            query, parameters = _page_query(kind, selection)
            changes = await fetch_named(connection, query, **parameters, after=after, until=until, limit=limit)
        is_full = len(changes) == limit
        return ChangePage(changes, changes[-1].position if is_full else until, end, covers)

    async def position_before(self, time: datetime) -> int:
        """A position before all changes at or after a time, and after most earlier ones."""
        low, high = 0, (await self.end()).position
        while low < high:
            middle = (low + high + 1) // 2
            ((found,),) = await self._database.fetch(_TIME_AT, position=middle)
            low, high = (middle, high) if found < time - _DISORDER else (low, middle - 1)
        return low


def _page_query(kind: type[Read], selection: Selection) -> tuple[sql.Query[Read], dict[str, Any]]:
    names = tuple(name for name in CONDITIONS if is_set(selection.filter, name))
    extra = tuple(name for name in ("types", "since", "unseen_by") if getattr(selection, name))
    parameters = parameters_of(selection.filter, names)
    if "stuck_for" in names:
        parameters["stuck_for"] = selection.filter.stuck_for.ToTimedelta()
    parameters |= {name: getattr(selection, name) for name in extra}
    return _page_statement(kind, names, extra), parameters  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _page_statement(kind: Any, names: tuple[str, ...], extra: tuple[str, ...]) -> sql.Query[Any]:
    where = [_OF_CHANGES[name] if name in _OF_CHANGES else CONDITIONS[name].where for name in (*names, *extra)]
    return sql.query(kind, _page(kind, where, with_orders=kind is Change or bool(names)))


def _values_state(state: EventValuesState) -> ColumnElement[bytes]:
    return literal(rf"'\x{OrderEvent(values_state=state).SerializeToString().hex()}'::bytea", LargeBinary())


# The events with their values and the state of the values, which erased values contain themselves.
_SENT: dict[str, ColumnElement[Any]] = {
    "event": WHOLE_EVENT.concat(
        case(
            (order_events.c.salt.is_not(None), _values_state(EVENT_VALUES_STATE_RECORDED)),
            (order_events.c.event_values.is_(None), _values_state(EVENT_VALUES_STATE_NOT_RECORDED)),
            else_=literal("''::bytea", LargeBinary()),
        )
    ).label("event")
}


def _page(kind: type[Read], where: list[ColumnElement[bool]], *, with_orders: bool) -> Select[Any]:
    # OFFSET 0 keeps the planner to the order of the positions, and to lookups by key for each of them.
    position = feed.c.position
    here = (position > sql.parameter("after", BigInteger())) & (position <= sql.parameter("until", BigInteger()))
    window = select(feed).where(here).order_by(position).offset(literal("0")).subquery("window_")
    fields = [name for name in kind._fields if name not in window.c]
    columns = [_SENT.get(name, order_events.c[name] if name in order_events.c else orders.c[name]) for name in fields]
    this = (order_events.c.order_id == window.c.order_id) & (order_events.c.version == window.c.version)
    its_order = order_events.join(orders, orders.c.order_id == order_events.c.order_id)
    found = (
        select(*columns)
        .select_from(its_order if with_orders else order_events)
        .where(this, *where)
        .offset(literal("0"))
        .correlate(window)
        .lateral("found")
    )
    own = [window.c.position, cast(window.c.order_id, Text).label("order_id"), window.c.version]
    pages = select(*own, *(found.c[name] for name in fields)).select_from(window.join(found, literal("true")))
    return pages.order_by(window.c.position).limit(sql.parameter("limit", BigInteger()))


_earlier = order_events.alias("earlier")
_stuck_since = order_events.c.event_time - cast(sql.parameter("stuck_for", Interval()), Interval)
_moved_since = (
    select(_earlier.c.version)
    .where(
        _earlier.c.order_id == order_events.c.order_id,
        _earlier.c.version < order_events.c.version,
        _earlier.c.from_status != _earlier.c.to_status,
        _earlier.c.event_time > _stuck_since,
    )
    .correlate(order_events)
    .exists()
)
_changes_status = order_events.c.from_status != order_events.c.to_status
_statuses = func.any(sql.array("statuses", SmallInteger()))

# The conditions of a filter on the change, not on the current order.
_OF_CHANGES: dict[str, ColumnElement[bool]] = {
    "statuses": or_(order_events.c.from_status == _statuses, order_events.c.to_status == _statuses),
    "update_time_from": order_events.c.event_time >= sql.parameter("update_time_from", _TIME),
    "update_time_to": order_events.c.event_time < sql.parameter("update_time_to", _TIME),
    "status_time_from": _changes_status & (order_events.c.event_time >= sql.parameter("status_time_from", _TIME)),
    "status_time_to": _changes_status & (order_events.c.event_time < sql.parameter("status_time_to", _TIME)),
    "total_from": (orders.c.currency == sql.parameter("total_from_currency", orders.c.currency.type))
    & (order_events.c.total_minor >= sql.parameter("total_from", BigInteger())),
    "total_to": (orders.c.currency == sql.parameter("total_to_currency", orders.c.currency.type))
    & (order_events.c.total_minor < sql.parameter("total_to", BigInteger())),
    "stuck_for": (order_events.c.from_status < OPEN) & (orders.c.create_time <= _stuck_since) & ~_moved_since,
    "types": order_events.c.type == func.any(sql.array("types", SmallInteger())),
    "since": order_events.c.event_time >= sql.parameter("since", _TIME),
    "unseen_by": ~func.pg_visible_in_snapshot(
        order_events.c.xid, cast(sql.parameter("unseen_by", orders.c.source.type), PgSnapshot)
    ),
}
