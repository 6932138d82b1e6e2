"""The JSON shapes of orders, each converted to an UpsertOrder."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from orders.v1.order_pb2 import Order
from orders.v1.order_return_pb2 import OrderReturn
from orders.v1.order_service_pb2 import UpsertOrder, UpsertPayment
from orders.v1.shipment_pb2 import Shipment

from server.transfer.values import (
    Convert,
    FieldError,
    Fields,
    currency_code,
    decimal_money,
    disposition,
    int32,
    int64,
    list_of,
    members,
    object_of,
    optional,
    return_reason,
    return_status,
    shipment_status,
    status,
    text,
    text_map,
    timestamp,
    trimmed,
)

Values = dict[str, object]

# Other systems' names for the values of an order and its lines, in a flat record. The misspelling is theirs.
ORDER_NAMES = {
    "order_id": "external_order_id",
    "user_id": "customer_id",
    "name": "customer_name",
    "email": "email",
    "phone": "phone",
    "address": "address_text",
    "total_amount": "total",
    "discount": "discount",
    "total_qty": "total_quantity",
    "refferral_code": "referral_code",
    "referral_code": "referral_code",
}
LINE_NAMES = {"product_sku_id": "sku", "product_name": "name", "qty": "quantity", "amount": "unit_price"}

ADDRESS_NAMES = {
    "address_id": "address_id",
    "address_name": "name",
    "street": "street",
    "city": "city",
    "state": "state",
    "postal_code": "postal_code",
    "country": "country",
    "address_phone": "phone",
}

# The amounts of an order besides those of its lines.
AMOUNTS = (
    "total",
    "discount",
    "tax",
    "included_tax",
    "shipping",
    "installation",
    "loyalty_points_value",
)

_CUSTOMER_NAMES = {"customer_id": "customer_id", "customer_name": "name", "email": "email", "phone": "phone"}
_NESTED = {"customer": _CUSTOMER_NAMES, "shipping_address": ADDRESS_NAMES}
_ONLY_FLAT = frozenset(ORDER_NAMES).difference(("order_id", "discount", "referral_code")) | {"products"}
_ONLY_ORDER = frozenset(("order_id", "orderId", "order_number", "orderNumber", "pricing"))

# The fields of an exported order that an upsert takes; the service sets the others.
_SAME = {field.name for field in UpsertOrder.DESCRIPTOR.fields} & {field.name for field in Order.DESCRIPTOR.fields} - {
    "installation"
}
_KEPT = {
    "orders.v1.Order": {*_SAME, "order_number", "pricing", "source", "create_time"},
    "orders.v1.OrderItem": {"product_id", "sku", "name", "quantity", "unit_price", "item_id"},
    "orders.v1.Pricing": {*AMOUNTS, "loyalty_points_used", "loyalty_points_earned"},
    "orders.v1.Payment": {field.name for field in UpsertPayment.DESCRIPTOR.fields},
}
_BY_NAME: Mapping[str, Convert] = {
    **dict.fromkeys(("external_order_id", "order_number", "customer_id", "sku"), trimmed),
    "currency_code": currency_code,
}
_BY_TYPE: Mapping[int, Convert] = {
    FieldDescriptor.TYPE_STRING: text,
    FieldDescriptor.TYPE_INT32: int32,
    FieldDescriptor.TYPE_INT64: int64,
}
_BY_ENUM: Mapping[str, Convert] = {
    "orders.v1.OrderStatus": status,
    "orders.v1.ShipmentStatus": shipment_status,
    "orders.v1.ReturnStatus": return_status,
    "orders.v1.ReturnReason": return_reason,
    "orders.v1.ReturnDisposition": disposition,
}


def order_from_json(record: object, *, currency: str) -> UpsertOrder:
    """The order of an object in any of the shapes; `currency` applies to amounts without one."""
    names = members(record)
    if not _ONLY_FLAT.isdisjoint(names):
        return build(nest(_flat_reader(currency)(names)))
    if not _ONLY_ORDER.isdisjoint(names):
        return build(_of_order(_read_order(names)))
    return build(_read_upsert(names))


def order_values(currency: str, number: Callable[[str], str] = str) -> dict[str, Convert]:
    """The converters of a flat record's order values; `number` turns its amounts into digits with a decimal point."""
    money = optional(decimal_money(currency, number))
    return {
        **dict.fromkeys(("external_order_id", "customer_id"), trimmed),
        **dict.fromkeys(("customer_name", "email", "phone", "address_text", "referral_code"), text),
        **dict.fromkeys(AMOUNTS, money),
        **dict.fromkeys(("total_quantity", "loyalty_points_used", "loyalty_points_earned"), optional(int64)),
        "order_time": optional(timestamp),
    }


