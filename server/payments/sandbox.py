"""The built-in test provider: no money, no network, and the token determines the result."""

import hashlib
from collections.abc import Sequence

from google.type.money_pb2 import Money
from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION,
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    Order,
    PaymentEvent,
    PaymentEventType,
    PaymentIntent,
    PaymentIntentStatus,
    Refund,
)

from server.domain.base.money import minor_of
from server.domain.lifecycle.payment_status import intent_payment
from server.payments.provider import Opened, ProviderUnavailable, intent_amount, intent_key

# The metadata of an order whose refunds fail: {"test_refund": "fails"}.
REFUND_LABEL, REFUND_FAILS = "test_refund", "fails"


class SandboxProvider:
    """Stores nothing and derives everything from the order and the token, so it works across restarts and replicas.

    | token                   | what happens                                                            |
    |-------------------------|-------------------------------------------------------------------------|
    | none                    | REQUIRES_PAYMENT_METHOD: the customer's client has to pay               |
    | `tok_decline…`          | declined; the rest of the token is the reason: `tok_decline_no_funds`   |
    | `tok_authorize…`        | authorized: REQUIRES_CAPTURE                                            |
    | `tok_confirm…`          | REQUIRES_CONFIRMATION: the customer's client has to confirm             |
    | `tok_unavailable…`      | the provider cannot be reached                                          |
    | anything else           | paid: SUCCEEDED                                                         |

    A refund succeeds, unless the order's metadata has `test_refund` = `fails`.
    """

    # Keeps pytest from collecting the class as tests.
    __test__ = False

    name = "test"

    async def open_intent(self, order: Order, *, token: str) -> Opened:
        if token.startswith("tok_unavailable"):
            raise ProviderUnavailable(f"the token is {token!r}")
        if not token:
            return _opened(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD)
        if token.startswith("tok_decline"):
            event = _event(order, PAYMENT_EVENT_TYPE_FAILED, token)
            event.description = token.removeprefix("tok_decline").replace("_", " ").strip() or "declined by the bank"
            return _opened(order, PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD, event)
        if token.startswith("tok_authorize"):
            event = _event(order, PAYMENT_EVENT_TYPE_AUTHORIZED, token)
            return _opened(order, PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE, event)
        if token.startswith("tok_confirm"):
            return _opened(order, PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION)
        return _opened(order, PAYMENT_INTENT_STATUS_SUCCEEDED, _event(order, PAYMENT_EVENT_TYPE_PAID, token))

    async def cancel_intent(self, order: Order) -> PaymentEvent | None:
        own = intent_payment(order)
        if not minor_of(own.authorized_amount):
            return None
        # The release of a hold after an earlier release is another event.
        again = [str(minor_of(own.voided_amount))] if minor_of(own.voided_amount) else []
        event_id = _event_id(order, PAYMENT_EVENT_TYPE_VOIDED, *again)
        return PaymentEvent(event_id=event_id, type=PAYMENT_EVENT_TYPE_VOIDED)

    async def capture_intent(self, order: Order, amount: Money, *, key: str) -> Sequence[PaymentEvent]:
        event_id = _event_id(order, PAYMENT_EVENT_TYPE_PAID, "capture", key)
        paid = PaymentEvent(
            event_id=event_id,
            type=PAYMENT_EVENT_TYPE_PAID,
            amount=amount,
            transaction_id=event_id.replace("evt_", "cap_"),
        )
        return [paid]

    async def refund(self, order: Order, refund: Refund) -> PaymentEvent:
        fails = order.metadata.get(REFUND_LABEL) == REFUND_FAILS
        kind = PAYMENT_EVENT_TYPE_REFUND_FAILED if fails else PAYMENT_EVENT_TYPE_REFUNDED
        return PaymentEvent(
            event_id=_event_id(order, kind, refund.refund_id),
            type=kind,
            amount=refund.amount,
            description="refused by the bank" if fails else "",
        )

    async def close(self) -> None:
        """Has no connections."""


def _opened(order: Order, status: PaymentIntentStatus, event: PaymentEvent | None = None) -> Opened:
    intent_id = _intent_id(order)
    secret = f"{intent_id}_secret_{_digest('client secret', intent_id)}"
    return Opened(PaymentIntent(id=intent_id, client_secret=secret, status=status), event)


def _event(order: Order, kind: PaymentEventType, token: str) -> PaymentEvent:
    amount = intent_amount(order)
    event_id = _event_id(order, kind, amount.currency_code, str(minor_of(amount)), token)
    return PaymentEvent(event_id=event_id, type=kind, amount=amount)


def _event_id(order: Order, kind: PaymentEventType, *about: str) -> str:
    return f"evt_test_{_digest(_intent_id(order), PaymentEventType.Name(kind), *about)}"


def _intent_id(order: Order) -> str:
    return f"pi_test_{intent_key(order).replace('-', '')}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
