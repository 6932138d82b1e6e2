"""Finds the payment for RefundOrder, CapturePayment and VoidPayment."""

from collections.abc import Callable

from google.type.money_pb2 import Money
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_CAPTURE_EXCEEDS_AUTHORIZATION,
    ERROR_REASON_PAYMENT_NOT_FOUND,
    ERROR_REASON_PAYMENT_OF_OTHER_PROVIDER,
)
from orders.v1.order_pb2 import Order, Payment

from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.money import from_minor, minor_of, text_of
from server.domain.lifecycle.payment_status import refundable
from server.domain.pricing.remaining import remaining
from server.domain.pricing.shares import money_of

# The amount of a payment that a request can be about, in minor units.
Room = Callable[[Order, Payment], int]


def held_by(_: Order, payment: Payment) -> int:
    """The amount that a payment holds."""
    return minor_of(payment.authorized_amount)


def default_capture(order: Order, payment: Payment) -> Money:
    """The default amount to capture: the held amount, but no more than is left to pay."""
    held = held_by(order, payment)
    left = money_of(remaining(order)) - refundable(order)
    return from_minor(min(held, left) if left > 0 else held, order.pricing.total.currency_code)


def choose_payment(order: Order, name: str, *, room: Room, purpose: str) -> Payment | None:
    """The named payment, or the only one with room; None if none has room. Refuses an unknown name, and none among several."""
    if name:
        return _named(order, name)
    found = [payment for payment in order.payments if room(order, payment)]
    if len(found) > 1:
        currency = order.pricing.total.currency_code
        names = ", ".join(f"{one.payment_id!r} ({text_of(room(order, one), currency)})" for one in found)
        raise invalid_field("payment_id", f"is required, because the order has several payments to {purpose}: {names}")
    return found[0] if found else None


def _named(order: Order, name: str) -> Payment:
    """The payment with this id or provider id."""
    found = [one for one in order.payments if name in (one.payment_id, one.provider_payment_id)]
    found = found or [one for one in order.payments if name == one.provider]
    if len(found) == 1:
        return found[0]
    known = ", ".join(payment.payment_id for payment in order.payments)
    text = f"order {order.order_number} has no payment {name!r}; " + (
        f"it has {known}" if known else "nothing was paid yet"
    )
    metadata = {"order_id": order.order_id, "payment_id": name}
    raise Refusal(ERROR_REASON_PAYMENT_NOT_FOUND, text, metadata=metadata)


def exceeds_hold(order: Order, payment: Payment | None, requested: int) -> Refusal:
    """The refusal of a capture or release of more than a payment holds."""
    currency = order.pricing.total.currency_code
    held = 0 if payment is None else held_by(order, payment)
    metadata = {
        "order_id": order.order_id,
        "payment_id": "" if payment is None else payment.payment_id,
        "requested": text_of(requested, currency),
        "capturable": text_of(held, currency),
    }
    subject = f"payment {metadata['payment_id']}" if payment else "no payment"
    text = f"order {order.order_number}: {subject} holds "
    text += f"{metadata['capturable']}, not {metadata['requested']}" if held else "nothing" if payment else "an amount"
    return Refusal(ERROR_REASON_CAPTURE_EXCEEDS_AUTHORIZATION, text, metadata=metadata)


def of_other_provider(order: Order, payment: Payment) -> Refusal:
    """The refusal to capture or release a payment that the server's provider did not make."""
    text = (
        f"order {order.order_number}: payment {payment.payment_id} is {payment.provider}'s; capture or release it there, "
        "and report PAID or VOIDED with RecordPayment"
    )
    metadata = {"order_id": order.order_id, "payment_id": payment.payment_id, "provider": payment.provider}
    return Refusal(ERROR_REASON_PAYMENT_OF_OTHER_PROVIDER, text, metadata=metadata)
