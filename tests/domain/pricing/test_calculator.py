"""The server's prices are those of docs/pricing.md, by a calculator written from that page alone."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from orders.v1.catalog_service_pb2 import (
    BatchUpsertCouponsRequest,
    BatchUpsertDeliveryZonesRequest,
    Coupon,
    DeliveryArea,
    DeliveryZone,
    Product,
)
from orders.v1.customer_service_pb2 import AdjustPointsRequest
from orders.v1.order_pb2 import (
    COUPON_PAYER_SHOP,
    COUPON_PAYER_THIRD_PARTY,
    COUPON_TYPE_FIXED,
    COUPON_TYPE_PERCENTAGE,
    ROUNDING_LEVEL_ORDER,
    ROUNDING_MODE_HALF_UP,
    Order,
    OrderItem,
    ShippingTaxPolicy,
)
from orders.v1.order_service_pb2 import CreateOrderRequest, PriceOrderRequest

from server.domain.base.money import from_minor, minor_of
from server.domain.base.state import State
from server.domain.base.values import PointTerms, Terms
from server.domain.pricing.price_steps import explain_price
from tests import pricing_calculator as calculator
from tests.domain.builders import address, new_state, run, unhurried, update

EXPONENTS = {"USD": 2, "JPY": 0, "KWD": 3}
CLASSES = ["standard", "food", "books"]
PRODUCTS = ["a", "b", "c", "d"]
PAYERS = {"": 0, "SHOP": COUPON_PAYER_SHOP, "THIRD_PARTY": COUPON_PAYER_THIRD_PARTY}
RATES = st.sampled_from(["0", "5", "7", "9.975", "8.875", "19", "20", "100", "0.000001", "33.333333"])
SMALL = st.integers(0, 200) | st.integers(0, 10**6)
TAXES = st.builds(calculator.Tax, st.sampled_from(["GST", "QST", "PST"]), RATES.map(Fraction), st.booleans())


class Shop:
    """A random shop, for the server and for the calculator."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.currency = draw(st.sampled_from(sorted(EXPONENTS)))
        self.products = {
            name: (draw(SMALL), draw(st.just(0) | SMALL), draw(st.sampled_from(["", "toys", *CLASSES])))
            for name in PRODUCTS
        }
        self.zone = draw(st.none() | zones())
        self.coupons = draw(st.lists(coupons(), max_size=3, unique_by=lambda coupon: coupon.code))
        self.items = draw(st.lists(st.tuples(st.sampled_from(PRODUCTS), st.integers(1, 9)), min_size=1, max_size=6))
        value, rate = draw(st.sampled_from(["0", "0.01", "0.3", "1.5"])), draw(st.sampled_from(["0.05", "1", "3"]))
        self.terms = PointTerms(Decimal(value), Decimal(rate))
        self.points = draw(st.integers(0, 10**5)) if self.terms.value else 0

    def lines(self, items: list[tuple[str, int]]) -> list[calculator.Line]:
        return [calculator.Line(name, quantity, *self.products[name]) for name, quantity in items]

    def usable(self, coupon: calculator.Coupon) -> bool:
        return not coupon.product_ids or any(name in coupon.product_ids for name, _ in self.items)

    def price(self, *, requested: int, coupons: list[calculator.Coupon]) -> calculator.Price:
        scale = 10 ** EXPONENTS[self.currency]
        value, per_unit = Fraction(self.terms.value) * scale, Fraction(self.terms.per_unit) / scale
        points = calculator.Points(requested, value, per_unit)
        return calculator.price_of(self.lines(self.items), coupons, self.zone, points)

    def state(self) -> State:
        state = new_state(*map(self._product, self.products))
        state.terms = Terms({self.currency: self.terms})
        run(state, AdjustPointsRequest(customer_id="carl", delta=10**6, reason="test"))
        if self.coupons:
            run(state, BatchUpsertCouponsRequest(coupons=map(self._coupon, self.coupons)))
        if self.zone is not None:
            run(state, BatchUpsertDeliveryZonesRequest(zones=[self._zone(self.zone)]))
        return state

    def _product(self, name: str) -> Product:
        unit, installation, tax_class = self.products[name]
        product = Product(product_id=name, name=name, stock=1000, tax_class=tax_class)
        product.price.CopyFrom(from_minor(unit, self.currency))
        product.requires_installation = bool(installation)
        product.installation_price.CopyFrom(from_minor(installation, self.currency))
        return product

    def _coupon(self, coupon: calculator.Coupon) -> Coupon:
        made = Coupon(code=coupon.code, product_ids=coupon.product_ids, payer=PAYERS[coupon.payer], combinable=True)
        made.type = COUPON_TYPE_PERCENTAGE if coupon.basis_points else COUPON_TYPE_FIXED
        made.basis_points = coupon.basis_points
        if coupon.amount:
            made.amounts.append(from_minor(coupon.amount, self.currency))
        return made

    def _zone(self, zone: calculator.Zone) -> DeliveryZone:
        made = DeliveryZone(
            zone_id="all",
            areas=[DeliveryArea()],
            tax_included=zone.included,
            tax_before_discount=zone.before_discount,
            shipping_tax_class=zone.shipping_class,
            installation_tax_class=zone.installation_class,
            shipping_tax_policy=ShippingTaxPolicy.Value(f"SHIPPING_TAX_POLICY_{zone.policy}"),
        )
        made.rounding.mode = ROUNDING_MODE_HALF_UP if zone.half_up else 0
        made.rounding.level = ROUNDING_LEVEL_ORDER if zone.per_order else 0
        for tax_class, taxes in zone.classes.items():
            for tax in taxes:
                rate = made.tax_rates.add(tax_class=tax_class, name=tax.name, compound=tax.compound)
                rate.rate.value = str(Decimal(tax.rate.numerator) / tax.rate.denominator)
        method = made.methods.add(method="standard", prices=[from_minor(zone.price, self.currency)])
        if zone.free_from is not None:
            method.free_from.append(from_minor(zone.free_from, self.currency))
        return made


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    return Shop(draw)


