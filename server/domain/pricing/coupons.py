"""Coupons: the conditions of their use, and the rules on the coupons themselves."""

from collections.abc import Callable, Generator, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest, BatchUpsertCouponsResponse, Coupon
from orders.v1.error_reason_pb2 import ERROR_REASON_INVALID_COUPON
from orders.v1.order_pb2 import COUPON_TYPE_FIXED, COUPON_TYPE_PERCENTAGE, AppliedCoupon, CouponTerms
from orders.v1.order_service_pb2 import CreateOrderRequest

from server.domain.base.amounts import check_amounts
from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, Violation, invalid, invalid_field
from server.domain.base.money import text_of
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.records import Kind
from server.domain.base.sizes import check_answer
from server.domain.base.state import State
from server.domain.pricing.discounts import Discount, Line, discount_of, eligible_subtotal

MAX_COUPONS = 5


def code_of(text: str) -> str:
    """The normalized code of a coupon."""
    return text.upper()


def codes_of(request: CreateOrderRequest) -> list[str]:
    """The codes of an order's coupons, without duplicates."""
    if not request.coupon_codes:
        return [code_of(request.coupon_code)] if request.coupon_code else []
    first = [request.coupon_code] if request.coupon_code else []
    return list(dict.fromkeys(map(code_of, [*first, *request.coupon_codes])))


class CouponUser(NamedTuple):
    """The properties of an order that the conditions of coupons depend on."""

    customer_id: str
    lines: Sequence[Line]
    currency: str
    time: Timestamp


def new_discounts(state: State, codes: Sequence[str], user: CouponUser) -> list[Discount]:
    """The discounts of coupons that are added to an order."""
    return [_new_discount(state, code, user) for code in codes]


def _new_discount(state: State, code: str, user: CouponUser) -> Discount:
    discount = _discount_now(state, code, user)
    _check_lines(discount, user.lines, user.currency)
    _check_limits(_stored(state.coupons.stored[code]), state, user.customer_id)
    return discount


def kept_discount(state: State, applied: AppliedCoupon, user: CouponUser) -> Discount:
    """The discount of a coupon that an order already uses, by the terms stored in the order.

    Orders priced by an earlier version of the server have no terms, and use the current coupon.
    """
    if applied.HasField("terms"):
        discount = discount_of(applied.code, applied.type, applied.terms)
    else:
        discount = _discount_now(state, applied.code, user)
    _check_lines(discount, user.lines, user.currency)
    return discount


def check_combination(discounts: Sequence[Discount]) -> None:
    """Refuses several coupons unless each of them can be combined."""
    if len(discounts) > MAX_COUPONS:
        raise _refused(discounts[MAX_COUPONS].code, "combination", f"an order can use up to {MAX_COUPONS} coupons")
    alone = next((discount.code for discount in discounts if not discount.terms.combinable), None)
    if alone is not None:
        raise _refused(alone, "combination", f"coupon {alone!r} cannot be combined with other coupons")


def _discount_now(state: State, code: str, user: CouponUser) -> Discount:
    """The discount of a stored coupon at this time."""
    snapshot = state.coupons.stored.get(code)
    if snapshot is None:
        raise _refused(code, "exists", f"there is no coupon {code!r}")
    _check_time(_stored(snapshot), user.time)
    return _discount_in(snapshot, user.currency)


@lru_cache(maxsize=2_000)
def _stored(snapshot: bytes) -> Coupon:
    """A stored coupon. It is cached: never change it."""
    return Coupon.FromString(snapshot)


@lru_cache(maxsize=2_000)
def _discount_in(snapshot: bytes, currency: str) -> Discount:
    coupon = _stored(snapshot)
    terms = CouponTerms(
        basis_points=coupon.basis_points,
        product_ids=coupon.product_ids,
        payer=coupon.payer,
        combinable=coupon.combinable,
    )
    if coupon.type == COUPON_TYPE_FIXED:
        terms.amount.CopyFrom(_amount_in(coupon, coupon.amounts, currency))
    if coupon.minimum_subtotals:
        terms.minimum_subtotal.CopyFrom(_amount_in(coupon, coupon.minimum_subtotals, currency))
    return discount_of(coupon.code, coupon.type, terms)


def _amount_in(coupon: Coupon, amounts: Iterable[Money], currency: str) -> Money:
    """The amount in a currency; refuses one that the coupon cannot be used in."""
    found = {amount.currency_code: amount for amount in amounts}
    if currency not in found:
        known = ", ".join(sorted(found))
        text = f"coupon {coupon.code!r} cannot be used in {currency}, only in {known}"
        raise _refused(coupon.code, "currency", text, currency=currency, available=known)
    return found[currency]


def _refused(code: str, condition: str, text: str, **needed: str) -> Refusal:
    return Refusal(ERROR_REASON_INVALID_COUPON, text, metadata={"coupon_code": code, "condition": condition, **needed})


def _check_time(coupon: Coupon, time: Timestamp) -> None:
    code, now = coupon.code, (time.seconds, time.nanos)
    start, end = coupon.start_time, coupon.end_time
    if coupon.HasField("start_time") and now < (start.seconds, start.nanos):
        when = start.ToJsonString()
        raise _refused(code, "started", f"coupon {code!r} is not valid before {when}", start_time=when)
    if coupon.HasField("end_time") and now >= (end.seconds, end.nanos):
        when = end.ToJsonString()
        raise _refused(code, "ended", f"coupon {code!r} was valid until {when}", end_time=when)


