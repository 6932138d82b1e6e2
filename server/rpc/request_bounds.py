"""Bounds the fields and elements of a request by its bytes, before they are decoded.

An empty message takes two bytes of a request, a hundred in memory, and many microseconds in each later check. A large request is
therefore refused at the first list or map with more elements than its proto allows, or if its total exceeds the limit.
"""

from collections.abc import Generator
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from orders.v1 import access_pb2

from server.domain.base.errors import Violation, invalid_field

# Fields and elements of lists and maps in one request, not counting those inside small messages without lists.
MAX_FIELDS = 300_000
# Requests up to this size, in bytes, are decoded without a scan: they cannot have too many elements.
SMALL = 4_096
# Elements of a list and bytes of a text without a rule; bytes of a text in Google's messages, such as a currency.
_UNRULED_ELEMENTS, _UNRULED_BYTES, _FOREIGN_BYTES = 1_000, SMALL, 128
# Fields between two pauses.
_FIELDS_AT_ONCE = 256

_VARINT, _FIXED64, _DELIMITED, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_CONTINUED = bytes(range(0x80, 0x100))
_OWN_PACKAGE = access_pb2.DESCRIPTOR.package
_TEXT = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)

Steps = Generator[None, None, None]
# The elements of each list in a message, by field number; for a field that holds one message, the counts within that message.
_Counts = dict[int, "int | _Counts"]


class FieldBounds(NamedTuple):
    """The bounds of one field."""

    name: str
    # 0 for a field that is neither a list nor a map.
    max_elements: int
    # The violation of a list that is longer.
    too_many: str
    # 0 for anything but a text without a rule.
    max_bytes: int
    # Whether many elements may share one tag.
    packed: bool
    # Whether each element is answered separately, so that an invalid one does not refuse the request.
    separate: bool
    # The message to look into.
    inner: Descriptor | None


@lru_cache(maxsize=256)
def bounds_of(message: Descriptor) -> dict[int, FieldBounds]:
    """The bounds of a message's fields, by field number, without fields that hold one value of limited size."""
    found = {field.number: _field_bounds(field) for field in message.fields}
    return {number: each for number, each in found.items() if each.max_elements or each.max_bytes or each.inner}


def _field_bounds(field: FieldDescriptor) -> FieldBounds:
    rules: Any = field.GetOptions().Extensions[validate_pb2.field]  # type: ignore[index]
    limit = rules.map.max_pairs or rules.repeated.max_items or _UNRULED_ELEMENTS
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    is_text = field.type in _TEXT
    return FieldBounds(
        name=field.name,
        max_elements=limit if field.is_repeated else 0,
        too_many=f"map must be at most {limit} entries" if is_map else f"must contain no more than {limit} item(s)",
        max_bytes=_max_bytes(field, rules.repeated.items if field.is_repeated else rules) if is_text else 0,
        packed=field.is_repeated and field.message_type is None and not is_text,
        separate=rules.repeated.items.ignore == validate_pb2.IGNORE_ALWAYS,
        inner=field.message_type,
    )


def _max_bytes(field: FieldDescriptor, rules: Any) -> int:
    if rules.WhichOneof("type"):
        return 0
    holder = field.containing_type
    return _UNRULED_BYTES if holder is not None and holder.file.package == _OWN_PACKAGE else _FOREIGN_BYTES


@lru_cache(maxsize=256)
def _holds_lists(message: Descriptor) -> bool:
    """Whether a message, or one within it, may hold any number of elements. Entries of maps do not."""
    return any(
        field.is_repeated or (field.message_type is not None and _holds_lists(field.message_type))
        for field in message.fields
    )


def overlong_lists(message: Any) -> list[Violation]:
    """The violations of a decoded message's own lists and maps that are too long."""
    return [
        Violation(field.name, field.too_many)
        for field in bounds_of(message.DESCRIPTOR).values()
        if field.max_elements and len(getattr(message, field.name)) > field.max_elements
    ]


