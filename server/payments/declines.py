"""Refusals for what the payment provider declined, in the provider's words."""

from google.type.money_pb2 import Money
from orders.v1.error_reason_pb2 import ERROR_REASON_PAYMENT_FAILED
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, Order, Payment, PaymentEvent, Refund

from server.domain.base.errors import Refusal
from server.domain.base.money import minor_of, text_of
from server.domain.payments.payments import DECLINED


def payment_declined(order: Order, event: PaymentEvent) -> Refusal:
    """The refusal of a payment, after which the order is cancelled or stays pending."""
    if order.status == ORDER_STATUS_CANCELLED:
        reason = order.cancellation.reason
        text = f"{reason}; order {order.order_number} is cancelled and nothing is held; create a new order"
        words = event.description or reason.removeprefix(f"{DECLINED}: ").removeprefix(DECLINED)
    else:
        words = event.description
        text = f"{_because(DECLINED, words)}; order {order.order_number} stays pending: choose another payment method"
    return _refusal(text, order, event.provider or order.payment_intent.provider, words)


def due_declined(order: Order, event: PaymentEvent) -> Refusal:
    """The refusal of the payment of what is due after an update."""
    text = _because("payment of the amount due declined", event.description)
    text += f"; order {order.order_number} is changed, and ships once it is paid: choose another payment method"
    return _refusal(text, order, event.provider, event.description)


def capture_declined(order: Order, payment: Payment, amount: Money, event: PaymentEvent) -> Refusal:
    """The refusal of a capture."""
    asked = _text_of(amount)
    text = _because(
        f"the provider {event.provider!r} declined to capture {asked} of order {order.order_number}", event.description
    )
    text += "; nothing was captured. Try again, or ask the customer for another payment"
    more = {"payment_id": payment.payment_id, "amount": asked}
    return _refusal(text, order, event.provider, event.description, **more)


def refund_refused(order: Order, refund: Refund, event: PaymentEvent | None, *, provider: str) -> Refusal:
    """The refusal of a refund. `event` is the provider's answer, if this call got it."""
    amount, words = _text_of(refund.amount), "" if event is None else event.description
    text = _because(
        f"the provider {provider!r} refused refund {refund.refund_id} of {amount} of order {order.order_number}", words
    )
    text += "; nothing was refunded. Try again, or pay back by hand and report it with RecordPayment"
    return _refusal(text, order, provider, words, refund_id=refund.refund_id, amount=amount)


def _because(text: str, words: str) -> str:
    return f"{text}: {words}" if words else text


def _text_of(amount: Money) -> str:
    return text_of(minor_of(amount), amount.currency_code)


def _refusal(text: str, order: Order, provider: str, words: str, **more: str) -> Refusal:
    metadata = {"order_id": order.order_id, "provider": provider, **more}
    if words:
        metadata["decline_reason"] = words
    return Refusal(ERROR_REASON_PAYMENT_FAILED, text, metadata=metadata)
