"""Money: payments match the reported events, and documents match their orders."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from google.protobuf.message import DecodeError
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    REFUND_STATUS_SUCCEEDED,
    Order,
    PaymentEvent,
)
from psycopg import AsyncConnection
from sqlalchemy import ColumnElement, func, literal_column, select

from server.domain.base.money import minor_of
from server.domain.lifecycle.payment_status import sum_payments
from server.domain.orders.invoices import CREDIT_NOTES, INVOICES, invoiced_totals
from server.domain.payments.ledger import ledger_of
from server.storage import sql
from server.storage.database import Row, fetch_named
from server.storage.projections import DocumentRow, PaymentRow, document_row, payment_row
from server.storage.schema.tables import document_numbers, documents, payments
from server.storage.verification.checks import Problem, Stored, by_order, orphans, page_ids, without_order
from server.storage.verification.refunds import refund_problems, tax_problems
from server.storage.write.statements import DOCUMENT_COLUMNS, PAYMENT_COLUMNS

_PAYMENTS = sql.query(
    PaymentRow, select(*sql.as_text(PAYMENT_COLUMNS)).where(payments.c.order_id == func.any(page_ids))
)
_PAYMENTS_WITHOUT_ORDER = without_order(payments, payments.c.event_id)

_DOCUMENTS = sql.query(
    DocumentRow, select(*sql.as_text(DOCUMENT_COLUMNS)).where(documents.c.order_id == func.any(page_ids))
)
_DOCUMENTS_WITHOUT_ORDER = without_order(documents, documents.c.document_number)

_issued = (
    select(
        documents.c.prefix,
        documents.c.year,
        func.count().label("count"),
        func.min(documents.c.number).label("first"),
        func.max(documents.c.number).label("last"),
    )
    .group_by(documents.c.prefix, documents.c.year)
    .subquery("issued")
)
_zero: ColumnElement[int] = literal_column("0")


class _Series(NamedTuple):
    """A series of documents: its last number as counted, and the documents that exist."""

    prefix: str
    year: int
    counted: int
    issued: int
    first: int
    last: int


_SERIES = sql.query(
    _Series,
    select(
        func.coalesce(document_numbers.c.prefix, _issued.c.prefix).label("prefix"),
        func.coalesce(document_numbers.c.year, _issued.c.year).label("year"),
        func.coalesce(document_numbers.c.last, _zero).label("counted"),
        func.coalesce(_issued.c.count, _zero).label("issued"),
        func.coalesce(_issued.c.first, _zero).label("first"),
        func.coalesce(_issued.c.last, _zero).label("last"),
    ).join_from(
        document_numbers,
        _issued,
        (document_numbers.c.prefix == _issued.c.prefix) & (document_numbers.c.year == _issued.c.year),
        full=True,
    ),
)


class PaymentCheck:
    """Payment events are those of the orders' histories, and the orders' payments and sums follow from them."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        found = await by_order(connection, _PAYMENTS, (stored.order_id for stored in page))
        return [
            Problem(stored.name, text)
            for stored in page
            if stored.readable
            for text in _payment_texts(stored, found[stored.order_id])
        ]

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        return await orphans(connection, _PAYMENTS_WITHOUT_ORDER, "payment")


def _payment_texts(stored: Stored, rows: list[PaymentRow]) -> Iterator[str]:
    events = [event.payment_event for event in stored.history() if event.HasField("payment_event")]
    expected = sorted(payment_row(stored.order_id, event) for event in events)
    if sorted(rows) != expected:
        yield f"payments has {len(rows)} rows that are not the {len(expected)} payment events of its history"
    yield from _ledger_texts(stored.order, events) if stored.order.payments else _sum_texts(stored.order, rows)


def _ledger_texts(order: Order, events: list[PaymentEvent]) -> Iterator[str]:
    """The payments, their sums, the status and the refunds follow from the events of the history."""
    ledger = ledger_of(events, currency=str(order.pricing.total.currency_code))
    expected = Order()
    expected.CopyFrom(order)
    del expected.payments[:]
    expected.payments.extend(ledger.listed)
    sum_payments(expected)
    for name in ("payments", "payment", "payment_status"):
        if getattr(order, name) != getattr(expected, name):
            yield f"{name} of the order is not what its payment events say"
    for payment in expected.payments:
        own = (refund for refund in order.refunds if refund.payment_id == payment.payment_id)
        refunded = sum(minor_of(refund.amount) for refund in own if refund.status == REFUND_STATUS_SUCCEEDED)
        if refunded != minor_of(payment.refunded_amount):
            paid_back = minor_of(payment.refunded_amount)
            yield f"refunds of payment {payment.payment_id} sum to {refunded} in minor units; its events say {paid_back}"


