"""What prices an unpaid order again, and what it has agreed."""

from decimal import Decimal

from orders.v1.cart_service_pb2 import AddCartItemRequest, GetCartRequest
from orders.v1.catalog_service_pb2 import (
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    DeleteDeliveryZoneRequest,
    DeliveryArea,
    DeliveryZone,
    TaxRate,
)
from orders.v1.customer_service_pb2 import AdjustPointsRequest
from orders.v1.order_pb2 import COUPON_TYPE_PERCENTAGE, PAYMENT_EVENT_TYPE_PAID, Order, PaymentEvent
from orders.v1.order_service_pb2 import CreateOrderRequest, RecordPaymentRequest

from server.domain.base.state import State
from server.domain.base.values import PointTerms, Terms
from tests.domain.builders import address, create, fields_of, line, money, new_state, product, refuse, run, update


def zones(rate: int) -> BatchUpsertDeliveryZonesRequest:
    zone = DeliveryZone(zone_id="eg", areas=[DeliveryArea(country="EG")], tax_rates=[TaxRate(basis_points=rate)])
    zone.methods.add(method="standard", prices=[money("7")])
    return BatchUpsertDeliveryZonesRequest(zones=[zone])


def coupons(*codes: str, rate: int = 1_000, combinable: bool = True) -> BatchUpsertCouponsRequest:
    return BatchUpsertCouponsRequest(
        coupons=[
            Coupon(code=code, type=COUPON_TYPE_PERCENTAGE, basis_points=rate, combinable=combinable) for code in codes
        ]
    )


def shop() -> State:
    return new_state(product(), set_up=[zones(500), coupons("A", "B"), coupons("ALONE", combinable=False)])


def items(order: Order, quantity: int) -> Order:
    wished = Order(order_id=order.order_id)
    wished.items.add(product_id="chair", quantity=quantity)
    return wished


def test_another_recipient_keeps_the_price_whatever_became_of_the_zone() -> None:
    state = shop()
    order = run(state, create())
    run(state, DeleteDeliveryZoneRequest(zone_id="eg"))
    wished = Order(order_id=order.order_id, shipping_address=address(name="Carla"))
    changed = run(state, update(order, "shipping_address", wished=wished))
    assert (changed.pricing, changed.shipping_address.name) == (order.pricing, "Carla")


def test_the_same_items_keep_their_price() -> None:
    state = shop()
    order = run(state, create(line(quantity=2)))
    run(state, BatchUpsertProductsRequest(products=[product(price="12")]))
    run(state, zones(2_500))
    assert run(state, update(order, "items", wished=items(order, 2))).pricing == order.pricing


def test_another_tax_is_a_changed_price() -> None:
    state = shop()
    order = run(state, create(line(quantity=2)))
    run(state, zones(2_500))
    wished = Order(order_id=order.order_id, shipping_address=address(postal_code="12345"))
    request = update(order, "shipping_address", wished=wished)
    error = refuse(state, request)
    assert (error.reason, fields_of(error)) == ("PRICE_CHANGED", ["order.pricing.tax"])
    assert error.violations[0].description == "was 1.00 USD, is 5.00 USD"
    request.accept_price_changes = True
    assert run(state, request).pricing.tax == money("5")


def test_coupons_are_added_and_removed_while_nothing_is_paid() -> None:
    state = shop()
    order = run(state, create(line(quantity=10), coupon_code="a"))
    request = update(order, wished=Order(order_id=order.order_id))
    request.add_coupon_codes.extend(["b", "A"])
    both = run(state, request)
    assert [coupon.code for coupon in both.pricing.applied_coupons] == ["A", "B"]
    assert both.pricing.discount == money("19")
    request = update(both, wished=Order(order_id=order.order_id))
    request.remove_coupon_codes.append("a")
    assert run(state, request).pricing.discount == money("10")
    assert (state.coupon_uses.get(("A", "carl")), state.coupon_uses.get(("B", "carl"))) == (0, 1)
    event = PaymentEvent(event_id="1", type=PAYMENT_EVENT_TYPE_PAID, amount=money("1"))
    paid = run(state, RecordPaymentRequest(order_id=order.order_id, event=event))
    request = update(paid, wished=Order(order_id=order.order_id))
    request.add_coupon_codes.append("A")
    assert refuse(state, request).metadata["field"] == "pricing.applied_coupons"


def test_a_coupon_that_does_not_allow_it_is_not_combined() -> None:
    error = refuse(shop(), create(coupon_codes=["A", "alone"]))
    assert (error.reason, error.metadata["condition"]) == ("INVALID_COUPON", "combination")


def test_an_order_keeps_the_terms_of_its_coupon() -> None:
    state = shop()
    order = run(state, create(line(quantity=10), coupon_code="A"))
    run(state, coupons("A", rate=9_000))
    assert run(state, update(order, "items", wished=items(order, 20))).pricing.discount == money("20")


def test_points_are_worth_something_only_in_their_currencies() -> None:
    state = new_state(product(price="1000000", currency="VND"))
    assert run(state, create()).pricing.loyalty_points_earned == 0
    assert fields_of(refuse(state, create(loyalty_points_to_use=1))) == ["loyalty_points_to_use"]
    state.terms = Terms({"VND": PointTerms(Decimal(100), Decimal("0.001"))})
    assert run(state, create()).pricing.loyalty_points_earned == 1000


def test_missing_points_are_reported_as_they_were_requested() -> None:
    state = new_state(product())
    run(state, AdjustPointsRequest(customer_id="carl", delta=300, reason="gift"))
    error = refuse(state, create(loyalty_points_to_use=5_000))
    assert (error.metadata["requested"], error.metadata["available"]) == ("5000", "300")


def test_a_cart_names_both_prices_that_changed() -> None:
    state = new_state(product(requires_installation=True, installation_price=money("5")))
    run(state, AddCartItemRequest(customer_id="carl", product_id="chair", quantity=1))
    dearer = product(price="11", requires_installation=True, installation_price=money("6"))
    run(state, BatchUpsertProductsRequest(products=[dearer]))
    cart = run(state, GetCartRequest(customer_id="carl"))
    assert [notice.message for notice in cart.notices] == [
        "was 10.00 USD, is 11.00 USD",
        "installation was 5.00 USD, is 6.00 USD",
    ]
    request = CreateOrderRequest(customer_id="carl", cart_id=cart.cart_id, shipping_address=address())
    assert fields_of(refuse(state, request)) == [
        "cart.items[0].unit_price",
        "cart.items[0].installation_price",
    ]
