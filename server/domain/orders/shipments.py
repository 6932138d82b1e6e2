"""The operations on shipments."""

from orders.v1.fulfilment_service_pb2 import CreateShipmentRequest
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_SHIPPED

from server.domain.base.edits import Audit, check_etag
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.fulfilment import shipments
from server.domain.orders.apply import apply, preview


def _needs(request: CreateShipmentRequest) -> Needs:
    """What leaves is no longer reserved."""
    related = request.shipment.status == SHIPMENT_STATUS_SHIPPED
    return Needs(orders=[request.order_id], related=related)


@operation(CreateShipmentRequest, needs=_needs)
def create_shipment(request: CreateShipmentRequest, state: State, audit: Audit) -> bytes:
    """Creates a shipment of units that are in no other one."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    change = shipments.create_shipment(before, request, audit)
    return preview(change, state) if request.validate_only else apply(change, state)
