"""What the checks have in common."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from google.protobuf.message import DecodeError
from orders.v1.order_pb2 import Order, OrderEvent
from psycopg import AsyncConnection
from sqlalchemy import Column, Table, Uuid, select

from server.storage import sql
from server.storage.database import Row, fetch
from server.storage.schema.tables import orders

Progress = Callable[[int, int], None]

# The ids of a page's orders, as a parameter.
page_ids = sql.array("order_ids", Uuid())


class Problem(NamedTuple):
    """Something that does not agree: of an order (or something else), and what."""

    subject: str
    text: str


@dataclass(slots=True)
class Stored:
    """An order as all the tables have it."""

    order: Order
    row: Row
    readable: bool = True
    items: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    @property
    def order_id(self) -> str:
        return str(self.row[0])

    @property
    def name(self) -> str:
        """What people call the order."""
        return self.order.order_number or str(self.row[1])

    def history(self) -> Iterator[OrderEvent]:
        """Its events, those that can be read."""
        for row in self.events:
            event = event_of(row)
            if event is not None:
                yield event


def event_of(row: Row) -> OrderEvent | None:
    """The event of a row; None if it cannot be read."""
    try:
        return OrderEvent.FromString(row[-1])
    except DecodeError:
        return None


class Check(Protocol):
    """Compares orders, page by page, with what else is stored; keeps no more of them than sums."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        """The problems of some orders."""
        ...

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        """The problems of all of them together, once each was looked at."""
        ...


def without_order(table: Table, name: Column[Any]) -> sql.Statement:
    """The names of rows whose order does not exist."""
    known = select(orders.c.order_id).where(orders.c.order_id == table.c.order_id)
    return sql.compiled(select(name).where(table.c.order_id.is_not(None), ~known.exists()).order_by(name))


async def orphans(connection: AsyncConnection[Row], statement: sql.Statement, kind: str) -> list[Problem]:
    """Rows of a kind that belong to orders which do not exist."""
    return [Problem(f"{kind} {name}", "its order does not exist") for (name,) in await fetch(connection, statement)]


async def by_order(
    connection: AsyncConnection[Row], statement: sql.Statement, page: Sequence[Stored]
) -> dict[str, list[Row]]:
    """The rows of a page's orders, whose first column is the order's id."""
    found: dict[str, list[Row]] = {stored.order_id: [] for stored in page}
    for row in await fetch(connection, statement, order_ids=list(found)):
        found[str(row[0])].append(row)
    return found
