"""SQLAlchemy writes the SQL, once; psycopg runs it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Executable, bindparam, func
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from server.storage.arrays import Packed, packer

_DIALECT = dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's text, constant so that the server keeps it prepared, and what packs those parameters that are lists."""

    text: str
    packers: Mapping[str, Callable[[Sequence[Any]], Packed]] = field(default_factory=dict)

    def bind(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters as they are sent."""
        packers = self.packers
        return {name: packers[name](value) if name in packers else value for name, value in parameters.items()}


def compiled(statement: Executable) -> Statement:
    """The statement for psycopg, with named parameters."""
    result = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    constants = {name for name, value in result.params.items() if value is not None}
    if constants:
        raise ValueError(f"constants must stand in the text, where the planner sees them: {constants}")
    lists = {name: bound.type for bound, name in result.bind_names.items() if isinstance(bound.type, ARRAY)}
    return Statement(str(result), {name: packer(type_.item_type) for name, type_ in lists.items()})


def parameter(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """A named parameter."""
    return bindparam(name, type_=type_)


def array(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """A named parameter that takes a list."""
    return bindparam(name, type_=ARRAY(type_))


def rows(columns: Iterable[Column[Any]]) -> TableValuedAlias:
    """A table made of one list a column, each a parameter of the column's name."""
    columns = list(columns)
    lists = [array(column.name, column.type) for column in columns]
    names = [Column(column.name, column.type) for column in columns]
    return func.unnest(*lists).table_valued(*names).render_derived(name="rows")
