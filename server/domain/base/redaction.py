"""Secrets in messages: the fields that the protos mark with `debug_redact`."""

from typing import TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from server.domain.base.marked_fields import holds_marked

AnyMessage = TypeVar("AnyMessage", bound=Message)


def without_secrets(message: AnyMessage) -> AnyMessage:
    """A copy without its secrets; the message itself if its type has none."""
    if not holds_marked(message.DESCRIPTOR, _is_secret):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    _clear(copy)
    return copy


def _is_secret(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().debug_redact)


def _clear(message: Message) -> None:
    for field, value in message.ListFields():
        if _is_secret(field):
            message.ClearField(field.name)
        elif field.message_type is not None and holds_marked(field.message_type, _is_secret):
            for each in value if field.is_repeated else [value]:
                _clear(each)
