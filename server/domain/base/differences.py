"""The fields in which two messages differ: computed, undone, and listed by path.

A difference is two messages, `before` and `after`, that hold only these fields. Lists, maps, scalars and messages of other packages
are held as a whole. A message of the API that is set in both is held in both, with the fields that differ in it.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import NULL_VALUE, Value
from orders.v1.order_pb2 import Order, OrderEvent
from orders.v1.order_service_pb2 import FieldDifference

# The fields that follow from the order's last event, and those that only answers have.
FOLLOWING = frozenset({"version", "etag", "update_time", "event_hash", "omitted_fields", "provenance", "consumers"})


class Difference(NamedTuple):
    """The fields in which two versions of an order differ."""

    before: Order
    after: Order


def difference(before: Order, after: Order) -> Difference:
    """The difference of two versions of an order, without the fields that follow from their last events."""
    found = Difference(Order(), Order())
    copy_differing(before, after, found, FOLLOWING)
    return found


def copy_differing(
    before: Message, after: Message, into: tuple[Message, Message], skipped: frozenset[str] = frozenset()
) -> None:
    """Copies the fields that differ, with the values before and after."""
    old, new = dict(before.ListFields()), dict(after.ListFields())
    for field in old.keys() | new.keys():
        first, second = old.get(field), new.get(field)
        if first == second or field.name in skipped:
            continue
        if first is not None and second is not None and _is_branch(field):
            parts = tuple(getattr(part, field.name) for part in into)
            for part in parts:
                part.SetInParent()
            copy_differing(first, second, parts)
        else:
            for part, value in zip(into, (first, second), strict=True):
                _set(part, field, value)


def undo(message: Message, before: Message, after: Message) -> None:
    """Gives the fields of a difference the values that they had before."""
    old, new = dict(before.ListFields()), dict(after.ListFields())
    for field in old.keys() | new.keys():
        if field in old and field in new and _is_branch(field):
            undo(getattr(message, field.name), old[field], new[field])
        else:
            message.ClearField(field.name)
            _set(message, field, old.get(field))


def follow_event(order: Order, event: OrderEvent) -> None:
    """Sets the fields that follow from the order's last event."""
    order.version = event.version
    order.etag = str(event.version)
    order.update_time.CopyFrom(event.event_time)
    order.event_hash = event.hash


def differing_paths(before: Message, after: Message, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The paths of a difference in the order of the fields, each with its field and its values; None where it is not set."""
    old, new = dict(before.ListFields()), dict(after.ListFields())
    for field in sorted(old.keys() | new.keys(), key=lambda field: field.number):
        path = prefix + field.name
        if field in old and field in new and _is_branch(field):
            yield from differing_paths(old[field], new[field], f"{path}.")
        else:
            yield path, old.get(field), new.get(field)


def overlap(path: str, other: str) -> bool:
    """Whether two paths are equal, or one contains the other."""
    return f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}.")


@cache
def _is_branch(field: FieldDescriptor) -> bool:
    """Whether the field is a message of the API, whose fields differ one by one."""
    message_type = field.message_type
    return message_type is not None and not field.is_repeated and message_type.file.package == "orders.v1"


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    if value is None:
        return
    if field.is_repeated:
        getattr(message, field.name).MergeFrom(value)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def field_differences(before: Message, after: Message) -> list[FieldDifference]:
    """The fields of a difference, with their values as in JSON."""
    old, new = MessageToDict(before), MessageToDict(after)
    return [
        FieldDifference(path=path, old_value=_value(before, old, path), new_value=_value(after, new, path))
        for path, _, _ in differing_paths(before, after)
    ]


def _value(message: Message, data: Any, path: str) -> Value:
    """The value at a path of a message that is given as JSON, too."""
    for name in _json_names(message, path.split(".")):
        data = data.get(name, {})
    value = Value(null_value=NULL_VALUE)
    return value if data == {} else ParseDict(data, value)


def _json_names(message: Message, names: Iterable[str]) -> Iterator[str]:
    descriptor: Any = message.DESCRIPTOR
    for name in names:
        field = descriptor.fields_by_name[name]
        yield field.json_name
        descriptor = field.message_type