def _check_lines(discount: Discount, lines: Sequence[Line], currency: str) -> None:
    """Refuses a coupon that applies to none of the lines, or to less than its minimum."""
    code = discount.code
    if not any(discount.fits(line) for line in lines):
        known = ", ".join(discount.terms.product_ids)
        raise _refused(code, "products", f"coupon {code!r} applies only to other products: {known}", product_ids=known)
    eligible = eligible_subtotal(lines, discount)
    if eligible < discount.minimum_minor:
        needed, have = text_of(discount.minimum_minor, currency), text_of(eligible, currency)
        text = f"coupon {code!r} needs a subtotal of {needed} or more, and it is {have}"
        raise _refused(code, "minimum_subtotal", text, minimum=needed, subtotal=have)


def _check_limits(coupon: Coupon, state: State, customer_id: str) -> None:
    code = coupon.code
    limit, own_limit = coupon.usage_limit, coupon.usage_limit_per_customer
    if limit and state.coupon_uses.get((code, "")) >= limit:
        text = f"coupon {code} is used up: the limit is {limit} order{'s' if limit > 1 else ''}"
        raise _refused(code, "usage_limit", text, usage_limit=str(limit))
    if own_limit and state.coupon_uses.get((code, customer_id)) >= own_limit:
        text = (
            f"coupon {code} is used up: the limit for each customer is {own_limit} order{'s' if own_limit > 1 else ''}"
        )
        raise _refused(code, "usage_limit_per_customer", text, usage_limit_per_customer=str(own_limit))


def with_uses(coupon: Coupon, uses: int) -> Coupon:
    """Fills in the number of orders that use the coupon, which is stored separately."""
    coupon.times_used = uses
    return coupon


@operation(
    BatchUpsertCouponsRequest,
    needs=lambda request: Needs(coupons=[code_of(coupon.code) for coupon in request.coupons], replaces=Kind.COUPON),
)
def upsert_coupons(
    request: BatchUpsertCouponsRequest, state: State, audit: Audit
) -> Generator[None, None, BatchUpsertCouponsResponse]:
    """Inserts or replaces coupons, all or nothing."""
    yield from _check_coupons(request.coupons)
    response = BatchUpsertCouponsResponse(coupons=map(_kept, request.coupons))
    check_answer(response, field="coupons")
    for coupon in response.coupons:
        outcome = state.coupons.upsert(coupon.code, coupon.SerializeToString(deterministic=True))
        setattr(response, outcome, getattr(response, outcome) + 1)
        with_uses(coupon, state.coupon_uses.get((coupon.code, "")))
        yield
    return response


def _kept(wished: Coupon) -> Coupon:
    coupon = Coupon()
    coupon.CopyFrom(wished)
    coupon.code = code_of(wished.code)
    coupon.ClearField("times_used")
    return coupon


def _check_coupons(coupons: Iterable[Coupon]) -> Generator[None, None, None]:
    """Checks the rules that protos cannot express."""
    violations: list[Violation] = []
    seen: set[str] = set()
    for index, coupon in enumerate(coupons):
        field, code = f"coupons[{index}]", code_of(coupon.code)
        if code in seen:
            violations.append(Violation(f"{field}.code", f"{code!r} occurs twice"))
        seen.add(code)
        try:
            for check in _CHECKS:
                check(coupon, field)
        except Refusal as error:
            violations += error.violations
        yield
    if violations:
        raise invalid(*violations)


def _check_percentage(coupon: Coupon, field: str) -> None:
    if coupon.type == COUPON_TYPE_PERCENTAGE:
        if not 1 <= coupon.basis_points <= 10_000:
            raise invalid_field(f"{field}.basis_points", "is needed for a percentage: 1 to 10,000, where 1,000 is 10 %")
        if coupon.amounts:
            raise invalid_field(f"{field}.amounts", "are for fixed coupons; a percentage has basis_points only")


def _check_fixed(coupon: Coupon, field: str) -> None:
    if coupon.type == COUPON_TYPE_FIXED:
        if not coupon.amounts:
            raise invalid_field(f"{field}.amounts", "are needed for a fixed coupon: one for each currency")
        if coupon.basis_points:
            raise invalid_field(f"{field}.basis_points", "are for percentages; a fixed coupon has amounts only")


def _check_money(coupon: Coupon, field: str) -> None:
    for index, minor in enumerate(check_amounts(coupon.amounts, field=f"{field}.amounts").values()):
        if not minor:
            raise invalid_field(f"{field}.amounts[{index}]", "must be more than 0")
    check_amounts(coupon.minimum_subtotals, field=f"{field}.minimum_subtotals")


def _check_period(coupon: Coupon, field: str) -> None:
    start, end = coupon.start_time, coupon.end_time
    if coupon.HasField("end_time") and (end.seconds, end.nanos) <= (start.seconds, start.nanos):
        raise invalid_field(f"{field}.end_time", "must be after start_time")


def _check_products(coupon: Coupon, field: str) -> None:
    seen: set[str] = set()
    for index, product_id in enumerate(coupon.product_ids):
        if product_id in seen:
            raise invalid_field(f"{field}.product_ids[{index}]", f"{product_id!r} occurs twice")
        seen.add(product_id)


_CHECKS: Sequence[Callable[[Coupon, str], None]] = (
    _check_percentage,
    _check_fixed,
    _check_money,
    _check_period,
    _check_products,
)
