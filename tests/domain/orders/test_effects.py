"""What a change of an order moves elsewhere is the difference of what it holds after and before, whatever the change."""

from collections import Counter
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest, Coupon
from orders.v1.customer_service_pb2 import (
    POINTS_ENTRY_TYPE_ADJUSTED,
    POINTS_ENTRY_TYPE_EARNED,
    POINTS_ENTRY_TYPE_RETURNED,
    POINTS_ENTRY_TYPE_USED,
    AdjustPointsRequest,
)
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    TRACKING_STATUS_DELIVERED,
    AppliedCoupon,
    Customer,
    Order,
    OrderItem,
    PaymentEvent,
    PaymentIntent,
    Pricing,
    TrackingEvent,
)
from orders.v1.order_service_pb2 import CancelOrderRequest, RecordTrackingEventRequest

from server.domain.base.records import Kind
from server.domain.base.state import State
from server.domain.orders.effects import Effects, effects_of
from server.domain.payments.payments import SettleIntent
from tests.domain.builders import (
    Store,
    batch,
    create,
    line,
    new_state,
    order_in,
    paid,
    product,
    run,
    transition,
    unhurried,
    upsert,
)

SKUS = st.tuples(st.sampled_from(["chair", "lamp", ""]), st.sampled_from(["", "red"]))
CHAIR = ("chair", "")


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Any order of one customer, whether it could come about or not."""
    lines = draw(st.lists(st.tuples(SKUS, st.integers(1, 50)), max_size=4))
    codes = draw(st.lists(st.sampled_from(["TEN", "FIVE"]), unique=True, max_size=2))
    return Order(
        customer=Customer(customer_id="carl"),
        status=draw(st.integers(ORDER_STATUS_PENDING, ORDER_STATUS_CANCELLED)),
        items=[OrderItem(product_id=sku[0], variant_id=sku[1], quantity=pieces) for sku, pieces in lines],
        pricing=Pricing(
            applied_coupons=[AppliedCoupon(code=code) for code in codes],
            loyalty_points_used=draw(st.integers(0, 500)),
            loyalty_points_earned=draw(st.integers(0, 50)),
        ),
    )


def sums(effects: Effects) -> tuple[Counter[object], Counter[object], Counter[object], int]:
    return (
        Counter(effects.taken),
        Counter(effects.reserved),
        Counter(effects.coupon_uses),
        sum(move.delta for move in effects.points),
    )


# Whatever the change.


@unhurried
@given(st.lists(orders(), min_size=1, max_size=6))
def test_over_any_life_an_order_has_moved_what_it_moves_at_once(life: list[Order]) -> None:
    """However often it changes on the way, and however it changes, nothing is moved twice and nothing is forgotten."""
    taken, reserved, uses, points = sums(effects_of(None, life[0]))
    for before, after in pairwise(life):
        more = sums(effects_of(before, after))
        taken.update(more[0])
        reserved.update(more[1])
        uses.update(more[2])
        points += more[3]
    expected = sums(effects_of(None, life[-1]))
    for counted, expected_count in zip((taken, reserved, uses), expected, strict=False):
        assert {key: value for key, value in counted.items() if value} == expected_count
    assert points == expected[3]


@unhurried
@given(orders(), orders())
def test_a_change_and_its_reverse_move_nothing(first: Order, second: Order) -> None:
    there, back = effects_of(first, second), effects_of(second, first)
    for forth, reverse in zip(there[:3], back[:3], strict=True):
        assert forth == {key: -value for key, value in reverse.items()}
    assert sum(move.delta for move in (*there.points, *back.points)) == 0


@unhurried
@given(orders())
def test_no_change_moves_nothing(order: Order) -> None:
    assert effects_of(order, order) == Effects({}, {}, {}, {}, [])


@unhurried
@given(orders(), orders())
def test_nothing_is_moved_by_nought(before: Order, after: Order) -> None:
    effects = effects_of(before, after)
    assert all(value for moved in effects[:3] for value in moved.values())
    assert all(move.delta for move in effects.points)


@unhurried
@given(orders())
def test_a_cancelled_order_has_given_everything_back(order: Order) -> None:
    assume(order.status != ORDER_STATUS_DELIVERED)
    cancelled = Order()
    cancelled.CopyFrom(order)
    cancelled.status = ORDER_STATUS_CANCELLED
    taken, reserved, uses, points = sums(effects_of(None, order))
    for counted, change in zip((taken, reserved, uses), sums(effects_of(order, cancelled)), strict=False):
        counted.update(change)
        assert not any(counted.values())
    assert points + sums(effects_of(order, cancelled))[3] == 0


@unhurried
@given(orders())
def test_shipping_takes_off_the_shelf_what_was_reserved_and_nothing_else(order: Order) -> None:
    order.status = ORDER_STATUS_PROCESSING
    shipped = Order()
    shipped.CopyFrom(order)
    shipped.status = ORDER_STATUS_SHIPPED
    effects = effects_of(order, shipped)
    assert effects.reserved == {sku: -pieces for sku, pieces in effects_of(None, order).reserved.items()}
    assert (effects.taken, effects.coupon_uses, effects.points) == ({}, {}, [])


@unhurried
@given(orders())
def test_what_is_reserved_is_held_and_gone_with_the_parcel(order: Order) -> None:
    effects = effects_of(None, order)
    gone = order.status in (ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED)
    assert effects.reserved == ({} if gone else effects.taken)


@unhurried
@given(orders(), orders())
def test_points_move_by_kind(before: Order, after: Order) -> None:
    used = [0 if one.status == ORDER_STATUS_CANCELLED else one.pricing.loyalty_points_used for one in (before, after)]
    earned = [
        one.pricing.loyalty_points_earned if one.status == ORDER_STATUS_DELIVERED else 0 for one in (before, after)
    ]
    moves = {move.type: move.delta for move in effects_of(before, after).points}
    assert moves.get(POINTS_ENTRY_TYPE_USED, 0) == min(0, used[0] - used[1])
    assert moves.get(POINTS_ENTRY_TYPE_RETURNED, 0) == max(0, used[0] - used[1])
    assert moves.get(POINTS_ENTRY_TYPE_EARNED, 0) == earned[1] - earned[0]


@unhurried
@given(orders())
def test_a_coupon_counts_for_all_and_for_its_customer(order: Order) -> None:
    codes = [coupon.code for coupon in order.pricing.applied_coupons if order.status != ORDER_STATUS_CANCELLED]
    expected = {(code, customer_id): 1 for code in codes for customer_id in ("", "carl")}
    assert effects_of(None, order).coupon_uses == expected


# By the rules.


def shop() -> State:
    """Chairs at 10 dollars, a coupon of ten percent, and 300 points of carl's."""
    ten = Coupon(code="TEN", type=COUPON_TYPE_PERCENTAGE, basis_points=1_000)
    return new_state(
        product(stock=100),
        set_up=[
            BatchUpsertCouponsRequest(coupons=[ten]),
            AdjustPointsRequest(customer_id="carl", delta=300, reason="welcome"),
        ],
    )


