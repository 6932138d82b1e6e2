"""The changes of orders in words: the event, and the values before and after it."""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1 import order_pb2 as pb

from server.views.words import money_text, name_of, time_text

# Values of one event, and characters of a value, that are shown.
_MOST_VALUES, _LONGEST = 8, 40


def details(event: pb.OrderEvent) -> Iterator[str]:
    """The parts of an event's description."""
    if event.from_status != event.to_status:
        before = f"{name_of(pb.OrderStatus, event.from_status)} → " if event.from_status else ""
        yield before + name_of(pb.OrderStatus, event.to_status)
    if event.HasField("payment_event"):
        payment = event.payment_event
        yield f"{name_of(pb.PaymentEventType, payment.type)} {money_text(payment.amount)} {payment.provider}".strip()
    if event.HasField("tracking_event"):
        tracking = event.tracking_event
        place = tracking.location or ", ".join(filter(None, (tracking.city, tracking.country)))
        yield " ".join(filter(None, (name_of(pb.TrackingStatus, tracking.status), place, tracking.description)))
    yield from values(event)
    if event.reason:
        yield event.reason


def values(event: pb.OrderEvent) -> Iterator[str]:
    """The changed values, or the changed fields if no values were recorded."""
    if not (event.HasField("before") or event.HasField("after")):
        if event.changed_fields:
            yield ", ".join(event.changed_fields)
        return
    before, after = dict(_leaves(event.before)), dict(_leaves(event.after))
    changed = [path for path in after | before if before.get(path) != after.get(path)]
    for path in changed[:_MOST_VALUES]:
        yield f"{path}: {_value(before, path)} → {_value(after, path)}"
    if len(changed) > _MOST_VALUES:
        yield f"and {len(changed) - _MOST_VALUES} more"


def _value(leaves: Mapping[str, str], path: str) -> str:
    text = leaves.get(path, "—")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _leaves(message: Message, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The paths and texts of a message's values."""
    for field, value in message.ListFields():
        path = prefix + field.name
        if field.message_type is None:
            yield path, _scalar(field, value)
        elif field.message_type.GetOptions().map_entry:
            yield from ((f"{path}.{key}", str(each)) for key, each in value.items())
        elif field.is_repeated:
            for index, each in enumerate(value):
                yield from _message(f"{path}[{index}]", each)
        else:
            yield from _message(path, value)


def _message(path: str, message: Message) -> Iterator[tuple[str, str]]:
    if isinstance(message, Money):
        yield path, money_text(message)
    elif isinstance(message, Timestamp):
        yield path, time_text(message)
    else:
        yield from _leaves(message, path + ".")


def _scalar(field: FieldDescriptor, value: Any) -> str:
    parts = value if field.is_repeated else [value]
    if field.enum_type is not None:
        prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
        parts = [field.enum_type.values_by_number[number].name.removeprefix(prefix) for number in parts]
    return ", ".join(map(str, parts))
