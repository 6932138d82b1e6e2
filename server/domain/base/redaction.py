"""Secrets in messages: the fields that the protos mark with `debug_redact`."""

from functools import cache
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

AnyMessage = TypeVar("AnyMessage", bound=Message)


def without_secrets(message: AnyMessage) -> AnyMessage:
    """A copy without its secrets; the message itself if its type has none."""
    if not _holds_secrets(message.DESCRIPTOR):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    _clear(copy)
    return copy


@cache
def _holds_secrets(descriptor: Descriptor) -> bool:
    """Whether messages of a type, or messages within them, have secret fields."""
    seen, remaining = {descriptor}, [descriptor]
    while remaining:
        fields = remaining.pop().fields
        if any(map(_is_secret, fields)):
            return True
        found = {field.message_type for field in fields if field.message_type is not None} - seen
        seen |= found
        remaining += found
    return False


def _is_secret(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().debug_redact)


def _clear(message: Message) -> None:
    for field, value in message.ListFields():
        if _is_secret(field):
            message.ClearField(field.name)
        elif field.message_type is not None and _holds_secrets(field.message_type):
            for each in value if field.is_repeated else [value]:
                _clear(each)
