"""The common parts of the checks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from google.protobuf.message import DecodeError
from orders.v1.order_pb2 import Order, OrderEvent
from psycopg import AsyncConnection
from sqlalchemy import Column, Table, Uuid, select

from server.domain.base.event_values import whole
from server.storage import sql
from server.storage.database import Row, fetch, fetch_named
from server.storage.projections import EventRow, ItemRow, OrderRow
from server.storage.schema.tables import orders


class _OfOrder(Protocol):
    """A row that belongs to an order."""

    @property
    def order_id(self) -> str: ...


OfOrder = TypeVar("OfOrder", bound=_OfOrder)
Progress = Callable[[int, int], None]

# The ids of a page's orders, as a parameter.
page_ids = sql.array("order_ids", Uuid())


class Problem(NamedTuple):
    """A mismatch: its subject, such as an order, and its description."""

    subject: str
    text: str


@dataclass(slots=True)
class Stored:
    """An order with its rows in all tables."""

    order: Order
    row: OrderRow
    items: list[ItemRow]
    events: list[EventRow]
    readable: bool = True

    @property
    def order_id(self) -> str:
        return self.row.order_id

    @property
    def name(self) -> str:
        """The order's number, or the number in its row."""
        return self.order.order_number or self.row.order_number

    def history(self) -> Iterator[OrderEvent]:
        """Its readable events."""
        for row in self.events:
            event = event_of(row)
            if event is not None:
                yield event


def event_of(row: EventRow) -> OrderEvent | None:
    """The event of a row; None if it cannot be read."""
    try:
        return whole(row.stored)
    except DecodeError:
        return None


class Check(Protocol):
    """Compares orders with other tables, page by page, and keeps only sums."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        """The problems of some orders."""
        ...

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        """The problems of all orders together, after the last page."""
        ...


def without_order(table: Table, name: Column[Any]) -> sql.Statement:
    """The names of rows whose order does not exist."""
    known = select(orders.c.order_id).where(orders.c.order_id == table.c.order_id)
    return sql.compiled(select(name).where(table.c.order_id.is_not(None), ~known.exists()).order_by(name))


async def orphans(connection: AsyncConnection[Row], statement: sql.Statement, kind: str) -> list[Problem]:
    """Rows of a kind that belong to orders which do not exist."""
    return [Problem(f"{kind} {name}", "its order does not exist") for (name,) in await fetch(connection, statement)]


async def by_order(
    connection: AsyncConnection[Row], query: sql.Query[OfOrder], order_ids: Iterable[str]
) -> dict[str, list[OfOrder]]:
    """The rows of each of some orders."""
    found: dict[str, list[OfOrder]] = {order_id: [] for order_id in order_ids}
    for row in await fetch_named(connection, query, order_ids=list(found)):
        found[row.order_id].append(row)
    return found
