"""`orders verify` proves that prices add up, and accepts those of earlier versions."""

from orders.v1.catalog_service_pb2 import BatchUpsertDeliveryZonesRequest, DeliveryArea, DeliveryZone, TaxRate
from orders.v1.order_pb2 import Order

from server.domain.pricing.price_steps import steps_of
from server.storage.verification.prices import price_problems
from tests.domain.builders import create, line, money, new_state, product, run, update

# As the previous version stored them: a zone, and the price of an order by it.
OLD_ZONE = DeliveryZone(zone_id="eg", areas=[DeliveryArea(country="EG")], tax_rates=[TaxRate(basis_points=888)])
OLD_ZONE.methods.add(method="standard", prices=[money("5")])


def taxed_order() -> Order:
    state = new_state(product(), set_up=[BatchUpsertDeliveryZonesRequest(zones=[OLD_ZONE])])
    order: Order = run(state, create(line(quantity=3)))
    return order


def test_a_price_that_adds_up_has_no_problems() -> None:
    assert list(price_problems(taxed_order())) == []


def test_a_tax_that_does_not_add_up_is_found() -> None:
    order = taxed_order()
    order.items[0].taxes[0].amount.units += 1
    (text,) = price_problems(order)
    assert "the taxes of the items" in text
    order.pricing.total.units += 1
    assert len(list(price_problems(order))) == 2


def test_an_order_of_an_earlier_version_is_explained_and_has_no_problems() -> None:
    order = as_stored_before(taxed_order())
    assert list(price_problems(order)) == []
    steps = [(step.subject, step.amount, dict(step.numbers)) for step in steps_of(order) if step.numbers.get("rate")]
    assert steps == [("items[0]", money("2.66"), {"rate": "8.88 %"})]


def test_an_order_of_an_earlier_version_is_updated_at_the_same_price() -> None:
    state = new_state(product(), set_up=[BatchUpsertDeliveryZonesRequest(zones=[OLD_ZONE])])
    old = as_stored_before(run(state, create(line(quantity=3))))
    state.orders[old.order_id] = old
    wished = Order(order_id=old.order_id)
    wished.items.add(product_id="chair", quantity=4)
    assert run(state, update(old, "items", wished=wished)).pricing.total == money("48.55")


def as_stored_before(order: Order) -> Order:
    """The order without the fields that earlier versions did not have."""
    for name in ("terms", "taxes", "shipping_taxes", "installation_taxes"):
        order.pricing.ClearField(name)
    for item in order.items:
        item.ClearField("taxes")
    return order
