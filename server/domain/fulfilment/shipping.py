"""Ships, delivers and cancels shipments, and sets the order's status accordingly."""

from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_SHIPMENT_CANCELLED,
    ORDER_EVENT_TYPE_SHIPMENT_DELIVERED,
    ORDER_EVENT_TYPE_SHIPMENT_SHIPPED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    Order,
    OrderEvent,
    OrderEventType,
    OrderStatus,
)
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_CANCELLED,
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_PENDING,
    SHIPMENT_STATUS_SHIPPED,
    Shipment,
)

from server.domain.base.edits import OrderEdit
from server.domain.base.errors import invalid_field
from server.domain.fulfilment.lines import (
    active,
    follow_shipments,
    is_delivered,
    is_shipped,
    list_shipments,
    status_of,
    unpacked,
)
from server.domain.lifecycle.guards import check_can_leave
from server.domain.lifecycle.lifecycle import GONE, check_transition, enter, transition


class Label(NamedTuple):
    """The carrier and the tracking number of a parcel."""

    carrier: str = ""
    tracking_number: str = ""


NO_LABEL = Label()


def move(
    edit: OrderEdit, to: OrderStatus, *, label: Label = NO_LABEL, override_reason: str = "", reason: str = ""
) -> None:
    """Moves the order to a status, and its shipments with it."""
    order = edit.order
    _set_label(order, to, label)
    check_transition(order, to, edit.audit.caller, override_reason=override_reason)
    if to == ORDER_STATUS_SHIPPED:
        _ship_all(edit, label)
    elif to == ORDER_STATUS_DELIVERED:
        _deliver_all(edit)
    elif to == ORDER_STATUS_CANCELLED:
        for shipment in _pending(order):
            cancel(edit, shipment, reason=reason)
    transition(edit, to, override_reason=override_reason, reason=reason)


def _set_label(order: Order, to: OrderStatus, label: Label) -> None:
    """Sets the label of the parcel for all remaining units."""
    if to == ORDER_STATUS_SHIPPED and any(active(order)) and unpacked(order) and all(label):
        pack_rest(order, label)
    elif any(active(order)) or order.status in GONE:
        _check_same_label(order, label)
    else:
        set_label(order, label)


def _check_same_label(order: Order, label: Label) -> None:
    known = Label(order.delivery.carrier, order.delivery.tracking_number)
    if any(new not in ("", old) for new, old in zip(label, known, strict=True)):
        text = (
            "can be set, like the tracking number, until every unit is in a shipment; after that, with UpdateShipment"
        )
        raise invalid_field("carrier", text)


def set_label(order: Order, label: Label) -> None:
    """Sets the label of the first parcel of an order that has no shipment yet."""
    order.delivery.carrier = label.carrier or order.delivery.carrier
    order.delivery.tracking_number = label.tracking_number or order.delivery.tracking_number


def _ship_all(edit: OrderEdit, label: Label) -> None:
    """Ships all remaining units; units that are in no shipment leave in one parcel."""
    order = edit.order
    pack_rest(order, label)
    for shipment in _pending(order):
        ship(edit, shipment, time=edit.audit.time)


def start(edit: OrderEdit) -> None:
    """Moves a confirmed order to PROCESSING; refuses an order that is not confirmed yet."""
    if edit.order.status == ORDER_STATUS_PENDING:
        check_transition(edit.order, ORDER_STATUS_SHIPPED, edit.audit.caller)
    if edit.order.status == ORDER_STATUS_CONFIRMED:
        transition(edit, ORDER_STATUS_PROCESSING)


def pack_rest(order: Order, label: Label) -> None:
    """Packs the units that are in no shipment into one parcel. An order's first parcel gets the label set before."""
    units = unpacked(order)
    if not units:
        return
    if not any(active(order)):
        set_label(order, label)
        label = Label(order.delivery.carrier, order.delivery.tracking_number)
    shipment = order.shipments.add(shipment_id=next_id(order), status=SHIPMENT_STATUS_PENDING)
    for item_id, quantity in units.items():
        shipment.items.add(item_id=item_id, quantity=quantity)
    shipment.parcels.add(parcel_id="1", status=SHIPMENT_STATUS_PENDING, **label._asdict())
    follow_shipments(order)


