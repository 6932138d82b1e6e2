"""UpdateOrder: what the order costs and when it arrives follow its lines, its address and its way of delivery."""

from typing import Any

import pytest
from orders.v1.catalog_service_pb2 import (
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    BatchUpsertProductsRequest,
    Coupon,
    DeleteDeliveryZoneRequest,
    DeliveryArea,
    DeliveryMethod,
    DeliveryZone,
    TaxRate,
)
from orders.v1.customer_service_pb2 import (
    POINTS_ENTRY_TYPE_RETURNED,
    POINTS_ENTRY_TYPE_USED,
    AdjustPointsRequest,
)
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_PARTIALLY_PAID,
    PAYMENT_STATUS_UNPAID,
    Delivery,
    Installation,
    Order,
    OrderItem,
    PaymentEvent,
)
from orders.v1.order_service_pb2 import RecordPaymentRequest

from server.domain.base.state import State
from tests.domain.builders import (
    Store,
    address,
    at,
    create,
    fields_of,
    fingerprint,
    history,
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
    without_hash,
)

DAY = 86_400


def zone(zone_id: str, country: str, *, fee: str, rate: int, postal_prefix: str = "") -> DeliveryZone:
    """Standard takes four days, express one and 10 dollars more."""
    standard = DeliveryMethod(method="standard", prices=[money(fee)], handling_days=1, transit_days=3)
    express = DeliveryMethod(method="express", prices=[money(str(int(fee) + 10))], transit_days=1)
    return DeliveryZone(
        zone_id=zone_id,
        areas=[DeliveryArea(country=country, postal_prefix=postal_prefix)],
        tax_rates=[TaxRate(basis_points=rate)],
        methods=[standard, express],
    )


ZONES = BatchUpsertDeliveryZonesRequest(
    zones=[
        zone("eg", "EG", fee="5", rate=1_000),
        # As dear as the rest of the country, but a zone of its own.
        zone("giza", "EG", fee="5", rate=1_000, postal_prefix="12"),
        zone("de", "DE", fee="8", rate=2_000),
    ]
)
TEN = Coupon(
    code="TEN",
    type=COUPON_TYPE_PERCENTAGE,
    basis_points=1_000,
    minimum_subtotals=[money("20")],
    usage_limit=1,
    product_ids=["chair", "table"],
)
GERMANY = address("1 Spree St", city="Berlin", country="DE")


def shop(*set_up: Any) -> State:
    """Chairs at 10 dollars, tables at 80 that are installed for 20, lamps at 7; a coupon for one order, 3,000 points, zones."""
    table = product("table", "80.00", requires_installation=True, installation_price=money("20"))
    return new_state(
        product(),
        table,
        product("lamp", "7.00"),
        set_up=[
            BatchUpsertCouponsRequest(coupons=[TEN]),
            AdjustPointsRequest(customer_id="carl", delta=3_000, reason="welcome"),
            ZONES,
            *set_up,
        ],
    )


def moved_to(place: Any) -> Order:
    return Order(shipping_address=place)


def by(method: str) -> Order:
    return Order(delivery=Delivery(method=method))


def lines(*wanted: tuple[str, int]) -> Order:
    return Order(items=[OrderItem(product_id=product_id, quantity=quantity) for product_id, quantity in wanted])


def report(order: Order, type: int, amount: str = "", event_id: str = "e1") -> RecordPaymentRequest:
    event = PaymentEvent(event_id=event_id, type=type, amount=money(amount) if amount else None)
    return RecordPaymentRequest(order_id=order.order_id, event=event)


# While nothing is paid.


def test_an_order_that_goes_elsewhere_costs_what_it_costs_there() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    assert order.pricing.total == money("49")
    changed = run(state, update(order, wished=moved_to(GERMANY)))
    pricing = changed.pricing
    assert (pricing.shipping, pricing.tax, pricing.total) == (money("8"), money("8"), money("56"))
    assert (changed.items[0].tax, changed.items[0].tax_basis_points) == (money("8"), 2_000)
    assert changed.delivery.zone_id == "de"
    assert list(history(state, order)[-1].changed_fields)[-1] == "pricing"


def test_another_way_of_delivery_costs_and_takes_what_it_does() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    changed = run(state, update(order, "delivery.method", wished=by("express")))
    assert changed.pricing.total == money("59")
    assert (changed.delivery.method, changed.delivery.estimated_time) == ("express", at(DAY))


def test_a_change_that_has_nothing_to_do_with_the_price_leaves_it() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    run(state, BatchUpsertDeliveryZonesRequest(zones=[zone("eg", "EG", fee="9", rate=0)]))
    wished = Order(referral_code="NEW", shipping_address=address("2 Nile St"))
    assert run(state, update(order, wished=wished)).pricing == order.pricing


