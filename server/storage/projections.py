"""The rows that a message stands for. The one place that says which column holds what."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.api_key_service_pb2 import ApiKey
from orders.v1.customer_service_pb2 import PointsEntry
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import Order, OrderEvent, PaymentEvent

from server.domain.base.money import minor_of
from server.domain.base.values import AuditEvent, StoredKey

Row = tuple[Any, ...]

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


def order_row(order: Order, snapshot: bytes) -> Row:
    """The row of `orders`, in the order of its columns, without the transaction id."""
    total = order.pricing.total
    return (
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


def item_rows(order: Order) -> list[Row]:
    """The rows of `order_items`, in the order of its columns."""
    order_id = order.order_id
    return [
        (
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


def event_row(order: Order, event: OrderEvent, stored: bytes) -> Row:
    """The row of `order_events`; `order` is the order after the event, `stored` the event serialized."""
    return (
        event.order_id,
        event.version,
        event.type,
        event.actor,
        event.request_id,
        datetime_of(event.event_time),
        event.from_status,
        event.to_status,
        minor_of(order.pricing.total),
        stored,
    )


def payment_row(order_id: str, event: PaymentEvent) -> Row:
    """The row of `payments`, in the order of its columns."""
    return (
        event.provider,
        event.event_id,
        order_id,
        event.type,
        minor_of(event.amount),
        event.refund_id,
        datetime_of(event.time),
        event.SerializeToString(deterministic=True),
    )


def points_row(entry: PointsEntry) -> Row:
    """The row of `points_entries`, in the order of its columns."""
    return (
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


def points_entry_of(row: Row) -> PointsEntry:
    """The entry that a row of `points_entries` stands for."""
    entry_id, customer_id, type_, delta, balance, order_id, reason, actor, request_id, time = row
    return PointsEntry(
        entry_id=str(entry_id),
        customer_id=customer_id,
        type=type_,
        delta=delta,
        balance=balance,
        order_id="" if order_id is None else str(order_id),
        reason=reason,
        actor=actor,
        request_id=request_id,
        entry_time=timestamp_of(time),
    )


def document_row(document: Invoice | CreditNote) -> Row:
    """The row of `documents`, in the order of its columns."""
    name = document.invoice_number if isinstance(document, Invoice) else document.credit_note_number
    prefix, year, number = name.split("-")
    snapshot = document.SerializeToString(deterministic=True)
    return name, prefix, int(year), int(number), document.order_id, datetime_of(document.issue_time), snapshot


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


def audit_event_row(event: AuditEvent) -> AuditEventRow:
    """The event's row."""
    audit = event.audit
    return AuditEventRow(
        event.event_id, event.resource, audit.method, audit.caller.subject, audit.request_id, datetime_of(audit.time)
    )
