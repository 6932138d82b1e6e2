"""CreateOrder with what the shop keeps: accounts, coupons, points, delivery zones and carts. PriceOrder says the same before."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.cart_service_pb2 import AddCartItemRequest, Cart, GetCartRequest
from orders.v1.catalog_service_pb2 import (
    AdjustStockRequest,
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    DeliveryArea,
    DeliveryMethod,
    DeliveryZone,
    TaxRate,
)
from orders.v1.customer_service_pb2 import AdjustPointsRequest, DeleteAddressRequest, UpsertCustomerRequest
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_METHOD_PAYPAL,
    AppliedCoupon,
    Customer,
    Order,
    Pricing,
)
from orders.v1.order_service_pb2 import CreateOrderRequest, PriceOrderRequest, PriceOrderResponse, PriceStepType

from server.domain.base.state import Changes, State
from server.domain.carts.carts import current_cart_id
from tests.domain.builders import (
    CUSTOMER,
    NOW,
    Store,
    address,
    amount,
    at,
    create,
    expiring,
    fields_of,
    fingerprint,
    line,
    money,
    new_state,
    product,
    refuse,
    run,
    save_address,
    save_payment_method,
    stored,
    unhurried,
    variant,
)

DAY = 86_400
TEN = Coupon(code="TEN", type=COUPON_TYPE_PERCENTAGE, basis_points=1_000)


def egypt() -> DeliveryZone:
    """14 % on everything but the table's 5 %; standard costs 5 dollars up to 100, express 12."""
    return DeliveryZone(
        zone_id="eg",
        areas=[DeliveryArea(country="EG")],
        tax_rates=[TaxRate(basis_points=1_400), TaxRate(tax_class="reduced", basis_points=500)],
        shipping_tax_class="standard",
        installation_tax_class="standard",
        methods=[
            DeliveryMethod(
                method="standard",
                prices=[money("5"), money("4.50", "EUR")],
                free_from=[money("100")],
                handling_days=1,
                transit_days=3,
            ),
            DeliveryMethod(method="express", prices=[money("12")], transit_days=1, time_slots=["am", "pm"]),
        ],
    )


def shop(*set_up: Any) -> State:
    """Chairs at 10 dollars or 9.50 euros, tables at 80 with 20 for installing; a coupon, 500 points of carl's, a zone."""
    chair = product(price="10.00", prices=[money("9.50", "EUR")])
    table = product(
        "table", "80.00", stock=10, requires_installation=True, installation_price=money("20"), tax_class="reduced"
    )
    return new_state(
        chair,
        table,
        set_up=[
            BatchUpsertCouponsRequest(coupons=[TEN]),
            BatchUpsertDeliveryZonesRequest(zones=[egypt()]),
            AdjustPointsRequest(customer_id="carl", delta=500, reason="welcome"),
            *set_up,
        ],
    )


def accounts() -> list[Any]:
    """carl has two addresses and two ways to pay, dora has her own."""
    return [
        UpsertCustomerRequest(customer=Customer(customer_id="carl", name="Carl", email="c@example.com", phone="1")),
        save_address("home", street="1 Home St"),
        save_address("work", street="2 Work St"),
        save_payment_method("card", PAYMENT_METHOD_CREDIT_CARD),
        save_payment_method("pp", PAYMENT_METHOD_PAYPAL),
        save_address("hers", "dora", street="3 Dora St"),
        save_payment_method("hers", customer_id="dora"),
    ]


def checkout(**more: Any) -> CreateOrderRequest:
    given = {"customer_id": "carl", "cart_id": current_cart_id("carl"), "shipping_address": address()}
    return CreateOrderRequest(**given | more)


def add(product_id: str = "chair", quantity: int = 1, **more: Any) -> AddCartItemRequest:
    return AddCartItemRequest(**{"customer_id": "carl", "product_id": product_id, "quantity": quantity} | more)


def price(state: State, request: CreateOrderRequest) -> PriceOrderResponse:
    response: PriceOrderResponse = run(state, PriceOrderRequest(order=request), CUSTOMER)
    return response


