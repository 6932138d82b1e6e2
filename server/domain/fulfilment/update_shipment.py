"""UpdateShipment and CancelShipment: changes of a shipment, by its status."""

from collections.abc import Sequence

from orders.v1.fulfilment_service_pb2 import CancelShipmentRequest, UpdateShipmentRequest
from orders.v1.order_pb2 import ORDER_EVENT_TYPE_SHIPMENT_UPDATED, Order
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_CANCELLED,
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_PENDING,
    SHIPMENT_STATUS_SHIPPED,
    Parcel,
    Shipment,
    ShipmentStatus,
)

from server.domain.base.edits import Audit, OrderChange, OrderEdit, edit_of
from server.domain.base.errors import invalid_field
from server.domain.fulfilment.lines import follow_shipments, has_left, units_of, unpacked
from server.domain.fulfilment.parcels import find_shipment, not_changeable
from server.domain.fulfilment.shipments import check_size, choose_units, set_parcels
from server.domain.fulfilment.shipping import cancel, deliver, follow_status, record, ship
from server.domain.lifecycle.lifecycle import FULFILMENT, check_not_cancelled, check_role

_CHANGEABLE = ("status", "items", "parcels")


def update_shipment(before: Order, request: UpdateShipmentRequest, audit: Audit) -> OrderChange:
    """The order with the shipment's units, parcels or status changed; the same order if nothing differs."""
    check_role(before, FULFILMENT, audit.caller, what="change shipments of")
    check_not_cancelled(before)
    edit, wished, paths = edit_of(before, audit), request.shipment, _paths(request)
    shipment = find_shipment(edit.order, wished.shipment_id)
    if shipment.status == SHIPMENT_STATUS_CANCELLED:
        raise not_changeable(before, shipment, " and cannot be changed")
    _change_contents(edit.order, shipment, wished, paths)
    if edit.order.shipments != before.shipments:
        record(edit, ORDER_EVENT_TYPE_SHIPMENT_UPDATED, shipment)
    if "status" in paths:
        _move(edit, shipment, wished.status)
    return edit.finish() if edit.events else OrderChange(before=before, after=before, events=[])


def _paths(request: UpdateShipmentRequest) -> Sequence[str]:
    """The fields to change."""
    if not request.update_mask.paths:
        return [name for name in _CHANGEABLE if getattr(request.shipment, name)]
    for path in request.update_mask.paths:
        if path not in _CHANGEABLE:
            raise invalid_field(f"update_mask: {path}", f"may not change; {', '.join(_CHANGEABLE)} may")
    if "status" in request.update_mask.paths and not request.shipment.status:
        raise invalid_field("shipment.status", "is in the mask but not set")
    return request.update_mask.paths


def _change_contents(order: Order, shipment: Shipment, wished: Shipment, paths: Sequence[str]) -> None:
    if has_left(shipment):
        if "items" in paths and list(wished.items) != list(shipment.items):
            raise not_changeable(order, shipment, " and keeps its units")
        if "parcels" in paths:
            _relabel(order, shipment, wished.parcels)
    else:
        _repack(order, shipment, wished, paths)
    check_size(order)
    follow_shipments(order)


def _repack(order: Order, shipment: Shipment, wished: Shipment, paths: Sequence[str]) -> None:
    """Replaces the units and the parcels of a shipment that has not left."""
    parcels = list(wished.parcels if "parcels" in paths else shipment.parcels)
    if "items" in paths:
        items = choose_units(order, wished.items, unpacked(order) + units_of(shipment.items))
        del shipment.items[:]
        shipment.items.extend(items)
    if "items" in paths or "parcels" in paths:
        set_parcels(shipment, parcels)


def _relabel(order: Order, shipment: Shipment, wished: Sequence[Parcel]) -> None:
    """Sets the labels of parcels that have left."""
    parcels = {parcel.parcel_id: parcel for parcel in shipment.parcels}
    for index, new in enumerate(wished):
        parcel = parcels.get(new.parcel_id or str(index + 1))
        if parcel is None or (new.items and list(new.items) != list(parcel.items)):
            raise not_changeable(order, shipment, f": shipment.parcels[{index}] must have the id and units of a parcel")
        _copy_label(new, parcel)


def _copy_label(new: Parcel, parcel: Parcel) -> None:
    parcel.carrier = new.carrier or parcel.carrier
    parcel.tracking_number = new.tracking_number or parcel.tracking_number
    parcel.tracking_uri = new.tracking_uri
    if new.HasField("estimated_delivery_time"):
        parcel.estimated_delivery_time.CopyFrom(new.estimated_delivery_time)


def _move(edit: OrderEdit, shipment: Shipment, status: ShipmentStatus) -> None:
    """Ships or delivers the shipment. The current status or an earlier one changes nothing."""
    if status == SHIPMENT_STATUS_SHIPPED and shipment.status == SHIPMENT_STATUS_PENDING:
        ship(edit, shipment, time=edit.audit.time)
    elif status == SHIPMENT_STATUS_DELIVERED and has_left(shipment):
        if shipment.status != SHIPMENT_STATUS_DELIVERED:
            deliver(edit, shipment, time=edit.audit.time)
    elif status != shipment.status:
        name = ShipmentStatus.Name(status).removeprefix("SHIPMENT_STATUS_")
        how = "; call CancelShipment" if status == SHIPMENT_STATUS_CANCELLED else ""
        raise not_changeable(edit.order, shipment, f" and cannot become {name}{how}")
    follow_status(edit)


def cancel_shipment(before: Order, request: CancelShipmentRequest, audit: Audit) -> OrderChange:
    """The order with the shipment cancelled; the same order if it is cancelled already."""
    check_role(before, FULFILMENT, audit.caller, what="cancel shipments of")
    edit = edit_of(before, audit)
    shipment = find_shipment(edit.order, request.shipment_id)
    if shipment.status == SHIPMENT_STATUS_CANCELLED:
        return OrderChange(before=before, after=before, events=[])
    if has_left(shipment):
        raise not_changeable(before, shipment, " and can no longer be cancelled")
    cancel(edit, shipment, reason=request.reason)
    return edit.finish()
