"""Long random histories on the fake store, which keeps nothing between two batches but what was written.

`tests.histories` has the generator and the oracle; `tests/storage/test_histories.py` runs them on PostgreSQL.
"""

from collections import Counter
from functools import cache

import protovalidate
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.customer_service_pb2 import PointsEntryType
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_ERASED,
    PAYMENT_STATUS_DISPUTED,
    PAYMENT_STATUS_VOIDED,
    Order,
    OrderEvent,
    OrderEventType,
    PaymentEventType,
    PaymentStatus,
    RefundStatus,
)
from orders.v1.order_service_pb2 import UpsertOrder

from server.domain.base.errors import Violation
from server.domain.operations import OPERATIONS
from tests.domain.builders import STATUSES, unhurried
from tests.histories.maker import DAY
from tests.histories.oracle import check_store
from tests.histories.world import World, stock

BATCHES = 800
SEEDS = range(8)

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
    "LINE_QUANTITY_EXCEEDED",
    "SHIPMENT_ALREADY_EXISTS",
    "SHIPMENT_NOT_CHANGEABLE",
    "SHIPMENT_NOT_FOUND",
    "HOLD_NOT_FOUND",
    "ORDER_ON_HOLD",
    "UNITS_BACKORDERED",
}
# The conditions that some of them name.
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
        "combination",
    },
    "DELIVERY_NOT_AVAILABLE": {"zone", "method", "time_slot", "currency"},
}

# The statuses that only an entry of an order's payments has.
OF_ONE_PAYMENT = {PAYMENT_STATUS_VOIDED, PAYMENT_STATUS_DISPUTED}

# Erasure takes away what the oracle knows, and has tests of its own.
ERASING = {"EraseOrders", "EraseAccount", "EraseCarts"}
# Only the server itself stops an endpoint: there is no sample of it.
METHODS = {operation.method for operation in OPERATIONS.values()} - ERASING - {"StopWebhookEndpoint"}

_validator = protovalidate.Validator()


def static_rules(wished: UpsertOrder) -> list[Violation]:
    """The violations that the server's own validation finds."""
    found = _validator.collect_violations(wished)
    return [Violation("order", violation.proto.message) for violation in found]


def live(seed: int, batches: int) -> World:
    """A world after so many batches."""
    world = World(seed)
    world.store.put_products(*stock())
    for _ in range(batches):
        run(world)
    world.ledger.check_documents(world.store)
    check_store(world.store)
    return world


def run(world: World) -> None:
    store, rng = world.store, world.rng
    store.time.seconds += 120 * DAY if rng.random() < 0.003 else rng.choice([0, 1, 3600])
    step = world.next_step(rng.choice([1, 1, 1, 2, 4]))
    try:
        quote = world.to_quote(step.commands)
        quoted = store.execute(quote)[0] if quote is not None else None
        outcomes = store.execute(*step.commands, validate=static_rules)
        world.check_quote(quoted, outcomes[0])
        world.check(step, outcomes)
    except BaseException as error:
        error.add_note(f"seed {world.seed}: {step.commands}")
        raise


@cache
def lived(seed: int) -> World:
    """A world that has had a long history."""
    return live(seed, BATCHES)


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_agrees_after_every_batch(seed: int) -> None:
    world = lived(seed)
    assert set(world.seen) == set(world.store.orders)
    assert world.replays
    assert world.quotes_kept


def test_between_them_the_histories_meet_everything() -> None:
    """Otherwise the checks could hold because nothing happened."""
    worlds = [lived(seed) for seed in SEEDS]
    assert set(sum((world.refusals for world in worlds), Counter())) >= REFUSALS
    conditions = sum((world.conditions for world in worlds), Counter())
    for reason, expected in CONDITIONS.items():
        assert {condition for met, condition in conditions if met == reason} == expected
    for name, met, possible in (
        ("statuses", "statuses", STATUSES),
        ("payment statuses", "payment_statuses", set(PaymentStatus.values()[1:]) - OF_ONE_PAYMENT),
        ("refund statuses", "refund_statuses", RefundStatus.values()[1:]),
        ("events", "event_types", set(OrderEventType.values()[1:]) - {ORDER_EVENT_TYPE_ERASED}),
    ):
        assert set().union(*(getattr(world, met) for world in worlds)) == set(possible), name
    payments = {event.type for world in worlds for _, event in world.store.payments.values()}
    assert payments == set(PaymentEventType.values()[1:])
    entries = {entry.type for world in worlds for entry in world.store.points_entries}
    assert entries == set(PointsEntryType.values()[1:])
    assert {series for world in worlds for series, _ in world.ledger.series} == {"INV", "CN"}
    assert any(len({year for _, year in world.ledger.series}) > 1 for world in worlds)
    assert set().union(*(world.sent for world in worlds)) == METHODS
    assert set().union(*(world.maker.made for world in worlds)) <= set().union(*(world.carried_out for world in worlds))


@unhurried
@given(seed=st.integers(0, 2**32 - 1), batches=st.integers(1, 80))
def test_no_history_however_short_breaks_what_always_holds(seed: int, batches: int) -> None:
    """The same over many more beginnings; a failure shrinks to the fewest batches that show it."""
    live(seed, batches)


def orders_of(world: World) -> list[Order]:
    """The orders without their hashes, which are salted."""
    orders = [world.store.order(order_id) for order_id in world.store.orders]
    for order in orders:
        order.ClearField("event_hash")
    return orders


def events_of(world: World) -> list[OrderEvent]:
    """The events without their hashes and digests, which are salted."""
    events = [event for order_id in world.store.orders for event in world.store.history(order_id)]
    for event in events:
        event.ClearField("hash")
        event.ClearField("values_digest")
    return events


def test_a_history_is_the_same_each_time() -> None:
    """A failure can be repeated with its seed."""
    first, second = live(7, 60), live(7, 60)
    assert orders_of(first) == orders_of(second)
    assert events_of(first) == events_of(second)
    assert first.store.documents == second.store.documents