def without(message: Any, *fields: str) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    for field in fields:
        copy.ClearField(field)
    return copy


# What is saved with the customer.


def test_the_order_carries_the_contact_as_it_is_now() -> None:
    state = shop(*accounts())
    order = run(state, create())
    assert order.customer == Customer(customer_id="carl", name="Carl", email="c@example.com", phone="1")
    run(state, UpsertCustomerRequest(customer=Customer(customer_id="carl", name="Karl")))
    assert stored(state, order).customer.name == "Carl"


def test_a_saved_address_is_copied_with_its_id() -> None:
    state = shop(*accounts())
    request = CreateOrderRequest(customer_id="carl", items=[line()], shipping_address_id="work")
    order = run(state, request)
    assert order.shipping_address == address("2 Work St", address_id="work")
    assert order.billing_address == order.shipping_address
    run(state, DeleteAddressRequest(customer_id="carl", address_id="work"))
    assert stored(state, order).shipping_address.street == "2 Work St"


def test_the_bill_may_go_to_another_saved_address() -> None:
    state = shop(*accounts())
    order = run(state, create(shipping_address=address("9 Else St"), billing_address_id="home"))
    assert (order.shipping_address.street, order.billing_address.street) == ("9 Else St", "1 Home St")


@pytest.mark.parametrize(
    ("field", "saved"),
    [
        ("shipping_address_id", "'home', 'work'"),
        ("billing_address_id", "'home', 'work'"),
        ("payment_method_id", "'card', 'pp'"),
    ],
)
@pytest.mark.parametrize("wanted", ["hers", "ghost"])
def test_what_somebody_else_has_saved_is_not_there(field: str, saved: str, wanted: str) -> None:
    state = shop(*accounts())
    request = CreateOrderRequest(customer_id="carl", items=[line()])
    setattr(request, field, wanted)
    error = refuse(state, request)
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", [field])
    assert repr(wanted) in error.message
    assert saved in error.message


def test_a_saved_payment_method_says_how_the_customer_pays() -> None:
    order = run(shop(*accounts()), create(payment_method_id="pp"))
    assert (order.payment_method_id, order.payment_method) == ("pp", PAYMENT_METHOD_PAYPAL)


def test_a_saved_payment_method_of_another_kind_is_refused() -> None:
    state = shop(*accounts())
    error = refuse(state, create(payment_method_id="pp", payment_method=PAYMENT_METHOD_CREDIT_CARD))
    assert fields_of(error) == ["payment_method"]
    assert "is PAYPAL" in error.message
    assert run(state, create(payment_method_id="pp", payment_method=PAYMENT_METHOD_PAYPAL)).payment_method_id == "pp"


@pytest.mark.parametrize("year", [2025, 2026])
def test_an_expired_payment_method_is_refused(year: int) -> None:
    state = shop(*accounts())
    run(state, expiring(4, year))
    error = refuse(state, create(payment_method_id="card"))
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", ["payment_method_id"])
    assert f"payment method 'card' expired in 04/{year}; choose another one" in error.message
    assert refuse(state, PriceOrderRequest(order=create(payment_method_id="card"))).reason == error.reason


@pytest.mark.parametrize(("month", "year"), [(5, 2026), (1, 2027), (0, 0)])
def test_a_payment_method_is_good_to_the_end_of_its_month(month: int, year: int) -> None:
    """It is May 2026."""
    state = shop(*accounts())
    run(state, expiring(month, year))
    assert run(state, create(payment_method_id="card")).payment_method_id == "card"


# The price.


