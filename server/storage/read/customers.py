"""Reads of customers' accounts and loyalty points."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from orders.v1.customer_service_pb2 import CustomerAccount, PointsEntry
from sqlalchemy import BigInteger, Text, Uuid, literal_column, select

from server.domain.customers.accounts import customer_not_found, public_view
from server.domain.customers.contacts import Contact
from server.storage import sql
from server.storage.batcher import point_reader
from server.storage.database import Database
from server.storage.projections import PointsRow, points_entry_of
from server.storage.schema.tables import customers, orders, points_accounts, points_entries

_NEWEST = "ffffffff-ffff-ffff-ffff-ffffffffffff"

_asked = sql.rows([customers.c.customer_id])


class _Account(NamedTuple):
    """A customer's account and points; None for a part that does not exist."""

    customer_id: str
    snapshot: bytes | None
    balance: int | None


_ACCOUNTS = sql.query(
    _Account,
    select(
        _asked.c.customer_id,
        select(customers.c.snapshot)
        .where(customers.c.customer_id == _asked.c.customer_id)
        .scalar_subquery()
        .label("snapshot"),
        select(points_accounts.c.balance)
        .where(points_accounts.c.customer_id == _asked.c.customer_id)
        .scalar_subquery()
        .label("balance"),
    ),
)

_ENTRIES = sql.query(
    PointsRow,
    select(*sql.as_text(points_entries.c))
    .where(
        points_entries.c.customer_id == sql.parameter("customer_id", Text()),
        points_entries.c.entry_id < sql.parameter("before", Uuid()),
    )
    .order_by(points_entries.c.entry_id.desc())
    .limit(sql.parameter("limit", BigInteger())),
)


_HAS_ORDERS = sql.compiled(
    select(orders.c.order_id)
    .where(orders.c.customer_id == sql.parameter("customer_id", Text()))
    .limit(literal_column("1"))
)


class _CustomerId(NamedTuple):
    customer_id: str


_FOUND_BY = {"email": "email = %(email)s", "phone": "phone = %(phone)s", "name": "position(%(name)s::text IN name) > 0"}


@lru_cache(maxsize=8)
def _search_query(names: tuple[str, ...]) -> sql.Query[_CustomerId]:
    where = "".join(f" AND {_FOUND_BY[name]}" for name in names)
    text = f"""
SELECT customer_id FROM customers WHERE customer_id > %(after)s{where} ORDER BY customer_id LIMIT %(limit)s::bigint"""
    return sql.Query(text=text, row=_CustomerId)


class CustomerRepository:
    """Customers by id. Methods raise DEPENDENCY_UNAVAILABLE, and the errors that each names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts = point_reader(self._read_accounts)

    async def account(self, customer_id: str) -> CustomerAccount:
        """The stored account with the providers' tokens, which must not reach callers; empty without one."""
        snapshot = (await self._accounts.submit(customer_id)).snapshot
        return CustomerAccount.FromString(snapshot or b"")

    async def get(self, customer_id: str) -> CustomerAccount:
        """The public view of an account. Raises CUSTOMER_NOT_FOUND without account and points."""
        found = await self._accounts.submit(customer_id)
        if found.snapshot is None and found.balance is None:
            raise customer_not_found(customer_id)
        account = CustomerAccount.FromString(found.snapshot or b"")
        account.customer.customer_id = customer_id
        return public_view(account, found.balance or 0)

    async def search(self, contact: Contact, *, after: str, limit: int) -> list[CustomerAccount]:
        """The public views of up to `limit` accounts after an id that match the given contact; all without one."""
        wanted = {name: value for name, value in contact._asdict().items() if value}
        query = _search_query(tuple(wanted))
        found = await self._database.fetch_named(query, after=after, limit=limit, **wanted)
        # At once, so that one statement reads them all.
        return list(await asyncio.gather(*(self.get(row.customer_id) for row in found)))

    async def is_known(self, customer_id: str) -> bool:
        """Whether a customer has an account, points or orders."""
        found = await self._accounts.submit(customer_id)
        if found.snapshot is not None or found.balance is not None:
            return True
        return bool(await self._database.fetch(_HAS_ORDERS, customer_id=customer_id))

    async def balance(self, customer_id: str) -> int:
        """The loyalty points that a customer has."""
        return (await self._accounts.submit(customer_id)).balance or 0

    async def points_page(self, customer_id: str, *, before: str = "", limit: int) -> list[PointsEntry]:
        """Up to `limit` changes of a customer's points before an entry's id, newest first; from the newest on, if it is empty."""
        found = await self._database.fetch_named(
            _ENTRIES, customer_id=customer_id, before=before or _NEWEST, limit=limit
        )
        return [points_entry_of(row) for row in found]

    async def _read_accounts(self, customer_ids: Sequence[str]) -> list[_Account]:
        found = {row.customer_id: row for row in await self._database.fetch_named(_ACCOUNTS, customer_id=customer_ids)}
        return [found[customer_id] for customer_id in customer_ids]
