"""Stripe as the payment provider: PaymentIntents that CapturePayment captures."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from google.type.money_pb2 import Money
from orders.v1.order_pb2 import (
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_INTENT_STATUS_CANCELLED,
    PAYMENT_INTENT_STATUS_PROCESSING,
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION,
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    Order,
    PaymentEvent,
    PaymentIntent,
    PaymentIntentStatus,
    Refund,
)
from stripe import CardError, IdempotencyError, InvalidRequestError, StripeError

from server.domain.base.money import minor_of
from server.payments.provider import Opened, ProviderUnavailable, intent_amount, intent_key
from server.payments.stripe.amounts import stripe_of_minor
from server.payments.stripe.api import Reply, StripeApi
from server.payments.stripe.events import (
    NAME,
    StripeJson,
    event_of_refund,
    events_of_intent,
    failed_attempt,
    order_id_of,
)

_STATUSES: dict[str, PaymentIntentStatus] = {
    "requires_payment_method": PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    "requires_confirmation": PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION,
    "requires_action": PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION,
    "processing": PAYMENT_INTENT_STATUS_PROCESSING,
    "requires_capture": PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    "succeeded": PAYMENT_INTENT_STATUS_SUCCEEDED,
    "canceled": PAYMENT_INTENT_STATUS_CANCELLED,
}
# In these statuses an intent takes another amount, and can be confirmed.
_UNPAID = ("requires_payment_method", "requires_confirmation", "requires_action")

# With the charge, which has the time of the authorization.
_EXPAND = ["latest_charge"]
_WITH_CHARGE: Any = {"expand": _EXPAND}


class StripeProvider:
    """Stores nothing: the order names its intent, and Stripe finds an unrecorded intent by its idempotency key."""

    name = NAME

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    async def open_intent(self, order: Order, *, token: str) -> Opened:
        reply = await self._open(order)
        event = None
        if reply.data["status"] in _UNPAID:
            reply, event = await self._pay(order, reply, token)
        event = event or next(iter(_events(reply)), None)
        intent = PaymentIntent(
            id=reply.data["id"],
            client_secret=reply.data.get("client_secret") or "",
            status=_STATUSES[reply.data["status"]],
        )
        return Opened(intent, event)

    async def cancel_intent(self, order: Order) -> PaymentEvent | None:
        intent_id = _intent_of(order)
        if not intent_id and not _amount(order):
            return None
        # Without a recorded intent, finds the one that a call in flight has opened, or opens one in its place.
        reply = await (self._intent(intent_id) if intent_id else self._create(order, after=""))
        if reply.data["status"] not in ("canceled", "succeeded"):
            reply = await self._cancel(order, reply.data["id"])
        held = reply.data["status"] == "succeeded" or _was_authorized(reply.data)
        return next(iter(_events(reply)), None) if held else None

    async def capture_intent(self, order: Order, amount: Money, *, key: str) -> Sequence[PaymentEvent]:
        intent_id, mark = _intent_of(order), _digest(key)
        params: Any = {"amount_to_capture": _stripe_amount(amount), "metadata": {"capture": mark}, "expand": _EXPAND}
        options: Any = {"idempotency_key": f"{order.order_id}:capture:{mark}"}
        try:
            reply = await self._api.send(partial(self._api.intents.capture_async, intent_id, params, options))
        except (CardError, InvalidRequestError) as error:
            # Stripe forgets a key after a day; the metadata shows whether this capture was made.
            reply = await self._intent(intent_id)
            if (reply.data.get("metadata") or {}).get("capture") != mark:
                return [_declined_capture(order, intent_id, amount, mark, error)]
        return _events(reply)

    async def refund(self, order: Order, refund: Refund) -> PaymentEvent | None:
        intent_id = _intent_of_refund(order, refund)
        found = await self._made_refund(order, intent_id, refund.refund_id)
        params: Any = {
            "payment_intent": intent_id,
            "amount": _stripe_amount(refund.amount),
            "metadata": {"order_id": order.order_id, "refund_id": refund.refund_id},
        }
        options: Any = {"idempotency_key": f"{order.order_id}:refund:{refund.refund_id}"}
        try:
            found = found or await self._api.send(partial(self._api.refunds.create_async, params, options))
        except (CardError, InvalidRequestError) as error:
            return _refused_refund(order, refund, error)
        return event_of_refund(found.data, observed=found.time)

    async def close(self) -> None:
        await self._api.close()

    async def order_id(self, intent_id: str) -> str:
        """The order of an intent; '' if it is not an intent of this service."""
        try:
            return order_id_of((await self._intent(intent_id)).data)
        except InvalidRequestError:
            return ""

    async def _open(self, order: Order) -> Reply:
        """The order's intent; a new one if the last was cancelled, because Stripe cannot reopen it."""
        intent_id = _intent_of(order)
        reply = await (self._intent(intent_id) if intent_id else self._create(order, after=""))
        while reply.data["status"] == "canceled":
            reply = await self._create(order, after=reply.data["id"])
        return reply

    async def _intent(self, intent_id: str) -> Reply:
        return await self._api.send(partial(self._api.intents.retrieve_async, intent_id, _WITH_CHARGE))

    async def _create(self, order: Order, *, after: str) -> Reply:
        """The intent of an attempt: the first, or the one that follows the intent `after`."""
        params: Any = {
            "amount": _amount(order),
            "currency": order.pricing.total.currency_code.lower(),
            "capture_method": "manual",
            # A payment method that redirects would need a page to return to.
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"order_id": order.order_id, "intent": intent_key(order)},
            "expand": _EXPAND,
        }
        options: Any = {"idempotency_key": f"{intent_key(order)}:open:{after or 'first'}"}
        try:
            reply = await self._api.send(partial(self._api.intents.create_async, params, options))
        except IdempotencyError:
            # It was opened with another amount, and is not recorded yet.
            return await self._search(order)
        return await self._intent(reply.data["id"]) if reply.is_replay else reply

    async def _search(self, order: Order) -> Reply:
        params: Any = {"query": f"metadata['intent']:'{intent_key(order)}'", "limit": 1}
        found = await self._api.send(partial(self._api.intents.search_async, params))
        if not found.data["data"]:
            raise ProviderUnavailable("Stripe's search does not know the intent yet")
        return await self._intent(found.data["data"][0]["id"])

    async def _pay(self, order: Order, opened: Reply, token: str) -> tuple[Reply, PaymentEvent | None]:
        """Updates an unpaid intent to the order's amount and, with a token, tries to pay. Returns FAILED if that is declined."""
        try:
            changes = {"amount": _amount(order)} | (await self._payer(token) if token else {})
            if any(opened.data.get(name) != value for name, value in changes.items()):
                params: Any = changes | {"expand": _EXPAND}
                opened = await self._api.send(partial(self._api.intents.update_async, opened.data["id"], params))
            return (await self._confirm(order, opened.data, token) if token else opened), None
        except (CardError, InvalidRequestError) as error:
            return await self._after_refusal(opened.data["id"], token, error)

    async def _payer(self, token: str) -> dict[str, str]:
        """The Stripe customer of a saved payment method; Stripe accepts the method only with its customer."""
        method = await self._api.send(partial(self._api.methods.retrieve_async, token))
        customer = method.data.get("customer")
        return {"customer": customer} if customer else {}

    async def _confirm(self, order: Order, intent: StripeJson, token: str) -> Reply:
        params: Any = {"payment_method": token, "use_stripe_sdk": True, "expand": _EXPAND}
        attempt = _digest(intent["id"], str(intent["amount"]), token)
        options: Any = {"idempotency_key": f"{order.order_id}:confirm:{attempt}"}
        reply = await self._api.send(partial(self._api.intents.confirm_async, intent["id"], params, options))
        return await self._intent(intent["id"]) if reply.is_replay else reply

    async def _after_refusal(self, intent_id: str, token: str, error: StripeError) -> tuple[Reply, PaymentEvent | None]:
        """The current intent, and FAILED unless it has been paid or cancelled."""
        now = await self._intent(intent_id)
        if now.data["status"] not in _UNPAID:
            return now, None
        if not isinstance(error, CardError) and not (token and _is_about_method(error)):
            raise error
        failed = _error_of(error).get("payment_intent") or {**now.data, "last_payment_error": _unknown_method(token)}
        return now, failed_attempt(failed, observed=now.time)

    async def _cancel(self, order: Order, intent_id: str) -> Reply:
        options: Any = {"idempotency_key": f"{order.order_id}:cancel:{intent_id}"}
        try:
            return await self._api.send(
                partial(self._api.intents.cancel_async, intent_id, _WITH_CHARGE, options),
            )
        except InvalidRequestError as error:
            reply = await self._intent(intent_id)
            if reply.data["status"] not in ("canceled", "succeeded"):
                raise ProviderUnavailable(f"the intent is {reply.data['status']}") from error
            return reply

    async def _made_refund(self, order: Order, intent_id: str, refund_id: str) -> Reply | None:
        """An existing refund, even if Stripe has forgotten its idempotency key."""
        params: Any = {"payment_intent": intent_id, "limit": 100}
        listed = await self._api.send(partial(self._api.refunds.list_async, params))
        for refund in listed.data["data"]:
            metadata = refund.get("metadata") or {}
            if (metadata.get("order_id"), metadata.get("refund_id")) == (order.order_id, refund_id):
                return listed._replace(data=refund)
        return None


