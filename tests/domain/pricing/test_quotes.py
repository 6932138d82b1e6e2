"""What an order costs: examples reckoned by hand, and what holds for every price."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.catalog_service_pb2 import DeliveryArea, DeliveryMethod, DeliveryZone, TaxRate
from orders.v1.order_pb2 import (
    COUPON_PAYER_SHOP,
    COUPON_PAYER_THIRD_PARTY,
    COUPON_TYPE_FIXED,
    COUPON_TYPE_PERCENTAGE,
    ROUNDING_LEVEL_ORDER,
    ROUNDING_MODE_HALF_UP,
    SHIPPING_TAX_POLICY_HIGHEST,
    SHIPPING_TAX_POLICY_PROPORTIONAL,
    CouponTerms,
    CouponType,
    Order,
)
from orders.v1.order_service_pb2 import (
    PRICE_STEP_TYPE_DISCOUNT,
    PRICE_STEP_TYPE_INCLUDED_TAX,
    PRICE_STEP_TYPE_INSTALLATION,
    PRICE_STEP_TYPE_LINE,
    PRICE_STEP_TYPE_LINE_DISCOUNT,
    PRICE_STEP_TYPE_POINTS,
    PRICE_STEP_TYPE_POINTS_EARNED,
    PRICE_STEP_TYPE_SHIPPING,
    PRICE_STEP_TYPE_SUBTOTAL,
    PRICE_STEP_TYPE_TAX,
    PRICE_STEP_TYPE_TOTAL,
    PriceStep,
)

from server.domain.base.currencies import EXPONENTS
from server.domain.base.errors import Refusal
from server.domain.base.money import MAX_MINOR, from_minor
from server.domain.base.values import NO_POINTS, PointTerms, Terms
from server.domain.catalog.products import find_offer
from server.domain.pricing.delivery import choose_delivery
from server.domain.pricing.discounts import Discount, Line, discount_of
from server.domain.pricing.order_prices import fill
from server.domain.pricing.price_steps import steps_of
from server.domain.pricing.quotes import Quote, add_line, line_of, quote
from server.domain.pricing.zones import DeliveryChoice
from tests.domain.builders import address, amount, fields_of, money, product, unhurried

POINTS = Terms().points_in("USD")


def points_worth(value: str, per_unit: str = "0.05") -> PointTerms:
    return PointTerms(Decimal(value), Decimal(per_unit))


def a_line(
    unit: int = 1000, quantity: int = 1, *, product_id: str = "chair", installation: int = 0, tax_class: str = ""
) -> Line:
    return Line(product_id, "", quantity, unit, installation, tax_class)


def percent(basis_points: int, *product_ids: str) -> Discount:
    terms = CouponTerms(basis_points=basis_points, product_ids=product_ids)
    return discount_of("SAVE", COUPON_TYPE_PERCENTAGE, terms)


def fixed(minor: int, *product_ids: str) -> Discount:
    terms = CouponTerms(amount=from_minor(minor, "USD"), product_ids=product_ids)
    return discount_of("OFF", COUPON_TYPE_FIXED, terms)


def a_service(
    currency: str = "USD",
    *,
    price: int = 0,
    free_from: int | None = None,
    rates: dict[str, int] | None = None,
    **more: Any,
) -> DeliveryChoice:
    """What a zone with these taxes offers; `rates` in hundredths of a percent by tax class."""
    method = DeliveryMethod(method="standard", prices=[from_minor(price, currency)])
    if free_from is not None:
        method.free_from.append(from_minor(free_from, currency))
    taxes = [TaxRate(tax_class=name, basis_points=rate) for name, rate in (rates or {}).items()]
    zone = DeliveryZone(zone_id="all", areas=[DeliveryArea()], methods=[method], tax_rates=taxes, **more)
    choice = choose_delivery({"all": zone.SerializeToString()}, address(), method="", time_slot="", currency=currency)
    assert choice is not None
    return choice


def price(
    *lines: Line, currency: str = "USD", terms: PointTerms = NO_POINTS, discount: Discount | None = None, **more: Any
) -> Quote:
    discounts = [] if discount is None else [discount]
    return quote(lines, currency=currency, point_terms=terms, discounts=discounts, **more)


def filled(priced: Quote) -> Order:
    """An order of the quote's lines, priced by it."""
    order = Order()
    for index, line in enumerate(priced.lines):
        item = order.items.add(item_id=str(index + 1), product_id=line.product_id, quantity=line.quantity)
        item.requires_installation = line.installation_minor > 0
        item.unit_price.CopyFrom(from_minor(line.unit_minor, priced.currency))
        item.total_price.CopyFrom(from_minor(line.total, priced.currency))
        item.installation_price.CopyFrom(from_minor(line.installation_minor, priced.currency))
    if priced.choice is not None:
        order.delivery.method, order.delivery.zone_id = "standard", "all"
    fill(order, priced)
    return order