def test_everything_that_makes_the_price_stands_in_the_order() -> None:
    """3 chairs and a table: 110 − 11 coupon + 20 installing + shipping 5 + tax − 2 for 200 points."""
    state = shop()
    order = run(state, create(line(quantity=3), line("table"), coupon_code="ten", loyalty_points_to_use=200))
    chair, table = order.items
    assert (chair.discount, table.discount) == (money("3"), money("8"))
    assert (chair.tax, table.tax) == (money("3.78"), money("3.60"))
    assert (chair.tax_basis_points, table.tax_basis_points) == (1_400, 500)
    # Tax: 3.78 and 3.60 on the lines less their discount, 0.70 on shipping, 2.80 on installing.
    pricing = Pricing()
    pricing.CopyFrom(order.pricing)
    for name in ("terms", "taxes", "shipping_taxes", "installation_taxes"):
        pricing.ClearField(name)
    pricing.applied_coupons[0].ClearField("terms")
    assert pricing == Pricing(
        subtotal=money("110"),
        discount=money("11"),
        installation=money("20"),
        shipping=money("5"),
        tax=money("10.88"),
        total=money("132.88"),
        applied_coupons=[
            AppliedCoupon(code="TEN", discount=money("11"), type=COUPON_TYPE_PERCENTAGE, eligible_amount=money("110"))
        ],
        loyalty_points_requested=200,
        loyalty_points_used=200,
        loyalty_points_value=money("2"),
        loyalty_points_earned=7,
    )
    assert (state.coupon_uses.get(("TEN", "carl")), state.points.get("carl")) == (1, 300)


def test_the_zone_says_how_and_when_the_order_arrives() -> None:
    order = run(shop(), create(delivery_method="express"))
    delivery = order.delivery
    assert (delivery.zone_id, delivery.method, delivery.time_slot) == ("eg", "express", "am")
    assert (delivery.estimated_shipping_time, delivery.estimated_time) == (NOW, at(DAY))


def test_a_parcel_does_not_arrive_before_it_is_wanted() -> None:
    state = shop()
    soon = run(state, create(requested_delivery_time=at(DAY)))
    late = run(state, create(requested_delivery_time=at(30 * DAY)))
    assert (soon.delivery.estimated_time, late.delivery.estimated_time) == (at(4 * DAY), at(30 * DAY))
    assert soon.delivery.estimated_shipping_time == at(DAY)


def test_goods_are_not_installed_before_they_arrive() -> None:
    state = shop()
    early, late = at(4 * DAY - 1), at(4 * DAY)
    error = refuse(state, create(line("table"), installation_time=early))
    assert fields_of(error) == ["installation_time"]
    assert late.ToJsonString() in error.message
    assert run(state, create(line("table"), installation_time=late)).installation.scheduled_time == late
    # Nobody installs a chair, whatever the time.
    assert run(state, create(line(), installation_time=early)).installation.scheduled_time == early


def test_where_nothing_is_delivered_nothing_is_ordered() -> None:
    state = shop()
    error = refuse(state, create(shipping_address=address(country="FR")))
    assert (error.reason, error.metadata["condition"]) == ("DELIVERY_NOT_AVAILABLE", "zone")
    assert fields_of(refuse(state, CreateOrderRequest(customer_id="carl", items=[line()]))) == ["shipping_address"]


def test_points_pay_for_no_more_than_the_order_costs() -> None:
    """A chair, its tax and shipping cost 17.10; 500 points are worth 5."""
    state = shop(AdjustPointsRequest(customer_id="carl", delta=5_000, reason="prize"))
    order = run(state, create(loyalty_points_to_use=4_000))
    assert (order.pricing.total, order.pricing.loyalty_points_used) == (money("0"), 1_710)
    assert order.pricing.loyalty_points_earned == 0
    assert state.points.get("carl") == 5_500 - 1_710


def test_points_that_are_not_there_are_refused_even_if_fewer_would_do() -> None:
    state = shop()
    error = refuse(state, create(loyalty_points_to_use=501))
    assert (error.reason, error.metadata) == ("INSUFFICIENT_POINTS", {"requested": "501", "available": "500"})
    assert run(state, create(loyalty_points_to_use=500)).pricing.loyalty_points_used == 500


def test_somebody_elses_points_are_not_spent() -> None:
    state = shop()
    request = create(loyalty_points_to_use=5)
    request.customer_id = "dora"
    assert refuse(state, request).metadata["available"] == "0"


