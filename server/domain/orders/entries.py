"""Invoices, payments and refunds as entries of lists over all orders, and their sums."""

from collections.abc import Iterable, Iterator

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1.accounting_pb2 import (
    INVOICE_TYPE_CREDIT_NOTE,
    INVOICE_TYPE_INVOICE,
    InvoiceEntry,
    InvoiceSum,
    PaymentEntry,
    PaymentSum,
    RefundEntry,
    RefundSum,
)
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_DISPUTE_LOST,
    PAYMENT_EVENT_TYPE_REFUNDED,
    Order,
    Payment,
    PaymentEvent,
    Refund,
)

from server.domain.base.money import from_minor, minor_of
from server.domain.payments.ledger import by_payment, dispute_key, payment_id_of
from server.domain.pricing.shares import sum_taxes


def invoice_entry(invoice: Invoice) -> InvoiceEntry:
    """An invoice without its lines."""
    pricing, currency = invoice.pricing, invoice.pricing.total.currency_code
    # Invoices from before totals by rate have none.
    tax = _tax(invoice) if invoice.tax_totals else minor_of(pricing.tax) + minor_of(pricing.included_tax)
    return InvoiceEntry(
        number=invoice.invoice_number,
        type=INVOICE_TYPE_INVOICE,
        invoice_number=invoice.invoice_number,
        order_id=invoice.order_id,
        order_number=invoice.order_number,
        customer_id=invoice.customer.customer_id,
        issue_time=invoice.issue_time,
        amount=pricing.total,
        tax=from_minor(tax, currency),
        tax_totals=invoice.tax_totals,
    )


def note_entry(note: CreditNote, *, order_number: str, customer_id: str) -> InvoiceEntry:
    """A credit note without its lines."""
    return InvoiceEntry(
        number=note.credit_note_number,
        type=INVOICE_TYPE_CREDIT_NOTE,
        invoice_number=note.invoice_number,
        order_id=note.order_id,
        order_number=order_number,
        customer_id=customer_id,
        issue_time=note.issue_time,
        amount=note.amount,
        tax=from_minor(_tax(note), note.amount.currency_code) if note.tax_totals else note.tax,
        tax_totals=note.tax_totals,
        reason=note.reason,
    )


def _tax(document: Invoice | CreditNote) -> int:
    return sum(minor_of(tax.amount) for tax in document.tax_totals)


def payments_of(order: Order, events: Iterable[PaymentEvent]) -> Iterator[PaymentEntry]:
    """The payments of an order, each with the time of its first event."""
    times = {payment_id_of(*payment): own[0].time for payment, own in by_payment(events).items()}
    for payment in order.payments:
        yield PaymentEntry(
            payment=payment,
            order_id=order.order_id,
            order_number=order.order_number,
            customer_id=order.customer.customer_id,
            time=times.get(payment.payment_id, order.create_time),
            invoice_number=order.invoice_number,
        )


def refunds_of(order: Order, events: Iterable[PaymentEvent]) -> Iterator[RefundEntry]:
    """The refunds of an order: each with the time of its request, or of the report of one that was not requested here."""
    times = {_refund_key(event): event.time for event in events if _pays_back(event)}
    providers = {payment.payment_id: payment.provider for payment in order.payments}
    for refund in order.refunds:
        yield RefundEntry(
            refund=refund,
            provider=providers.get(refund.payment_id, ""),
            order_id=order.order_id,
            order_number=order.order_number,
            customer_id=order.customer.customer_id,
            time=_time_of(refund, times),
        )


def _pays_back(event: PaymentEvent) -> bool:
    return event.type in (PAYMENT_EVENT_TYPE_REFUNDED, PAYMENT_EVENT_TYPE_DISPUTE_LOST)


def _refund_key(event: PaymentEvent) -> str:
    if event.type == PAYMENT_EVENT_TYPE_DISPUTE_LOST:
        return dispute_key(event)
    return str(event.transaction_id or event.event_id)


def _time_of(refund: Refund, reports: dict[str, Timestamp]) -> Timestamp:
    return (
        reports.get(refund.provider_refund_id, refund.create_time) if refund.provider_refund_id else refund.create_time
    )


class InvoiceSums:
    """The sums of documents by type and currency."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, str], InvoiceSum] = {}

    def add(self, entry: InvoiceEntry) -> None:
        currency = entry.amount.currency_code
        known = self._sums.setdefault((entry.type, currency), InvoiceSum(type=entry.type))
        known.count += 1
        _add(known.amount, entry.amount)
        _add(known.tax, entry.tax)
        totals = sum_taxes([*known.tax_totals, *entry.tax_totals], currency)
        known.ClearField("tax_totals")
        known.tax_totals.extend(totals)

    def sums(self) -> list[InvoiceSum]:
        return [found for _, found in sorted(self._sums.items())]


class PaymentSums:
    """The sums of payments by provider, status and currency."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int, str], PaymentSum] = {}

    def add(self, entry: PaymentEntry) -> None:
        payment = entry.payment
        key = (payment.provider, payment.status, currency_of(payment))
        known = self._sums.setdefault(key, PaymentSum(provider=payment.provider, status=payment.status))
        known.count += 1
        for name in ("authorized_amount", "captured_amount", "refunded_amount"):
            _add(getattr(known, name), getattr(payment, name))

    def sums(self) -> list[PaymentSum]:
        return [found for _, found in sorted(self._sums.items())]


class RefundSums:
    """The sums of refunds by provider, status and currency."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int, str], RefundSum] = {}

    def add(self, entry: RefundEntry) -> None:
        refund = entry.refund
        key = (entry.provider, refund.status, refund.amount.currency_code)
        known = self._sums.setdefault(key, RefundSum(provider=entry.provider, status=refund.status))
        known.count += 1
        _add(known.amount, refund.amount)

    def sums(self) -> list[RefundSum]:
        return [found for _, found in sorted(self._sums.items())]


def currency_of(payment: Payment) -> str:
    """The currency of a payment: that of any of its amounts."""
    amounts = (payment.captured_amount, payment.authorized_amount, payment.refunded_amount, payment.voided_amount)
    return next((amount.currency_code for amount in amounts if amount.currency_code), "")


def _add(total: Money, amount: Money) -> None:
    if amount.currency_code:
        total.CopyFrom(from_minor(minor_of(total) + minor_of(amount), amount.currency_code))
