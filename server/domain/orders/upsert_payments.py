"""Records the payments of an imported order as payment events."""

from collections.abc import Iterator, Sequence

from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    Order,
    Payment,
    PaymentEvent,
    PaymentEventType,
)
from orders.v1.order_service_pb2 import UpsertOrder, UpsertPayment

from server.domain.base.edits import Audit, OrderChange
from server.domain.base.errors import invalid_field
from server.domain.base.money import from_minor, minor_of, to_minor
from server.domain.payments.payments import record_imported

_DEFAULT_PROVIDER = "external"
# The amounts of a payment, with the events that raise them, in the order in which they happen.
_EVENTS = {
    "authorized_amount": PAYMENT_EVENT_TYPE_AUTHORIZED,
    "captured_amount": PAYMENT_EVENT_TYPE_PAID,
    "refunded_amount": PAYMENT_EVENT_TYPE_REFUNDED,
}


def upsert_payments(
    stored: Order, wished: UpsertOrder, earlier: Sequence[PaymentEvent], *, audit: Audit
) -> OrderChange | None:
    """The change that raises the order's payments to those of its source; None if no payment needs to be raised."""
    events = list(_events(stored, wished))
    return record_imported(stored, events, earlier, audit=audit) if events else None


def _events(stored: Order, wished: UpsertOrder) -> Iterator[PaymentEvent]:
    known = {(payment.provider, payment.provider_payment_id): payment for payment in stored.payments}
    seen: set[tuple[str, str]] = set()
    for index, sent in enumerate(wished.payments):
        key = sent.provider or _DEFAULT_PROVIDER, sent.provider_payment_id
        if key in seen:
            raise invalid_field(f"payments[{index}]", "the same payment is listed twice; combine its amounts")
        seen.add(key)
        for kind, minor in _raised(stored, sent, known.get(key, Payment()), f"payments[{index}]"):
            # An order's version, the payment and the type occur together once.
            name = f"import:{stored.order_id}:{stored.version}:{index}:{kind}"
            yield PaymentEvent(
                provider=key[0],
                event_id=name,
                transaction_id=name,
                payment_id=key[1],
                type=kind,
                method=sent.method,
                amount=from_minor(minor, stored.pricing.total.currency_code),
            )


def _raised(stored: Order, sent: UpsertPayment, payment: Payment, field: str) -> Iterator[tuple[PaymentEventType, int]]:
    """The events that raise a payment to the source's amounts, and their amounts in minor units."""
    wished = _wished(stored, sent, field)
    if wished["refunded_amount"] > wished["captured_amount"]:
        raise invalid_field(f"{field}.refunded_amount", "must not be more than the captured amount")
    for name, kind in _EVENTS.items():
        has = minor_of(getattr(payment, name))
        if name == "authorized_amount":
            has += minor_of(payment.captured_amount) + minor_of(payment.voided_amount)
        if wished[name] > has:
            yield kind, wished[name] - has


def _wished(stored: Order, sent: UpsertPayment, field: str) -> dict[str, int]:
    currency = stored.pricing.total.currency_code
    amounts = {
        name: to_minor(getattr(sent, name), field=f"{field}.{name}", currency=currency) if sent.HasField(name) else 0
        for name in _EVENTS
    }
    if not (sent.HasField("captured_amount") or sent.HasField("authorized_amount")):
        amounts["captured_amount"] = minor_of(stored.pricing.total)
    return amounts
