"""Where an order's payment stands, derived from its sums, its refunds and its total."""

from collections.abc import Iterable

from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
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

from server.domain.money import minor_of

# The payment statuses in which money has moved and belongs to the shop.
PAID_STATUSES = frozenset({PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_PAID, PAYMENT_STATUS_PARTIALLY_REFUNDED})


def payment_status_of(order: Order) -> PaymentStatus:
    """Where the payment stands. Only that the last attempt has FAILED is not to be seen in the sums: it stays until money moves."""
    if not order.HasField("payment"):
        return _without_sums(order)
    payment, total = order.payment, minor_of(order.pricing.total)
    authorized, paid = minor_of(payment.authorized_amount), minor_of(payment.paid_amount)
    refunded = minor_of(payment.refunded_amount)
    if order.status == ORDER_STATUS_CANCELLED and (authorized or paid > refunded):
        return PAYMENT_STATUS_REFUND_DUE
    if refunded and refunded >= paid:
        return PAYMENT_STATUS_REFUNDED
    if any(refund.status == REFUND_STATUS_PENDING for refund in order.refunds):
        return PAYMENT_STATUS_REFUND_DUE
    if refunded:
        return PAYMENT_STATUS_PARTIALLY_REFUNDED
    if paid and paid >= total:
        return PAYMENT_STATUS_PAID
    if authorized and authorized + paid >= total:
        return PAYMENT_STATUS_AUTHORIZED
    failed = order.payment_status == PAYMENT_STATUS_FAILED and not (authorized or paid)
    return PAYMENT_STATUS_FAILED if failed else PAYMENT_STATUS_UNPAID


def _without_sums(order: Order) -> PaymentStatus:
    """For an order that was stored with a status of the payment and no sums, or that had no payment yet: the status is all there is."""
    if order.status == ORDER_STATUS_CANCELLED and order.payment_status in PAID_STATUSES:
        return PAYMENT_STATUS_REFUND_DUE
    return order.payment_status or PAYMENT_STATUS_UNPAID


def refundable(order: Order) -> int:
    """What was paid and is neither paid back nor about to be, in minor units."""
    return minor_of(order.payment.paid_amount) - sum_of(
        refund for refund in order.refunds if refund.status != REFUND_STATUS_FAILED
    )


def sum_of(refunds: Iterable[Refund]) -> int:
    """The refunds' amounts together, in minor units."""
    return sum(minor_of(refund.amount) for refund in refunds)
