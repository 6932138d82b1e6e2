"""The oracle of random histories: invariants of a store, computed without the rules of the domain."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256

from orders.v1.cart_service_pb2 import Cart
from orders.v1.catalog_service_pb2 import Coupon
from orders.v1.customer_service_pb2 import CustomerAccount, PointsEntry
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_IMPORTED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_UPDATED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_DISPUTE_LOST,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_PARTIALLY_PAID,
    PAYMENT_STATUS_PARTIALLY_REFUNDED,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_RETURNED,
    Order,
    OrderEvent,
    OrderItem,
    PaymentEvent,
    Refund,
    Tracking,
)
from orders.v1.order_service_pb2 import BatchUpsertOrdersRequest, BatchUpsertOrdersResponse
from orders.v1.shipment_pb2 import SHIPMENT_STATUS_CANCELLED, SHIPMENT_STATUS_PENDING, Shipment, ShipmentItem

from server.domain.base.records import Kind
from tests.domain.builders import Store, amount
from tests.histories.maker import IMPORTER

LEGAL = {
    (ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED),
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING),
    (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED),
    (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED),
    (ORDER_STATUS_PENDING, ORDER_STATUS_CANCELLED),
    (ORDER_STATUS_CONFIRMED, ORDER_STATUS_CANCELLED),
    (ORDER_STATUS_PROCESSING, ORDER_STATUS_CANCELLED),
}
MINOR = {"JPY": Decimal(1), "USD": Decimal("0.01"), "EUR": Decimal("0.01"), "GBP": Decimal("0.01")}

COUNTERS = (
    "cancelled_quantity",
    "packed_quantity",
    "shipped_quantity",
    "delivered_quantity",
    "return_requested_quantity",
    "returned_quantity",
    "restocked_quantity",
)


# One order.


def check_order(order: Order, before: Order | None, events: list[OrderEvent]) -> None:
    """An order that has changed, and its history."""
    assert [event.version for event in events] == list(range(1, order.version + 1))
    assert order.etag == str(order.version)
    assert order.update_time == events[-1].event_time
    assert events[-1].to_status == order.status
    assert (order.status == ORDER_STATUS_CANCELLED) == order.HasField("cancellation")
    assert len({item.item_id for item in order.items}) == len(order.items)
    check_events(events, before)
    check_chain(order, before, events)
    check_pricing(order)
    if before is not None:
        same = ("order_id", "order_number", "source", "external_order_id", "create_time")
        assert all(getattr(before, name) == getattr(order, name) for name in same)
        assert before.pricing.total.currency_code == order.pricing.total.currency_code
        assert before.version < order.version
        # Only an adjustment changes what was invoiced.
        if before.invoice_number and len(before.adjustments) == len(order.adjustments):
            assert (order.invoice_number, order.pricing, without_counters(order)) == (
                before.invoice_number,
                before.pricing,
                without_counters(before),
            )
    check_counters(order)


def without_counters(order: Order | Invoice) -> list[OrderItem]:
    """The lines as they were ordered."""
    copy = Order(items=order.items)
    for item in copy.items:
        for name in (*COUNTERS, "rating", "backordered_quantity", "without_installation", "installation_price"):
            item.ClearField(name)
    return list(copy.items)


def check_counters(order: Order) -> None:
    """The counters of the lines are those of the shipments and cancellations, and the statuses follow from them."""
    shipments = [shipment for shipment in order.shipments if shipment.status != SHIPMENT_STATUS_CANCELLED]
    left = [shipment for shipment in shipments if shipment.status != SHIPMENT_STATUS_PENDING]
    cancelled = Counter({item.item_id: 0 for item in order.items})
    for adjustment in order.adjustments:
        cancelled.update({share.item_id: share.quantity for share in adjustment.lines if share.quantity})
    packed, shipped = units_in(shipments), units_in(left)
    for item in order.items:
        assert item.cancelled_quantity == cancelled[item.item_id]
        coming, back = item.return_requested_quantity, item.returned_quantity
        assert coming >= 0
        assert 0 <= item.restocked_quantity <= back
        assert coming + back <= item.delivered_quantity
        assert (item.packed_quantity, item.shipped_quantity) == (packed[item.item_id], shipped[item.item_id])
        assert 0 <= item.delivered_quantity <= item.shipped_quantity <= item.packed_quantity <= item.quantity
    if order.shipments:
        check_statuses(order, shipments)
    assert not (order.holds and order.status >= ORDER_STATUS_SHIPPED)
    check_backorders(order)


def check_backorders(order: Order) -> None:
    """An order that waits for units has one hold of the server's, and none of those units is shipped."""
    waits = order.status != ORDER_STATUS_CANCELLED and any(item.backordered_quantity for item in order.items)
    assert sum(hold.automatic for hold in order.holds) == waits
    assert all(0 <= item.backordered_quantity <= item.quantity - item.shipped_quantity for item in order.items)


