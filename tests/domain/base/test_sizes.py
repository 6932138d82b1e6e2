"""How large orders, carts, products and answers may become."""

from typing import Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from orders.v1.cart_service_pb2 import AddCartItemRequest, Cart, GetCartRequest, RemoveCartItemRequest
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest, Product, ProductVariant
from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    TRACKING_STATUS_IN_TRANSIT,
    Order,
    PaymentEvent,
    TrackingEvent,
)
from orders.v1.order_service_pb2 import (
    UPSERT_MODE_ALL_OR_NOTHING,
    UPSERT_OUTCOME_INSERTED,
    UPSERT_OUTCOME_INVALID,
    CancelOrderRequest,
    NewOrderItem,
    PriceOrderRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
)

from server.domain.base.errors import Violation
from server.domain.base.sizes import MAX_ANSWER, MAX_CONTENT, MAX_PAGE, MAX_READABLE, readable
from server.domain.base.state import State
from server.domain.carts.carts import current_cart_id
from server.domain.payments.refunds import MAX_REFUNDS
from tests.domain.builders import (
    ADMIN,
    batch,
    create,
    details_of,
    fields_of,
    line,
    money,
    new_state,
    paid,
    product,
    refuse,
    run,
    stored,
    transition,
    update,
    upsert,
    upsert_line,
    variant,
)

# Four bytes each: texts are bounded by characters.
WIDE = "\U0001f4e6"


