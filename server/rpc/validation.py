"""Validation of requests: the rules of their protos, and card data."""

from collections import deque
from collections.abc import Callable, Container, Generator, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from orders.v1.order_service_pb2 import (
    BatchCancelOrdersRequest,
    BatchCreateOrdersRequest,
    BatchTransitionOrdersRequest,
    BatchUpsertOrdersRequest,
    UpsertOrder,
)
from protovalidate import Validator
from protovalidate import Violation as Found

from server.domain.access.card_data import CardSearch, card_violations, may_hold_card_data
from server.domain.base.errors import MAX_VIOLATIONS, Violation, invalid, invalid_field
from server.rpc.request_bounds import Steps, bounds_of, overlong_lists

Request = TypeVar("Request", bound=Message)

# Each of their items is checked as a separate request.
_BATCHES_OF_WRITES = (BatchCancelOrdersRequest, BatchCreateOrdersRequest, BatchTransitionOrdersRequest)

_collect = Validator().collect_violations
_NANOS = 1_000_000_000
# Bytes of a message that is validated in one call: when it may turn out to be valid, and when it is not.
_VALID_AT_ONCE, _INVALID_AT_ONCE = 4_096, 256


def decode(request_type: type[Request], data: bytes) -> Request:
    """Decodes a request. Refuses bytes of another form."""
    try:
        return request_type.FromString(data)
    except DecodeError as error:
        name = request_type.DESCRIPTOR.full_name
        raise invalid_field(
            "", f"the request is not a valid {name}; check that client and server use the same proto"
        ) from error


def check(request: Message, data: bytes) -> None:
    """Refuses a small request that breaks its proto's rules, naming the fields, or that holds card data.

    `data` is its encoded form. Unknown fields are dropped: they would be stored with the known ones, unchecked.
    """
    request.DiscardUnknownFields()
    if not _is_valid(request, data):
        _run(check_in_steps(request, data))


def _is_valid(message: Message, data: bytes) -> bool:
    """Whether the message is valid, in one step, which is fastest for small valid messages."""
    return not (may_hold_card_data(data) or _collect(message, fail_fast=True) or _bad_nanos(message))


def check_in_steps(request: Message, data: bytes) -> Steps:
    """Like `check`, but yields every few milliseconds, so that other work can run."""
    request.DiscardUnknownFields()
    if (yield from _may_hold_card_data(data)):
        yield from _check_card_data(request)
    broken = _BrokenRules()
    yield from broken.find(request)
    broken.add(_bad_nanos(request))
    if broken.violations:
        raise invalid(*broken.violations)


def violations_of(order: UpsertOrder) -> list[Violation]:
    """The violations of an order of a batch: of its proto's rules, or by card data."""
    data = order.SerializeToString()
    if len(data) <= _VALID_AT_ONCE and _is_valid(order, data):
        return []
    if overlong := overlong_lists(order):
        return overlong
    if may_hold_card_data(data) and (found := card_violations(order)):
        return found
    broken = _BrokenRules()
    _run(broken.find(order))
    broken.add(_bad_nanos(order))
    return broken.violations


def _run(steps: Steps) -> None:
    deque(steps, maxlen=0)


# Bytes per search. Each search includes the beginning of the next, because card data may cross the border.
_SEARCHED_AT_ONCE, _OVERLAP = 32_768, 1_024


def _may_hold_card_data(data: bytes) -> Generator[None, None, bool]:
    for start in range(0, len(data), _SEARCHED_AT_ONCE):
        if may_hold_card_data(data[start : start + _SEARCHED_AT_ONCE + _OVERLAP]):
            return True
        yield
    return False


def _check_card_data(request: Message) -> Steps:
    """Runs before all other checks, whose messages might repeat card data."""
    search = CardSearch()
    if isinstance(request, _BATCHES_OF_WRITES):
        return
    if isinstance(request, BatchUpsertOrdersRequest):
        # Each order is answered separately, by `violations_of`, but the request is remembered as a whole.
        for order in request.orders:
            yield from search.conceal(order)
        return
    violations: list[Violation] = []
    for found in search.look_through(request):
        if found is not None:
            violations.append(found)
        if len(violations) > MAX_VIOLATIONS:
            break
        yield
    if violations:
        raise invalid(*violations)


