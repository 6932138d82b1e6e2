"""The counters of an order's lines and its shipping status, derived from shipments, returns and cancelled lines."""

from collections import Counter
from collections.abc import Iterable, Iterator

from orders.v1.order_pb2 import (
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    PRICE_ADJUSTMENT_TYPE_LINES_CANCELLED,
    SHIPPING_STATUS_DELIVERED,
    SHIPPING_STATUS_IN_TRANSIT,
    SHIPPING_STATUS_NOT_SHIPPED,
    SHIPPING_STATUS_PARTIALLY_DELIVERED,
    SHIPPING_STATUS_PARTIALLY_RETURNED,
    SHIPPING_STATUS_PARTIALLY_SHIPPED,
    SHIPPING_STATUS_PROCESSING,
    SHIPPING_STATUS_RETURNED,
    SHIPPING_STATUS_SHIPPED,
    Order,
    OrderItem,
    ShippingStatus,
)
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_CANCELLED,
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_IN_TRANSIT,
    SHIPMENT_STATUS_PENDING,
    SHIPMENT_STATUS_RETURNED,
    SHIPMENT_STATUS_SHIPPED,
    Parcel,
    Shipment,
    ShipmentItem,
    ShipmentStatus,
)

from server.domain.lifecycle.lifecycle import GONE

# Units by the id of their line.
Units = Counter[str]

# The counters that `count_lines` sets, by field of OrderItem.
COUNTERS = ("cancelled_quantity", "packed_quantity", "shipped_quantity", "delivered_quantity")
_NOT_GONE = frozenset({SHIPMENT_STATUS_PENDING, SHIPMENT_STATUS_CANCELLED})


def units_of(items: Iterable[ShipmentItem]) -> Units:
    units: Units = Counter()
    for item in items:
        units[item.item_id] += item.quantity
    return units


def active(order: Order) -> Iterator[Shipment]:
    """The shipments that are not cancelled."""
    return (shipment for shipment in order.shipments if shipment.status != SHIPMENT_STATUS_CANCELLED)


def has_left(shipment: Shipment) -> bool:
    return shipment.status not in _NOT_GONE


def unpacked(order: Order) -> Units:
    """The units that are in no shipment. An order that shipped before shipments were recorded has none."""
    if order.status in GONE and not order.shipments:
        return Counter()
    return Counter({item.item_id: left for item in order.items if (left := item.quantity - item.packed_quantity)})


def follow_shipments(order: Order) -> None:
    """Sets the fields that are derived from the shipments, returns and cancelled lines. Call it after any of them changes.

    The counters of returns are set by the rules of returns.
    """
    counted = counters_of(order)
    for item in order.items:
        for name, units in counted.items():
            setattr(item, name, units[item.item_id])
    if order.shipments:
        order.shipping_status = shipping_status_of(order)
        _copy_label(order)


def _copy_label(order: Order) -> None:
    """Copies the carrier and the tracking number of the first parcel to the delivery. Without one, those of the next are kept there."""
    first = next((parcel for shipment in active(order) for parcel in shipment.parcels), None)
    if first is not None:
        order.delivery.carrier, order.delivery.tracking_number = first.carrier, first.tracking_number


def counters_of(order: Order) -> dict[str, Units]:
    """The units by counter, derived from the order's cancelled lines and shipments."""
    counted: dict[str, Units] = {name: Counter() for name in COUNTERS}
    for adjustment in order.adjustments:
        if adjustment.type == PRICE_ADJUSTMENT_TYPE_LINES_CANCELLED:
            counted["cancelled_quantity"].update({share.item_id: share.quantity for share in adjustment.lines})
    for shipment in active(order):
        units = units_of(shipment.items)
        counted["packed_quantity"].update(units)
        if has_left(shipment):
            counted["shipped_quantity"].update(units)
            counted["delivered_quantity"].update(_delivered(shipment))
    return counted


def _delivered(shipment: Shipment) -> Units:
    """The delivered units. If parcels do not name their units, all units once each parcel is delivered."""
    if all(map(was_delivered, shipment.parcels)):
        return units_of(shipment.items)
    delivered: Units = Counter()
    for parcel in filter(was_delivered, shipment.parcels):
        delivered.update(units_of(parcel.items))
    return delivered


