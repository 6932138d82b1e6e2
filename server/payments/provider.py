"""The port for payment providers: what the service asks of one, and what it can rely on."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from google.type.money_pb2 import Money
from orders.v1.order_pb2 import Order, PaymentEvent, PaymentIntent, Refund


class ProviderUnavailable(Exception):
    """The provider cannot be reached, or has not answered in time. Nobody knows whether it did what it was asked for."""


class Opened(NamedTuple):
    """An order's intent, and what became of it already."""

    # With the client secret, which goes to the customer's client and is never stored.
    intent: PaymentIntent
    # AUTHORIZED, PAID or FAILED; None while it is the customer's turn.
    event: PaymentEvent | None


def intent_amount(order: Order) -> Money:
    """The amount of the order's intent: its total, or what is due after a settled update."""
    intent = order.payment_intent
    return intent.amount if intent.HasField("amount") else order.pricing.total


def intent_key(order: Order) -> str:
    """The key of the order's intent: the order's id, with the number of an intent that is not the first."""
    number = order.payment_intent.number
    return f"{order.order_id}_{number}" if number else str(order.order_id)


class PaymentProvider(Protocol):
    """A payment provider.

    What holds for every method:

    - It is idempotent. An order has one intent at a time, known by `intent_key(order)`, for `intent_amount(order)`. To open one,
      use these; to capture, cancel or refund, use `order.payment_intent.id`, which the caller sets to the payment in question.
      A refund is known by the order's id and its `refund_id`. Asking again, after a timeout or a restart, does nothing twice and
      gives the same answer. Send these ids as the provider's own idempotency keys.
    - It raises ProviderUnavailable if it cannot be reached, and is cancelled if it takes too long. What else it raises is
      logged as a fault and treated alike. That the customer's bank declines is no error but an event.
    - An event's `event_id` is the one that its webhooks give it too: an event that is reported both ways counts once. `amount` is
      in the order's currency, by default the whole amount of the intent or refund. The caller fills in `provider`, `payment_id`
      (the intent's id) and `refund_id`.
    - It acts on its own intent only. Payments of other providers on the same order are none of its business.
    - It is called outside of any transaction, perhaps by several servers at once for the same order.
    """

    # As in PaymentEvent.provider, for example `stripe`: small letters, digits, `_` and `-`, at most 32.
    name: str

    async def open_intent(self, order: Order, *, token: str) -> Opened:
        """Opens the order's intent, or brings the one it has to `intent_amount(order)` and to `token`.

        `token` is the provider's token of the customer's saved payment method, with which it tries to pay at once; '' leaves it to
        the customer's client. After a declined payment the intent stays open: another token tries again.
        """

    async def cancel_intent(self, order: Order) -> PaymentEvent | None:
        """Gives the order's intent up, so that nothing can be paid by it any more. Does nothing if the order has none.

        Returns VOIDED if it held an amount, PAID if it is too late because it was paid, and None otherwise.
        """

    async def capture_intent(self, order: Order, amount: Money, *, key: str) -> Sequence[PaymentEvent]:
        """Captures a part or all of the amount that the order's intent holds. Returns PAID, or FAILED if it is declined.

        VOIDED follows PAID if the provider releases the rest of the amount. `key` identifies the capture: asked again with the same
        one, nothing is captured twice. The provider declines to capture more than it holds, because captures may be requested at the
        same time. PAID has a `transaction_id` of its own for each capture.
        """

    async def refund(self, order: Order, refund: Refund) -> PaymentEvent | None:
        """Pays back a part of what was paid by the order's intent. Returns REFUNDED or REFUND_FAILED.

        None means that the provider accepted the refund and reports its outcome by webhook.
        """

    async def close(self) -> None:
        """Closes the provider's connections."""
