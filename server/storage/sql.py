"""SQLAlchemy compiles each statement once; psycopg runs it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import ARRAY, Column, ColumnElement, Executable, Select, Table, Text, Uuid, bindparam, cast, func
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from server.storage.arrays import Packed, packer

NamedRow = TypeVar("NamedRow")

_DIALECT = dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's text, constant so that the server keeps it prepared, and the packers of its list parameters.

    One that is not prepared is planned for its parameters each time.
    """

    text: str
    packers: Mapping[str, Callable[[Sequence[Any]], Packed]] = field(default_factory=dict)
    prepared: bool = True

    def bind(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters in their sent form."""
        packers = self.packers
        return {name: packers[name](value) if name in packers else value for name, value in parameters.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Statement, Generic[NamedRow]):
    """A statement whose rows are named tuples."""

    row: type[NamedRow]

    def named(self, rows: Iterable[tuple[Any, ...]]) -> list[NamedRow]:
        """The fetched rows as named tuples."""
        return list(map(self.row._make, rows))  # type: ignore[attr-defined]


def compiled(statement: Executable) -> Statement:
    """The statement for psycopg, with named parameters."""
    result = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    constants = {name for name, value in result.params.items() if value is not None}
    if constants:
        raise ValueError(f"constants must stand in the text, where the planner sees them: {constants}")
    lists = {name: bound.type for bound, name in result.bind_names.items() if isinstance(bound.type, ARRAY)}
    return Statement(str(result), {name: packer(type_.item_type) for name, type_ in lists.items()})


def query(row: type[NamedRow], statement: Select[Any]) -> Query[NamedRow]:
    """The statement for psycopg, whose rows have the names of its columns."""
    _check_names(row, statement.selected_columns.keys(), "the statement")
    plain = compiled(statement)
    return Query(text=plain.text, packers=plain.packers, row=row)


def columns_for(table: Table, row: type[Any], *, without: Collection[str] = ()) -> list[Column[Any]]:
    """The table's columns that a row holds: all but those named."""
    columns = [column for column in table.c if column.name not in without]
    _check_names(row, [column.name for column in columns], table.name)
    return columns


def _check_names(row: type[Any], names: Sequence[str], source: str) -> None:
    fields = row._fields
    if tuple(names) != fields:
        raise TypeError(f"{row.__name__} has the fields {fields}, the columns of {source} are {tuple(names)}")


def as_text(columns: Iterable[Column[Any]]) -> list[ColumnElement[Any]]:
    """The columns, with UUIDs as the texts that messages hold."""
    return [cast(column, Text).label(column.name) if isinstance(column.type, Uuid) else column for column in columns]


def parameter(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """A named parameter."""
    return bindparam(name, type_=type_)


def array(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """A named parameter that takes a list."""
    return bindparam(name, type_=ARRAY(type_))


def rows(columns: Iterable[Column[Any]]) -> TableValuedAlias:
    """A table made of one list per column, each a parameter with the column's name."""
    columns = list(columns)
    lists = [array(column.name, column.type) for column in columns]
    names = [Column(column.name, column.type) for column in columns]
    return func.unnest(*lists).table_valued(*names).render_derived(name="rows")
