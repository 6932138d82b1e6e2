"""Secrets in messages: the fields that the protos mark with `debug_redact`."""

from collections.abc import Callable
from typing import TypeVar

from google.api.field_behavior_pb2 import INPUT_ONLY, field_behavior
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from server.domain.base.marked_fields import holds_marked

AnyMessage = TypeVar("AnyMessage", bound=Message)


def without_secrets(message: AnyMessage) -> AnyMessage:
    """A copy without its secrets; the message itself if its type has none."""
    return _without(message, _is_secret)


def as_shown(message: AnyMessage) -> AnyMessage:
    """A copy without its secrets and the fields that callers only send; the message itself if its type has none."""
    return _without(message, _is_hidden)


def _without(message: AnyMessage, is_hidden: Callable[[FieldDescriptor], bool]) -> AnyMessage:
    if not holds_marked(message.DESCRIPTOR, is_hidden):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    _clear(copy, is_hidden)
    return copy


def _is_secret(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().debug_redact)


def _is_hidden(field: FieldDescriptor) -> bool:
    options = field.GetOptions()
    return bool(options.debug_redact or INPUT_ONLY in options.Extensions[field_behavior])


def _clear(message: Message, is_hidden: Callable[[FieldDescriptor], bool]) -> None:
    for field, value in message.ListFields():
        if is_hidden(field):
            message.ClearField(field.name)
        elif field.message_type is not None and holds_marked(field.message_type, is_hidden):
            for each in value if field.is_repeated else [value]:
                _clear(each, is_hidden)
