"""What a request is checked for before anything is done with it: its proto's rules, and card data."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest, UpsertOrder
from protovalidate import Validator
from protovalidate import Violation as Found

from server.domain.access.card_data import CardSearch, card_violations, may_hold_card_data
from server.domain.base.errors import Violation, invalid, invalid_field

Request = TypeVar("Request", bound=Message)

_collect = Validator().collect_violations
_NANOS = 1_000_000_000


def decode(request_type: type[Request], data: bytes) -> Request:
    """The request, if its bytes are one."""
    try:
        return request_type.FromString(data)
    except DecodeError as error:
        name = request_type.DESCRIPTOR.full_name
        raise invalid_field("", f"the bytes are no {name}; is the client's proto the server's?") from error


def check(request: Message, data: bytes) -> None:
    """Refuses a request that breaks its proto's rules, naming every field that does, or that has card data.

    `data` is what it was decoded from. Fields of it that this server does not know are dropped: they would be stored with the
    known ones, and nobody can say what they hold.
    """
    request.DiscardUnknownFields()
    if may_hold_card_data(data):
        _check_card_data(request)
    violations = _broken_rules(request)
    if violations:
        raise invalid(*violations)


def violations_of(order: UpsertOrder) -> list[Violation]:
    """What is wrong with an order of a batch by the rules of its proto, or what of it is card data."""
    if may_hold_card_data(order.SerializeToString()) and (found := card_violations(order)):
        return found
    return _broken_rules(order)


def _check_card_data(request: Message) -> None:
    """Goes before all other checks, whose texts might repeat what they refuse."""
    if isinstance(request, BatchUpsertOrdersRequest):
        # Each order is answered by itself, by `violations_of`. The request is remembered with all of them.
        search = CardSearch()
        for order in request.orders:
            search.conceal(order)
    elif violations := card_violations(request):
        raise invalid(*violations)


def _broken_rules(message: Message) -> list[Violation]:
    found = _collect(message)
    violations = [Violation(_path(violation), _text(violation)) for violation in found] if found else []
    for look in _timestamp_checks(message.DESCRIPTOR):
        look(message, "", violations)
    return violations


# What the rules say, where they do not say it in the words of people.
_WORDS = {
    "must be at least 1 characters": "is required",
    "must not be in list [0]": "is required",
    "does not match regex pattern `^[!-~]*$`": "may hold printable ASCII characters only, and no blanks",
    "does not match regex pattern `^[ -~]*$`": "may hold printable ASCII characters only",
    "does not match regex pattern `^[a-z0-9_-]*$`": "may hold small letters, digits, _ and - only",
    "does not match regex pattern `^[A-Z]*$`": "may hold capital letters only, for example USD",
}


def _text(violation: Found) -> str:
    text = str(violation.proto.message)
    return _WORDS.get(text, text)


def _path(violation: Found) -> str:
    path = ""
    for element in violation.proto.field.elements if violation.proto.field else ():
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            key = element.subscript.value
            path += f"[{key}]" if element.subscript.field == "index" else f'["{key}"]'
    return path


Check = Callable[[Message, str, list[Violation]], None]


@lru_cache(maxsize=256)
def _timestamp_checks(descriptor: Descriptor) -> tuple[Check, ...]:
    """The rules bound a Timestamp's seconds, but take any nanos; what these let through could not be written as JSON."""
    checks: list[Check] = []
    for field in descriptor.fields:
        inner = field.message_type
        if inner is None:
            continue
        if inner.full_name == "google.protobuf.Timestamp":
            checks.append(_check_nanos(field.name))
        elif inner.file.package == descriptor.file.package and _timestamp_checks(inner):
            checks.append((_check_each if field.is_repeated else _check_within)(field.name, inner))
    return tuple(checks)


def _check_nanos(name: str) -> Check:
    def look(message: Any, prefix: str, violations: list[Violation]) -> None:
        if message.HasField(name) and not 0 <= getattr(message, name).nanos < _NANOS:
            violations.append(Violation(f"{prefix}{name}.nanos", "must be from 0 to 999,999,999"))

    return look


def _check_within(name: str, inner: Descriptor) -> Check:
    def look(message: Any, prefix: str, violations: list[Violation]) -> None:
        if message.HasField(name):
            for check_inner in _timestamp_checks(inner):
                check_inner(getattr(message, name), f"{prefix}{name}.", violations)

    return look


def _check_each(name: str, inner: Descriptor) -> Check:
    def look(message: Any, prefix: str, violations: list[Violation]) -> None:
        for index, element in enumerate(getattr(message, name)):
            for check_inner in _timestamp_checks(inner):
                check_inner(element, f"{prefix}{name}[{index}].", violations)

    return look
