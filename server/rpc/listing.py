"""ListOrders and SearchOrders: pages of stored orders, joined into messages without being taken apart."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import (
    ORDER_BY_TOTAL,
    ListOrdersRequest,
    ListOrdersResponse,
    SearchOrdersRequest,
    SearchOrdersResponse,
)

from server.domain.base import page_tokens as tokens
from server.domain.base.errors import invalid_field
from server.domain.base.money import to_minor
from server.domain.base.page_tokens import token_invalid
from server.rpc import wire
from server.rpc.endpoint import Call
from server.rpc.paging import fitting
from server.storage.read.lists import Began, Listing, ListRepository, Page, Position

_DEFAULT_LIST_PAGE = 100
_DEFAULT_SEARCH_PAGE = 20
# Bytes of orders in a message. Larger ones are no faster, and wait in memory for readers who do not keep up.
_MAX_MESSAGE = 1 << 17
# Left for the last message to arrive in before the deadline, in seconds.
_MARGIN = 0.25
# Messages and orders that are read at once for a reader who keeps up: a query costs as much as some hundred orders.
_MESSAGES_AT_ONCE, _ORDERS_AT_ONCE = 5, 500
# Pages that are read ahead, over all streams: each waits in memory for as long as its reader takes.
_AHEAD = asyncio.Semaphore(8)
# Seconds within which a message is taken by a reader who keeps up.
_QUICK = 0.02

# How the sort key stands in a token; a time where nothing else is said.
_KEY_SHAPES = {ORDER_BY_TOTAL: (str, int)}
_SNAPSHOT = re.compile(r"\d{1,19}:\d{1,19}:[\d,]*")


class Cursor(NamedTuple):
    """Where a list goes on: what it saw when it began, the last order delivered, and how many have been."""

    began: Began
    after: Position | None
    delivered: int

    def behind(self, page: Page) -> "Cursor":
        """Where the list goes on after a page of it."""
        return self._replace(after=page.end, delivered=self.delivered + len(page.rows))


async def stream(lists: ListRepository, request: ListOrdersRequest, call: Call) -> None:
    """Writes the list's messages until its end, its limit, or shortly before the caller's deadline."""
    query = ListOrdersRequest(
        filter=request.filter, order_by=request.order_by, sort_order=request.sort_order, limit=request.limit
    )
    deadline = _deadline(call)
    listing = _listing(request)
    cursor = await _start(lists, request.resume_token, query, field="resume_token")
    if cursor is None:
        await call.write(_message([], complete=True))
        return
    size = request.page_size or _DEFAULT_LIST_PAGE
    pages = _Pages(lists, listing, size=size, limit=request.limit)
    async with contextlib.aclosing(pages.after(cursor)) as found:
        async for page, more in found:
            empty = not page.rows
            while page.rows:
                await call.check_caller()
                chunk = _take_chunk(page, size)
                cursor = cursor.behind(chunk)
                complete = not page.rows and not more
                message = _message(chunk.orders, _encode(query, cursor), complete=complete)
                # While a slow reader takes the message, the rows that it was made of need not wait with it.
                chunk.rows.clear()
                began = time.monotonic()
                await call.write(message)
                pages.ahead = time.monotonic() - began < _QUICK
                if not complete and time.monotonic() > deadline:
                    await call.write(_message([], _encode(query, cursor), truncated=True))
                    return
            if empty:
                await call.write(_message([], complete=True))


def _deadline(call: Call) -> float:
    remaining = call.time_remaining()
    return time.monotonic() + remaining - min(_MARGIN, remaining / 4)


class _Pages:
    """The pages of a list. While `ahead` is set, for a reader who keeps up, they are large, and one is read while another is written."""

    def __init__(self, lists: ListRepository, listing: Listing, *, size: int, limit: int) -> None:
        self._lists, self._listing, self._size, self._limit = lists, listing, size, limit
        self.ahead = False

    async def after(self, cursor: Cursor) -> AsyncGenerator[tuple[Page, bool]]:
        """Each page, and whether anything follows it; at least one page."""
        page, more = await self._read(cursor)
        while more:
            cursor = cursor.behind(page)
            following = await self._read_ahead(cursor)
            try:
                yield page, more
                page, more = await (following or self._read(cursor))
            finally:
                if following is not None:
                    _AHEAD.release()
                    following.cancel()
                    # Whatever became of it: nobody wants to know any more.
                    await asyncio.gather(following, return_exceptions=True)
        yield page, more

    async def _read_ahead(self, cursor: Cursor) -> asyncio.Task[tuple[Page, bool]] | None:
        if not self.ahead or _AHEAD.locked():
            return None
        await _AHEAD.acquire()
        return asyncio.create_task(self._read(cursor))

    async def _read(self, cursor: Cursor) -> tuple[Page, bool]:
        size = self._size
        if self.ahead:
            size = max(size, min(_MESSAGES_AT_ONCE * size, _ORDERS_AT_ONCE))
        if self._limit:
            size = min(size, self._limit - cursor.delivered)
        if size <= 0:
            return Page(self._listing.key, []), False
        found = await self._lists.page(self._listing, cursor.began, cursor.after, size=size + 1)
        page = found.take(size)
        return page, bool(found.rows) and (not self._limit or cursor.delivered + size < self._limit)


def _take_chunk(page: Page, size: int) -> Page:
    """Takes from the page the first orders, one at least and `size` at most, that fit into a message."""
    count, room = 0, _MAX_MESSAGE
    for order in islice(page.orders, size):
        room -= len(order)
        if room < 0 and count:
            break
        count += 1
    return page.take(count)


def _message(orders: Iterable[bytes], token: str = "", *, truncated: bool = False, complete: bool = False) -> bytes:
    rest = ListOrdersResponse(resume_token=token, truncated=truncated, complete=complete)
    return b"".join([*wire.repeated(1, orders), rest.SerializeToString()])


async def search(lists: ListRepository, request: SearchOrdersRequest) -> bytes:
    """The answer of SearchOrders, serialized."""
    listing = _listing(request)
    query = SearchOrdersRequest(filter=request.filter, order_by=request.order_by, sort_order=request.sort_order)
    cursor = await _start(lists, request.page_token, query, field="page_token")
    if cursor is None:
        return b""
    size = request.page_size or _DEFAULT_SEARCH_PAGE
    found = await lists.page(listing, cursor.began, cursor.after, size=size + 1, skip=request.skip)
    orders = fitting(Order, islice(found.orders, size))
    page = found.take(len(orders))
    token = _encode(query, cursor.behind(page)) if found.rows else ""
    counted = await lists.count(request.filter)
    rest = SearchOrdersResponse(next_page_token=token, total_size=counted.total, total_size_estimated=counted.estimated)
    return wire.with_records(rest, orders)


def _listing(request: ListOrdersRequest | SearchOrdersRequest) -> Listing:
    wanted = request.filter
    for name in ("total_from", "total_to"):
        if wanted.HasField(name):
            to_minor(getattr(wanted, name), field=f"filter.{name}")
    for name in ("create_time", "update_time"):
        low, high = f"{name}_from", f"{name}_to"
        given = wanted.HasField(low) and wanted.HasField(high)
        if given and getattr(wanted, low).ToNanoseconds() > getattr(wanted, high).ToNanoseconds():
            raise invalid_field(f"filter.{low}", f"is after {high}")
    return Listing(filter=wanted, order_by=request.order_by, sort_order=request.sort_order)


async def _start(lists: ListRepository, token: str, query: Any, *, field: str) -> Cursor | None:
    """The cursor in the token, or one at the beginning; None if there is nothing to list."""
    if not token:
        began = await lists.begin()
        return None if began is None else Cursor(began, None, 0)
    try:
        shape = (str, str, str, int, *_KEY_SHAPES.get(query.order_by, (dict,)))
        snapshot, newest, order_id, delivered, *key = tokens.decode(token, query, shape=shape, field=field)
        if not _SNAPSHOT.fullmatch(snapshot) or str(UUID(order_id)) != order_id:
            raise token_invalid(field)
        began = Began(snapshot, datetime.fromisoformat(newest))
        return Cursor(began, Position(tuple(map(_from_json, key)), order_id), delivered)
    except (ValueError, TypeError, KeyError) as error:
        raise token_invalid(field) from error


def _encode(query: Any, cursor: Cursor) -> str:
    assert cursor.after is not None
    key = [_to_json(value) for value in cursor.after.key]
    began = cursor.began
    return tokens.encode(
        query, [began.snapshot, began.newest.isoformat(), cursor.after.order_id, cursor.delivered, *key]
    )


def _to_json(value: Any) -> Any:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


def _from_json(value: Any) -> Any:
    return datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value
