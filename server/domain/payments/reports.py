"""A payment provider's report: its payment, its defaults, and the check for repeated reports."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.error_reason_pb2 import ERROR_REASON_IDEMPOTENCY_KEY_REUSED
from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    Order,
    Payment,
    PaymentEvent,
    PaymentMethod,
)

from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.money import from_minor, minor_of, text_of, to_minor
from server.domain.base.state import PaymentKey
from server.domain.lifecycle.payment_status import kept_by
from server.domain.payments.ledger import DISPUTES, REFUNDS, same_payment
from server.domain.payments.refunds import find_refund

DEFAULT_PROVIDER = "external"


def payment_key(event: PaymentEvent) -> PaymentKey:
    """The identity of a payment event."""
    return event.provider or DEFAULT_PROVIDER, event.event_id


def completed(
    order: Order, event: PaymentEvent, payments: Sequence[Payment], earlier: Sequence[PaymentEvent], audit: Audit
) -> PaymentEvent:
    """The event with its defaults filled in. `payments` are those of the earlier events, listed or not."""
    full = PaymentEvent()
    full.CopyFrom(event)
    full.provider = event.provider or DEFAULT_PROVIDER
    own = [payment for payment in payments if payment.provider == full.provider]
    full.payment_id = event.payment_id or _only_open(own, order).provider_payment_id
    if not event.HasField("time"):
        full.time.CopyFrom(_next_time(audit.time, earlier))
    _fill_method(order, full)
    _fill_amount(order, full, own, earlier)
    return full


def _next_time(time: Timestamp, earlier: Sequence[PaymentEvent]) -> Timestamp:
    """The time, or the next free microsecond if events were recorded at this time already."""
    taken = {(event.time.seconds, event.time.nanos) for event in earlier}
    moment = time.ToMicroseconds()
    while (moment // 1_000_000, moment % 1_000_000 * 1000) in taken:
        moment += 1
    free = Timestamp()
    free.FromMicroseconds(moment)
    return free


def _only_open(own: Sequence[Payment], order: Order) -> Payment:
    """The provider's only open payment, for an event that names none. Refuses if there are several."""
    found = own if len(own) < 2 else [payment for payment in own if _is_open(payment)] or own
    if len(found) < 2:
        return found[0] if found else Payment()
    names = ", ".join(f"{one.provider_payment_id!r} ({_amounts(one)})" for one in found)
    text = f"is required, because {found[0].provider} has several open payments of order {order.order_number}: {names}"
    raise invalid_field("event.payment_id", text)


def _is_open(payment: Payment) -> bool:
    return bool(
        minor_of(payment.authorized_amount) or minor_of(payment.captured_amount) > minor_of(payment.refunded_amount)
    )


def _amounts(payment: Payment) -> str:
    currency = payment.captured_amount.currency_code
    held, captured = minor_of(payment.authorized_amount), minor_of(payment.captured_amount)
    return f"{text_of(held, currency)} held, {text_of(captured, currency)} captured"


def _fill_method(order: Order, event: PaymentEvent) -> None:
    intent = order.payment_intent
    if not event.method and order.payment_method and intent.provider == event.provider:
        name = PaymentMethod.Name(order.payment_method).removeprefix("PAYMENT_METHOD_")
        event.method = name.lower()


def _fill_amount(order: Order, event: PaymentEvent, own: Sequence[Payment], earlier: Sequence[PaymentEvent]) -> None:
    currency = order.pricing.total.currency_code
    if event.HasField("amount"):
        to_minor(event.amount, field="event.amount", currency=currency)
    elif event.type != PAYMENT_EVENT_TYPE_VOIDED:
        # The event may be the first to name the payment.
        mine = (payment for payment in own if payment.provider_payment_id in ("", event.payment_id))
        amount = _disputed_before(event, earlier) or _default_amount(order, event, next(mine, Payment()))
        event.amount.CopyFrom(from_minor(amount, currency))


def _disputed_before(event: PaymentEvent, earlier: Sequence[PaymentEvent]) -> int:
    """The amount last reported of the event's dispute; 0 if there is none."""
    if event.type not in DISPUTES:
        return 0
    own = [one for one in same_payment(event, earlier) if one.type in DISPUTES]
    amounts = [minor_of(one.amount) for one in own if one.transaction_id == event.transaction_id]
    return next(filter(None, reversed(amounts)), 0)


def _default_amount(order: Order, event: PaymentEvent, payment: Payment) -> int:
    """The default amount of the event."""
    captured = minor_of(payment.captured_amount)
    if event.type in REFUNDS:
        if event.type == PAYMENT_EVENT_TYPE_REFUNDED and not event.refund_id:
            raise invalid_field("event.amount", "is required without a refund_id")
        return minor_of(find_refund(order, event.refund_id).amount)
    if event.type in DISPUTES:
        return max(0, captured - minor_of(payment.refunded_amount))
    if event.type == PAYMENT_EVENT_TYPE_FAILED:
        return minor_of(order.pricing.total)
    left = _left_to_pay(order, payment)
    if event.type == PAYMENT_EVENT_TYPE_AUTHORIZED and event.payment_id:
        return left + captured
    return left


def _left_to_pay(order: Order, payment: Payment) -> int:
    """The total less what is kept and what other payments hold."""
    held_elsewhere = minor_of(order.payment.authorized_amount) - minor_of(payment.authorized_amount)
    return max(0, minor_of(order.pricing.total) - kept_by(order) - held_elsewhere)


def check_same(order: Order, event: PaymentEvent, order_id: str, recorded: PaymentEvent) -> None:
    """Refuses an event that reuses the id of a different one. A default equals the recorded value."""
    fields = ["order_id"] if order_id != order.order_id else []
    fields += [name for name in ("type", "refund_id") if getattr(event, name) != getattr(recorded, name)]
    if event.HasField("amount") and event.amount != recorded.amount:
        fields.append("amount")
    for name in ("payment_id", "transaction_id"):
        value, known = getattr(event, name), getattr(recorded, name)
        # Events of earlier versions have neither.
        if value and known and value != known:
            fields.append(name)
    if fields:
        names = ", ".join(fields)
        name = f"event {event.event_id!r} of {recorded.provider}"
        text = f"{name} was recorded before with different content: {names} differ; give a new event a new id"
        metadata = {"request_id": event.event_id, "fields": names}
        if order_id != order.order_id:
            text = (
                f"{name} was recorded before for order {order_id}; it cannot be recorded for order {order.order_number}"
            )
            metadata["recorded_order_id"] = order_id
        raise Refusal(ERROR_REASON_IDEMPOTENCY_KEY_REUSED, text, metadata=metadata)
