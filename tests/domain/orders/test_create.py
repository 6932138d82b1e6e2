"""CreateOrder: prices from the catalogue, pieces from the skus, and nothing at all when it is refused."""

from decimal import Decimal

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.catalog_service_pb2 import Product
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_STATUS_PENDING,
    PAYMENT_METHOD_PAYPAL,
    PAYMENT_STATUS_UNPAID,
    SHIPPING_STATUS_NOT_SHIPPED,
    Address,
    Order,
)
from orders.v1.order_service_pb2 import CreateOrderRequest

from server.domain.base.state import Changes
from tests.domain.builders import (
    CUSTOMER,
    NOW,
    address,
    amount,
    create,
    fields_of,
    fingerprint,
    history,
    line,
    money,
    new_state,
    product,
    refuse,
    run,
    save_payment_method,
    unhurried,
    variant,
    without_hash,
)


def lamp() -> Product:
    """A product that is ordered by variant and has to be installed."""
    return product(
        "lamp",
        "40.00",
        variants=[variant("red", stock=5), variant("gold", price="55.55", stock=2, sku="SKU-GOLD")],
        requires_installation=True,
        installation_price=money("7.50"),
    )


def test_a_new_order_is_pending_unpaid_and_has_its_first_version() -> None:
    state = new_state()
    order = run(state, create(), CUSTOMER)
    (event,) = history(state, order)
    assert (order.status, order.payment_status, order.shipping_status) == (
        ORDER_STATUS_PENDING,
        PAYMENT_STATUS_UNPAID,
        SHIPPING_STATUS_NOT_SHIPPED,
    )
    assert (order.version, order.etag, order.order_number) == (1, "1", "ORD-2026-000001")
    assert order.create_time == order.update_time == event.event_time == NOW
    assert (event.type, event.version, event.actor) == (ORDER_EVENT_TYPE_CREATED, 1, "carl")
    assert (event.from_status, event.to_status) == (0, ORDER_STATUS_PENDING)


def test_orders_get_their_numbers_in_turn() -> None:
    state = new_state()
    assert [run(state, create()).order_number for _ in range(3)] == [f"ORD-2026-00000{n}" for n in (1, 2, 3)]


def test_what_the_request_says_stands_in_the_order() -> None:
    request = create(
        line(quantity=2, design_project_id="d1", customizations={"colour": "blue"}),
        payment_method=PAYMENT_METHOD_PAYPAL,
        payment_method_id="pm_1",
        special_instructions="ring twice",
        referral_code="EV78",
        metadata={"till": "4"},
        requested_delivery_time=Timestamp(seconds=5),
        delivery_method="express",
        delivery_time_slot="10:00-14:00",
        installation_time=Timestamp(seconds=6),
        installation_time_slot="afternoon",
        request_id="r1",
    )
    state = new_state(set_up=[save_payment_method("pm_1", PAYMENT_METHOD_PAYPAL)])
    order = run(state, request)
    assert (order.customer.customer_id, order.payment_method, order.payment_method_id) == ("carl", 2, "pm_1")
    assert (order.special_instructions, order.referral_code, dict(order.metadata)) == (
        "ring twice",
        "EV78",
        {"till": "4"},
    )
    delivery, installation = order.delivery, order.installation
    assert (delivery.method, delivery.requested_time.seconds, delivery.time_slot) == ("express", 5, "10:00-14:00")
    assert (installation.scheduled_time.seconds, installation.time_slot) == (6, "afternoon")
    (item,) = order.items
    assert (item.item_id, item.design_project_id, dict(item.customizations)) == ("1", "d1", {"colour": "blue"})
    assert history(state, order)[0].request_id == "r1"


def test_the_delivery_method_is_standard_if_not_said() -> None:
    assert run(new_state(), create()).delivery.method == "standard"


def test_lines_are_priced_from_the_catalogue_and_add_up() -> None:
    state = new_state(product(price="10.05"), lamp())
    order = run(state, create(line(quantity=3), line("lamp", 2, variant_id="red")))
    chair, red = order.items
    assert (chair.sku, chair.name, chair.variant_name, chair.unit_price, chair.total_price) == (
        "SKU-chair",
        "Chair",
        "",
        money("10.05"),
        money("30.15"),
    )
    assert (red.sku, red.name, red.variant_name, red.unit_price, red.total_price) == (
        "SKU-lamp",
        "Lamp",
        "Red",
        money("40.00"),
        money("80.00"),
    )
    pricing = order.pricing
    assert [pricing.subtotal, pricing.installation, pricing.total] == [money("110.15"), money("15.00"), money("125.15")]
    assert [pricing.tax, pricing.shipping, pricing.discount] == [money("0")] * 3
    assert order.total_quantity == 5


