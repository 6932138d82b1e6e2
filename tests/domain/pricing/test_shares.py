"""Shares of a price: whatever is refunded in whatever order, the parts add up to the whole."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from orders.v1 import order_pb2 as pb
from orders.v1.catalog_service_pb2 import DeliveryMethod, DeliveryZone
from orders.v1.order_service_pb2 import LineQuantity

from server.domain.base.money import from_minor, minor_of
from server.domain.base.values import PointTerms
from server.domain.pricing.discounts import Discount, Line, discount_of
from server.domain.pricing.order_prices import fill
from server.domain.pricing.quotes import quote
from server.domain.pricing.remaining import remaining, take_lines
from server.domain.pricing.shares import (
    Share,
    message_of,
    money_of,
    parts_of,
    share_of,
    summed,
    take_amount,
    tax_totals,
)
from server.domain.pricing.taxes import taxes_of
from server.domain.pricing.zones import DeliveryChoice
from tests.domain.builders import unhurried

# Exponents 0, 2 and 3.
CURRENCIES = ("JPY", "EUR", "KWD")
RATES = ("0", "5", "7", "8.875", "9.975", "19", "25.5")

lines = st.lists(
    st.builds(
        Line,
        st.sampled_from(["a", "b", "c"]),
        st.just(""),
        st.integers(1, 5),
        st.integers(0, 5000),
        st.sampled_from([0, 0, 333]),
        st.sampled_from(["", "reduced"]),
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def zones(draw: st.DrawFn) -> DeliveryZone:
    """Zones of every rounding mode, level and policy, with taxes that are added or included."""
    rate, second, reduced = (draw(st.sampled_from(RATES)) for _ in range(3))
    return DeliveryZone(
        tax_rates=[
            {"name": "GST", "rate": {"value": rate}},
            {"name": "QST", "rate": {"value": second}, "compound": draw(st.booleans())},
            {"tax_class": "reduced", "rate": {"value": reduced}},
        ],
        tax_included=draw(st.booleans()),
        tax_before_discount=draw(st.booleans()),
        rounding={"mode": draw(st.integers(0, 2)), "level": draw(st.integers(0, 2))},
        shipping_tax_policy=draw(st.integers(0, 3)),
        shipping_tax_class=draw(st.sampled_from(["", "standard"])),
        installation_tax_class=draw(st.sampled_from(["", "reduced"])),
    )


def coupon(basis_points: int, payer: int) -> list[Discount]:
    terms = pb.CouponTerms(basis_points=basis_points, payer=payer, combinable=True)
    return [discount_of("C", pb.COUPON_TYPE_PERCENTAGE, terms)] if basis_points else []


def chosen(zone: DeliveryZone, price: int) -> DeliveryChoice:
    terms = pb.PriceTerms(tax_included=zone.tax_included)
    return DeliveryChoice(zone, DeliveryMethod(method="standard"), price, None, "", taxes_of(zone), terms)


@st.composite
def priced(draw: st.DrawFn) -> pb.Order:
    """An order with a random price."""
    currency, ordered = draw(st.sampled_from(CURRENCIES)), draw(lines)
    choice = chosen(draw(zones()), draw(st.sampled_from([0, 490, 777])))
    terms = PointTerms(Decimal("0.01"), Decimal(1))
    made = quote(
        ordered,
        currency=currency,
        point_terms=terms,
        choice=choice,
        discounts=coupon(draw(st.sampled_from([0, 1000, 3333, 9000])), draw(st.integers(0, 2))),
        points=draw(st.sampled_from([0, 0, 50, 10**6])),
    )
    order = pb.Order(order_id="o")
    for number, line in enumerate(ordered, start=1):
        total = from_minor(line.total, currency)
        order.items.add(item_id=str(number), product_id=line.product_id, quantity=line.quantity, total_price=total)
    fill(order, made)
    return order


def refund(order: pb.Order, shares: Sequence[Share]) -> None:
    currency = order.pricing.total.currency_code
    made = order.refunds.add(refund_id=str(len(order.refunds) + 1), status=pb.REFUND_STATUS_SUCCEEDED)
    made.amount.CopyFrom(from_minor(money_of(shares), currency))
    made.lines.extend(message_of(share, currency) for share in shares)


@given(priced())
@unhurried
def test_the_parts_of_a_price_add_up_to_it(order: pb.Order) -> None:
    whole = summed(parts_of(order))
    pricing = order.pricing
    assert whole.money == minor_of(pricing.total)
    assert whole.tax == minor_of(pricing.tax) + minor_of(pricing.included_tax)
    assert whole.discount == minor_of(pricing.discount)
    assert (whole.points, whole.points_value) == (
        pricing.loyalty_points_used,
        minor_of(pricing.loyalty_points_value),
    )
    totals = tax_totals(parts_of(order), pricing.total.currency_code)
    assert totals == list(pricing.taxes)


@given(priced(), st.data())
@unhurried
def test_refunds_by_line_add_up_to_the_whole(order: pb.Order, data: st.DataObject) -> None:
    """Units in any order, shipping and installation, with refunds of amounts in between."""
    lines = [item.item_id for item in order.items for _ in range(item.quantity)]
    steps = data.draw(st.permutations([*lines, "rest", *data.draw(st.lists(st.just("amount"), max_size=3))]))
    for step in steps:
        left = remaining(order)
        if step == "amount":
            whole = money_of(left)
            shares = take_amount(left, data.draw(st.integers(0, whole // 3)))
            refund(order, [summed(shares)] if shares else [])
        elif step == "rest":
            refund(order, [part for part in left if not part.item_id])
        else:
            refund(order, list(take_lines(order, left, [LineQuantity(item_id=step, quantity=1)], field="items")))
        for line in order.refunds[-1].lines:
            share = share_of(line)
            assert min(share.price, share.discount, share.tax, share.points, share.points_value, share.money) >= 0
            assert share.money == minor_of(line.amount)
    assert money_of(remaining(order)) == 0
    assert sum(minor_of(refund.amount) for refund in order.refunds) == minor_of(order.pricing.total)


@given(priced())
@unhurried
def test_refunds_of_all_lines_return_every_tax_discount_and_point(order: pb.Order) -> None:
    while any(part.quantity for part in remaining(order)):
        left = remaining(order)
        unit = next(LineQuantity(item_id=part.item_id, quantity=1) for part in left if part.quantity)
        refund(order, list(take_lines(order, left, [unit], field="items")))
    refund(order, [part for part in remaining(order) if not part.item_id])
    returned = summed([share_of(line) for refund in order.refunds for line in refund.lines])
    whole = summed(parts_of(order))
    assert returned._replace(taxes=()) == whole._replace(taxes=(), added=returned.added)
    assert {tax.named: tax.amount for tax in returned.taxes if tax.amount} == {
        tax.named: tax.amount for tax in whole.taxes if tax.amount
    }


@given(priced(), st.data())
@unhurried
def test_an_amount_has_no_more_tax_than_money(order: pb.Order, data: st.DataObject) -> None:
    parts = remaining(order)
    amount = data.draw(st.integers(0, money_of(parts)))
    share = summed(take_amount(parts, amount))
    assert share.money == amount
    assert 0 <= share.tax <= amount