# Examples.


def test_a_sofa_with_everything_costs_what_the_sums_say() -> None:
    """2500 + 15 % before the discount + 50 + 200 − 10 %; 500 points pay 5; one point is earned for every 20."""
    priced = price(
        a_line(250_000, installation=20_000, product_id="sofa"),
        currency="EGP",
        choice=a_service("EGP", price=5_000, rates={"standard": 1500}, tax_before_discount=True),
        discount=percent(1000),
        points=500,
        terms=POINTS,
    )
    pricing = filled(priced).pricing
    assert amount(pricing.subtotal) == 2500
    assert amount(pricing.tax) == 375
    assert amount(pricing.shipping) == 50
    assert amount(pricing.installation) == 200
    assert amount(pricing.discount) == 250
    assert amount(pricing.total) == 2870
    assert (pricing.loyalty_points_used, pricing.loyalty_points_earned) == (500, 144)
    assert pricing.loyalty_points_value == money("5", "EGP")


def test_lines_without_anything_else_cost_their_sum() -> None:
    pricing = filled(price(a_line(1005, 3), a_line(250, 2))).pricing
    assert pricing.subtotal == pricing.total == money("35.15")
    assert [pricing.tax, pricing.shipping, pricing.discount, pricing.installation] == [money("0")] * 4
    assert not pricing.HasField("included_tax")
    assert not pricing.applied_coupons


def test_tax_is_taken_of_what_is_left_after_the_discount() -> None:
    priced = price(a_line(10_000), choice=a_service(rates={"standard": 2000}), discount=percent(1000))
    assert (priced.tax, priced.total) == (1800, 10_800)


def test_tax_can_be_taken_before_the_discount() -> None:
    choice = a_service(rates={"standard": 2000}, tax_before_discount=True)
    priced = price(a_line(10_000), choice=choice, discount=percent(1000))
    assert (priced.tax, priced.total) == (2000, 11_000)


def test_tax_in_the_prices_is_shown_and_not_added() -> None:
    priced = price(a_line(11_900), choice=a_service(rates={"standard": 1900}, tax_included=True))
    pricing = filled(priced).pricing
    assert (pricing.included_tax, pricing.tax, pricing.total) == (money("19.00"), money("0"), money("119.00"))


def test_tax_in_the_prices_is_that_in_what_is_left_after_the_discount() -> None:
    choice = a_service(rates={"standard": 1900}, tax_included=True)
    assert price(a_line(23_800), choice=choice, discount=percent(5000)).included_tax == 1900


@pytest.mark.parametrize(
    ("tax_class", "tax"), [("", 200), ("standard", 200), ("food", 70), ("free", 0), ("unheard-of", 200)]
)
def test_a_line_is_taxed_by_its_class_or_else_as_standard(tax_class: str, tax: int) -> None:
    choice = a_service(rates={"standard": 2000, "food": 700, "free": 0})
    assert price(a_line(1000, tax_class=tax_class), choice=choice).tax == tax


def test_a_tax_rate_without_a_class_is_the_standard_one() -> None:
    assert price(a_line(1000), a_line(1000, tax_class="toys"), choice=a_service(rates={"": 2000})).tax == 400


