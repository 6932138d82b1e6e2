"""Reads of invoices and credit notes."""

from collections.abc import Sequence
from typing import NamedTuple

from orders.v1.invoice_pb2 import CreditNote, Invoice
from sqlalchemy import Text, cast, select

from server.domain.errors import OrderError, order_not_found
from server.domain.invoices import INVOICES
from server.storage import sql, statements
from server.storage.batcher import point_reader
from server.storage.database import Database
from server.storage.references import Reference, seen_by, split_references
from server.storage.tables import documents, orders

_DOCUMENTS = sql.compiled(
    select(
        cast(orders.c.order_id, Text),
        orders.c.order_number,
        orders.c.customer_id,
        documents.c.prefix,
        documents.c.snapshot,
    )
    .join_from(orders, documents, documents.c.order_id == orders.c.order_id, isouter=True)
    .where(statements.by_reference)
    .order_by(documents.c.year, documents.c.number)
)


class _Documents(NamedTuple):
    """What is issued for an order, serialized, by the prefix of its number; credit notes in the order of theirs."""

    order_id: str
    issued: list[tuple[str, bytes]]


class InvoiceRepository:
    """Invoices by order. Methods raise DEPENDENCY_UNAVAILABLE, and what each says."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._documents = point_reader(self._read)

    async def get(self, reference: Reference) -> Invoice:
        """The invoice for the order with an id or a number, with its credit notes. Raises ORDER_NOT_FOUND and INVOICE_NOT_FOUND."""
        found = await self._documents.submit(reference)
        if found is None:
            raise order_not_found(reference.name)
        invoice = next((Invoice.FromString(snapshot) for prefix, snapshot in found.issued if prefix == INVOICES), None)
        if invoice is None:
            raise _invoice_not_found(found.order_id)
        invoice.credit_notes.extend(
            CreditNote.FromString(snapshot) for prefix, snapshot in found.issued if prefix != INVOICES
        )
        return invoice

    async def _read(self, references: Sequence[Reference]) -> list[_Documents | None]:
        rows = await self._database.fetch(_DOCUMENTS, **split_references(references)._asdict())
        found: dict[str, tuple[str, _Documents]] = {}
        for order_id, number, customer_id, prefix, snapshot in rows:
            if order_id not in found:
                found[order_id] = found[number] = (customer_id, _Documents(order_id, []))
            if prefix is not None:
                found[order_id][1].issued.append((prefix, snapshot))
        return [seen_by(reference, found) for reference in references]


def _invoice_not_found(order_id: str) -> OrderError:
    text = f"order {order_id} has no invoice; it gets one when it is confirmed, unless it was imported"
    return OrderError("INVOICE_NOT_FOUND", text, metadata={"order_id": order_id})
