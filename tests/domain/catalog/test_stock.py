"""Pieces are on a sku or held by an order, never both and never neither."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.catalog_service_pb2 import AdjustStockRequest, BatchUpsertProductsRequest, BatchUpsertProductsResponse
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, ORDER_STATUS_PENDING, Order, OrderItem
from orders.v1.order_service_pb2 import CancelOrderRequest

from server.domain.base.errors import Refusal
from server.domain.base.state import Changes
from server.domain.base.values import Sku
from server.domain.catalog.stock import check_available, held_by, moved_by
from tests.domain.builders import (
    Store,
    command,
    create,
    fields_of,
    line,
    money,
    new_state,
    product,
    refuse,
    run,
    unhurried,
    variant,
)

SKUS = st.tuples(st.sampled_from(["", "chair", "lamp"]), st.sampled_from(["", "red"]))
LINES = st.lists(st.tuples(SKUS, st.integers(1, 1000)), max_size=6)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    status = draw(st.integers(ORDER_STATUS_PENDING, ORDER_STATUS_CANCELLED))
    lines = draw(LINES)
    return Order(
        status=status,
        items=[OrderItem(product_id=sku[0], variant_id=sku[1], quantity=pieces) for sku, pieces in lines],
    )


@unhurried
@given(orders())
def test_an_order_holds_its_lines_unless_it_is_cancelled_or_they_are_imported(order: Order) -> None:
    held = held_by(order)
    live = [item for item in order.items if item.product_id and order.status != ORDER_STATUS_CANCELLED]
    assert sum(held.values()) == sum(item.quantity for item in live)
    assert set(held) == {(item.product_id, item.variant_id) for item in live}


@unhurried
@given(st.lists(orders(), min_size=1, max_size=6))
def test_over_any_life_an_order_takes_what_it_holds_in_the_end(life: list[Order]) -> None:
    taken: Counter[Sku] = Counter()
    for before, after in zip([None, *life], life, strict=False):
        taken.update(moved_by(before, after)[0])
    assert {sku: pieces for sku, pieces in taken.items() if pieces} == dict(held_by(life[-1]))


@unhurried
@given(orders(), orders())
def test_a_change_and_its_reverse_take_nothing(first: Order, second: Order) -> None:
    there, back = moved_by(first, second)[0], moved_by(second, first)[0]
    assert there == {sku: -pieces for sku, pieces in back.items()}
    assert 0 not in there.values()


@unhurried
@given(st.dictionaries(SKUS, st.integers(-50, 50), max_size=4), st.dictionaries(SKUS, st.integers(0, 50), max_size=4))
def test_a_change_is_refused_exactly_if_a_shelf_would_go_below_zero(
    taken: dict[Sku, int], stock: dict[Sku, int]
) -> None:
    """What is given back to a sku that was not read is no shortage."""
    short = {sku for sku, pieces in taken.items() if pieces > max(0, stock.get(sku, 0))}
    if not short:
        check_available(taken, stock, {}, before=None)
        return
    with pytest.raises(Refusal) as caught:
        check_available(taken, stock, {}, before=None)
    assert (caught.value.metadata["product_id"], caught.value.metadata["variant_id"]) in short


def test_nothing_holds_nothing() -> None:
    assert held_by(None) == {}


# The catalogue's side of it.


@pytest.mark.parametrize(("delta", "left"), [(5, 15), (-10, 0)])
def test_an_adjustment_moves_the_stock_and_is_kept_with_its_reason(delta: int, left: int) -> None:
    state = new_state(product(stock=10))
    answer = run(state, AdjustStockRequest(product_id="chair", delta=delta, reason="count"))
    (adjustment,) = state.changes.adjustments
    assert (answer.stock, state.stock.get(("chair", ""))) == (left, left)
    assert (adjustment.sku, adjustment.delta, adjustment.reason) == (("chair", ""), delta, "count")


def test_no_more_can_be_taken_away_than_is_there() -> None:
    state = new_state(product(stock=10))
    error = refuse(state, AdjustStockRequest(product_id="chair", delta=-11, reason="count"))
    assert (error.reason, error.metadata["requested"], error.metadata["available"]) == (
        "INSUFFICIENT_STOCK",
        "11",
        "10",
    )


@pytest.mark.parametrize(("product_id", "variant_id"), [("table", ""), ("chair", "red")])
def test_a_shelf_that_is_not_there_cannot_be_adjusted(product_id: str, variant_id: str) -> None:
    request = AdjustStockRequest(product_id=product_id, variant_id=variant_id, delta=1, reason="count")
    error = refuse(new_state(), request)
    assert (error.reason, error.requested) == ("PRODUCT_NOT_FOUND", True)


def test_a_product_that_says_no_stock_keeps_what_it_has() -> None:
    state = new_state(product(stock=10))
    again = product(price="12.00")
    again.ClearField("stock")
    response = run(state, BatchUpsertProductsRequest(products=[again]))
    assert (response.updated, response.products[0].stock, state.stock.get(("chair", ""))) == (1, 10, 10)


def test_a_product_that_says_its_stock_sets_what_can_be_ordered() -> None:
    state = new_state(product(stock=10))
    run(state, create(line(quantity=4)))
    response = run(state, BatchUpsertProductsRequest(products=[product(stock=10)]))
    assert (response.updated, state.stock.get(("chair", ""))) == (1, 10)
    assert [adjustment.delta for adjustment in state.changes.adjustments] == [4]


def test_a_stock_of_none_left_is_a_stock() -> None:
    state = new_state(product(stock=10))
    run(state, BatchUpsertProductsRequest(products=[product(stock=0)]))
    assert state.stock.get(("chair", "")) == 0


def test_the_same_product_again_is_unchanged_and_writes_nothing() -> None:
    state = new_state(product(), product("lamp", variants=[variant("red")]))
    request = BatchUpsertProductsRequest(products=[product(), product("lamp", variants=[variant("red")])])
    response = run(state, request)
    assert (response.inserted, response.updated, response.unchanged) == (0, 0, 2)
    assert state.changes == Changes()


def test_the_stock_of_a_product_with_variants_is_their_sum() -> None:
    lamp = product("lamp", variants=[variant("red", stock=3), variant("gold", stock=4)])
    (answer,) = run(new_state(), BatchUpsertProductsRequest(products=[lamp])).products
    assert (answer.stock, [kind.stock for kind in answer.variants]) == (7, [3, 4])


def test_pieces_of_a_variant_that_is_no_longer_offered_come_back_when_their_order_is_cancelled() -> None:
    store = Store()
    store.put_products(product("lamp", variants=[variant("red", stock=3), variant("gold", stock=4)]))
    store.execute(command(create(line("lamp", 2, variant_id="red"))))
    store.put_products(product("lamp", variants=[variant("gold", stock=4)]))
    (order_id,) = store.orders
    store.execute(command(CancelOrderRequest(order_id=order_id)))
    assert store.stock["lamp", "red"] == 3


def test_a_product_can_be_ordered_in_the_batch_that_brings_it() -> None:
    store = Store()
    outcomes = store.execute(
        command(BatchUpsertProductsRequest(products=[product(stock=1)])),
        command(BatchUpsertProductsRequest(products=[product(price="12.00", stock=2)])),
        command(create(line(quantity=2))),
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert store.stock == {("chair", ""): 0}
    assert BatchUpsertProductsResponse.FromString(outcomes[1].body).updated == 1


@pytest.mark.parametrize(
    ("products", "fields"),
    [
        ([product(), product()], ["products[1].product_id"]),
        ([product(currency="XXX")], ["products[0].price.currency_code"]),
        ([product(installation_price=money("1", "EUR"))], ["products[0].installation_price.currency_code"]),
        ([product(variants=[variant("a"), variant("a")])], ["products[0].variants[1].variant_id"]),
        (
            [product(variants=[variant("a", price="1", currency="EUR")])],
            ["products[0].variants[0].price.currency_code"],
        ),
        ([product(price="-1"), product("b", price="0.001")], ["products[0].price", "products[1].price.nanos"]),
    ],
    ids=["twice", "currency", "installation", "variant twice", "variant currency", "two at once"],
)
def test_products_that_cannot_be_are_refused_all_together(products: list[object], fields: list[str]) -> None:
    error = refuse(new_state(product("other")), BatchUpsertProductsRequest(products=products))
    assert fields_of(error) == fields


def test_the_stock_of_a_product_with_variants_is_not_set_at_the_product() -> None:
    lamp = product("lamp", variants=[variant("red")])
    lamp.stock = 5
    assert fields_of(refuse(new_state(), BatchUpsertProductsRequest(products=[lamp]))) == ["products[0].stock"]