def check_statuses(order: Order, shipments: list[Shipment]) -> None:
    """An order is shipped once every unit has left, and delivered once every unit has arrived."""
    gone = order.status in (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED)
    assert gone == all(item.shipped_quantity == item.quantity for item in order.items)
    delivered = all(item.delivered_quantity == item.quantity for item in order.items)
    assert delivered == (order.status == ORDER_STATUS_DELIVERED)
    parcels = [parcel for shipment in shipments for parcel in shipment.parcels]
    if parcels:
        label = (parcels[0].carrier, parcels[0].tracking_number)
        assert (order.delivery.carrier, order.delivery.tracking_number) == label
    for shipment in order.shipments:
        named = Counter(item for parcel in shipment.parcels for item in units_by_line(parcel.items).elements())
        assert not named or named == units_by_line(shipment.items)


def units_in(shipments: Iterable[Shipment]) -> Counter[str]:
    return sum((units_by_line(shipment.items) for shipment in shipments), Counter())


def units_by_line(items: Iterable[ShipmentItem]) -> Counter[str]:
    return sum((Counter({item.item_id: item.quantity}) for item in items), Counter())


def check_events(events: list[OrderEvent], before: Order | None) -> None:
    version = before.version if before is not None else 0
    assert [event.to_status for event in events[:version]][-1:] == ([before.status] if before is not None else [])
    for previous, event in zip([None, *events], events, strict=False):
        if event.version <= version:
            continue
        if previous is None:
            assert event.type in (ORDER_EVENT_TYPE_CREATED, ORDER_EVENT_TYPE_IMPORTED)
            assert event.type == ORDER_EVENT_TYPE_IMPORTED or event.to_status == ORDER_STATUS_PENDING
        else:
            assert event.from_status == previous.to_status
            check_move(event)


def check_chain(order: Order, before: Order | None, events: list[OrderEvent]) -> None:
    """Each event's hash is of the hash before it and the event without its own; an order's is its last event's."""
    previous = bytes(32)
    for event in events:
        previous = sha256(previous + covered(event).SerializeToString(deterministic=True)).digest()
        assert event.hash == previous
    assert order.event_hash == previous
    assert before is None or before.event_hash == events[before.version - 1].hash


def covered(event: OrderEvent) -> OrderEvent:
    """The part of an event that its hash covers directly."""
    bare = OrderEvent()
    bare.CopyFrom(event)
    for name in ("hash", "values_state", "before", "after", "reason"):
        bare.ClearField(name)
    if bare.HasField("tracking_event"):
        for name in ("description", "location", "city", "country"):
            bare.tracking_event.ClearField(name)
    if bare.HasField("payment_event"):
        bare.payment_event.ClearField("description")
    return bare


def check_move(event: OrderEvent) -> None:
    move = (event.from_status, event.to_status)
    if event.type != ORDER_EVENT_TYPE_STATUS_CHANGED:
        assert move[0] == move[1]
        assert event.type != ORDER_EVENT_TYPE_UPDATED or event.changed_fields
    elif event.actor == IMPORTER.subject:
        assert legal_import(*move)
    else:
        assert move in LEGAL


def legal_import(before: int, to: int) -> bool:
    if to == ORDER_STATUS_CANCELLED:
        return before in (ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING)
    return before < to <= ORDER_STATUS_DELIVERED


