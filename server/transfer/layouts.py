"""Layouts: mappings from the columns of another system's CSV to the fields of an order. Each is a YAML file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from server.transfer.shapes import ADDRESS_NAMES, AMOUNTS

_FOLDER = Path(__file__).with_name("maps")
OWN_FORMATS = ("auto", "jsonl", "csv", "ours")

ORDER_TEXTS = (
    "external_order_id",
    "customer_id",
    "customer_name",
    "email",
    "phone",
    "address_text",
    "referral_code",
    *ADDRESS_NAMES,
)
_PAYMENT = ("payment_status", "payment_id", "payment_method", "paid_amount", "refunded_amount", "outstanding_amount")
_LINE = ("sku", "product_name", "quantity", "unit_price", "line_total")
_FIELDS = frozenset((*ORDER_TEXTS, "order_time", "status", "currency", *AMOUNTS, *_PAYMENT, *_LINE))
_KEYS = {"fields", "dates", "provider"}


class LayoutError(ValueError):
    """An invalid map."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One source of a field: the columns, their combination, and the meanings of their texts."""

    # The columns; the texts of several are joined by blanks, their amounts are added.
    columns: tuple[str, ...] = ()
    # Whether the amounts of all rows of the order are added.
    of_all_rows: bool = False
    # A value for every order, without a column.
    value: str = ""
    # What the texts of the column mean, in small letters; '' means nothing. Empty if they stand for themselves.
    meanings: Mapping[str, str] = field(default_factory=dict)
    # The meaning of any text.
    any: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The choices for each field, of which the first that has a value counts."""

    name: str
    fields: Mapping[str, Sequence[Choice]]
    # The formats of dates besides ISO 8601, as strptime has them.
    dates: tuple[str, ...] = ()
    provider: str = "external"
    # Whether a file must have all columns. Exports of the known systems leave some out.
    exact: bool = True

    @property
    def columns(self) -> set[str]:
        """All columns that fill a field."""
        return {name for choices in self.fields.values() for choice in choices for name in choice.columns}

    @property
    def required(self) -> set[str]:
        """The columns that a file must have: all, or those of required fields that have no other choice."""
        if self.exact:
            return self.columns
        needed = ("external_order_id", "sku", "quantity", "unit_price", "line_total")
        sole = [self.fields[name][0] for name in needed if len(self.fields.get(name, ())) == 1]
        return {name for choice in sole for name in choice.columns}


def named_layout(format: str) -> Layout | None:
    """The layout of a format; None for the service's own."""
    return None if format in OWN_FORMATS else _shipped()[format]


def layouts_of(header: Iterable[str]) -> list[Layout]:
    """The shipped layouts whose required columns are all in a header."""
    names = {name.strip() for name in header}
    return [layout for layout in _shipped().values() if layout.required <= names and len(layout.columns & names) > 3]


def read_layout(path: Path) -> Layout:
    """The layout of a YAML file. Raises LayoutError, which names the file and the field, and OSError."""
    try:
        return _layout(path.stem, yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, LayoutError) as error:
        raise LayoutError(f"{path}: {error}") from None


@lru_cache
def _shipped() -> dict[str, Layout]:
    return {path.stem: replace(read_layout(path), exact=False) for path in sorted(_FOLDER.glob("*.yaml"))}


def _layout(name: str, said: Any) -> Layout:
    if not isinstance(said, dict) or not isinstance(said.get("fields"), dict):
        raise LayoutError("the map has no `fields`; it needs, for example, fields: {external_order_id: Order no.}")
    if unknown := set(said) - _KEYS:
        raise LayoutError(f"unknown key {_listed(unknown)}; a map has {_listed(_KEYS)}")
    if unknown := set(said["fields"]) - _FIELDS:
        raise LayoutError(f"unknown field {_listed(unknown)}; known are {_listed(_FIELDS)}")
    if "external_order_id" not in said["fields"]:
        raise LayoutError("fields: external_order_id is missing")
    fields = {field: _choices(field, choices) for field, choices in said["fields"].items()}
    return Layout(name, fields, tuple(said.get("dates", ())), str(said.get("provider", "external")))


def _choices(field: str, said: Any) -> tuple[Choice, ...]:
    return tuple(_choice(field, each) for each in (said if isinstance(said, list) else [said]))


def _choice(field: str, said: Any) -> Choice:
    if isinstance(said, str):
        return Choice(columns=(said,))
    match said:
        case {"join": list(columns), **rest} | {"add": list(columns), **rest} if not rest:
            return Choice(columns=tuple(map(str, columns)))
        case {"sum": list(columns), **rest} if not rest:
            return Choice(columns=tuple(map(str, columns)), of_all_rows=True)
        case {"value": value, **rest} if not rest:
            return Choice(value=str(value))
        case {"column": str(column), "any": meaning, **rest} if not rest:
            return Choice(columns=(column,), any=str(meaning))
        case {"column": str(column), "values": dict(meanings), **rest} if not rest:
            known = {str(text).lower(): "" if meaning is None else str(meaning) for text, meaning in meanings.items()}
            return Choice(columns=(column,), meanings=known)
    raise LayoutError(
        f"fields.{field}: is neither a column nor one of {{join: […]}}, {{add: […]}}, {{sum: […]}}, {{value: …}}, "
        "{column: …, values: {…}} and {column: …, any: …}"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(map(str, names)))
