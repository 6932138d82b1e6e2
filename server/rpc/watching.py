"""WatchOrders and ListOrderChanges: changes after a cursor."""

import asyncio
import time
from collections.abc import Iterable
from typing import NamedTuple

from orders.v1.error_reason_pb2 import ERROR_REASON_ROLE_MISSING
from orders.v1.order_service_pb2 import (
    ListOrderChangesRequest,
    ListOrderChangesResponse,
    OrderFilter,
    WatchOrdersRequest,
    WatchOrdersResponse,
)

from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.order_filters import check_filter
from server.domain.base.sizes import MAX_PAGE
from server.feed.reader import FeedReader
from server.feed.ring import Entry, FellBehind, Group, Ring
from server.rpc import feed_tokens, wire
from server.rpc.change_messages import OrderView, entry_of, newest_of_each, order_view
from server.rpc.endpoint import Call
from server.rpc.feed_tokens import FeedCursor
from server.rpc.streaming import Pace, deadline_of
from server.storage.consumers import ConsumerRepository
from server.storage.projections import ceiling_of
from server.storage.read.feed import EventAt, FeedRepository, Selection
from server.storage.read.order_versions import OrderVersions

_DEFAULT_BOOKMARK = 10.0
_DEFAULT_PAGE = 100
# Changes of one read, and of one that also reads their orders.
_AT_ONCE, _WITH_ORDERS = 1_000, 50
# Bytes of a message.
_MESSAGE_BYTES = 1 << 17
# Windows of the feed that a page of changes looks through for a filter that matches little.
_WINDOWS = 5

Request = WatchOrdersRequest | ListOrderChangesRequest


class Plan(NamedTuple):
    """The requested changes, and their start."""

    selection: Selection
    cursor: FeedCursor
    view: OrderView
    latest: bool
    # The field that the cursor is from.
    field: str


class Batch(NamedTuple):
    """Changes to send, the cursor after them, and whether no further changes were waiting."""

    entries: list[Entry]
    cursor: FeedCursor
    caught_up: bool


class Watching:
    """Follows the feed."""

    def __init__(
        self, *, feed: FeedRepository, reader: FeedReader, versions: OrderVersions, consumers: ConsumerRepository
    ) -> None:
        self._feed, self._reader, self._versions, self._consumers = feed, reader, versions, consumers

    async def stream(self, request: WatchOrdersRequest, call: Call) -> None:
        """Writes changes until the deadline is near or the caller falls behind."""
        plan = await self._plan(request, call)
        await _Watch(self._feed, self._reader, plan, request, call).run()

    async def page(self, request: ListOrderChangesRequest, call: Call) -> bytes:
        """One page of changes, serialized."""
        plan = await self._plan(request, call)
        size = request.page_size or _DEFAULT_PAGE
        for _ in range(_WINDOWS):
            batch = await read_batch(self._feed, plan, plan.cursor, limit=size)
            if batch.entries or batch.caught_up:
                break
            plan = plan._replace(cursor=batch.cursor)
        bodies, cursor, is_whole = await _fitting(plan, batch, plan.cursor, max_bytes=MAX_PAGE)
        rest = ListOrderChangesResponse(
            resume_token=feed_tokens.encode(cursor),
            caught_up=batch.caught_up and is_whole,
            count=cursor.sent,
            checksum=cursor.checksum,
        )
        return wire.with_records(rest, bodies)

    async def _plan(self, request: Request, call: Call) -> Plan:
        starts = [name for name in ("resume_token", "start_time", "consumer_id") if _is_set(request, name)]
        if len(starts) > 1:
            raise invalid_field(starts[1], f"cannot be combined with {starts[0]}; set one of them")
        check_filter(request.filter)
        view = order_view(self._versions, include=request.include_order, mask=request.read_mask)
        if request.consumer_id:
            selection, cursor = await self._of_consumer(request, call)
        else:
            selection = _selection(request.filter, request.event_types)
            if request.HasField("start_time"):
                selection = selection._replace(since=ceiling_of(request.start_time))
            cursor = await self._start(request, selection)
        return Plan(selection, cursor, view, request.latest, starts[0] if starts else "resume_token")

    async def _start(self, request: Request, selection: Selection) -> FeedCursor:
        if request.resume_token:
            return feed_tokens.decode(request.resume_token, field="resume_token")
        end = await self._feed.end()
        if selection.since is not None:
            return FeedCursor(await self._feed.position_before(selection.since), end.history)
        return FeedCursor(end.position, end.history)

    async def _of_consumer(self, request: Request, call: Call) -> tuple[Selection, FeedCursor]:
        """The selection of a consumer, and the cursor at its acknowledged position."""
        refuse_customers(call)
        for name in ("filter", "event_types"):
            if request.HasField("filter") if name == "filter" else request.event_types:
                raise invalid_field(name, "leave it empty with consumer_id: the consumer has its own")
        stored = await self._consumers.get(request.consumer_id)
        wanted, end = stored.message, await self._feed.end()
        cursor = FeedCursor(stored.position, end.history, unseen_by=stored.unseen_by)
        return _selection(wanted.filter, wanted.event_types), cursor