def check_pricing(order: Order) -> None:
    pricing = order.pricing
    for item in order.items:
        assert amount(item.total_price) == amount(item.unit_price) * item.quantity
    assert amount(pricing.subtotal) == sum(amount(item.total_price) for item in order.items)
    if order.source:
        assert not pricing.applied_coupons
        assert not pricing.loyalty_points_used
        return
    more = amount(pricing.tax) + amount(pricing.shipping) + amount(pricing.installation)
    less = amount(pricing.discount) + amount(pricing.loyalty_points_value)
    assert amount(pricing.total) == amount(pricing.subtotal) + more - less >= 0
    assert order.total_quantity == sum(item.quantity for item in order.items)
    needing = [item for item in order.items if item.requires_installation]
    assert order.installation.required == bool(needing)
    assert amount(pricing.installation) == sum(amount(item.installation_price) * item.quantity for item in needing)
    assert {item.unit_price.currency_code for item in order.items} == {pricing.total.currency_code}
    check_discount_and_tax(order)
    check_points(order)
    check_appointment(order)


def check_discount_and_tax(order: Order) -> None:
    pricing = order.pricing
    assert amount(pricing.discount) == sum(amount(item.discount) for item in order.items)
    assert amount(pricing.discount) == sum(amount(coupon.discount) for coupon in pricing.applied_coupons)
    assert all(0 <= amount(item.discount) <= amount(item.total_price) for item in order.items)
    taxes = amount(pricing.tax) + amount(pricing.included_tax)
    of_parts = [tax for item in order.items for tax in item.taxes]
    of_parts += [*pricing.shipping_taxes, *pricing.installation_taxes]
    assert sum(amount(tax.amount) for tax in pricing.taxes) == sum(amount(tax.amount) for tax in of_parts) == taxes
    of_lines = sum(amount(item.tax) for item in order.items)
    assert of_lines <= taxes
    assert not (amount(pricing.tax) and amount(pricing.included_tax))
    if not order.delivery.zone_id:
        assert taxes == amount(pricing.shipping) == 0


def check_appointment(order: Order) -> None:
    """Goods are installed after they have arrived, as far as both times are known."""
    delivery, installation = order.delivery, order.installation
    if order.status == ORDER_STATUS_DELIVERED:
        return
    if installation.required and installation.HasField("scheduled_time") and delivery.HasField("estimated_time"):
        arrival, appointment = delivery.estimated_time, installation.scheduled_time
        assert (arrival.seconds, arrival.nanos) <= (appointment.seconds, appointment.nanos)


def check_points(order: Order) -> None:
    """A point is worth a hundredth, and a twentieth of the total is earned; in yen, points are worth nothing."""
    pricing = order.pricing
    if pricing.total.currency_code == "JPY":
        assert pricing.loyalty_points_used == pricing.loyalty_points_earned == 0
        return
    worth = Decimal(pricing.loyalty_points_used) / 100
    value, smallest = amount(pricing.loyalty_points_value), MINOR[pricing.total.currency_code]
    if order.adjustments:
        # Cancelled lines take their shares, each rounded.
        rounded = 1 + sum(len(adjustment.lines) for adjustment in order.adjustments)
        assert abs(worth - value) <= rounded * max(smallest, Decimal("0.01"))
        assert abs(pricing.loyalty_points_earned - Fraction(amount(pricing.total)) / 20) <= rounded
        return
    assert 0 <= value <= worth
    # Worth more than its value only where it takes another point to pay the last bit, or for less than a minor unit.
    assert 0 <= value <= worth
    assert worth - value < smallest or (not amount(pricing.total) and worth - value < smallest + Decimal("0.01"))
    assert pricing.loyalty_points_earned == round(Fraction(amount(pricing.total)) / 20)


def has(order: Order, *statuses: int) -> list[Refund]:
    return [refund for refund in order.refunds if refund.status in statuses]


def sum_of(refunds: Iterable[Refund]) -> Decimal:
    return sum((amount(refund.amount) for refund in refunds), Decimal(0))


