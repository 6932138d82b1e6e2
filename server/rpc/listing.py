"""ListOrders and SearchOrders: pages of stored orders, joined into messages without decoding them."""

from collections.abc import Iterable, Sequence

from orders.v1.order_service_pb2 import (
    ListOrdersRequest,
    ListOrdersResponse,
    SearchOrdersRequest,
    SearchOrdersResponse,
)

from server.domain.base.order_filters import check_filter
from server.domain.base.sizes import MAX_PAGE
from server.rpc import feed_tokens, list_cursor, wire
from server.rpc.endpoint import Call
from server.rpc.feed_tokens import FeedCursor
from server.rpc.list_cursor import Cursor, Query
from server.rpc.read_masks import ReadMask, list_mask
from server.rpc.streaming import Room, Streams
from server.storage.read.lists import Listing, ListRepository, Page

_DEFAULT_LIST_PAGE = 100
_DEFAULT_SEARCH_PAGE = 20


async def stream(lists: ListRepository, request: ListOrdersRequest, call: Call, streams: Streams) -> None:
    """Writes the list's messages until its end, its limit, or shortly before the caller's deadline."""
    query = ListOrdersRequest(
        filter=request.filter, order_by=request.order_by, sort_order=request.sort_order, limit=request.limit
    )
    listing, mask = _listing(request), list_mask(request.read_mask)
    if feed_tokens.is_token(request.resume_token):
        # The token of a list's last message: no orders remain.
        rest = ListOrdersResponse(resume_token=request.resume_token, complete=True)
        await call.write(rest.SerializeToString())
        return
    async with streams.reads:
        cursor = await _start(lists, request.resume_token, query, field="resume_token")
    if cursor.began.newest is None or 0 < request.limit <= cursor.delivered:
        await call.write(_finished(cursor, query, limit_reached=cursor.began.newest is not None))
        return
    orders = _Orders(lists, listing, query, mask)
    await streams.deliver(orders, cursor, call, entries_per_message=request.page_size or _DEFAULT_LIST_PAGE)


class _Orders:
    """The orders of a list, as a stream delivers them."""

    def __init__(self, lists: ListRepository, listing: Listing, query: ListOrdersRequest, mask: ReadMask) -> None:
        """`query` identifies the list to which tokens belong."""
        self._lists, self._listing, self._query, self._mask = lists, listing, query, mask
        # Whether orders remain after the last page within the limit.
        self._is_cut = False

    async def read(self, cursor: Cursor, room: Room) -> Page:
        left = self._query.limit - cursor.delivered if self._query.limit else room.entries
        page = await self._lists.page(
            self._listing,
            cursor.began,
            cursor.after,
            size=min(room.entries, left),
            max_bytes=room.size,
            **self._mask._asdict(),
        )
        self._is_cut = page.more and 0 < self._query.limit <= cursor.delivered + len(page)
        page.more = page.more and not self._is_cut
        return page

    def advance(self, cursor: Cursor, page: Page) -> Cursor:
        return cursor.behind(page).with_checksum_of(page)

    def message(
        self, entries: Sequence[bytes], cursor: Cursor, *, truncated: bool = False, complete: bool = False
    ) -> bytes:
        if complete:
            return _finished(cursor, self._query, entries, limit_reached=self._is_cut)
        token = list_cursor.encode(self._query, cursor) if entries or truncated else ""
        return _message(entries, token, cursor, truncated=truncated)


def _finished(cursor: Cursor, query: ListOrdersRequest, orders: Sequence[bytes] = (), *, limit_reached: bool) -> bytes:
    """The last message. An unlimited list is complete, so changes can be followed from its cursor."""
    if limit_reached:
        token = list_cursor.encode(query, cursor) if orders else ""
        return _message(orders, token, cursor, limit_reached=True)
    began = cursor.began
    following = FeedCursor(began.position, began.history, unseen_by=began.snapshot)
    return _message(orders, feed_tokens.encode(following), cursor, complete=True)


def _message(
    orders: Iterable[bytes],
    token: str,
    cursor: Cursor,
    *,
    truncated: bool = False,
    complete: bool = False,
    limit_reached: bool = False,
) -> bytes:
    rest = ListOrdersResponse(
        resume_token=token,
        truncated=truncated,
        complete=complete,
        limit_reached=limit_reached,
        count=cursor.delivered,
        checksum=cursor.checksum,
    )
    return wire.with_records(rest, orders)


async def search(lists: ListRepository, request: SearchOrdersRequest) -> bytes:
    """The answer of SearchOrders, serialized."""
    listing, mask = _listing(request), list_mask(request.read_mask)
    query = SearchOrdersRequest(filter=request.filter, order_by=request.order_by, sort_order=request.sort_order)
    cursor = await _start(lists, request.page_token, query, field="page_token")
    if cursor.began.newest is None:
        return b""
    size = request.page_size or _DEFAULT_SEARCH_PAGE
    page = await lists.page(
        listing,
        cursor.began,
        cursor.after,
        size=size,
        skip=request.skip,
        max_bytes=MAX_PAGE,
        backward=cursor.backward,
        **mask._asdict(),
    )
    counted = await lists.count(request.filter)
    rest = SearchOrdersResponse(total_size=counted.total, total_size_estimated=counted.estimated)
    if page.more or (cursor.backward and len(page)):
        rest.next_page_token = list_cursor.encode(query, cursor.behind(page))
    if len(page) and (page.more if cursor.backward else cursor.after or request.skip):
        rest.previous_page_token = list_cursor.encode(query, cursor.before(page))
    return wire.with_records(rest, page)


def _listing(request: ListOrdersRequest | SearchOrdersRequest) -> Listing:
    check_filter(request.filter)
    return Listing(filter=request.filter, order_by=request.order_by, sort_order=request.sort_order)


async def _start(lists: ListRepository, token: str, query: Query, *, field: str) -> Cursor:
    """The cursor in the token, or one at the beginning."""
    if token:
        return list_cursor.decode(token, query, field=field)
    return Cursor(await lists.begin(), None, 0)