def test_without_a_standard_rate_a_class_that_is_not_named_is_untaxed() -> None:
    assert price(a_line(1000, tax_class="toys"), a_line(1000), choice=a_service(rates={"food": 700})).tax == 0


def test_shipping_and_installation_are_taxed_if_the_zone_names_a_class_for_them() -> None:
    rates = {"standard": 2000, "service": 1000}
    lines = [a_line(1000, 2, installation=305)]
    untaxed = price(*lines, choice=a_service(price=500, rates=rates))
    taxed = price(
        *lines,
        choice=a_service(price=500, rates=rates, shipping_tax_class="service", installation_tax_class="standard"),
    )
    assert untaxed.tax == 400
    assert [sum(part.amounts) for part in (*taxed.shipping_taxes, *taxed.installation_taxes)] == [50, 122]
    assert taxed.tax == 572


def test_tax_is_rounded_half_to_even_once_a_line() -> None:
    choice = a_service(rates={"standard": 500})
    # 0.5, 1.5 and 2.5 cents.
    assert [price(a_line(unit), choice=choice).tax for unit in (10, 30, 50)] == [0, 2, 2]
    # Two lines of half a cent each: rounded together they would be taxed 1 cent.
    assert price(a_line(10), a_line(10), choice=choice).tax == 0


def test_a_percentage_is_rounded_half_to_even_once() -> None:
    assert [price(a_line(unit), discount=percent(500)).discount for unit in (10, 30, 50)] == [0, 2, 2]
    assert price(a_line(15), a_line(15), discount=percent(500)).discount == 2


def test_a_fixed_coupon_takes_off_no_more_than_the_eligible_lines_cost() -> None:
    lines = [a_line(1000), a_line(400, product_id="cup")]
    assert price(*lines, discount=fixed(500)).discount == 500
    assert price(*lines, discount=fixed(500, "cup")).discount == 400
    assert price(*lines, discount=fixed(5000)).total == 0


def test_a_discount_is_spread_over_the_eligible_lines_by_largest_remainder() -> None:
    lines = [a_line(100, product_id="a"), a_line(100, product_id="b"), a_line(100, product_id="c"), a_line(500)]
    # 33 1/3 each: the first line gets the cent that is left.
    assert price(*lines, discount=fixed(100, "a", "b", "c")).line_discounts == [34, 33, 33, 0]
    assert price(*lines[::-1], discount=fixed(100, "a", "b", "c")).line_discounts == [0, 34, 33, 33]
    # 1.4, 3.5 and 0.1 of 5.
    unequal = [a_line(14, product_id="a"), a_line(35, product_id="b"), a_line(1, product_id="c")]
    assert price(*unequal, discount=percent(1000)).line_discounts == [1, 4, 0]


def test_lines_show_their_share_of_the_discount_and_their_tax() -> None:
    choice = a_service(rates={"standard": 2000, "food": 700})
    lines = [a_line(1000), a_line(500, 2, product_id="bread", tax_class="food"), a_line(0, product_id="gift")]
    chair, bread, gift = filled(price(*lines, choice=choice, discount=percent(1000, "bread"))).items
    assert (chair.HasField("discount"), chair.tax, chair.tax_basis_points) == (False, money("2.00"), 2000)
    assert (bread.discount, bread.tax, bread.tax_basis_points) == (money("1.00"), money("0.63"), 700)
    assert not gift.HasField("discount")
    assert not gift.HasField("tax")


def test_shipping_is_free_from_a_subtotal_less_the_discount() -> None:
    choice = a_service(price=500, free_from=5000)
    assert price(a_line(4999), choice=choice).shipping == 500
    assert price(a_line(5000), choice=choice).shipping == 0
    assert price(a_line(5000), choice=choice, discount=fixed(1)).shipping == 500


def test_shipping_that_is_free_from_nothing_on_is_always_free() -> None:
    assert price(a_line(0), choice=a_service(price=500, free_from=0)).shipping == 0