def test_an_address_that_nothing_is_delivered_to_is_refused() -> None:
    state = shop()
    order = run(state, create())
    error = refuse(state, update(order, wished=moved_to(address(country="FR"))))
    assert (error.reason, error.metadata["condition"]) == ("DELIVERY_NOT_AVAILABLE", "zone")
    cleared = refuse(state, update(order, "shipping_address"))
    assert fields_of(cleared) == ["order.shipping_address"]


def test_a_way_of_delivery_that_is_not_offered_is_refused() -> None:
    state = shop()
    order = run(state, create())
    error = refuse(state, update(order, "delivery.method", wished=by("drone")))
    assert (error.reason, error.metadata["condition"]) == ("DELIVERY_NOT_AVAILABLE", "method")


def test_a_failed_payment_leaves_the_order_open() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    run(state, report(order, PAYMENT_EVENT_TYPE_FAILED))
    changed = run(state, update(order, "items", wished=lines(("chair", 1))))
    assert (changed.payment_status, changed.pricing.total) == (PAYMENT_STATUS_FAILED, money("16"))


def test_an_order_from_before_there_were_zones_is_delivered_by_the_one_that_prices_it() -> None:
    state = new_state(product())
    order = run(state, create(line(quantity=4)))
    run(state, ZONES)
    assert (order.pricing.total, order.delivery.zone_id) == (money("40"), "")
    request = update(order, "items", wished=lines(("chair", 2)))
    assert refuse(state, request).reason == "PRICE_CHANGED"
    request.accept_price_changes = True
    changed = run(state, request)
    assert (changed.pricing.total, changed.delivery.zone_id) == (money("27"), "eg")
    assert changed.delivery.estimated_time == at(4 * DAY)


def test_an_order_whose_zones_are_gone_is_delivered_for_nothing() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    for zone_id in ("eg", "giza", "de"):
        run(state, DeleteDeliveryZoneRequest(zone_id=zone_id))
    request = update(order, "items", wished=lines(("chair", 2)))
    assert fields_of(refuse(state, request)) == ["order.pricing.shipping", "order.pricing.tax"]
    request.accept_price_changes = True
    changed = run(state, request)
    assert changed.pricing.total == money("20")
    assert changed.delivery == Delivery(method="standard")


def test_an_order_whose_zones_are_gone_keeps_its_price_where_its_lines_stay() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    for zone_id in ("eg", "giza", "de"):
        run(state, DeleteDeliveryZoneRequest(zone_id=zone_id))
    wished = Order(delivery=Delivery(requested_time=at(30 * DAY)))
    changed = run(state, update(order, "delivery.requested_time", wished=wished))
    assert (changed.pricing, changed.delivery.zone_id) == (order.pricing, "eg")


# Once something is paid.


@pytest.mark.parametrize(
    ("wished", "field"),
    [(moved_to(GERMANY), "shipping_address"), (by("express"), "delivery.method")],
    ids=["address", "method"],
)
def test_what_is_paid_goes_nowhere_that_costs_something_else(wished: Order, field: str) -> None:
    state = shop()
    order = run(state, paid(run(state, create(line(quantity=4)))))
    error = refuse(state, update(order, field, wished=wished))
    assert error.reason == "INVALID_TRANSITION"
    assert error.metadata == {"order_id": order.order_id, "from": "CONFIRMED", "field": field}
    assert "49.00 USD" in error.message
    assert "cancel it and create a new order" in error.message


def test_what_is_paid_may_go_elsewhere_for_the_same_money() -> None:
    state = shop()
    order = run(state, paid(run(state, create(line(quantity=4)))))
    state.time.seconds += 10 * DAY
    changed = run(state, update(order, wished=moved_to(address(postal_code="12-511"))))
    assert (changed.delivery.zone_id, changed.pricing) == ("giza", order.pricing)
    assert changed.delivery.estimated_time == at(14 * DAY)
    assert "pricing" not in history(state, order)[-1].changed_fields


def test_what_was_confirmed_unpaid_costs_what_the_invoice_says() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    order = run(state, transition(order, ORDER_STATUS_CONFIRMED, override_reason="pays at the door"))
    assert order.payment_status == PAYMENT_STATUS_UNPAID
    assert refuse(state, update(order, wished=moved_to(GERMANY))).reason == "INVALID_TRANSITION"


@pytest.mark.parametrize("type", [PAYMENT_EVENT_TYPE_PAID, PAYMENT_EVENT_TYPE_AUTHORIZED])
def test_what_is_paid_in_part_costs_what_it_did(type: int) -> None:
    """Else what has come could be all of it, and nobody would have noticed."""
    state = shop()
    order = run(state, create(line(quantity=4)))
    order = run(state, report(order, type, "20"))
    in_part = PAYMENT_STATUS_PARTIALLY_PAID if type == PAYMENT_EVENT_TYPE_PAID else PAYMENT_STATUS_UNPAID
    assert (order.status, order.payment_status) == (ORDER_STATUS_PENDING, in_part)
    error = refuse(state, update(order, "items", wished=lines(("chair", 1))))
    assert (error.reason, error.metadata["field"]) == ("INVALID_TRANSITION", "items")
    assert refuse(state, update(order, wished=moved_to(GERMANY))).reason == "INVALID_TRANSITION"


