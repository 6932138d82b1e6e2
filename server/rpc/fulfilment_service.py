"""orders.v1.FulfilmentService: the methods that are not operations."""

from orders.v1.fulfilment_service_pb2 import GetPackingSlipRequest, PackingSlip
from orders.v1.order_pb2 import Order

from server.domain.fulfilment.packing_slips import packing_slip
from server.rpc.endpoint import Call
from server.storage.read.orders import OrderRepository


class FulfilmentServicer:
    """The reads of the service."""

    def __init__(self, *, orders: OrderRepository) -> None:
        self._orders = orders

    async def GetPackingSlip(self, request: GetPackingSlipRequest, call: Call) -> PackingSlip:
        order = Order.FromString(await self._orders.get(call.reference(request.order_id)))
        return packing_slip(order, request.shipment_id)
