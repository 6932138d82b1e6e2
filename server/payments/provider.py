"""The interface of payment providers and its guarantees."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from google.type.money_pb2 import Money
from orders.v1.order_pb2 import Order, PaymentEvent, PaymentIntent, Refund


class ProviderUnavailable(Exception):
    """The provider is unreachable, or has not answered in time. The outcome of the request is unknown."""


class Opened(NamedTuple):
    """An order's intent, and the event that has already occurred, if any."""

    # With the client secret, which goes to the customer's client and is never stored.
    intent: PaymentIntent
    # AUTHORIZED, PAID or FAILED; None while the customer must act.
    event: PaymentEvent | None


def intent_amount(order: Order) -> Money:
    """The amount of the order's intent: its total, or the amount due after a settled update."""
    intent = order.payment_intent
    return intent.amount if intent.HasField("amount") else order.pricing.total


def intent_key(order: Order) -> str:
    """The key of the order's intent: the order's id, with the number of an intent that is not the first."""
    number = order.payment_intent.number
    return f"{order.order_id}_{number}" if number else str(order.order_id)


class PaymentProvider(Protocol):
    """A payment provider.

    Every method must meet these requirements:

    - It is idempotent. An order has one intent at a time, identified by `intent_key(order)`, for `intent_amount(order)`. Use
      these to open an intent. To capture, cancel or refund, use `order.payment_intent.id`, which the caller sets to the payment.
      The order's id and the `refund_id` identify a refund. Repeating a request after a timeout or a restart does nothing twice
      and returns the same answer. Send these ids as the provider's own idempotency keys.
    - It raises ProviderUnavailable if the provider is unreachable, and is cancelled if it takes too long. Any other exception is
      logged as a fault and handled in the same way. A payment that the customer's bank declines is an event, not an error.
    - An event has the same `event_id` in the provider's webhooks, so an event that is reported twice counts once. `amount` is in
      the order's currency, by default the whole amount of the intent or refund. The caller fills in `provider`, `payment_id`
      (the intent's id) and `refund_id`.
    - It uses only its own intent, and ignores payments of other providers on the same order.
    - It is called outside of any transaction, possibly by several servers at once for the same order.
    """

    # As in PaymentEvent.provider, for example `stripe`: small letters, digits, `_` and `-`, at most 32.
    name: str

    async def open_intent(self, order: Order, *, token: str) -> Opened:
        """Opens the order's intent, or updates it to `intent_amount(order)` and `token`.

        `token` is the provider's token of the customer's saved payment method, with which the provider tries to pay immediately.
        With '', the customer's client pays. After a declined payment the intent stays open for another token.
        """

    async def cancel_intent(self, order: Order) -> PaymentEvent | None:
        """Cancels the order's intent, so that it can no longer be paid. Does nothing if the order has none.

        Returns VOIDED if it held an amount, PAID if it was already paid, and None otherwise.
        """

    async def capture_intent(self, order: Order, amount: Money, *, key: str) -> Sequence[PaymentEvent]:
        """Captures a part or all of the amount that the order's intent holds. Returns PAID, or FAILED if it is declined.

        VOIDED follows PAID if the provider releases the rest of the amount. `key` identifies the capture: a request with the same
        key captures nothing twice. Because captures can be concurrent, the provider declines to capture more than it holds. PAID
        has a different `transaction_id` for each capture.
        """

    async def refund(self, order: Order, refund: Refund) -> PaymentEvent | None:
        """Refunds a part of the amount paid by the order's intent. Returns REFUNDED or REFUND_FAILED.

        None means that the provider accepted the refund and reports its outcome by webhook.
        """

    async def close(self) -> None:
        """Closes the provider's connections."""