def test_a_coupon_that_takes_nothing_off_is_used_all_the_same() -> None:
    order = filled(price(a_line(0), discount=percent(1000)))
    (coupon,) = order.pricing.applied_coupons
    assert (coupon.code, coupon.type, coupon.discount) == ("SAVE", COUPON_TYPE_PERCENTAGE, money("0"))


def test_points_pay_what_they_are_worth() -> None:
    priced = price(a_line(1000), terms=POINTS, points=300)
    pricing = filled(priced).pricing
    assert (pricing.loyalty_points_used, pricing.loyalty_points_value) == (300, money("3.00"))
    assert pricing.total == money("7.00")


def test_no_more_points_are_used_than_it_takes_to_pay_everything() -> None:
    terms = points_worth("0.3")
    priced = price(a_line(1000), terms=terms, points=5000)
    # 33 points are worth 9.90, 34 are worth 10.20.
    assert (priced.points_used, priced.points_value, priced.total, priced.points_earned) == (34, 1000, 0, 0)


def test_the_value_of_points_is_rounded_down() -> None:
    terms = points_worth("0.333333")
    assert price(a_line(1000), terms=terms, points=2).points_value == 66
    assert price(a_line(1000), currency="JPY", terms=terms, points=2).points_value == 0


def test_points_are_not_used_where_there_is_nothing_to_pay() -> None:
    priced = price(a_line(1000), terms=POINTS, discount=percent(10_000), points=100)
    assert (priced.points_used, priced.points_value) == (0, 0)


@pytest.mark.parametrize(
    ("currency", "minor", "earned"),
    [("USD", 287_500, 144), ("USD", 5_000, 2), ("USD", 7_000, 4), ("JPY", 50, 2), ("KWD", 50_001, 3), ("USD", 0, 0)],
)
def test_points_are_earned_on_the_total_rounded_half_to_even(currency: str, minor: int, earned: int) -> None:
    assert price(a_line(minor), currency=currency, terms=POINTS).points_earned == earned


def test_points_are_earned_on_what_is_paid_in_money_only() -> None:
    terms = points_worth("1", "1")
    assert price(a_line(1000), terms=terms, points=4).points_earned == 6


def test_an_order_that_costs_too_much_is_refused_by_the_path_of_its_lines() -> None:
    with pytest.raises(Refusal) as caught:
        price(a_line(MAX_MINOR), a_line(1), field="order.items")
    assert fields_of(caught.value) == ["order.items"]
    assert price(a_line(MAX_MINOR)).total == MAX_MINOR
    with pytest.raises(Refusal):
        price(a_line(1, 10**6, installation=MAX_MINOR), terms=POINTS, points=2**62)


def test_an_order_that_is_priced_again_shows_nothing_of_its_earlier_price() -> None:
    lines = [a_line(1000), a_line(500, 2, product_id="bread")]
    rates = {"standard": 1900}
    rich = price(
        *lines,
        terms=POINTS,
        choice=a_service(price=500, rates=rates, tax_included=True),
        discount=percent(1000),
        points=100,
    )
    plain = price(*lines, terms=POINTS)
    order = filled(rich)
    fill(order, plain)
    expected = filled(plain)
    assert (order.pricing, list(order.items)) == (expected.pricing, list(expected.items))


def test_installation_is_required_if_any_line_needs_it() -> None:
    assert filled(price(a_line(), a_line(installation=1))).installation.required
    assert not filled(price(a_line())).installation.required


def test_a_line_is_added_at_the_price_of_its_offer() -> None:
    table = product("table", "99.95", requires_installation=True, installation_price=money("7.50"), tax_class="food")
    offer = find_offer(
        {"table": table.SerializeToString()}, product_id="table", variant_id="", currency="", field="items[0]"
    )
    order = Order()
    item = add_line(order, offer, quantity=3, item_id="7", field="items[0]")
    assert list(order.items) == [item]
    assert (item.item_id, item.quantity, item.unit_price, item.total_price) == ("7", 3, money("99.95"), money("299.85"))
    assert line_of(offer, 3) == Line("table", "", 3, 9995, 750, "food")
    with pytest.raises(Refusal) as caught:
        add_line(order, offer, quantity=MAX_MINOR, item_id="8", field="items[1]")
    assert fields_of(caught.value) == ["items[1].quantity"]
    assert len(order.items) == 1


