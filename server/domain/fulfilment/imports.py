"""The shipments of imported orders: they follow the lines and the status that the source sends."""

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_SHIPPED,
    Order,
    OrderStatus,
)
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_CANCELLED,
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_PENDING,
    SHIPMENT_STATUS_SHIPPED,
    Shipment,
    ShipmentStatus,
)

from server.domain.base.edits import Audit
from server.domain.base.errors import invalid_field
from server.domain.fulfilment.lines import active, counters_of, follow_shipments, is_delivered, is_shipped
from server.domain.fulfilment.shipping import NO_LABEL, pack_rest
from server.domain.lifecycle.lifecycle import GONE, RANK, advance_imported


def fit_lines(order: Order, time: Timestamp) -> None:
    """Counts the units of new lines; refuses lines with fewer units than are in shipments."""
    packed = counters_of(order)["packed_quantity"]
    lines = {item.item_id: item.quantity for item in order.items}
    for item_id, quantity in packed.items():
        if quantity > lines.get(item_id, 0):
            text = f"line {item_id} has {lines.get(item_id, 0)} units, and {quantity} are in shipments"
            raise invalid_field("items", text)
    follow_shipments(order)
    if order.status in GONE:
        _ship_all(order, time)


def follow_source(order: Order, audit: Audit) -> None:
    """Moves the shipments to the order's status, which its source has set, or the order to that of its shipments."""
    if not order.shipments:
        return
    if order.status != ORDER_STATUS_CANCELLED and is_shipped(order):
        advance_imported(order, ORDER_STATUS_DELIVERED if is_delivered(order) else _later(order), audit)
    if order.status in GONE:
        _ship_all(order, audit.time)
    elif order.status == ORDER_STATUS_CANCELLED:
        for shipment in active(order):
            _set_status(shipment, SHIPMENT_STATUS_CANCELLED)
            shipment.cancel_time.CopyFrom(audit.time)
    follow_shipments(order)


def _later(order: Order) -> OrderStatus:
    return max(order.status, ORDER_STATUS_SHIPPED, key=RANK.__getitem__)


def _ship_all(order: Order, time: Timestamp) -> None:
    delivered = order.status == ORDER_STATUS_DELIVERED
    pack_rest(order, NO_LABEL)
    for shipment in active(order):
        if shipment.status == SHIPMENT_STATUS_PENDING:
            _set_status(shipment, SHIPMENT_STATUS_SHIPPED)
            shipment.ship_time.CopyFrom(time)
        if delivered and shipment.status != SHIPMENT_STATUS_DELIVERED:
            _set_status(shipment, SHIPMENT_STATUS_DELIVERED)
            shipment.deliver_time.CopyFrom(time)
    follow_shipments(order)


def _set_status(shipment: Shipment, status: ShipmentStatus) -> None:
    shipment.status = status
    if status == SHIPMENT_STATUS_SHIPPED and not shipment.parcels:
        shipment.parcels.add(parcel_id="1")
    for parcel in shipment.parcels:
        parcel.status = status
