"""Coupons: the conditions of their use, and the rules on the coupons themselves."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest, BatchUpsertCouponsResponse, Coupon
from orders.v1.error_reason_pb2 import ERROR_REASON_INVALID_COUPON
from orders.v1.order_pb2 import COUPON_TYPE_FIXED, COUPON_TYPE_PERCENTAGE

from server.domain.base.amounts import by_currency, check_amounts
from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, Violation, invalid, invalid_field
from server.domain.base.money import text_of
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.records import Kind
from server.domain.base.sizes import check_answer
from server.domain.base.state import State
from server.domain.pricing.quotes import Discount, Line, eligible_subtotal


def code_of(text: str) -> str:
    """A coupon's code as it is kept, however it was typed."""
    return text.upper()


def find_discount(
    state: State,
    code: str,
    *,
    customer_id: str,
    lines: Sequence[Line],
    currency: str,
    time: Timestamp,
    counted: bool = False,
) -> Discount:
    """The discount of a coupon on these lines. `counted`: its uses include the order already, so limits do not apply."""
    code = code_of(code)
    snapshot = state.coupons.stored.get(code)
    if snapshot is None:
        raise _refused(code, "exists", f"there is no coupon {code!r}")
    coupon = _stored(snapshot)
    _check_time(coupon.message, time)
    discount = coupon.discount_in(currency)
    _check_lines(coupon, discount, lines, currency)
    if not counted:
        _check_limits(coupon.message, state, customer_id)
    return discount


@dataclass(frozen=True, slots=True)
class _Stored:
    """A stored coupon, read once; its amounts in minor units by currency."""

    message: Coupon
    amounts: Mapping[str, int]
    minimums: Mapping[str, int]
    product_ids: frozenset[str]

    def discount_in(self, currency: str) -> Discount:
        message = self.message
        for amounts, needed in ((self.amounts, message.type == COUPON_TYPE_FIXED), (self.minimums, self.minimums)):
            if needed and currency not in amounts:
                known = ", ".join(sorted(amounts))
                text = f"coupon {message.code!r} cannot be used in {currency}; it can be in {known}"
                raise _refused(message.code, "currency", text, currency=currency, available=known)
        return Discount(
            code=message.code,
            type=message.type,
            basis_points=message.basis_points,
            amount_minor=self.amounts.get(currency, 0),
            product_ids=self.product_ids,
        )


@lru_cache(maxsize=2_000)
def _stored(snapshot: bytes) -> _Stored:
    coupon = Coupon.FromString(snapshot)
    return _Stored(
        message=coupon,
        amounts=by_currency(coupon.amounts),
        minimums=by_currency(coupon.minimum_subtotals),
        product_ids=frozenset(coupon.product_ids),
    )


def _refused(code: str, condition: str, text: str, **needed: str) -> Refusal:
    return Refusal(ERROR_REASON_INVALID_COUPON, text, metadata={"coupon_code": code, "condition": condition, **needed})


def _check_time(coupon: Coupon, time: Timestamp) -> None:
    code, now = coupon.code, (time.seconds, time.nanos)
    start, end = coupon.start_time, coupon.end_time
    if coupon.HasField("start_time") and now < (start.seconds, start.nanos):
        when = start.ToJsonString()
        raise _refused(code, "started", f"coupon {code!r} is valid from {when} on", start_time=when)
    if coupon.HasField("end_time") and now >= (end.seconds, end.nanos):
        when = end.ToJsonString()
        raise _refused(code, "ended", f"coupon {code!r} was valid until {when}", end_time=when)


def _check_lines(coupon: _Stored, discount: Discount, lines: Sequence[Line], currency: str) -> None:
    code = coupon.message.code
    if not any(discount.fits(line) for line in lines):
        known = ", ".join(coupon.message.product_ids)
        raise _refused(code, "products", f"coupon {code!r} applies only to other products: {known}", product_ids=known)
    minimum, eligible = coupon.minimums.get(currency, 0), eligible_subtotal(lines, discount)
    if eligible < minimum:
        needed, have = text_of(minimum, currency), text_of(eligible, currency)
        text = f"coupon {code!r} needs a subtotal of {needed} or more, and it is {have}"
        raise _refused(code, "minimum_subtotal", text, minimum=needed, subtotal=have)


def _check_limits(coupon: Coupon, state: State, customer_id: str) -> None:
    code = coupon.code
    limit, own_limit = coupon.usage_limit, coupon.usage_limit_per_customer
    if limit and state.coupon_uses.get((code, "")) >= limit:
        text = f"coupon {code!r} is used up: it may be used {limit} times"
        raise _refused(code, "usage_limit", text, usage_limit=str(limit))
    if own_limit and state.coupon_uses.get((code, customer_id)) >= own_limit:
        text = f"coupon {code!r} is used up: a customer may use it {own_limit} times"
        raise _refused(code, "usage_limit_per_customer", text, usage_limit_per_customer=str(own_limit))


def with_uses(coupon: Coupon, uses: int) -> Coupon:
    """Fills in the number of orders that use the coupon, which is stored beside it."""
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