def check_payment(order: Order, events: list[PaymentEvent]) -> None:
    """The sums are those of the payments; the status says of the sums what its comment in the proto says."""
    summary = order.payment
    authorized, paid, refunded = map(amount, (summary.authorized_amount, summary.paid_amount, summary.refunded_amount))
    assert paid == paid_of(events)
    assert refunded == sum_of(has(order, REFUND_STATUS_SUCCEEDED))
    for name in ("authorized_amount", "refunded_amount", "voided_amount", "disputed_amount"):
        assert amount(getattr(summary, name)) == sum(amount(getattr(one, name)) for one in order.payments)
    reserved = [event.amount for event in events if event.type == PAYMENT_EVENT_TYPE_AUTHORIZED]
    assert 0 <= authorized <= sum(map(amount, reserved))
    assert [refund.refund_id for refund in order.refunds] == [str(n + 1) for n in range(len(order.refunds))]
    holds = PAYMENT_STATUSES[order.payment_status]
    assert holds(order, authorized, paid, refunded), (order.payment_status, authorized, paid, refunded)


def paid_of(events: list[PaymentEvent]) -> Decimal:
    """The amount that was captured: reports of the same amount of a named payment count once."""
    named = sorted((event for event in events if event.payment_id), key=lambda event: event.time.ToNanoseconds())
    first = {event.provider: event.payment_id for event in reversed(named)}
    captures: dict[object, Decimal] = {}
    for event in events:
        if event.type == PAYMENT_EVENT_TYPE_PAID:
            payment_id = event.payment_id or first.get(event.provider, "")
            # Nothing tells whether two reports without a payment are of the same.
            report = amount(event.amount) if payment_id else event.event_id
            captures[event.provider, payment_id, report] = amount(event.amount)
    return sum(captures.values(), Decimal(0))


def _open(order: Order, authorized: Decimal, paid: Decimal, refunded: Decimal) -> bool:
    """Nothing was paid, less than the order costs is held, and nothing is to go back."""
    short = not authorized or authorized < amount(order.pricing.total)
    return short and not paid and not refunded and not _to_pay_back(order, authorized, paid, refunded)


def _paid_in_part(order: Order, authorized: Decimal, paid: Decimal, refunded: Decimal) -> bool:
    return not refunded and paid > 0 and paid + authorized < amount(order.pricing.total)


def _covered(order: Order, kept: Decimal) -> bool:
    """Whether what is kept, if anything, is all that the order costs."""
    return 0 < kept >= amount(order.pricing.total)


def _to_pay_back(order: Order, authorized: Decimal, paid: Decimal, refunded: Decimal) -> bool:
    """A refund was asked for, the order was cancelled, or more was paid than it costs."""
    if order.status == ORDER_STATUS_CANCELLED and (authorized or paid > refunded):
        return True
    return bool(has(order, REFUND_STATUS_PENDING)) or paid - refunded > amount(order.pricing.total)


PAYMENT_STATUSES: dict[int, Callable[[Order, Decimal, Decimal, Decimal], bool]] = {
    PAYMENT_STATUS_UNPAID: _open,
    PAYMENT_STATUS_FAILED: lambda order, authorized, paid, refunded: not (authorized or paid or refunded),
    PAYMENT_STATUS_AUTHORIZED: lambda order, authorized, paid, refunded: (
        authorized > 0
        and not _covered(order, paid - refunded)
        and authorized + paid - refunded >= amount(order.pricing.total)
        and not _to_pay_back(order, authorized, paid, refunded)
    ),
    PAYMENT_STATUS_PAID: lambda order, authorized, paid, refunded: (
        0 < paid - refunded == amount(order.pricing.total) and not _to_pay_back(order, authorized, paid, refunded)
    ),
    PAYMENT_STATUS_PARTIALLY_REFUNDED: lambda order, authorized, paid, refunded: (
        0 < refunded < paid
        and not _to_pay_back(order, authorized, paid, refunded)
        and paid - refunded < amount(order.pricing.total)
    ),
    PAYMENT_STATUS_REFUNDED: lambda order, authorized, paid, refunded: 0 < refunded >= paid,
    PAYMENT_STATUS_PARTIALLY_PAID: _paid_in_part,
    PAYMENT_STATUS_REFUND_DUE: _to_pay_back,
}

