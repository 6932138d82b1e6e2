"""Fulfilment: an order's counters, statuses and copied label match its shipments."""

from collections import Counter
from collections.abc import Iterator

from orders.v1.order_pb2 import ORDER_STATUS_DELIVERED, ORDER_STATUS_PROCESSING, Order, OrderItem
from orders.v1.shipment_pb2 import Shipment

from server.domain.fulfilment.lines import follow_shipments, is_delivered, is_shipped, units_of
from server.domain.lifecycle.lifecycle import GONE, RANK

_COUNTERS = tuple(field.name for field in OrderItem.DESCRIPTOR.fields if field.name.endswith("_quantity"))


def fulfilment_problems(order: Order) -> Iterator[str]:
    """The mismatches between an order and its shipments and holds."""
    if order.holds and RANK[order.status] > RANK[ORDER_STATUS_PROCESSING]:
        yield "the order has holds, and nothing is left to hold"
    if order.shipments:
        yield from _counter_problems(order)
        yield from _status_problems(order)
        for shipment in order.shipments:
            yield from _parcel_problems(shipment)


def _counter_problems(order: Order) -> Iterator[str]:
    expected = Order()
    expected.CopyFrom(order)
    follow_shipments(expected)
    for item, counted in zip(order.items, expected.items, strict=True):
        for name in _COUNTERS:
            if getattr(item, name) != getattr(counted, name):
                yield f"line {item.item_id} has {name} {getattr(item, name)}, its shipments say {getattr(counted, name)}"
        if not item.delivered_quantity <= item.shipped_quantity <= item.packed_quantity <= item.quantity:
            yield f"line {item.item_id} has more units delivered, shipped or packed than it can"
    if (order.shipping_status, order.delivery) != (expected.shipping_status, expected.delivery):
        yield "the shipping status, the carrier or the tracking number is not that of the shipments"


def _status_problems(order: Order) -> Iterator[str]:
    if (order.status in GONE) != is_shipped(order):
        yield "the order is SHIPPED or DELIVERED, or all its units have left, but not both"
    if (order.status == ORDER_STATUS_DELIVERED) != is_delivered(order):
        yield "the order is DELIVERED, or all its units have arrived, but not both"


def _parcel_problems(shipment: Shipment) -> Iterator[str]:
    named: Counter[str] = Counter()
    for parcel in shipment.parcels:
        named.update(units_of(parcel.items))
    if named and named != units_of(shipment.items):
        yield f"the parcels of shipment {shipment.shipment_id} do not hold its units"