def test_what_is_held_no_longer_opens_the_order_again() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    run(state, report(order, PAYMENT_EVENT_TYPE_AUTHORIZED, "20"))
    run(state, report(order, PAYMENT_EVENT_TYPE_VOIDED, event_id="e2"))
    assert run(state, update(order, "items", wished=lines(("chair", 1)))).pricing.total == money("16")


# Coupon and points.


def test_other_lines_keep_the_coupon_that_the_order_has_used_already() -> None:
    """It is the only order that may use it."""
    state = shop()
    order = run(state, create(line(quantity=4), coupon_code="TEN"))
    changed = run(state, update(order, "items", wished=lines(("chair", 2), ("lamp", 1), ("table", 1))))
    (coupon,) = changed.pricing.applied_coupons
    assert (coupon.code, coupon.discount, changed.pricing.discount) == ("TEN", money("10"), money("10"))
    assert [item.discount for item in changed.items if item.product_id != "lamp"] == [money("2"), money("8")]
    assert not next(item for item in changed.items if item.product_id == "lamp").HasField("discount")
    assert state.coupon_uses.get(("TEN", "")) == 1


@pytest.mark.parametrize(
    ("wanted", "condition"), [(("lamp", 9), "products"), (("chair", 1), "minimum_subtotal")], ids=str
)
def test_lines_that_the_coupon_is_not_good_for_are_refused(wanted: tuple[str, int], condition: str) -> None:
    state = shop()
    order = run(state, create(line(quantity=4), coupon_code="TEN"))
    error = refuse(state, update(order, "items", wished=lines(wanted)))
    assert (error.reason, error.metadata["condition"]) == ("INVALID_COUPON", condition)


def test_a_coupon_that_has_ended_since_is_kept() -> None:
    ending = Coupon(code="SOON", type=COUPON_TYPE_PERCENTAGE, basis_points=1_000, end_time=at(60))
    state = shop(BatchUpsertCouponsRequest(coupons=[ending]))
    order = run(state, create(line(quantity=4), coupon_code="SOON"))
    state.time.seconds += 3_600
    assert run(state, update(order, "items", wished=lines(("chair", 2)))).pricing.discount == money("2")


def test_points_that_it_no_longer_takes_are_given_back() -> None:
    """Four chairs cost 49 dollars and 2,000 points are worth 20; one lamp costs 12.70."""
    state = shop()
    order = run(state, create(line(quantity=4), loyalty_points_to_use=2_000))
    assert (order.pricing.total, state.points.get("carl")) == (money("29"), 1_000)
    changed = run(state, update(order, "items", wished=lines(("lamp", 1))))
    assert (changed.pricing.loyalty_points_used, changed.pricing.total) == (1_270, money("0"))
    assert state.points.get("carl") == 1_730
    used, returned = state.changes.points_entries
    assert [(entry.type, entry.delta, entry.balance) for entry in (used, returned)] == [
        (POINTS_ENTRY_TYPE_USED, -2_000, 1_000),
        (POINTS_ENTRY_TYPE_RETURNED, 730, 1_730),
    ]


def test_other_lines_keep_the_points() -> None:
    state = shop()
    order = run(state, create(line(quantity=4), loyalty_points_to_use=2_000))
    changed = run(state, update(order, "items", wished=lines(("table", 1))))
    assert (changed.pricing.loyalty_points_used, changed.pricing.loyalty_points_value) == (2_000, money("20"))
    assert state.points.get("carl") == 1_000


def test_points_that_were_given_back_are_not_taken_again() -> None:
    state = shop()
    order = run(state, create(line(quantity=4), loyalty_points_to_use=2_000))
    run(state, update(order, "items", wished=lines(("lamp", 1))))
    assert run(state, update(order, "items", wished=lines(("chair", 9)))).pricing.loyalty_points_used == 1_270


def test_lines_that_are_not_replaced_keep_the_price_that_they_were_ordered_at() -> None:
    state = shop()
    order = run(state, create(line(quantity=4)))
    run(state, BatchUpsertProductsRequest(products=[product(price="99")]))
    changed = run(state, update(order, wished=moved_to(GERMANY)))
    assert (changed.items[0].unit_price, changed.pricing.subtotal) == (money("10"), money("40"))


# Times.