def was_delivered(parcel: Parcel) -> bool:
    """Whether a parcel was delivered, even if the carrier returned it afterwards."""
    return parcel.status == SHIPMENT_STATUS_DELIVERED or parcel.HasField("deliver_time")


def status_of(shipment: Shipment) -> ShipmentStatus:
    """The status of a shipment that has left, derived from its parcels."""
    statuses = {parcel.status for parcel in shipment.parcels}
    if statuses == {SHIPMENT_STATUS_RETURNED}:
        return SHIPMENT_STATUS_RETURNED
    if statuses <= {SHIPMENT_STATUS_DELIVERED, SHIPMENT_STATUS_RETURNED}:
        return SHIPMENT_STATUS_DELIVERED
    return SHIPMENT_STATUS_SHIPPED if statuses == {SHIPMENT_STATUS_SHIPPED} else SHIPMENT_STATUS_IN_TRANSIT


def is_shipped(order: Order) -> bool:
    """Whether all units have left."""
    return _all(order, "shipped_quantity")


def is_delivered(order: Order) -> bool:
    """Whether all units were delivered."""
    return _all(order, "delivered_quantity")


def _all(order: Order, counter: str) -> bool:
    return bool(order.shipments) and all(getattr(item, counter) >= item.quantity for item in order.items)


def _total(items: Iterable[OrderItem], counter: str) -> int:
    return sum(getattr(item, counter) for item in items)


def shipping_status_of(order: Order) -> ShippingStatus:
    """The shipping status of an order with shipments."""
    shipped, delivered, returned = (
        _total(order.items, name) for name in ("shipped_quantity", "delivered_quantity", "returned_quantity")
    )
    returned += sum(_coming_back(order))
    if returned:
        return SHIPPING_STATUS_RETURNED if returned >= shipped else SHIPPING_STATUS_PARTIALLY_RETURNED
    if delivered:
        return SHIPPING_STATUS_DELIVERED if is_delivered(order) else SHIPPING_STATUS_PARTIALLY_DELIVERED
    if not shipped:
        processing = order.status == ORDER_STATUS_PROCESSING
        return SHIPPING_STATUS_PROCESSING if processing else SHIPPING_STATUS_NOT_SHIPPED
    if not is_shipped(order):
        return SHIPPING_STATUS_PARTIALLY_SHIPPED
    moving = any(shipment.status == SHIPMENT_STATUS_IN_TRANSIT for shipment in order.shipments)
    return SHIPPING_STATUS_IN_TRANSIT if moving else SHIPPING_STATUS_SHIPPED


def _coming_back(order: Order) -> Iterator[int]:
    """The units that the carrier returns: in returned parcels, or in a shipment whose parcels are all returned."""
    for shipment in order.shipments:
        if shipment.status == SHIPMENT_STATUS_RETURNED:
            yield sum(item.quantity for item in shipment.items)
        else:
            returned = (parcel for parcel in shipment.parcels if parcel.status == SHIPMENT_STATUS_RETURNED)
            yield sum(item.quantity for parcel in returned for item in parcel.items)


def list_shipments(order: Order) -> None:
    """Adds a shipment to an order that shipped before shipments were recorded, or in its source system."""
    if order.status not in GONE or order.shipments:
        return
    status = SHIPMENT_STATUS_DELIVERED if order.status == ORDER_STATUS_DELIVERED else _status_on_the_way(order)
    parcel = Parcel(
        parcel_id="1",
        carrier=order.delivery.carrier,
        tracking_number=order.delivery.tracking_number,
        status=status,
        # The change to DELIVERED, or a later one, is the only evidence.
        deliver_time=order.update_time if order.status == ORDER_STATUS_DELIVERED else None,
    )
    items = [ShipmentItem(item_id=item.item_id, quantity=item.quantity) for item in order.items]
    order.shipments.add(shipment_id="1", status=status, items=items, parcels=[parcel])
    follow_shipments(order)


def _status_on_the_way(order: Order) -> ShipmentStatus:
    return {
        SHIPPING_STATUS_IN_TRANSIT: SHIPMENT_STATUS_IN_TRANSIT,
        SHIPPING_STATUS_RETURNED: SHIPMENT_STATUS_RETURNED,
    }.get(order.shipping_status, SHIPMENT_STATUS_SHIPPED)
