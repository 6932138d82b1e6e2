"""The shipments of an imported order."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import UpsertOrder
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_CANCELLED,
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_PENDING,
    Shipment,
    ShipmentItem,
)

from server.domain.base.errors import invalid_field
from server.domain.fulfilment.lines import Units, active, has_left, units_of
from server.domain.fulfilment.shipments import check_size
from server.domain.orders.upsert_amounts import Line

# The stored lines of each item that the source sends, by the item's id. An item with an uneven price is stored as two lines.
Lines = Mapping[str, Sequence[str]]


def upsert_shipments(order: Order, wished: UpsertOrder, lines: Sequence[Line], time: Timestamp) -> None:
    """Writes the shipments that the source sends. Others remain, and none moves to an earlier status."""
    stored = {shipment.shipment_id: shipment for shipment in order.shipments}
    sent = {
        name: (field, shipment)
        for name, field, shipment in _sent(wished)
        if name not in stored or not _goes_back(stored[name], shipment)
    }
    room, named = Counter({item.item_id: item.quantity for item in order.items}), lines_by_item(wished, lines)
    for shipment in active(order):
        if shipment.shipment_id not in sent:
            room.subtract(units_of(shipment.items))
    for name, (field, shipment) in sent.items():
        target = stored.get(name) or order.shipments.add(shipment_id=name)
        target.CopyFrom(_stored(target, shipment, time))
        if target.status == SHIPMENT_STATUS_CANCELLED:
            _keep_known(target, named)
        else:
            _fill(target, shipment, named, room, field)
    check_size(order)


def _sent(wished: UpsertOrder) -> Iterator[tuple[str, str, Shipment]]:
    """The shipments that the source sends, each with its id and its path in the request."""
    seen: set[str] = set()
    for index, shipment in enumerate(wished.shipments):
        name, field = shipment.shipment_id or str(index + 1), f"shipments[{index}]"
        if name in seen:
            raise invalid_field(f"{field}.shipment_id", f"{name!r} occurs twice")
        seen.add(name)
        yield name, field, shipment


def _goes_back(stored: Shipment, sent: Shipment) -> bool:
    """Whether the source sends an earlier status than the stored one, or leaves a final one."""
    if stored.status in (SHIPMENT_STATUS_DELIVERED, SHIPMENT_STATUS_CANCELLED):
        return sent.status != stored.status
    return has_left(stored) and not has_left(sent)


def lines_by_item(wished: UpsertOrder, lines: Sequence[Line]) -> Lines:
    named: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        item = wished.items[line.position]
        named.setdefault(item.item_id or str(line.position + 1), []).append(str(number))
    return named


def _take(items: Sequence[ShipmentItem], named: Lines, room: Units, field: str) -> Iterator[ShipmentItem]:
    """The units by stored line, taken from the remaining units."""
    for index, item in enumerate(items):
        lines = named.get(item.item_id)
        if lines is None:
            raise invalid_field(f"{field}[{index}].item_id", f"no item has the id {item.item_id!r}")
        available = sum(room[line] for line in lines)
        left = item.quantity or available
        if not 0 < left <= available:
            raise invalid_field(f"{field}[{index}].quantity", f"{available} units are left for it, not {max(left, 1)}")
        for line in lines:
            quantity = min(left, room[line])
            room[line] -= quantity
            left -= quantity
            if quantity:
                yield ShipmentItem(item_id=line, quantity=quantity)


def _stored(before: Shipment, sent: Shipment, time: Timestamp) -> Shipment:
    """The source's shipment, completed with stored values."""
    made = Shipment()
    made.CopyFrom(sent)
    made.shipment_id = before.shipment_id
    made.status = sent.status or SHIPMENT_STATUS_PENDING
    if not sent.HasField("create_time"):
        made.create_time.CopyFrom(before.create_time if before.HasField("create_time") else time)
    if has_left(made) and not made.parcels:
        made.parcels.add()
    for index, parcel in enumerate(made.parcels):
        parcel.parcel_id = parcel.parcel_id or str(index + 1)
        parcel.status = parcel.status or made.status
    return made


def _fill(made: Shipment, sent: Shipment, named: Lines, room: Units, field: str) -> None:
    """Writes the units of a shipment and of its parcels by stored line."""
    _replace(made.items, list(_take(sent.items, named, room, f"{field}.items")))
    if not made.items:
        raise invalid_field(f"{field}.items", "a shipment has at least one unit")
    units = units_of(made.items)
    for index, parcel in enumerate(made.parcels):
        _replace(parcel.items, list(_take(parcel.items, named, units, f"{field}.parcels[{index}].items")))
    if any(parcel.items for parcel in made.parcels) and +units:
        raise invalid_field(f"{field}.parcels", "do not hold all units of the shipment")


def _keep_known(made: Shipment, named: Lines) -> None:
    """Drops the units of a cancelled shipment whose lines the order no longer has."""
    for items in (made.items, *(parcel.items for parcel in made.parcels)):
        known = [item for item in items if item.item_id in named]
        _replace(items, [ShipmentItem(item_id=named[item.item_id][0], quantity=item.quantity) for item in known])


def _replace(items: Any, new: list[ShipmentItem]) -> None:
    del items[:]
    items.extend(new)
