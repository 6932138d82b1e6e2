"""Serializes orders in the database if a list needs only fields that are columns, without reading the snapshots."""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from orders.v1.order_pb2 import Order
from sqlalchemy import ColumnElement, Integer, LargeBinary, Text, case, cast, func, literal_column

from server.domain.base.varint import varint
from server.storage.schema.tables import orders

_ORDER: Any = Order.DESCRIPTOR
_UUID_LENGTH = 36
# Whole numbers of up to 4 bytes of 7 bits: no order has more versions.
_MOST_BYTES = 4


def columns_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The fields that a mask names, if all of them are columns; else none."""
    names = set(paths)
    if not names or not names <= _VALUES.keys():
        return ()
    return tuple(sorted(names, key=lambda name: int(_ORDER.fields_by_name[name].number)))


def body_of(names: tuple[str, ...]) -> ColumnElement[bytes]:
    """An order with only these fields, serialized; without names, the whole order."""
    if not names:
        return orders.c.snapshot
    parts = [_bytes(_tag(name)).op("||")(_VALUES[name](name)) for name in names]
    return reduce(lambda first, second: first.op("||")(second), parts).label("snapshot")


def _tag(name: str) -> bytes:
    field = _ORDER.fields_by_name[name]
    return varint(field.number << 3 | (2 if field.type == field.TYPE_STRING else 0))


def _bytes(value: bytes) -> ColumnElement[bytes]:
    return cast(literal_column(f"'\\x{value.hex()}'"), LargeBinary)


def _byte(value: ColumnElement[int]) -> ColumnElement[bytes]:
    return func.set_byte(_bytes(b"\0"), literal_column("0"), cast(value, Integer), type_=LargeBinary)


def _uuid(name: str) -> ColumnElement[bytes]:
    return _bytes(varint(_UUID_LENGTH)).op("||")(_utf8(cast(orders.c[name], Text)))


def _text(name: str) -> ColumnElement[bytes]:
    """A text of up to 127 bytes."""
    return _short(orders.c[name])


def _short(text: ColumnElement[str]) -> ColumnElement[bytes]:
    return _byte(func.octet_length(text)).op("||")(_utf8(text))


def _utf8(text: ColumnElement[str]) -> ColumnElement[bytes]:
    return func.convert_to(text, literal_column("'UTF8'"), type_=LargeBinary)


def _etag(_: str) -> ColumnElement[bytes]:
    return _short(cast(orders.c.version, Text))


def _number(name: str) -> ColumnElement[bytes]:
    value = orders.c[name]
    cases = [(value < literal_column(str(1 << 7 * size)), _varint(value, size)) for size in range(1, _MOST_BYTES)]
    return case(*cases, else_=_varint(value, _MOST_BYTES))


def _varint(value: ColumnElement[int], size: int) -> ColumnElement[bytes]:
    """A number in this many bytes of 7 bits."""
    parts = []
    for index in range(size):
        bits = value.op(">>")(literal_column(str(7 * index))).op("&")(literal_column("127"))
        parts.append(_byte(bits if index == size - 1 else bits.op("|")(literal_column("128"))))
    return reduce(lambda first, second: first.op("||")(second), parts)


_VALUES: dict[str, Callable[[str], ColumnElement[bytes]]] = {
    "order_id": _uuid,
    "order_number": _text,
    "status": _number,
    "payment_status": _number,
    "version": _number,
    "etag": _etag,
}
