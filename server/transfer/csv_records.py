"""Orders from CSV: a row for each line item, with the rows of an order next to each other."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from orders.v1.order_service_pb2 import UpsertOrder

from server.transfer.lines import Line, Record
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
)
from server.transfer.values import Convert, FieldError, Fields, status, text, text_map

# Columns that `export` writes and that an upsert does not take.
_IGNORED = {"order_number", "source", "payment_status", "create_time", "update_time"}


class Row(NamedTuple):
    """A row with its lines, of which there are several if a cell has line breaks."""

    line: int
    end: int
    raw: str
    cells: list[str]
    problem: str = ""


@dataclass(slots=True)
class Group:
    """The rows of one order, and the line of an unreadable row next to them that may belong to it."""

    key: str
    rows: list[Row] = field(default_factory=list)
    beside: int = 0


class Column(NamedTuple):
    """A column: its position, its name, the field that it fills, and its converter."""

    at: int
    name: str
    field: str
    convert: Convert


class Table:
    """The columns of a header. Raises FieldError for a header that is not understood."""

    def __init__(self, header: Sequence[str], *, currency: str) -> None:
        names = [name.strip().lower() for name in header]
        # If both exist, `order_id` is the service's own, as `export` writes it.
        self.names = tuple("" if name == "order_id" and "external_order_id" in names else name for name in names)
        self._currency = currency
        self._currency_at = _index(self.names, "currency")
        self._keys = [names.index(name) for name in ("external_order_id", "order_id") if name in self.names]
        self._keys += [names.index("order_number")] if "order_number" in names else []
        self._refuse_others()
        self._of_order = itemgetter(*(column.at for column in columns(self.names, currency)[0]))

    def key(self, row: Row) -> str:
        """The id of a row's order: its number if it has no other."""
        return next((row.cells[index] for index in self._keys if row.cells[index]), "")

    def item(self, row: Row, *, first: Row) -> Values:
        """The line item of a row; None for an order that has none."""
        of_order, of_line = columns(self.names, self._currency_of(first))
        if row is not first and self._of_order(row.cells) != self._of_order(first.cells):
            _refuse_difference(row, first, of_order)
        return _taken(row, of_line)

    def order(self, first: Row, items: list[Values]) -> UpsertOrder:
        """The order. Its first row holds everything except the items."""
        values = nest(_taken(first, columns(self.names, self._currency_of(first))[0]))
        return build({**values, "external_order_id": self.key(first), "items": items})

    def _currency_of(self, row: Row) -> str:
        return (row.cells[self._currency_at].strip() if self._currency_at is not None else "") or self._currency

    def _refuse_others(self) -> None:
        known = {"", "currency", *_IGNORED, *_order_fields(""), *_line_fields("")}
        for name in self.names:
            if name not in known:
                raise FieldError("unknown column in the header", name)
        if not self._keys:
            raise FieldError("is missing in the header", "external_order_id")


@lru_cache(maxsize=64)  # The file's columns, for each of its currencies.
def columns(names: tuple[str, ...], currency: str) -> tuple[list[Column], list[Column]]:
    """The columns of the order, and those of a line."""
    return _chosen(names, _order_fields(currency)), _chosen(names, _line_fields(currency))


def csv_records(lines: Iterator[Line], *, currency: str) -> Iterator[Record]:
    """The orders of a file, each once its last row is read. A file whose header is not understood is refused as a whole."""
    rows = _rows(lines)
    header = next(rows, None)
    if header is None:
        return
    try:
        if header.problem:
            raise FieldError(header.problem)
        table = Table(header.cells, currency=currency)
    except FieldError as error:
        yield Record(header.line, header.end, header.raw, None, str(error))
        return
    yield from _records(rows, table)


def _records(rows: Iterator[Row], table: Table) -> Iterator[Record]:
    group = Group("")
    for row in rows:
        problem = row.problem or _width_problem(row, table)
        key = "" if problem else table.key(row)
        if group.rows and (not key or key != group.key):
            group.beside = group.beside or (row.line if problem else 0)
            yield _record(group, table)
            group = Group(key)
        if problem:
            yield Record(row.line, row.end, row.raw, None, problem)
            group = Group("", beside=row.line)
        else:
            group.key = key
            group.rows.append(row)
    if group.rows:
        yield _record(group, table)


def _record(group: Group, table: Table) -> Record:
    first, last = group.rows[0], group.rows[-1]
    line, raw, items = first.line, "".join(row.raw for row in group.rows), []
    try:
        if group.beside:
            raise FieldError(f"line {group.beside} may be another row of this order, and cannot be read")
        for row in group.rows:
            line = row.line
            items.append(table.item(row, first=first))
        line = first.line
        return Record(line, last.end, raw, table.order(first, [item for item in items if item]))
    except FieldError as error:
        return Record(line, last.end, raw, None, str(error), group.key)


def _rows(lines: Iterator[Line]) -> Iterator[Row]:
    taken: list[Line] = []
    reader = csv.reader(_texts(lines, taken), strict=True)
    while True:
        cells, problem = _next(reader)
        if cells is None and not problem:
            return
        if cells or problem:
            raw = b"".join(line.data for line in taken).decode(errors="backslashreplace")
            yield Row(taken[0].number, taken[-1].end, raw, cells or [], problem)
        taken.clear()


def _texts(lines: Iterator[Line], taken: list[Line]) -> Iterator[str]:
    """The lines as text, recorded in `taken`. Bytes that are not UTF-8 become characters that fail in their field."""
    for line in lines:
        taken.append(line)
        yield line.data.decode(errors="surrogateescape")


def _next(reader: Iterator[list[str]]) -> tuple[list[str] | None, str]:
    try:
        return next(reader, None), ""
    except csv.Error as error:
        return None, f"not CSV: {error}"


def _width_problem(row: Row, table: Table) -> str:
    return "" if len(row.cells) == len(table.names) else f"has {len(row.cells)} cells, the header {len(table.names)}"


def _taken(row: Row, chosen: list[Column]) -> Values:
    taken: Values = {}
    for index, name, target, convert in chosen:
        cell = row.cells[index]
        if cell:
            try:
                taken[target] = convert(cell)
            except FieldError as error:
                raise error.within(name) from None
    return taken


def _refuse_difference(row: Row, first: Row, of_order: list[Column]) -> None:
    """Refuses rows that contradict the first row of their order; they may leave values out."""
    for column in of_order:
        if row.cells[column.at] not in ("", first.cells[column.at]):
            raise FieldError(f"differs from that on line {first.line}, for the same order", column.name)


def _order_fields(currency: str) -> Fields:
    values = {**order_values(currency), **dict.fromkeys(ADDRESS_NAMES, text), "status": status, "metadata": _json_map}
    return {**named(ORDER_NAMES, values), **named({name: name for name in values}, values)}


def _line_fields(currency: str) -> Fields:
    values = line_values(currency)
    own = {"sku": "sku", "quantity": "quantity", "unit_price": "unit_price"}
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
        raise FieldError("is not a JSON object of texts") from None