def dear(state: State) -> Order:
    """Four chairs less ten percent and 200 points: 34 dollars."""
    order: Order = run(state, create(line(quantity=4), coupon_code="ten", loyalty_points_to_use=200))
    return order


def kept(state: State) -> tuple[int, int, int, int, int]:
    return (
        state.stock.get(CHAIR),
        state.reserved.get(CHAIR),
        state.coupon_uses.get(("TEN", "")),
        state.coupon_uses.get(("TEN", "carl")),
        state.points.get("carl"),
    )


def test_an_order_takes_reserves_uses_and_spends() -> None:
    state = shop()
    dear(state)
    assert kept(state) == (96, 4, 1, 1, 100)


def test_a_cancelled_order_gives_all_of_it_back_once() -> None:
    state = shop()
    order = dear(state)
    run(state, paid(order))
    run(state, CancelOrderRequest(order_id=order.order_id))
    assert kept(state) == (100, 0, 0, 0, 300)
    used, returned = state.changes.points_entries
    assert [used.type, returned.type] == [POINTS_ENTRY_TYPE_USED, POINTS_ENTRY_TYPE_RETURNED]
    assert [(entry.delta, entry.balance) for entry in (used, returned)] == [(-200, 100), (200, 300)]
    assert {used.order_id, returned.order_id} == {order.order_id}


