"""All stored data of a customer, in pages."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import NamedTuple

from google.protobuf.message import Message
from orders.v1.cart_service_pb2 import Cart
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import Order
from sqlalchemy import BigInteger, Text, Uuid, select, tuple_

from server.domain.base.errors import Refusal
from server.domain.customers.accounts import customer_not_found
from server.domain.orders.invoices import INVOICES
from server.storage import sql
from server.storage.database import Database
from server.storage.read.customers import CustomerRepository
from server.storage.read.orders import OrderRepository
from server.storage.references import BEFORE_ALL, Reference
from server.storage.schema.tables import documents, orders

_AT_ONCE = 100
_FIRST = datetime(1, 1, 2, tzinfo=UTC)


class _Order(NamedTuple):
    order_id: str
    create_time: datetime
    snapshot: bytes


_ORDERS = sql.query(
    _Order,
    select(*sql.as_text([orders.c.order_id, orders.c.create_time, orders.c.snapshot]))
    .where(
        orders.c.customer_id == sql.parameter("customer_id", Text()),
        tuple_(orders.c.create_time, orders.c.order_id)
        > tuple_(sql.parameter("since", orders.c.create_time.type), sql.parameter("after", Uuid())),
    )
    .order_by(orders.c.create_time, orders.c.order_id)
    .limit(sql.parameter("limit", BigInteger())),
)
_DOCUMENTS = sql.compiled(
    select(documents.c.prefix, documents.c.snapshot)
    .where(documents.c.order_id == sql.parameter("order_id", Uuid()))
    .order_by(documents.c.year, documents.c.number)
)
_CARTS = sql.Statement("SELECT snapshot FROM carts WHERE position(%(needle)s::bytea IN snapshot) > 0 ORDER BY cart_id")


class Exported(NamedTuple):
    """A message about a customer, and its kind."""

    kind: str
    message: Message


class CustomerDataRepository:
    """All data of a customer. Raises CUSTOMER_NOT_FOUND and DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database, *, customers: CustomerRepository, orders: OrderRepository) -> None:
        self._database, self._customers, self._orders = database, customers, orders

    async def read(self, customer_id: str) -> AsyncIterator[Exported]:
        """The account, points, carts, and orders with their histories and documents."""
        is_empty = True
        for part in (self._account, self._points, self._carts, self._all_orders):
            async for exported in part(customer_id):
                is_empty = False
                yield exported
        if is_empty:
            raise customer_not_found(customer_id)

    async def _account(self, customer_id: str) -> AsyncIterator[Exported]:
        try:
            yield Exported("account", await self._customers.get(customer_id))
        except Refusal as error:
            # A customer without an account can have orders.
            if error.error_reason != customer_not_found(customer_id).error_reason:
                raise

    async def _points(self, customer_id: str) -> AsyncIterator[Exported]:
        before = ""
        while page := await self._customers.points_page(customer_id, before=before, limit=_AT_ONCE):
            for entry in page:
                yield Exported("pointsEntry", entry)
            before = page[-1].entry_id

    async def _carts(self, customer_id: str) -> AsyncIterator[Exported]:
        for (snapshot,) in await self._database.fetch(_CARTS, needle=customer_id.encode()):
            cart = Cart.FromString(snapshot)
            if cart.customer_id == customer_id:
                yield Exported("cart", cart)

    async def _all_orders(self, customer_id: str) -> AsyncIterator[Exported]:
        since, after = _FIRST, BEFORE_ALL
        while page := await self._database.fetch_named(
            _ORDERS, customer_id=customer_id, since=since, after=after, limit=_AT_ONCE
        ):
            for row in page:
                yield Exported("order", Order.FromString(row.snapshot))
                async for exported in self._of_order(row.order_id):
                    yield exported
            since, after = page[-1].create_time, page[-1].order_id

    async def _of_order(self, order_id: str) -> AsyncIterator[Exported]:
        version = 0
        while page := await self._orders.events(Reference(order_id), after=version, limit=_AT_ONCE):
            for event in page:
                yield Exported("orderEvent", event)
            version = page[-1].version
        for prefix, snapshot in await self._database.fetch(_DOCUMENTS, order_id=order_id):
            if prefix == INVOICES:
                yield Exported("invoice", Invoice.FromString(snapshot))
            else:
                yield Exported("creditNote", CreditNote.FromString(snapshot))