def test_a_variant_has_its_own_price_and_sku_if_it_says_so() -> None:
    (item,) = run(new_state(lamp()), create(line("lamp", variant_id="gold"))).items
    assert (item.unit_price, item.sku, item.variant_id) == (money("55.55"), "SKU-GOLD", "gold")


def test_installation_is_required_if_any_line_needs_it() -> None:
    state = new_state(product(), lamp())
    without = run(state, create(line()))
    order = run(state, create(line(), line("lamp", variant_id="red")))
    assert (without.installation.required, order.installation.required) == (False, True)
    assert [item.requires_installation for item in order.items] == [False, True]
    assert order.items[1].installation_price == money("7.50")
    assert without.pricing.installation == money("0")


def test_an_installation_price_costs_nothing_where_nobody_has_to_install() -> None:
    state = new_state(product(installation_price=money("7.50")))
    assert run(state, create()).pricing.total == money("10.00")


@unhurried
@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**5), st.booleans(), st.integers(1, 20)), max_size=8),
    st.sampled_from(["JPY", "USD", "KWD", "CLF"]),
)
def test_any_order_adds_up(lines: list[tuple[int, int, bool, int]], currency: str) -> None:
    scale = Decimal(10) ** {"JPY": 0, "USD": -2, "KWD": -3, "CLF": -4}[currency]
    products = [
        product(
            f"p{index}",
            str(price * scale),
            currency=currency,
            requires_installation=installed,
            installation_price=money(str(fee * scale), currency),
        )
        for index, (price, fee, installed, _) in enumerate([*lines, (1, 1, True, 1)])
    ]
    wanted = [line(f"p{index}", quantity) for index, (_, _, _, quantity) in enumerate([*lines, (1, 1, True, 1)])]
    order = run(new_state(*products), create(*wanted))
    for item in order.items:
        assert amount(item.total_price) == amount(item.unit_price) * item.quantity
    pricing = order.pricing
    assert amount(pricing.subtotal) == sum(amount(item.total_price) for item in order.items)
    assert amount(pricing.installation) == sum(amount(item.installation_price) * item.quantity for item in order.items)
    assert amount(pricing.total) == amount(pricing.subtotal) + amount(pricing.installation)
    assert order.total_quantity == sum(item.quantity for item in order.items)


def test_two_currencies_in_one_order_are_refused() -> None:
    state = new_state(product(), product("tea", "3.000", currency="KWD"))
    error = refuse(state, create(line(), line("tea")))
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", ["items[1].product_id"])
    assert "KWD" in error.message
    assert "USD" in error.message


def test_a_line_that_costs_too_much_is_refused() -> None:
    state = new_state(product(price="9000000000000.00", stock=10))
    assert fields_of(refuse(state, create(line(quantity=2)))) == ["items[0].quantity"]


def test_lines_that_cost_too_much_together_are_refused() -> None:
    state = new_state(product(price="9000000000000.00", stock=10))
    assert fields_of(refuse(state, create(line(), line()))) == ["items"]


# What cannot be ordered.


def test_a_product_that_is_not_there_is_named() -> None:
    error = refuse(new_state(), create(line(), line("table")))
    assert (error.reason, error.metadata) == ("PRODUCT_NOT_FOUND", {"product_id": "table", "variant_id": ""})
    assert not error.requested


def test_a_variant_that_is_not_there_is_named() -> None:
    error = refuse(new_state(lamp()), create(line("lamp", variant_id="blue")))
    assert (error.reason, error.metadata) == ("PRODUCT_NOT_FOUND", {"product_id": "lamp", "variant_id": "blue"})


def test_a_product_with_variants_is_ordered_by_one_of_them() -> None:
    error = refuse(new_state(lamp()), create(line("lamp")))
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", ["items[0].variant_id"])
    assert "gold, red" in error.message


def test_a_variant_of_a_product_without_variants_is_refused() -> None:
    assert refuse(new_state(), create(line(variant_id="red"))).reason == "PRODUCT_NOT_FOUND"


def test_ordering_takes_the_pieces_from_the_shelf() -> None:
    state = new_state(product(stock=10), lamp())
    run(state, create(line(quantity=3), line("lamp", 2, variant_id="red"), line(quantity=1)))
    assert state.stock.values == {("chair", ""): 6, ("lamp", "red"): 3, ("lamp", "gold"): 2}
    assert state.stock.deltas == {("chair", ""): -4, ("lamp", "red"): -2}


def test_the_last_piece_can_be_ordered() -> None:
    state = new_state(product(stock=2))
    run(state, create(line(quantity=2)))
    assert state.stock.get(("chair", "")) == 0


