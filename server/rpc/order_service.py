"""orders.v1.OrderService."""

from collections.abc import Sequence

from google.protobuf.message import Message
from orders.v1.order_pb2 import Order, Tracking
from orders.v1.order_service_pb2 import (
    BatchGetOrdersRequest,
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrderEventsResponse,
    ListOrdersRequest,
    RecordTrackingEventRequest,
    SearchOrdersRequest,
    TrackOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain import tokens
from server.domain.errors import invalid_field
from server.domain.tracking import track
from server.rpc import listing, wire
from server.rpc.endpoint import Call
from server.rpc.writes import execute
from server.storage.database import Database
from server.storage.orders import OrderRepository
from server.storage.writer import Writer


class OrderServicer:
    """Each method checks what its proto cannot say, makes one call and returns."""

    def __init__(self, *, writer: Writer, orders: OrderRepository, database: Database) -> None:
        self._writer, self._orders, self._database = writer, orders, database

    async def CreateOrder(self, request: CreateOrderRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def GetOrder(self, request: GetOrderRequest, call: Call) -> bytes:
        return await self._orders.get(request.order_id)

    async def BatchGetOrders(self, request: BatchGetOrdersRequest, call: Call) -> bytes:
        found = await self._orders.find(request.order_ids)
        missing = [name.encode() for name, order in zip(request.order_ids, found, strict=True) if order is None]
        orders = [order for order in found if order is not None]
        return b"".join([*wire.repeated(1, orders), *wire.repeated(2, missing)])

    async def ListOrders(self, request: ListOrdersRequest, call: Call) -> None:
        await listing.stream(self._database, request, call)

    async def SearchOrders(self, request: SearchOrdersRequest, call: Call) -> bytes:
        return await listing.search(self._database, request)

    async def UpdateOrder(self, request: UpdateOrderRequest, call: Call) -> bytes:
        if not request.order.order_id:
            raise invalid_field("order.order_id", "is required")
        return await execute(self._writer, request, call)

    async def TransitionOrder(self, request: TransitionOrderRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def CancelOrder(self, request: CancelOrderRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def TrackOrder(self, request: TrackOrderRequest, call: Call) -> Tracking:
        snapshot, events = await self._orders.with_events(request.order_id)
        return track(Order.FromString(snapshot), events)

    async def RecordTrackingEvent(self, request: RecordTrackingEventRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def BatchUpsertOrders(self, request: BatchUpsertOrdersRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def ListOrderEvents(self, request: ListOrderEventsRequest, call: Call) -> ListOrderEventsResponse:
        query = ListOrderEventsRequest(order_id=request.order_id)
        size = request.page_size or 100
        after = _after(request.page_token, query)
        events = await self._orders.events(request.order_id, after=after, limit=size + 1)
        return ListOrderEventsResponse(events=events[:size], next_page_token=_next(query, events, size))


def _after(token: str, query: ListOrderEventsRequest) -> int:
    return int(tokens.decode(token, query, shape=(int,), field="page_token")[0]) if token else 0


def _next(query: ListOrderEventsRequest, events: Sequence[Message], size: int) -> str:
    return tokens.encode(query, [events[size - 1].version]) if len(events) > size else ""  # type: ignore[attr-defined]
