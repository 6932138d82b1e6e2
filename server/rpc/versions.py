"""GetOrder for a version other than the current one, or with the origin of each field."""

from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import GetOrderRequest

from server.rpc.endpoint import Call
from server.storage.projections import datetime_of
from server.storage.read.history import HistoryRepository
from server.storage.read.orders import OrderRepository


async def get_version(
    orders: OrderRepository, history: HistoryRepository, request: GetOrderRequest, call: Call
) -> Order:
    """The order as of the version or the time that the request names."""
    reference = call.reference(request.order_id)
    if request.HasField("version"):
        order = await history.at_version(reference, request.version)
    elif request.HasField("read_time"):
        order = await history.at_time(reference, datetime_of(request.read_time))
    else:
        order = Order.FromString(await orders.get(reference))
    if request.show_provenance:
        order.provenance.extend(await history.provenance(order))
    return order
