"""Orders and their payment provider: every step may be the last one before the process dies, and every caller may go away."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from orders.v1.cart_service_pb2 import AddCartItemRequest, GetCartRequest
from orders.v1.customer_service_pb2 import CustomerAccount, SavedPaymentMethod, UpsertPaymentMethodRequest
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_DEPENDENCY_UNAVAILABLE,
    ERROR_REASON_ORDER_NOT_CANCELLABLE,
    ERROR_REASON_OVERLOADED,
)
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_INTENT_STATUS_CANCELLED,
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    PAYMENT_METHOD_BANK_TRANSFER,
    PAYMENT_METHOD_CASH_ON_DELIVERY,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    Order,
    OrderItem,
    PaymentEvent,
    Refund,
)
from orders.v1.order_return_pb2 import (
    RETURN_DECISION_APPROVE,
    RETURN_DISPOSITION_RESTOCK,
    CloseReturnRequest,
    DecideReturnRequest,
    ReceiveReturnRequest,
    RequestReturnRequest,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CreateOrderRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    TransitionOrderRequest,
)

from server.domain.base.errors import Refusal, order_not_found
from server.domain.base.records import Kind
from server.domain.operations import Answer, Command
from server.domain.payments.payments import SettleIntent
from server.payments import flow
from server.payments.checkout import Checkout
from server.payments.provider import Opened, ProviderUnavailable
from server.payments.sandbox import SandboxProvider
from server.retry import RetryPolicy
from server.storage.references import Reference
from tests.domain.builders import ADMIN, PAYMENT, Store, command, create, line, money, product, transition, update

SHELF = ("chair", "")
TOKENS = ("tok_visa", "tok_decline", "tok_decline_no_funds", "tok_authorize", "tok_confirm", "tok_unavailable")

Hook = Callable[[], Awaitable[None]]


@dataclass
class Shop:
    """A store behind the interfaces of the writer and the repositories. A hook runs before a kind of request is carried out."""

    store: Store = field(default_factory=Store)
    before: dict[type, Hook] = field(default_factory=dict)

    async def execute(self, wanted: Command) -> Answer:
        hook = self.before.get(type(wanted.request))
        await (asyncio.sleep(0) if hook is None else hook())
        (outcome,) = self.store.execute(wanted)
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def get(self, reference: Reference) -> bytes:
        if reference.name not in self.store.orders:
            raise order_not_found(reference.name)
        return self.store.orders[reference.name]

    async def account(self, customer_id: str) -> CustomerAccount:
        return CustomerAccount.FromString(self.store.records[Kind.CUSTOMER].get(customer_id, b""))

    @property
    def only_order(self) -> Order:
        (order_id,) = self.store.orders
        return self.store.order(order_id)


class Provider(SandboxProvider):
    """The test provider, with what it was asked, and with hooks before and after it works."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.before: dict[str, Hook] = {}
        self.after: dict[str, Hook] = {}

    async def open_intent(self, order: Order, *, token: str) -> Opened:
        await self._ask("open", f"{order.pricing.total.units} {token}".strip())
        opened = await super().open_intent(order, token=token)
        await self._run(self.after, "open")
        return opened

    async def cancel_intent(self, order: Order) -> PaymentEvent | None:
        await self._ask("cancel", order.order_id)
        return await super().cancel_intent(order)

    async def refund(self, order: Order, refund: Refund) -> PaymentEvent:
        await self._ask("refund", refund.refund_id)
        event = await super().refund(order, refund)
        await self._run(self.after, "refund")
        return event

    async def _ask(self, what: str, about: str) -> None:
        self.asked.append((what, about))
        await self._run(self.before, what)

    async def _run(self, hooks: dict[str, Hook], what: str) -> None:
        hook = hooks.get(what)
        if hook is not None:
            await hook()

    def calls(self, what: str) -> list[str]:
        return [about for kind, about in self.asked if kind == what]


class Died(BaseException):
    """The process ends here."""