def refuse_customers(call: Call) -> None:
    """Refuses a caller with access to only one customer's orders, because consumers cover all orders."""
    if call.caller.confined_to:
        text = "consumers are allowed for fulfilment, payment or admin; the caller has no such role"
        metadata = {"method": "WatchOrders", "roles": "admin, fulfilment, payment"}
        raise Refusal(ERROR_REASON_ROLE_MISSING, text, metadata=metadata)


def _selection(wanted: OrderFilter, types: Iterable[int]) -> Selection:
    copy = OrderFilter()
    copy.CopyFrom(wanted)
    return Selection(copy, tuple(sorted(set(types))))


def _is_set(request: Request, name: str) -> bool:
    return request.HasField("start_time") if name == "start_time" else bool(getattr(request, name))


async def read_batch(feed: FeedRepository, plan: Plan, cursor: FeedCursor, *, limit: int) -> Batch:
    """The changes after a cursor, from the database."""
    selection = plan.selection._replace(unseen_by=cursor.unseen_by)
    page = await feed.page(EventAt, selection, cursor.position, limit=limit)
    cursor.check_history(page.end, field=plan.field)
    at_end = page.until >= page.end.position
    after = cursor._replace(position=page.until)
    if at_end and page.covers_snapshot:
        # All changes after the end are newer than the list.
        after = after._replace(unseen_by="")
    return Batch([entry_of(change) for change in page.changes], after, at_end)


async def _fitting(
    plan: Plan, batch: Batch, sent: FeedCursor, *, max_bytes: int
) -> tuple[list[bytes], FeedCursor, bool]:
    """The first changes of a batch that fit, at least one; the cursor after them, and whether they are the whole batch.

    `sent` counts what was sent before.
    """
    entries = newest_of_each(batch.entries) if plan.latest else batch.entries
    bodies: list[bytes] = []
    step = _WITH_ORDERS if plan.view.include else max(1, len(entries))
    for start in range(0, len(entries), step):
        for body in await plan.view.bodies(entries[start : start + step]):
            max_bytes -= len(body)
            if max_bytes < 0 and bodies:
                return bodies, _behind(plan, batch, sent, entries[: len(bodies)]), False
            bodies.append(body)
    counted = sent.behind((entry.stamp for entry in entries), len(entries))
    return bodies, batch.cursor._replace(sent=counted.sent, checksum=counted.checksum), True


def _behind(plan: Plan, batch: Batch, sent: FeedCursor, entries: list[Entry]) -> FeedCursor:
    cursor = sent._replace(position=entries[-1].position)
    return cursor.behind((entry.stamp for entry in entries), len(entries))