# What holds for every price.

CLASSES = ["", "standard", "food", "books"]
LINES = st.lists(
    st.builds(
        Line,
        product_id=st.sampled_from(["a", "b", "c"]),
        variant_id=st.sampled_from(["", "red"]),
        quantity=st.integers(1, 50),
        unit_minor=st.integers(0, 10**7) | st.integers(0, 20),
        installation_minor=st.just(0) | st.integers(0, 10**5),
        tax_class=st.sampled_from(CLASSES),
    ),
    min_size=1,
    max_size=8,
)
PRODUCTS = st.frozensets(st.sampled_from(["a", "b", "c"])).map(sorted)
DISCOUNTS = st.none() | st.one_of(
    st.builds(lambda basis_points, ids: percent(basis_points, *ids), st.integers(1, 10_000), PRODUCTS),
    st.builds(lambda minor, ids: fixed(minor, *ids), st.integers(1, 10**8), PRODUCTS),
)
RATES_OF_POINTS = st.decimals(0, 3, places=3)
TERMS = st.builds(PointTerms, value=RATES_OF_POINTS, per_unit=RATES_OF_POINTS)


@st.composite
def services(draw: st.DrawFn, currency: str) -> DeliveryChoice | None:
    if draw(st.booleans()):
        return None
    return a_service(
        currency,
        price=draw(st.integers(0, 10**5)),
        free_from=draw(st.none() | st.integers(0, 10**8)),
        rates=draw(st.dictionaries(st.sampled_from(CLASSES[1:]), st.integers(0, 10_000))),
        tax_included=draw(st.booleans()),
        tax_before_discount=draw(st.booleans()),
        shipping_tax_class=draw(st.sampled_from(CLASSES)),
        installation_tax_class=draw(st.sampled_from(CLASSES)),
    )


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    currency = draw(st.sampled_from(["JPY", "USD", "KWD"]))
    return price(
        *draw(LINES),
        currency=currency,
        terms=draw(TERMS),
        choice=draw(services(currency)),
        discount=draw(DISCOUNTS),
        points=draw(st.integers(0, 10**9)),
    )


@unhurried
@given(quotes())
def test_the_parts_of_any_order_add_up_to_its_total(priced: Quote) -> None:
    order = filled(priced)
    pricing = order.pricing
    parts = [pricing.subtotal, pricing.tax, pricing.shipping, pricing.installation]
    less = [pricing.discount, pricing.loyalty_points_value]
    assert amount(pricing.total) == sum(map(amount, parts)) - sum(map(amount, less))
    assert amount(pricing.total) >= 0
    assert amount(pricing.subtotal) == amount(from_minor(sum(line.total for line in priced.lines), priced.currency))
    assert order.total_quantity == sum(line.quantity for line in priced.lines)


@unhurried
@given(quotes())
def test_no_price_has_parts_of_a_minor_unit(priced: Quote) -> None:
    scale = 10 ** EXPONENTS[priced.currency]
    order = filled(priced)
    for value in [found for _, found in order.pricing.ListFields() if hasattr(found, "nanos")]:
        assert (amount(value) * scale) % 1 == 0
        assert value.currency_code == priced.currency


@unhurried
@given(quotes())
def test_the_lines_shares_add_up_to_the_discount_and_none_is_more_than_its_line(priced: Quote) -> None:
    shares = priced.line_discounts
    assert sum(shares) == priced.discount
    for line, share in zip(priced.lines, shares, strict=True):
        assert 0 <= share <= line.total
        if not any(coupon.discount.fits(line) for coupon in priced.coupons):
            assert share == 0


