"""orders.v1.OrderService."""

from orders.v1.invoice_pb2 import Invoice
from orders.v1.order_pb2 import Order, Tracking
from orders.v1.order_service_pb2 import (
    BatchGetOrdersRequest,
    DiffOrderRequest,
    DiffOrderResponse,
    ExplainOrderRequest,
    ExplainOrderResponse,
    GetInvoiceRequest,
    GetOrderRequest,
    GetRequestRequest,
    GetRequestResponse,
    ListOrderEventsRequest,
    ListOrderEventsResponse,
    ListOrdersRequest,
    SearchOrdersRequest,
    TrackOrderRequest,
)

from server.domain.base.idempotency import scope_of
from server.domain.fulfilment.tracking import track
from server.domain.lifecycle.explain import explain_order
from server.rpc import listing
from server.rpc.batch_get import batch_get
from server.rpc.endpoint import Call
from server.rpc.paging import read_page
from server.rpc.streaming import Streams
from server.rpc.versions import get_version
from server.storage.read.history import HistoryRepository
from server.storage.read.invoices import InvoiceRepository
from server.storage.read.lists import ListRepository
from server.storage.read.orders import OrderRepository
from server.storage.read.requests import RequestRepository


class OrderServicer:
    """The reads of the service. Each makes one call and returns."""

    def __init__(
        self,
        *,
        orders: OrderRepository,
        history: HistoryRepository,
        requests: RequestRepository,
        invoices: InvoiceRepository,
        lists: ListRepository,
    ) -> None:
        self._orders, self._invoices, self._lists = orders, invoices, lists
        self._history, self._requests = history, requests
        self._streams = Streams()

    async def GetOrder(self, request: GetOrderRequest, call: Call) -> Order | bytes:
        if request.show_provenance or request.WhichOneof("as_of"):
            return await get_version(self._orders, self._history, request, call)
        return await self._orders.get(call.reference(request.order_id))

    async def DiffOrder(self, request: DiffOrderRequest, call: Call) -> DiffOrderResponse:
        versions = {"from_version": request.from_version, "to_version": request.to_version}
        return await self._history.diff(call.reference(request.order_id), **versions)

    async def GetRequest(self, request: GetRequestRequest, call: Call) -> GetRequestResponse:
        return await self._requests.get(scope_of(call.caller), request.request_id)

    async def BatchGetOrders(self, request: BatchGetOrdersRequest, call: Call) -> bytes:
        return await batch_get(self._orders, request, call)

    async def ListOrders(self, request: ListOrdersRequest, call: Call) -> None:
        await listing.stream(self._lists, request, call, self._streams)

    async def SearchOrders(self, request: SearchOrdersRequest, call: Call) -> bytes:
        return await listing.search(self._lists, request)

    async def TrackOrder(self, request: TrackOrderRequest, call: Call) -> Tracking:
        snapshot, events = await self._orders.with_tracking(call.reference(request.order_id))
        return track(Order.FromString(snapshot), events)

    async def GetInvoice(self, request: GetInvoiceRequest, call: Call) -> Invoice:
        return await self._invoices.get(call.reference(request.order_id))

    async def ExplainOrder(self, request: ExplainOrderRequest, call: Call) -> ExplainOrderResponse:
        order = Order.FromString(await self._orders.get(call.reference(request.order_id)))
        return explain_order(order, call.caller)

    async def ListOrderEvents(self, request: ListOrderEventsRequest, call: Call) -> bytes:
        order = call.reference(request.order_id)
        return await read_page(
            request,
            ListOrderEventsRequest(order_id=request.order_id),
            ListOrderEventsResponse(),
            first=0,
            read=lambda after, limit: self._orders.events(order, after=after, limit=limit),
            key_of=lambda event: int(event.version),
        )
