"""Long random histories of everything that can happen, with what has to hold after every step.

Between any two batches nothing is left but what was written: see `Store`. The requests come from `history_maker.py`, what has to
hold stands in `history_checks.py`.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import protovalidate
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.cart_service_pb2 import Cart
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest, Coupon
from orders.v1.customer_service_pb2 import PointsEntryType
from orders.v1.order_pb2 import (
    Order,
    OrderEventType,
    PaymentEventType,
    PaymentStatus,
    RefundStatus,
    Tracking,
)
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
    UpsertOrder,
)

from server.domain.base.errors import Refusal, Violation
from server.domain.base.idempotency import Key
from server.domain.base.records import Kind
from server.domain.operations import OPERATIONS, Answer, Command
from server.domain.payments.payments import SettleIntent
from tests.domain.builders import STATUSES, Outcome, Store, command, product, unhurried, variant
from tests.domain.history_checks import (
    Ledger,
    check_counts,
    check_order,
    check_records,
    check_story,
)
from tests.domain.history_maker import DAY, Maker, catalogue

BATCHES = 1200
SEEDS = range(6)

REFUSALS = {
    "INVALID_ORDER_DATA",
    "INSUFFICIENT_STOCK",
    "PRODUCT_NOT_FOUND",
    "INVALID_COUPON",
    "INSUFFICIENT_POINTS",
    "DELIVERY_NOT_AVAILABLE",
    "CART_NOT_FOUND",
    "CART_ITEM_NOT_FOUND",
    "PRICE_CHANGED",
    "CUSTOMER_NOT_FOUND",
    "ADDRESS_NOT_FOUND",
    "PAYMENT_METHOD_NOT_FOUND",
    "DELIVERY_ZONE_NOT_FOUND",
    "ORDER_NOT_FOUND",
    "ORDER_NOT_CANCELLABLE",
    "ORDER_ALREADY_CANCELLED",
    "ORDER_ACCESS_DENIED",
    "INVALID_TRANSITION",
    "ETAG_MISMATCH",
    "IDEMPOTENCY_KEY_REUSED",
    "REFUND_EXCEEDS_PAYMENT",
}
# Those that say more exactly what was in the way.
CONDITIONS = {
    "INVALID_COUPON": {
        "exists",
        "started",
        "ended",
        "minimum_subtotal",
        "usage_limit",
        "usage_limit_per_customer",
        "products",
        "currency",
    },
    "DELIVERY_NOT_AVAILABLE": {"zone", "method", "time_slot", "currency"},
}
_ANSWERED_WITH_THE_ORDER = (
    CreateOrderRequest
    | UpdateOrderRequest
    | TransitionOrderRequest
    | CancelOrderRequest
    | RecordPaymentRequest
    | RefundOrderRequest
    | SettleIntent
)

_validator = protovalidate.Validator()


def static_rules(wished: UpsertOrder) -> list[Violation]:
    """What the server's own validation finds."""
    found = _validator.collect_violations(wished)
    return [Violation("order", violation.proto.message) for violation in found]