def test_a_coupon_is_used_up() -> None:
    once = Coupon(code="ONCE", type=COUPON_TYPE_PERCENTAGE, basis_points=500, usage_limit_per_customer=1, usage_limit=2)
    state = shop(BatchUpsertCouponsRequest(coupons=[once]))
    request = create(coupon_code="once")
    run(state, request)
    assert refuse(state, request).metadata["condition"] == "usage_limit_per_customer"
    request.customer_id = "dora"
    run(state, request)
    request.customer_id = "eve"
    assert refuse(state, request).metadata["condition"] == "usage_limit"


# The currency.


def test_the_first_product_says_the_currency_if_nobody_else_does() -> None:
    state = new_state(product("tea", "300", currency="JPY"), product(prices=[money("1200", "JPY")]))
    order = run(state, create(line("tea"), line()))
    assert order.pricing.total == money("1500", "JPY")


def test_the_order_is_in_the_currency_that_was_asked_for() -> None:
    order = run(shop(), create(line(quantity=2), currency_code="EUR"))
    assert (order.items[0].unit_price, order.pricing.shipping) == (money("9.50", "EUR"), money("4.50", "EUR"))
    assert order.pricing.total == money("26.79", "EUR")


def test_a_product_without_a_price_in_the_currency_is_refused() -> None:
    error = refuse(shop(), create(line(), line("table"), currency_code="EUR"))
    assert fields_of(error) == ["items[1].product_id"]
    assert "it is sold in USD" in error.message


def test_a_variant_with_its_own_price_is_sold_in_its_own_currencies() -> None:
    lamp = product("lamp", "40", prices=[money("38", "EUR")], variants=[variant("red"), variant("gold", price="50")])
    state = new_state(lamp)
    assert run(state, create(line("lamp", variant_id="red"), currency_code="EUR")).pricing.total == money("38", "EUR")
    error = refuse(state, create(line("lamp", variant_id="gold"), currency_code="EUR"))
    assert fields_of(error) == ["items[0].product_id"]


# From a cart.


def test_a_cart_becomes_an_order_with_everything_that_was_chosen() -> None:
    chosen = {"customizations": {"colour": "blue"}, "design_project_id": "d1"}
    state = shop(add(quantity=2, **chosen), add("table"))
    order = run(state, checkout(coupon_code="TEN"))
    chair, table = order.items
    assert (chair.item_id, chair.quantity, chair.design_project_id) == ("1", 2, "d1")
    assert dict(chair.customizations) == {"colour": "blue"}
    assert (table.item_id, table.product_id, table.quantity) == ("2", "table", 1)
    assert order.pricing.subtotal == money("100")


def test_the_cart_is_empty_afterwards_and_cannot_be_ordered_twice() -> None:
    state = shop(add(quantity=2))
    run(state, checkout())
    cart = run(state, GetCartRequest(customer_id="carl"))
    assert (list(cart.items), cart.currency_code, cart.total_quantity) == ([], "", 0)
    assert fields_of(refuse(state, checkout())) == ["cart_id"]


def test_a_repeated_checkout_answers_with_the_first_order_and_leaves_the_new_cart_alone() -> None:
    store = Store()
    store.put_products(product())
    store.do(add(quantity=2))
    first = store.do(checkout(request_id="r1"))
    store.do(add(quantity=1))
    assert store.do(checkout(request_id="r1")) == first
    assert store.do(GetCartRequest(customer_id="carl")).total_quantity == 1
    assert len(store.orders) == 1


def test_an_order_of_items_leaves_the_cart_alone() -> None:
    state = shop(add(quantity=2))
    run(state, create())
    assert run(state, GetCartRequest(customer_id="carl")).total_quantity == 2


def test_a_cart_is_ordered_in_its_own_currency_if_not_said_otherwise() -> None:
    state = shop(add(currency_code="EUR"))
    assert run(state, checkout()).pricing.subtotal == money("9.50", "EUR")