# From which status to which a refund goes.
REFUND_MOVES = {
    (REFUND_STATUS_PENDING, REFUND_STATUS_SUCCEEDED),
    (REFUND_STATUS_PENDING, REFUND_STATUS_FAILED),
    (REFUND_STATUS_FAILED, REFUND_STATUS_SUCCEEDED),
    (REFUND_STATUS_SUCCEEDED, REFUND_STATUS_FAILED),
}


def check_refunds(order: Order, before: Order | None) -> None:
    """A refund stays what it is, but for its status.

    It has a credit note exactly if it succeeded after the invoice and was not only of what was paid too much.
    """
    earlier = {refund.refund_id: refund for refund in before.refunds} if before is not None else {}
    assert earlier.keys() <= {refund.refund_id for refund in order.refunds}
    for refund in order.refunds:
        known = earlier.get(refund.refund_id)
        if known is not None:
            assert (known.amount, known.reason, known.create_time) == (
                refund.amount,
                refund.reason,
                refund.create_time,
            )
            assert known.status == refund.status or (known.status, refund.status) in REFUND_MOVES
        assert bool(refund.credit_note_number) == (amount(refund.credited_amount) > 0)
        succeeded = refund.status == REFUND_STATUS_SUCCEEDED
        if succeeded and known is not None and known.status == refund.status:
            assert refund.credit_note_number == known.credit_note_number
            assert refund.credited_amount == known.credited_amount
        elif before is not None and before.invoice_number:
            assert succeeded or not refund.credit_note_number or known is not None
            bounced = any(one.credit_note_number for one in has(order, REFUND_STATUS_FAILED))
            kept = amount(order.payment.paid_amount) - amount(order.payment.refunded_amount)
            if (
                succeeded
                and not (bounced or order.adjustments)
                and 0 <= kept < amount(order.payment.paid_amount) <= amount(order.pricing.total)
            ):
                assert refund.credited_amount == refund.amount
        elif not order.invoice_number:
            assert not refund.credit_note_number


def invoice_numbers(order: Order) -> list[str]:
    """The numbers of an order's invoice and of those that it replaced, oldest first."""
    replaced = [one.replaced_invoice_number for one in order.adjustments if one.replaced_invoice_number]
    return [*replaced, order.invoice_number]


def check_credit(order: Order, events: list[OrderEvent], *, invoiced: Decimal) -> None:
    """What was paid is kept or credited, but for what was paid too much or went back before there was an invoice."""
    statuses = [event.to_status for event in events]
    earlier = [event.payment_event for event in events[: statuses.index(ORDER_STATUS_CONFIRMED)]]
    back = [event for event in earlier if event.type in (PAYMENT_EVENT_TYPE_REFUNDED, PAYMENT_EVENT_TYPE_DISPUTE_LOST)]
    before = sum((amount(event.amount) for event in back), Decimal(0))
    paid, refunded = amount(order.payment.paid_amount), amount(order.payment.refunded_amount)
    causes = (*order.refunds, *order.adjustments)
    credited = sum((amount(cause.credited_amount) for cause in causes), Decimal(0))
    assert min(invoiced, paid - before) <= credited + max(Decimal(0), paid - refunded)
    assert credited <= invoiced


# What is kept beside the orders.


