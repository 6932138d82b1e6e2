"""Invoices and credit notes: when they are issued, and their contents."""

from collections.abc import Callable

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    COUPON_PAYER_THIRD_PARTY,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    Order,
    Refund,
)

from server.domain.base.edits import OrderChange
from server.domain.base.money import from_minor, minor_of
from server.domain.base.rounding import divide

INVOICES = "INV"
CREDIT_NOTES = "CN"


def issue_documents(
    change: OrderChange, *, number: Callable[[str], str], time: Timestamp
) -> list[Invoice | CreditNote]:
    """The documents that a change of an order causes; writes their numbers into the order."""
    documents: list[Invoice | CreditNote] = []
    order = change.after
    if _is_due(change):
        order.invoice_number = number(INVOICES)
        documents.append(_invoice(order, time))
    elif order.invoice_number:
        documents += [
            _credit_note(order, refund, number, time) for refund in _newly_paid_back(change) if _credit(refund, order)
        ]
    return documents


def _is_due(change: OrderChange) -> bool:
    order = change.after
    return not (order.source or order.invoice_number) and any(
        event.type == ORDER_EVENT_TYPE_STATUS_CHANGED
        and event.from_status == ORDER_STATUS_PENDING
        and event.to_status == ORDER_STATUS_CONFIRMED
        for event in change.events
    )


def _newly_paid_back(change: OrderChange) -> list[Refund]:
    """The refunds that succeed by this change. Those from before the invoice never get a credit note."""
    done = {refund.refund_id for refund in change.before.refunds if _succeeded(refund)} if change.before else set()
    return [refund for refund in change.after.refunds if _succeeded(refund) and refund.refund_id not in done]


def _succeeded(refund: Refund) -> bool:
    return bool(refund.status == REFUND_STATUS_SUCCEEDED)


def _invoice(order: Order, time: Timestamp) -> Invoice:
    invoice = Invoice(
        invoice_number=order.invoice_number,
        order_id=order.order_id,
        order_number=order.order_number,
        issue_time=time,
        items=order.items,
        payment_method=order.payment_method,
    )
    for field in ("customer", "billing_address", "shipping_address", "pricing"):
        if order.HasField(field):
            getattr(invoice, field).CopyFrom(getattr(order, field))
    return invoice


def _credit(refund: Refund, order: Order) -> bool:
    """Sets the credited amount of a refund; false if there is none because more was paid than invoiced."""
    payment, total = order.payment, minor_of(order.pricing.total)
    kept = minor_of(payment.paid_amount) - minor_of(payment.refunded_amount)
    credit = min(minor_of(refund.amount), min(total, max(0, total - kept)) - _credited(order))
    if credit > 0:
        refund.credited_amount.CopyFrom(from_minor(credit, refund.amount.currency_code))
    return credit > 0


def _credited(order: Order) -> int:
    """The sum of the order's credit notes, in minor units."""
    return sum(minor_of(refund.credited_amount) for refund in order.refunds)


def _credit_note(order: Order, refund: Refund, number: Callable[[str], str], time: Timestamp) -> CreditNote:
    refund.credit_note_number = number(CREDIT_NOTES)
    return CreditNote(
        credit_note_number=refund.credit_note_number,
        invoice_number=order.invoice_number,
        order_id=order.order_id,
        refund_id=refund.refund_id,
        amount=refund.credited_amount,
        tax=from_minor(_tax_in(order, refund), refund.amount.currency_code),
        reason=refund.reason,
        issue_time=time,
    )


def _tax_in(order: Order, refund: Refund) -> int:
    """The credit note's part of the invoice's tax, in minor units: the part of all credit notes now, less that of the earlier ones.

    So the credit notes of an order that is refunded in parts add up to its whole tax.
    """
    now = _credited(order)
    return _tax_on(order, now) - _tax_on(order, now - minor_of(refund.credited_amount))


def _tax_on(order: Order, amount: int) -> int:
    """The tax in an amount of money: the part that the amount has in everything that pays for the order."""
    tax = minor_of(order.pricing.tax) + minor_of(order.pricing.included_tax)
    paid = _paid_in_all(order)
    return min(divide(tax * amount, paid), amount) if paid else 0


def _paid_in_all(order: Order) -> int:
    """The total, the value of points, and the discounts that left the tax as it was, in minor units."""
    pricing = order.pricing
    by_others = sum(
        minor_of(coupon.discount)
        for coupon in pricing.applied_coupons
        if coupon.terms.payer == COUPON_PAYER_THIRD_PARTY
    )
    return minor_of(pricing.total) + minor_of(pricing.loyalty_points_value) + by_others