def test_too_few_pieces_are_refused_with_what_is_left() -> None:
    error = refuse(new_state(lamp()), create(line("lamp", 3, variant_id="gold")))
    assert error.reason == "INSUFFICIENT_STOCK"
    assert error.metadata == {"product_id": "lamp", "variant_id": "gold", "requested": "3", "available": "2"}
    assert error.message == "3 of product 'lamp' variant 'gold' were requested, 2 are available"


def test_lines_of_one_product_are_counted_together() -> None:
    error = refuse(new_state(product(stock=5)), create(line(quantity=3), line(quantity=3)))
    assert (error.metadata["requested"], error.metadata["available"]) == ("6", "5")


def test_an_order_takes_nothing_if_one_of_its_products_is_short() -> None:
    state = new_state(product(stock=5), product("table", stock=0))
    refuse(state, create(line(), line("table")))
    assert state.stock.get(("chair", "")) == 5


def test_the_second_order_of_a_batch_sees_what_the_first_has_taken() -> None:
    state = new_state(product(stock=5))
    run(state, create(line(quantity=3)))
    assert refuse(state, create(line(quantity=3))).metadata["available"] == "2"


# What the customer does not have.


@pytest.mark.parametrize(
    ("request_", "reason", "metadata"),
    [
        (CreateOrderRequest(customer_id="carl", cart_id="c1"), "CART_NOT_FOUND", {"cart_id": "c1"}),
        (create(coupon_code="TEN"), "INVALID_COUPON", {"coupon_code": "TEN", "condition": "exists"}),
        (create(loyalty_points_to_use=5), "INSUFFICIENT_POINTS", {"requested": "5", "available": "0"}),
    ],
    ids=["cart", "coupon", "points"],
)
def test_what_the_customer_does_not_have_is_refused_with_its_reason(
    request_: CreateOrderRequest, reason: str, metadata: dict[str, str]
) -> None:
    error = refuse(new_state(), request_)
    assert (error.reason, error.metadata) == (reason, metadata)


@pytest.mark.parametrize("field", ["shipping_address_id", "billing_address_id"])
def test_a_saved_address_that_is_not_there_is_refused_by_name(field: str) -> None:
    request = CreateOrderRequest(customer_id="carl", items=[line()])
    setattr(request, field, "home")
    error = refuse(new_state(), request)
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", [field])
    assert "'home'" in error.message


def test_items_and_a_cart_are_one_too_many() -> None:
    assert fields_of(refuse(new_state(), create(cart_id="c1"))) == ["cart_id"]


def test_an_order_without_items_is_refused() -> None:
    assert fields_of(refuse(new_state(), CreateOrderRequest(customer_id="carl"))) == ["items"]


# Addresses.


def test_the_bill_goes_where_the_parcel_goes_if_not_said() -> None:
    order = run(new_state(), create(shipping_address=address("5 Park Rd", name="Ann")))
    assert order.billing_address == order.shipping_address == address("5 Park Rd", name="Ann")


def test_the_bill_goes_where_it_is_said_to_go() -> None:
    order = run(new_state(), create(billing_address=address("9 Bank St")))
    assert (order.shipping_address.street, order.billing_address.street) == ("1 Nile St", "9 Bank St")


def test_an_order_without_an_address_has_none() -> None:
    order = run(new_state(), CreateOrderRequest(customer_id="carl", items=[line()]))
    assert not order.HasField("shipping_address")
    assert not order.HasField("billing_address")


@pytest.mark.parametrize("field", ["shipping_address", "billing_address"])
def test_an_address_without_a_street_is_refused(field: str) -> None:
    error = refuse(new_state(), create(**{field: Address(city="Giza")}))
    assert fields_of(error) == [f"{field}.street"]


# validate_only.


def test_validate_only_answers_the_order_as_it_would_be_and_stores_nothing() -> None:
    state = new_state(lamp())
    before = fingerprint(state)
    seen = run(state, create(line("lamp", variant_id="red"), validate_only=True, request_id="r1"))
    assert fingerprint(state) == before
    assert state.changes == Changes()
    created = run(state, create(line("lamp", variant_id="red"), request_id="r1"))
    assert (seen.order_number, seen.event_hash) == ("", b"")
    assert without_identity(seen) == without_identity(created)


def without_identity(order: Order) -> Order:
    copy = without_hash(order)
    copy.ClearField("order_id")
    copy.ClearField("order_number")
    return copy


def test_validate_only_refuses_what_would_be_refused() -> None:
    state = new_state(product(stock=1))
    assert refuse(state, create(line(quantity=2), validate_only=True)).reason == "INSUFFICIENT_STOCK"
    assert refuse(state, create(line("table"), validate_only=True)).reason == "PRODUCT_NOT_FOUND"
