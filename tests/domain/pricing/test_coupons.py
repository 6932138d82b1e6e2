"""Which orders may use a coupon, and the rules on coupons."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest, Coupon
from orders.v1.order_pb2 import COUPON_TYPE_FIXED, COUPON_TYPE_PERCENTAGE, AppliedCoupon

from server.domain.base.errors import Refusal
from server.domain.base.state import State
from server.domain.pricing.coupons import CouponUser, code_of, kept_discount, new_discounts, with_uses
from server.domain.pricing.discounts import Discount, Line
from tests.domain.builders import NOW, at, fields_of, fingerprint, money, new_state, refuse, run

CHAIR = Line("chair", "", 2, 1000, 0, "")
TABLE = Line("table", "", 1, 5000, 0, "")


def percentage(code: str = "TEN", basis_points: int = 1000, **more: Any) -> Coupon:
    return Coupon(code=code, type=COUPON_TYPE_PERCENTAGE, basis_points=basis_points, **more)


def fixed(code: str = "OFF", *amounts: str, currency: str = "USD", **more: Any) -> Coupon:
    given = [money(amount, currency) for amount in amounts or ["5.00"]]
    return Coupon(code=code, type=COUPON_TYPE_FIXED, amounts=given, **more)


def state_with(*coupons: Coupon, uses: dict[tuple[str, str], int] | None = None) -> State:
    """A state that has these coupons stored, and nothing to write."""
    state = new_state()
    state.coupons.stored.update({c.code: c.SerializeToString(deterministic=True) for c in coupons})
    state.coupon_uses.values.update(uses or {})
    return state


def use(
    coupon: Coupon,
    *lines: Line,
    time: Timestamp = NOW,
    currency: str = "USD",
    uses: dict[tuple[str, str], int] | None = None,
    counted: bool = False,
) -> Discount:
    state = state_with(coupon, uses=uses)
    before = fingerprint(state)
    try:
        user = CouponUser("carl", lines or [CHAIR, TABLE], currency, time)
        if counted:
            return kept_discount(state, AppliedCoupon(code=coupon.code), user)
        (discount,) = new_discounts(state, [coupon.code], user)
        return discount
    finally:
        assert fingerprint(state) == before


def refused(coupon: Coupon, *lines: Line, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        use(coupon, *lines, **more)
    assert caught.value.reason == "INVALID_COUPON"
    assert caught.value.metadata["coupon_code"] == coupon.code
    return caught.value


def condition(error: Refusal) -> str:
    return error.metadata["condition"]


# Using one.


def test_a_fixed_coupon_takes_off_its_amount_in_the_orders_currency() -> None:
    coupon = fixed()
    coupon.amounts.append(money("4.00", "EUR"))
    assert use(coupon, currency="EUR").amount_minor == 400
    assert use(coupon).amount_minor == 500


def test_a_coupon_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        new_discounts(state_with(), ["TEN"], CouponUser("carl", [CHAIR], "USD", NOW))
    assert (caught.value.reason, caught.value.metadata) == (
        "INVALID_COUPON",
        {"coupon_code": "TEN", "condition": "exists"},
    )


def test_a_coupon_is_good_from_its_start_until_its_end() -> None:
    coupon = percentage(start_time=at(10), end_time=at(20))
    early, late = refused(coupon, time=at(9)), refused(coupon, time=at(20))
    assert (condition(early), early.metadata["start_time"]) == ("started", at(10).ToJsonString())
    assert (condition(late), late.metadata["end_time"]) == ("ended", at(20).ToJsonString())
    assert use(coupon, time=at(10)) == use(coupon, time=at(19))


def test_a_fixed_coupon_is_refused_in_a_currency_it_has_no_amount_in() -> None:
    error = refused(fixed(), currency="JPY")
    assert (condition(error), error.metadata["currency"], error.metadata["available"]) == ("currency", "JPY", "USD")


def test_a_minimum_keeps_a_coupon_to_its_currencies() -> None:
    coupon = percentage(minimum_subtotals=[money("1.00"), money("1.00", "EUR")])
    assert condition(refused(coupon, currency="JPY")) == "currency"
    assert use(coupon, currency="EUR").code == "TEN"
    assert use(percentage(), currency="JPY").code == "TEN"


def test_a_coupon_for_other_products_is_refused() -> None:
    error = refused(percentage(product_ids=["lamp", "sofa"]))
    assert (condition(error), error.metadata["product_ids"]) == ("products", "lamp, sofa")
    assert use(percentage(product_ids=["lamp", "chair"])).product_ids == {"lamp", "chair"}


def test_the_minimum_counts_the_eligible_lines_only() -> None:
    coupon = percentage(product_ids=["chair"], minimum_subtotals=[money("20.00")])
    assert use(coupon, CHAIR).code == "TEN"
    coupon.minimum_subtotals[0].units = 21
    error = refused(coupon, CHAIR, TABLE)
    assert condition(error) == "minimum_subtotal"
    assert (error.metadata["minimum"], error.metadata["subtotal"]) == ("21.00 USD", "20.00 USD")


def test_a_coupon_is_used_up_by_all_orders_together() -> None:
    coupon = percentage(usage_limit=3)
    assert use(coupon, uses={("TEN", ""): 2, ("TEN", "carl"): 2}).code == "TEN"
    error = refused(coupon, uses={("TEN", ""): 3})
    assert (condition(error), error.metadata["usage_limit"]) == ("usage_limit", "3")


def test_a_coupon_is_used_up_by_one_customer() -> None:
    coupon = percentage(usage_limit_per_customer=1)
    assert use(coupon, uses={("TEN", ""): 9, ("TEN", "ann"): 9}).code == "TEN"
    error = refused(coupon, uses={("TEN", ""): 1, ("TEN", "carl"): 1})
    assert condition(error) == "usage_limit_per_customer"
    assert error.metadata["usage_limit_per_customer"] == "1"


def test_an_order_that_is_counted_already_does_not_count_against_the_limits() -> None:
    coupon = percentage(usage_limit=1, usage_limit_per_customer=1, product_ids=["chair"])
    uses = {("TEN", ""): 1, ("TEN", "carl"): 1}
    assert use(coupon, uses=uses, counted=True).code == "TEN"
    assert condition(refused(coupon, TABLE, uses=uses, counted=True)) == "products"


def test_an_order_keeps_the_terms_of_its_coupon() -> None:
    terms = discount_in(fixed("OFF", "3.00", end_time=at(-1))).terms
    kept = AppliedCoupon(code="OFF", type=COUPON_TYPE_FIXED, terms=terms)
    assert kept_discount(state_with(), kept, CouponUser("carl", [CHAIR], "USD", NOW)).amount_minor == 300


def discount_in(coupon: Coupon) -> Discount:
    coupon.ClearField("end_time")
    return use(coupon)


def test_the_first_condition_that_is_not_met_is_named() -> None:
    coupon = fixed(
        start_time=at(10),
        end_time=at(20),
        product_ids=["lamp"],
        minimum_subtotals=[money("1000.00")],
        usage_limit=1,
        usage_limit_per_customer=1,
    )
    uses = {("OFF", ""): 1, ("OFF", "carl"): 1}
    seen = [condition(refused(coupon, uses=uses, currency="JPY"))]
    coupon.ClearField("start_time")
    seen.append(condition(refused(coupon, uses=uses, currency="JPY", time=at(20))))
    seen.append(condition(refused(coupon, uses=uses, currency="JPY")))
    seen.append(condition(refused(coupon, uses=uses)))
    coupon.ClearField("product_ids")
    seen.append(condition(refused(coupon, uses=uses)))
    coupon.ClearField("minimum_subtotals")
    seen.append(condition(refused(coupon, uses=uses)))
    coupon.ClearField("usage_limit")
    seen.append(condition(refused(coupon, uses=uses)))
    assert seen == [
        "started",
        "ended",
        "currency",
        "products",
        "minimum_subtotal",
        "usage_limit",
        "usage_limit_per_customer",
    ]


# Storing them.


def upsert(*coupons: Coupon) -> BatchUpsertCouponsRequest:
    return BatchUpsertCouponsRequest(coupons=coupons)


def test_coupons_come_back_as_they_are_with_how_often_they_were_used() -> None:
    state = state_with(percentage("OLD", 500), percentage("SAME"), uses={("OLD", ""): 7, ("OLD", "carl"): 2})
    response = run(state, upsert(fixed("new", times_used=99), percentage("same"), percentage("Old", 2000)))
    assert list(response.coupons) == [fixed("NEW"), percentage("SAME"), percentage("OLD", 2000, times_used=7)]
    assert (response.inserted, response.updated, response.unchanged) == (1, 1, 1)
    assert state.coupons.changes.keys() == {"NEW", "OLD"}
    assert Coupon.FromString(state.coupons.stored["OLD"]) == percentage("OLD", 2000)
    assert Coupon.FromString(state.coupons.stored["NEW"]) == fixed("NEW")


def test_coupons_that_are_the_same_write_nothing() -> None:
    state = state_with(percentage())
    before = fingerprint(state)
    run(state, upsert(percentage("ten", times_used=3)))
    assert fingerprint(state) == before


@pytest.mark.parametrize(
    ("coupon", "field"),
    [
        (percentage(basis_points=0), "basis_points"),
        (percentage(basis_points=10_001), "basis_points"),
        (percentage(amounts=[money("1")]), "amounts"),
        (Coupon(code="X", type=COUPON_TYPE_FIXED), "amounts"),
        (fixed(basis_points=1), "basis_points"),
        (fixed("X", "1", "2"), "amounts[1].currency_code"),
        (fixed("X", "0.001"), "amounts[0].nanos"),
        (fixed("X", "-1"), "amounts[0]"),
        (fixed("X", "0"), "amounts[0]"),
        (fixed(currency="XXX"), "amounts[0].currency_code"),
        (percentage(minimum_subtotals=[money("1"), money("2")]), "minimum_subtotals[1].currency_code"),
        (percentage(start_time=at(5), end_time=at(5)), "end_time"),
        (percentage(product_ids=["a", "b", "a"]), "product_ids[2]"),
    ],
)
def test_a_coupon_that_cannot_be_is_refused_by_field(coupon: Coupon, field: str) -> None:
    assert fields_of(refuse(state_with(), upsert(percentage("FINE"), coupon))) == [f"coupons[1].{field}"]


def test_codes_that_differ_in_case_only_are_the_same_code() -> None:
    assert fields_of(refuse(state_with(), upsert(percentage("ten"), percentage("TEN")))) == ["coupons[1].code"]


def test_all_coupons_that_cannot_be_are_named_at_once() -> None:
    error = refuse(state_with(), upsert(percentage(basis_points=0), percentage("A"), fixed("B", "0")))
    assert fields_of(error) == ["coupons[0].basis_points", "coupons[2].amounts[0]"]


def test_a_coupon_may_end_without_ever_having_to_start() -> None:
    assert run(state_with(), upsert(percentage(end_time=at(5)))).inserted == 1


def test_uses_are_filled_in_beside_the_coupon() -> None:
    assert with_uses(percentage(), 4) == percentage(times_used=4)
    assert code_of("ten-%") == "TEN-%"