def zones() -> st.SearchStrategy[calculator.Zone]:
    taxes = st.lists(TAXES, min_size=1, max_size=3, unique_by=lambda tax: tax.name).map(tuple)
    return st.builds(
        calculator.Zone,
        price=SMALL,
        free_from=st.none() | SMALL,
        classes=st.dictionaries(st.sampled_from(CLASSES), taxes),
        included=st.booleans(),
        before_discount=st.booleans(),
        shipping_class=st.sampled_from(["", *CLASSES]),
        installation_class=st.sampled_from(["", *CLASSES]),
        policy=st.sampled_from(["CLASS", "PROPORTIONAL", "HIGHEST"]),
        half_up=st.booleans(),
        per_order=st.booleans(),
    )


def coupons() -> st.SearchStrategy[calculator.Coupon]:
    more: dict[str, Any] = {
        "code": st.sampled_from(["A", "B", "C", "D"]),
        "product_ids": st.lists(st.sampled_from(PRODUCTS), unique=True, max_size=2).map(tuple),
        "payer": st.sampled_from(sorted(PAYERS)),
    }
    percentages = st.builds(calculator.Coupon, basis_points=st.integers(1, 10_000), **more)
    return percentages | st.builds(calculator.Coupon, amount=st.integers(1, 10**5), **more)


def check(order: Order, expected: calculator.Price) -> None:
    """The order has exactly the calculated amounts."""
    pricing = order.pricing
    names = ("subtotal", "discount", "shipping", "installation", "tax", "included_tax", "total")
    found = {name: minor_of(getattr(pricing, name)) for name in names}
    assert found == {name: getattr(expected, name) for name in names}
    assert minor_of(pricing.loyalty_points_value) == expected.points_value
    assert pricing.loyalty_points_used == expected.points_used
    assert pricing.loyalty_points_earned == expected.points_earned
    assert [minor_of(item.discount) for item in order.items] == expected.line_discounts
    taxes = [minor_of(item.tax) for item in order.items]
    assert taxes == (expected.line_taxes or [0] * len(taxes))
    by_tax = {(tax.name, Fraction(tax.rate.value), tax.compound): minor_of(tax.amount) for tax in pricing.taxes}
    assert by_tax == expected.taxes


@unhurried
@given(shops())
def test_an_order_costs_what_the_page_says(shop: Shop) -> None:
    state, used = shop.state(), [coupon for coupon in shop.coupons if shop.usable(coupon)]
    request = CreateOrderRequest(
        customer_id="carl",
        currency_code=shop.currency,
        items=[{"product_id": name, "quantity": quantity} for name, quantity in shop.items],
        shipping_address=address(),
        coupon_codes=[coupon.code.lower() for coupon in used],
        loyalty_points_to_use=shop.points,
    )
    priced = run(state, PriceOrderRequest(order=request))
    order = run(state, request)
    expected = shop.price(requested=shop.points, coupons=used)
    check(order, expected)
    assert priced.pricing == order.pricing
    assert list(priced.steps) == list(explain_price(order).steps)


@unhurried
@given(st.data())
def test_an_updated_order_costs_what_the_page_says(data: st.DataObject) -> None:
    """Through a life of changed items, coupons, products, coupons' terms and zones."""
    shop = data.draw(shops())
    shop.coupons, shop.points = [], 0
    state = shop.state()
    request = CreateOrderRequest(customer_id="carl", currency_code=shop.currency, shipping_address=address())
    for name, quantity in shop.items:
        request.items.add(product_id=name, quantity=quantity)
    order = run(state, request)
    kept: list[calculator.Coupon] = []
    for code in ("A", "B"):
        added = data.draw(coupons().filter(lambda coupon: not coupon.product_ids))
        added = calculator.Coupon(code, added.basis_points, added.amount, (), added.payer)
        if shop.zone is not None:
            shop.zone = data.draw(zones())
        shop.coupons = [added]
        changed = data.draw(st.lists(st.tuples(st.sampled_from(PRODUCTS), st.integers(1, 9)), min_size=1, max_size=4))
        kept.append(added)
        _replace(state, shop)
        shop.items = changed
        wished = Order(order_id=order.order_id)
        wished.items.extend(OrderItem(product_id=name, quantity=quantity) for name, quantity in changed)
        changing = update(order, "items", wished=wished)
        changing.accept_price_changes = True
        changing.add_coupon_codes.append(code)
        order = run(state, changing)
        check(order, shop.price(requested=0, coupons=kept))
    shop.coupons = [calculator.Coupon(coupon.code, basis_points=1) for coupon in kept]
    _replace(state, shop)
    renamed = update(order, "customer.name", wished=Order(order_id=order.order_id, customer={"name": "Carla"}))
    assert run(state, renamed).pricing == order.pricing


def _replace(state: State, shop: Shop) -> None:
    run(state, BatchUpsertCouponsRequest(coupons=map(shop._coupon, shop.coupons)))
    if shop.zone is not None:
        run(state, BatchUpsertDeliveryZonesRequest(zones=[shop._zone(shop.zone)]))
