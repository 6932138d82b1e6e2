"""Reads of invoices and credit notes."""

from orders.v1.invoice_pb2 import CreditNote, Invoice
from sqlalchemy import select

from server.domain.errors import OrderError, order_not_found
from server.domain.invoices import INVOICES
from server.storage import sql, statements
from server.storage.database import Database
from server.storage.references import Reference, split_references
from server.storage.tables import documents, orders

_DOCUMENTS = sql.compiled(
    select(orders.c.order_id, documents.c.prefix, documents.c.snapshot)
    .join_from(orders, documents, documents.c.order_id == orders.c.order_id, isouter=True)
    .where(statements.by_reference)
    .order_by(documents.c.year, documents.c.number)
)


class InvoiceRepository:
    """Invoices by order. Methods raise DEPENDENCY_UNAVAILABLE, and what each says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, reference: Reference) -> Invoice:
        """The invoice for the order with an id or a number, with its credit notes. Raises ORDER_NOT_FOUND and INVOICE_NOT_FOUND."""
        found = await self._database.fetch(_DOCUMENTS, **split_references([reference])._asdict())
        if not found:
            raise order_not_found(reference.name)
        invoice = next((Invoice.FromString(snapshot) for _, prefix, snapshot in found if prefix == INVOICES), None)
        if invoice is None:
            raise _invoice_not_found(str(found[0][0]))
        invoice.credit_notes.extend(
            CreditNote.FromString(snapshot) for _, prefix, snapshot in found if prefix != INVOICES
        )
        return invoice


def _invoice_not_found(order_id: str) -> OrderError:
    text = f"order {order_id} has no invoice; it gets one when it is confirmed, unless it was imported"
    return OrderError("INVOICE_NOT_FOUND", text, metadata={"order_id": order_id})
