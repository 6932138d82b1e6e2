"""Tables that rename fields, in requests from theirs to ours and in responses from ours to theirs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.gateway.problems import Problems

Json = dict[str, Any]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """Our field behind one of theirs: its dotted path, and how to convert its value or the fields within it."""

    path: str
    convert: Convert | None = None
    fields: "Table | None" = None
    # Whether `fields` are those of each item of a list.
    many: bool = False


# By their name. A text is our field's path, whose value needs no conversion.
Table = Mapping[str, str | Field]


def to_ours(table: Table, theirs: object, problems: Problems, *, path: str = "") -> Json:
    """Their object in our names. Unknown names and values that cannot be converted become problems."""
    ours: Json = {}
    if not isinstance(theirs, dict):
        problems.add(path.rstrip(".") or "body", "must be an object")
        return ours
    for name in getattr(theirs, "repeated", ()):
        problems.add(f"{path}{name}", "is given more than once")
    for name, value in theirs.items():
        if name not in table:
            problems.unknown(path, name, table)
        elif value is not None:
            _put(ours, _field(table[name]), value, problems, f"{path}{name}")
    return ours


def _put(ours: Json, field: Field, value: object, problems: Problems, place: str) -> None:
    try:
        converted = _converted(field, value, problems, place)
    except ValueError as error:
        problems.add(place, str(error))
        return
    *outer, last = field.path.split(".")
    for name in outer:
        ours = ours.setdefault(name, {})
    if last:
        ours[last] = converted


def _converted(field: Field, value: object, problems: Problems, place: str) -> object:
    if field.fields is None:
        return value if field.convert is None else field.convert(value)
    if not field.many:
        return to_ours(field.fields, value, problems, path=f"{place}.")
    if not isinstance(value, list):
        raise ValueError("must be a list")
    fields = field.fields
    return [to_ours(fields, each, problems, path=f"{place}[{at}].") for at, each in enumerate(value)]


def to_theirs(table: Table, ours: Json) -> Json:
    """Our object in their names; missing values are null."""
    return {name: _shown(_field(target), ours) for name, target in table.items()}


def _shown(field: Field, ours: Json) -> object:
    value: Any = ours
    for name in filter(None, field.path.split(".")):
        value = value.get(name) if isinstance(value, dict) else None
    if field.fields is not None and value is not None:
        return [to_theirs(field.fields, each) for each in value] if field.many else to_theirs(field.fields, value)
    return value if field.convert is None or value is None else field.convert(value)


def _field(target: str | Field) -> Field:
    return Field(target) if isinstance(target, str) else target


def same(*names: str) -> dict[str, str | Field]:
    """Fields with the same name in both."""
    return {name: name for name in names}


def items(path: str, fields: Table) -> Field:
    return Field(path, fields=fields, many=True)


def inner(path: str, fields: Table) -> Field:
    return Field(path, fields=fields)


def enum(path: str, prefix: str) -> Field:
    """Their name of an enum's value, such as `pending`, to and from ours."""

    def convert(value: object) -> str:
        text = str(value)
        return text.removeprefix(prefix).lower() if text.startswith(prefix) else f"{prefix}{text.upper()}"

    return Field(path, convert)


def enums(path: str, prefix: str) -> Field:
    """One of their names for a list of ours."""
    return Field(path, lambda value: [f"{prefix}{str(value).upper()}"])


def amount(path: str) -> Field:
    """Our money as a number."""
    return Field(path, number)


def number(money: Mapping[str, Any]) -> int | float:
    units, nanos = int(money["units"]), int(money["nanos"])
    return units + nanos / 1_000_000_000 if nanos else units


def integer(path: str) -> Field:
    """A 64-bit integer, which our JSON has as a text."""
    return Field(path, int)


def or_null(path: str) -> Field:
    """A text that is null in theirs if it is empty."""
    return Field(path, lambda value: value or None)


def refused(text: str) -> Field:
    """A field that must be empty if it is present."""

    def convert(value: object) -> None:
        if value not in ({}, [], ""):
            raise ValueError(text)

    return Field("", convert)


def choice(path: str, names: Mapping[str, str]) -> Field:
    """A value of a list, by their name."""

    def convert(value: object) -> str:
        if str(value) not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return names[str(value)]

    return Field(path, convert)


def whole(value: Any, *, least: int, name: str) -> int:
    """A whole number of a query. Raises ValueError."""
    text = str(value)
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"{name} must be a whole number of at least {least}")
    return int(text)


def without_nulls(value: Json, names: Iterable[str]) -> Json:
    """The object without those of the named members that are null."""
    return {name: each for name, each in value.items() if each is not None or name not in set(names)}