@dataclass
class World:
    """A store, what happens to it, and what was met."""

    seed: int
    store: Store = field(default_factory=Store)
    ledger: Ledger = field(default_factory=Ledger)
    seen: dict[str, Order] = field(default_factory=dict)
    answers: dict[Key, bytes] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    conditions: Counter[tuple[str, str]] = field(default_factory=Counter)
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
        self.store.put_products(*catalogue(random.Random(0)), product("lamp2", variants=[variant("v")]))

    def live(self, batches: int) -> "World":
        for _ in range(batches):
            self.step()
        self.ledger.check_documents(self.store)
        return self

    def step(self) -> None:
        self.store.time.seconds += 60 * DAY if self.rng.random() < 0.003 else self.rng.choice([0, 1, 3600])
        commands = [self.maker.command() for _ in range(self.rng.choice([1, 1, 1, 2, 4]))]
        before = dict(self.store.orders)
        limits = self.coupon_limits(commands)
        try:
            quoted = self.quote(commands)
            outcomes = self.store.execute(*commands, validate=static_rules)
            self.check_quote(quoted, outcomes[0])
            self.check_answers(commands, outcomes)
            self.check_orders([key for key, value in self.store.orders.items() if before.get(key) != value], limits)
            self.ledger.check_counters(self.store)
            check_records(self.store)
        except BaseException as error:
            error.add_note(f"seed {self.seed}: {commands}")
            raise

    # A quote and the order that follows it.

    def quote(self, commands: list[Command]) -> Outcome | None:
        """What PriceOrder says of an order that is about to be created."""
        request = commands[0].request
        if len(commands) > 1 or not isinstance(request, CreateOrderRequest):
            return None
        (outcome,) = self.store.execute(command(PriceOrderRequest(order=request), commands[0].caller))
        return outcome

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

    def check_answers(self, commands: list[Command], outcomes: list[Outcome]) -> None:
        for wanted, outcome in zip(commands, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                assert outcome.reason != "INTERNAL"
                self.refusals[outcome.reason] += 1
                self.conditions[outcome.reason, outcome.metadata.get("condition", "")] += 1
                continue
            self.carried_out[wanted.operation.method] += 1
            if outcome.replayed:
                self.replays += 1
                assert outcome.body == self.answers[wanted.key]
            elif wanted.key is not None and not wanted.dry:
                self.answers[wanted.key] = outcome.body
            if isinstance(wanted.request, RecordTrackingEventRequest):
                check_story(Tracking.FromString(outcome.body))
            elif isinstance(wanted.request, BatchUpsertOrdersRequest):
                check_counts(BatchUpsertOrdersResponse.FromString(outcome.body), wanted.request)
            elif len(commands) == 1 and not outcome.replayed:
                self.check_body(wanted, outcome)

    def check_body(self, wanted: Command, outcome: Answer) -> None:
        """An answer that was not given before is the order as it is stored, and the cart that it was made of is empty."""
        request = wanted.request
        if not isinstance(request, _ANSWERED_WITH_THE_ORDER):
            return
        order = Order.FromString(outcome.body)
        if wanted.dry:
            assert order.order_number == "" or order.order_id in self.store.orders
            return
        assert outcome.body == self.store.orders[order.order_id]
        if isinstance(request, CreateOrderRequest) and request.cart_id:
            assert not Cart.FromString(self.store.records[Kind.CART][request.cart_id]).items

    def check_orders(self, changed: Sequence[str], limits: dict[str, tuple[int, int]]) -> None:
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

    def coupon_limits(self, commands: list[Command]) -> dict[str, tuple[int, int]]:
        """The limits by coupon, the widest that any time in the batch has. No limit is infinite."""
        coupons = [Coupon.FromString(snapshot) for snapshot in self.store.records[Kind.COUPON].values()]
        for wanted in commands:
            if isinstance(wanted.request, BatchUpsertCouponsRequest):
                coupons += wanted.request.coupons
        limits: dict[str, tuple[int, int]] = {}
        for coupon in coupons:
            whole, own = limits.get(coupon.code.upper(), (0, 0))
            given = coupon.usage_limit or 10**9, coupon.usage_limit_per_customer or 10**9
            limits[coupon.code.upper()] = max(whole, given[0]), max(own, given[1])
        return limits

    def check_limits(self, order: Order, before: Order | None, limits: dict[str, tuple[int, int]]) -> None:
        """An order that is new was within the limits of its coupon when it came to use it."""
        if before is None:
            for coupon in order.pricing.applied_coupons:
                whole, own = limits[coupon.code]
                assert self.ledger.uses[coupon.code, ""] <= whole
                assert self.ledger.uses[coupon.code, order.customer.customer_id] <= own


@cache
def lived(seed: int) -> World:
    """A world that has had a long history."""
    return World(seed).live(BATCHES)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_everything_agrees(seed: int) -> None:
    world = lived(seed)
    assert set(world.seen) == set(world.store.orders)
    assert world.replays
    assert world.quotes_kept


def test_between_them_the_histories_meet_everything() -> None:
    """So that none of the above holds only because nothing happened."""
    worlds = [lived(seed) for seed in SEEDS]
    assert set(sum((world.refusals for world in worlds), Counter())) == REFUSALS
    conditions = sum((world.conditions for world in worlds), Counter())
    for reason, expected in CONDITIONS.items():
        assert {condition for met, condition in conditions if met == reason} == expected
    for name, met, possible in (
        ("statuses", "statuses", STATUSES),
        ("payment statuses", "payment_statuses", PaymentStatus.values()[1:]),
        ("refund statuses", "refund_statuses", RefundStatus.values()[1:]),
        ("events", "event_types", OrderEventType.values()[1:]),
    ):
        assert set().union(*(getattr(world, met) for world in worlds)) == set(possible), name
    payments = {event.type for world in worlds for _, event in world.store.payments.values()}
    assert payments == set(PaymentEventType.values()[1:])
    entries = {entry.type for world in worlds for entry in world.store.points_entries}
    assert entries == set(PointsEntryType.values()[1:])
    assert {series for world in worlds for series, _ in world.ledger.series} == {"INV", "CN"}
    assert any(len({year for _, year in world.ledger.series}) > 1 for world in worlds)
    assert set().union(*(world.carried_out for world in worlds)) == {
        operation.method for operation in OPERATIONS.values()
    }


@unhurried
@given(seed=st.integers(0, 2**32 - 1), batches=st.integers(1, 80))
def test_no_history_however_short_breaks_what_always_holds(seed: int, batches: int) -> None:
    """The same over many more beginnings; a failure shrinks to the fewest batches that show it."""
    World(seed).live(batches)


def test_a_history_is_the_same_each_time() -> None:
    """A failure can be had again by its seed."""
    first, second = World(7).live(60), World(7).live(60)
    assert first.store.orders == second.store.orders
    assert first.store.events == second.store.events
    assert first.store.documents == second.store.documents
