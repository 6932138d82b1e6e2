"""Stripe's webhooks: verifies them and records the payment events that they report. Independent of any HTTP server."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from orders.v1.error_reason_pb2 import ERROR_REASON_ORDER_NOT_FOUND
from orders.v1.order_pb2 import PaymentEvent
from orders.v1.order_service_pb2 import RecordPaymentRequest
from stripe import SignatureVerificationError, WebhookSignature

from server.domain.base.caller import Caller, Role
from server.domain.base.errors import Refusal
from server.domain.operations import Answer, Command
from server.payments.provider import ProviderUnavailable
from server.payments.stripe.events import (
    NAME,
    StripeJson,
    event_of_dispute,
    event_of_refund,
    events_of_intent,
    failed_attempt,
    order_id_of,
)
from server.telemetry.log import fields

log = logging.getLogger(__name__)

_SIGNATURE = "stripe-signature"
# Seconds after which a signature is refused, to prevent replays of old webhooks.
_TOLERANCE = 300
_ORDER_ID = re.compile(r"[!-~]{1,64}")
_RETRY_AFTER = 5.0


class WebhookReply(NamedTuple):
    """The HTTP response to a webhook."""

    status: int
    text: str
    # In seconds; 0 if Stripe need not send the webhook again.
    retry_after: float = 0.0


class Records(Protocol):
    """The executor of RecordPayment: `payments/checkout.py`."""

    async def execute(self, command: Command) -> Answer: ...


class StripeWebhooks:
    """Answers 200 when the webhook's events are committed, otherwise an error, so that Stripe sends it again."""

    def __init__(self, *, secret: str, records: Records, find_order: Callable[[str], Awaitable[str]]) -> None:
        """`find_order` returns the order id of a PaymentIntent, for objects that name none; '' if it has none."""
        self._secret, self._records, self._find_order = secret, records, find_order
        self._caller = Caller(subject=f"payment_provider:{NAME}", roles=frozenset({Role.PAYMENT, Role.ADMIN}))

    async def handle(self, body: bytes, headers: Mapping[str, str]) -> WebhookReply:
        """Records the payment events of a webhook."""
        webhook = self._verified(body, {name.lower(): value for name, value in headers.items()})
        if webhook is None:
            return WebhookReply(
                400, "the Stripe-Signature header does not match the body and ORDERS_STRIPE_WEBHOOK_SECRET"
            )
        try:
            return await self._record(webhook)
        except ProviderUnavailable:
            return WebhookReply(503, "Stripe does not answer", _RETRY_AFTER)
        except Refusal as refusal:
            return _refused(webhook, refusal)

    def _verified(self, body: bytes, headers: Mapping[str, str]) -> StripeJson | None:
        """The webhook; None if its signature is wrong or too old."""
        try:
            WebhookSignature.verify_header(body, headers.get(_SIGNATURE), self._secret, _TOLERANCE)
            found: StripeJson = json.loads(body)
        except (SignatureVerificationError, ValueError, TypeError) as error:
            log.warning("a webhook of the payment provider is refused", extra=fields(error))
            return None
        return found

    async def _record(self, webhook: StripeJson) -> WebhookReply:
        events = list(events_of(webhook)) if webhook.get("object") == "event" else []
        if not events:
            return WebhookReply(200, "ignored: the event says nothing about a payment's amounts")
        order_id = order_id_of(webhook["data"]["object"]) or await self._find_order(events[0].payment_id)
        if not _ORDER_ID.fullmatch(order_id):
            return WebhookReply(200, "ignored: the payment belongs to no order of this service")
        for event in events:
            request = RecordPaymentRequest(order_id=order_id, event=event)
            await self._records.execute(Command(request, self._caller))
        return WebhookReply(200, "recorded")


def events_of(webhook: StripeJson) -> Iterator[PaymentEvent]:
    """The payment events that a webhook reports; none for types that move no money."""
    kind, found, time = str(webhook["type"]), webhook["data"]["object"], int(webhook["created"])
    if kind == "payment_intent.payment_failed":
        yield failed_attempt(found, observed=time)
    elif found["object"] == "payment_intent":
        yield from events_of_intent(found, observed=time)
    elif found["object"] == "refund":
        yield from filter(None, (event_of_refund(found, observed=time),))
    elif found["object"] == "dispute":
        yield from filter(None, (event_of_dispute(found, observed=time),))


def _refused(webhook: StripeJson, refusal: Refusal) -> WebhookReply:
    if refusal.retry_after is not None:
        return WebhookReply(503, "the service is busy", max(1.0, refusal.retry_after))
    if refusal.error_reason == ERROR_REASON_ORDER_NOT_FOUND:
        # Other systems may share the account at Stripe.
        return WebhookReply(200, "ignored: the order does not exist in this service")
    log.error("a webhook of the payment provider was not recorded", extra=fields(refusal))
    return WebhookReply(422, "the event was refused; the log of the service says why")