@pytest.mark.parametrize("customer_id", ["dora", "eve"])
def test_somebody_elses_cart_is_not_there(customer_id: str) -> None:
    state = shop(add())
    error = refuse(state, checkout(customer_id=customer_id))
    assert (error.reason, error.metadata) == ("CART_NOT_FOUND", {"cart_id": current_cart_id("carl")})


def test_a_price_that_the_customer_has_not_seen_is_refused_line_by_line() -> None:
    state = shop(add(quantity=2), add("table"))
    run(state, BatchUpsertProductsRequest(products=[product(price="12.50")]))
    error = refuse(state, checkout())
    assert (error.reason, error.metadata) == ("PRICE_CHANGED", {"cart_id": current_cart_id("carl")})
    (violation,) = error.violations
    assert violation == ("cart.items[0].unit_price", "was 10.00 USD, is 12.50 USD")


def test_price_changes_can_be_accepted() -> None:
    state = shop(add(quantity=2))
    run(state, BatchUpsertProductsRequest(products=[product(price="12.50")]))
    assert run(state, checkout(accept_price_changes=True)).pricing.subtotal == money("25")


def test_a_price_that_the_customer_has_seen_since_is_taken() -> None:
    state = shop(add(quantity=2))
    run(state, BatchUpsertProductsRequest(products=[product(price="12.50")]))
    run(state, add(quantity=1))
    assert run(state, checkout()).pricing.subtotal == money("37.50")


def test_a_refused_checkout_leaves_the_cart_as_it_was() -> None:
    state = shop(add(quantity=8))
    run(state, AdjustStockRequest(product_id="chair", delta=-95, reason="fire"))
    cart = dict(state.carts.stored)
    error = refuse(state, checkout())
    assert (error.reason, error.metadata["requested"]) == ("INSUFFICIENT_STOCK", "8")
    assert state.carts.stored == cart


# Looking without ordering.


def wishes() -> list[CreateOrderRequest]:
    return [
        create(line(quantity=3), line("table"), coupon_code="TEN", loyalty_points_to_use=200, request_id="r1"),
        create(line("table"), delivery_method="express", delivery_time_slot="pm", installation_time=at(9 * DAY)),
        create(currency_code="EUR", shipping_address=address("2 Work St")),
        checkout(coupon_code="TEN", accept_price_changes=True),
    ]


