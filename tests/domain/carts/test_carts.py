"""Carts: what is chosen is kept, everything else is as it is today."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.cart_service_pb2 import (
    AddCartItemRequest,
    Cart,
    CartItem,
    ClearCartRequest,
    GetCartRequest,
    RemoveCartItemRequest,
    UpdateCartItemRequest,
)
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    DeliveryArea,
    DeliveryMethod,
    DeliveryZone,
    Product,
    TaxRate,
)
from orders.v1.customer_service_pb2 import UpsertAddressRequest
from orders.v1.error_reason_pb2 import ErrorReason
from orders.v1.order_pb2 import Address, Order
from orders.v1.order_service_pb2 import CreateOrderRequest, NewOrderItem, ReorderOrderRequest

from server.domain.base.records import Kind
from server.domain.base.state import State
from server.domain.base.values import PointTerms, Terms
from server.domain.carts.carts import MAX_LINES, MAX_PIECES, cart_id_of, current_cart_id
from tests.domain.builders import (
    NOW,
    Store,
    address,
    amount,
    at,
    batch,
    create,
    fields_of,
    fingerprint,
    line,
    money,
    new_state,
    product,
    refuse,
    run,
    stored,
    unhurried,
    upsert,
    variant,
)

# Requests, and what they answer.


def get(**more: Any) -> GetCartRequest:
    return GetCartRequest(**{"customer_id": "carl"} | more)


def add(product_id: str = "chair", quantity: int = 1, **more: Any) -> AddCartItemRequest:
    return AddCartItemRequest(**{"customer_id": "carl", "product_id": product_id, "quantity": quantity} | more)


def change(item_id: str, quantity: int, **more: Any) -> UpdateCartItemRequest:
    return UpdateCartItemRequest(**{"customer_id": "carl", "item_id": item_id, "quantity": quantity} | more)


def remove(item_id: str, **more: Any) -> RemoveCartItemRequest:
    return RemoveCartItemRequest(**{"customer_id": "carl", "item_id": item_id} | more)


def clear(**more: Any) -> ClearCartRequest:
    return ClearCartRequest(**{"customer_id": "carl"} | more)


def checkout(**more: Any) -> CreateOrderRequest:
    given = {"customer_id": "carl", "cart_id": current_cart_id("carl"), "shipping_address": address()}
    return CreateOrderRequest(**given | more)


def zone(*, shipping: str = "5.00", country: str = "EG", basis_points: int = 1400, **more: Any) -> DeliveryZone:
    return DeliveryZone(
        zone_id=country,
        areas=[DeliveryArea(country=country)],
        tax_rates=[TaxRate(tax_class="standard", basis_points=basis_points)],
        methods=[DeliveryMethod(method="standard", prices=[money(shipping)])],
        **more,
    )


def zones(*those: DeliveryZone) -> BatchUpsertDeliveryZonesRequest:
    return BatchUpsertDeliveryZonesRequest(zones=those)


def home(country: str = "EG", customer_id: str = "carl") -> UpsertAddressRequest:
    return UpsertAddressRequest(customer_id=customer_id, address=Address(street="1 Nile St", country=country))


def stock_up(state: State, *products: Product) -> None:
    run(state, BatchUpsertProductsRequest(products=products))


def forget(state: State, product_id: str) -> None:
    """As if the product had never been in the catalogue."""
    del state.products.stored[product_id]
    for sku in [sku for sku in state.stock.values if sku[0] == product_id]:
        del state.stock.values[sku]


def stored_cart(state: State, cart_id: str = "") -> Cart:
    return Cart.FromString(state.carts.stored[cart_id or current_cart_id("carl")])


def notices(cart: Cart) -> list[tuple[str, str, str]]:
    """Item id, reason and words of each notice."""
    return [
        (notice.item_id, ErrorReason.Name(notice.reason).removeprefix("ERROR_REASON_"), notice.message)
        for notice in cart.notices
    ]


def lines(cart: Cart) -> list[tuple[str, str, int]]:
    return [(item.item_id, item.product_id, item.quantity) for item in cart.items]


def shop(*set_up: Any) -> State:
    """Chairs at 10 dollars or 500 yen, tables at 80 dollars with 20 for installing, shirts in two sizes."""
    chair = product("chair", "10.00", stock=100, prices=[money("500", "JPY")], image_uri="https://img/chair")
    table = product("table", "80.00", stock=5, requires_installation=True, installation_price=money("20.00"))
    shirt = product("shirt", "7.00", variants=[variant("s", stock=3), variant("m", price="8.00", stock=3)])
    return new_state(chair, table, shirt, set_up=set_up)


# The cart itself.


def test_a_customers_cart_is_empty_before_anything_is_put_into_it_and_looking_at_it_writes_nothing() -> None:
    state = shop()
    before = fingerprint(state)
    cart = run(state, get())
    assert cart == Cart(cart_id=current_cart_id("carl"), customer_id="carl")
    assert fingerprint(state) == before


def test_the_current_cart_is_meant_where_no_cart_is_named() -> None:
    assert cart_id_of(get()) == current_cart_id("carl")
    assert cart_id_of(get(cart_id="other")) == "other"


def test_every_customer_has_one_current_cart_with_the_same_id_always() -> None:
    assert current_cart_id("carl") == "80113e00-3e05-5b0a-8d6c-e8b2812767b5"
    assert current_cart_id("carl") != current_cart_id("cora")


def test_naming_the_current_cart_by_its_id_is_the_same_as_not_naming_it() -> None:
    state = shop()
    run(state, add(cart_id=current_cart_id("carl")))
    assert run(state, get()) == run(state, get(cart_id=current_cart_id("carl")))


@pytest.mark.parametrize("request_of", [get, add, lambda **m: change("1", 2, **m), lambda **m: remove("1", **m), clear])
@pytest.mark.parametrize("whose", ["of nobody", "of carl, asked for by cora"])
def test_there_is_no_cart_but_ones_own(request_of: Any, whose: str) -> None:
    state = shop()
    run(state, add())
    cart_id = "no-such-cart" if whose == "of nobody" else current_cart_id("carl")
    error = refuse(state, request_of(customer_id="cora", cart_id=cart_id))
    assert (error.reason, error.metadata) == ("CART_NOT_FOUND", {"cart_id": cart_id})


# Adding.


def test_an_added_line_is_shown_with_all_that_the_catalogue_says_of_it_today() -> None:
    state = shop()
    cart = run(state, add("table", 2, design_project_id="d1", customizations={"wood": "oak"}))
    assert cart.items[0] == CartItem(
        item_id="1",
        product_id="table",
        sku="SKU-table",
        name="Table",
        quantity=2,
        unit_price=money("80.00"),
        total_price=money("160.00"),
        design_project_id="d1",
        customizations={"wood": "oak"},
        requires_installation=True,
        installation_price=money("20.00"),
        add_time=NOW,
    )
    assert (cart.total_quantity, cart.currency_code) == (2, "USD")
    assert (cart.create_time, cart.update_time) == (NOW, NOW)
    assert amount(cart.pricing.total) == 200
    assert not cart.notices


def test_a_line_of_a_variant_is_shown_with_the_variants_name_and_price() -> None:
    item = run(shop(), add("shirt", variant_id="m")).items[0]
    assert (item.variant_id, item.variant_name, item.unit_price) == ("m", "M", money("8.00"))


def test_a_line_is_shown_with_what_makes_its_variant_different() -> None:
    small = variant("s")
    small.attributes["size"] = "small"
    state = new_state(product("shirt", variants=[small]))
    assert dict(run(state, add("shirt", variant_id="s")).items[0].variant_attributes) == {"size": "small"}


def test_a_line_is_shown_with_its_picture() -> None:
    assert run(shop(), add("chair")).items[0].image_uri == "https://img/chair"


def test_a_cart_stores_what_was_chosen_and_the_prices_that_were_seen_and_nothing_else() -> None:
    state = shop()
    run(state, add("table", 2, design_project_id="d1", customizations={"wood": "oak"}))
    assert stored_cart(state) == Cart(
        cart_id=current_cart_id("carl"),
        customer_id="carl",
        currency_code="USD",
        items=[
            CartItem(
                item_id="1",
                product_id="table",
                quantity=2,
                unit_price=money("80.00"),
                installation_price=money("20.00"),
                design_project_id="d1",
                customizations={"wood": "oak"},
                add_time=NOW,
            )
        ],
        create_time=NOW,
        update_time=NOW,
    )


def test_adding_the_same_again_makes_the_line_more_and_keeps_when_it_was_first_added() -> None:
    state = shop()
    run(state, add(quantity=2, customizations={"colour": "red"}))
    state.time.CopyFrom(at(60))
    cart = run(state, add(quantity=3, customizations={"colour": "red"}))
    assert lines(cart) == [("1", "chair", 5)]
    assert (cart.items[0].add_time, cart.create_time, cart.update_time) == (NOW, NOW, at(60))


@pytest.mark.parametrize(
    "other",
    [
        add("shirt", variant_id="s"),
        add("shirt", variant_id="m", design_project_id="d1"),
        add("shirt", variant_id="m", customizations={"print": "cat"}),
    ],
    ids=["variant", "design", "customizations"],
)
def test_what_differs_in_variant_design_or_customizations_is_a_line_of_its_own(other: AddCartItemRequest) -> None:
    state = shop()
    run(state, add("shirt", variant_id="m"))
    cart = run(state, other)
    assert [item.item_id for item in cart.items] == ["1", "2"]
    assert cart.total_quantity == 2


def test_the_first_line_may_choose_the_currency() -> None:
    state = shop()
    cart = run(state, add(quantity=2, currency_code="JPY"))
    assert (cart.currency_code, cart.items[0].unit_price) == ("JPY", money("500", "JPY"))
    assert cart.pricing.total == money("1000", "JPY")
    assert run(state, add()).pricing.total == money("1500", "JPY")


def test_a_cart_has_one_currency() -> None:
    state = shop()
    run(state, add())
    error = refuse(state, add(currency_code="JPY"))
    assert fields_of(error) == ["currency_code"]
    assert "the cart is in USD" in error.message


def test_saying_the_carts_own_currency_again_is_fine() -> None:
    state = shop()
    run(state, add(currency_code="JPY"))
    assert run(state, add(currency_code="JPY")).total_quantity == 2


def test_a_product_without_a_price_in_the_carts_currency_is_refused_by_its_field() -> None:
    state = shop()
    run(state, add(currency_code="JPY"))
    assert fields_of(refuse(state, add("table"))) == ["product_id"]
    assert fields_of(refuse(shop(), add("table", currency_code="JPY"))) == ["product_id"]


def test_a_product_with_variants_is_refused_without_one_by_its_field() -> None:
    assert fields_of(refuse(shop(), add("shirt"))) == ["variant_id"]


@pytest.mark.parametrize("request_", [add("sofa"), add("shirt", variant_id="xl")], ids=["product", "variant"])
def test_what_is_not_in_the_catalogue_cannot_be_added(request_: AddCartItemRequest) -> None:
    error = refuse(shop(), request_)
    assert error.reason == "PRODUCT_NOT_FOUND"
    assert error.metadata == {"product_id": request_.product_id, "variant_id": request_.variant_id}


def test_a_cart_holds_as_many_lines_as_an_order() -> None:
    state = new_state(product(stock=1000))
    for number in range(MAX_LINES):
        run(state, add(design_project_id=str(number)))
    assert fields_of(refuse(state, add(design_project_id="one more"))) == ["cart_id"]
    assert run(state, add(design_project_id="0")).total_quantity == MAX_LINES + 1


def test_a_line_has_at_most_a_million_pieces() -> None:
    state = new_state(product(stock=2 * MAX_PIECES))
    run(state, add(quantity=MAX_PIECES))
    assert fields_of(refuse(state, add())) == ["quantity"]


@pytest.mark.parametrize(
    "dear",
    [
        product(price="10000000.01", stock=MAX_PIECES),
        product(stock=MAX_PIECES, requires_installation=True, installation_price=money("10000000.00")),
    ],
    ids=["price", "installation"],
)
def test_a_line_that_costs_more_than_can_be_reckoned_with_is_refused(dear: Product) -> None:
    state = new_state(dear)
    assert fields_of(refuse(state, add(quantity=MAX_PIECES))) == ["quantity"]


def test_more_than_is_in_stock_is_refused_over_all_lines_of_the_shelf() -> None:
    state = shop()
    run(state, add("table", 3))
    error = refuse(state, add("table", 3, design_project_id="d1"))
    assert error.reason == "INSUFFICIENT_STOCK"
    assert error.metadata == {"product_id": "table", "variant_id": "", "requested": "6", "available": "5"}
    run(state, add("table", 2, design_project_id="d1"))


def test_a_cart_holds_nothing_back() -> None:
    state = shop()
    run(state, add("table", 5))
    assert run(state, add("table", 5, customer_id="cora")).total_quantity == 5
    assert state.stock.get(("table", "")) == 5
    assert not state.reserved.deltas


# Changing and removing.


def test_the_quantity_of_a_line_is_set_not_added_to() -> None:
    state = shop()
    run(state, add(quantity=5))
    run(state, add("table"))
    assert lines(run(state, change("1", 2))) == [("1", "chair", 2), ("2", "table", 1)]


def test_setting_the_quantity_is_checked_like_adding() -> None:
    state = shop()
    run(state, add("table"))
    run(state, add("table", 3, design_project_id="d1"))
    error = refuse(state, change("1", 3))
    assert (error.reason, error.metadata["requested"]) == ("INSUFFICIENT_STOCK", "6")
    forget(state, "table")
    assert refuse(state, change("1", 1)).reason == "PRODUCT_NOT_FOUND"


@pytest.mark.parametrize("request_", [change("7", 1), remove("7")], ids=["update", "remove"])
def test_a_line_that_is_not_there_can_be_neither_changed_nor_removed(request_: Any) -> None:
    state = shop()
    run(state, add())
    error = refuse(state, request_)
    assert error.reason == "CART_ITEM_NOT_FOUND"
    assert error.metadata == {"cart_id": current_cart_id("carl"), "item_id": "7"}


def test_removing_a_line_leaves_the_others_their_ids_and_new_lines_get_higher_ones() -> None:
    state = shop()
    for variant_id in ("s", "m"):
        run(state, add("shirt", variant_id=variant_id))
    run(state, add())
    assert lines(run(state, remove("2"))) == [("1", "shirt", 1), ("3", "chair", 1)]
    assert lines(run(state, add("table")))[-1] == ("4", "table", 1)


def test_a_gone_product_can_be_removed() -> None:
    state = shop()
    run(state, add("table"))
    forget(state, "table")
    assert not run(state, remove("1")).items


@pytest.mark.parametrize("emptied_by", [remove("1"), clear()], ids=["remove", "clear"])
def test_an_emptied_cart_has_no_currency_and_no_price_and_takes_another_currency(emptied_by: Any) -> None:
    state = shop()
    run(state, add())
    state.time.CopyFrom(at(60))
    cart = run(state, emptied_by)
    assert cart == Cart(cart_id=current_cart_id("carl"), customer_id="carl", create_time=NOW, update_time=at(60))
    assert run(state, add(currency_code="JPY")).currency_code == "JPY"


def test_clearing_an_empty_cart_is_fine_and_writes_nothing() -> None:
    state = shop()
    before = fingerprint(state)
    assert run(state, clear()) == run(state, get())
    assert fingerprint(state) == before
    run(state, add())
    run(state, clear())
    before = fingerprint(state)
    state.time.CopyFrom(at(60))
    assert run(state, clear()).update_time == NOW
    assert fingerprint(state) == before


def test_setting_what_is_set_already_writes_nothing() -> None:
    state = shop()
    run(state, add(quantity=2))
    before = fingerprint(state)
    state.time.CopyFrom(at(60))
    assert run(state, change("1", 2)).update_time == NOW
    assert fingerprint(state) == before


# What has changed since.


def test_a_changed_price_is_shown_with_the_one_seen_before() -> None:
    state = shop()
    run(state, add(quantity=2))
    stock_up(state, product(price="12.00"))
    cart = run(state, get())
    assert notices(cart) == [("1", "PRICE_CHANGED", "was 10.00 USD, is 12.00 USD")]
    item = cart.items[0]
    assert (item.unit_price, item.previous_unit_price) == (money("12.00"), money("10.00"))
    assert (item.total_price, cart.pricing.total) == (money("24.00"), money("24.00"))


def test_a_changed_price_of_installing_is_reported_too() -> None:
    state = shop()
    run(state, add("table"))
    table = product("table", "80.00", stock=5, requires_installation=True, installation_price=money("500.00"))
    stock_up(state, table)
    assert notices(run(state, get())) == [("1", "PRICE_CHANGED", "installation was 20.00 USD, is 500.00 USD")]
    assert refuse(state, checkout()).reason == "PRICE_CHANGED"
    run(state, change("1", 2))
    assert notices(run(state, get())) == []


@pytest.mark.parametrize("seen_by", [add(), change("1", 3)], ids=["add", "update"])
def test_changing_a_line_means_having_seen_todays_price(seen_by: Any) -> None:
    state = shop()
    run(state, add(quantity=2))
    stock_up(state, product(price="12.00"))
    cart = run(state, seen_by)
    assert not cart.notices
    assert not cart.items[0].HasField("previous_unit_price")
    assert amount(cart.pricing.total) == 36


def test_changing_one_line_leaves_the_seen_prices_of_the_others() -> None:
    state = shop()
    run(state, add())
    run(state, add("table"))
    stock_up(state, product(price="12.00"))
    assert notices(run(state, change("2", 2))) == [("1", "PRICE_CHANGED", "was 10.00 USD, is 12.00 USD")]


def test_a_line_that_is_gone_stays_as_it_was_chosen_and_out_of_the_estimate() -> None:
    state = shop()
    run(state, add("table", 2))
    run(state, add("chair", 3))
    forget(state, "table")
    cart = run(state, get())
    assert notices(cart) == [("1", "PRODUCT_NOT_FOUND", "there is no product 'table'")]
    assert cart.items[0] == stored_cart(state).items[0]
    assert (cart.total_quantity, amount(cart.pricing.total)) == (5, 30)
    assert not cart.pricing.HasField("installation") or amount(cart.pricing.installation) == 0


def test_a_line_without_a_price_in_the_carts_currency_any_more_is_gone_too() -> None:
    state = shop()
    run(state, add(currency_code="JPY"))
    stock_up(state, product(price="10.00"))
    cart = run(state, get())
    ((item_id, reason, message),) = notices(cart)
    assert (item_id, reason) == ("1", "PRODUCT_NOT_FOUND")
    assert message.startswith("product 'chair': has no price in JPY")
    assert not cart.HasField("pricing")
    assert cart.currency_code == "JPY"


def test_too_little_stock_is_said_once_for_a_shelf_and_stays_in_the_estimate() -> None:
    state = shop()
    run(state, add("table", 2))
    run(state, add("table", 3, design_project_id="d1"))
    run(state, AdjustStockRequest(product_id="table", delta=-2, reason="broken"))
    cart = run(state, get())
    assert notices(cart) == [
        ("1", "INSUFFICIENT_STOCK", "5 of product 'table' were requested, 3 are available"),
    ]
    assert amount(cart.pricing.total) == 500


def test_prices_that_have_become_too_large_to_reckon_with_are_said_and_leave_the_cart_readable() -> None:
    state = new_state(product(stock=2 * MAX_PIECES))
    run(state, add(quantity=MAX_PIECES))
    run(state, add(quantity=MAX_PIECES - 1, design_project_id="d1"))
    stock_up(state, product(price="9000000.00"))
    cart = run(state, get())
    assert notices(cart)[-1] == ("", "INVALID_ORDER_DATA", "the order's total is too large")
    assert not cart.HasField("pricing")
    stock_up(state, product(price="90000000.00"))
    cart = run(state, get())
    assert [(item_id, reason) for item_id, reason, _ in notices(cart)] == [
        ("1", "INVALID_ORDER_DATA"),
        ("2", "INVALID_ORDER_DATA"),
    ]


# The estimate.


def test_the_estimate_has_tax_and_shipping_to_the_first_saved_address() -> None:
    state = shop(zones(zone(), zone(country="DE", basis_points=1900)), home(), home("DE"))
    pricing = run(state, add(quantity=10)).pricing
    assert (amount(pricing.subtotal), amount(pricing.tax), amount(pricing.shipping)) == (100, 14, 5)
    assert amount(pricing.total) == 119


def test_without_an_address_the_estimate_is_without_tax_and_shipping() -> None:
    cart = run(shop(zones(zone())), add(quantity=10))
    assert (amount(cart.pricing.tax), amount(cart.pricing.shipping), amount(cart.pricing.total)) == (0, 0, 100)
    assert not cart.notices


def test_where_nothing_is_delivered_to_the_address_the_cart_says_so_and_estimates_without() -> None:
    state = shop(zones(zone(country="DE")), home())
    cart = run(state, add(quantity=10))
    ((item_id, reason, message),) = notices(cart)
    assert (item_id, reason) == ("", "DELIVERY_NOT_AVAILABLE")
    assert message
    assert amount(cart.pricing.total) == 100


def test_the_estimate_says_what_points_the_order_would_earn() -> None:
    state = shop()
    state.terms = Terms({"USD": PointTerms(Decimal("0.01"), Decimal(3))})
    assert run(state, add(quantity=10)).pricing.loyalty_points_earned == 300


def test_the_address_of_somebody_else_does_not_matter() -> None:
    state = shop(zones(zone()), home(customer_id="cora"))
    assert amount(run(state, add(quantity=10)).pricing.total) == 100


# Ordering.


def test_an_order_from_a_cart_has_its_lines_and_empties_it() -> None:
    state = shop()
    run(state, add("shirt", 2, variant_id="m", design_project_id="d1", customizations={"print": "cat"}))
    run(state, add(quantity=3))
    state.time.CopyFrom(at(60))
    order = run(state, checkout())
    assert [(i.product_id, i.variant_id, i.quantity, i.design_project_id) for i in order.items] == [
        ("shirt", "m", 2, "d1"),
        ("chair", "", 3, ""),
    ]
    assert dict(order.items[0].customizations) == {"print": "cat"}
    assert run(state, get()) == Cart(
        cart_id=current_cart_id("carl"), customer_id="carl", create_time=NOW, update_time=at(60)
    )


def test_an_order_is_in_the_carts_currency() -> None:
    state = shop()
    run(state, add(quantity=3, currency_code="JPY"))
    assert run(state, checkout()).pricing.total == money("1500", "JPY")


def test_trying_out_an_order_leaves_the_cart_full() -> None:
    state = shop()
    run(state, add())
    assert len(run(state, checkout(validate_only=True)).items) == 1
    assert run(state, get()).total_quantity == 1


@pytest.mark.parametrize("cleared", [False, True])
def test_an_empty_cart_cannot_be_ordered(cleared: bool) -> None:
    state = shop()
    if cleared:
        run(state, add())
        run(state, clear())
    error = refuse(state, checkout())
    assert fields_of(error) == ["cart_id"]
    assert "the cart is empty" in error.message


def test_somebody_elses_cart_cannot_be_ordered() -> None:
    state = shop()
    run(state, add())
    error = refuse(state, checkout(customer_id="cora"))
    assert (error.reason, error.metadata) == ("CART_NOT_FOUND", {"cart_id": current_cart_id("carl")})


def test_prices_that_were_not_seen_are_refused_line_by_line() -> None:
    state = shop()
    run(state, add("table"))
    run(state, add())
    stock_up(state, product(price="12.00"))
    error = refuse(state, checkout())
    assert (error.reason, error.metadata) == ("PRICE_CHANGED", {"cart_id": current_cart_id("carl")})
    assert error.violations == [("cart.items[1].unit_price", "was 10.00 USD, is 12.00 USD")]


@pytest.mark.parametrize("seen", ["accepted", "shown by a change"])
def test_prices_that_are_accepted_or_seen_are_ordered(seen: str) -> None:
    state = shop()
    run(state, add())
    stock_up(state, product(price="12.00"))
    if seen == "shown by a change":
        run(state, change("1", 1))
    order = run(state, checkout(accept_price_changes=seen == "accepted"))
    assert amount(order.pricing.total) == 12


def test_looking_at_the_cart_is_not_accepting_its_prices() -> None:
    state = shop()
    run(state, add())
    stock_up(state, product(price="12.00"))
    run(state, get())
    assert refuse(state, checkout()).reason == "PRICE_CHANGED"


@pytest.mark.parametrize("accepts", [False, True])
def test_an_order_is_in_the_currency_of_its_cart(accepts: bool) -> None:
    state = shop()
    run(state, add())
    error = refuse(state, checkout(currency_code="JPY", accept_price_changes=accepts))
    assert error.reason == "INVALID_ORDER_DATA"
    assert error.violations == [
        ("currency_code", "is JPY, but the cart is in USD; clear the cart to change it"),
    ]
    assert run(state, checkout(currency_code="USD")).pricing.total == money("10.00")


def test_a_cart_in_another_currency_is_ordered_in_it() -> None:
    state = shop()
    run(state, add(currency_code="JPY"))
    assert fields_of(refuse(state, checkout(currency_code="USD"))) == ["currency_code"]
    assert run(state, checkout()).pricing.total == money("500", "JPY")


def test_a_cart_with_a_gone_product_cannot_be_ordered() -> None:
    state = shop()
    run(state, add())
    run(state, add("table"))
    forget(state, "table")
    error = refuse(state, checkout(accept_price_changes=True))
    assert (error.reason, error.metadata["product_id"]) == ("PRODUCT_NOT_FOUND", "table")


# Ordering again.


def again(order: Order) -> ReorderOrderRequest:
    return ReorderOrderRequest(order_id=order.order_id)


def test_ordering_again_makes_a_new_cart_of_the_orders_lines_at_todays_prices() -> None:
    state = shop()
    order = run(
        state,
        create(
            line("chair", 2, customizations={"colour": "red"}), line("shirt", 1, variant_id="m", design_project_id="d")
        ),
    )
    stock_up(state, product(price="12.00"))
    cart = run(state, again(order))
    assert cart.cart_id not in ("", current_cart_id("carl"))
    assert (cart.customer_id, cart.currency_code, cart.total_quantity) == ("carl", "USD", 3)
    assert lines(cart) == [("1", "chair", 2), ("2", "shirt", 1)]
    assert dict(cart.items[0].customizations) == {"colour": "red"}
    assert (cart.items[1].variant_id, cart.items[1].design_project_id) == ("m", "d")
    assert amount(cart.pricing.total) == 32
    assert not cart.notices
    assert run(state, get(cart_id=cart.cart_id)) == cart
    assert not run(state, get()).items


def test_ordering_again_twice_makes_two_carts() -> None:
    state = shop()
    order = run(state, create(line()))
    assert run(state, again(order)).cart_id != run(state, again(order)).cart_id


def test_ordering_again_is_in_the_orders_currency() -> None:
    state = shop()
    order = run(state, create(line("chair", 2), currency_code="JPY"))
    assert run(state, again(order)).pricing.total == money("1000", "JPY")


def test_what_cannot_be_had_any_more_is_left_out_of_the_new_cart_and_named_in_its_notices() -> None:
    state = shop()
    order = run(state, create(line("table"), line("chair")))
    forget(state, "table")
    cart = run(state, again(order))
    assert lines(cart) == [("1", "chair", 1)]
    assert notices(cart) == [("", "PRODUCT_NOT_FOUND", "there is no product 'table'")]
    assert not run(state, get(cart_id=cart.cart_id)).notices


def test_a_line_that_the_catalogue_never_had_is_left_out_of_the_new_cart_by_its_name() -> None:
    state = shop()
    order = run(state, create(line("chair")))
    stored(state, order).items.add(sku="OLD-1", name="Old lamp", quantity=1, unit_price=money("3.00"))
    cart = run(state, again(order))
    assert lines(cart) == [("1", "chair", 1)]
    ((item_id, reason, message),) = notices(cart)
    assert (item_id, reason) == ("", "PRODUCT_NOT_FOUND")
    assert "Old lamp" in message


def test_too_little_stock_does_not_keep_an_order_from_being_put_into_a_cart_again() -> None:
    state = shop()
    order = run(state, create(line("table", 3)))
    cart = run(state, again(order))
    assert [reason for _, reason, _ in notices(cart)] == ["INSUFFICIENT_STOCK"]
    assert lines(cart) == [("1", "table", 3)]


@pytest.mark.parametrize("why", ["gone", "imported"])
def test_an_order_of_which_nothing_can_be_had_any_more_is_refused(why: str) -> None:
    state = shop()
    if why == "gone":
        order_id = run(state, create(line("table"))).order_id
        forget(state, "table")
    else:
        order_id = run(state, batch(upsert())).results[0].order_id
    error = refuse(state, ReorderOrderRequest(order_id=order_id))
    assert fields_of(error) == ["order_id"]
    assert "none of the order's products is still available" in error.message


def test_an_unknown_order_cannot_be_ordered_again() -> None:
    assert refuse(shop(), ReorderOrderRequest(order_id="nope")).reason == "ORDER_NOT_FOUND"


def test_the_new_cart_can_be_ordered() -> None:
    state = shop()
    order = run(state, create(line("chair", 2)))
    cart = run(state, again(order))
    run(state, add("table"))
    assert [item.product_id for item in run(state, checkout(cart_id=cart.cart_id)).items] == ["chair"]
    assert lines(run(state, get())) == [("1", "table", 1)]


def test_a_cart_needs_no_rows_but_those_it_says_it_needs() -> None:
    store = Store()
    store.put_products(product("chair"), product("table"))
    for request in (zones(zone()), home(), add("chair", 10), add("table")):
        store.do(request)
    assert amount(store.do(get()).pricing.total) == Decimal("130.40")
    order = store.do(checkout())
    assert lines(store.do(again(order))) == [("1", "chair", 10), ("2", "table", 1)]
    assert not store.do(get()).items
    assert len(store.records[Kind.CART]) == 2


# Properties.

CHOICES = st.builds(
    lambda product_id, design, pieces: add(product_id, pieces, design_project_id=design),
    st.sampled_from(["chair", "table", "lamp"]),
    st.sampled_from(["", "d1"]),
    st.integers(1, 40),
)


def big_shop() -> State:
    return new_state(
        product("chair", "10.01", stock=10_000, tax_class="reduced"),
        product("table", "79.99", stock=10_000, requires_installation=True, installation_price=money("20.05")),
        product("lamp", "0.07", stock=10_000),
        set_up=(
            zones(
                zone(
                    shipping="4.95",
                    basis_points=1913,
                    shipping_tax_class="standard",
                    installation_tax_class="standard",
                )
            ),
            home(),
        ),
    )


def ignoring_times(cart: Cart) -> Cart:
    copy = Cart()
    copy.CopyFrom(cart)
    copy.ClearField("create_time")
    copy.ClearField("update_time")
    return copy


@unhurried
@given(st.lists(CHOICES, max_size=8), CHOICES)
def test_adding_a_line_and_removing_it_gives_back_the_same_cart(before: list[Any], extra: AddCartItemRequest) -> None:
    state = big_shop()
    for request in before:
        run(state, request)
    cart = run(state, get())
    extra.customizations["note"] = "this one"
    added = run(state, extra)
    assert len(added.items) == len(cart.items) + 1
    back = run(state, remove(added.items[-1].item_id))
    assert ignoring_times(back) == ignoring_times(cart)


@unhurried
@given(st.lists(CHOICES, max_size=12))
def test_pieces_prices_and_ids_add_up(requests: list[AddCartItemRequest]) -> None:
    state = big_shop()
    cart = run(state, get())
    for request in requests:
        cart = run(state, request)
    assert cart.total_quantity == sum(request.quantity for request in requests)
    assert cart.total_quantity == sum(item.quantity for item in cart.items)
    assert sum(amount(item.total_price) for item in cart.items) == amount(cart.pricing.subtotal)
    assert len({item.item_id for item in cart.items}) == len(cart.items)
    assert len({(item.product_id, item.design_project_id) for item in cart.items}) == len(cart.items)


@unhurried
@given(st.lists(CHOICES, min_size=1, max_size=8))
def test_the_estimate_is_what_an_order_of_the_same_lines_costs(requests: list[AddCartItemRequest]) -> None:
    state = big_shop()
    for request in requests:
        cart = run(state, request)
    wanted = [NewOrderItem(product_id=item.product_id, quantity=item.quantity) for item in cart.items]
    assert run(state, create(*wanted, validate_only=True)).pricing == cart.pricing
    assert run(state, checkout()).pricing == cart.pricing
