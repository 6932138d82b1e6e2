"""Joins serialized messages in protobuf's wire format."""

from collections.abc import Iterable

from google.protobuf.message import Message


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


# Sizes below this come from a table.
_COMMON = 1 << 14
_SIZES = [_varint(size) for size in range(_COMMON)]


def with_records(rest: Message, records: Iterable[bytes]) -> bytes:
    """A list's response: its serialized records as its first field, and the rest of it."""
    return b"".join([*repeated(1, records), rest.SerializeToString()])


def repeated(number: int, values: Iterable[bytes]) -> list[bytes]:
    """The chunks of a repeated length-delimited field. Numbers up to 15."""
    tag = bytes((number << 3 | 2,))
    chunks: list[bytes] = []
    for value in values:
        size = len(value)
        chunks += (tag, _SIZES[size] if size < _COMMON else _varint(size), value)
    return chunks
