"""Reads of invoices, payments and refunds over all orders, by time.

Payments and refunds are parts of their orders. Events that may have started one are found by time, and their orders contain the
payments and refunds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Generic, NamedTuple, TypeVar

from orders.v1.accounting_pb2 import InvoiceEntry, PaymentEntry, RefundEntry
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_REFUND,
    PAYMENT_EVENT_TYPE_DISPUTE_LOST,
    PAYMENT_EVENT_TYPE_REFUNDED,
    Order,
    PaymentEvent,
)
from sqlalchemy import Uuid

from server.domain.orders.entries import invoice_entry, note_entry, payments_of, refunds_of
from server.domain.orders.invoices import INVOICES
from server.storage.arrays import packer
from server.storage.database import Database
from server.storage.projections import datetime_of
from server.storage.references import BEFORE_ALL
from server.storage.sql import Query

Entry = TypeVar("Entry", InvoiceEntry, PaymentEntry, RefundEntry)
OrderEntry = TypeVar("OrderEntry", PaymentEntry, RefundEntry)

_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)


class Period(NamedTuple):
    """A half-open range of times."""

    start: datetime = _FIRST
    end: datetime = _LAST


class Place(NamedTuple):
    """A place in a list: a time, and a document's number or an order's id there."""

    time: datetime
    key: str


BEFORE_DOCUMENTS = Place(_FIRST, "")
BEFORE_ORDERS = Place(_FIRST, BEFORE_ALL)


class Entries(NamedTuple, Generic[Entry]):
    """Entries with their places, and the place after everything that was read; None at the end."""

    found: list[tuple[Place, Entry]]
    until: Place | None


class _Document(NamedTuple):
    document_number: str
    prefix: str
    issue_time: datetime
    snapshot: bytes
    order_number: str
    customer_id: str


class _Place(NamedTuple):
    event_time: datetime
    order_id: str


class _Order(NamedTuple):
    order_id: str
    snapshot: bytes


class _Event(NamedTuple):
    order_id: str
    event: bytes


_DOCUMENTS = Query(
    text="""
SELECT document_number, prefix, issue_time, documents.snapshot, order_number, customer_id
FROM documents JOIN orders USING (order_id)
WHERE (issue_time, document_number) > (%(time)s::timestamptz, %(key)s::text)
    AND issue_time >= %(start)s AND issue_time < %(end)s
ORDER BY issue_time, document_number LIMIT %(limit)s::bigint""",
    row=_Document,
)
_IN_PERIOD = """(event_time, order_id) > (%(time)s::timestamptz, %(key)s::text::uuid)
    AND event_time >= %(start)s AND event_time < %(end)s"""
_PAYMENTS = Query(
    text=f"""
SELECT DISTINCT event_time, order_id::text FROM payments WHERE {_IN_PERIOD}
ORDER BY event_time, order_id LIMIT %(limit)s::bigint""",
    row=_Place,
)
_REFUNDS = Query(
    text=f"""
SELECT DISTINCT event_time, order_id::text FROM (
    (SELECT event_time, order_id FROM order_events WHERE type = {ORDER_EVENT_TYPE_REFUND} AND {_IN_PERIOD}
    ORDER BY event_time, order_id LIMIT %(limit)s::bigint)
    UNION ALL
    (SELECT event_time, order_id FROM payments
    WHERE type IN ({PAYMENT_EVENT_TYPE_REFUNDED}, {PAYMENT_EVENT_TYPE_DISPUTE_LOST}) AND {_IN_PERIOD}
    ORDER BY event_time, order_id LIMIT %(limit)s::bigint)
) AS begun ORDER BY event_time, order_id LIMIT %(limit)s::bigint""",
    row=_Place,
)
_ids = {"order_ids": packer(Uuid())}
_ORDERS = Query(
    text="SELECT order_id::text, snapshot FROM orders WHERE order_id = ANY(%(order_ids)s)", row=_Order, packers=_ids
)
_EVENTS = Query(
    text="SELECT order_id::text, event FROM payments WHERE order_id = ANY(%(order_ids)s)", row=_Event, packers=_ids
)


class AccountingRepository:
    """Documents, payments and refunds by time, the oldest first. Methods raise DEPENDENCY_UNAVAILABLE."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def invoices(self, period: Period, *, after: Place, limit: int) -> Entries[InvoiceEntry]:
        """Invoices and credit notes after a place."""
        rows = await self._database.fetch_named(_DOCUMENTS, **period._asdict(), **after._asdict(), limit=limit)
        found = [(Place(row.issue_time, row.document_number), _document(row)) for row in rows]
        return Entries(found, found[-1][0] if len(rows) == limit else None)

    async def payments(self, period: Period, *, after: Place, limit: int) -> Entries[PaymentEntry]:
        """Payments after a place, of up to `limit` orders."""
        return await self._of_orders(_PAYMENTS, payments_of, period, after, limit)

    async def refunds(self, period: Period, *, after: Place, limit: int) -> Entries[RefundEntry]:
        """Refunds after a place, of up to `limit` orders."""
        return await self._of_orders(_REFUNDS, refunds_of, period, after, limit)

    async def _of_orders(
        self,
        places: Query[_Place],
        entries_of: Callable[[Order, Iterable[PaymentEvent]], Iterable[OrderEntry]],
        period: Period,
        after: Place,
        limit: int,
    ) -> Entries[OrderEntry]:
        rows = await self._database.fetch_named(places, **period._asdict(), **after._asdict(), limit=limit)
        order_ids = sorted({row.order_id for row in rows})
        events: defaultdict[str, list[PaymentEvent]] = defaultdict(list)
        for row in await self._database.fetch_named(_EVENTS, order_ids=order_ids):
            events[row.order_id].append(PaymentEvent.FromString(row.event))
        by_place: defaultdict[Place, list[OrderEntry]] = defaultdict(list)
        for order in await self._database.fetch_named(_ORDERS, order_ids=order_ids):
            for entry in entries_of(Order.FromString(order.snapshot), events[order.order_id]):
                by_place[Place(datetime_of(entry.time), order.order_id)].append(entry)
        found = [(Place(*row), entry) for row in rows for entry in by_place[Place(*row)]]
        return Entries(found, Place(*rows[-1]) if len(rows) == limit else None)


def _document(row: _Document) -> InvoiceEntry:
    if row.prefix == INVOICES:
        return invoice_entry(Invoice.FromString(row.snapshot))
    note = CreditNote.FromString(row.snapshot)
    return note_entry(note, order_number=row.order_number, customer_id=row.customer_id)
