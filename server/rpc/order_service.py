"""orders.v1.OrderService."""

from collections.abc import AsyncIterator

from orders.v1.accounting_pb2 import (
    ListInvoicesRequest,
    ListInvoicesResponse,
    ListPaymentsRequest,
    ListPaymentsResponse,
    ListRefundsRequest,
    ListRefundsResponse,
)
from orders.v1.invoice_pb2 import Invoice
from orders.v1.order_change_pb2 import WaitOrderRequest, WaitOrderResponse
from orders.v1.order_pb2 import Order, Support, Tracking
from orders.v1.order_service_pb2 import (
    BatchCancelOrdersRequest,
    BatchCancelOrdersResponse,
    BatchCreateOrdersRequest,
    BatchCreateOrdersResponse,
    BatchGetOrdersRequest,
    BatchTransitionOrdersRequest,
    BatchTransitionOrdersResponse,
    DiffOrderRequest,
    DiffOrderResponse,
    ExplainOrderRequest,
    ExplainOrderResponse,
    ExplainPriceRequest,
    ExplainPriceResponse,
    GetInvoiceRequest,
    GetOrderRequest,
    GetRequestRequest,
    GetRequestResponse,
    ListOrderChangesRequest,
    ListOrderEventsRequest,
    ListOrderEventsResponse,
    ListOrdersRequest,
    ReconcileOrdersRequest,
    SearchOrdersRequest,
    SummarizeOrdersRequest,
    SummarizeOrdersResponse,
    TrackOrderRequest,
    WatchOrdersRequest,
)

from server.domain.base.idempotency import scope_of
from server.domain.fulfilment.tracking import track
from server.domain.lifecycle.explain import explain_order
from server.domain.pricing.price_steps import explain_price
from server.rpc import listing
from server.rpc.accounting import Accounting
from server.rpc.batch_get import batch_get
from server.rpc.batch_writes import BatchWrites
from server.rpc.endpoint import Call
from server.rpc.paging import read_page
from server.rpc.read_masks import picker
from server.rpc.reconciling import reconcile
from server.rpc.streaming import Streams
from server.rpc.summaries import summarize
from server.rpc.versions import get_version
from server.rpc.waiting import Waiting
from server.rpc.watching import Watching, refuse_customers
from server.storage.consumers import ConsumerRepository
from server.storage.read.history import HistoryRepository
from server.storage.read.invoices import InvoiceRepository
from server.storage.read.lists import ListRepository
from server.storage.read.orders import OrderRepository
from server.storage.read.requests import RequestRepository
from server.storage.read.states import StateRepository
from server.storage.read.summaries import SummaryRepository


class OrderServicer:
    """The methods of the service that are not operations. Each makes one call and returns."""

    def __init__(
        self,
        *,
        orders: OrderRepository,
        history: HistoryRepository,
        requests: RequestRepository,
        invoices: InvoiceRepository,
        accounting: Accounting,
        lists: ListRepository,
        watching: Watching,
        waiting: Waiting,
        consumers: ConsumerRepository,
        states: StateRepository,
        batch_writes: BatchWrites,
        summaries: SummaryRepository,
        support: Support,
    ) -> None:
        self._orders, self._invoices, self._lists = orders, invoices, lists
        self._accounting = accounting
        self._history, self._requests = history, requests
        self._watching, self._waiting, self._consumers, self._states = watching, waiting, consumers, states
        self._batch_writes, self._summaries, self._streams = batch_writes, summaries, Streams()
        self._support = support

    async def GetOrder(self, request: GetOrderRequest, call: Call) -> bytes:
        pick = picker(request.read_mask)
        if request.show_provenance or request.WhichOneof("as_of"):
            order = (await get_version(self._orders, self._history, request, call)).SerializeToString()
        else:
            order = await self._orders.get(call.reference(request.order_id))
        if request.show_consumers:
            order = await self._with_consumers(order, call)
        return order if pick is None else pick(order)

    async def _with_consumers(self, order: bytes, call: Call) -> bytes:
        """The order, with the version that each durable consumer has acknowledged."""
        refuse_customers(call)
        known = await self._consumers.acknowledged(Order.FromString(order).order_id)
        return order + Order(consumers=[each._asdict() for each in known]).SerializeToString()

    async def DiffOrder(self, request: DiffOrderRequest, call: Call) -> DiffOrderResponse:
        versions = {"from_version": request.from_version, "to_version": request.to_version}
        return await self._history.diff(call.reference(request.order_id), **versions)

    async def GetRequest(self, request: GetRequestRequest, call: Call) -> GetRequestResponse:
        return await self._requests.get(scope_of(call.caller), request.request_id)

    async def BatchGetOrders(self, request: BatchGetOrdersRequest, call: Call) -> bytes:
        return await batch_get(self._orders, request, call)

    async def BatchCreateOrders(self, request: BatchCreateOrdersRequest, call: Call) -> BatchCreateOrdersResponse:
        return await self._batch_writes.create(request, call)

    async def BatchTransitionOrders(
        self, request: BatchTransitionOrdersRequest, call: Call
    ) -> BatchTransitionOrdersResponse:
        return await self._batch_writes.transition(request, call)

    async def BatchCancelOrders(self, request: BatchCancelOrdersRequest, call: Call) -> BatchCancelOrdersResponse:
        return await self._batch_writes.cancel(request, call)

    async def ListOrders(self, request: ListOrdersRequest, call: Call) -> None:
        await listing.stream(self._lists, request, call, self._streams)

    async def SearchOrders(self, request: SearchOrdersRequest, call: Call) -> bytes:
        return await listing.search(self._lists, request)

    async def SummarizeOrders(self, request: SummarizeOrdersRequest, call: Call) -> SummarizeOrdersResponse:
        return await summarize(self._summaries, request)

    async def WatchOrders(self, request: WatchOrdersRequest, call: Call) -> None:
        await self._watching.stream(request, call)

    async def ListOrderChanges(self, request: ListOrderChangesRequest, call: Call) -> bytes:
        return await self._watching.page(request, call)

    async def ReconcileOrders(self, requests: AsyncIterator[ReconcileOrdersRequest], call: Call) -> None:
        await reconcile(self._states, self._lists, requests, call)

    async def WaitOrder(self, request: WaitOrderRequest, call: Call) -> WaitOrderResponse:
        return await self._waiting.wait(request, call)

    async def TrackOrder(self, request: TrackOrderRequest, call: Call) -> Tracking:
        snapshot, events = await self._orders.with_tracking(call.reference(request.order_id))
        return track(Order.FromString(snapshot), events, self._support)

    async def GetInvoice(self, request: GetInvoiceRequest, call: Call) -> Invoice:
        return await self._invoices.find(call.reference(request.order_id))

    async def ListInvoices(self, request: ListInvoicesRequest, call: Call) -> ListInvoicesResponse:
        return await self._accounting.list_invoices(request)

    async def ListPayments(self, request: ListPaymentsRequest, call: Call) -> ListPaymentsResponse:
        return await self._accounting.list_payments(request)

    async def ListRefunds(self, request: ListRefundsRequest, call: Call) -> ListRefundsResponse:
        return await self._accounting.list_refunds(request)

    async def ExplainOrder(self, request: ExplainOrderRequest, call: Call) -> ExplainOrderResponse:
        order = Order.FromString(await self._orders.get(call.reference(request.order_id)))
        return explain_order(order, call.caller)

    async def ExplainPrice(self, request: ExplainPriceRequest, call: Call) -> ExplainPriceResponse:
        return explain_price(Order.FromString(await self._orders.get(call.reference(request.order_id))))

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
