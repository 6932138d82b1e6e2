"""Calls the payment provider and records the outcome: one order at a time, never inside a transaction."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from google.type.money_pb2 import Money
from orders.v1.customer_service_pb2 import CustomerAccount
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_INTENT_STATUS_CANCELLED,
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    PAYMENT_METHOD_BANK_TRANSFER,
    PAYMENT_METHOD_CASH_ON_DELIVERY,
    PAYMENT_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    Order,
    Payment,
    PaymentEvent,
    PaymentIntent,
    Refund,
)
from orders.v1.order_service_pb2 import RecordPaymentRequest

from server.domain.base.caller import Caller, Role
from server.domain.base.errors import Refusal
from server.domain.base.money import from_minor, minor_of
from server.domain.lifecycle.payment_status import due, intent_payment, is_open
from server.domain.operations import Answer, Command
from server.domain.payments.payments import SettleIntent
from server.payments.provider import PaymentProvider, ProviderUnavailable
from server.retry import RetryPolicy
from server.storage.references import Reference
from server.telemetry.log import fields
from server.telemetry.spans import child_span

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# Methods without a payment provider.
_OFFLINE = frozenset({PAYMENT_METHOD_BANK_TRANSFER, PAYMENT_METHOD_CASH_ON_DELIVERY})

# The final statuses of an intent.
_ACTED = frozenset(
    {PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE, PAYMENT_INTENT_STATUS_SUCCEEDED, PAYMENT_INTENT_STATUS_CANCELLED}
)

# For recording the provider's outcome.
_RECORDING = RetryPolicy(first=0.25, longest=2.0, attempts=5)


class Writes(Protocol):
    """The executor of commands: `storage/write/writer.py`."""

    async def execute(self, command: Command) -> Answer: ...


class Orders(Protocol):
    """The reader of orders: `storage/read/orders.py`."""

    async def get(self, reference: Reference) -> bytes: ...


class Accounts(Protocol):
    """The reader of customers' accounts with payment tokens: `storage/read/customers.py`."""

    async def account(self, customer_id: str) -> CustomerAccount: ...


class Settled(NamedTuple):
    """An order after its intent was opened."""

    order: Order
    client_secret: str
    # The failure of the payment, in this call or in an earlier attempt of it; None if it did not fail.
    decline: PaymentEvent | None


def uses_provider(order: Order) -> bool:
    """Whether an order is paid through the payment provider."""
    return not order.source and order.payment_method not in _OFFLINE and minor_of(order.pricing.total) > 0


def awaits_payment(order: Order) -> bool:
    """Whether the payment provider has not acted on an order yet."""
    return uses_provider(order) and is_open(order)


def refund_of(order: Order, refund_id: str) -> Refund:
    return next(refund for refund in order.refunds if refund.refund_id == refund_id)


