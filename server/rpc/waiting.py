"""WaitOrder: answers once an order meets a condition, or shortly before the deadline."""

import asyncio
import time

from orders.v1.order_change_pb2 import WaitOrderRequest, WaitOrderResponse
from orders.v1.order_pb2 import Order

from server.domain.base.errors import invalid_field
from server.domain.lifecycle.waiting import check_reachable, open_condition
from server.feed.reader import FeedReader
from server.rpc.endpoint import Call
from server.rpc.streaming import deadline_of
from server.storage.read.orders import OrderRepository
from server.storage.references import Reference

# Events of one read.
_AT_ONCE = 100


class Waiting:
    """Waits for orders."""

    def __init__(self, *, orders: OrderRepository, reader: FeedReader) -> None:
        self._orders, self._reader = orders, reader

    async def wait(self, request: WaitOrderRequest, call: Call) -> WaitOrderResponse:
        """The order when it meets the condition; without `reached` if it does not before the deadline."""
        if bool(request.statuses) == bool(request.version):
            raise invalid_field("statuses", "set either statuses or version")
        until, reference = deadline_of(call), call.reference(request.order_id)
        order = await self._look(reference)
        seen = order.version
        with self._reader.watching():
            while True:
                if await self._is_met(order, request, reference, seen):
                    return WaitOrderResponse(order=order, reached=True)
                check_reachable(order, request.statuses)
                seen = order.version
                if not await self._changed(order, until):
                    text = open_condition(order, request.statuses, request.version, call.caller)
                    return WaitOrderResponse(order=order, waiting_for=text)
                order = await self._look(reference)

    async def _look(self, reference: Reference) -> Order:
        return Order.FromString(await self._orders.get(reference))

    async def _is_met(self, order: Order, request: WaitOrderRequest, reference: Reference, seen: int) -> bool:
        """Whether the order meets the condition, or met it since the last seen version."""
        if request.version:
            return bool(order.version >= request.version)
        if order.status in request.statuses:
            return True
        if order.version == seen:
            return False
        events = await self._orders.events(reference, after=seen, limit=_AT_ONCE)
        return any(event.to_status in request.statuses for event in events)

    async def _changed(self, order: Order, until: float) -> bool:
        """Waits until the order has a later version; False at the deadline, or if the server stops."""
        try:
            async with asyncio.timeout(until - time.monotonic()):
                while not self._reader.is_closed:
                    ring = await self._reader.started()
                    with ring.waiting_for(order.order_id) as change:
                        # Changes committed before the wait began did not wake it.
                        newest = await self._look(Reference(order.order_id, ""))
                        if newest.version > order.version:
                            return True
                        await change
        except TimeoutError:
            pass
        return False
