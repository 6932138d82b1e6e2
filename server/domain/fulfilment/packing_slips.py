"""GetPackingSlip: the contents and the recipient of a shipment."""

from orders.v1.fulfilment_service_pb2 import PackingSlip
from orders.v1.order_pb2 import Order

from server.domain.fulfilment.lines import units_of
from server.domain.fulfilment.parcels import find_shipment


def packing_slip(order: Order, shipment_id: str) -> PackingSlip:
    """The packing slip of a shipment of the order."""
    shipment = find_shipment(order, shipment_id)
    slip = PackingSlip(
        order_id=order.order_id,
        order_number=order.order_number,
        order_time=order.order_time if order.HasField("order_time") else order.create_time,
        shipping_address=order.shipping_address if order.HasField("shipping_address") else None,
        delivery_method=order.delivery.method,
        special_instructions=order.special_instructions,
        shipment=shipment,
    )
    units = units_of(shipment.items)
    for item in order.items:
        if item.item_id in units:
            parcels = [parcel.parcel_id for parcel in shipment.parcels if units_of(parcel.items)[item.item_id]]
            slip.items.add(
                item_id=item.item_id,
                quantity=units[item.item_id],
                sku=item.sku,
                name=item.name,
                variant_name=item.variant_name,
                customizations=item.customizations,
                parcel_ids=parcels,
            )
    return slip
