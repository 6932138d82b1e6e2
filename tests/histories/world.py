"""A store, what happens to it, and the checks after every batch: the same for the fake store and for PostgreSQL."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orders.v1.cart_service_pb2 import Cart
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest, Coupon, Product
from orders.v1.order_pb2 import Order, Tracking
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    CancelOrderRequest,
    CreateOrderRequest,
    PriceOrderRequest,
    PriceOrderResponse,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from server.domain.base.errors import Refusal
from server.domain.base.idempotency import Key
from server.domain.base.records import Kind
from server.domain.base.redaction import without_secrets
from server.domain.operations import Answer, Command
from server.domain.payments.payments import SettleIntent
from tests.domain.builders import Outcome, Store, command, product, variant
from tests.histories.maker import Maker, catalogue
from tests.histories.oracle import Ledger, check_counts, check_order, check_records, check_story
from tests.methods import METHODS

_ANSWERED_WITH_THE_ORDER = (
    CreateOrderRequest
    | UpdateOrderRequest
    | TransitionOrderRequest
    | CancelOrderRequest
    | RecordPaymentRequest
    | RefundOrderRequest
    | SettleIntent
)


Limits = dict[str, tuple[int, int]]


def stock() -> list[Product]:
    """The products that a history begins with."""
    return [*catalogue(random.Random(0)), product("lamp2", variants=[variant("v")])]


def remembered(wanted: Command, answer: Answer) -> bytes:
    """An answer as it is replayed: without its secrets."""
    kind: Any = METHODS[wanted.operation.method].output_type._concrete_class
    response = kind.FromString(answer.body)
    shown = without_secrets(response)
    return answer.body if shown is response else bytes(shown.SerializeToString(deterministic=True))


@dataclass(frozen=True)
class Step:
    """Commands that run at once, and what the store held before them."""

    commands: list[Command]
    orders: dict[str, bytes]
    limits: Limits


@dataclass
class World:
    """A store, the generator of what happens to it, and what was met."""

    seed: int
    store: Store = field(default_factory=Store)
    ledger: Ledger = field(default_factory=Ledger)
    seen: dict[str, Order] = field(default_factory=dict)
    answers: dict[Key, bytes] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    conditions: Counter[tuple[str, str]] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    carried_out: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    payment_statuses: Counter[int] = field(default_factory=Counter)
    refund_statuses: Counter[int] = field(default_factory=Counter)
    event_types: Counter[int] = field(default_factory=Counter)
    replays: int = 0
    quotes_kept: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.maker = Maker(self.rng, self.store)

    def next_step(self, size: int) -> Step:
        """As many new commands."""
        commands = [self.maker.command() for _ in range(size)]
        self.sent.update(wanted.operation.method for wanted in commands)
        return Step(commands, dict(self.store.orders), self.coupon_limits(commands))

    def check(self, step: Step, outcomes: Sequence[Outcome]) -> None:
        """Checks the outcomes of a step, and the store after it."""
        changed = [key for key, value in self.store.orders.items() if step.orders.get(key) != value]
        self.check_answers(step.commands, outcomes)
        self.check_orders(changed, step.limits)
        self.ledger.check_counters(self.store)
        check_records(self.store)

    # A quote and the order that follows it.

    def to_quote(self, commands: list[Command]) -> Command | None:
        """The command that asks for the price of the one order that is about to be created."""
        request = commands[0].request
        if len(commands) > 1 or not isinstance(request, CreateOrderRequest):
            return None
        return command(PriceOrderRequest(order=request), commands[0].caller)

    def check_quote(self, quoted: Outcome | None, outcome: Outcome) -> None:
        """CreateOrder does what PriceOrder said, or refuses for the same reason."""
        if quoted is None or (isinstance(outcome, Answer) and outcome.replayed):
            return
        if isinstance(outcome, Refusal):
            if outcome.reason != "IDEMPOTENCY_KEY_REUSED":
                assert isinstance(quoted, Refusal)
                assert (quoted.reason, quoted.metadata) == (outcome.reason, outcome.metadata)
            return
        assert isinstance(quoted, Answer), quoted
        price, order = PriceOrderResponse.FromString(quoted.body), Order.FromString(outcome.body)
        assert (price.pricing, price.items) == (order.pricing, order.items)
        assert (price.delivery, price.installation) == (order.delivery, order.installation)
        self.quotes_kept += 1

    # What has to hold.

    def check_answers(self, commands: list[Command], outcomes: Sequence[Outcome]) -> None:
        answered = [(wanted, outcome) for wanted, outcome in zip(commands, outcomes, strict=True)]
        for wanted, outcome in answered:
            if isinstance(outcome, Refusal):
                self.note_refusal(outcome)
                continue
            self.carried_out[wanted.operation.method] += 1
            if wanted.key is not None and not wanted.dry and not outcome.replayed:
                self.answers[wanted.key] = remembered(wanted, outcome)
            if isinstance(wanted.request, RecordTrackingEventRequest):
                check_story(Tracking.FromString(outcome.body))
            elif isinstance(wanted.request, BatchUpsertOrdersRequest):
                check_counts(BatchUpsertOrdersResponse.FromString(outcome.body), wanted.request)
            elif len(commands) == 1 and not outcome.replayed:
                self.check_body(wanted, outcome)
        # Of commands that run at once, a later one may be the first of its request id.
        for wanted, outcome in answered:
            if isinstance(outcome, Answer) and outcome.replayed:
                self.replays += 1
                assert outcome.body == self.answers[wanted.key]

    def note_refusal(self, refusal: Refusal) -> None:
        assert refusal.reason != "INTERNAL"
        self.refusals[refusal.reason] += 1
        self.conditions[refusal.reason, refusal.metadata.get("condition", "")] += 1

    def check_body(self, wanted: Command, outcome: Answer) -> None:
        """An answer that was not given before is the order as it is stored, and the cart that it was made of is empty."""
        request = wanted.request
        if not isinstance(request, _ANSWERED_WITH_THE_ORDER):
            return
        order = Order.FromString(outcome.body)
        if wanted.dry:
            assert order.order_number == "" or order.order_id in self.store.orders
            return
        assert order == self.store.order(order.order_id)
        if isinstance(request, CreateOrderRequest) and request.cart_id:
            assert not Cart.FromString(self.store.records[Kind.CART][request.cart_id]).items

    def check_orders(self, changed: Sequence[str], limits: Limits) -> None:
        self.ledger.read(self.store)
        orders = [(self.store.order(order_id), self.seen.get(order_id)) for order_id in changed]
        for order, before in orders:
            self.ledger.count(order, before)
        for order, before in orders:
            events = self.store.history(order.order_id)
            check_order(order, before, events)
            self.ledger.check_order(order, before, events)
            self.check_limits(order, before, limits)
            self.seen[order.order_id] = order
            self.event_types.update(event.type for event in events[before.version if before else 0 :])
            self.statuses[order.status] += 1
            self.payment_statuses[order.payment_status] += 1
            self.refund_statuses.update(refund.status for refund in order.refunds)

    def coupon_limits(self, commands: list[Command]) -> Limits:
        """The limits by coupon, the widest that any time in the batch has. No limit is infinite."""
        coupons = [Coupon.FromString(snapshot) for snapshot in self.store.records[Kind.COUPON].values()]
        for wanted in commands:
            if isinstance(wanted.request, BatchUpsertCouponsRequest):
                coupons += wanted.request.coupons
        limits: Limits = {}
        for coupon in coupons:
            whole, own = limits.get(coupon.code.upper(), (0, 0))
            given = coupon.usage_limit or 10**9, coupon.usage_limit_per_customer or 10**9
            limits[coupon.code.upper()] = max(whole, given[0]), max(own, given[1])
        return limits

    def check_limits(self, order: Order, before: Order | None, limits: Limits) -> None:
        """An order that is new was within the limits of its coupon when it came to use it."""
        if before is None:
            for coupon in order.pricing.applied_coupons:
                whole, own = limits[coupon.code]
                assert self.ledger.uses[coupon.code, ""] <= whole
                assert self.ledger.uses[coupon.code, order.customer.customer_id] <= own
