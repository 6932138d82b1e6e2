"""Exported orders: a line of JSON, or rows of CSV that the import reads back."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Literal

from google.protobuf import json_format
from orders.v1.order_pb2 import Order, OrderItem, OrderStatus, PaymentStatus
from orders.v1.order_return_pb2 import OrderReturn
from orders.v1.order_service_pb2 import UpsertPayment
from orders.v1.shipment_pb2 import Shipment

from server.transfer.csv_columns import neutralized
from server.transfer.shapes import ADDRESS_NAMES, AMOUNTS
from server.transfer.values import decimal_text

ExportFormat = Literal["jsonl", "csv"]

_ORDER_COLUMNS = ["order_id", "order_number", "external_order_id", "source", "status", "payment_status", "currency"]
_CUSTOMER_COLUMNS = ["customer_id", "customer_name", "email", "phone"]
_LINE_COLUMNS = ["sku", "product_name", "quantity", "unit_price"]
_POINTS = ["loyalty_points_used", "loyalty_points_earned"]
_REST_COLUMNS = [
    *AMOUNTS,
    *_POINTS,
    "payments",
    "shipments",
    "returns",
    "total_quantity",
    "referral_code",
    "metadata",
    "order_time",
    "create_time",
    "update_time",
]
COLUMNS = [*_ORDER_COLUMNS, *_CUSTOMER_COLUMNS, *ADDRESS_NAMES, *_LINE_COLUMNS, *_REST_COLUMNS]


def header(format: ExportFormat) -> bytes:
    """The beginning of a file."""
    return _csv([COLUMNS]) if format == "csv" else b""


def encoder(format: ExportFormat) -> Callable[[Sequence[Order]], bytes]:
    """The encoder of a format."""
    return csv_rows if format == "csv" else json_lines


def json_lines(orders: Sequence[Order]) -> bytes:
    """A line of proto3 JSON for each order."""
    return b"".join(_json_line(order) for order in orders)


def csv_rows(orders: Sequence[Order]) -> bytes:
    """A row for each line item, and one for an order that has none."""
    return _csv([row for order in orders for row in order_rows(order)])


def _json_line(order: Order) -> bytes:
    fields = json_format.MessageToDict(order, preserving_proto_field_name=True)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def order_rows(order: Order) -> list[list[str]]:
    """The cells of each line item."""
    before, after = _before_line(order), _after_line(order)
    lines = [_line(item) for item in order.items] or [[""] * len(_LINE_COLUMNS)]
    return [[*before, *line, *after] for line in lines]


def _before_line(order: Order) -> list[str]:
    status = OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_")
    payment_status = PaymentStatus.Name(order.payment_status).removeprefix("PAYMENT_STATUS_")
    customer, address = order.customer, order.shipping_address
    ids = [order.order_id, order.order_number, order.external_order_id, order.source]
    who = [customer.customer_id, customer.name, customer.email, customer.phone]
    where = [getattr(address, field) for field in ADDRESS_NAMES.values()]
    return [*ids, status, payment_status, _currency(order), *who, *where]


def _line(item: OrderItem) -> list[str]:
    return [item.sku or item.product_id, item.name, str(item.quantity), _money(item, "unit_price")]


def _after_line(order: Order) -> list[str]:
    labels = json.dumps(dict(order.metadata), ensure_ascii=False) if order.metadata else ""
    amounts = [_money(order.pricing, name) for name in AMOUNTS]
    points = [str(getattr(order.pricing, name)) for name in _POINTS]
    times = [_time(order, _order_time_field(order)), order.create_time.ToJsonString(), order.update_time.ToJsonString()]
    return [
        *amounts,
        *points,
        _payments(order),
        _shipments(order),
        _returns(order),
        str(order.total_quantity),
        order.referral_code,
        labels,
        *times,
    ]


def _order_time_field(order: Order) -> str:
    """An order that was placed here was placed when it was created."""
    return "order_time" if order.source or order.HasField("order_time") else "create_time"


def _time(order: Order, field: str) -> str:
    return getattr(order, field).ToJsonString() if order.HasField(field) else ""


def _payments(order: Order) -> str:
    """A JSON list of the payments, with the fields that an import takes."""
    names = UpsertPayment.DESCRIPTOR.fields_by_name
    payments = [
        {
            name: value
            for name, value in json_format.MessageToDict(each, preserving_proto_field_name=True).items()
            if name in names
        }
        for each in order.payments
    ]
    return json.dumps(payments, ensure_ascii=False) if payments else ""


def _shipments(order: Order) -> str:
    """A JSON list of the shipments, which name the lines by their positions, as rows have no ids."""
    if not order.shipments:
        return ""
    positions = _positions(order)
    copies = [Shipment.FromString(shipment.SerializeToString()) for shipment in order.shipments]
    for copy in copies:
        for items in (copy.items, *(parcel.items for parcel in copy.parcels)):
            for item in items:
                item.item_id = positions.get(item.item_id, item.item_id)
    return json.dumps(
        [json_format.MessageToDict(copy, preserving_proto_field_name=True) for copy in copies], ensure_ascii=False
    )


def _returns(order: Order) -> str:
    """A JSON list of the returns, which name the lines as the shipments do."""
    if not order.returns:
        return ""
    positions = _positions(order)
    copies = [OrderReturn.FromString(each.SerializeToString()) for each in order.returns]
    for item in (item for copy in copies for item in copy.items):
        item.item_id = positions.get(item.item_id, item.item_id)
    return json.dumps(
        [json_format.MessageToDict(copy, preserving_proto_field_name=True) for copy in copies], ensure_ascii=False
    )


def _positions(order: Order) -> dict[str, str]:
    return {item.item_id: str(number) for number, item in enumerate(order.items, start=1)}


def _currency(order: Order) -> str:
    """The one currency of the order's amounts."""
    amounts = (order.pricing.total, order.pricing.discount, *(item.unit_price for item in order.items))
    return next((amount.currency_code for amount in amounts if amount.currency_code), "")


def _money(message: object, field: str) -> str:
    amount = getattr(message, field)
    return decimal_text(amount.units, amount.nanos) if message.HasField(field) else ""  # type: ignore[attr-defined]


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([neutralized(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
