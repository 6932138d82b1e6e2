"""The refunds of an order: requested with RefundOrder, or reported by a payment provider."""

from collections.abc import Sequence

from orders.v1.error_reason_pb2 import ERROR_REASON_REFUND_EXCEEDS_PAYMENT
from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_DISPUTE_LOST,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    Order,
    Payment,
    PaymentEvent,
    Refund,
)

from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.money import from_minor, minor_of, text_of
from server.domain.payments.ledger import REFUNDS, Outcome, dispute_key
from server.domain.pricing.shares import Share, message_of

MAX_REFUNDS = 100


def request_refund(
    order: Order, payment: Payment, amount: int, *, shares: Sequence[Share], reason: str, audit: Audit
) -> Refund:
    """Adds a refund that the payment's provider has yet to make."""
    refund = _append(order, amount, audit)
    refund.payment_id, refund.reason, refund.status = payment.payment_id, reason, REFUND_STATUS_PENDING
    refund.lines.extend(message_of(share, refund.amount.currency_code) for share in shares)
    return refund


def apply_outcomes(order: Order, outcomes: list[Outcome], audit: Audit) -> None:
    """Updates the refunds to the outcomes in the ledger, and adds refunds that were not requested here."""
    reported = {(outcome.payment_id, outcome.key) for outcome in outcomes}
    for outcome in outcomes:
        refund = _refund_of(order, outcome) or _unassigned_refund_of(order, outcome)
        if refund is None and outcome.succeeded:
            refund = _append(order, outcome.amount, audit)
            refund.provider_refund_id, refund.reason = outcome.key, _reason(outcome.event)
        if refund is not None:
            _set_outcome(refund, outcome)
    for refund in order.refunds:
        # The refund was requested here, but the provider first reported it only by its own id.
        if refund.provider_refund_id and (refund.payment_id, refund.provider_refund_id) not in reported:
            refund.status = REFUND_STATUS_FAILED


def _set_outcome(refund: Refund, outcome: Outcome) -> None:
    refund.payment_id = outcome.payment_id
    if minor_of(refund.amount) != outcome.amount:
        refund.amount.CopyFrom(from_minor(outcome.amount, refund.amount.currency_code))
        refund.ClearField("lines")
    refund.status = REFUND_STATUS_SUCCEEDED if outcome.succeeded else REFUND_STATUS_FAILED
    if outcome.succeeded:
        refund.returned_points = sum(line.loyalty_points for line in refund.lines)


def rename_payments(order: Order) -> None:
    """Updates refunds whose payments have since got their provider's id."""
    listed = {payment.payment_id for payment in order.payments}
    for refund in order.refunds:
        if refund.payment_id and refund.payment_id not in listed:
            own = (payment for payment in order.payments if payment.provider == refund.payment_id)
            refund.payment_id = next(own, Payment()).payment_id


def assign_refunds(order: Order) -> None:
    """Names the payment of refunds that were requested before payments were listed, if there is only one."""
    if len(order.payments) == 1:
        for refund in order.refunds:
            refund.payment_id = refund.payment_id or order.payments[0].payment_id


def check_report(order: Order, event: PaymentEvent, *, payment_id: str) -> None:
    """Refuses a report of a refund that the order does not have, or of another amount."""
    if event.type == PAYMENT_EVENT_TYPE_DISPUTE_LOST:
        _check_same_amount(order, event, dispute_key(event), payment_id=payment_id)
    if event.type not in REFUNDS:
        return
    if not minor_of(event.amount):
        raise invalid_field("event.amount", "must be more than 0")
    if event.refund_id:
        find_refund(order, event.refund_id)
        _check_same_amount(order, event, event.refund_id, payment_id=payment_id)
    elif event.type == PAYMENT_EVENT_TYPE_REFUND_FAILED and not event.transaction_id:
        find_refund(order, event.refund_id)


def _check_same_amount(order: Order, event: PaymentEvent, key: str, *, payment_id: str) -> None:
    """Refuses another amount than that of the refund with a key, the order's or the provider's."""
    for refund in order.refunds:
        # A refund of the provider's unnamed payment is of this one, which the event may name for the first time.
        is_own = refund.payment_id in ("", event.provider, payment_id)
        is_it = is_own and key in (refund.refund_id, refund.provider_refund_id)
        if is_it and minor_of(event.amount) != minor_of(refund.amount):
            expected = text_of(minor_of(refund.amount), refund.amount.currency_code)
            raise invalid_field("event.amount", f"must be {expected}, as in refund {refund.refund_id}")


def find_refund(order: Order, refund_id: str) -> Refund:
    """The refund with an id. Refuses an unknown id."""
    for refund in order.refunds:
        if refund.refund_id == refund_id:
            return refund
    known = ", ".join(refund.refund_id for refund in order.refunds)
    text = f"the order has no refund {refund_id!r}; " + (f"it has {known}" if known else "RefundOrder creates one")
    raise invalid_field("event.refund_id", text)


def _refund_of(order: Order, outcome: Outcome) -> Refund | None:
    for refund in order.refunds:
        key = refund.provider_refund_id or refund.refund_id
        if key == outcome.key and refund.payment_id in ("", outcome.payment_id):
            return refund
    return None


def _unassigned_refund_of(order: Order, outcome: Outcome) -> Refund | None:
    """The refund that was reported before payments were listed and to which the outcome belongs."""
    for refund in order.refunds:
        known = refund.payment_id or refund.status != REFUND_STATUS_SUCCEEDED
        if (
            not known
            and minor_of(refund.amount) == outcome.amount
            and outcome.event.refund_id in ("", refund.refund_id)
        ):
            refund.provider_refund_id = outcome.key
            return refund
    return None


def _reason(event: PaymentEvent) -> str:
    lost = "dispute lost" if event.type == PAYMENT_EVENT_TYPE_DISPUTE_LOST else ""
    return ": ".join(filter(None, (lost, event.description)))


def _append(order: Order, amount: int, audit: Audit) -> Refund:
    if len(order.refunds) >= MAX_REFUNDS:
        raise invalid_field("order_id", f"order {order.order_number} has {MAX_REFUNDS} refunds, the maximum")
    return order.refunds.add(
        refund_id=str(len(order.refunds) + 1),
        amount=from_minor(amount, order.pricing.total.currency_code),
        create_time=audit.time,
    )


def exceeds(order: Order, requested: int, room: int) -> Refusal:
    """The refusal of a refund that exceeds the refundable amount."""
    currency = order.pricing.total.currency_code
    metadata = {
        "order_id": order.order_id,
        "requested": text_of(requested, currency),
        "refundable": text_of(room, currency),
    }
    if not minor_of(order.payment.paid_amount):
        text = f"order {order.order_number}: nothing is paid, so nothing can be refunded"
    elif not room:
        text = f"order {order.order_number}: the paid amount is already refunded, being refunded or disputed"
    else:
        text = f"order {order.order_number}: {metadata['refundable']} of the paid amount can be refunded, not {metadata['requested']}"
    if any(refund.status == REFUND_STATUS_PENDING for refund in order.refunds):
        text += "; a refund is pending: to report it, send its refund_id"
    return Refusal(ERROR_REASON_REFUND_EXCEEDS_PAYMENT, text, metadata=metadata)
