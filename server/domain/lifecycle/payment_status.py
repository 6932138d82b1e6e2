"""The payment status of an order, derived from its payments, its refunds and its total."""

from collections.abc import Iterable

from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_PENDING,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_PARTIALLY_PAID,
    PAYMENT_STATUS_PARTIALLY_REFUNDED,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    REFUND_STATUS_PENDING,
    Order,
    Payment,
    PaymentStatus,
    Refund,
)

from server.domain.base.money import from_minor, minor_of
from server.domain.pricing.remaining import remaining
from server.domain.pricing.shares import money_of

# The payment statuses in which money has moved and belongs to the shop.
PAID_STATUSES = frozenset(
    {
        PAYMENT_STATUS_AUTHORIZED,
        PAYMENT_STATUS_PAID,
        PAYMENT_STATUS_PARTIALLY_PAID,
        PAYMENT_STATUS_PARTIALLY_REFUNDED,
    }
)
# The payment statuses in which an order stored before sums existed is paid.
_PAID_FOR = PAID_STATUSES - {PAYMENT_STATUS_PARTIALLY_PAID}

# The amounts of a payment, by those of the summary.
_SUMS = {
    "authorized_amount": "authorized_amount",
    "paid_amount": "captured_amount",
    "refunded_amount": "refunded_amount",
    "voided_amount": "voided_amount",
    "disputed_amount": "disputed_amount",
}


def sum_payments(order: Order) -> None:
    """Sets the sums of an order's payments, the amount due for refund and the payment status."""
    currency, summary = order.pricing.total.currency_code, order.payment
    if order.payments:
        sums = {name: sum(minor_of(getattr(one, amount)) for one in order.payments) for name, amount in _SUMS.items()}
        if any(sums.values()):
            for name, value in sums.items():
                getattr(summary, name).CopyFrom(from_minor(value, currency))
        elif order.HasField("payment"):
            # The last event revoked all earlier ones.
            order.ClearField("payment")
            order.payment_status = PAYMENT_STATUS_UNPAID
    if order.HasField("payment") or payment_required(order):
        summary.refund_due_amount.CopyFrom(from_minor(refund_due(order), currency))
    if payment_required(order):
        summary.due_amount.CopyFrom(from_minor(due(order), currency))
    order.payment_status = payment_status_of(order)


def payment_status_of(order: Order) -> PaymentStatus:
    """The payment status. FAILED, which is not in the sums, lasts until money moves."""
    if not order.HasField("payment"):
        return _without_sums(order)
    payment, total = order.payment, minor_of(order.pricing.total)
    authorized, refunded = minor_of(payment.authorized_amount), minor_of(payment.refunded_amount)
    kept = kept_by(order)
    if refund_due(order):
        return PAYMENT_STATUS_REFUND_DUE
    if kept > 0 and kept == total:
        return PAYMENT_STATUS_PAID
    if authorized and authorized + kept >= total:
        return PAYMENT_STATUS_AUTHORIZED
    if refunded:
        return PAYMENT_STATUS_PARTIALLY_REFUNDED if kept > 0 else PAYMENT_STATUS_REFUNDED
    if kept > 0:
        return PAYMENT_STATUS_PARTIALLY_PAID
    return PAYMENT_STATUS_FAILED if not authorized and _has_failed(order) else PAYMENT_STATUS_UNPAID


def _without_sums(order: Order) -> PaymentStatus:
    """The payment status of an order without sums: no money, or stored before sums existed."""
    if order.status == ORDER_STATUS_CANCELLED and order.payment_status in PAID_STATUSES:
        return PAYMENT_STATUS_REFUND_DUE
    if order.payment_status in (0, PAYMENT_STATUS_UNPAID) and _has_failed(order):
        return PAYMENT_STATUS_FAILED
    return order.payment_status or PAYMENT_STATUS_UNPAID


def _has_failed(order: Order) -> bool:
    return any(payment.status == PAYMENT_STATUS_FAILED for payment in order.payments)


def kept_by(order: Order) -> int:
    """The paid amount less the refunded one, in minor units. Negative if money was paid back twice."""
    return minor_of(order.payment.paid_amount) - minor_of(order.payment.refunded_amount)


def refund_due(order: Order) -> int:
    """The amount to pay back or release, in minor units."""
    kept, pending = kept_by(order), pending_refunds(order)
    if order.status == ORDER_STATUS_CANCELLED:
        return max(pending, kept) + minor_of(order.payment.authorized_amount)
    return pending + max(0, kept - pending - minor_of(order.pricing.total))


def payment_required(order: Order) -> bool:
    """Whether the order must not ship before it is paid for, because of a settled update or as an exchange."""
    return order.HasField("exchange_of") or any(adjustment.payment_required for adjustment in order.adjustments)


def due(order: Order) -> int:
    """The amount that the customer owes for a settled update or an exchange, in minor units."""
    if order.status == ORDER_STATUS_CANCELLED or not payment_required(order):
        return 0
    return max(0, money_of(remaining(order)) - secured(order))


def is_paid_for(order: Order) -> bool:
    """Whether the order's total is paid or held."""
    if not order.HasField("payment") and order.payment_status in _PAID_FOR:
        return True
    return secured(order) >= minor_of(order.pricing.total)


def secured(order: Order) -> int:
    """The amount that is paid or held and not being refunded, in minor units."""
    return minor_of(order.payment.authorized_amount) + refundable(order)


def has_money(order: Order) -> bool:
    """Whether any amount of an order is or was paid or held."""
    return bool(minor_of(order.payment.paid_amount) or minor_of(order.payment.authorized_amount))


def is_open(order: Order) -> bool:
    """Whether an order awaits payment: nothing is paid or held, even in part, and no invoice is issued.

    While it is open, its price may change, and the payment provider has not acted yet.
    """
    unpaid = order.payment_status in (PAYMENT_STATUS_UNPAID, PAYMENT_STATUS_FAILED)
    return order.status == ORDER_STATUS_PENDING and unpaid and not has_money(order) and not order.invoice_number


def intent_payment(order: Order) -> Payment:
    """The payment through the order's intent, which only the server's own provider makes; an empty one if there is none."""
    if not order.payments:
        # Stored before payments were listed: only the sums are known.
        sums = order.payment
        return Payment(authorized_amount=sums.authorized_amount, captured_amount=sums.paid_amount)
    intent = order.payment_intent
    own = [payment for payment in order.payments if intent.provider and payment.provider == intent.provider]
    # Another payment of the provider can only be the one of the first intent.
    first = own[0] if own and not intent.number else Payment()
    return next((payment for payment in own if payment.provider_payment_id == intent.id), first)


def refundable(order: Order) -> int:
    """The paid amount that is neither refunded nor being refunded, in minor units."""
    return kept_by(order) - pending_refunds(order)


def room_of(order: Order, payment: Payment) -> int:
    """The amount of a payment that can still be refunded, in minor units."""
    own = [refund for refund in order.refunds if refund.payment_id == payment.payment_id]
    kept = minor_of(payment.captured_amount) - minor_of(payment.refunded_amount)
    return max(0, min(kept - _pending(own) - minor_of(payment.disputed_amount), refundable(order)))


def pending_refunds(order: Order) -> int:
    """The sum of the refunds that are requested and not reported yet, in minor units."""
    return _pending(order.refunds)


def _pending(refunds: Iterable[Refund]) -> int:
    return sum(minor_of(refund.amount) for refund in refunds if refund.status == REFUND_STATUS_PENDING)