@unhurried
@given(quotes())
def test_a_share_is_less_than_a_minor_unit_away_from_its_proportion(priced: Quote) -> None:
    for coupon in priced.coupons:
        weights = [line.total if coupon.discount.fits(line) else 0 for line in priced.lines]
        for weight, share in zip(weights, coupon.shares, strict=True):
            assert not coupon.amount or abs(Fraction(coupon.amount * weight, sum(weights)) - share) < 1


@unhurried
@given(quotes())
def test_the_taxes_of_the_lines_shipping_and_installation_add_up_to_the_tax(priced: Quote) -> None:
    parts = [*priced.line_taxes, *priced.shipping_taxes, *priced.installation_taxes]
    whole = sum(sum(part.amounts) for part in parts)
    included = priced.choice is not None and priced.choice.taxes.included
    assert (priced.tax, priced.included_tax) == ((0, whole) if included else (whole, 0))
    order = filled(priced)
    of_lines = sum(sum(part.amounts) for part in priced.line_taxes)
    assert sum(amount(item.tax) for item in order.items) == amount(from_minor(of_lines, priced.currency))
    assert sum(amount(tax.amount) for tax in order.pricing.taxes) == amount(from_minor(whole, priced.currency))


@unhurried
@given(quotes())
def test_points_never_pay_more_than_there_is_to_pay(priced: Quote) -> None:
    to_pay = priced.total + priced.points_value
    assert 0 <= priced.points_value <= to_pay
    assert 0 <= priced.points_used <= priced.points_requested
    worth = Fraction(priced.point_terms.value) * 10 ** EXPONENTS[priced.currency]
    if worth:
        # One point less would be worth less; and more of those that were asked for would pay no more.
        assert not priced.points_used or (priced.points_used - 1) * worth < priced.points_value
        assert priced.points_value == min(priced.points_requested * worth // 1, to_pay)


@unhurried
@given(quotes())
def test_the_steps_of_any_price_add_up_to_it(priced: Quote) -> None:
    order = filled(priced)
    steps, pricing = steps_of(order), order.pricing
    assert sum_of(steps, PRICE_STEP_TYPE_LINE) == amount(pricing.subtotal)
    assert sum_of(steps, PRICE_STEP_TYPE_SUBTOTAL) == amount(pricing.subtotal)
    assert sum_of(steps, PRICE_STEP_TYPE_DISCOUNT) == -amount(pricing.discount)
    assert sum_of(steps, PRICE_STEP_TYPE_LINE_DISCOUNT) == -amount(pricing.discount)
    assert sum_of(steps, PRICE_STEP_TYPE_TAX) == amount(pricing.tax)
    assert sum_of(steps, PRICE_STEP_TYPE_INCLUDED_TAX) == amount(pricing.included_tax)
    assert sum_of(steps, PRICE_STEP_TYPE_SHIPPING) == amount(pricing.shipping)
    assert sum_of(steps, PRICE_STEP_TYPE_INSTALLATION) == amount(pricing.installation)
    assert sum_of(steps, PRICE_STEP_TYPE_POINTS) == -amount(pricing.loyalty_points_value)
    assert sum_of(steps, PRICE_STEP_TYPE_TOTAL) == amount(pricing.total)
    assert steps[-1].numbers["points"] == str(pricing.loyalty_points_earned)
    for step in steps:
        assert step.amount.units * step.amount.nanos >= 0, "units and nanos differ in sign"


def sum_of(steps: list[PriceStep], type: Any) -> Any:
    return sum(amount(step.amount) for step in steps if step.type == type)


# Steps.


def step(priced: Quote, type: Any, subject: str = "") -> PriceStep:
    (found,) = [step for step in steps_of(filled(priced)) if step.type == type and step.subject == subject]
    return found


def test_a_line_says_what_it_is_the_product_of() -> None:
    found = step(price(a_line(1230, 2), a_line(1)), PRICE_STEP_TYPE_LINE, "items[0]")
    assert dict(found.numbers) == {"unit_price": "12.30 USD", "quantity": "2"}
    assert (found.rule, found.amount) == ("unit price × quantity", money("24.60"))


@pytest.mark.parametrize(("rate", "shown"), [(1900, "19 %"), (750, "7.5 %"), (5, "0.05 %"), (10_000, "100 %")], ids=str)
def test_a_rate_is_written_as_people_write_it(rate: int, shown: str) -> None:
    priced = price(a_line(100_000), choice=a_service(rates={"standard": rate}))
    assert step(priced, PRICE_STEP_TYPE_TAX, "items[0]").numbers["rate"] == shown


def test_a_discount_is_negative_and_names_the_coupon_and_the_lines_it_is_for() -> None:
    priced = price(a_line(1000), a_line(5000, product_id="cup"), discount=percent(750, "chair"))
    found = step(priced, PRICE_STEP_TYPE_DISCOUNT, "SAVE")
    assert dict(found.numbers) == {"rate": "7.5 %", "eligible_lines": "10.00 USD"}
    assert (found.amount.units, found.amount.nanos) == (0, -750_000_000)
    assert step(priced, PRICE_STEP_TYPE_LINE_DISCOUNT, "items[0]").amount == found.amount
    assert PRICE_STEP_TYPE_LINE_DISCOUNT not in [s.type for s in steps_of(filled(priced)) if s.subject == "items[1]"]


@pytest.mark.parametrize("type", [COUPON_TYPE_PERCENTAGE, COUPON_TYPE_FIXED])
def test_each_kind_of_coupon_has_its_rule(type: CouponType) -> None:
    terms = CouponTerms(basis_points=1000, amount=money("3.00"))
    priced = price(a_line(1000), discount=discount_of("X", type, terms))
    numbers = step(priced, PRICE_STEP_TYPE_DISCOUNT, "X").numbers
    assert ("rate" in numbers, "coupon" in numbers) == (type == COUPON_TYPE_PERCENTAGE, type == COUPON_TYPE_FIXED)


def test_shipping_says_from_when_on_it_would_be_free() -> None:
    found = step(price(a_line(1000), choice=a_service(price=500, free_from=5000)), PRICE_STEP_TYPE_SHIPPING, "standard")
    assert dict(found.numbers) == {
        "price": "5.00 USD",
        "free_from": "50.00 USD",
        "subtotal_less_discount": "10.00 USD",
    }
    assert found.amount == money("5.00")


def test_an_untaxed_order_says_so() -> None:
    assert step(price(a_line(1000)), PRICE_STEP_TYPE_TAX).amount == money("0")


def test_the_points_earned_are_no_money() -> None:
    found = step(price(a_line(287_500), terms=POINTS), PRICE_STEP_TYPE_POINTS_EARNED)
    assert dict(found.numbers) == {"points": "144", "total": "2875.00 USD", "points_per_unit": "0.05"}
    assert not found.HasField("amount")


def test_points_say_what_one_is_worth() -> None:
    priced = price(a_line(1000), terms=points_worth("0.333333"), points=5000)
    assert dict(step(priced, PRICE_STEP_TYPE_POINTS).numbers) == {
        "points": "31",
        "points_asked": "5000",
        "point_value": "0.333333 USD",
    }


# Taxes.


def percentages(*rates: str, **more: Any) -> DeliveryChoice:
    """A zone whose standard class has these taxes; a `+` marks a compound one."""
    taxes = [
        TaxRate(name=f"T{index}", rate={"value": rate.strip("+")}, compound="+" in rate)
        for index, rate in enumerate(rates)
    ]
    zone = DeliveryZone(zone_id="all", areas=[DeliveryArea()], tax_rates=taxes, **more)
    zone.methods.add(method="standard", prices=[money("10")])
    choice = choose_delivery({"all": zone.SerializeToString()}, address(), method="", time_slot="", currency="USD")
    assert choice is not None
    return choice


def taxes(priced: Quote) -> list[tuple[str, str, str]]:
    return [(tax.name, tax.rate.value, str(amount(tax.amount))) for tax in filled(priced).pricing.taxes]


def test_every_named_tax_has_its_exact_rate_and_its_own_rounding() -> None:
    assert taxes(price(a_line(10_000), choice=percentages("5", "9.975"))) == [("T0", "5", "5"), ("T1", "9.975", "9.98")]
    assert taxes(price(a_line(100_000), choice=percentages("8.875"))) == [("T0", "8.875", "88.75")]


def test_a_compound_tax_is_on_the_taxes_before_it() -> None:
    # 7.5 % of 105, and 0.5 % of the amount alone.
    priced = price(a_line(10_000), choice=percentages("5", "7.5+", "0.5"))
    assert [value for _, _, value in taxes(priced)] == ["5", "7.88", "0.5"]


def test_compound_taxes_in_a_price_leave_what_they_were_added_to() -> None:
    # 100.00 + 5 % + 10 % of 105.00 is 115.50.
    priced = price(a_line(11_550), choice=percentages("5", "10+", tax_included=True))
    assert [value for _, _, value in taxes(priced)] == ["5", "10.5"]


def test_included_tax_at_an_exact_half_is_rounded_itself() -> None:
    priced = price(a_line(1509), choice=percentages("20", tax_included=True))
    assert priced.included_tax == 252


@pytest.mark.parametrize(("mode", "tax"), [(0, 2), (ROUNDING_MODE_HALF_UP, 3)])
def test_a_zone_chooses_how_halves_are_rounded(mode: Any, tax: int) -> None:
    assert price(a_line(50), choice=percentages("5", rounding={"mode": mode})).tax == tax


def test_a_tax_rounded_for_the_order_is_split_among_its_lines_in_their_order() -> None:
    choice = percentages("5", rounding={"level": ROUNDING_LEVEL_ORDER})
    priced = price(*[a_line(30)] * 3, choice=choice)
    assert ([list(line.amounts) for line in priced.line_taxes], priced.tax) == ([[2], [1], [1]], 4)


@pytest.mark.parametrize(
    ("policy", "tax"),
    [(0, 0), (SHIPPING_TAX_POLICY_PROPORTIONAL, 158), (SHIPPING_TAX_POLICY_HIGHEST, 190)],
)
def test_shipping_follows_the_goods_if_the_zone_says_so(policy: Any, tax: int) -> None:
    lines = [a_line(7_300), a_line(2_700, product_id="tea", tax_class="food")]
    choice = a_service(price=1000, rates={"standard": 1900, "food": 700}, shipping_tax_policy=policy)
    assert sum(sum(part.amounts) for part in price(*lines, choice=choice).shipping_taxes) == tax


@pytest.mark.parametrize(("payer", "tax"), [(0, 160), (COUPON_PAYER_SHOP, 160), (COUPON_PAYER_THIRD_PARTY, 1597)])
def test_only_a_discount_that_the_shop_pays_for_lowers_the_tax(payer: Any, tax: int) -> None:
    choice = percentages("19", tax_included=True, tax_before_discount=True)
    coupon = percent(9000)
    coupon.terms.payer = payer
    priced = price(a_line(10_000), choice=choice, discount=coupon)
    assert (priced.total - priced.shipping, priced.included_tax) == (1000, tax)


def test_ties_of_the_largest_remainder_go_by_the_order_of_the_lines() -> None:
    rates = {"standard": 1900, "food": 700}
    lines = [a_line(14, product_id="z"), a_line(14, product_id="a", tax_class="food")]
    first = price(*lines, choice=a_service(price=581, rates=rates), discount=fixed(1))
    assert list(first.line_discounts) == [1, 0]
    assert list(price(*lines[::-1], discount=fixed(1)).line_discounts) == [1, 0]


def test_coupons_apply_one_after_the_other() -> None:
    priced = quote([a_line(10_000)], currency="USD", point_terms=NO_POINTS, discounts=[percent(1000), percent(1000)])
    assert [(one.eligible, one.amount) for one in priced.coupons] == [(10_000, 1000), (9000, 900)]
