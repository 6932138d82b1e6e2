"""orders.v1.OrderService."""

from orders.v1.invoice_pb2 import Invoice
from orders.v1.order_pb2 import Order, Tracking
from orders.v1.order_service_pb2 import (
    BatchGetOrdersRequest,
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    CreateOrderRequest,
    ExplainOrderRequest,
    ExplainOrderResponse,
    GetInvoiceRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrderEventsResponse,
    ListOrdersRequest,
    PriceOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    ReorderOrderRequest,
    SearchOrdersRequest,
    TrackOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain.base.errors import OrderError, Violation, invalid, invalid_field
from server.domain.fulfilment.tracking import track
from server.domain.lifecycle.explain import explain_order
from server.payments.checkout import Checkout
from server.rpc import listing, wire
from server.rpc.endpoint import Call
from server.rpc.paging import read_page
from server.rpc.streaming import Streams
from server.rpc.writes import carry_out, execute
from server.storage.read.invoices import InvoiceRepository
from server.storage.read.lists import ListRepository
from server.storage.read.orders import OrderRepository
from server.storage.write.writer import Writer


class OrderServicer:
    """Each method checks what its proto cannot say, makes one call and returns."""

    def __init__(
        self,
        *,
        writer: Writer,
        checkout: Checkout,
        orders: OrderRepository,
        invoices: InvoiceRepository,
        lists: ListRepository,
    ) -> None:
        self._writer, self._checkout, self._lists = writer, checkout, lists
        self._orders, self._invoices = orders, invoices
        self._streams = Streams()

    async def CreateOrder(self, request: CreateOrderRequest, call: Call) -> bytes:
        return await carry_out(self._checkout.create, request, call)

    async def PriceOrder(self, request: PriceOrderRequest, call: Call) -> bytes:
        try:
            return await execute(self._writer, request, call)
        except OrderError as error:
            raise _within_order(error) from error

    async def GetOrder(self, request: GetOrderRequest, call: Call) -> bytes:
        return await self._orders.get(call.reference(request.order_id))

    async def BatchGetOrders(self, request: BatchGetOrdersRequest, call: Call) -> bytes:
        found = await self._orders.find([call.reference(order_id) for order_id in request.order_ids])
        missing = [name.encode() for name, order in zip(request.order_ids, found, strict=True) if order is None]
        orders = [order for order in found if order is not None]
        return b"".join([*wire.repeated(1, orders), *wire.repeated(2, missing)])

    async def ListOrders(self, request: ListOrdersRequest, call: Call) -> None:
        await listing.stream(self._lists, request, call, self._streams)

    async def SearchOrders(self, request: SearchOrdersRequest, call: Call) -> bytes:
        return await listing.search(self._lists, request)

    async def UpdateOrder(self, request: UpdateOrderRequest, call: Call) -> bytes:
        if not request.order.order_id:
            raise invalid_field("order.order_id", "is required")
        return await carry_out(self._checkout.update, request, call)

    async def TransitionOrder(self, request: TransitionOrderRequest, call: Call) -> bytes:
        return await carry_out(self._checkout.cancel, request, call)

    async def CancelOrder(self, request: CancelOrderRequest, call: Call) -> bytes:
        return await carry_out(self._checkout.cancel, request, call)

    async def TrackOrder(self, request: TrackOrderRequest, call: Call) -> Tracking:
        snapshot, events = await self._orders.with_story(call.reference(request.order_id))
        return track(Order.FromString(snapshot), events)

    async def RecordTrackingEvent(self, request: RecordTrackingEventRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def BatchUpsertOrders(self, request: BatchUpsertOrdersRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def RecordPayment(self, request: RecordPaymentRequest, call: Call) -> bytes:
        return await carry_out(self._checkout.record, request, call)

    async def RefundOrder(self, request: RefundOrderRequest, call: Call) -> bytes:
        return await carry_out(self._checkout.refund, request, call)

    async def GetInvoice(self, request: GetInvoiceRequest, call: Call) -> Invoice:
        return await self._invoices.get(call.reference(request.order_id))

    async def ReorderOrder(self, request: ReorderOrderRequest, call: Call) -> bytes:
        return await execute(self._writer, request, call)

    async def ExplainOrder(self, request: ExplainOrderRequest, call: Call) -> ExplainOrderResponse:
        order = Order.FromString(await self._orders.get(call.reference(request.order_id)))
        return explain_order(order, call.caller)

    async def ListOrderEvents(self, request: ListOrderEventsRequest, call: Call) -> ListOrderEventsResponse:
        order = call.reference(request.order_id)
        events, token = await read_page(
            request,
            ListOrderEventsRequest(order_id=request.order_id),
            first=0,
            read=lambda after, limit: self._orders.events(order, after=after, limit=limit),
            key_of=lambda event: int(event.version),
        )
        return ListOrderEventsResponse(events=events, next_page_token=token)


def _within_order(error: OrderError) -> OrderError:
    """The same error, its fields named as PriceOrder has them."""
    if error.reason != "INVALID_ORDER_DATA":
        return error
    return invalid(*(Violation(f"order.{field}", description) for field, description in error.violations))
