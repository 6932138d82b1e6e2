"""The service's own columns of CSV, which `export` writes."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from orders.v1.order_service_pb2 import UpsertOrder

from server.transfer.csv_rows import Row
from server.transfer.dialect import Dialect
from server.transfer.shapes import (
    ADDRESS_NAMES,
    LINE_NAMES,
    ORDER_NAMES,
    Values,
    build,
    line_values,
    named,
    nest,
    order_values,
    payments,
    returns,
    shipments,
)
from server.transfer.values import Convert, FieldError, Fields, status, text, text_map

# Columns that `export` writes and that an upsert does not take.
_IGNORED = {"order_number", "source", "payment_status", "create_time", "update_time"}
# A cell that a spreadsheet would run as a formula, or that is marked as text already.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_MARKED = re.compile(r"'+[=+\-@\t\r]")


def neutralized(cell: str) -> str:
    """The cell, marked as text if a spreadsheet would run it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """The cell before it was marked as text."""
    return cell[1:] if _MARKED.match(cell) else cell


class Column(NamedTuple):
    """A column: its position, its name, the field that it fills, and its converter."""

    at: int
    name: str
    field: str
    convert: Convert


class OwnTable:
    """The columns of a header. Raises FieldError for an unknown header."""

    def __init__(self, header: Sequence[str], dialect: Dialect, *, currency: str) -> None:
        names = [name.strip().lower() for name in header]
        # If both exist, `order_id` is the service's own, as `export` writes it.
        self.names = tuple("" if name == "order_id" and "external_order_id" in names else name for name in names)
        self._dialect, self._currency = dialect, currency
        self._currency_at = _index(self.names, "currency")
        self._keys = [names.index(name) for name in ("external_order_id", "order_id") if name in self.names]
        self._keys += [names.index("order_number")] if "order_number" in names else []
        self._refuse_others()
        self._of_order = itemgetter(*(column.at for column in columns(self.names, currency, dialect)[0]))

    def key(self, row: Row) -> str:
        """The id of a row's order: its number if it has no other."""
        return next((key for index in self._keys if (key := restored(row.cells[index]).strip())), "")

    def order(self, rows: list[Row]) -> UpsertOrder:
        """The order. Its first row holds everything except the items."""
        first = rows[0]
        items = [item for row in rows if (item := self._item(row, first=first))]
        of_order, _ = columns(self.names, self._currency_of(first), self._dialect)
        values = nest(_taken(first, of_order))
        return build({**values, "external_order_id": self.key(first), "items": items})

    def _item(self, row: Row, *, first: Row) -> Values:
        """The line item of a row; none for an order without items."""
        of_order, of_line = columns(self.names, self._currency_of(first), self._dialect)
        try:
            if row is not first and self._of_order(row.cells) != self._of_order(first.cells):
                _refuse_difference(row, first, of_order)
            return _taken(row, of_line)
        except FieldError as error:
            raise error.on_line(row.line) from None

    def _currency_of(self, row: Row) -> str:
        cell = row.cells[self._currency_at].strip().upper() if self._currency_at is not None else ""
        return cell or self._currency

    def _refuse_others(self) -> None:
        known = {"", "currency", *_IGNORED, *_order_fields("", self._dialect), *_line_fields("", self._dialect)}
        others = [name for name in self.names if name not in known]
        if others:
            plural = "s" if len(others) > 1 else ""
            raise FieldError(f"unknown column{plural} in the header", ", ".join(others))
        if not self._keys:
            raise FieldError("is missing in the header", "external_order_id")


@lru_cache(maxsize=64)  # The file's columns, for each of its currencies.
def columns(names: tuple[str, ...], currency: str, dialect: Dialect) -> tuple[list[Column], list[Column]]:
    """The columns of the order, and those of a line."""
    return _chosen(names, _order_fields(currency, dialect)), _chosen(names, _line_fields(currency, dialect))


def _taken(row: Row, chosen: list[Column]) -> Values:
    taken: Values = {}
    for index, name, target, convert in chosen:
        cell = restored(row.cells[index])
        if cell:
            try:
                taken[target] = convert(cell)
            except FieldError as error:
                raise error.within(name) from None
    return taken


def _refuse_difference(row: Row, first: Row, of_order: list[Column]) -> None:
    """Refuses rows that contradict the first row of their order; they may leave values out."""
    for column in of_order:
        if row.cells[column.at].strip() not in ("", first.cells[column.at].strip()):
            raise FieldError(f"differs from that on line {first.line}, for the same order", column.name)


def _order_fields(currency: str, dialect: Dialect) -> Fields:
    more = {
        "status": status,
        "metadata": _json_map,
        "payments": _json_list(payments, "payments"),
        "shipments": _json_list(shipments, "shipments"),
        "returns": _json_list(returns, "returns"),
    }
    values = {**order_values(currency, dialect.number), **dict.fromkeys(ADDRESS_NAMES, text), **more}
    return {**named(ORDER_NAMES, values), **named({name: name for name in values}, values)}


def _line_fields(currency: str, dialect: Dialect) -> Fields:
    values = line_values(currency, dialect.number)
    own = {"sku": "sku", "quantity": "quantity", "unit_price": "unit_price", "line_total": "total_price"}
    return named({**LINE_NAMES, **own}, values)


def _chosen(names: tuple[str, ...], fields: Fields) -> list[Column]:
    chosen: dict[str, Column] = {}
    for index, name in enumerate(names):
        target, convert = fields.get(name, ("", None))
        if convert is None:
            continue
        if target in chosen:
            raise FieldError("is in the header twice, or under two names", name)
        chosen[target] = Column(index, name, target, convert)
    return list(chosen.values())


def _index(names: tuple[str, ...], name: str) -> int | None:
    return names.index(name) if name in names else None


def _json_map(value: object) -> dict[str, str]:
    try:
        return text_map(json.loads(str(value)))
    except (json.JSONDecodeError, RecursionError):
        raise FieldError("is not a JSON object of strings") from None


def _json_list(convert: Convert, kind: str) -> Convert:
    def read(value: object) -> object:
        try:
            return convert(json.loads(str(value)))
        except (json.JSONDecodeError, RecursionError):
            raise FieldError(f"is not a JSON list of {kind}") from None

    return read