class PaymentFlow:
    """The payment provider, with its outcomes recorded. Methods raise ProviderUnavailable unless stated otherwise."""

    def __init__(
        self, *, writer: Writes, orders: Orders, customers: Accounts, provider: PaymentProvider, timeout: float
    ) -> None:
        """`timeout` is in seconds, for each call of the provider."""
        self._writer, self._orders, self._customers = writer, orders, customers
        self._provider, self._timeout = provider, timeout
        roles = frozenset({Role.PAYMENT, Role.ADMIN})
        self._caller = Caller(subject=f"payment_provider:{provider.name}", roles=roles)

    async def current(self, order: Order) -> Order:
        """The current order."""
        return Order.FromString(await self._orders.get(Reference(order.order_id)))

    async def open(self, order: Order, *, cancels: bool) -> Settled:
        """Sets the intent to the order's total and records the outcome. With `cancels`, a failed payment cancels the order.

        A concurrent change of the order also opens the intent, and may reach the provider first. The recorded order is therefore
        compared with the requested terms, and the intent is set to the order's current state.
        """
        while True:
            opened = await self._ask(order.order_id, self._provider.open_intent(order, token=await self._token(order)))
            bare = PaymentIntent(id=opened.intent.id, status=opened.intent.status, provider=self._provider.name)
            event = None if opened.event is None else self._named(opened.event, bare)
            settled = await self._record(
                order, SettleIntent(order.order_id, bare, event, cancels, cart_id=order.cart_id)
            )
            if not awaits_payment(settled) or _terms(settled) == _terms(order):
                break
            order = settled
        decline = _failure(event) if settled.payment_status == PAYMENT_STATUS_FAILED else None
        if settled.status == ORDER_STATUS_CANCELLED:
            settled = await self.give_up(settled)
        return Settled(settled, opened.intent.client_secret, decline)

    async def open_due(self, order: Order) -> Settled:
        """Opens an intent for the amount that is due after a settled update, and records the outcome."""
        while True:
            view = _with_due_intent(order)
            opened = await self._ask(view.order_id, self._provider.open_intent(view, token=await self._token(order)))
            intent = view.payment_intent
            intent.id, intent.status, intent.provider = opened.intent.id, opened.intent.status, self._provider.name
            event = None if opened.event is None else self._named(opened.event, intent)
            settled = await self._record(order, SettleIntent(order.order_id, intent, event, False))
            # A concurrent update may have changed the amount.
            if not due(settled) or due(settled) == due(order):
                break
            order = settled
        return Settled(settled, opened.intent.client_secret, _failure(event))

    async def give_up(self, order: Order) -> Order:
        """Cancels the intent of a cancelled order, if the provider is reachable; never raises."""
        return order if minor_of(intent_payment(order).captured_amount) else await self.close(order)

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self._provider.name

    def took(self, order: Order, refund: Refund) -> bool:
        """Whether this provider took the payment that is refunded."""
        if refund.payment_id:
            own = (one for one in order.payments if one.payment_id == refund.payment_id)
            return self.owns(next(own, Payment()))
        # Requested before payments were listed.
        intent = order.payment_intent
        return bool(intent.provider == self._provider.name and intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED)

    def owns(self, payment: Payment) -> bool:
        """Whether a payment was made through this provider."""
        return bool(payment.provider == self._provider.name)

    def is_passed_over(self, order: Order) -> bool:
        """Whether an order has an intent with this provider but was paid in another way."""
        intent = order.payment_intent
        cancelled = intent.status == PAYMENT_INTENT_STATUS_CANCELLED and order.status != ORDER_STATUS_CANCELLED
        return bool(intent.provider == self._provider.name and cancelled)

    def has_open_intent(self, order: Order) -> bool:
        """Whether an order has an intent with this provider that can still be paid."""
        intent = order.payment_intent
        done = (PAYMENT_INTENT_STATUS_SUCCEEDED, PAYMENT_INTENT_STATUS_CANCELLED)
        return bool(intent.provider == self._provider.name and intent.status not in done)

    async def drop(self, order: Order) -> Order:
        """Cancels the intent of an order that is paid in another way, and records the outcome."""
        event = await self._ask(order.order_id, self._provider.cancel_intent(order))
        if event is not None:
            return await self.record(order, event)
        intent = order.payment_intent
        gone = PaymentIntent(id=intent.id, status=PAYMENT_INTENT_STATUS_CANCELLED, provider=intent.provider)
        return await self._record(order, SettleIntent(order.order_id, gone, None, False))

    async def close(self, order: Order) -> Order:
        """Closes an order's intent, so that it cannot be paid, if the provider is reachable."""
        try:
            event = await self._ask(order.order_id, self._provider.cancel_intent(order))
            if event is None or (event.type == PAYMENT_EVENT_TYPE_VOIDED and not _has_own_money(order)):
                # An unrecorded hold belongs to a call in flight, which will request this event again.
                return order
            return await self.record(order, event)
        except (ProviderUnavailable, Refusal) as error:
            log.warning("the payment intent may still be open", extra=fields(error, order_id=order.order_id))
            return order

    async def capture(
        self, order: Order, payment: Payment, amount: Money, *, key: str
    ) -> tuple[Order, PaymentEvent | None]:
        """Captures a held amount and records the outcome. Returns the order, and the failure if the provider declined."""
        view = _about(order, payment)
        events = await self._ask(view.order_id, self._provider.capture_intent(view, amount, key=key))
        for event in events:
            order = await self.record(order, self._named(event, view.payment_intent))
        return order, _failure(events[0])

    async def release(self, order: Order, payment: Payment, *, reason: str) -> Order:
        """Releases the amount that a payment holds, and records the outcome."""
        view = _about(order, payment)
        event = await self._ask(view.order_id, self._provider.cancel_intent(view))
        if event is None:
            return await self.current(order)
        event = self._named(event, view.payment_intent)
        event.description = event.description or reason
        return await self.record(order, event)

    async def refund(self, order: Order, refund: Refund) -> tuple[Order, PaymentEvent | None]:
        """Makes a pending refund and records the outcome, unless the provider has yet to report it. Returns both."""
        own = (one for one in order.payments if one.payment_id == refund.payment_id)
        view = _about(order, next(own, Payment()))
        event = await self._ask(view.order_id, self._provider.refund(view, refund))
        if event is None:
            return order, None
        event = self._named(event, view.payment_intent)
        event.refund_id = refund.refund_id
        try:
            return await self.record(order, event), event
        except Refusal:
            # The provider may already have reported it by another path.
            now = await self.current(order)
            if refund_of(now, refund.refund_id).status == REFUND_STATUS_PENDING:
                raise
            return now, event

    async def record(self, order: Order, event: PaymentEvent) -> Order:
        """Records an event of the provider. Raises Refusal."""
        return await self._record(
            order, RecordPaymentRequest(order_id=order.order_id, event=self._named(event, order.payment_intent))
        )

    async def abandon(self, order: Order, *, reason: str) -> Order:
        """Cancels an order that cannot be paid, and returns its lines to its cart. Raises Refusal."""
        settle = SettleIntent(order.order_id, None, None, True, gives_up=reason, cart_id=order.cart_id)
        return await self._record(order, settle)

    async def _record(self, order: Order, request: object) -> Order:
        """Executes a command. The provider has acted already, so a busy or absent database is retried."""
        command = Command(request, self._caller)
        try:
            answer = await _RECORDING.run(partial(self._writer.execute, command), is_retryable=_may_pass)
        except Refusal as error:
            log.error(
                "the outcome at the payment provider was not recorded",
                extra=fields(error, order_id=order.order_id, command=type(request).__name__),
            )
            error.metadata.setdefault("order_id", order.order_id)
            raise
        return Order.FromString(answer.body)

    async def _ask(self, order_id: str, call: Awaitable[Result]) -> Result:
        began = time.monotonic()
        try:
            with child_span("payment provider", kind="client", provider=self._provider.name):
                async with asyncio.timeout(self._timeout):
                    return await call
        except ProviderUnavailable as error:
            log.warning(
                "the payment provider does not answer",
                extra=fields(error, provider=self._provider.name, order_id=order_id, seconds=_since(began)),
            )
            raise
        except TimeoutError as error:
            log.warning(
                "the payment provider has not answered in time",
                extra=fields(provider=self._provider.name, order_id=order_id, seconds=_since(began)),
            )
            raise ProviderUnavailable("no answer in time") from error
        except Exception as error:
            log.exception(
                "the payment provider failed",
                extra=fields(provider=self._provider.name, order_id=order_id, seconds=_since(began)),
            )
            raise ProviderUnavailable(type(error).__name__) from error

    async def _token(self, order: Order) -> str:
        """The provider's token of the order's payment method; '' if it is not saved."""
        if not order.payment_method_id:
            return ""
        account = await self._customers.account(order.customer.customer_id)
        methods = {method.payment_method_id: method.provider_token for method in account.payment_methods}
        return methods.get(order.payment_method_id, "")

    def _named(self, event: PaymentEvent, intent: PaymentIntent) -> PaymentEvent:
        event.provider = self._provider.name
        if not event.payment_id and intent.provider == self._provider.name:
            event.payment_id = intent.id
        return event