def test_a_time_that_is_asked_for_puts_the_arrival_off_and_back() -> None:
    state = shop()
    order = run(state, create())
    for wanted, arrival in ((30 * DAY, 30 * DAY), (DAY, 4 * DAY)):
        wished = Order(delivery=Delivery(requested_time=at(wanted)))
        changed = run(state, update(order, "delivery.requested_time", wished=wished))
        assert (changed.delivery.requested_time, changed.delivery.estimated_time) == (at(wanted), at(arrival))
        assert changed.pricing == order.pricing


def test_a_time_that_is_no_longer_asked_for_does_not_put_the_arrival_off() -> None:
    state = shop()
    order = run(state, create(requested_delivery_time=at(30 * DAY)))
    assert run(state, update(order, "delivery.requested_time")).delivery.estimated_time == at(4 * DAY)


def test_an_estimate_that_is_given_stays() -> None:
    state = shop()
    order = run(state, create())
    wished = Order(delivery=Delivery(method="express", estimated_time=at(7 * DAY)))
    changed = run(state, update(order, "delivery.method", "delivery.estimated_time", wished=wished))
    assert changed.delivery.estimated_time == at(7 * DAY)


def appointment(seconds: int, **more: Any) -> Order:
    return Order(installation=Installation(scheduled_time=at(seconds)), **more)


def test_an_appointment_before_the_goods_arrive_is_refused() -> None:
    state = shop()
    order = run(state, create(line("table")))
    error = refuse(state, update(order, wished=appointment(4 * DAY - 1)))
    assert fields_of(error) == ["order.installation.scheduled_time"]
    assert at(4 * DAY).ToJsonString() in error.message
    assert run(state, update(order, wished=appointment(4 * DAY))).installation.scheduled_time == at(4 * DAY)


def test_goods_that_would_arrive_after_their_appointment_are_refused() -> None:
    state = shop()
    order = run(state, create(line("table"), installation_time=at(5 * DAY)))
    wished = Order(delivery=Delivery(requested_time=at(6 * DAY)))
    error = refuse(state, update(order, "delivery.requested_time", wished=wished))
    assert fields_of(error) == ["order.installation.scheduled_time"]


def test_an_appointment_counts_with_the_arrival_that_comes_with_it() -> None:
    """Neither would do without the other."""
    state = shop()
    order = run(state, create(line("table"), installation_time=at(5 * DAY)))
    sooner = appointment(2 * DAY, delivery=Delivery(method="express"))
    changed = run(state, update(order, "installation.scheduled_time", "delivery.method", wished=sooner))
    assert (changed.delivery.estimated_time, changed.installation.scheduled_time) == (at(DAY), at(2 * DAY))
    later = appointment(9 * DAY, delivery=Delivery(requested_time=at(8 * DAY)))
    changed = run(state, update(order, "installation.scheduled_time", "delivery.requested_time", wished=later))
    assert (changed.delivery.estimated_time, changed.installation.scheduled_time) == (at(8 * DAY), at(9 * DAY))


def test_goods_that_need_installing_do_not_join_an_order_that_is_installed_too_early() -> None:
    state = shop()
    order = run(state, create(line(), installation_time=at(DAY)))
    error = refuse(state, update(order, "items", wished=lines(("chair", 1), ("table", 1))))
    assert fields_of(error) == ["order.installation.scheduled_time"]
    both = appointment(4 * DAY, items=lines(("chair", 1), ("table", 1)).items)
    assert run(state, update(order, "items", "installation.scheduled_time", wished=both)).installation.required


# As a whole.


def test_validate_only_says_what_the_change_would_cost() -> None:
    state = shop()
    order = run(state, create(line(quantity=4), coupon_code="TEN", loyalty_points_to_use=100))
    before = fingerprint(state)
    request = update(order, wished=moved_to(GERMANY), validate_only=True)
    seen = run(state, request)
    assert fingerprint(state) == before
    request.validate_only = False
    assert without_hash(run(state, request)) == seen == without_hash(stored(state, order))


def test_a_change_reads_all_that_the_price_needs() -> None:
    store = Store()
    store.put_products(product(), product("lamp", "7.00"))
    for request in (
        BatchUpsertCouponsRequest(coupons=[TEN]),
        AdjustPointsRequest(customer_id="carl", delta=3_000, reason="welcome"),
        ZONES,
    ):
        store.do(request)
    order = store.do(create(line(quantity=4), coupon_code="TEN", loyalty_points_to_use=2_000))
    moved = store.do(update(order, wished=moved_to(GERMANY)))
    assert moved.pricing.total == money("31.20")
    faster = store.do(update(order, "delivery.method", wished=by("express")))
    assert faster.pricing.total == money("41.20")
    smaller = store.do(update(order, "items", wished=lines(("chair", 2), ("lamp", 1))))
    assert smaller.pricing.total == money("28")
    assert store.stock == {("chair", ""): 98, ("lamp", ""): 99}
    assert store.counters["points"] == {"carl": 1_000}