def _sum_texts(order: Order, rows: list[PaymentRow]) -> Iterator[str]:
    """The mismatches of sums, for an order whose last payment event was recorded before payments were listed."""
    summary = order.payment
    for kind, column, amount in (
        (PAYMENT_EVENT_TYPE_PAID, "paid", summary.paid_amount),
        (PAYMENT_EVENT_TYPE_REFUNDED, "refunded", summary.refunded_amount),
    ):
        actual = sum(row.amount_minor for row in rows if row.type == kind)
        if actual != minor_of(amount):
            yield f"payments sum to {actual} {column} in minor units; the order says {minor_of(amount)}"
    held = max((row.amount_minor for row in rows if row.type == PAYMENT_EVENT_TYPE_AUTHORIZED), default=0)
    if minor_of(summary.authorized_amount) > held:
        yield f"payments hold {held} at most in minor units; the order says {minor_of(summary.authorized_amount)}"


class DocumentCheck:
    """Invoices and credit notes are those that the orders name, with the same amounts, numbered without gaps."""

    async def look(self, connection: AsyncConnection[Row], page: Sequence[Stored]) -> list[Problem]:
        found = await by_order(connection, _DOCUMENTS, (stored.order_id for stored in page))
        return [
            Problem(stored.name, text)
            for stored in page
            if stored.readable
            for text in _document_texts(stored, found[stored.order_id])
        ]

    async def finish(self, connection: AsyncConnection[Row]) -> list[Problem]:
        problems = []
        for row in sorted(await fetch_named(connection, _SERIES)):
            subject = f"documents {row.prefix}-{row.year}"
            if row.issued and (row.first, row.last) != (1, row.issued):
                problems.append(Problem(subject, f"{row.issued} numbers are from {row.first} to {row.last}"))
            if row.last != row.counted:
                text = f"document_numbers has {row.counted} as the last one; it is {row.last}"
                problems.append(Problem(subject, text))
        return problems + await orphans(connection, _DOCUMENTS_WITHOUT_ORDER, "document")


def _document_texts(stored: Stored, rows: list[DocumentRow]) -> Iterator[str]:
    order = stored.order
    amounts = {
        refund.credit_note_number: minor_of(refund.credited_amount)
        for refund in order.refunds
        if refund.credit_note_number
    }
    for adjustment in order.adjustments:
        if adjustment.credit_note_number:
            amounts[adjustment.credit_note_number] = minor_of(adjustment.credited_amount)
    amounts |= invoiced_totals(order, stored.history())
    own = {row.document_number: row for row in rows}
    for number in sorted({*amounts, *own}):
        if number not in own:
            yield f"document {number} does not exist"
        elif number not in amounts:
            yield f"document {number} is not named by the order"
        elif (amount := _amount_of(own[number])) is None:
            yield f"document {number} cannot be read, or is not what its columns say"
        elif amount != amounts[number]:
            yield f"document {number} is over {amount} in minor units; the order says {amounts[number]}"
        else:
            yield from tax_problems(number, _document_of(own[number]))
    yield from refund_problems(order)


def _document_of(row: DocumentRow) -> Invoice | CreditNote:
    kinds: dict[str, type[Invoice] | type[CreditNote]] = {INVOICES: Invoice, CREDIT_NOTES: CreditNote}
    return kinds[row.prefix].FromString(row.snapshot)


def _amount_of(row: DocumentRow) -> int | None:
    """The amount of a document; None if its row contradicts its snapshot."""
    try:
        document = _document_of(row)
        expected = document_row(document)
    except (DecodeError, KeyError, ValueError):
        return None
    if row != expected:
        return None
    return minor_of(document.pricing.total if isinstance(document, Invoice) else document.amount)