@dataclass
class Ledger:
    """What the stored orders say should be kept beside them, and what was seen there."""

    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    reserved: Counter[tuple[str, str]] = field(default_factory=Counter)
    awaited: Counter[tuple[str, str]] = field(default_factory=Counter)
    uses: Counter[tuple[str, str]] = field(default_factory=Counter)
    # By order: points earned less points used, as the order says and as the entries say.
    points_due: Counter[str] = field(default_factory=Counter)
    points_moved: Counter[str] = field(default_factory=Counter)
    balances: Counter[str] = field(default_factory=Counter)
    entries_seen: int = 0
    payments_seen: int = 0
    payments: dict[str, list[PaymentEvent]] = field(default_factory=lambda: defaultdict(list))
    # The documents as they were when they were first seen, and those of each order.
    documents: list[bytes] = field(default_factory=list)
    series: Counter[tuple[str, int]] = field(default_factory=Counter)
    # By order: the invoice, after those that it replaced.
    invoices: dict[str, list[Invoice]] = field(default_factory=lambda: defaultdict(list))
    credit_notes: dict[str, list[CreditNote]] = field(default_factory=lambda: defaultdict(list))

    def count(self, order: Order, before: Order | None) -> None:
        """Takes account of an order that has changed."""
        for sign, version in ((-1, before), (1, order)):
            if version is None:
                continue
            customer_id = version.customer.customer_id
            if version.status == ORDER_STATUS_DELIVERED and not version.source:
                self.points_due[version.order_id] += sign * version.pricing.loyalty_points_earned
            if version.status == ORDER_STATUS_CANCELLED:
                continue
            self.points_due[version.order_id] -= sign * version.pricing.loyalty_points_used
            for coupon in version.pricing.applied_coupons:
                self.uses[coupon.code, ""] += sign
                self.uses[coupon.code, customer_id] += sign
            for item in version.items:
                if item.product_id:
                    there = item.quantity - item.restocked_quantity - item.backordered_quantity
                    self.held[item.product_id, item.variant_id] += sign * there
                    self.awaited[item.product_id, item.variant_id] += sign * item.backordered_quantity
                    if version.status < ORDER_STATUS_SHIPPED:
                        waiting = item.quantity - item.shipped_quantity - item.backordered_quantity
                        self.reserved[item.product_id, item.variant_id] += sign * waiting

    def check_counters(self, store: Store) -> None:
        for sku, available in store.stock.items():
            assert available >= 0
            assert available + self.held[sku] == store.adjusted.get(sku, 0), sku
        for name, expected in (
            ("reserved", self.reserved),
            ("awaited", self.awaited),
            ("coupon_uses", self.uses),
            ("points", self.balances),
        ):
            kept = store.counters[name]
            assert all(kept.get(key, 0) == value >= 0 for key, value in expected.items()), name
            assert all(expected[key] == value for key, value in kept.items()), name

    def read(self, store: Store) -> None:
        """Reads what is new of what is only ever added to."""
        for entry in store.points_entries[self.entries_seen :]:
            self._read_entry(entry)
        self.entries_seen = len(store.points_entries)
        for order_id, event in list(store.payments.values())[self.payments_seen :]:
            self.payments[order_id].append(event)
        self.payments_seen = len(store.payments)
        for document in store.documents[len(self.documents) :]:
            self._read_document(document, store)

    def _read_entry(self, entry: PointsEntry) -> None:
        self.balances[entry.customer_id] += entry.delta
        assert entry.balance == self.balances[entry.customer_id] >= 0
        assert entry.delta
        if entry.order_id:
            self.points_moved[entry.order_id] += entry.delta
        else:
            assert entry.reason

    def _read_document(self, document: Invoice | CreditNote, store: Store) -> None:
        order = store.order(document.order_id)
        kind = "INV" if isinstance(document, Invoice) else "CN"
        year = document.issue_time.ToDatetime().year
        self.series[kind, year] += 1
        number = f"{kind}-{year}-{self.series[kind, year]:06d}"
        if isinstance(document, Invoice):
            assert document.invoice_number == number
            earlier = [invoice.invoice_number for invoice in self.invoices[order.order_id]]
            assert invoice_numbers(order)[: len(earlier) + 1] == [*earlier, number]
            # An adjustment may have followed at once.
            if not order.adjustments:
                assert (document.pricing, without_counters(document)) == (order.pricing, without_counters(order))
            self.invoices[order.order_id].append(document)
        else:
            (cause,) = [one for one in (*order.refunds, *order.adjustments) if one.credit_note_number == number]
            assert document.credit_note_number == number
            assert document.invoice_number in invoice_numbers(order)
            assert document.amount == cause.credited_amount
            if isinstance(cause, Refund):
                assert document.refund_id == cause.refund_id
                assert amount(cause.credited_amount) <= amount(cause.amount)
            else:
                assert document.adjustment_id == cause.adjustment_id
            self.credit_notes[order.order_id].append(document)
        self.documents.append(document.SerializeToString(deterministic=True))

    def check_order(self, order: Order, before: Order | None, events: list[OrderEvent]) -> None:
        order_id = order.order_id
        assert [event.payment_event for event in events if event.HasField("payment_event")] == self.payments[order_id]
        check_payment(order, self.payments[order_id])
        check_refunds(order, before)
        assert self.points_moved[order_id] == self.points_due[order_id]
        confirmed = any(event.to_status == ORDER_STATUS_CONFIRMED for event in events)
        assert bool(order.invoice_number) == bool(self.invoices[order_id]) == (confirmed and not order.source)
        self._check_credit_notes(order)
        if order.invoice_number:
            invoiced = sum(amount(invoice.pricing.total) for invoice in self.invoices[order_id])
            check_credit(order, events, invoiced=Decimal(invoiced))

    def _check_credit_notes(self, order: Order) -> None:
        notes = self.credit_notes[order.order_id]
        noted = [cause for cause in (*order.refunds, *order.adjustments) if cause.credit_note_number]
        assert sorted(note.credit_note_number for note in notes) == sorted(one.credit_note_number for one in noted)
        if notes:
            invoiced = [invoice.pricing for invoice in self.invoices[order.order_id]]
            tax = sum(amount(pricing.tax) + amount(pricing.included_tax) for pricing in invoiced)
            total = sum(amount(pricing.total) for pricing in invoiced)
            credited = sum(amount(note.tax) for note in notes)
            assert credited <= tax
            value = sum(amount(note.amount) for note in notes)
            assert value <= total
            # Paid back whole, and however many parts it took, so is the tax in what was paid in money.
            assert credited <= value
            points = sum(amount(pricing.loyalty_points_value) for pricing in invoiced)
            assert value < total or points or credited == tax

    def check_documents(self, store: Store) -> None:
        """No document has changed since it was first seen."""
        assert [document.SerializeToString(deterministic=True) for document in store.documents] == self.documents


