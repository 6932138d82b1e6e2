"""Reads of invoices and credit notes."""

from collections.abc import Sequence
from typing import NamedTuple

from orders.v1.error_reason_pb2 import ERROR_REASON_INVOICE_NOT_FOUND
from orders.v1.invoice_pb2 import CreditNote, Invoice
from sqlalchemy import func, literal_column, select

from server.domain.base.errors import Refusal, order_not_found
from server.domain.orders.invoices import INVOICES
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

    async def _read(self, references: Sequence[Reference]) -> list[_Documents | None]:
        found = await self._database.fetch_named(_DOCUMENTS, **split_references(references)._asdict())
        return rows_for(references, found)


def _invoice_not_found(order_id: str) -> Refusal:
    text = f"order {order_id} has no invoice; it gets one when it is confirmed, unless it was imported"
    return Refusal(ERROR_REASON_INVOICE_NOT_FOUND, text, metadata={"order_id": order_id})