def next_id(order: Order) -> str:
    """The id of the next shipment: its number, or the next unused one."""
    taken = {shipment.shipment_id for shipment in order.shipments}
    number = len(taken) + 1
    while str(number) in taken:
        number += 1
    return str(number)


def ship(edit: OrderEdit, shipment: Shipment, *, time: Timestamp) -> None:
    """Hands a shipment of a confirmed order to the carrier."""
    start(edit)
    check_can_leave(edit.order, shipment)
    shipment.status = SHIPMENT_STATUS_SHIPPED
    shipment.ship_time.CopyFrom(time)
    for parcel in shipment.parcels:
        parcel.status = SHIPMENT_STATUS_SHIPPED
    follow_shipments(edit.order)
    record(edit, ORDER_EVENT_TYPE_SHIPMENT_SHIPPED, shipment)


def deliver(edit: OrderEdit, shipment: Shipment, *, time: Timestamp) -> None:
    """Marks all parcels of a shipment as delivered."""
    for parcel in shipment.parcels:
        if parcel.status != SHIPMENT_STATUS_DELIVERED:
            parcel.status = SHIPMENT_STATUS_DELIVERED
            parcel.deliver_time.CopyFrom(time)
    follow_parcels(edit, shipment, time=time)


def follow_parcels(edit: OrderEdit, shipment: Shipment, *, time: Timestamp) -> None:
    """Sets the status of a shipment from its parcels, and records its delivery."""
    before, shipment.status = shipment.status, status_of(shipment)
    delivered = shipment.status == SHIPMENT_STATUS_DELIVERED != before
    if delivered:
        shipment.deliver_time.CopyFrom(time)
    follow_shipments(edit.order)
    if delivered:
        record(edit, ORDER_EVENT_TYPE_SHIPMENT_DELIVERED, shipment)


def _deliver_all(edit: OrderEdit) -> None:
    list_shipments(edit.order)
    for shipment in active(edit.order):
        if shipment.status != SHIPMENT_STATUS_DELIVERED:
            deliver(edit, shipment, time=edit.audit.time)


def cancel(edit: OrderEdit, shipment: Shipment, *, reason: str) -> None:
    """Cancels a shipment that has not left, and unpacks its units."""
    shipment.status = SHIPMENT_STATUS_CANCELLED
    shipment.cancel_time.CopyFrom(edit.audit.time)
    shipment.cancel_reason = reason
    for parcel in shipment.parcels:
        parcel.status = SHIPMENT_STATUS_CANCELLED
    follow_shipments(edit.order)
    if not any(active(edit.order)):
        edit.order.delivery.ClearField("carrier")
        edit.order.delivery.ClearField("tracking_number")
    record(edit, ORDER_EVENT_TYPE_SHIPMENT_CANCELLED, shipment, reason=reason)


def follow_status(edit: OrderEdit) -> None:
    """Enters SHIPPED once every unit has left, and DELIVERED once every unit has arrived."""
    order = edit.order
    if order.status == ORDER_STATUS_PROCESSING and is_shipped(order):
        enter(edit, ORDER_STATUS_SHIPPED)
    if order.status == ORDER_STATUS_SHIPPED and is_delivered(order):
        enter(edit, ORDER_STATUS_DELIVERED)


def record(edit: OrderEdit, type: OrderEventType, shipment: Shipment, *, reason: str = "") -> None:
    """Records an event about a shipment."""
    edit.record(OrderEvent(type=type, shipment_id=shipment.shipment_id, changed_fields=["shipments"], reason=reason))


def _pending(order: Order) -> list[Shipment]:
    return [shipment for shipment in order.shipments if shipment.status == SHIPMENT_STATUS_PENDING]