def line_values(currency: str, number: Callable[[str], str] = str) -> dict[str, Convert]:
    """The converters of a flat record's line values."""
    money = optional(decimal_money(currency, number))
    return {"sku": trimmed, "name": text, "quantity": optional(int32), "unit_price": money, "total_price": money}


def nest(flat: Values) -> Values:
    """The values of a flat record, nested as an UpsertOrder."""
    for message, names in _NESTED.items():
        inner = {field: flat.pop(name) for name, field in names.items() if name in flat}
        if inner:
            flat[message] = inner
    return flat


def build(values: Mapping[str, Any]) -> UpsertOrder:
    """The message. Refuses one without the key of upserts."""
    if not values.get("external_order_id"):
        raise FieldError("is missing", "external_order_id")
    return UpsertOrder(**values)


@lru_cache
def _flat_reader(currency: str) -> Callable[[object], Values]:
    line = object_of(named(LINE_NAMES, line_values(currency)))
    return object_of({**named(ORDER_NAMES, order_values(currency)), "products": ("items", list_of(line))})


def named(names: Mapping[str, str], values: Mapping[str, Convert]) -> Fields:
    """The fields of a record with these names."""
    return {name: (field, values[field]) for name, field in names.items()}


def _of_order(order: Values) -> Values:
    pricing, number = order.pop("pricing", {}), order.pop("order_number", "")
    created = order.pop("create_time", None)
    if created and not order.pop("source", ""):  # An imported order has the time that its source gave, if any.
        order.setdefault("order_time", created)
    items = order.pop("items", [])
    assert isinstance(pricing, dict)
    assert isinstance(items, list)
    order["external_order_id"] = order.get("external_order_id") or number
    if not order["external_order_id"]:
        text = (
            "is missing, and so is order_number; a flat record, whose id is its order_id, has products or a user_id too"
        )
        raise FieldError(text, "external_order_id")
    return {
        **order,
        **pricing,
        "items": [_of_item(item, ships="shipments" in order or "returns" in order) for item in items],
    }


def _of_item(item: Values, *, ships: bool) -> Values:
    """The item, with its id if shipments or returns may name it."""
    if not ships:
        item.pop("item_id", None)
    product_id = item.pop("product_id", "")  # The SKU of products that have none.
    return item if item.get("sku") else {**item, "sku": product_id}


def _message_fields(message: Any) -> Fields:
    """The fields of a message by their names in proto3 JSON, of which there are two."""
    kept = _KEPT.get(message.full_name)
    fields: dict[str, tuple[str, Convert | None]] = {}
    for field in message.fields:
        to = _converter(field) if kept is None or field.name in kept else None
        fields[field.name] = fields[field.json_name] = (field.name, to)
    return fields


def _converter(field: Any) -> Convert:
    if field.type != FieldDescriptor.TYPE_MESSAGE:
        if field.enum_type is not None:
            return _BY_ENUM[field.enum_type.full_name]
        plain = _BY_NAME.get(field.name) or _BY_TYPE[field.type]
        return list_of(plain) if field.is_repeated else plain
    if field.message_type.GetOptions().map_entry:
        return text_map
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return timestamp
    message = object_of(_message_fields(field.message_type))
    return list_of(message) if field.is_repeated else message


_read_order = object_of(_message_fields(Order.DESCRIPTOR))
payments = list_of(object_of(_message_fields(UpsertPayment.DESCRIPTOR)))
shipments = list_of(object_of(_message_fields(Shipment.DESCRIPTOR)))
returns = list_of(object_of(_message_fields(OrderReturn.DESCRIPTOR)))
_read_upsert = object_of(_message_fields(UpsertOrder.DESCRIPTOR))
