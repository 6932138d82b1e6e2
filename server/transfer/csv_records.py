"""Orders from CSV: a row for each line item, or one for each order."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from orders.v1.order_service_pb2 import UpsertOrder

from server.transfer.csv_columns import OwnTable
from server.transfer.csv_groups import Group, grouped, rows_apart
from server.transfer.csv_rows import Row, read_rows
from server.transfer.dialect import Dialect
from server.transfer.layout_table import LayoutOptions, LayoutTable
from server.transfer.layouts import Layout, layouts_of
from server.transfer.lines import Line, Record
from server.transfer.values import FieldError


class Table(Protocol):
    """The columns of a header."""

    names: tuple[str, ...]

    def key(self, row: Row) -> str:
        """The id of a row's order."""

    def order(self, rows: list[Row]) -> UpsertOrder:
        """The order of its rows. Raises FieldError, within `line N` for another row than the first."""


def csv_records(
    lines: Callable[[], Iterator[Line]],
    dialect: Dialect,
    *,
    currency: str,
    layout: Layout | None = None,
    options: LayoutOptions,
) -> Iterator[Record]:
    """Yields each order of a file after its last row is read; `lines` can be read twice.

    A file with an unknown header is refused as a whole.
    """
    first = next((line for line in lines() if line.data.strip()), None)
    if first is None:
        return
    dialect = dialect.for_header(first.data.decode(errors="replace"))
    read = partial(read_rows, delimiter=dialect.delimiter)
    rows = read(lines())
    header = next(rows, None)
    if header is None:
        return
    try:
        if header.problem:
            raise FieldError(header.problem)
        table = _table(header.cells, dialect, currency=currency, layout=layout, options=options)
    except FieldError as error:
        reason = f"{error}; the file was read as {dialect}, which --delimiter and --encoding change"
        yield Record(header.line, header.end, header.raw, None, reason)
        return
    problem_of = partial(_width_problem, table=table)
    last = rows_apart(rows, lambda row: "" if row.problem or problem_of(row) else table.key(row))
    rows = read(lines())
    next(rows)
    for group in grouped(rows, last, key_of=table.key, problem_of=problem_of):
        yield _record(group, table)


def _table(
    header: list[str], dialect: Dialect, *, currency: str, layout: Layout | None, options: LayoutOptions
) -> Table:
    if layout is not None:
        return LayoutTable(header, layout, dialect, currency=currency, options=options)
    try:
        return OwnTable(header, dialect, currency=currency)
    except FieldError as error:
        found = " or ".join(f"--format {other.name}" for other in layouts_of(header))
        raise FieldError(f"{error.reason}{f'; use {found}' if found else ''}", error.path) from None


def _record(group: Group, table: Table) -> Record:
    first, last = group.rows[0], group.rows[-1]
    raw, end = "".join(row.raw for row in group.rows), max(row.end for row in group.rows)
    if group.problem:
        return Record(first.line, end, raw, None, group.problem, group.key)
    try:
        return Record(first.line, last.end, raw, table.order(group.rows))
    except FieldError as error:
        return Record(error.line or first.line, end, raw, None, str(error), group.key)


def _width_problem(row: Row, *, table: Table) -> str:
    return "" if len(row.cells) == len(table.names) else f"has {len(row.cells)} cells, the header {len(table.names)}"
