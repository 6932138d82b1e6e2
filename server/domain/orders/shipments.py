"""The operations on shipments and holds."""

from orders.v1.fulfilment_service_pb2 import (
    CancelShipmentRequest,
    CreateShipmentRequest,
    HoldOrderRequest,
    ReleaseHoldRequest,
    UpdateShipmentRequest,
)
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_DELIVERED, SHIPMENT_STATUS_SHIPPED

from server.domain.base.edits import Audit, check_etag
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.fulfilment import holds, shipments, update_shipment
from server.domain.orders.apply import apply

# Units that leave are no longer reserved, and points are earned on delivery.
_MOVING = (SHIPMENT_STATUS_SHIPPED, SHIPMENT_STATUS_DELIVERED)


def _needs(request: CreateShipmentRequest | UpdateShipmentRequest) -> Needs:
    return Needs(orders=[request.order_id], related=request.shipment.status in _MOVING)


@operation(CreateShipmentRequest, needs=_needs)
def create_shipment(request: CreateShipmentRequest, state: State, audit: Audit) -> bytes:
    """Creates a shipment of units that are in no other one."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    change = shipments.create_shipment(before, request, audit)
    return apply(change, state)


@operation(UpdateShipmentRequest, needs=_needs)
def change_shipment(request: UpdateShipmentRequest, state: State, audit: Audit) -> bytes:
    """Changes a shipment, ships it, or delivers it."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    change = update_shipment.update_shipment(before, request, audit)
    return apply(change, state)


@operation(CancelShipmentRequest, needs=lambda request: Needs(orders=[request.order_id]))
def cancel_shipment(request: CancelShipmentRequest, state: State, audit: Audit) -> bytes:
    """Cancels a shipment that has not left."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    return apply(update_shipment.cancel_shipment(before, request, audit), state)


@operation(HoldOrderRequest, needs=lambda request: Needs(orders=[request.order_id]))
def hold_order(request: HoldOrderRequest, state: State, audit: Audit) -> bytes:
    """Places a hold on an order."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    return apply(holds.hold_order(before, request, audit), state)


@operation(ReleaseHoldRequest, needs=lambda request: Needs(orders=[request.order_id]))
def release_hold(request: ReleaseHoldRequest, state: State, audit: Audit) -> bytes:
    """Releases a hold of an order."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    return apply(holds.release_hold(before, request, audit), state)
