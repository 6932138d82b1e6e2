"""The rows a batch of commands works on: as they were read, and as the commands change them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.customer_service_pb2 import CustomerAccount, PointsEntry
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_IMPORTED,
    ORDER_EVENT_TYPE_UPDATED,
    Order,
    OrderEvent,
    PaymentEvent,
)

from server.domain.base.caller import Caller
from server.domain.base.edits import OrderChange
from server.domain.base.errors import OrderError, order_not_found
from server.domain.base.hash_chain import chain_events
from server.domain.base.idempotency import Key, Remembered
from server.domain.base.records import Counters, Kind, Records
from server.domain.catalog.products import Adjustment, CatalogChange, shelves_of_snapshot
from server.domain.catalog.stock import Shelf, check_available
from server.domain.customers.points import check_points, entry_of
from server.domain.orders.effects import CouponUse, Effects, effects_of
from server.domain.orders.invoices import Series, document_number, issue_documents
from server.domain.pricing.quotes import Terms
from server.domain.sizes import check_content

# A payment provider, and its id for an event.
PaymentKey = tuple[str, str]
# A source, and its id for an order.
ExternalKey = tuple[str, str]

# The events by which callers write an order's content. Those of its life are never refused for its size.
_CONTENT_EVENTS = frozenset({ORDER_EVENT_TYPE_CREATED, ORDER_EVENT_TYPE_IMPORTED, ORDER_EVENT_TYPE_UPDATED})


class Same(NamedTuple):
    """A stored order that is as its source sends it again, and need not be read."""

    order_id: str
    etag: str


@dataclass(slots=True)
class Changes:
    """What a batch has to write, besides what its records and counters know."""

    # Each changed order as it was before the batch, None for a new one. What it is now stands in State.orders.
    orders: dict[str, Order | None] = field(default_factory=dict)
    snapshots: dict[str, bytes] = field(default_factory=dict)
    # The hashes of what the sources of these orders have sent, None where the order is no longer what that has made it.
    sent: dict[str, bytes | None] = field(default_factory=dict)
    # Events with the orders after them, and as they are stored.
    events: list[tuple[Order, OrderEvent, bytes]] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    points_entries: list[PointsEntry] = field(default_factory=list)
    # Payment events with the ids of the orders that they are about.
    payments: list[tuple[str, PaymentEvent]] = field(default_factory=list)
    documents: list[Invoice | CreditNote] = field(default_factory=list)
    remembered: dict[Key, Remembered] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """Rows by key. Commands read them here and change them here, one after the other."""

    new_id: Callable[[], str]
    terms: Terms = field(default_factory=Terms)
    # When the batch takes place.
    time: Timestamp = field(default_factory=Timestamp)
    orders: dict[str, Order] = field(default_factory=dict)
    ids_by_number: dict[str, str] = field(default_factory=dict)
    ids_by_external: dict[ExternalKey, str] = field(default_factory=dict)
    same: dict[ExternalKey, Same] = field(default_factory=dict)
    history: dict[str, list[OrderEvent]] = field(default_factory=dict)
    order_numbers: list[str] = field(default_factory=list)
    products: Records = field(default_factory=Records)
    coupons: Records = field(default_factory=Records)
    zones: Records = field(default_factory=Records)
    customers: Records = field(default_factory=Records)
    carts: Records = field(default_factory=Records)
    # Pieces that can be ordered, and pieces that orders hold until they are shipped.
    stock: Counters[Shelf] = field(default_factory=Counters)
    reserved: Counters[Shelf] = field(default_factory=Counters)
    coupon_uses: Counters[CouponUse] = field(default_factory=Counters)
    # Loyalty points by customer.
    points: Counters[str] = field(default_factory=Counters)
    # The last number of each series of documents.
    documents: Counters[Series] = field(default_factory=Counters)
    # The orders that payment events are about, and the events.
    payments: dict[PaymentKey, tuple[str, PaymentEvent]] = field(default_factory=dict)
    remembered: dict[Key, Remembered] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)

    def records(self, kind: Kind) -> Records:
        return {
            Kind.PRODUCT: self.products,
            Kind.COUPON: self.coupons,
            Kind.ZONE: self.zones,
            Kind.CUSTOMER: self.customers,
            Kind.CART: self.carts,
        }[kind]

    def add_order(self, order: Order) -> None:
        """Takes in a stored order, to be found by its id, its number and its source's id."""
        self.orders[order.order_id] = order
        self.ids_by_number[order.order_number] = order.order_id
        if order.source:
            self.ids_by_external[order.source, order.external_order_id] = order.order_id

    def find(self, reference: str) -> Order | None:
        """The order with an id or a number, if there is one."""
        return self.orders.get(reference.lower()) or self.orders.get(self.ids_by_number.get(reference, ""))

    def order(self, reference: str, caller: Caller) -> Order:
        """The order with an id or a number. A neighbour in the batch may have brought in one that the caller does not see."""
        order = self.find(reference)
        if order is None or caller.confined_to not in ("", order.customer.customer_id):
            raise order_not_found(reference)
        return order

    def imported(self, source: str, external_order_id: str) -> Order | None:
        """The order that a source knows by an id."""
        return self.orders.get(self.ids_by_external.get((source, external_order_id), ""))

    def account(self, customer_id: str) -> CustomerAccount:
        """What is kept of a customer; an empty account, if nothing is."""
        snapshot = self.customers.stored.get(customer_id)
        return CustomerAccount() if snapshot is None else CustomerAccount.FromString(snapshot)

    def check(self, change: OrderChange, *, field: str = "items") -> Effects:
        """What a change moves; refuses if it is not there, or if the order becomes too large. `field` has the order's lines in the request."""
        if not _CONTENT_EVENTS.isdisjoint(event.type for event in change.events):
            check_content(change.after, field=field, advice="send fewer lines or shorter texts")
        effects = effects_of(change.before, change.after)
        check_available(effects.taken, self.stock.values)
        check_points(effects.points, balance=self.points.get(change.after.customer.customer_id))
        return effects

    def apply(self, change: OrderChange, *, sent: bytes | None = None, field: str = "items") -> bytes:
        """Makes a change part of the batch, or refuses and leaves everything as it was; returns the order serialized.

        `sent` is the hash of what the order's source has sent, if that is all there is to know about it; `field` is as in `check`.
        """
        effects = self.check(change, field=field)
        order = change.after
        if not change.events:
            return order.SerializeToString(deterministic=True)
        self.changes.documents += issue_documents(change, number=self._next_document_number, time=self.time)
        chained = chain_events(change)
        snapshot = order.SerializeToString(deterministic=True)
        self._move(effects, change)
        self.changes.orders.setdefault(order.order_id, change.before)
        self.changes.snapshots[order.order_id] = snapshot
        self.changes.sent[order.order_id] = sent
        self.history.setdefault(order.order_id, []).extend(change.events)
        for event, stored in zip(change.events, chained, strict=True):
            self.changes.events.append((order, event, stored))
            if event.HasField("payment_event"):
                self._keep_payment(order.order_id, event.payment_event)
        self.add_order(order)
        return snapshot

    def _move(self, effects: Effects, change: OrderChange) -> None:
        for shelf, pieces in effects.taken.items():
            self.stock.add(shelf, -pieces)
        for shelf, pieces in effects.reserved.items():
            self.reserved.add(shelf, pieces)
        for use, delta in effects.coupon_uses.items():
            self.coupon_uses.add(use, delta)
        customer_id = change.after.customer.customer_id
        for move in effects.points:
            balance = self.points.add(customer_id, move.delta)
            entry = entry_of(move, change, entry_id=self.new_id(), balance=balance)
            self.changes.points_entries.append(entry)

    def _keep_payment(self, order_id: str, event: PaymentEvent) -> None:
        self.payments[event.provider, event.event_id] = (order_id, event)
        self.changes.payments.append((order_id, event))

    def _next_document_number(self, prefix: str) -> str:
        series = Series(prefix, self.time.ToDatetime().year)
        return document_number(series, self.documents.add(series, 1))

    def apply_catalog(self, changes: Iterable[CatalogChange]) -> None:
        """Makes changes of the products and their stock part of the batch."""
        for change in changes:
            if isinstance(change, Adjustment):
                self.changes.adjustments.append(change)
                self.stock.add(change.shelf, change.delta)
            else:
                self.products.put(change.product_id, change.snapshot)
                for shelf in shelves_of_snapshot(change.snapshot):
                    if shelf not in self.stock.values:
                        self.stock.add(shelf, 0)

    def remember(self, key: Key, *, request: bytes, response: bytes) -> None:
        self.remembered[key] = self.changes.remembered[key] = Remembered(request, response)

    def next_order_number(self) -> str:
        if not self.order_numbers:
            raise OrderError("INTERNAL", "the batch has run out of order numbers")
        return self.order_numbers.pop()