def scan(message: Descriptor, data: bytes) -> Steps:
    """Refuses a request with too many elements. Yields regularly; stops silently where decoding will fail."""
    try:
        yield from _Scan(data).walk(message, 0, len(data), "", {}, checked=True)
    except (_Malformed, IndexError):
        return


class _Malformed(Exception):
    """The bytes are not a message."""


class _Scan:
    """A walk through the bytes of one request."""

    def __init__(self, data: bytes) -> None:
        self._data, self._left, self._pause_at = data, MAX_FIELDS, MAX_FIELDS - _FIELDS_AT_ONCE
        # A field takes two bytes, so a request of this size cannot hold too many: small elements that are answered separately need no look.
        self._unread = SMALL if len(data) <= 2 * MAX_FIELDS else 0

    def walk(self, message: Descriptor, at: int, end: int, path: str, counts: _Counts, *, checked: bool) -> Steps:
        """`checked` is whether a list that is too long refuses the request."""
        bounds, depth = bounds_of(message), 0
        while at < end:
            tag, at = self._varint(at)
            kind = tag & 7
            start, at = self._value(kind, at)
            self._count(1)
            if self._left < self._pause_at:
                self._pause_at = self._left - _FIELDS_AT_ONCE
                yield
            # No message here has groups, so their contents are unknown too.
            depth += (kind == _START_GROUP) - (kind == _END_GROUP)
            field = bounds.get(tag >> 3)
            if depth or field is None:
                continue
            name, within, size = path + field.name, field.inner, at - start
            if field.max_bytes and size > field.max_bytes:
                raise invalid_field(name, f"has {size:,} bytes, the limit is {field.max_bytes:,}")
            place, inner = self._enter(field, name, tag, (start, at), counts, checked=checked)
            if field.separate and size <= self._unread:
                continue
            if kind == _DELIMITED and _is_worth_a_look(within, size):
                yield from self.walk(within, start, at, place, inner, checked=checked and not field.separate)

    def _enter(
        self, field: FieldBounds, name: str, tag: int, span: tuple[int, int], counts: _Counts, *, checked: bool
    ) -> tuple[str, _Counts]:
        """Counts an occurrence of a field. Returns the prefix of the paths within it, and the counts that belong to it."""
        if not field.max_elements:
            inner = counts.setdefault(tag >> 3, {})
            assert isinstance(inner, dict)
            return f"{name}.", inner
        before = counts.get(tag >> 3, 0)
        assert isinstance(before, int)
        added = 1
        if field.packed and tag & 7 == _DELIMITED:
            added = len(self._data[slice(*span)].translate(None, _CONTINUED))
            self._count(added)
        counts[tag >> 3] = before + added
        if checked and before + added > field.max_elements:
            raise invalid_field(name, field.too_many)
        return f"{name}[{before}].", {}

    def _count(self, fields: int) -> None:
        self._left -= fields
        if self._left < 0:
            text = f"the request has more than {MAX_FIELDS:,} fields and elements; send it in smaller parts"
            raise invalid_field("", text)

    def _value(self, kind: int, at: int) -> tuple[int, int]:
        """The start and end of the value that follows a tag."""
        if kind == _DELIMITED:
            size, start = self._varint(at)
            return start, start + size
        if kind == _VARINT:
            return at, self._varint(at)[1]
        if kind in (_FIXED64, _FIXED32):
            return at, at + (8 if kind == _FIXED64 else 4)
        if kind in (_START_GROUP, _END_GROUP):
            return at, at
        raise _Malformed

    def _varint(self, at: int) -> tuple[int, int]:
        byte = self._data[at]
        if byte < 0x80:
            return byte, at + 1
        value, shift = byte & 0x7F, 7
        while byte > 0x7F and shift < 70:
            at += 1
            byte = self._data[at]
            value |= (byte & 0x7F) << shift
            shift += 7
        return value, at + 1


def _is_worth_a_look(message: Descriptor | None, size: int) -> TypeGuard[Descriptor]:
    """Whether to scan a message: without lists, only its texts can be too large."""
    return message is not None and (size > _FOREIGN_BYTES or _holds_lists(message))