def test_a_payment_that_is_declined_gives_all_of_it_back() -> None:
    state = shop()
    order = dear(state)
    intent = PaymentIntent(id="pi", status=PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD)
    failed = PaymentEvent(event_id="e1", type=PAYMENT_EVENT_TYPE_FAILED)
    run(state, SettleIntent(order.order_id, intent, failed, cancels=True))
    assert kept(state) == (100, 0, 0, 0, 300)


def test_a_delivered_order_has_left_the_shelf_and_earns_its_points() -> None:
    state = shop()
    order = dear(state)
    run(state, paid(order))
    run(state, transition(order, ORDER_STATUS_SHIPPED, carrier="Aramex", tracking_number="T1"))
    assert kept(state) == (96, 0, 1, 1, 100)
    run(state, transition(order, ORDER_STATUS_DELIVERED))
    # 34 dollars earn 1.7 points, rounded to 2.
    assert kept(state) == (96, 0, 1, 1, 102)
    earned = state.changes.points_entries[-1]
    assert (earned.type, earned.delta, earned.balance) == (POINTS_ENTRY_TYPE_EARNED, 2, 102)


def test_a_report_that_skips_statuses_moves_what_they_would_have_moved() -> None:
    state = shop()
    order = dear(state)
    run(state, paid(order))
    event = TrackingEvent(status=TRACKING_STATUS_DELIVERED)
    run(
        state,
        RecordTrackingEventRequest(order_id=order.order_id, event=event, carrier="Aramex", tracking_number="T1"),
    )
    assert kept(state) == (96, 0, 1, 1, 102)


def test_moving_forward_keeps_what_is_reserved() -> None:
    state = new_state(product(stock=10))
    order_in(state, ORDER_STATUS_PROCESSING, line(quantity=3))
    assert (state.stock.get(CHAIR), state.reserved.get(CHAIR)) == (7, 3)


def test_an_imported_order_moves_nothing() -> None:
    state = shop()
    before = kept(state)
    for status in (ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED):
        run(state, batch(upsert(customer=Customer(customer_id="carl"), status=status)))
    assert kept(state) == before
    assert not state.changes.points_entries
    assert not state.changes.documents


def test_what_moves_is_written_as_differences() -> None:
    """Two batches that run one after the other add up, whatever each has read."""
    store = Store()
    store.put_products(product(stock=10))
    store.do(AdjustPointsRequest(customer_id="carl", delta=50, reason="welcome"))
    first = store.do(create(line(quantity=2), loyalty_points_to_use=20))
    store.do(create(line(quantity=3), loyalty_points_to_use=30))
    assert (store.stock[CHAIR], store.counters["reserved"][CHAIR], store.counters["points"]["carl"]) == (5, 5, 0)
    store.do(CancelOrderRequest(order_id=first.order_id))
    assert (store.stock[CHAIR], store.counters["reserved"][CHAIR], store.counters["points"]["carl"]) == (7, 3, 20)
    assert [(entry.type, entry.balance) for entry in store.points_entries] == [
        (POINTS_ENTRY_TYPE_ADJUSTED, 50),
        (POINTS_ENTRY_TYPE_USED, 30),
        (POINTS_ENTRY_TYPE_USED, 0),
        (POINTS_ENTRY_TYPE_RETURNED, 20),
    ]
    assert not store.records[Kind.CUSTOMER]
