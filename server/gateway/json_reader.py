"""Strictly reads JSON values into messages: unknown names, wrong types and repeated keys are faults of their fields."""

import json
import re
from base64 import b64decode
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from server.gateway.problems import Problems, suggestion

# Returns the value for a field. Raises ValueError with a description.
Convert = Callable[[Any], Any]

_INTEGERS = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
)
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)
# Messages that are strings in JSON, and the form of the string.
TEXT_FORMS = {
    "google.protobuf.Timestamp": "a time with a time zone, such as 2026-01-20T10:00:00Z",
    "google.protobuf.Duration": "seconds, such as 3.5s",
    "google.protobuf.FieldMask": "paths of fields, separated by commas",
}
# Fields that accept a date without a time.
_DATES = frozenset({"requested_delivery_time", "installation_time", "requested_time", "scheduled_time"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class NotJson(Exception):
    """The text is not JSON; the message has the position."""


class _Repeating(dict[str, Any]):
    """An object that has a name more than once."""

    repeated: frozenset[str] = frozenset()


def parse(text: bytes) -> Any:
    """The value of a JSON text, in which objects with a repeated name are marked. Raises NotJson."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise NotJson("the JSON is nested too deeply") from error
    except (ValueError, UnicodeDecodeError) as error:
        where = (
            f"{error.msg}: line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        )
        raise NotJson(f"the body is not JSON{where and f': {where}'}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeating = _Repeating(found)
    names = [name for name, _ in pairs]
    repeating.repeated = frozenset(name for name in names if names.count(name) > 1)
    return repeating


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def read(message: Any, value: object, problems: Problems, *, path: str = "") -> None:
    """Sets the fields of a message from a JSON value, whose path begins the paths of faults."""
    _Reading(problems).message(message, value, path)


class _Field(NamedTuple):
    field: FieldDescriptor
    convert: Convert | None


@cache
def _fields(message: Descriptor) -> dict[str, _Field]:
    """The fields of a type by their two names."""
    found: dict[str, _Field] = {}
    for field in message.fields:
        found[field.json_name] = found[field.name] = _Field(field, _converter(field))
    return found


class _Reading:
    """The reading of one value."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def message(self, message: Any, value: object, path: str) -> None:
        if not isinstance(value, dict):
            self._problems.add(path.rstrip("."), f"must be an object, not {_kind(value)}")
            return
        fields = _fields(message.DESCRIPTOR)
        for name in getattr(value, "repeated", ()):
            self._problems.add(f"{path}{name}", "is given more than once")
        seen: dict[str, str] = {}
        for name, inner in value.items():
            if name not in fields:
                self._problems.unknown(path, name, message.DESCRIPTOR.fields_by_name)
            elif inner is not None:
                self._member(message, fields[name], inner, path, seen)

    def _member(self, message: Any, member: _Field, value: object, path: str, seen: dict[str, str]) -> None:
        field = member.field
        place = f"{path}{field.name}"
        one_of = field.containing_oneof.full_name if field.containing_oneof is not None else field.full_name
        if (other := seen.get(one_of)) is not None:
            self._problems.add(place, "is given more than once" if other == place else f"cannot be set with {other}")
            return
        seen[one_of] = place
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            self._map(getattr(message, field.name), field, value, place)
        elif field.is_repeated:
            self._list(getattr(message, field.name), member, value, place)
        else:
            self._single(message, member, value, place)

    def _single(self, message: Any, member: _Field, value: object, place: str) -> None:
        field, convert = member
        if convert is None:
            inner = getattr(message, field.name)
            inner.SetInParent()
            self._inner(inner, value, place)
            return
        try:
            setattr(message, field.name, convert(value))
        except (ValueError, TypeError) as error:
            self._problems.add(place, _description(error))

    def _list(self, values: Any, member: _Field, value: object, place: str) -> None:
        if not isinstance(value, list):
            self._problems.add(place, f"must be a list, not {_kind(value)}")
            return
        for at, each in enumerate(value):
            if member.convert is None:
                self._inner(values.add(), each, f"{place}[{at}]")
                continue
            try:
                values.append(member.convert(each))
            except (ValueError, TypeError) as error:
                self._problems.add(f"{place}[{at}]", _description(error))

    def _map(self, values: Any, field: FieldDescriptor, value: object, place: str) -> None:
        if not isinstance(value, dict):
            self._problems.add(place, f"must be an object, not {_kind(value)}")
            return
        for name in getattr(value, "repeated", ()):
            self._problems.add(f"{place}[{name}]", "is given more than once")
        entry = _fields(field.message_type)
        convert = entry["value"].convert
        for name, each in value.items():
            try:
                key = _key(name, entry["key"].field)
                if convert is None:
                    self._inner(values[key], each, f"{place}[{name}]")
                else:
                    values[key] = convert(each)
            except (ValueError, TypeError) as error:
                self._problems.add(f"{place}[{name}]", _description(error))

    def _inner(self, message: Any, value: Any, place: str) -> None:
        name = message.DESCRIPTOR.full_name
        if not name.startswith("google.protobuf."):
            self.message(message, value, f"{place}.")
            return
        try:
            if name in TEXT_FORMS:
                _read_text(message, _time_of(value, place), TEXT_FORMS[name])
            else:
                json_format.ParseDict(value, message)
        except (ValueError, json_format.Error) as error:
            self._problems.add(place, _description(error))


def _time_of(value: object, place: str) -> object:
    """The value; for a field that accepts dates, the beginning of a date in UTC."""
    is_date = place.rpartition(".")[2] in _DATES and isinstance(value, str) and _DATE.fullmatch(value)
    return f"{value}T00:00:00Z" if is_date else value


def _read_text(message: Any, value: object, form: str) -> None:
    try:
        message.FromJsonString(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"must be {form}") from error


def _key(name: str, field: FieldDescriptor) -> Any:
    if field.cpp_type in _INTEGERS:
        return int(name)
    return name == "true" if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL else name


def _converter(field: FieldDescriptor) -> Convert | None:
    """None for a message."""
    if field.cpp_type in _INTEGERS:
        return _integer
    if field.cpp_type in _FLOATS:
        return _float
    if field.enum_type is not None:
        return _enum_converter(field.enum_type)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _boolean
    if field.message_type is not None:
        return None
    return _bytes if field.type == FieldDescriptor.TYPE_BYTES else _text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {_kind(value)}")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_kind(value)}")
    return value


def _integer(value: object) -> int:
    """An integer, which may be written as a text or with an exponent."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be an integer, not {_kind(value)}")
    try:
        whole = int(value)
    except (ValueError, OverflowError):
        raise ValueError(f"must be an integer, not {_shown(value)}") from None
    if isinstance(value, float) and whole != value:
        raise ValueError(f"must be an integer, not {_shown(value)}")
    if isinstance(value, str) and str(whole) != value:
        raise ValueError(f"must be an integer, not {_shown(value)}")
    return whole


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be a number, not {_kind(value)}")
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"must be a number, not {_shown(value)}") from None


def _bytes(value: object) -> bytes:
    text = _text(value).replace("-", "+").replace("_", "/")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("must be base64") from None


@cache
def _enum_converter(enum: EnumDescriptor) -> Convert:
    numbers = {value.name: value.number for value in enum.values}

    def convert(value: object) -> int:
        if isinstance(value, str) and value in numbers:
            return numbers[value]
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str):
            raise ValueError(f"must be a name of {enum.name}, not {_kind(value)}")
        # Other APIs write `pending` for ORDER_STATUS_PENDING.
        near = [name for name in numbers if name.endswith(f"_{value.upper()}")]
        hint = f"; did you mean {near[0]}?" if near else suggestion(value, numbers)
        raise ValueError(f"{_shown(value)} is not a name of {enum.name}{hint}")

    return convert


_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS.items() if isinstance(value, kind)), "null")


def _shown(value: object) -> str:
    return repr(str(value)[:60])


def _description(error: Exception) -> str:
    text = str(error).splitlines()[0]
    return "is out of range" if text.startswith("Value out of range") else text
