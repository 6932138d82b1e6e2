"""Maps Stripe's objects to payment events.

An event's id follows from the object and its state, so a change that both a response and a webhook report is one event.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_DISPUTE_LOST,
    PAYMENT_EVENT_TYPE_DISPUTE_OPENED,
    PAYMENT_EVENT_TYPE_DISPUTE_WON,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PaymentEvent,
    PaymentEventType,
)

from server.domain.base.money import from_minor
from server.payments.stripe.amounts import minor_of_stripe

NAME = "stripe"

# An object of Stripe's as decoded JSON.
StripeJson = Mapping[str, Any]

_MAX_DESCRIPTION = 500

_REFUND_TYPES = {
    "succeeded": PAYMENT_EVENT_TYPE_REFUNDED,
    "failed": PAYMENT_EVENT_TYPE_REFUND_FAILED,
    "canceled": PAYMENT_EVENT_TYPE_REFUND_FAILED,
}
# Inquiries, whose status begins with `warning_`, move no money.
_DISPUTE_TYPES = {
    "needs_response": PAYMENT_EVENT_TYPE_DISPUTE_OPENED,
    "under_review": PAYMENT_EVENT_TYPE_DISPUTE_OPENED,
    "won": PAYMENT_EVENT_TYPE_DISPUTE_WON,
    "lost": PAYMENT_EVENT_TYPE_DISPUTE_LOST,
}


def events_of_intent(intent: StripeJson, *, observed: int) -> Iterator[PaymentEvent]:
    """The events that follow from an intent's status at a Unix time of Stripe's clock."""
    status, charge = intent["status"], _charge_id(intent)
    if status == "requires_capture":
        authorized = _of_intent(
            intent, PAYMENT_EVENT_TYPE_AUTHORIZED, "amount_capturable", time=_charge_time(intent, observed)
        )
        authorized.event_id = f"{charge}:authorized:{intent['amount_capturable']}"
        yield authorized
    elif status == "succeeded":
        yield _paid(intent, charge, observed)
        if released := intent["amount"] - intent["amount_received"]:
            yield _released(intent, charge, released, observed)
    elif status == "canceled" and charge:
        yield PaymentEvent(
            provider=NAME,
            event_id=f"{intent['id']}:canceled",
            type=PAYMENT_EVENT_TYPE_VOIDED,
            payment_id=intent["id"],
            time=_time(intent.get("canceled_at") or observed),
        )


def failed_attempt(intent: StripeJson, *, observed: int) -> PaymentEvent:
    """FAILED of the intent's last attempt to pay."""
    error = intent.get("last_payment_error") or {}
    attempt = error.get("charge") or _charge_id(intent) or (error.get("payment_method") or {}).get("id", "")
    failed = _of_intent(intent, PAYMENT_EVENT_TYPE_FAILED, "amount", time=observed)
    failed.event_id = f"{intent['id']}:failed:{attempt}"
    failed.description = str(error.get("message") or "declined")[:_MAX_DESCRIPTION]
    return failed


def event_of_refund(refund: StripeJson, *, observed: int) -> PaymentEvent | None:
    """REFUNDED or REFUND_FAILED; None while the refund is pending."""
    kind = _REFUND_TYPES.get(refund["status"])
    if kind is None:
        return None
    return PaymentEvent(
        provider=NAME,
        event_id=f"{refund['id']}:{refund['status']}",
        type=kind,
        amount=_money(refund["amount"], refund),
        payment_id=refund.get("payment_intent") or "",
        transaction_id=refund["id"],
        refund_id=_metadata(refund).get("refund_id", ""),
        description=str(refund.get("failure_reason") or "")[:_MAX_DESCRIPTION],
        time=_time(observed),
    )


def event_of_dispute(dispute: StripeJson, *, observed: int) -> PaymentEvent | None:
    """DISPUTE_OPENED, DISPUTE_WON or DISPUTE_LOST; None for an inquiry."""
    kind = _DISPUTE_TYPES.get(dispute["status"])
    if kind is None:
        return None
    return PaymentEvent(
        provider=NAME,
        event_id=f"{dispute['id']}:{PaymentEventType.Name(kind).removeprefix('PAYMENT_EVENT_TYPE_').lower()}",
        type=kind,
        amount=_money(dispute["amount"], dispute),
        payment_id=dispute.get("payment_intent") or "",
        transaction_id=dispute["id"],
        description=str(dispute.get("reason") or "")[:_MAX_DESCRIPTION],
        time=_time(dispute["created"] if kind == PAYMENT_EVENT_TYPE_DISPUTE_OPENED else observed),
    )


def order_id_of(found: StripeJson) -> str:
    """The order that an object names in its metadata; '' if it names none."""
    return str(_metadata(found).get("order_id", ""))


def _paid(intent: StripeJson, charge: str, observed: int) -> PaymentEvent:
    paid = _of_intent(intent, PAYMENT_EVENT_TYPE_PAID, "amount_received", time=observed)
    paid.event_id, paid.transaction_id = f"{charge}:captured", charge
    return paid


def _released(intent: StripeJson, charge: str, amount: int, observed: int) -> PaymentEvent:
    """The rest of a hold, which Stripe releases when it captures a part."""
    return PaymentEvent(
        provider=NAME,
        event_id=f"{charge}:released",
        type=PAYMENT_EVENT_TYPE_VOIDED,
        amount=_money(amount, intent),
        payment_id=intent["id"],
        transaction_id=f"{charge}:released",
        time=_time(observed),
    )


def _of_intent(intent: StripeJson, kind: PaymentEventType, amount: str, *, time: int) -> PaymentEvent:
    return PaymentEvent(
        provider=NAME,
        type=kind,
        amount=_money(intent[amount], intent),
        payment_id=intent["id"],
        method=_method(intent),
        time=_time(time),
    )


def _charge_id(intent: StripeJson) -> str:
    """The last charge, which Stripe expands on request."""
    charge = intent.get("latest_charge") or ""
    return charge if isinstance(charge, str) else str(charge["id"])


def _charge_time(intent: StripeJson, observed: int) -> int:
    charge = intent.get("latest_charge")
    return int(charge["created"]) if isinstance(charge, Mapping) else observed


def _method(intent: StripeJson) -> str:
    charge = intent.get("latest_charge")
    details = charge.get("payment_method_details") if isinstance(charge, Mapping) else None
    return str((details or {}).get("type", ""))


def _metadata(found: StripeJson) -> Mapping[str, str]:
    return found.get("metadata") or {}


def _money(amount: int, found: StripeJson) -> Money:
    currency = str(found["currency"]).upper()
    return from_minor(minor_of_stripe(amount, currency), currency)


def _time(seconds: int) -> Timestamp:
    return Timestamp(seconds=seconds)