def _events(reply: Reply) -> list[PaymentEvent]:
    return list(events_of_intent(reply.data, observed=reply.time))


def _intent_of(order: Order) -> str:
    """The id of the order's intent; '' if none is recorded."""
    if order.payment_intent.provider == NAME or order.payment_intent.number:
        return str(order.payment_intent.id)
    own = [payment.provider_payment_id for payment in order.payments if payment.provider == NAME]
    return own[-1] if own else ""


def _intent_of_refund(order: Order, refund: Refund) -> str:
    own = (payment.provider_payment_id for payment in order.payments if payment.payment_id == refund.payment_id)
    return next(own, "") or _intent_of(order)


def _amount(order: Order) -> int:
    return _stripe_amount(intent_amount(order))


def _stripe_amount(amount: Money) -> int:
    return stripe_of_minor(minor_of(amount), amount.currency_code) if amount.currency_code else 0


def _was_authorized(intent: StripeJson) -> bool:
    """Whether the last charge of an intent held an amount."""
    charge = intent.get("latest_charge") or {}
    return bool(charge.get("status") == "succeeded")


def _declined_capture(order: Order, intent_id: str, amount: Money, mark: str, error: StripeError) -> PaymentEvent:
    return PaymentEvent(
        event_id=f"{intent_id}:not_captured:{mark}",
        type=PAYMENT_EVENT_TYPE_FAILED,
        amount=amount,
        payment_id=intent_id,
        description=_reason(error),
    )


def _refused_refund(order: Order, refund: Refund, error: StripeError) -> PaymentEvent:
    return PaymentEvent(
        event_id=f"{order.order_id}:refund:{refund.refund_id}:refused",
        type=PAYMENT_EVENT_TYPE_REFUND_FAILED,
        amount=refund.amount,
        description=_reason(error),
    )


def _reason(error: StripeError) -> str:
    return (error.user_message or "refused by Stripe")[:500]


def _is_about_method(error: StripeError) -> bool:
    """Whether Stripe does not accept the payment method, because it does not exist or cannot be used again."""
    return "payment_method" in str(_error_of(error).get("param", ""))


def _unknown_method(token: str) -> StripeJson:
    return {"message": "Stripe does not accept the payment method", "payment_method": {"id": _digest(token)}}


def _error_of(error: StripeError) -> dict[str, Any]:
    body = error.json_body
    found = body.get("error") if isinstance(body, dict) else None
    return dict(found or {})


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
