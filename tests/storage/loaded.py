"""The contents of a database in the form that the oracle of random histories checks."""

import time
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

from orders.v1.customer_service_pb2 import PointsEntry
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import OrderEvent, PaymentEvent
from psycopg import AsyncConnection

from server.domain.base.records import Kind
from tests.domain.builders import Store

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_KEYS = {
    Kind.PRODUCT: "product_id",
    Kind.COUPON: "code",
    Kind.ZONE: "zone_id",
    Kind.CUSTOMER: "customer_id",
    Kind.CART: "cart_id",
}
_COUNTERS = {
    "stock": "SELECT product_id, variant_id, available FROM inventory",
    "reserved": "SELECT product_id, variant_id, reserved FROM inventory",
    "awaited": "SELECT product_id, variant_id, awaited FROM inventory",
    "coupon_uses": "SELECT code, customer_id, used FROM coupon_uses",
}
_DOCUMENTS: dict[str, type[Invoice | CreditNote]] = {"INV": Invoice, "CN": CreditNote}


async def load(connection: AsyncConnection[Any], store: Store) -> None:
    """Replaces what the store holds by what the database holds. Rows that it held already keep their places."""

    async def rows(query: str) -> list[Any]:
        return await (await connection.execute(query.encode())).fetchall()

    store.time.seconds = int(time.time())
    store.orders = dict(await rows("SELECT order_id::text, snapshot FROM orders ORDER BY create_time, order_id"))
    store.events = {}
    for order_id, event in await rows(
        "SELECT order_id::text, event || coalesce(event_values, '') FROM order_events ORDER BY order_id, version"
    ):
        store.events.setdefault(order_id, []).append(event)
    for kind, key in _KEYS.items():
        store.records[kind] = dict(await rows(f"SELECT {key}, snapshot FROM {kind}"))
    for name, query in _COUNTERS.items():
        store.counters[name] = {(first, second): value for first, second, value in await rows(query)}
    store.counters["points"] = dict(await rows("SELECT customer_id, balance FROM points_accounts"))
    adjusted = await rows("SELECT product_id, variant_id, sum(delta)::bigint FROM stock_adjustments GROUP BY 1, 2")
    store.adjusted = {(product_id, variant_id): delta for product_id, variant_id, delta in adjusted}
    await _load_ledgers(rows, store)


async def _load_ledgers(rows: Any, store: Store) -> None:
    query = "SELECT entry_id::text, customer_id, type, delta, balance, order_id::text, reason FROM points_entries ORDER BY 1"
    columns = ("entry_id", "customer_id", "type", "delta", "balance", "order_id", "reason")
    entries = {row[0]: PointsEntry(**dict(zip(columns, row, strict=True))) for row in await rows(query)}
    store.points_entries = list(_in_places([entry.entry_id for entry in store.points_entries], entries).values())
    payments = {
        (provider, event_id): (order_id, PaymentEvent.FromString(event))
        for provider, event_id, order_id, event in await rows(
            "SELECT provider, event_id, order_id::text, event FROM payments"
        )
    }
    in_order = {key: payments.pop(key) for key in _reported(store) if key in payments}
    store.payments = _in_places(store.payments, in_order | payments)
    documents = {
        number: _DOCUMENTS[prefix].FromString(snapshot)
        for number, prefix, snapshot in await rows("SELECT document_number, prefix, snapshot FROM documents ORDER BY 1")
    }
    store.documents = list(_in_places(map(_number, store.documents), documents).values())


def _reported(store: Store) -> list[tuple[str, str]]:
    """The payment events in the order in which they changed their orders: their table has none."""
    events = [OrderEvent.FromString(event).payment_event for events in store.events.values() for event in events]
    return [(event.provider, event.event_id) for event in events]


def _number(document: Invoice | CreditNote) -> str:
    return document.invoice_number if isinstance(document, Invoice) else document.credit_note_number


def _in_places(known: Iterable[Key], found: Mapping[Key, Value]) -> dict[Key, Value]:
    """What was found: first what was known before, in its order, then what is new."""
    return {key: found[key] for key in known} | dict(found)
