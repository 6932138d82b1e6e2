"""Requests that are made to keep a server busy: wide, deep, long, repeated and all invalid, derived from the descriptors."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from server.domain.base.varint import varint

_DELIMITED = 2
_UNKNOWN = 2047
# Texts that break rules, that look like card numbers, and whose characters take several bytes.
_TEXTS = {
    "long": b"x",
    "numbers": b"4111 1111 1111 1112 ",
    "words": b"card security code ",
    "wide letters": "漢".encode(),
}
# Elements of a list whose field has no rule.
_MANY = 1_000


class HostileRequest(NamedTuple):
    """The bytes of a request, and a name for its shape."""

    shape: str
    data: bytes


def hostile_requests(message: Descriptor, size: int) -> Iterator[HostileRequest]:
    """Requests of a message's type with so many bytes, one for each shape and place."""
    for path in _paths(message, ()):
        yield from _at(path, size)
    yield HostileRequest("all invalid", _filled(message, size, valid=False))
    yield HostileRequest("all full", _filled(message, size, valid=True))
    yield HostileRequest("unknown fields", _again(_tag(_UNKNOWN, 0) + b"\1", size))
    yield HostileRequest("unknown texts", _again(_delimited(_UNKNOWN, b"x"), size))
    yield HostileRequest(
        "deep unknown groups", _again(_tag(_UNKNOWN, 3), size // 2) + _again(_tag(_UNKNOWN, 4), size // 2)
    )
    yield HostileRequest("nothing but ones", b"\1" * size)


def _paths(message: Descriptor, path: tuple[FieldDescriptor, ...]) -> Iterator[tuple[FieldDescriptor, ...]]:
    for field in message.fields:
        if field in path:
            continue
        yield (*path, field)
        if field.message_type is not None:
            yield from _paths(field.message_type, (*path, field))


def _at(path: tuple[FieldDescriptor, ...], size: int) -> Iterator[HostileRequest]:
    """Requests that are large at one place."""
    field, name = path[-1], ".".join(field.name for field in path)
    if field.type in (field.TYPE_STRING, field.TYPE_BYTES):
        for shape, text in _TEXTS.items():
            yield HostileRequest(f"{shape}: {name}", _within(path[:-1], _delimited(field.number, _again(text, size))))
    if field.message_type is not None or field.is_repeated or len(path) == 1:
        element = _tag(field.number, _wire_type(field)) + b"\0"
        yield HostileRequest(f"again: {name}", _within(path[:-1], _again(element, size)))
    if field.is_repeated and field.message_type is None and _wire_type(field) == 0:
        yield HostileRequest(f"packed: {name}", _within(path[:-1], _delimited(field.number, b"\1" * size)))


def _within(path: tuple[FieldDescriptor, ...], data: bytes) -> bytes:
    for field in reversed(path):
        data = _delimited(field.number, data)
    return data


def _filled(message: Descriptor, size: int, *, valid: bool) -> bytes:
    """Every list as long as its rule allows, until the size is reached: of empty elements, or of elements with all fields set."""
    data = b""
    fields = sorted(message.fields, key=lambda field: field.is_repeated)
    for field in fields:
        room = size - len(data)
        if not field.is_repeated:
            data += _value(field, room, valid=valid)[:room]
            continue
        count = 0
        while count < _most(field) and (element := _value(field, size - len(data), valid=valid, index=count)):
            if len(data) + len(element) > size:
                return data
            data, count = data + element, count + 1
    return data


def _most(field: FieldDescriptor) -> int:
    rules: Any = field.GetOptions().Extensions[validate_pb2.field]  # type: ignore[index]
    return int(rules.repeated.max_items or rules.map.max_pairs or _MANY)


def _value(field: FieldDescriptor, room: int, *, valid: bool, index: int = 0) -> bytes:
    """A field with a value that its rules allow, or with an empty one."""
    if field.message_type is not None:
        # The elements of a list share what room there is.
        share = room // 8 if field.is_repeated else room // 2
        return _delimited(field.number, _filled(field.message_type, max(0, share), valid=valid))
    if _wire_type(field) == _DELIMITED:
        return _delimited(field.number, _text(field, index) if valid else b"")
    if _wire_type(field) == 0:
        return _tag(field.number, 0) + bytes([int(valid)])
    return b""


def _text(field: FieldDescriptor, index: int) -> bytes:
    return b"USD" if field.name == "currency_code" else b"a%d" % index


def _wire_type(field: FieldDescriptor) -> int:
    if field.type in (field.TYPE_STRING, field.TYPE_BYTES, field.TYPE_MESSAGE):
        return _DELIMITED
    assert field.type in (field.TYPE_INT32, field.TYPE_INT64, field.TYPE_BOOL, field.TYPE_ENUM), field.full_name
    return 0


def _again(data: bytes, size: int) -> bytes:
    return data * (size // len(data))


def _delimited(number: int, data: bytes) -> bytes:
    return _tag(number, _DELIMITED) + varint(len(data)) + data


def _tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)