class _Watch:
    """One stream."""

    def __init__(
        self, feed: FeedRepository, reader: FeedReader, plan: Plan, request: WatchOrdersRequest, call: Call
    ) -> None:
        self._feed, self._reader, self._plan, self._call = feed, reader, plan, call
        self._cursor = plan.cursor
        self._ends_at_end = request.end_when_caught_up
        self._deadline, self._pace = deadline_of(call), Pace()
        interval = request.bookmark_interval
        self._interval = (
            interval.ToTimedelta().total_seconds() if request.HasField("bookmark_interval") else _DEFAULT_BOOKMARK
        )
        self._bookmark_due = time.monotonic() + self._interval
        self._has_caught_up = False
        self._ring: Ring | None = None
        self._group: Group | None = None

    async def run(self) -> None:
        with self._reader.watching():
            try:
                await self._run()
            finally:
                self._leave()

    async def _run(self) -> None:
        while (batch := await self._next()) is not None:
            if not await self._send(batch):
                break
            if batch.caught_up and self._ends_at_end:
                return
        await self._write([], self._cursor, truncated=True)

    async def _next(self) -> Batch | None:
        """The next changes or a bookmark; None if the stream ends: the deadline is near, or the caller too slow."""
        while self._pace.can_drain_by(self._deadline) and not self._reader.is_closed:
            batch = await self._take()
            if batch is None or batch.entries or self._is_due(batch):
                return batch
            self._cursor = batch.cursor
            if batch.caught_up:
                await self._wait()
        return None

    def _is_due(self, batch: Batch) -> bool:
        """Whether to send a batch without changes, as a bookmark."""
        return time.monotonic() >= self._bookmark_due or (batch.caught_up and not self._has_caught_up)

    async def _take(self) -> Batch | None:
        """The next changes, if any, from the ring or the database; None if the ring no longer has them, or the database is late."""
        if self._group is not None and self._ring is not None and self._reader.is_current(self._ring):
            try:
                return self._take_from_ring(self._ring, self._group)
            except FellBehind:
                return None
        self._leave()
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()) as limit:
                return await self._read()
        except TimeoutError:
            if not limit.expired():
                raise
            return None

    async def _read(self) -> Batch:
        """The next changes from the database; at their end, joins the ring."""
        self._ring = ring = await self._reader.started()
        batch = await read_batch(self._feed, self._plan, self._cursor, limit=_AT_ONCE)
        if batch.caught_up and not batch.cursor.unseen_by:
            self._group = self._reader.join(ring, self._plan.selection, batch.cursor.position)
        return batch

    def _take_from_ring(self, ring: Ring, group: Group) -> Batch:
        entries, until = ring.take(group, self._cursor.position, _AT_ONCE)
        return Batch(entries, self._cursor._replace(position=until), until >= ring.head)

    async def _wait(self) -> None:
        """Waits until there may be changes, or a bookmark is due."""
        ring = self._ring
        assert ring is not None
        if self._group is None and ring.head > self._cursor.position:
            return
        waiting = (self._group or ring).waiting
        future = asyncio.get_running_loop().create_future()
        waiting.add(future)
        try:
            until = min(self._bookmark_due, self._deadline)
            async with asyncio.timeout(max(0.0, until - time.monotonic())) as limit:
                await future
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            waiting.discard(future)

    async def _send(self, batch: Batch) -> bool:
        """Writes a batch; False if the caller is too slow to read all of it before the deadline."""
        is_whole = False
        while not is_whole:
            if not self._pace.can_drain_by(self._deadline):
                return False
            bodies, cursor, is_whole = await _fitting(self._plan, batch, self._cursor, max_bytes=_MESSAGE_BYTES)
            await self._write(bodies, cursor, caught_up=batch.caught_up and is_whole)
            batch = batch._replace(entries=[e for e in batch.entries if e.position > cursor.position])
        self._has_caught_up |= batch.caught_up
        return True

    async def _write(
        self, bodies: list[bytes], cursor: FeedCursor, *, caught_up: bool = False, truncated: bool = False
    ) -> None:
        await self._call.check_caller()
        rest = WatchOrdersResponse(
            resume_token=feed_tokens.encode(cursor),
            caught_up=caught_up,
            truncated=truncated,
            count=cursor.sent,
            checksum=cursor.checksum,
        )
        message = wire.with_records(rest, bodies)
        began = time.monotonic()
        await self._call.write(message)
        self._pace.record(len(message), began)
        self._cursor = cursor
        self._bookmark_due = time.monotonic() + self._interval

    def _leave(self) -> None:
        if self._group is not None and self._ring is not None:
            self._ring.leave(self._group)
        self._group = None
