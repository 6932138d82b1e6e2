"""`orders packing-slip`: the packing slip of a shipment as a page to print."""

from collections.abc import Iterator
from html import escape
from typing import Any

import grpc
from orders.v1.fulfilment_service_pb2 import GetPackingSlipRequest, PackingSlip, PackingSlipItem
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_pb2 import Address
from orders.v1.order_service_pb2 import GetOrderRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_CANCELLED

Metadata = tuple[tuple[str, str], ...]

_STYLE = """
@page { margin: 15mm }
body { font: 11pt/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 180mm }
h1 { font-size: 16pt }
table { border-collapse: collapse; margin: 1.5em 0; width: 100% }
th, td { border-bottom: 1px solid #999; padding: .3em .5em; text-align: start; vertical-align: top }
.quantity { text-align: end }
small { color: #444 }
"""


async def load(channel: grpc.aio.Channel, order_id: str, shipment_id: str, *, metadata: Metadata) -> PackingSlip:
    """Reads the packing slip of a shipment, by default of the only one. Raises AioRpcError and ValueError."""
    service: Any = FulfilmentServiceStub(channel)  # type: ignore[no-untyped-call]
    shipment_id = shipment_id or await _only_shipment(channel, order_id, metadata)
    request = GetPackingSlipRequest(order_id=order_id, shipment_id=shipment_id)
    slip: PackingSlip = await service.GetPackingSlip(request, metadata=metadata)
    return slip


async def _only_shipment(channel: grpc.aio.Channel, order_id: str, metadata: Metadata) -> str:
    orders: Any = OrderServiceStub(channel)  # type: ignore[no-untyped-call]
    order = await orders.GetOrder(GetOrderRequest(order_id=order_id), metadata=metadata)
    ids = [each.shipment_id for each in order.shipments if each.status != SHIPMENT_STATUS_CANCELLED]
    if len(ids) != 1:
        raise ValueError(f"name a shipment of {order.order_number}: it has {', '.join(ids) or 'none'}")
    return str(ids[0])


def as_html(slip: PackingSlip) -> str:
    """The packing slip as an HTML page without references to other files."""
    title = escape(f"Packing slip {slip.order_number}, shipment {slip.shipment.shipment_id}")
    return "\n".join(
        (
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>',
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
            *_paragraphs(slip),
            _table(slip),
            "</body>\n</html>\n",
        )
    )


def _paragraphs(slip: PackingSlip) -> Iterator[str]:
    yield f"<p>Ordered on {slip.order_time.ToDatetime():%Y-%m-%d}</p>"
    yield f"<address>{'<br>'.join(map(escape, _address_lines(slip.shipping_address)))}</address>"
    if slip.delivery_method:
        yield f"<p>Delivery: {escape(slip.delivery_method)}</p>"
    for parcel in slip.shipment.parcels:
        label = " ".join(filter(None, (parcel.carrier, parcel.tracking_number))) or "no label yet"
        yield f"<p>Parcel {escape(parcel.parcel_id)}: {escape(label)}</p>"
    if slip.special_instructions:
        yield f"<p>Instructions: {escape(slip.special_instructions)}</p>"


def _address_lines(address: Address) -> Iterator[str]:
    town = " ".join(filter(None, (address.postal_code, address.city, address.state)))
    yield from filter(None, (address.name, address.street, town, address.country, address.phone))


def _table(slip: PackingSlip) -> str:
    by_parcel = any(item.parcel_ids for item in slip.items)
    head = '<th class="quantity">Quantity</th><th>SKU</th><th>Product</th>' + ("<th>Parcel</th>" if by_parcel else "")
    rows = "\n".join(_row(item, by_parcel=by_parcel) for item in slip.items)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _row(item: PackingSlipItem, *, by_parcel: bool) -> str:
    name = escape(", ".join(filter(None, (item.name, item.variant_name))))
    choices = "".join(
        f"<br><small>{escape(key)}: {escape(value)}</small>" for key, value in sorted(item.customizations.items())
    )
    parcel = f"<td>{escape(', '.join(item.parcel_ids))}</td>" if by_parcel else ""
    return (
        f'<tr><td class="quantity">{item.quantity}</td><td>{escape(item.sku)}</td><td>{name}{choices}</td>{parcel}</tr>'
    )