def _failure(event: PaymentEvent | None) -> PaymentEvent | None:
    return event if event is not None and event.type == PAYMENT_EVENT_TYPE_FAILED else None


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _with_due_intent(order: Order) -> Order:
    """The order with the intent for the amount due: the open one, or the next one."""
    view, intent = Order(), order.payment_intent
    view.CopyFrom(order)
    number = intent.number if intent.number and intent.status not in _ACTED else intent.number + 1
    view.payment_intent.Clear()
    view.payment_intent.id = intent.id if number == intent.number else ""
    view.payment_intent.number = number
    view.payment_intent.amount.CopyFrom(from_minor(due(order), order.pricing.total.currency_code))
    return view


def _about(order: Order, payment: Payment) -> Order:
    """The order with the intent of a payment, if that is not its current intent."""
    if payment.provider_payment_id in ("", order.payment_intent.id):
        return order
    view = Order()
    view.CopyFrom(order)
    view.payment_intent.CopyFrom(PaymentIntent(id=payment.provider_payment_id, provider=payment.provider))
    return view


def _may_pass(error: Exception) -> bool:
    return isinstance(error, Refusal) and error.retry_after is not None


def _has_own_money(order: Order) -> bool:
    """Whether the order's intent holds or captured any amount."""
    own = intent_payment(order)
    return bool(minor_of(own.authorized_amount) or minor_of(own.captured_amount))


def _terms(order: Order) -> tuple[str, int, str]:
    """The terms of an intent."""
    total = order.pricing.total
    return total.currency_code, minor_of(total), order.payment_method_id
