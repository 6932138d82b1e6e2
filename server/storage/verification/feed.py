"""The feed: positions are dense, and every event that has been sequenced has one, in the order of versions."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from psycopg import AsyncConnection
from sqlalchemy import Boolean, cast, func, select, text, true

from server.storage import sql
from server.storage.database import Row, fetch, fetch_named
from server.storage.schema.feed_tables import feed, feed_state
from server.storage.schema.tables import order_events
from server.storage.verification.checks import Problem, Stored, by_order, page_ids


class _Sequenced(NamedTuple):
    order_id: str
    version: int
    # None if it has none.
    position: int | None
    # Whether the sequencer has seen the event.
    is_due: bool


_is_due = cast(func.pg_visible_in_snapshot(order_events.c.xid, feed_state.c.snapshot), Boolean).label("is_due")
_POSITIONS = sql.query(
    _Sequenced,
    select(*sql.as_text([order_events.c.order_id]), order_events.c.version, feed.c.position, _is_due)
    .select_from(
        order_events.outerjoin(
            feed, (feed.c.order_id == order_events.c.order_id) & (feed.c.version == order_events.c.version)
        ).join(feed_state, true())
    )
    .where(order_events.c.order_id == func.any(page_ids))
    .order_by(order_events.c.order_id, order_events.c.version),
)


class _Ends(NamedTuple):
    counted: int
    first: int
    last: int
    stored: int


_ENDS = sql.query(
    _Ends,
    select(
        func.count().label("counted"),
        func.coalesce(func.min(feed.c.position), text("1")).label("first"),
        func.coalesce(func.max(feed.c.position), text("0")).label("last"),
        select(feed_state.c.position).scalar_subquery().label("stored"),
    ),
)
_event = select(order_events.c.order_id).where(
    order_events.c.order_id == feed.c.order_id, order_events.c.version == feed.c.version
)
_WITHOUT_EVENT = sql.compiled(select(feed.c.position).where(~_event.exists()).order_by(feed.c.position))


class FeedCheck:
    """Positions run from 1 to the last one without gaps; each is one event's, and follows that of the version before."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        positions = await by_order(connection, _POSITIONS, (stored.order_id for stored in page))
        return [Problem(stored.name, text) for stored in page for text in _problems_of(positions[stored.order_id])]

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        (ends,) = await fetch_named(connection, _ENDS)
        problems = [
            Problem(f"feed position {position}", "its event does not exist")
            for (position,) in await fetch(connection, _WITHOUT_EVENT)
        ]
        if ends.first != 1 or ends.counted != ends.last:
            text = f"the {ends.counted} positions from {ends.first} to {ends.last} have gaps"
            problems.append(Problem("the feed", text))
        if ends.stored != ends.last:
            problems.append(
                Problem("the feed", f"its last position is {ends.last}, and the stored one is {ends.stored}")
            )
        return problems


def _problems_of(events: Sequence[_Sequenced]) -> Iterator[str]:
    last = 0
    for event in events:
        if event.position is None:
            if event.is_due:
                yield f"event {event.version} has no position in the feed"
        elif event.position < last:
            yield f"event {event.version} is before an earlier version in the feed"
        else:
            last = event.position
