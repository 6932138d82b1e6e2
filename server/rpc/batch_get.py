"""BatchGetOrders: each order once, as many as fit into a response, and the ids of the others."""

from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import BatchGetOrdersRequest, BatchGetOrdersResponse

from server.domain.base.sizes import MAX_PAGE
from server.rpc import wire
from server.rpc.endpoint import Call
from server.rpc.paging import fitting
from server.rpc.read_masks import picker
from server.storage.read.orders import OrderRepository, Sized


async def batch_get(orders: OrderRepository, request: BatchGetOrdersRequest, call: Call) -> bytes:
    """The response, serialized."""
    names, pick = list(dict.fromkeys(request.order_ids)), picker(request.read_mask)
    found = await orders.find_within([call.reference(name) for name in names], max_bytes=MAX_PAGE)
    response = BatchGetOrdersResponse()
    # The first name of each order.
    named: dict[str, tuple[str, Sized]] = {}
    for name, order in zip(names, found, strict=True):
        if order is None:
            response.missing_order_ids.append(name)
        else:
            named.setdefault(order.order_id, (name, order))
    read = [(name, order.snapshot) for name, order in named.values() if order.snapshot is not None]
    page = fitting(Order, (snapshot for _, snapshot in read))
    answered = {name for name, _ in read[: len(page)]}
    response.remaining_order_ids.extend(name for name, _ in named.values() if name not in answered)
    return wire.with_records(response, page if pick is None else map(pick, page))
