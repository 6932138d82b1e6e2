"""Summaries of orders: counts and sums by a key, of the newest matching orders."""

from functools import lru_cache
from typing import NamedTuple

from orders.v1.order_service_pb2 import (
    SUMMARY_KEY_CUSTOMER,
    SUMMARY_KEY_DAY,
    SUMMARY_KEY_SOURCE,
    SUMMARY_KEY_STATUS,
    OrderFilter,
    SummaryKey,
)
from sqlalchemy import ColumnElement, Text, cast, func, literal_column, select

from server.storage import sql
from server.storage.database import Database
from server.storage.read.filters import CONDITIONS, is_set, parameters_of
from server.storage.schema.tables import orders

MOST_ORDERS, MOST_GROUPS = 100_000, 1_000


class Group(NamedTuple):
    """The orders with the same key and currency: their number, the sum of their totals, and the number of orders in all groups."""

    key: str
    currency: str
    size: int
    total_minor: str
    counted: str


class SummaryRepository:
    """Summaries of orders. Methods raise DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def groups(self, wanted: OrderFilter, key: SummaryKey) -> list[Group]:
        """The groups of the newest matching orders, largest first: one order and one group more than a response covers."""
        names = tuple(name for name in CONDITIONS if is_set(wanted, name))
        return await self._database.fetch_named(_statement(names, key), **parameters_of(wanted, names))


@lru_cache(maxsize=1024)
def _statement(names: tuple[str, ...], key: SummaryKey) -> sql.Query[Group]:
    newest = (
        select(_key(key).label("key"), orders.c.currency, orders.c.total_minor)
        .where(*(CONDITIONS[name].where for name in names))
        .order_by(orders.c.create_time.desc(), orders.c.order_id.desc())
        .limit(literal_column(str(MOST_ORDERS + 1)))
        .subquery("newest")
    )
    count = func.count()
    grouped = (
        select(
            newest.c.key,
            newest.c.currency,
            count.label("size"),
            cast(func.sum(newest.c.total_minor), Text).label("total_minor"),
            cast(func.sum(count).over(), Text).label("counted"),
        )
        .group_by(newest.c.key, newest.c.currency)
        .order_by(count.desc(), newest.c.key, newest.c.currency)
        .limit(literal_column(str(MOST_GROUPS + 1)))
    )
    return sql.query(Group, grouped)


def _key(key: SummaryKey) -> ColumnElement[str]:
    if key == SUMMARY_KEY_STATUS:
        return cast(orders.c.status, Text)
    if key == SUMMARY_KEY_DAY:
        utc = func.timezone(literal_column("'UTC'"), orders.c.create_time)
        return func.to_char(utc, literal_column("'YYYY-MM-DD'"), type_=Text)
    if key == SUMMARY_KEY_CUSTOMER:
        return orders.c.customer_id
    return orders.c.source if key == SUMMARY_KEY_SOURCE else orders.c.currency
