"""ReconcileOrders: merges the caller's orders with the stored ones, both by ascending id, a message at a time."""

import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID

from orders.v1.order_change_pb2 import (
    ORDER_DIFFERENCE_KIND_DIFFERS,
    ORDER_DIFFERENCE_KIND_EXTRA,
    ORDER_DIFFERENCE_KIND_MISSING,
    OrderDifference,
    OrderState,
)
from orders.v1.order_service_pb2 import OrderFilter, ReconcileOrdersRequest, ReconcileOrdersResponse

from server.domain.base.errors import invalid_field
from server.domain.base.order_filters import check_filter
from server.rpc import feed_tokens
from server.rpc.endpoint import Call
from server.rpc.feed_tokens import FeedCursor, stamp
from server.storage.read.lists import ListRepository
from server.storage.read.states import LAST_ID, StateRepository, StoredState
from server.storage.references import BEFORE_ALL

# Stored orders of one read.
_AT_ONCE = 1_000


async def reconcile(
    states: StateRepository, lists: ListRepository, requests: AsyncIterator[ReconcileOrdersRequest], call: Call
) -> None:
    """Writes each difference when it is found, and the end of the comparison."""
    began = await lists.begin()
    comparison: _Comparison | None = None
    async for request in requests:
        if comparison is None:
            check_filter(request.filter)
            after = request.after_order_id and _checked(request.after_order_id, "after_order_id")
            comparison = _Comparison(states, request.filter, call, after=after or BEFORE_ALL)
        if request.orders:
            await comparison.compare(request.orders)
    comparison = comparison or _Comparison(states, OrderFilter(customer_id=call.caller.confined_to), call, BEFORE_ALL)
    await comparison.finish(FeedCursor(began.position, began.history))


class _Comparison:
    def __init__(self, states: StateRepository, wanted: OrderFilter, call: Call, after: str) -> None:
        self._states, self._filter, self._call = states, wanted, call
        self._last, self._count, self._checksum = after, 0, 0

    async def compare(self, orders: Sequence[OrderState]) -> None:
        """Compares the caller's next orders with those stored up to the last of them."""
        for index, order in enumerate(orders):
            _checked(order.order_id, f"orders[{index}].order_id")
            before = orders[index - 1].order_id if index else self._last
            if order.order_id <= before:
                raise invalid_field(f"orders[{index}].order_id", f"must be greater than {before}")
        await self._merge(orders, until=orders[-1].order_id)

    async def finish(self, cursor: FeedCursor) -> None:
        """Reports the stored orders that are left, and ends the stream."""
        await self._merge([], until=LAST_ID)
        end = self._message([])
        end.complete, end.resume_token = True, feed_tokens.encode(cursor)
        await self._call.write(end.SerializeToString())

    async def _merge(self, orders: Sequence[OrderState], *, until: str) -> None:
        hashes = any(order.event_hash for order in orders)
        while self._last < until:
            page = await self._states.page(self._filter, after=self._last, until=until, limit=_AT_ONCE, hashes=hashes)
            end = page[-1].order_id if len(page) == _AT_ONCE else until
            here = [order for order in orders if self._last < order.order_id <= end]
            self._checksum = zlib.crc32(b"".join(stamp(s.order_id, s.version) for s in page), self._checksum)
            self._count += len(page)
            self._last = end
            if differences := list(_differences(here, page)):
                await self._call.check_caller()
                await self._call.write(self._message(differences).SerializeToString())

    def _message(self, differences: Sequence[OrderDifference]) -> ReconcileOrdersResponse:
        return ReconcileOrdersResponse(
            differences=differences, last_order_id=self._last, count=self._count, checksum=self._checksum
        )


def _checked(order_id: str, field: str) -> str:
    try:
        if str(UUID(order_id)) == order_id:
            return order_id
    except ValueError:
        pass
    raise invalid_field(field, "is not an order id, which is a UUID in lower case")


def _differences(orders: Sequence[OrderState], stored: Sequence[StoredState]) -> Iterator[OrderDifference]:
    """The differences of a range of ids."""
    theirs, ours = {order.order_id: order for order in orders}, {state.order_id: state for state in stored}
    for order_id in sorted(theirs.keys() | ours.keys()):
        their, our = theirs.get(order_id), ours.get(order_id)
        if our is None:
            yield OrderDifference(order_id=order_id, kind=ORDER_DIFFERENCE_KIND_EXTRA)
        elif their is None:
            yield OrderDifference(order_id=order_id, kind=ORDER_DIFFERENCE_KIND_MISSING, version=our.version)
        elif not _is_same(their, our):
            yield OrderDifference(order_id=order_id, kind=ORDER_DIFFERENCE_KIND_DIFFERS, version=our.version)


def _is_same(their: OrderState, our: StoredState) -> bool:
    if their.event_hash:
        return bool(their.event_hash == our.event_hash)
    return bool(their.version == our.version)
