"""Searches of message types for fields that the protos mark."""

from collections.abc import Callable
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor


@cache
def holds_marked(descriptor: Descriptor, is_marked: Callable[[FieldDescriptor], bool]) -> bool:
    """Whether messages of a type, or messages within them, have marked fields."""
    seen, remaining = {descriptor}, [descriptor]
    while remaining:
        fields = remaining.pop().fields
        if any(map(is_marked, fields)):
            return True
        found = {field.message_type for field in fields if field.message_type is not None} - seen
        seen |= found
        remaining += found
    return False
