"""Personal data in messages: the fields that the protos mark with `personal_data`."""

from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from orders.v1 import personal_data_pb2

from server.domain.base.marked_fields import holds_marked

AnyMessage = TypeVar("AnyMessage", bound=Message)

# Replaces every value that is erased.
MARKER = "[erased]"


def erased(message: AnyMessage) -> AnyMessage:
    """A copy whose personal data is replaced by the marker."""
    copy = type(message)()
    copy.CopyFrom(message)
    _erase(copy)
    return copy


def _erase(message: Message) -> None:
    for field, value in message.ListFields():
        if _is_personal(field):
            _mark(message, field, value)
        else:
            for part in _parts(field, value):
                _erase(part)


def _mark(message: Message, field: FieldDescriptor, value: Any) -> None:
    if field.is_repeated:  # A map of texts.
        for key in list(value):
            value[key] = MARKER
    else:
        setattr(message, field.name, MARKER)


def move_personal_data(source: Message, target: Message) -> None:
    """Moves the personal data of a message, except that within lists, into another message of its type."""
    for field, value in source.ListFields():
        if _is_personal(field):
            setattr(target, field.name, value)
            source.ClearField(field.name)
        elif not field.is_repeated and field.message_type is not None and _holds_personal_data(field.message_type):
            move_personal_data(value, getattr(target, field.name))


def names_customer(message: Message, customer_id: str) -> bool | None:
    """Whether a message refers to a customer; None if it names no customer."""
    names = {field.name: value for field, value in message.ListFields()}
    if "customer_id" in names:
        return bool(names["customer_id"] == customer_id)
    for name in ("customer", "order", "account"):
        if name in names and isinstance(names[name], Message):
            return names_customer(names[name], customer_id)
    return None


def erased_of(message: AnyMessage, customer_id: str, *, default: bool) -> AnyMessage:
    """A copy without the personal data of one customer. `default` applies to parts that name no customer."""
    copy = type(message)()
    copy.CopyFrom(message)
    _erase_of(copy, customer_id, default=default)
    return copy


def _erase_of(message: Message, customer_id: str, *, default: bool) -> None:
    named = names_customer(message, customer_id)
    if default if named is None else named:
        _erase(message)
    elif named is None:
        for field, value in message.ListFields():
            for part in _parts(field, value):
                _erase_of(part, customer_id, default=default)


def _parts(field: FieldDescriptor, value: Any) -> list[Message]:
    """The messages of a field that can hold personal data."""
    if field.message_type is None or not _holds_personal_data(field.message_type):
        return []
    return list(value) if field.is_repeated else [value]


@cache
def _is_personal(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[personal_data_pb2.personal_data])  # type: ignore[index]


def _holds_personal_data(descriptor: Descriptor) -> bool:
    """Whether messages of a type, or messages within them, have personal fields. Maps of messages are not searched."""
    return not descriptor.GetOptions().map_entry and holds_marked(descriptor, _is_personal)
