"""CreateShipment: a new shipment, its units and its parcels."""

from collections.abc import Mapping, Sequence

from orders.v1.error_reason_pb2 import ERROR_REASON_LINE_QUANTITY_EXCEEDED, ERROR_REASON_SHIPMENT_ALREADY_EXISTS
from orders.v1.fulfilment_service_pb2 import CreateShipmentRequest
from orders.v1.order_pb2 import ORDER_EVENT_TYPE_SHIPMENT_CREATED, Order
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_PENDING,
    SHIPMENT_STATUS_SHIPPED,
    SHIPMENT_STATUS_UNSPECIFIED,
    Parcel,
    Shipment,
    ShipmentItem,
)

from server.domain.base.edits import Audit, OrderChange, edit_of
from server.domain.base.errors import Refusal, invalid_field
from server.domain.fulfilment.lines import Units, follow_shipments, list_shipments, units_of, unpacked
from server.domain.fulfilment.shipping import follow_status, next_id, record, ship, start
from server.domain.lifecycle.lifecycle import FULFILMENT, check_not_cancelled, check_role

MAX_SHIPMENTS = 200
# Bytes of the shipments of an order, which it must be possible to read with the rest of it.
_MAX_SIZE = 256 << 10
_NEW = (SHIPMENT_STATUS_UNSPECIFIED, SHIPMENT_STATUS_PENDING, SHIPMENT_STATUS_SHIPPED)


def create_shipment(before: Order, request: CreateShipmentRequest, audit: Audit) -> OrderChange:
    """The order with a new shipment, which leaves immediately if the request has status SHIPPED."""
    check_role(before, FULFILMENT, audit.caller, what="create shipments of")
    check_not_cancelled(before)
    edit = edit_of(before, audit)
    list_shipments(edit.order)
    start(edit)
    shipment = add_shipment(edit.order, request.shipment, audit)
    if request.shipment.status == SHIPMENT_STATUS_SHIPPED:
        ship(edit, shipment, time=audit.time)
        follow_status(edit)
    else:
        record(edit, ORDER_EVENT_TYPE_SHIPMENT_CREATED, shipment)
    return edit.finish()


def add_shipment(order: Order, wished: Shipment, audit: Audit) -> Shipment:
    """Adds a shipment that has not left."""
    if wished.status not in _NEW:
        raise invalid_field("shipment.status", "of a new shipment is PENDING or SHIPPED")
    if len(order.shipments) >= MAX_SHIPMENTS:
        text = f"order {order.order_number} has {MAX_SHIPMENTS} shipments, the maximum"
        raise invalid_field("order_id", text)
    _check_new_id(order, wished.shipment_id)
    items = choose_units(order, wished.items, unpacked(order))
    shipment = order.shipments.add(
        shipment_id=wished.shipment_id or next_id(order),
        status=SHIPMENT_STATUS_PENDING,
        items=items,
        create_time=audit.time,
    )
    set_parcels(shipment, wished.parcels)
    check_size(order)
    follow_shipments(order)
    return shipment


def _check_new_id(order: Order, shipment_id: str) -> None:
    if any(shipment.shipment_id == shipment_id for shipment in order.shipments):
        metadata = {"order_id": order.order_id, "shipment_id": shipment_id}
        text = f"order {order.order_number} has a shipment {shipment_id!r} already"
        raise Refusal(ERROR_REASON_SHIPMENT_ALREADY_EXISTS, text, metadata=metadata)


def choose_units(order: Order, wished: Sequence[ShipmentItem], available: Units) -> list[ShipmentItem]:
    """The requested units of a shipment; by default all available units."""
    if not wished:
        wished = [ShipmentItem(item_id=item_id) for item_id in available]
    chosen: list[ShipmentItem] = []
    lines = {item.item_id for item in order.items}
    for index, item in enumerate(wished):
        _check_line(item, lines, field=f"shipment.items[{index}].item_id")
        lines.discard(item.item_id)
        left = available[item.item_id]
        quantity = item.quantity or left
        if not 0 < quantity <= left:
            raise too_many(order, item.item_id, requested=max(1, quantity), available=left)
        chosen.append(ShipmentItem(item_id=item.item_id, quantity=quantity))
    if not chosen:
        raise too_many(order, "", requested=1, available=0)
    return chosen


def _check_line(item: ShipmentItem, lines: set[str], *, field: str) -> None:
    if item.item_id not in lines:
        known = ", ".join(sorted(lines)[:10]) or "none"
        raise invalid_field(field, f"{item.item_id!r} occurs twice or is not a line; other lines are: {known}")


def too_many(order: Order, item_id: str, *, requested: int, available: int) -> Refusal:
    """The refusal of more units than are available; `item_id` is '' for all lines together."""
    metadata = {
        "order_id": order.order_id,
        "item_id": item_id,
        "requested": str(requested),
        "available": str(available),
    }
    line = f"{available} units of line {item_id} are" if item_id else "no unit is"
    text = f"order {order.order_number}: {line} left to ship" + (f", not {requested}" if item_id else "")
    return Refusal(ERROR_REASON_LINE_QUANTITY_EXCEEDED, text, metadata=metadata)


def set_parcels(shipment: Shipment, wished: Sequence[Parcel]) -> None:
    """Replaces the parcels of a shipment that has not left."""
    del shipment.parcels[:]
    units = units_of(shipment.items)
    for index, parcel in enumerate(wished):
        added = shipment.parcels.add(
            parcel_id=parcel.parcel_id or str(index + 1),
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
            tracking_uri=parcel.tracking_uri,
            items=_parcel_items(parcel, units, field=f"shipment.parcels[{index}].items"),
            status=SHIPMENT_STATUS_PENDING,
        )
        if parcel.HasField("estimated_delivery_time"):
            added.estimated_delivery_time.CopyFrom(parcel.estimated_delivery_time)
    _check_parcels(shipment, units)


def _parcel_items(parcel: Parcel, units: Mapping[str, int], *, field: str) -> list[ShipmentItem]:
    for index, item in enumerate(parcel.items):
        if item.item_id not in units:
            raise invalid_field(f"{field}[{index}].item_id", f"line {item.item_id!r} is not in the shipment")
    return [ShipmentItem(item_id=item.item_id, quantity=item.quantity or units[item.item_id]) for item in parcel.items]


def _check_parcels(shipment: Shipment, units: Units) -> None:
    ids = [parcel.parcel_id for parcel in shipment.parcels]
    for index, parcel_id in enumerate(ids):
        if parcel_id in ids[:index]:
            raise invalid_field(f"shipment.parcels[{index}].parcel_id", f"{parcel_id!r} occurs twice")
    packed = units_of(item for parcel in shipment.parcels for item in parcel.items)
    if not packed:
        return
    for item_id, quantity in units.items():
        if packed[item_id] != quantity:
            text = f"hold {packed[item_id]} units of line {item_id}, and the shipment has {quantity}"
            raise invalid_field("shipment.parcels", text)


def check_size(order: Order) -> None:
    """Refuses shipments that would make the order too large to read."""
    size = sum(shipment.ByteSize() for shipment in order.shipments)
    if size > _MAX_SIZE:
        text = f"the shipments of the order would have {size:,} bytes, and the limit is {_MAX_SIZE:,}"
        raise invalid_field("shipment", text)
