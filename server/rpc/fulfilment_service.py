"""orders.v1.FulfilmentService: the methods that are not operations, and the orders in the answers of claims."""

from orders.v1.fulfilment_queue_pb2 import (
    ClaimFulfilmentsRequest,
    ClaimFulfilmentsResponse,
    ListFulfilmentsRequest,
    ListFulfilmentsResponse,
)
from orders.v1.fulfilment_service_pb2 import GetPackingSlipRequest, PackingSlip
from orders.v1.order_pb2 import Order

from server.domain.base.sizes import MAX_PAGE
from server.domain.fulfilment.packing_slips import packing_slip
from server.domain.operations import Answer, Command
from server.rpc.endpoint import Call
from server.rpc.operations import Execute
from server.rpc.paging import read_page
from server.storage.read.fulfilments import FulfilmentRepository, position_of
from server.storage.read.orders import OrderRepository
from server.storage.references import Reference


class FulfilmentServicer:
    """The reads of the service."""

    def __init__(self, *, orders: OrderRepository, fulfilments: FulfilmentRepository) -> None:
        self._orders, self._fulfilments = orders, fulfilments

    async def GetPackingSlip(self, request: GetPackingSlipRequest, call: Call) -> PackingSlip:
        order = Order.FromString(await self._orders.get(call.reference(request.order_id)))
        return packing_slip(order, request.shipment_id)

    async def ListFulfilments(self, request: ListFulfilmentsRequest, call: Call) -> bytes:
        query = ListFulfilmentsRequest(filter=request.filter, states=request.states, worker=request.worker)
        return await read_page(
            request,
            query,
            ListFulfilmentsResponse(),
            first="",
            read=lambda after, limit: self._fulfilments.page(request, after=after, limit=limit),
            key_of=position_of,
        )


class ClaimedOrders:
    """Executes commands, and adds the orders to the answers of claims, which are stored without them."""

    def __init__(self, execute: Execute, *, orders: OrderRepository) -> None:
        self._execute, self._orders = execute, orders

    async def execute(self, command: Command) -> Answer:
        answer = await self._execute(command)
        if not isinstance(command.request, ClaimFulfilmentsRequest):
            return answer
        response = ClaimFulfilmentsResponse.FromString(answer.body)
        await self._add_orders(response)
        return answer._replace(body=response.SerializeToString(deterministic=True))

    async def _add_orders(self, response: ClaimFulfilmentsResponse) -> None:
        references = [Reference(fulfilment.order_id) for fulfilment in response.fulfilments]
        if not references:
            return
        found = await self._orders.find_within(references, max_bytes=MAX_PAGE)
        for fulfilment, order in zip(response.fulfilments, found, strict=True):
            if order is not None and order.snapshot is not None:
                fulfilment.order.MergeFromString(order.snapshot)
