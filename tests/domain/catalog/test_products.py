"""What a product offers: prices by currency, variants, installation, and what is checked before it is stored."""

from typing import Any

import pytest
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest, Product, ProductVariant

from server.domain.base.errors import Refusal
from server.domain.catalog.products import Offer, find_offer, product_not_found, with_stock
from tests.domain.builders import fields_of, fingerprint, money, new_state, product, refuse, run, variant


def find(made: Product, variant_id: str = "", currency: str = "", **more: Any) -> Offer:
    products = {made.product_id: made.SerializeToString()}
    wanted: dict[str, Any] = {"product_id": made.product_id, "field": "items[0]"} | more
    return find_offer(products, variant_id=variant_id, currency=currency, **wanted)


def unfound(made: Product, variant_id: str = "", currency: str = "", **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        find(made, variant_id, currency, **more)
    return caught.value


def lamp(**more: Any) -> Product:
    """A lamp at the product's prices in red, and at prices of its own in gold."""
    gold = variant("gold", price="55.55")
    gold.prices.append(money("50.00", "EUR"))
    prices = [money("36.50", "EUR"), money("6000", "JPY")]
    return product("lamp", "40.00", prices=prices, variants=[variant("red"), gold], **more)


# Offers.


@pytest.mark.parametrize(
    ("variant_id", "currency", "unit_minor"),
    [
        ("red", "", 4000),
        ("red", "USD", 4000),
        ("red", "EUR", 3650),
        ("red", "JPY", 6000),
        ("gold", "", 5555),
        ("gold", "EUR", 5000),
    ],
)
def test_a_variant_is_sold_at_its_own_prices_or_else_the_products(
    variant_id: str, currency: str, unit_minor: int
) -> None:
    offer = find(lamp(), variant_id, currency)
    assert (offer.unit_minor, offer.currency) == (unit_minor, currency or "USD")
    assert offer.line.unit_price.currency_code == offer.currency


@pytest.mark.parametrize(
    ("variant_id", "currency", "sold_in"), [("gold", "JPY", "EUR, USD"), ("red", "GBP", "EUR, JPY, USD")]
)
def test_a_currency_without_a_price_is_refused_with_those_that_have_one(
    variant_id: str, currency: str, sold_in: str
) -> None:
    error = unfound(lamp(), variant_id, currency)
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", ["items[0].product_id"])
    assert error.violations[0].description == f"has no price in {currency}; it is sold in {sold_in}"


def test_a_variant_with_prices_in_other_currencies_only_is_not_sold_in_the_products_own() -> None:
    abroad = ProductVariant(variant_id="abroad", name="Abroad", prices=[money("9.00", "EUR")])
    made = product("mug", variants=[abroad])
    assert find(made, "abroad", "EUR").unit_minor == 900
    assert "has no price in USD; it is sold in EUR" in unfound(made, "abroad").message


def test_installation_costs_what_is_said_in_the_currency_and_is_free_where_nothing_is() -> None:
    made = lamp(
        requires_installation=True,
        installation_price=money("7.50"),
        installation_prices=[money("1000", "JPY")],
    )
    offers = {currency: find(made, "red", currency) for currency in ("USD", "JPY", "EUR")}
    assert {currency: offer.installation_minor for currency, offer in offers.items()} == {
        "USD": 750,
        "JPY": 1000,
        "EUR": 0,
    }
    assert offers["EUR"].line.installation_price == money("0", "EUR")


def test_installation_costs_nothing_where_nobody_has_to_install() -> None:
    offer = find(product(installation_price=money("7.50")))
    assert (offer.installation_minor, offer.line.HasField("installation_price")) == (0, False)


def test_an_offer_tells_how_it_is_taxed_and_what_it_looks_like() -> None:
    red = variant("red")
    red.attributes["color"] = "red"
    offer = find(product("lamp", tax_class="food", image_uri="https://x/lamp.png", variants=[red]), "red")
    assert (offer.tax_class, offer.image_uri, offer.attributes) == ("food", "https://x/lamp.png", {"color": "red"})


def test_a_product_that_is_changed_is_offered_as_it_is_now() -> None:
    assert find(product(price="10.00")).unit_minor == 1000
    assert find(product(price="12.00")).unit_minor == 1200


def test_what_is_not_there_is_named() -> None:
    assert unfound(lamp(), "blue").metadata == {"product_id": "lamp", "variant_id": "blue"}
    assert unfound(lamp(), "red", product_id="sofa").metadata == {"product_id": "sofa", "variant_id": "red"}
    assert unfound(product(), "red", "GBP").reason == "PRODUCT_NOT_FOUND"
    error = unfound(lamp(), "", "GBP")
    assert (fields_of(error), error.message) == (
        ["items[0].variant_id"],
        "items[0].variant_id: product 'lamp' has variants; choose one of: gold, red",
    )
    assert product_not_found("x", requested=True).requested


# Storing.


def upsert(*products: Product) -> BatchUpsertProductsRequest:
    return BatchUpsertProductsRequest(products=products)


def test_prices_and_tax_class_are_kept() -> None:
    state = new_state()
    made = lamp(tax_class="food", requires_installation=True, installation_prices=[money("1.00", "EUR")])
    (kept,) = run(state, upsert(made)).products
    for message in (kept, *kept.variants):
        message.ClearField("stock")
    assert kept == Product.FromString(state.products.stored["lamp"])
    assert (kept.prices, kept.tax_class, kept.installation_prices) == (
        made.prices,
        "food",
        made.installation_prices,
    )


def test_what_orders_hold_is_filled_in_and_never_taken_from_the_caller() -> None:
    state = new_state(lamp())
    state.reserved.values.update({("lamp", "red"): 3, ("lamp", "gold"): 4})
    before = fingerprint(state)
    again = lamp(reserved=99)
    again.variants[0].reserved = 50
    response = run(state, upsert(again))
    (kept,) = response.products
    assert (kept.reserved, [variant.reserved for variant in kept.variants]) == (7, [3, 4])
    assert response.unchanged == 1
    assert fingerprint(state) == before


def test_stock_and_what_is_held_of_it_are_filled_in_beside_a_product_without_variants() -> None:
    shown = with_stock(product(stock=1), {("chair", ""): 5}, {("chair", ""): 2})
    assert (shown.stock, shown.reserved) == (5, 2)
    assert with_stock(product(), {}, {}).reserved == 0


def with_variant_prices(*prices: Any, **more: Any) -> Product:
    odd = variant("odd", **more)
    odd.prices.extend(prices)
    return product(variants=[variant("plain"), odd])


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (product(prices=[money("1", "EUR"), money("2", "EUR")]), "prices[1].currency_code"),
        (product(prices=[money("1", "EUR"), money("2", "USD")]), "prices[1].currency_code"),
        (product(prices=[money("1", "XXX")]), "prices[0].currency_code"),
        (product(prices=[money("1.5", "JPY")]), "prices[0].nanos"),
        (product(prices=[money("-1", "EUR")]), "prices[0]"),
        (product(installation_price=money("1", "EUR")), "installation_price.currency_code"),
        (
            product(installation_price=money("1"), installation_prices=[money("1")]),
            "installation_prices[0].currency_code",
        ),
        (
            product(installation_prices=[money("1", "EUR"), money("1", "EUR")]),
            "installation_prices[1].currency_code",
        ),
        (with_variant_prices(price="1", currency="EUR"), "variants[1].price.currency_code"),
        (with_variant_prices(money("1"), price="1"), "variants[1].prices[0].currency_code"),
        (with_variant_prices(money("1", "EUR"), money("1", "EUR")), "variants[1].prices[1].currency_code"),
    ],
)
def test_prices_that_cannot_be_are_refused_by_field(made: Product, field: str) -> None:
    assert fields_of(refuse(new_state(), upsert(product("fine"), made))) == [f"products[1].{field}"]


def test_installation_can_be_priced_in_the_products_currency_in_the_list() -> None:
    made = product(requires_installation=True, installation_prices=[money("3.00")])
    assert run(new_state(), upsert(made)).updated == 1
    assert find(made).installation_minor == 300