def check_store(store: Store) -> None:
    """Checks everything in a store, as if it had all come in one batch."""
    ledger = Ledger()
    ledger.read(store)
    orders = [store.order(order_id) for order_id in store.orders]
    for order in orders:
        ledger.count(order, None)
    for order in orders:
        events = store.history(order.order_id)
        check_order(order, None, events)
        ledger.check_order(order, None, events)
    ledger.check_counters(store)
    check_records(store)


def check_records(store: Store) -> None:
    """Records hold what is theirs, and nothing that is counted or reckoned elsewhere."""
    for cart_id, snapshot in store.records[Kind.CART].items():
        cart = Cart.FromString(snapshot)
        assert cart.cart_id == cart_id
        assert len({item.item_id for item in cart.items}) == len(cart.items)
        assert {item.unit_price.currency_code for item in cart.items} <= {cart.currency_code}
        assert bool(cart.items) == bool(cart.currency_code)
        assert not cart.HasField("pricing")
        assert not cart.notices
        assert not cart.total_quantity
    for customer_id, snapshot in store.records[Kind.CUSTOMER].items():
        account = CustomerAccount.FromString(snapshot)
        assert account.customer.customer_id == customer_id
        assert not account.points_balance
        for ids in (
            [address.address_id for address in account.addresses],
            [method.payment_method_id for method in account.payment_methods],
        ):
            assert len(set(ids)) == len(ids)
            assert "" not in ids
    for code, snapshot in store.records[Kind.COUPON].items():
        coupon = Coupon.FromString(snapshot)
        assert coupon.code == code == code.upper()
        assert not coupon.times_used


# Answers.


def check_story(tracking: Tracking) -> None:
    times = [(event.time.seconds, event.time.nanos) for event in tracking.events]
    assert times == sorted(times)
    statuses = {event.status for event in tracking.events}
    final = [status for status in (TRACKING_STATUS_RETURNED, TRACKING_STATUS_DELIVERED) if status in statuses]
    if len(tracking.shipments) <= 1:
        assert tracking.status == [*final, tracking.events[-1].status][0]


def check_counts(response: BatchUpsertOrdersResponse, request: BatchUpsertOrdersRequest) -> None:
    assert [result.index for result in response.results] == list(range(len(request.orders)))
    outcomes = Counter(result.outcome for result in response.results)
    assert [outcomes[outcome] for outcome in (1, 2, 3, 4)] == [
        response.inserted,
        response.updated,
        response.unchanged,
        response.invalid,
    ]
    assert response.skipped == response.unchanged + response.invalid
