"""The steps of a price: each amount with its rule and the rule's numbers."""

from collections.abc import Iterator
from fractions import Fraction

from google.type.money_pb2 import Money
from orders.v1.order_pb2 import COUPON_TYPE_PERCENTAGE
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
    PriceStepType,
)

from server.domain.base.money import from_minor, text_of
from server.domain.pricing.quotes import Quote, eligible_subtotal


def steps_of(quote: Quote) -> list[PriceStep]:
    """Each amount of a price with its rule and its numbers, in the order of computation."""
    return [
        *_line_steps(quote),
        _step(quote, PRICE_STEP_TYPE_SUBTOTAL, "", "the sum of the lines", quote.subtotal, lines=str(len(quote.lines))),
        *_discount_steps(quote),
        *_service_steps(quote),
        *(list(_tax_steps(quote)) or [_step(quote, PRICE_STEP_TYPE_TAX, "", "nothing here is taxed", 0)]),
        *_points_steps(quote),
        _total_step(quote),
        _earned_step(quote),
    ]


def _step(quote: Quote, type: PriceStepType, subject: str, rule: str, amount: int, **numbers: str) -> PriceStep:
    return PriceStep(type=type, subject=subject, rule=rule, amount=_signed(amount, quote.currency), numbers=numbers)


def _signed(minor: int, currency: str) -> Money:
    money = from_minor(abs(minor), currency)
    return money if minor >= 0 else Money(currency_code=currency, units=-money.units, nanos=-money.nanos)


def _line_steps(quote: Quote) -> Iterator[PriceStep]:
    for index, line in enumerate(quote.lines):
        unit_price, quantity = text_of(line.unit_minor, quote.currency), str(line.quantity)
        rule = "unit price × quantity"
        yield _step(
            quote,
            PRICE_STEP_TYPE_LINE,
            f"items[{index}]",
            rule,
            line.total,
            unit_price=unit_price,
            quantity=quantity,
        )


def _discount_steps(quote: Quote) -> Iterator[PriceStep]:
    coupon, currency = quote.coupon, quote.currency
    if coupon is None:
        return
    eligible = text_of(eligible_subtotal(quote.lines, coupon), currency)
    if coupon.type == COUPON_TYPE_PERCENTAGE:
        rule, numbers = "rate × eligible lines, rounded half to even", {"rate": _percent(coupon.basis_points)}
    else:
        rule, numbers = (
            "the coupon's amount, at most the eligible lines",
            {"coupon": text_of(coupon.amount_minor, currency)},
        )
    yield _step(quote, PRICE_STEP_TYPE_DISCOUNT, coupon.code, rule, -quote.discount, eligible_lines=eligible, **numbers)
    rule = "the line's part of the discount in proportion to the eligible lines, by largest remainder"
    discount = text_of(quote.discount, currency)
    for index, share in enumerate(quote.line_discounts):
        if share:
            line = text_of(quote.lines[index].total, currency)
            numbers = {"discount": discount, "line": line, "eligible_lines": eligible}
            yield _step(quote, PRICE_STEP_TYPE_LINE_DISCOUNT, f"items[{index}]", rule, -share, **numbers)


def _service_steps(quote: Quote) -> Iterator[PriceStep]:
    """Shipping and installation."""
    currency, choice = quote.currency, quote.choice
    if choice is None:
        yield _step(quote, PRICE_STEP_TYPE_SHIPPING, "", "free: there are no delivery zones", 0)
    else:
        rule, numbers = "the price of the delivery method", {"price": text_of(choice.price_minor, currency)}
        if choice.free_from_minor is not None:
            rule += ", free from a subtotal less discount on"
            numbers["free_from"] = text_of(choice.free_from_minor, currency)
            numbers["subtotal_less_discount"] = text_of(quote.subtotal - quote.discount, currency)
        yield _step(quote, PRICE_STEP_TYPE_SHIPPING, choice.method.method, rule, quote.shipping, **numbers)
    for index, line in enumerate(quote.lines):
        if line.installation_minor:
            numbers = {"installation_price": text_of(line.installation_minor, currency), "quantity": str(line.quantity)}
            amount = line.installation_minor * line.quantity
            rule = "installation price × quantity"
            yield _step(quote, PRICE_STEP_TYPE_INSTALLATION, f"items[{index}]", rule, amount, **numbers)


def _tax_steps(quote: Quote) -> Iterator[PriceStep]:
    if quote.choice is None:
        return
    taxes = quote.choice.taxes
    for index, (line, tax) in enumerate(zip(quote.lines, quote.line_taxes, strict=False)):
        share = quote.line_discounts[index] if quote.line_discounts and not taxes.before_discount else 0
        yield from _tax_step(quote, f"items[{index}]", taxes.rate(line.tax_class), line.total - share, tax)
    yield from _tax_step(quote, "shipping", taxes.shipping, quote.shipping, quote.shipping_tax)
    yield from _tax_step(quote, "installation", taxes.installation, quote.installation, quote.installation_tax)


def _tax_step(quote: Quote, subject: str, rate: int, base: int, tax: int) -> Iterator[PriceStep]:
    assert quote.choice is not None
    taxes = quote.choice.taxes
    if not rate or not base:
        return
    rule, type = "rate × amount", PRICE_STEP_TYPE_TAX
    if taxes.included:
        rule, type = "amount − amount ÷ (1 + rate)", PRICE_STEP_TYPE_INCLUDED_TAX
    if quote.discount and subject.startswith("items"):
        rule += ", of the amount before the discount" if taxes.before_discount else ", of the amount less its discount"
    rule += ", rounded half to even"
    yield _step(quote, type, subject, rule, tax, rate=_percent(rate), taxed_amount=text_of(base, quote.currency))


def _points_steps(quote: Quote) -> Iterator[PriceStep]:
    if quote.points_asked:
        rule = "points × the value of a point, no more points than it takes to pay everything"
        numbers = {
            "points": str(quote.points_used),
            "points_asked": str(quote.points_asked),
            "point_value": f"{_decimal(quote.terms.point_value)} {quote.currency}",
        }
        yield _step(quote, PRICE_STEP_TYPE_POINTS, "", rule, -quote.points_value, **numbers)


def _total_step(quote: Quote) -> PriceStep:
    rule = "subtotal + tax + shipping + installation − discount − points"
    parts = {
        "subtotal": quote.subtotal,
        "tax": quote.tax,
        "shipping": quote.shipping,
        "installation": quote.installation,
        "discount": quote.discount,
        "points": quote.points_value,
    }
    numbers = {name: text_of(minor, quote.currency) for name, minor in parts.items()}
    return _step(quote, PRICE_STEP_TYPE_TOTAL, "", rule, quote.total, **numbers)


def _earned_step(quote: Quote) -> PriceStep:
    numbers = {
        "points": str(quote.points_earned),
        "total": text_of(quote.total, quote.currency),
        "points_per_unit": _decimal(quote.terms.points_per_unit),
    }
    rule = "total × points per unit, rounded half to even"
    return PriceStep(type=PRICE_STEP_TYPE_POINTS_EARNED, rule=rule, numbers=numbers)


def _percent(basis_points: int) -> str:
    return f"{_decimal(Fraction(basis_points, 100))} %"


def _decimal(value: Fraction) -> str:
    """The number in decimals: `0.05`; `1/3` if they do not end."""
    for digits in range(13):
        if 10**digits % value.denominator == 0:
            whole, rest = divmod(value.numerator * 10**digits // value.denominator, 10**digits)
            return f"{whole}.{rest:0{digits}d}" if digits else str(whole)
    return str(value)