class _BrokenRules:
    """Collects violations of rules, up to the maximum number that an error reports."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    @property
    def _enough(self) -> bool:
        return len(self.violations) > MAX_VIOLATIONS

    def add(self, violations: Iterable[Violation], prefix: str = "") -> None:
        for field, text in violations:
            if self._enough:
                return
            self.violations.append(Violation(prefix + field, text))

    def find(self, message: Message, prefix: str = "") -> Steps:
        """Adds the violations in a message, whose path is the prefix; validates a large message part by part."""
        size = message.ByteSize()
        if size <= _VALID_AT_ONCE and not _collect(message, fail_fast=True):
            return
        parts = _parts_of(message) if size > _INVALID_AT_ONCE else {}
        if not parts:
            self.add(_violations(message), prefix)
            return
        overlong = overlong_lists(message)
        self.add(overlong, prefix)
        self.add(_violations(_shell(message, parts), parts), prefix)
        for path, element in () if overlong else _elements(message, parts.values()):
            if self._enough:
                return
            yield
            yield from self.find(element, f"{prefix}{path}.")


def _parts_of(message: Message) -> dict[str, FieldDescriptor]:
    """The fields of a message that contain messages with rules, by name."""
    package = message.DESCRIPTOR.file.package
    return {
        field.name: field
        for field, _ in message.ListFields()
        if field.message_type is not None
        and field.message_type.file.package == package
        and not field.message_type.GetOptions().map_entry
    }


def _shell(message: Any, parts: Container[str]) -> Any:
    """A copy of a message, with empty messages as its parts, and one at most in each list of them."""
    shell: Any = type(message)()
    for field, value in message.ListFields():
        own = getattr(shell, field.name)
        if field.name in parts and field.is_repeated:
            own.add()
        elif field.name in parts:
            own.SetInParent()
        elif field.is_repeated or field.message_type is not None:
            own.MergeFrom(value)
        else:
            setattr(shell, field.name, value)
    return shell


def _elements(message: Any, parts: Iterable[FieldDescriptor]) -> Iterator[tuple[str, Message]]:
    """The messages in a message's parts with their paths, except those that are validated elsewhere."""
    for field in parts:
        value = getattr(message, field.name)
        if not field.is_repeated:
            yield field.name, value
        elif not bounds_of(message.DESCRIPTOR)[field.number].separate:
            yield from ((f"{field.name}[{index}]", element) for index, element in enumerate(value))


def _violations(message: Message, parts: Container[str] = ()) -> Iterator[Violation]:
    """The violations of a message's rules, without those within the parts of a shell."""
    for found in _collect(message):
        elements = found.proto.field.elements if found.proto.field else ()
        if len(elements) < 2 or elements[0].field_name not in parts:
            yield Violation(_path(found), _enum_text(message, found) or _text(found))


def _bad_nanos(message: Message) -> list[Violation]:
    violations: list[Violation] = []
    for look in _timestamp_checks(message.DESCRIPTOR):
        look(message, "", violations)
    return violations


# Messages of rules, in clearer words.
_WORDS = {
    "must be at least 1 characters": "is required",
    "must not be in list [0]": "is required",
    "does not match regex pattern `^[!-~]*$`": "may contain only printable ASCII characters without spaces",
    "does not match regex pattern `^[ -~]*$`": "may contain only printable ASCII characters",
    "does not match regex pattern `^[a-z0-9_-]*$`": "may contain only lowercase letters, digits, _ and -",
    r"does not match regex pattern `^[^\x00-\x1f\x7f-\x9f]*$`": "must not contain control characters",
    "does not match regex pattern `^[A-Z]*$`": "may contain only uppercase letters, for example USD",
}


def _text(violation: Found) -> str:
    text = str(violation.proto.message)
    return _WORDS.get(text, text)


def _enum_text(message: Any, violation: Found) -> str:
    """The description of an enum value that cannot be sent; '' for any other violation."""
    if violation.proto.rule_id != "enum.not_in" or violation.proto.field is None:
        return ""
    value, field = message, None
    for element in violation.proto.field.elements:
        field = value.DESCRIPTOR.fields_by_name[element.field_name]
        value = getattr(value, element.field_name)
        if element.subscript is not None:
            value = value[element.subscript.value]
    if field is None or not value:
        return ""
    prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return (
        f"{field.enum_type.values_by_number[value].name.removeprefix(prefix)} is set by the server and cannot be sent"
    )


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
    """Checks of a Timestamp's nanos, which the rules do not bound and which JSON cannot represent if invalid."""
    checks: list[Check] = []
    for field in descriptor.fields:
        inner = field.message_type
        if inner is None or (field.is_repeated and bounds_of(descriptor)[field.number].separate):
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
