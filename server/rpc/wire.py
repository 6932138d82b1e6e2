"""Joins serialized messages into a response without decoding them."""

from collections.abc import Iterable
from functools import lru_cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from server.domain.base.varint import varint

_LENGTH_DELIMITED = 2


# Sizes below this come from a table.
_COMMON = 1 << 14
_SIZES = [varint(size) for size in range(_COMMON)]


def with_records(rest: Message, records: Iterable[bytes]) -> bytes:
    """A list's serialized response, from its serialized records and its other fields."""
    tag = _records_tag(rest.DESCRIPTOR)
    chunks: list[bytes] = []
    for record in records:
        size = len(record)
        chunks += (tag, _SIZES[size] if size < _COMMON else varint(size), record)
    return b"".join([*chunks, rest.SerializeToString()])


@lru_cache(maxsize=64)
def _records_tag(response: Descriptor) -> bytes:
    """The tag of the field that holds the records of a list's response: its only repeated message."""
    (field,) = (field for field in response.fields if field.is_repeated and field.message_type is not None)
    return varint(field.number << 3 | _LENGTH_DELIMITED)
