"""The payment status of an order, derived from its sums, its refunds and its total."""

from collections.abc import Iterable

from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_PENDING,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_PARTIALLY_REFUNDED,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    Order,
    PaymentStatus,
    Refund,
)

from server.domain.base.money import minor_of

# The payment statuses in which money has moved and belongs to the shop.
PAID_STATUSES = frozenset({PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_PAID, PAYMENT_STATUS_PARTIALLY_REFUNDED})


def payment_status_of(order: Order) -> PaymentStatus:
    """The payment status. FAILED, which the sums do not show, stays until money moves."""
    if not order.HasField("payment"):
        return _without_sums(order)
    payment, total = order.payment, minor_of(order.pricing.total)
    authorized, paid = minor_of(payment.authorized_amount), minor_of(payment.paid_amount)
    refunded = minor_of(payment.refunded_amount)
    if order.status == ORDER_STATUS_CANCELLED and (authorized or paid > refunded):
        return PAYMENT_STATUS_REFUND_DUE
    kept = paid - refunded
    if kept > total or any(refund.status == REFUND_STATUS_PENDING for refund in order.refunds):
        return PAYMENT_STATUS_REFUND_DUE
    if kept and kept == total:
        return PAYMENT_STATUS_PAID
    if authorized and authorized + kept >= total:
        return PAYMENT_STATUS_AUTHORIZED
    if refunded:
        return PAYMENT_STATUS_PARTIALLY_REFUNDED if kept else PAYMENT_STATUS_REFUNDED
    failed = order.payment_status == PAYMENT_STATUS_FAILED and not (authorized or paid)
    return PAYMENT_STATUS_FAILED if failed else PAYMENT_STATUS_UNPAID


def _without_sums(order: Order) -> PaymentStatus:
    """For an order that has no sums: one without a payment, or one stored before sums existed."""
    if order.status == ORDER_STATUS_CANCELLED and order.payment_status in PAID_STATUSES:
        return PAYMENT_STATUS_REFUND_DUE
    return order.payment_status or PAYMENT_STATUS_UNPAID


def is_paid_for(order: Order) -> bool:
    """Whether the order's total is paid or held."""
    if not order.HasField("payment") and order.payment_status in PAID_STATUSES:
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
    return order.status == ORDER_STATUS_PENDING and unpaid and not has_money(order)


def refundable(order: Order) -> int:
    """The paid amount that is neither refunded nor being refunded, in minor units."""
    return minor_of(order.payment.paid_amount) - sum_of(
        refund for refund in order.refunds if refund.status != REFUND_STATUS_FAILED
    )


def sum_of(refunds: Iterable[Refund]) -> int:
    """The sum of the refunds, in minor units."""
    return sum(minor_of(refund.amount) for refund in refunds)
