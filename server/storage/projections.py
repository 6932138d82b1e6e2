"""The rows of messages. Only this module maps fields to columns."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.api_key_service_pb2 import ApiKey
from orders.v1.customer_service_pb2 import PointsEntry, PointsEntryType
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import Order, OrderEvent, PaymentEvent

from server.domain.base.event_values import StoredEvent
from server.domain.base.money import minor_of
from server.domain.base.values import AuditEvent, Sku, StoredKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def datetime_of(time: Timestamp) -> datetime:
    return _datetime(time.seconds, time.nanos)


def ceiling_of(time: Timestamp) -> datetime:
    """The time, rounded up to the database's microseconds."""
    return _datetime(time.seconds, time.nanos + 999)


@lru_cache(maxsize=1024)
def _datetime(seconds: int, nanos: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)


def timestamp_of(time: datetime) -> Timestamp:
    """The message, with the microseconds that the database keeps."""
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


class OrderRow(NamedTuple):
    """The columns of `orders` that follow from the snapshot, and the snapshot."""

    order_id: str
    order_number: str
    source: str
    external_order_id: str
    customer_id: str
    status: int
    payment_status: int
    currency: str
    total_minor: int
    version: int
    create_time: datetime
    update_time: datetime
    snapshot: bytes


def order_row(order: Order, snapshot: bytes) -> OrderRow:
    """The order's row, with the stored snapshot."""
    total = order.pricing.total
    return OrderRow(
        order.order_id,
        order.order_number,
        order.source,
        order.external_order_id,
        order.customer.customer_id,
        order.status,
        order.payment_status,
        total.currency_code,
        minor_of(total),
        order.version,
        datetime_of(order.create_time),
        datetime_of(order.update_time),
        snapshot,
    )


class ItemRow(NamedTuple):
    """A row of `order_items`."""

    order_id: str
    position: int
    item_id: str
    product_id: str | None
    variant_id: str
    sku: str
    quantity: int
    unit_price_minor: int
    total_price_minor: int


def item_rows(order: Order) -> list[ItemRow]:
    """The rows of the order's items."""
    order_id = order.order_id
    return [
        ItemRow(
            order_id,
            position,
            item.item_id,
            item.product_id or None,
            item.variant_id,
            item.sku,
            item.quantity,
            minor_of(item.unit_price),
            minor_of(item.total_price),
        )
        for position, item in enumerate(order.items)
    ]


class EventRow(NamedTuple):
    """A row of `order_events`, without the transaction's id."""

    order_id: str
    version: int
    type: int
    actor: str
    request_id: str
    event_time: datetime
    from_status: int
    to_status: int
    total_minor: int
    event: bytes
    event_values: bytes | None
    salt: bytes | None

    @property
    def stored(self) -> StoredEvent:
        return StoredEvent(self.event, self.event_values, self.salt)


def event_row(order: Order, event: OrderEvent, stored: StoredEvent) -> EventRow:
    """The event's row; `order` is the order after the event."""
    return EventRow(
        event.order_id,
        event.version,
        event.type,
        event.actor,
        event.request_id,
        datetime_of(event.event_time),
        event.from_status,
        event.to_status,
        minor_of(order.pricing.total),
        *stored,
    )


class InventoryRow(NamedTuple):
    """A row of `inventory`."""

    product_id: str
    variant_id: str
    available: int
    reserved: int
    awaited: int

    @property
    def sku(self) -> Sku:
        return self.product_id, self.variant_id


class PaymentRow(NamedTuple):
    """A row of `payments`."""

    provider: str
    event_id: str
    order_id: str
    type: int
    amount_minor: int
    refund_id: str
    event_time: datetime
    event: bytes


def payment_row(order_id: str, event: PaymentEvent) -> PaymentRow:
    """The row of an order's payment event."""
    return PaymentRow(
        event.provider,
        event.event_id,
        order_id,
        event.type,
        minor_of(event.amount),
        event.refund_id,
        datetime_of(event.time),
        event.SerializeToString(deterministic=True),
    )


class PointsRow(NamedTuple):
    """A row of `points_entries`."""

    entry_id: str
    customer_id: str
    type: PointsEntryType
    delta: int
    balance: int
    order_id: str | None
    reason: str
    actor: str
    request_id: str
    entry_time: datetime


def points_row(entry: PointsEntry) -> PointsRow:
    """The entry's row."""
    return PointsRow(
        entry.entry_id,
        entry.customer_id,
        entry.type,
        entry.delta,
        entry.balance,
        entry.order_id or None,
        entry.reason,
        entry.actor,
        entry.request_id,
        datetime_of(entry.entry_time),
    )


def points_entry_of(row: PointsRow) -> PointsEntry:
    """The entry that a row holds."""
    return PointsEntry(
        entry_id=row.entry_id,
        customer_id=row.customer_id,
        type=row.type,
        delta=row.delta,
        balance=row.balance,
        order_id=row.order_id,
        reason=row.reason,
        actor=row.actor,
        request_id=row.request_id,
        entry_time=timestamp_of(row.entry_time),
    )


class DocumentRow(NamedTuple):
    """A row of `documents`."""

    document_number: str
    prefix: str
    year: int
    number: int
    order_id: str
    issue_time: datetime
    snapshot: bytes


def document_row(document: Invoice | CreditNote) -> DocumentRow:
    """The document's row."""
    name = document.invoice_number if isinstance(document, Invoice) else document.credit_note_number
    prefix, year, number = name.split("-")
    snapshot = document.SerializeToString(deterministic=True)
    return DocumentRow(
        name, prefix, int(year), int(number), document.order_id, datetime_of(document.issue_time), snapshot
    )


class ApiKeyRow(NamedTuple):
    """A row of `api_keys`, without the time of the last use."""

    key_id: str
    certificate_name: str | None
    digest: bytes | None
    previous_digest: bytes | None
    used: bool
    snapshot: bytes


def api_key_row(stored: StoredKey) -> ApiKeyRow:
    """The key's row."""
    snapshot = ApiKey()
    snapshot.CopyFrom(stored.api_key)
    snapshot.ClearField("last_use_time")
    return ApiKeyRow(
        stored.api_key.key_id,
        stored.certificate_name or None,
        stored.digest,
        stored.previous,
        stored.used,
        snapshot.SerializeToString(deterministic=True),
    )


class StoredKeyRow(NamedTuple):
    """The columns of `api_keys` that make up a stored key."""

    snapshot: bytes
    digest: bytes | None
    previous_digest: bytes | None
    used: bool
    last_use_time: datetime | None


def stored_key_of(row: StoredKeyRow) -> StoredKey:
    """The key that a row holds."""
    api_key = ApiKey.FromString(row.snapshot)
    if row.last_use_time is not None:
        api_key.last_use_time.CopyFrom(timestamp_of(row.last_use_time))
    return StoredKey(api_key, row.digest, row.previous_digest, row.used)


class AuditEventRow(NamedTuple):
    """A row of `audit_events`."""

    event_id: str
    resource: str
    method: str
    actor: str
    request_id: str
    event_time: datetime
    owner: str
    before: bytes
    after: bytes


def audit_event_row(event: AuditEvent) -> AuditEventRow:
    """The event's row."""
    audit = event.audit
    return AuditEventRow(
        event_id=event.event_id,
        resource=event.resource,
        method=audit.method,
        actor=audit.caller.subject,
        request_id=audit.request_id,
        event_time=datetime_of(audit.time),
        owner=audit.caller.owner,
        before=event.before,
        after=event.after,
    )