@pytest.mark.parametrize("index", range(len(wishes())))
def test_validate_only_and_price_order_say_what_will_be_and_change_nothing(index: int) -> None:
    state = shop(add(quantity=2))
    request = wishes()[index]
    tried = without(request)
    tried.validate_only = True
    before = fingerprint(state)
    seen, priced = run(state, tried), price(state, request)
    assert fingerprint(state) == before
    assert state.changes == Changes()
    order: Order = run(state, request)
    assert without(seen, "order_id") == without(order, "order_id", "order_number", "event_hash")
    assert (priced.pricing, priced.items, priced.delivery, priced.installation) == (
        order.pricing,
        order.items,
        order.delivery,
        order.installation,
    )


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (create(line(quantity=101)), "INSUFFICIENT_STOCK"),
        (create(line("sofa")), "PRODUCT_NOT_FOUND"),
        (create(coupon_code="NONE"), "INVALID_COUPON"),
        (create(loyalty_points_to_use=501), "INSUFFICIENT_POINTS"),
        (create(delivery_method="drone"), "DELIVERY_NOT_AVAILABLE"),
        (create(cart_id="c1"), "INVALID_ORDER_DATA"),
        (checkout(cart_id="c1"), "CART_NOT_FOUND"),
        (checkout(), "PRICE_CHANGED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_price_order_refuses_what_create_order_would(request_: CreateOrderRequest, reason: str) -> None:
    state = shop(add(quantity=2))
    run(state, BatchUpsertProductsRequest(products=[product(price="12.50", prices=[money("9.50", "EUR")])]))
    dry = without(request_)
    dry.validate_only = True
    refusals = [refuse(state, wanted) for wanted in (PriceOrderRequest(order=request_), dry, request_)]
    assert {refusal.reason for refusal in refusals} == {reason}
    assert len({refusal.message.replace("order.", "") for refusal in refusals}) == 1


def test_the_steps_of_a_price_add_up_to_it() -> None:
    state = shop()
    priced = price(state, create(line(quantity=3), line("table"), coupon_code="TEN", loyalty_points_to_use=200))
    by_type: dict[str, Any] = {}
    for step in priced.steps:
        name = PriceStepType.Name(step.type).removeprefix("PRICE_STEP_TYPE_")
        by_type[name] = by_type.get(name, 0) + amount(step.amount)
    assert by_type["LINE"] == by_type["SUBTOTAL"] == amount(priced.pricing.subtotal)
    assert by_type["LINE_DISCOUNT"] == by_type["DISCOUNT"] == -amount(priced.pricing.discount)
    assert by_type["TAX"] == amount(priced.pricing.tax)
    parts = ("SUBTOTAL", "DISCOUNT", "TAX", "SHIPPING", "INSTALLATION", "POINTS")
    assert sum(by_type[name] for name in parts) == by_type["TOTAL"] == amount(priced.pricing.total)


def test_price_order_offers_the_ways_of_delivery_cheapest_first() -> None:
    state = shop()
    priced = price(state, create(delivery_method="express"))
    assert [(option.method, option.price) for option in priced.delivery_options] == [
        ("standard", money("5")),
        ("express", money("12")),
    ]
    assert [option.estimated_delivery_time for option in priced.delivery_options] == [at(4 * DAY), at(DAY)]
    free = price(state, create(line(quantity=10)))
    assert free.delivery_options[0].price == free.pricing.shipping == money("0")


@unhurried
@given(
    st.lists(st.tuples(st.sampled_from(["chair", "table"]), st.integers(1, 4)), min_size=1, max_size=5),
    st.sampled_from(["", "TEN"]),
    st.integers(0, 500),
    st.sampled_from(["", "express"]),
    st.sampled_from([None, 2 * DAY, 20 * DAY]),
)
def test_whatever_is_ordered_costs_what_price_order_said(
    lines: list[tuple[str, int]], coupon_code: str, points: int, method: str, wanted: int | None
) -> None:
    state = shop()
    more: dict[str, Timestamp] = {} if wanted is None else {"requested_delivery_time": at(wanted)}
    request = create(
        *(line(product_id, quantity) for product_id, quantity in lines),
        coupon_code=coupon_code,
        loyalty_points_to_use=points,
        delivery_method=method,
        **more,
    )
    if sum(quantity for product_id, quantity in lines if product_id == "table") > 10:
        assert refuse(state, PriceOrderRequest(order=request)).reason == refuse(state, request).reason
        return
    priced = price(state, request)
    order = run(state, request)
    assert (priced.pricing, priced.items, priced.delivery) == (order.pricing, order.items, order.delivery)


def test_what_was_priced_in_one_batch_is_ordered_in_the_next() -> None:
    """With no more rows read than each of them says it needs."""
    store = Store()
    store.put_products(product(), product("table", "80.00"))
    for request in (
        BatchUpsertCouponsRequest(coupons=[TEN]),
        BatchUpsertDeliveryZonesRequest(zones=[egypt()]),
        AdjustPointsRequest(customer_id="carl", delta=500, reason="welcome"),
        *accounts(),
        add(quantity=2),
        add("table"),
    ):
        store.do(request)
    wanted = checkout(shipping_address_id="home", payment_method_id="card", coupon_code="ten", loyalty_points_to_use=50)
    priced, order = store.do(PriceOrderRequest(order=wanted)), store.do(wanted)
    assert (priced.pricing, priced.items, priced.delivery) == (order.pricing, order.items, order.delivery)
    assert order.shipping_address.address_id == "home"
    assert Cart.FromString(next(iter(store.records["carts"].values()))) == Cart(
        cart_id=current_cart_id("carl"), customer_id="carl", create_time=NOW, update_time=NOW
    )