async def unavailable() -> None:
    raise ProviderUnavailable("gone")


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.store.put_products(product(price="10.00", stock=10))
    for token in TOKENS:
        method = SavedPaymentMethod(payment_method_id=token, type=PAYMENT_METHOD_CREDIT_CARD, provider_token=token)
        shop.store.do(UpsertPaymentMethodRequest(customer_id="carl", payment_method=method))
    return shop


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def checkout(shop: Shop, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setattr(flow, "_RECORDING", RetryPolicy(first=0, longest=0, attempts=3))
    return checkout_of(shop, provider)


def checkout_of(shop: Shop, provider: Provider | None, *, timeout: float = 10) -> Checkout:
    return Checkout(writer=shop, orders=shop, customers=shop, provider=provider, timeout=timeout)


def wanted(token: str = "", quantity: int = 1, **more: Any) -> CreateOrderRequest:
    return create(line(quantity=quantity), payment_method_id=token, **more)


async def created(checkout: Checkout, token: str = "", **more: Any) -> Order:
    return Order.FromString((await checkout.execute(command(wanted(token, **more)))).body)


async def refusal(work: Awaitable[Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await work
    return caught.value


# Creating.


async def test_without_a_provider_everything_is_the_writer_s(shop: Shop) -> None:
    checkout = checkout_of(shop, None)
    order = await created(checkout, "tok_visa")
    assert (order.payment_status, order.HasField("payment_intent")) == (PAYMENT_STATUS_UNPAID, False)
    cancelled = await checkout.execute(command(CancelOrderRequest(order_id=order.order_id)))
    assert Order.FromString(cancelled.body).status == ORDER_STATUS_CANCELLED


async def test_without_a_payment_method_the_customer_s_client_pays(checkout: Checkout, shop: Shop) -> None:
    order = await created(checkout)
    assert order.status == ORDER_STATUS_PENDING
    assert order.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
    assert order.payment_intent.client_secret
    assert order.payment_intent.client_secret.encode() not in shop.store.orders[order.order_id]
    assert not shop.only_order.payment_intent.client_secret


async def test_with_a_saved_payment_method_it_is_paid_and_confirmed_at_once(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    order = await created(checkout, "tok_visa")
    assert (order.status, order.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)
    assert order.payment_intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED
    assert order.invoice_number
    assert order == shop.only_order
    (recorded,) = shop.store.payments
    assert recorded[0] == "test"
    assert shop.store.history(order.order_id)[-1].actor == "payment_provider:test"
    assert provider.asked == [("open", "10 tok_visa")]


async def test_an_authorized_order_is_confirmed(checkout: Checkout) -> None:
    order = await created(checkout, "tok_authorize")
    assert (order.status, order.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_AUTHORIZED)


async def test_a_declined_order_is_cancelled_and_releases_what_it_held(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    error = await refusal(created(checkout, "tok_decline_no_funds", quantity=3))
    order = shop.only_order
    metadata = {"order_id": order.order_id, "provider": "test", "decline_reason": "no funds"}
    assert (error.reason, error.metadata) == ("PAYMENT_FAILED", metadata)
    assert error.message.startswith("payment declined: no funds; ")
    assert (order.status, order.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_FAILED)
    assert shop.store.stock[SHELF] == 10
    assert provider.calls("cancel") == [order.order_id]


@pytest.mark.parametrize("method", [PAYMENT_METHOD_BANK_TRANSFER, PAYMENT_METHOD_CASH_ON_DELIVERY])
async def test_what_is_paid_otherwise_does_not_go_to_the_provider(
    checkout: Checkout, provider: Provider, method: Any
) -> None:
    order = await created(checkout, payment_method=method)
    await checkout.execute(command(CancelOrderRequest(order_id=order.order_id)))
    assert not provider.asked


async def test_what_costs_nothing_does_not_go_to_the_provider(
    shop: Shop, checkout: Checkout, provider: Provider
) -> None:
    shop.store.put_products(product("gift", price="0.00"))
    await checkout.execute(command(create(line("gift"))))
    assert not provider.asked


@pytest.mark.parametrize(
    ("failure", "messages"),
    [
        (lambda: Refusal(ERROR_REASON_ORDER_NOT_CANCELLABLE, "too late"), []),
        (lambda: KeyError("a bug"), ["a call failed after its caller had left"]),
    ],
    ids=["a refusal", "a bug"],
)
async def test_of_calls_that_nobody_waits_for_any_more_bugs_are_logged_and_refusals_are_not(
    shop: Shop,
    checkout: Checkout,
    caplog: pytest.LogCaptureFixture,
    failure: Callable[[], Exception],
    messages: list[str],
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        begun.set()
        await go_on.wait()
        raise failure()

    shop.before[CreateOrderRequest] = fail
    caller = asyncio.create_task(checkout.execute(command(wanted("tok_visa"))))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await checkout.drain()
    gc.collect()
    await asyncio.sleep(0)
    assert caplog.messages == messages


async def test_a_dry_run_does_not_go_to_the_provider(shop: Shop, checkout: Checkout, provider: Provider) -> None:
    await checkout.execute(command(wanted("tok_visa", validate_only=True)))
    assert not provider.asked
    assert not shop.store.orders


async def test_a_refused_order_does_not_go_to_the_provider(checkout: Checkout, provider: Provider) -> None:
    assert (await refusal(created(checkout, quantity=11))).reason == "INSUFFICIENT_STOCK"
    assert not provider.asked


async def test_a_payment_method_that_is_gone_leaves_it_to_the_customer_s_client(
    shop: Shop, checkout: Checkout, provider: Provider
) -> None:
    async def forget() -> None:
        shop.store.records[Kind.CUSTOMER].clear()

    request = wanted("tok_visa", request_id="r1")
    await shop.execute(command(request))
    await forget()
    order = Order.FromString((await checkout.execute(command(request))).body)
    assert order.status == ORDER_STATUS_PENDING
    assert provider.asked == [("open", "10")]


# The same request again.


async def test_the_same_request_again_gets_the_order_as_it_is_now(checkout: Checkout, provider: Provider) -> None:
    request = command(wanted("tok_visa", request_id="r1"))
    first, second = await checkout.execute(request), await checkout.execute(request)
    assert (bool(first.replayed), bool(second.replayed)) == (False, True)
    assert first.body == second.body
    assert len(provider.asked) == 1


async def test_the_same_request_again_gets_the_client_secret_again(checkout: Checkout) -> None:
    request = command(wanted(request_id="r1"))
    first, second = await checkout.execute(request), await checkout.execute(request)
    assert first.body == second.body
    assert second.replayed


async def test_a_declined_request_again_is_declined_again(checkout: Checkout, shop: Shop, provider: Provider) -> None:
    request = command(wanted("tok_decline", request_id="r1"))
    errors = [await refusal(checkout.execute(request)) for _ in range(2)]
    assert [error.reason for error in errors] == ["PAYMENT_FAILED"] * 2
    assert len(provider.calls("open")) == 1
    assert shop.store.stock[SHELF] == 10


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("tok_visa", ORDER_STATUS_CONFIRMED),
        ("tok_decline", ORDER_STATUS_CANCELLED),
        ("", ORDER_STATUS_PENDING),
    ],
)
@pytest.mark.parametrize("step", ["stored", "opened"])
async def test_a_process_that_dies_goes_on_with_the_same_request_and_pays_once(
    shop: Shop, provider: Provider, token: str, status: int, step: str
) -> None:
    async def die() -> None:
        raise Died

    request = command(wanted(token, request_id="r1"))
    if step == "stored":
        provider.before["open"] = die
    else:
        shop.before[SettleIntent] = die
    with pytest.raises(Died):
        await checkout_of(shop, provider).execute(request)
    assert (shop.only_order.status, shop.only_order.payment_intent.id) == (ORDER_STATUS_PENDING, "")
    provider.before.clear()
    shop.before.clear()
    (outcome,) = await asyncio.gather(checkout_of(shop, provider).execute(request), return_exceptions=True)
    if token == "tok_decline":
        assert isinstance(outcome, Refusal)
        assert outcome.reason == "PAYMENT_FAILED"
    else:
        assert isinstance(outcome, Answer)
    assert (shop.only_order.status, bool(shop.only_order.payment_intent.id)) == (status, True)
    assert len(shop.store.payments) == (1 if token else 0)


@pytest.mark.parametrize("token", ["tok_visa", "tok_authorize", "", "tok_decline"])
async def test_the_same_request_twice_at_once_makes_one_order_and_one_payment(
    checkout: Checkout, shop: Shop, token: str
) -> None:
    request = command(wanted(token, request_id="r1"))
    outcomes = await asyncio.gather(*(checkout.execute(request) for _ in range(5)), return_exceptions=True)
    if token == "tok_decline":
        assert {outcome.reason for outcome in outcomes if isinstance(outcome, Refusal)} == {"PAYMENT_FAILED"}
        assert shop.store.stock[SHELF] == 10
    else:
        assert len({outcome.body for outcome in outcomes if isinstance(outcome, Answer)}) == 1
    assert len(shop.store.orders) == 1
    assert len(shop.store.payments) == (1 if token else 0)


async def test_a_later_decline_does_not_cancel_by_a_repeated_create(checkout: Checkout, shop: Shop) -> None:
    request = command(wanted(request_id="r1"))
    order = Order.FromString((await checkout.execute(request)).body)
    error = await refusal(checkout.execute(command(pay_with(order, "tok_decline"))))
    assert error.reason == "PAYMENT_FAILED"
    assert (await refusal(checkout.execute(request))).reason == "PAYMENT_FAILED"
    assert (shop.only_order.status, shop.only_order.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_FAILED)


async def test_a_repeated_create_does_not_cancel_an_order_that_had_its_answer(checkout: Checkout, shop: Shop) -> None:
    request = command(wanted("tok_confirm", request_id="r1"))
    await checkout.execute(request)
    method = SavedPaymentMethod(
        payment_method_id="tok_confirm", type=PAYMENT_METHOD_CREDIT_CARD, provider_token="tok_decline"
    )
    shop.store.do(UpsertPaymentMethodRequest(customer_id="carl", payment_method=method))
    assert (await refusal(checkout.execute(request))).reason == "PAYMENT_FAILED"
    assert (shop.only_order.status, shop.only_order.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_FAILED)


# A provider that does not answer.


async def test_with_a_request_id_the_order_waits_for_a_retry(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    request = command(wanted("tok_visa", request_id="r1"))
    provider.before["open"] = unavailable
    error = await refusal(checkout.execute(request))
    order = shop.only_order
    assert error.reason == "DEPENDENCY_UNAVAILABLE"
    assert error.metadata == {"dependency": "payment_provider", "order_id": order.order_id}
    assert error.retry_after is not None
    assert "same request_id" in error.message
    assert (order.status, shop.store.stock[SHELF]) == (ORDER_STATUS_PENDING, 9)
    provider.before.clear()
    again = await checkout.execute(request)
    assert Order.FromString(again.body).status == ORDER_STATUS_CONFIRMED


async def test_without_a_request_id_nothing_stays_reserved(checkout: Checkout, shop: Shop) -> None:
    error = await refusal(created(checkout, "tok_unavailable"))
    assert (error.reason, error.metadata) == ("DEPENDENCY_UNAVAILABLE", {"dependency": "payment_provider"})
    await checkout.drain()
    assert (shop.only_order.status, shop.store.stock[SHELF]) == (ORDER_STATUS_CANCELLED, 10)


async def test_an_order_that_was_cancelled_so_gives_its_intent_up(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    provider.after["open"] = unavailable
    await refusal(created(checkout, "tok_authorize"))
    await checkout.drain()
    assert provider.calls("cancel") == [shop.only_order.order_id]


async def test_an_order_that_somebody_has_changed_meanwhile_is_not_cancelled(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    async def paid_by_webhook() -> None:
        event = PaymentEvent(provider="test", event_id="e1", type=PAYMENT_EVENT_TYPE_PAID)
        shop.store.do(RecordPaymentRequest(order_id=shop.only_order.order_id, event=event), PAYMENT)
        raise ProviderUnavailable("gone")

    provider.after["open"] = paid_by_webhook
    error = await refusal(created(checkout, "tok_visa"))
    assert error.metadata["order_id"] == shop.only_order.order_id
    assert shop.only_order.status == ORDER_STATUS_CONFIRMED


async def test_a_provider_that_takes_too_long_is_given_up(shop: Shop, provider: Provider) -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    provider.before["open"] = forever
    checkout = checkout_of(shop, provider, timeout=0.01)
    error = await refusal(checkout.execute(command(wanted(request_id="r1"))))
    assert error.metadata["dependency"] == "payment_provider"


async def test_a_fault_of_the_provider_is_like_no_answer(checkout: Checkout, shop: Shop, provider: Provider) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    provider.before["open"] = fail
    assert (await refusal(created(checkout))).reason == "DEPENDENCY_UNAVAILABLE"
    assert shop.only_order.status == ORDER_STATUS_CANCELLED


async def test_a_busy_database_is_asked_again_for_what_the_provider_has_done(checkout: Checkout, shop: Shop) -> None:
    refusals = [
        Refusal(ERROR_REASON_OVERLOADED, "busy", retry_after=1.0),
        Refusal(ERROR_REASON_OVERLOADED, "busy", retry_after=1.0),
    ]

    async def busy() -> None:
        if refusals:
            raise refusals.pop()

    shop.before[SettleIntent] = busy
    assert (await created(checkout, "tok_visa")).status == ORDER_STATUS_CONFIRMED


async def test_a_database_that_stays_away_is_told_with_the_order(checkout: Checkout, shop: Shop) -> None:
    async def away() -> None:
        raise Refusal(ERROR_REASON_DEPENDENCY_UNAVAILABLE, "away", metadata={"dependency": "database"}, retry_after=1.0)

    shop.before[SettleIntent] = away
    error = await refusal(created(checkout, "tok_visa"))
    assert error.metadata == {"dependency": "database", "order_id": shop.only_order.order_id}


# A caller who goes away, and others who change the order meanwhile.


@pytest.mark.parametrize("token", ["tok_visa", "tok_decline"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_has_begun_is_finished_when_the_caller_goes_away(
    checkout: Checkout, shop: Shop, provider: Provider, token: str, when: str
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reached.set()
        await go_on.wait()

    getattr(provider, when)["open"] = wait
    call = asyncio.create_task(checkout.execute(command(wanted(token))))
    await reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert shop.only_order.status == ORDER_STATUS_PENDING
    go_on.set()
    await checkout.drain()
    assert shop.only_order.status == (ORDER_STATUS_CONFIRMED if token == "tok_visa" else ORDER_STATUS_CANCELLED)


async def test_an_order_cancelled_before_it_is_settled_is_due_for_refund(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    async def cancel() -> None:
        shop.store.do(CancelOrderRequest(order_id=shop.only_order.order_id))

    provider.before["open"] = cancel
    order = await created(checkout, "tok_visa")
    assert (order.status, order.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_REFUND_DUE)
    assert shop.store.stock[SHELF] == 10


@pytest.mark.parametrize("token", ["", "tok_authorize"])
async def test_the_intent_of_an_order_cancelled_before_it_is_settled_is_given_up(
    checkout: Checkout, shop: Shop, provider: Provider, token: str
) -> None:
    async def cancel() -> None:
        await checkout.execute(command(CancelOrderRequest(order_id=shop.only_order.order_id)))

    provider.before["open"] = cancel
    order = await created(checkout, token)
    assert (order.status, order.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_UNPAID)
    assert order.payment_intent.status == PAYMENT_INTENT_STATUS_CANCELLED
    assert not order.payment_intent.client_secret
    # Once by the cancellation, which came too early to find one, and once by the call that opened it.
    assert [what for what, _ in provider.asked] == ["open", "cancel", "cancel"]


async def test_a_hold_that_is_given_up_before_it_is_in_the_books_is_not_left_in_them(
    checkout: Checkout, shop: Shop, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def void(order: Order) -> PaymentEvent:
        return PaymentEvent(event_id="void", type=PAYMENT_EVENT_TYPE_VOIDED)

    async def cancel() -> None:
        await checkout.execute(command(CancelOrderRequest(order_id=shop.only_order.order_id)))

    monkeypatch.setattr(provider, "cancel_intent", void)
    provider.after["open"] = cancel
    order = await created(checkout, "tok_authorize")
    assert order.payment.authorized_amount == money("0.00")
    assert order.payment_status == PAYMENT_STATUS_UNPAID


async def test_an_order_changed_before_it_is_settled_has_its_intent_brought_along(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    async def change() -> None:
        provider.after.clear()
        await shop.execute(command(more_pieces(shop.only_order, 3)))

    provider.after["open"] = change
    order = await created(checkout)
    assert order.pricing.total == money("30.00")
    assert provider.calls("open") == ["10", "30"]


# Updating.


def pay_with(order: Order, token: str, **more: Any) -> Any:
    return update(order, "payment_method_id", wished=Order(payment_method_id=token), **more)


def more_pieces(order: Order, quantity: int, **more: Any) -> Any:
    items = [OrderItem(product_id="chair", quantity=quantity)]
    return update(order, "items", wished=Order(items=items), **more)


async def test_an_update_brings_the_intent_to_the_new_total(checkout: Checkout, provider: Provider) -> None:
    order = await created(checkout)
    after = Order.FromString((await checkout.execute(command(more_pieces(order, 2)))).body)
    assert provider.calls("open") == ["10", "20"]
    assert not after.payment_intent.client_secret


async def test_another_payment_method_pays_the_order(checkout: Checkout, shop: Shop) -> None:
    order = await created(checkout)
    request = command(pay_with(order, "tok_visa", request_id="u1"))
    first, second = await checkout.execute(request), await checkout.execute(request)
    assert Order.FromString(first.body).status == ORDER_STATUS_CONFIRMED
    assert (second.body, bool(second.replayed)) == (first.body, True)
    assert len(shop.store.payments) == 1


async def test_an_update_whose_payment_is_declined_stands_and_the_order_stays_pending(
    checkout: Checkout, shop: Shop
) -> None:
    order = await created(checkout)
    request = command(pay_with(order, "tok_decline", request_id="u1"))
    for _ in range(2):
        error = await refusal(checkout.execute(request))
        metadata = {"order_id": order.order_id, "provider": "test", "decline_reason": "declined by the bank"}
        assert (error.reason, error.metadata) == ("PAYMENT_FAILED", metadata)
        assert f"payment declined: declined by the bank; order {order.order_number} stays pending" in error.message
    after = shop.only_order
    assert (after.status, after.payment_status) == (ORDER_STATUS_PENDING, PAYMENT_STATUS_FAILED)
    assert after.payment_method_id == "tok_decline"
    assert len(shop.store.payments) == 1


async def test_a_payment_that_had_failed_before_is_no_failure_of_another_update(checkout: Checkout) -> None:
    order = await created(checkout)
    await refusal(checkout.execute(command(pay_with(order, "tok_decline"))))
    wished = Order(special_instructions="ring twice")
    after = await checkout.execute(command(update(order, "special_instructions", wished=wished)))
    assert Order.FromString(after.body).special_instructions == "ring twice"


async def test_a_paid_order_is_updated_without_the_provider(checkout: Checkout, provider: Provider) -> None:
    order = await created(checkout, "tok_visa")
    await checkout.execute(command(update(order, "metadata", wished=Order(metadata={"a": "b"}))))
    assert len(provider.asked) == 1


async def test_an_update_stands_where_the_provider_does_not_answer(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    order = await created(checkout)
    provider.before["open"] = unavailable
    error = await refusal(checkout.execute(command(more_pieces(order, 2))))
    assert error.metadata == {"dependency": "payment_provider", "order_id": order.order_id}
    assert shop.only_order.pricing.total == money("20.00")
    provider.before.clear()
    await checkout.execute(command(more_pieces(shop.only_order, 2)))
    assert provider.calls("open")[-1] == "20"


# Cancelling.


async def test_cancelling_gives_the_intent_up(checkout: Checkout, provider: Provider) -> None:
    order = await created(checkout)
    answer = await checkout.execute(command(CancelOrderRequest(order_id=order.order_id)))
    cancelled = Order.FromString(answer.body)
    assert cancelled.payment_intent.status == PAYMENT_INTENT_STATUS_CANCELLED
    assert provider.calls("cancel") == [order.order_id]


async def test_an_order_can_be_cancelled_by_an_update_or_a_transition_too(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    first, second, kept = [await created(checkout, "tok_authorize") for _ in range(3)]
    await checkout.execute(command(update(first, "status", wished=Order(status=ORDER_STATUS_CANCELLED))))
    await checkout.execute(command(transition(second, ORDER_STATUS_CANCELLED)))
    await checkout.execute(command(transition(kept, ORDER_STATUS_PROCESSING)))
    assert provider.calls("cancel") == [first.order_id, second.order_id]
    for order in (first, second):
        assert shop.store.order(order.order_id).payment_status == PAYMENT_STATUS_UNPAID


async def test_cancelling_gives_a_hold_back(checkout: Checkout, shop: Shop) -> None:
    order = await created(checkout, "tok_authorize")
    answer = await checkout.execute(command(CancelOrderRequest(order_id=order.order_id)))
    cancelled = Order.FromString(answer.body)
    assert cancelled == shop.only_order
    assert cancelled.payment_status == PAYMENT_STATUS_UNPAID
    assert cancelled.payment.authorized_amount == money("0.00")


async def test_cancelling_succeeds_where_the_provider_does_not_answer(
    checkout: Checkout, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    order = await created(checkout, "tok_authorize")
    provider.before["cancel"] = unavailable
    request = command(CancelOrderRequest(order_id=order.order_id, request_id="c1"))
    cancelled = Order.FromString((await checkout.execute(request)).body)
    assert (cancelled.status, cancelled.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_REFUND_DUE)
    assert order.order_id in caplog.text
    provider.before.clear()
    again = await checkout.execute(request)
    assert again.replayed
    assert Order.FromString(again.body).payment_status == PAYMENT_STATUS_UNPAID


async def test_the_intent_of_a_paid_order_is_left_alone(checkout: Checkout, provider: Provider) -> None:
    order = await created(checkout, "tok_visa")
    cancelled = await checkout.execute(command(CancelOrderRequest(order_id=order.order_id)))
    assert Order.FromString(cancelled.body).payment_status == PAYMENT_STATUS_REFUND_DUE
    assert not provider.calls("cancel")


async def test_an_intent_that_turns_out_to_be_paid_is_recorded(
    checkout: Checkout, shop: Shop, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_late(order: Order) -> PaymentEvent:
        return PaymentEvent(event_id="late", type=PAYMENT_EVENT_TYPE_PAID)

    order = await created(checkout)
    monkeypatch.setattr(provider, "cancel_intent", too_late)
    await checkout.execute(command(CancelOrderRequest(order_id=order.order_id)))
    assert shop.only_order.payment_status == PAYMENT_STATUS_REFUND_DUE


# Refunding.


def refund(order: Order, value: str = "", **more: Any) -> Command:
    request = RefundOrderRequest(order_id=order.order_id, **more)
    if value:
        request.amount.CopyFrom(money(value))
    return command(request)


async def test_a_refund_is_made_at_once(checkout: Checkout, shop: Shop) -> None:
    order = await created(checkout, "tok_visa")
    after = Order.FromString((await checkout.execute(refund(order, "4.00"))).body)
    assert after == shop.only_order
    assert after.refunds[0].status == REFUND_STATUS_SUCCEEDED
    assert after.refunds[0].credit_note_number
    rest = Order.FromString((await checkout.execute(refund(order))).body)
    assert rest.payment_status == PAYMENT_STATUS_REFUNDED


async def test_the_same_refund_again_pays_back_once(checkout: Checkout, provider: Provider) -> None:
    order = await created(checkout, "tok_visa")
    first = await checkout.execute(refund(order, "4.00", request_id="b1"))
    await checkout.execute(refund(order, "5.00"))
    again = await checkout.execute(refund(order, "4.00", request_id="b1"))
    assert (bool(first.replayed), bool(again.replayed)) == (False, True)
    assert provider.calls("refund") == ["1", "2"]
    assert [one.status for one in Order.FromString(again.body).refunds] == [REFUND_STATUS_SUCCEEDED] * 2


async def test_a_refund_that_the_provider_refuses_is_told_and_kept(checkout: Checkout, shop: Shop) -> None:
    order = await created(checkout, "tok_visa", metadata={"test_refund": "fails"})
    told = {"order_id": order.order_id, "provider": "test", "refund_id": "1", "amount": "10.00 USD"}
    for words in ({"decline_reason": "refused by the bank"}, {}):
        error = await refusal(checkout.execute(refund(order, request_id="b1")))
        assert (error.reason, error.metadata) == ("PAYMENT_FAILED", told | words)
        text = f"the provider 'test' refused refund 1 of 10.00 USD of order {order.order_number}"
        assert error.message.startswith(": ".join((text, *words.values())) + "; nothing was refunded")
    assert [one.status for one in shop.only_order.refunds] == [REFUND_STATUS_FAILED]
    assert shop.only_order.payment_status == PAYMENT_STATUS_PAID


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_refund_without_an_answer_stays_pending_and_is_taken_up_again(
    checkout: Checkout, shop: Shop, provider: Provider, when: str
) -> None:
    order = await created(checkout, "tok_visa")
    getattr(provider, when)["refund"] = unavailable
    error = await refusal(checkout.execute(refund(order, request_id="b1")))
    assert error.metadata == {"dependency": "payment_provider", "order_id": order.order_id}
    assert shop.only_order.refunds[0].status == REFUND_STATUS_PENDING
    getattr(provider, when).clear()
    again = await checkout.execute(refund(order, request_id="b1"))
    assert Order.FromString(again.body).refunds[0].status == REFUND_STATUS_SUCCEEDED


async def test_a_refund_that_is_reported_in_another_way_meanwhile_is_made_once(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    order = await created(checkout, "tok_visa")

    async def report() -> None:
        event = PaymentEvent(provider="test", event_id="webhook", type=PAYMENT_EVENT_TYPE_REFUNDED, refund_id="1")
        shop.store.do(RecordPaymentRequest(order_id=order.order_id, event=event), PAYMENT)

    provider.after["refund"] = report
    after = Order.FromString((await checkout.execute(refund(order))).body)
    assert after.payment.refunded_amount == money("10.00")
    assert len(after.refunds) == 1


async def test_what_was_not_paid_through_the_provider_is_not_refunded_through_it(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    order = await created(checkout, payment_method=PAYMENT_METHOD_BANK_TRANSFER)
    event = PaymentEvent(event_id="bank", type=PAYMENT_EVENT_TYPE_PAID)
    shop.store.do(RecordPaymentRequest(order_id=order.order_id, event=event), ADMIN)
    after = Order.FromString((await checkout.execute(refund(order))).body)
    assert after.refunds[0].status == REFUND_STATUS_PENDING
    assert not provider.asked


async def test_money_that_came_another_way_is_not_refunded_through_the_provider(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    order = await created(checkout)
    assert order.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
    event = PaymentEvent(provider="bank", event_id="b1", type=PAYMENT_EVENT_TYPE_PAID)
    recorded = RecordPaymentRequest(order_id=order.order_id, event=event)
    paid = Order.FromString((await checkout.execute(command(recorded, PAYMENT))).body)
    assert (paid.status, paid.payment_intent.status) == (ORDER_STATUS_CONFIRMED, PAYMENT_INTENT_STATUS_CANCELLED)
    assert provider.calls("cancel") == [order.order_id], "the intent could be paid as well"
    after = Order.FromString((await checkout.execute(refund(order))).body)
    assert after.refunds[0].status == REFUND_STATUS_PENDING
    assert not provider.calls("refund")


async def test_what_the_provider_reports_itself_brings_its_intent_along(checkout: Checkout, provider: Provider) -> None:
    order = await created(checkout)
    event = PaymentEvent(provider="test", event_id="webhook", type=PAYMENT_EVENT_TYPE_PAID)
    recorded = RecordPaymentRequest(order_id=order.order_id, event=event)
    paid = Order.FromString((await checkout.execute(command(recorded, PAYMENT))).body)
    assert paid.payment_intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED
    assert not provider.calls("cancel")
    after = Order.FromString((await checkout.execute(refund(order))).body)
    assert after.payment_status == PAYMENT_STATUS_REFUNDED


# The cart of an order that came to nothing.


def in_cart(shop: Shop) -> list[tuple[str, int]]:
    cart = shop.store.do(GetCartRequest(customer_id="carl"))
    return [(item.product_id, item.quantity) for item in cart.items]


@pytest.mark.parametrize("token", ["tok_decline", "tok_unavailable"])
async def test_an_order_that_cannot_be_paid_gives_its_lines_back_to_the_cart(
    checkout: Checkout, shop: Shop, token: str
) -> None:
    cart = shop.store.do(AddCartItemRequest(customer_id="carl", product_id="chair", quantity=3))
    request = CreateOrderRequest(customer_id="carl", cart_id=cart.cart_id, payment_method_id=token)
    await refusal(checkout.execute(command(request)))
    await checkout.drain()
    assert shop.only_order.status == ORDER_STATUS_CANCELLED
    assert in_cart(shop) == [("chair", 3)]
    request.payment_method_id = "tok_visa"
    again = Order.FromString((await checkout.execute(command(request))).body)
    assert (again.status, again.cart_id, in_cart(shop)) == (ORDER_STATUS_CONFIRMED, cart.cart_id, [])


async def test_a_cart_that_the_customer_has_begun_anew_is_left_alone(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    cart = shop.store.do(AddCartItemRequest(customer_id="carl", product_id="chair", quantity=3))

    async def add() -> None:
        shop.store.do(AddCartItemRequest(customer_id="carl", product_id="chair", quantity=1))

    provider.before["open"] = add
    request = CreateOrderRequest(customer_id="carl", cart_id=cart.cart_id, payment_method_id="tok_decline")
    assert (await refusal(checkout.execute(command(request)))).reason == "PAYMENT_FAILED"
    assert in_cart(shop) == [("chair", 1)]


async def test_a_cart_stays_empty_where_the_customer_cancelled_while_the_order_was_paid(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    cart = shop.store.do(AddCartItemRequest(customer_id="carl", product_id="chair", quantity=3))

    async def cancel() -> None:
        shop.store.do(CancelOrderRequest(order_id=shop.only_order.order_id))

    provider.before["open"] = cancel
    request = CreateOrderRequest(customer_id="carl", cart_id=cart.cart_id, payment_method_id="tok_visa")
    order = Order.FromString((await checkout.execute(command(request))).body)
    assert (order.status, order.payment_status) == (ORDER_STATUS_CANCELLED, PAYMENT_STATUS_REFUND_DUE)
    assert in_cart(shop) == []


# Another way of paying.


async def test_an_order_that_is_to_be_paid_without_the_provider_gives_its_intent_up(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    order = await created(checkout, payment_method=PAYMENT_METHOD_CREDIT_CARD)
    assert order.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
    request = update(order, "payment_method", wished=Order(payment_method=PAYMENT_METHOD_BANK_TRANSFER))
    changed = Order.FromString((await checkout.execute(command(request))).body)
    assert changed.payment_intent.status == PAYMENT_INTENT_STATUS_CANCELLED
    assert provider.calls("cancel") == [order.order_id]
    assert shop.only_order == changed


async def test_an_intent_that_could_not_be_given_up_is_given_up_by_the_same_update_again(
    checkout: Checkout, shop: Shop, provider: Provider
) -> None:
    order = await created(checkout, payment_method=PAYMENT_METHOD_CREDIT_CARD)
    wished = Order(payment_method=PAYMENT_METHOD_BANK_TRANSFER)
    request = update(order, "payment_method", wished=wished, request_id="r1")
    provider.before["cancel"] = unavailable
    error = await refusal(checkout.execute(command(request)))
    assert (error.reason, error.metadata["order_id"]) == ("DEPENDENCY_UNAVAILABLE", order.order_id)
    assert shop.only_order.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
    del provider.before["cancel"]
    changed = Order.FromString((await checkout.execute(command(request))).body)
    assert changed.payment_intent.status == PAYMENT_INTENT_STATUS_CANCELLED


async def test_an_order_that_is_to_be_paid_through_the_provider_after_all_gets_an_intent(
    checkout: Checkout, shop: Shop
) -> None:
    order = await created(checkout, payment_method=PAYMENT_METHOD_CASH_ON_DELIVERY)
    assert not order.HasField("payment_intent")
    request = update(order, "payment_method_id", wished=Order(payment_method_id="tok_visa"))
    changed = Order.FromString((await checkout.execute(command(request))).body)
    assert (changed.status, changed.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)


async def test_a_hold_that_is_reported_after_the_payment_holds_nothing(checkout: Checkout, shop: Shop) -> None:
    order = await created(checkout, "tok_visa")
    event = PaymentEvent(provider="test", event_id="late", type=PAYMENT_EVENT_TYPE_AUTHORIZED, amount=money("10.00"))
    shop.store.do(RecordPaymentRequest(order_id=order.order_id, event=event), PAYMENT)
    assert shop.only_order.payment.authorized_amount == money("0.00")
    assert shop.only_order.payment_status == PAYMENT_STATUS_PAID


# Returns.


async def returned(shop: Shop, checkout: Checkout) -> Order:
    """A paid order of which one chair came back, whose return is not closed."""
    order = await created(checkout, "tok_visa", quantity=2)
    named = {"order_id": order.order_id}
    label = {"carrier": "DHL", "tracking_number": "1Z"}
    shop.store.do(TransitionOrderRequest(**named, status=ORDER_STATUS_SHIPPED, **label))
    shop.store.do(TransitionOrderRequest(**named, status=ORDER_STATUS_DELIVERED))
    shop.store.do(RequestReturnRequest(**named, items=[{"item_id": "1", "quantity": 1}]))
    shop.store.do(DecideReturnRequest(**named, return_id="1", decision=RETURN_DECISION_APPROVE))
    units = [{"item_id": "1", "quantity": 1, "disposition": RETURN_DISPOSITION_RESTOCK}]
    shop.store.do(ReceiveReturnRequest(**named, return_id="1", items=units))
    return shop.store.order(order.order_id)


async def exchange(checkout: Checkout, order: Order, quantity: int) -> Order:
    items = [{"product_id": "chair", "quantity": quantity}]
    request = CloseReturnRequest(order_id=order.order_id, return_id="1", exchange_items=items, request_id="x")
    return Order.FromString((await checkout.execute(command(request))).body)


async def test_the_provider_takes_what_an_exchange_costs_more(
    shop: Shop, checkout: Checkout, provider: Provider
) -> None:
    order = await returned(shop, checkout)
    provider.asked.clear()
    closed = await exchange(checkout, order, 3)
    new = shop.store.order(closed.returns[0].exchange_order_id)
    assert new.payment.due_amount == new.payment_intent.amount == money("20")
    assert [kind for kind, _ in provider.asked] == ["open"]
    assert await exchange(checkout, order, 3) == closed
    assert len(shop.store.orders) == 2


async def test_an_even_exchange_moves_no_money_at_the_provider(
    shop: Shop, checkout: Checkout, provider: Provider
) -> None:
    order = await returned(shop, checkout)
    provider.asked.clear()
    closed = await exchange(checkout, order, 1)
    assert [refund.status for refund in closed.refunds] == [REFUND_STATUS_SUCCEEDED]
    assert shop.store.order(closed.returns[0].exchange_order_id).payment_status == PAYMENT_STATUS_PAID
    assert provider.asked == []