def customizations(size: int) -> dict[str, str]:
    """Customizations of so many bytes, a little less than more."""
    return {f"c{number}": "x" * (size // 50 - 10) for number in range(50)}


def lines(size: int, *, count: int = 10) -> list[NewOrderItem]:
    """Lines of so many bytes together."""
    return [line(customizations=customizations(size // count)) for _ in range(count)]


def fill(order: Order, size: int) -> None:
    """Makes a stored order so large, as none is any more that is created."""
    order.items[0].customizations["filler"] = "x" * size


# Orders.


@pytest.mark.parametrize("validate_only", [False, True])
def test_an_order_that_is_too_large_is_refused_with_its_size(validate_only: bool) -> None:
    error = refuse(new_state(), create(*lines(2 * MAX_CONTENT), validate_only=validate_only))
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", ["items"])
    assert f"the limit is {MAX_CONTENT:,}" in error.message
    assert "the order would have 2,0" in error.message


def test_its_price_is_refused_too() -> None:
    error = refuse(new_state(), PriceOrderRequest(order=create(*lines(2 * MAX_CONTENT))))
    assert f"the limit is {MAX_CONTENT:,}" in error.message


def test_an_order_just_below_the_limit_is_created() -> None:
    order = run(new_state(), create(*lines(MAX_CONTENT - 5_000)))
    assert MAX_CONTENT - 50_000 < order.ByteSize() <= MAX_CONTENT


@pytest.mark.parametrize("validate_only", [False, True])
def test_an_update_that_makes_an_order_too_large_is_refused(validate_only: bool) -> None:
    state = new_state()
    order = run(state, create())
    wished = Order(items=[{"product_id": "chair", "quantity": 1, "customizations": customizations(2 * MAX_CONTENT)}])
    error = refuse(state, update(order, "items", wished=wished, validate_only=validate_only))
    assert fields_of(error) == ["order"]
    assert f"the limit is {MAX_CONTENT:,}" in error.message


@pytest.mark.parametrize("how", [{}, {"validate_only": True}, {"mode": UPSERT_MODE_ALL_OR_NOTHING}])
def test_an_imported_order_that_is_too_large_is_refused(how: dict[str, Any]) -> None:
    large = upsert("LARGE", items=[upsert_line("x" * MAX_CONTENT)])
    state = new_state()
    if "mode" in how:
        assert fields_of(refuse(state, batch(upsert(), large, **how))) == ["orders[1].items"]
    else:
        small, refused = run(state, batch(upsert(), large, **how)).results
        assert (small.outcome, refused.outcome) == (UPSERT_OUTCOME_INSERTED, UPSERT_OUTCOME_INVALID)
        assert fields_of(refused.status) == ["orders[1].items"]
        assert f"the limit is {MAX_CONTENT:,}" in refused.status.message


def test_an_order_at_the_limit_goes_through_its_whole_life() -> None:
    state = new_state(product(price="100.00"))
    order = run(state, create(*lines(MAX_CONTENT - 5_000)))
    run(state, paid(order))
    for status in (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED):
        longest = {"carrier": WIDE * 100, "tracking_number": "1" * 100} if status == ORDER_STATUS_SHIPPED else {}
        run(state, transition(order, status, reason=WIDE * 500, **longest))
    refund_all(state, order)
    assert MAX_CONTENT < stored(state, order).ByteSize() < 1.25 * MAX_CONTENT < MAX_READABLE


def test_an_order_at_the_limit_can_be_refunded_and_cancelled() -> None:
    state = new_state(product(price="100.00"))
    order = run(state, create(*lines(MAX_CONTENT - 5_000)))
    run(state, paid(order))
    refund_all(state, order)
    run(state, CancelOrderRequest(order_id=order.order_id, reason=WIDE * 500))
    assert stored(state, order).status == ORDER_STATUS_CANCELLED
    assert stored(state, order).ByteSize() < 1.25 * MAX_CONTENT < MAX_READABLE


def refund_all(state: State, order: Order) -> None:
    """All the refunds that an order can have, for the longest reasons."""
    for number in range(1, MAX_REFUNDS + 1):
        run(state, RefundOrderRequest(order_id=order.order_id, amount=money("1.00"), reason=WIDE * 500))
        event = PaymentEvent(event_id=f"r{number}", type=PAYMENT_EVENT_TYPE_REFUNDED, refund_id=str(number))
        run(state, RecordPaymentRequest(order_id=order.order_id, event=event))


def test_an_order_from_before_the_limit_is_still_paid_tracked_and_cancelled() -> None:
    state = new_state()
    order = run(state, create())
    fill(stored(state, order), 4 * MAX_CONTENT)
    assert run(state, paid(order)).status == ORDER_STATUS_CONFIRMED
    run(state, transition(order, ORDER_STATUS_PROCESSING))
    run(state, RefundOrderRequest(order_id=order.order_id))
    assert run(state, CancelOrderRequest(order_id=order.order_id)).status == ORDER_STATUS_CANCELLED


def test_it_can_be_made_smaller_but_not_changed_otherwise() -> None:
    state = new_state()
    order = run(state, create())
    fill(stored(state, order), 4 * MAX_CONTENT)
    refuse(state, update(order, "metadata", wished=Order(metadata={"till": "4"})))
    smaller = Order(items=[{"product_id": "chair", "quantity": 2}])
    assert run(state, update(order, "items", wished=smaller)).ByteSize() < MAX_CONTENT


# Reading.


def test_a_message_that_clients_can_read_is_shown_as_it_is() -> None:
    body = Order(order_id="1", items=[{"item_id": "1"}]).SerializeToString()
    assert readable(Order, body) is body


@pytest.mark.parametrize(
    ("message", "omitted"),
    [(Order(order_id="1"), "items"), (Cart(cart_id="1"), "items"), (Product(product_id="1"), "variants")],
    ids=["order", "cart", "product"],
)
def test_a_message_that_is_too_large_is_shown_without_its_lines_and_says_so(message: Any, omitted: str) -> None:
    small = message.SerializeToString()
    getattr(message, omitted).add(name="x" * MAX_READABLE)
    shown = type(message).FromString(readable(type(message), message.SerializeToString()))
    assert list(shown.omitted_fields) == [omitted]
    shown.ClearField("omitted_fields")
    assert shown.SerializeToString() == small


def test_an_order_shown_without_its_lines_can_be_sent_back_and_keeps_them() -> None:
    state = new_state()
    order = run(state, create(line(quantity=3)))
    shown = Order()
    shown.CopyFrom(order)
    shown.ClearField("items")
    shown.omitted_fields.append("items")
    shown.special_instructions = "ring twice"
    changed = run(state, update(order, wished=shown))
    assert (changed.special_instructions, changed.items[0].quantity) == ("ring twice", 3)
    assert not changed.omitted_fields


def test_the_longest_story_of_a_parcel_can_be_read() -> None:
    state = new_state()
    order = run(state, create())
    run(state, paid(order))
    run(state, transition(order, ORDER_STATUS_SHIPPED, carrier="A", tracking_number="1"))
    event = TrackingEvent(
        status=TRACKING_STATUS_IN_TRANSIT,
        description=WIDE * 500,
        location=WIDE * 200,
        city=WIDE * 100,
        country=WIDE * 64,
    )
    report = RecordTrackingEventRequest(order_id=order.order_id, event=event)
    run(state, report)
    history = state.history[order.order_id]
    history += [history[-1]] * (999 - len(history))
    assert MAX_PAGE < run(state, report).ByteSize() < MAX_ANSWER
    refuse(state, report)


# Batches.


def broken(_: object) -> list[Violation]:
    return [Violation(f"metadata[{number}]", WIDE * 100) for number in range(100)]


def test_a_batch_of_nothing_but_long_refusals_is_answered() -> None:
    orders = [upsert(WIDE * 200) for _ in range(1000)]
    answer = run(new_state(), batch(*orders), validate=broken)
    assert MAX_PAGE < answer.ByteSize() < MAX_READABLE
    assert answer.invalid == 1000
    first, last = answer.results[0], answer.results[-1]
    assert fields_of(first.status)
    assert not fields_of(last.status)
    assert [info.reason for info in details_of(last.status, ErrorInfo)] == ["INVALID_ORDER_DATA"]
    assert "metadata[0]" in last.status.message


def test_an_answer_repeats_no_id_that_is_longer_than_ids_are() -> None:
    (result,) = run(new_state(), batch(upsert("x" * 1_000_000)), validate=broken).results
    assert result.external_order_id == "x" * 128


def attributed(size: int) -> list[ProductVariant]:
    """A variant whose attributes have so many bytes."""
    made = variant("v")
    made.attributes["text"] = "x" * size
    return [made]


def test_a_product_that_is_too_large_is_refused_with_its_size() -> None:
    request = BatchUpsertProductsRequest(products=[product(), product("sofa", variants=attributed(MAX_CONTENT))])
    error = refuse(new_state(), request)
    assert fields_of(error) == ["products[1]"]
    assert f"the limit is {MAX_CONTENT:,}" in error.message


def test_products_whose_answer_would_be_too_large_are_refused() -> None:
    products = [product(f"p{number}", variants=attributed(900_000)) for number in range(5)]
    error = refuse(new_state(), BatchUpsertProductsRequest(products=products))
    assert fields_of(error) == ["products"]
    assert "send fewer products at once" in error.message


# Carts.


def add(size: int, number: int) -> AddCartItemRequest:
    chosen = customizations(size) | {"number": str(number)}
    return AddCartItemRequest(customer_id="carl", product_id="chair", quantity=1, customizations=chosen)


def test_a_cart_that_becomes_too_large_is_refused_with_its_size() -> None:
    state = new_state()
    run(state, add(MAX_CONTENT // 2, 1))
    error = refuse(state, add(2 * MAX_CONTENT // 3, 2))
    assert fields_of(error) == ["cart_id"]
    assert f"the limit is {MAX_CONTENT:,}" in error.message


def test_a_cart_from_before_the_limit_can_be_made_smaller() -> None:
    state = new_state()
    cart = Cart.FromString(run(state, add(1000, 1)).SerializeToString())
    for number in range(2, 6):
        copy = cart.items.add()
        copy.CopyFrom(cart.items[0])
        copy.item_id = str(number)
        copy.customizations["filler"] = "x" * MAX_CONTENT
    cart_id = current_cart_id("carl")
    state.carts.stored[cart_id] = cart.SerializeToString(deterministic=True)
    assert len(run(state, RemoveCartItemRequest(customer_id="carl", item_id="5"), ADMIN).items) == 4


def test_a_cart_shows_what_makes_variants_different_while_there_is_room() -> None:
    state = new_state(product("sofa", variants=attributed(MAX_PAGE // 4), image_uri="https://example.com/sofa"))
    counts = []
    for number in range(1, 5):
        request = AddCartItemRequest(customer_id="carl", product_id="sofa", variant_id="v", quantity=1)
        request.customizations["number"] = str(number)
        cart = run(state, request)
        assert cart.ByteSize() <= MAX_PAGE
        counts.append(sum(bool(item.variant_attributes and item.image_uri) for item in cart.items))
        assert [item.name for item in cart.items] == ["Sofa"] * number
    assert counts == [1, 2, 3, 0]


def test_a_notice_repeats_no_long_list_of_variants() -> None:
    state = new_state()
    run(state, AddCartItemRequest(customer_id="carl", product_id="chair", quantity=1))
    variants = [variant(f"{number}" + "v" * 120) for number in range(100)]
    state.products.stored["chair"] = product(variants=variants).SerializeToString()
    (notice,) = run(state, GetCartRequest(customer_id="carl")).notices
    assert len(notice.message.encode()) <= 300
