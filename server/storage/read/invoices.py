"""Reads of invoices and credit notes."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from orders.v1.error_reason_pb2 import ERROR_REASON_INVOICE_NOT_FOUND, ERROR_REASON_ORDER_NOT_FOUND
from orders.v1.invoice_pb2 import CreditNote, Invoice
from sqlalchemy import Text, func, literal_column, select

from server.domain.base.errors import Refusal, order_not_found
from server.domain.orders.invoices import CREDIT_NOTES, INVOICES
from server.storage import sql
from server.storage.batcher import point_reader
from server.storage.database import Database
from server.storage.references import Reference, rows_for, split_references
from server.storage.schema.tables import documents, orders
from server.storage.write import statements

_issued = (
    select(documents.c.snapshot)
    .where(documents.c.order_id == orders.c.order_id)
    .order_by(documents.c.year, documents.c.number)
)
_is_invoice = documents.c.prefix == literal_column(f"'{INVOICES}'")


class _Documents(NamedTuple):
    order_id: str
    order_number: str
    customer_id: str
    invoices: list[bytes]
    credit_notes: list[bytes]


_DOCUMENTS = sql.query(
    _Documents,
    select(
        *statements.ORDER_NAMES,
        func.array(_issued.where(_is_invoice).scalar_subquery()).label("invoices"),
        func.array(_issued.where(~_is_invoice).scalar_subquery()).label("credit_notes"),
    ).where(statements.by_reference),
)


_ORDER_OF = sql.compiled(
    select(documents.c.order_id).where(documents.c.document_number == sql.parameter("document_number", Text()))
)
_NUMBER = re.compile(rf"({INVOICES}|{CREDIT_NOTES})-[0-9]{{4}}-[0-9]{{6,}}")


class InvoiceRepository:
    """Invoices by order. Methods raise DEPENDENCY_UNAVAILABLE, and the errors that each names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._documents = point_reader(self._read)

    async def get(self, reference: Reference) -> Invoice:
        """The last invoice for the order with an id or a number, with the others and the credit notes. Raises ORDER_NOT_FOUND and INVOICE_NOT_FOUND."""
        found = await self._documents.submit(reference)
        if found is None:
            raise order_not_found(reference.name)
        if not found.invoices:
            raise _invoice_not_found(found.order_id)
        *replaced, invoice = map(Invoice.FromString, found.invoices)
        invoice.replaced_invoices.extend(replaced)
        invoice.credit_notes.extend(map(CreditNote.FromString, found.credit_notes))
        return invoice

    async def find(self, reference: Reference) -> Invoice:
        """As `get`, also by the number of an invoice or credit note, which returns that invoice."""
        try:
            return await self.get(reference)
        except Refusal as error:
            if error.error_reason != ERROR_REASON_ORDER_NOT_FOUND or not _NUMBER.fullmatch(reference.name):
                raise
        found = await self._database.fetch(_ORDER_OF, document_number=reference.name)
        if not found:
            raise _number_not_found(reference.name)
        try:
            return _with_number(await self.get(Reference(str(found[0][0]), reference.owner)), reference.name)
        except Refusal as error:
            if error.error_reason == ERROR_REASON_ORDER_NOT_FOUND:
                raise _number_not_found(reference.name) from error
            raise

    async def _read(self, references: Sequence[Reference]) -> list[_Documents | None]:
        found = await self._database.fetch_named(_DOCUMENTS, **split_references(references)._asdict())
        return rows_for(references, found)


def _invoice_not_found(order_id: str) -> Refusal:
    text = f"order {order_id} has no invoice; it gets one when it is confirmed, unless it was imported"
    return Refusal(ERROR_REASON_INVOICE_NOT_FOUND, text, metadata={"order_id": order_id})


def _with_number(last: Invoice, number: str) -> Invoice:
    """The invoice with a number, or with the credit note that has it; an invoice that was replaced with its own credit notes."""
    of_note = {note.credit_note_number: note.invoice_number for note in last.credit_notes}
    invoice_number = of_note.get(number, number)
    for replaced in last.replaced_invoices:
        if replaced.invoice_number == invoice_number:
            notes = [note for note in last.credit_notes if note.invoice_number == invoice_number]
            replaced.credit_notes.extend(notes)
            return replaced
    return last


def _number_not_found(number: str) -> Refusal:
    text = f"there is no invoice or credit note {number}"
    return Refusal(ERROR_REASON_INVOICE_NOT_FOUND, text, metadata={"invoice_number": number})
