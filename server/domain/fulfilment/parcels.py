"""Finds the parcel of a tracking event."""

from collections.abc import Iterator

from orders.v1.error_reason_pb2 import ERROR_REASON_SHIPMENT_NOT_CHANGEABLE, ERROR_REASON_SHIPMENT_NOT_FOUND
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import RecordTrackingEventRequest
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_CANCELLED,
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_PENDING,
    Parcel,
    Shipment,
    ShipmentStatus,
)

from server.domain.base.errors import Refusal, invalid_field
from server.domain.fulfilment.lines import active

Found = tuple[Shipment, Parcel]


def find_shipment(order: Order, shipment_id: str) -> Shipment:
    """The shipment with this id."""
    for shipment in order.shipments:
        if shipment.shipment_id == shipment_id:
            return shipment
    raise _not_found(order, shipment_id)


def not_changeable(order: Order, shipment: Shipment, why: str) -> Refusal:
    """The refusal of a change that the shipment's status does not allow; `why` ends the sentence."""
    status = ShipmentStatus.Name(shipment.status).removeprefix("SHIPMENT_STATUS_")
    metadata = {"order_id": order.order_id, "shipment_id": shipment.shipment_id, "status": status}
    text = f"shipment {shipment.shipment_id} of order {order.order_number} is {status}{why}"
    return Refusal(ERROR_REASON_SHIPMENT_NOT_CHANGEABLE, text, metadata=metadata)


def find_parcel(order: Order, request: RecordTrackingEventRequest) -> Found:
    """The parcel that the request names, or the only possible one."""
    event = request.event
    if event.shipment_id:
        found = list(_of_shipment(order, event.shipment_id))
    else:
        found = [each for shipment in active(order) for each in _parcels(shipment)]
    if event.parcel_id:
        found = [each for each in found if each[1].parcel_id == event.parcel_id]
        if not found:
            raise _not_found(order, event.shipment_id, event.parcel_id)
    shipment, parcel = _only(found, request.tracking_number)
    if not shipment.parcels:
        shipment.parcels.append(parcel)
        parcel = shipment.parcels[0]
    return shipment, parcel


def _of_shipment(order: Order, shipment_id: str) -> Iterator[Found]:
    shipment = find_shipment(order, shipment_id)
    if shipment.status == SHIPMENT_STATUS_CANCELLED:
        raise not_changeable(order, shipment, " and cannot be tracked")
    return _parcels(shipment)


def _parcels(shipment: Shipment) -> Iterator[Found]:
    """The parcels of a shipment; an implied one if it was created without parcels."""
    only = [] if shipment.parcels else [Parcel(parcel_id="1", status=SHIPMENT_STATUS_PENDING)]
    return ((shipment, parcel) for parcel in (*shipment.parcels, *only))


def _only(found: list[Found], tracking_number: str) -> Found:
    """The only parcel with the tracking number, or else the only one that is not delivered."""
    labelled = [each for each in found if tracking_number and each[1].tracking_number == tracking_number]
    under_way = [each for each in found if each[1].status != SHIPMENT_STATUS_DELIVERED]
    candidates = labelled or under_way or found
    if len(candidates) == 1:
        return candidates[0]
    names = ", ".join(f"{shipment.shipment_id}/{parcel.parcel_id}" for shipment, parcel in candidates[:10])
    raise invalid_field("event.parcel_id", f"name the shipment and the parcel: it can be any of {names}")


def _not_found(order: Order, shipment_id: str, parcel_id: str = "") -> Refusal:
    metadata = {"order_id": order.order_id, "shipment_id": shipment_id}
    name = f"shipment {shipment_id!r}" if shipment_id else "shipment"
    if parcel_id:
        metadata["parcel_id"] = parcel_id
        name = f"{name} with a parcel {parcel_id!r}"
    text = f"order {order.order_number} has no {name}"
    return Refusal(ERROR_REASON_SHIPMENT_NOT_FOUND, text, metadata=metadata)
