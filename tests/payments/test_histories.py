"""Random orders at a payment provider that keeps money, fails now and then, and sees processes die: the books agree in the end."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from orders.v1.customer_service_pb2 import CustomerAccount, SavedPaymentMethod, UpsertPaymentMethodRequest
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_STATUS_REFUND_DUE,
    Order,
    OrderItem,
    PaymentEvent,
    PaymentIntent,
    Refund,
)
from orders.v1.order_service_pb2 import CancelOrderRequest, CreateOrderRequest, RefundOrderRequest

from server.domain.base.errors import Refusal
from server.domain.base.money import minor_of
from server.domain.base.records import Kind
from server.domain.operations import Answer, Command
from server.payments import flow
from server.payments.checkout import Checkout
from server.payments.flow import awaits_payment
from server.payments.provider import Opened, ProviderUnavailable
from server.retry import RetryPolicy
from server.storage.references import Reference
from tests.domain.builders import Store, command, create, line, money, product, update

SEEDS = range(150)
STOCK = 1000
TOKENS = ("tok_visa", "tok_decline", "tok_authorize")


class Died(BaseException):
    """The process ends here."""


@dataclass
class Account:
    """What the bank has of one order, in minor units."""

    asked: int = 0
    event: PaymentEvent | None = None
    paid: int = 0
    held: int = 0
    voided: bool = False
    cancelled: bool = False
    refunds: dict[str, int] = field(default_factory=dict)


class Bank:
    """A provider with a memory: an intent is paid or held once, and a refund is made once."""

    name = "bank"

    def __init__(self, world: "World") -> None:
        self._world = world
        self.accounts: dict[str, Account] = {}

    async def open_intent(self, order: Order, *, token: str) -> Opened:
        await self._world.turn()
        account = self.accounts.setdefault(order.order_id, Account())
        if not account.cancelled and not account.paid and not account.held:
            account.asked = minor_of(order.pricing.total)
            self._try(account, order, token)
        await self._world.turn()
        status = PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
        if account.paid:
            status = PAYMENT_INTENT_STATUS_SUCCEEDED
        elif account.held:
            status = PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE
        intent = PaymentIntent(id=f"pi-{order.order_id}", client_secret="s", status=status)
        event = account.event
        return Opened(intent, copy_of(event) if event is not None and not account.voided else None)

    def _try(self, account: Account, order: Order, token: str) -> None:
        kinds = {
            "tok_visa": PAYMENT_EVENT_TYPE_PAID,
            "tok_authorize": PAYMENT_EVENT_TYPE_AUTHORIZED,
            "tok_decline": PAYMENT_EVENT_TYPE_FAILED,
        }
        if token not in kinds:
            account.event = None
            return
        event_id = f"{order.order_id}-{token}-{account.asked}"
        account.event = PaymentEvent(event_id=event_id, type=kinds[token], amount=order.pricing.total)
        account.paid = account.asked if token == "tok_visa" else 0
        account.held = account.asked if token == "tok_authorize" else 0

    async def cancel_intent(self, order: Order) -> PaymentEvent | None:
        await self._world.turn()
        account = self.accounts.get(order.order_id)
        if account is None:
            return None
        account.cancelled = True
        if account.held:
            account.voided, account.held = True, 0
            account.event = PaymentEvent(event_id=f"{order.order_id}-void", type=PAYMENT_EVENT_TYPE_VOIDED)
        await self._world.turn()
        return copy_of(account.event) if account.event is not None and (account.paid or account.voided) else None

    async def refund(self, order: Order, refund: Refund) -> PaymentEvent:
        await self._world.turn()
        account = self.accounts[order.order_id]
        account.refunds[refund.refund_id] = minor_of(refund.amount)
        await self._world.turn()
        event_id = f"{order.order_id}-refund-{refund.refund_id}"
        return PaymentEvent(event_id=event_id, type=PAYMENT_EVENT_TYPE_REFUNDED)


def copy_of(event: PaymentEvent) -> PaymentEvent:
    copy = PaymentEvent()
    copy.CopyFrom(event)
    return copy


class World:
    """The shop, its bank and everybody at work there; `calm` once nothing goes wrong any more."""

    def __init__(self, seed: int) -> None:
        self.rng, self.calm = random.Random(seed), False
        self.stored: dict[str, asyncio.Event] = {}
        self.store, self.bank = Store(), Bank(self)
        self.store.put_products(product(price="1.00", stock=STOCK))
        for token in TOKENS:
            method = SavedPaymentMethod(payment_method_id=token, type=PAYMENT_METHOD_CREDIT_CARD, provider_token=token)
            self.store.do(UpsertPaymentMethodRequest(customer_id="carl", payment_method=method))
        self.checkout = Checkout(writer=self, orders=self, customers=self, provider=self.bank, timeout=60)

    async def turn(self) -> None:
        """Lets others go first; now and then the call is lost, or the process."""
        for _ in range(self.rng.randrange(4)):
            await asyncio.sleep(0)
        if not self.calm:
            fate = self.rng.random()
            if fate < 0.04:
                raise ProviderUnavailable("lost")
            if fate < 0.08:
                raise Died

    async def execute(self, wanted: Command) -> Answer:
        for _ in range(self.rng.randrange(4)):
            await asyncio.sleep(0)
        if not self.calm and self.rng.random() < 0.04:
            raise Died
        (outcome,) = self.store.execute(wanted)
        if isinstance(wanted.request, CreateOrderRequest):
            self.stored[wanted.request.request_id].set()
        await asyncio.sleep(0)
        if not self.calm and self.rng.random() < 0.04:
            raise Died
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def get(self, reference: Reference) -> bytes:
        return self.store.orders[reference.name]

    async def account(self, customer_id: str) -> CustomerAccount:
        return CustomerAccount.FromString(self.store.records[Kind.CUSTOMER][customer_id])

    async def customer(self, number: int) -> None:
        """Orders something and changes their mind; everything is sent again until there is an answer."""
        request = create(line(quantity=self.rng.randint(1, 5)), payment_method_id=self.rng.choice(["", *TOKENS]))
        request.request_id = f"create-{number}"
        stored = self.stored[request.request_id] = asyncio.Event()
        creating = asyncio.create_task(self.insist(self.checkout.execute, request))
        await stored.wait()
        order_id = self.order_of(number)
        acts = [creating]
        for act in range(self.rng.randint(0, 4)):
            for _ in range(self.rng.randrange(6)):
                await asyncio.sleep(0)
            run, wish = self.wish(order_id)
            wish.request_id = f"wish-{number}-{act}"
            acts.append(asyncio.create_task(self.insist(run, wish)))
        await asyncio.gather(*acts)

    def order_of(self, number: int) -> str:
        (found,) = (value for key, value in self.store.remembered.items() if key.request_id == f"create-{number}")
        return str(Order.FromString(found.response).order_id)

    def wish(self, order_id: str) -> tuple[Callable[[Command], Awaitable[Answer]], Any]:
        order = self.store.order(order_id)
        items = [OrderItem(product_id="chair", quantity=self.rng.randint(1, 5))]
        pay_with = Order(payment_method_id=self.rng.choice(TOKENS))
        refund = RefundOrderRequest(order_id=order_id, amount=money(str(self.rng.randint(1, 3))))
        return self.rng.choice(
            [
                (self.checkout.execute, update(order, "items", wished=Order(items=items))),
                (self.checkout.execute, update(order, "payment_method_id", wished=pay_with)),
                (self.checkout.execute, CancelOrderRequest(order_id=order_id)),
                (self.checkout.execute, refund),
            ]
        )

    async def insist(self, run: Callable[[Command], Awaitable[Answer]], request: Any) -> None:
        while True:
            try:
                await run(command(request))
                return
            except Died:
                continue
            except Refusal as error:
                if error.retry_after is None:
                    return
        raise AssertionError("unreachable")


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_books_agree_in_the_end(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "_RECORDING", RetryPolicy(first=0, longest=0, attempts=3))
    world = World(seed)
    await asyncio.gather(*(world.customer(number) for number in range(3)))
    await world.checkout.drain()
    world.calm = True
    await settle_accounts(world)
    held = 0
    for order_id in world.store.orders:
        order = world.store.order(order_id)
        check_books(order, world.bank.accounts.get(order_id, Account(cancelled=True)))
        held += 0 if order.status == ORDER_STATUS_CANCELLED else order.total_quantity
    assert world.store.stock["chair", ""] == STOCK - held


async def settle_accounts(world: World) -> None:
    """What was answered once may have left something to the provider, which best effort did not reach: it is asked for again."""
    for key, remembered in list(world.store.remembered.items()):
        if key.method == "CreateOrder":
            await world.insist(world.checkout.execute, CreateOrderRequest.FromString(remembered.request))
        if key.method == "CancelOrder":
            await world.insist(world.checkout.execute, CancelOrderRequest.FromString(remembered.request))


def check_books(order: Order, account: Account) -> None:
    payment = order.payment
    assert minor_of(payment.paid_amount) == account.paid
    assert minor_of(payment.refunded_amount) == sum(account.refunds.values())
    assert minor_of(payment.authorized_amount) == account.held
    if order.status == ORDER_STATUS_CANCELLED:
        assert account.held == 0
        assert account.cancelled or account.paid
        due = account.paid > sum(account.refunds.values())
        assert due == (order.payment_status == PAYMENT_STATUS_REFUND_DUE)
    elif awaits_payment(order):
        assert account.asked == minor_of(order.pricing.total)
