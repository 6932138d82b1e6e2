"""The rows that a batch of commands reads and changes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.customer_service_pb2 import CustomerAccount, PointsEntry
from orders.v1.error_reason_pb2 import ERROR_REASON_INTERNAL
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import Order, OrderEvent, PaymentEvent
from orders.v1.order_service_pb2 import UpsertOrder
from orders.v1.webhook_service_pb2 import WebhookDelivery

from server.domain.base.caller import Caller
from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, Violation, order_not_found
from server.domain.base.event_values import StoredEvent
from server.domain.base.idempotency import Key, Remembered
from server.domain.base.records import Counters, Kind, Records, ResourceChange, Rows
from server.domain.base.resources import recorded
from server.domain.base.values import Adjustment, AuditEvent, CouponUse, Series, Sku, StoredKey, Terms
from server.domain.base.work_queue import Queued, WorkFilter

# A payment provider, and its id for an event.
PaymentKey = tuple[str, str]
# A source, and its id for an order.
ExternalKey = tuple[str, str]
# Returns the violations of an imported order against the static rules of its message, with paths within it.
Validate = Callable[[UpsertOrder], list[Violation]]


class Same(NamedTuple):
    """A stored order that its source sends again unchanged, so it need not be read."""

    order_id: str
    etag: str


class ErasedEvent(NamedTuple):
    """A stored event without its personal data."""

    order_id: str
    version: int
    stored: StoredEvent


@dataclass(slots=True)
class Changes:
    """The rows that a batch writes, besides the changes in its records and counters."""

    # Each changed order before the batch, None for a new one. State.orders has the current version.
    orders: dict[str, Order | None] = field(default_factory=dict)
    snapshots: dict[str, bytes] = field(default_factory=dict)
    # The hash of the import that each order equals; None if it has changed since.
    sent: dict[str, bytes | None] = field(default_factory=dict)
    # Events with the orders after them and their stored form.
    events: list[tuple[Order, OrderEvent, StoredEvent]] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    points_entries: list[PointsEntry] = field(default_factory=list)
    # Payment events with the ids of the orders that they are about.
    payments: list[tuple[str, PaymentEvent]] = field(default_factory=list)
    documents: list[Invoice | CreditNote] = field(default_factory=list)
    # The ids of API keys, each with whether it is new. State.api_keys holds the keys.
    api_keys: dict[str, bool] = field(default_factory=dict)
    audit_events: list[AuditEvent] = field(default_factory=list)
    erased_events: list[ErasedEvent] = field(default_factory=list)
    erased_payments: list[PaymentEvent] = field(default_factory=list)
    webhook_deliveries: list[WebhookDelivery] = field(default_factory=list)
    # Orders in the work queue whose claims change.
    claims: dict[str, Queued] = field(default_factory=dict)
    remembered: dict[Key, Remembered] = field(default_factory=dict)


def _product_id(sku: Sku) -> str:
    return sku[0]


# The kinds of records whose changes are audit events, with the collections of their resources.
_AUDITED = {
    Kind.PRODUCT: "products",
    Kind.COUPON: "coupons",
    Kind.ZONE: "deliveryZones",
    Kind.CUSTOMER: "customers",
    Kind.WEBHOOK_ENDPOINT: "webhooks",
    Kind.RUNTIME_SETTING: "settings",
}


@dataclass(slots=True)
class State:
    """Rows by key. Commands read them here and change them here, one after the other."""

    new_id: Callable[[], str]
    validate: Validate
    # Whether the changes are dropped. In that case no numbers are assigned.
    dry: bool = False
    terms: Terms = field(default_factory=Terms)
    # The time of the batch.
    time: Timestamp = field(default_factory=Timestamp)
    orders: dict[str, Order] = field(default_factory=dict)
    ids_by_number: dict[str, str] = field(default_factory=dict)
    # The ids and numbers that were looked up.
    references: Rows[str, None] = field(default_factory=Rows)
    ids_by_external: Rows[ExternalKey, str] = field(default_factory=Rows)
    same: dict[ExternalKey, Same] = field(default_factory=dict)
    history: Rows[str, list[OrderEvent]] = field(default_factory=Rows)
    # The stored events of orders, with their versions.
    stored_events: Rows[str, list[tuple[int, StoredEvent]]] = field(default_factory=Rows)
    # The events since the version that a caller knows, of orders that have changed since.
    later_events: dict[str, list[OrderEvent]] = field(default_factory=dict)
    order_numbers: list[str] = field(default_factory=list)
    products: Records = field(default_factory=Records)
    coupons: Records = field(default_factory=Records)
    zones: Records = field(default_factory=Records)
    customers: Records = field(default_factory=Records)
    carts: Records = field(default_factory=Records)
    webhook_endpoints: Records = field(default_factory=Records)
    runtime_settings: Records = field(default_factory=Records)
    # Available units, and units that orders hold until they are shipped.
    stock: Counters[Sku] = field(default_factory=lambda: Counters(Rows(read_by=_product_id)))
    reserved: Counters[Sku] = field(default_factory=lambda: Counters(Rows(read_by=_product_id)))
    # Backordered pieces that orders wait for.
    awaited: Counters[Sku] = field(default_factory=lambda: Counters(Rows(read_by=_product_id)))
    coupon_uses: Counters[CouponUse] = field(default_factory=Counters)
    # Loyalty points by customer.
    points: Counters[str] = field(default_factory=Counters)
    # The last number of each series of documents.
    documents: Counters[Series] = field(default_factory=Counters)
    # The orders that payment events are about, and the events.
    payments: Rows[PaymentKey, tuple[str, PaymentEvent]] = field(default_factory=Rows)
    # All payment events of each order whose ledger was read.
    payment_events: Rows[str, list[PaymentEvent]] = field(default_factory=Rows)
    api_keys: Rows[str, StoredKey] = field(default_factory=Rows)
    # Orders in the work queue, by their ids.
    queue: Rows[str, Queued] = field(default_factory=Rows)
    # Orders that can be claimed, earliest due time first, for each filter of a claim.
    claimable: Rows[WorkFilter, list[Queued]] = field(default_factory=Rows)
    # The certificate names whose keys were looked up.
    certificate_names: Rows[str, None] = field(default_factory=Rows)
    remembered: dict[Key, Remembered] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    # The changes of resources that the current command has made, for its audit events.
    resource_changes: list[ResourceChange] = field(default_factory=list)

    def __post_init__(self) -> None:
        for kind, collection in _AUDITED.items():
            records = self.records(kind)
            records.collection, records.audited = collection, self.resource_changes

    def records(self, kind: Kind) -> Records:
        return {
            Kind.PRODUCT: self.products,
            Kind.COUPON: self.coupons,
            Kind.ZONE: self.zones,
            Kind.CUSTOMER: self.customers,
            Kind.CART: self.carts,
            Kind.WEBHOOK_ENDPOINT: self.webhook_endpoints,
            Kind.RUNTIME_SETTING: self.runtime_settings,
        }[kind]

    def add_order(self, order: Order) -> None:
        """Adds a stored order, which can then be found by its id, its number and its source's id."""
        self.orders[order.order_id] = order
        self.ids_by_number[order.order_number] = order.order_id
        if order.source:
            self.ids_by_external[order.source, order.external_order_id] = order.order_id

    def find(self, reference: str) -> Order | None:
        """The order with an id or a number, if there is one."""
        found = self.orders.get(reference.lower()) or self.orders.get(self.ids_by_number.get(reference, ""))
        if found is None:
            self.references.check_read(reference)
        return found

    def order(self, reference: str, caller: Caller) -> Order:
        """The order with an id or a number, if the caller has access: another command may have read an order of others."""
        order = self.find(reference)
        if order is None or caller.confined_to not in ("", order.customer.customer_id):
            raise order_not_found(reference)
        return order

    def imported(self, source: str, external_order_id: str) -> Order | None:
        """The order that a source knows by an id."""
        return self.orders.get(self.ids_by_external.get((source, external_order_id), ""))

    def account(self, customer_id: str) -> CustomerAccount:
        """The customer's account; an empty one if none is stored."""
        snapshot = self.customers.stored.get(customer_id)
        return CustomerAccount() if snapshot is None else CustomerAccount.FromString(snapshot)

    def add_events(self, order: Order, events: list[OrderEvent]) -> None:
        """Appends events to an order's history, if that was read or the order is new."""
        if order.version == len(events) or self.history.was_read(order.order_id):
            self.history.setdefault(order.order_id, []).extend(events)

    def add_payment(self, order_id: str, event: PaymentEvent) -> None:
        """Adds a stored payment event, which can then be found by its id and among its order's."""
        self.payments[event.provider, event.event_id] = (order_id, event)
        if self.payment_events.was_read(order_id):
            self.payment_events.setdefault(order_id, []).append(event)

    def is_certificate_name_taken(self, name: str) -> bool:
        self.certificate_names.check_read(name)
        return any(stored.certificate_name == name for stored in self.api_keys.values())

    def put_api_key(self, stored: StoredKey, *, new: bool = False) -> None:
        key_id = stored.api_key.key_id
        before = b"" if new else self.api_keys[key_id].api_key.SerializeToString()
        change = ResourceChange("apiKeys", key_id, before, stored.api_key.SerializeToString())
        self.resource_changes.append(change)
        self.api_keys[key_id] = stored
        self.changes.api_keys.setdefault(key_id, new)

    def put_claim(self, queued: Queued) -> None:
        """Changes the claim on an order in the work queue."""
        order_id = queued.entry.order_id
        self.queue[order_id] = self.changes.claims[order_id] = queued

    def add_audit_events(self, audit: Audit) -> None:
        """Records who made the changes of the current command."""
        for change in recorded(self.resource_changes):
            self.changes.audit_events.append(AuditEvent(self.new_id(), *change, audit))
        self.resource_changes.clear()

    def remember(self, key: Key, *, request: bytes, response: bytes) -> None:
        self.remembered[key] = self.changes.remembered[key] = Remembered(request, response, self.time)

    def next_order_number(self) -> str:
        if self.dry:
            return ""
        if not self.order_numbers:
            raise Refusal(ERROR_REASON_INTERNAL, "the batch has run out of order numbers")
        return self.order_numbers.pop()
