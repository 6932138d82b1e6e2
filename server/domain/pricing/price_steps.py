"""The steps of a price: each amount of an order with its rule and the rule's numbers, from what the order stores."""

from collections.abc import Iterator

from google.type.money_pb2 import Money
from orders.v1.order_pb2 import (
    COUPON_TYPE_PERCENTAGE,
    ROUNDING_LEVEL_ORDER,
    ROUNDING_MODE_HALF_UP,
    AppliedCoupon,
    AppliedTax,
    Order,
    OrderItem,
    TaxRounding,
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
    ExplainPriceResponse,
    PriceStep,
    PriceStepType,
)

from server.domain.base.money import from_minor, minor_of, text_of


def explain_price(order: Order) -> ExplainPriceResponse:
    """The price of a stored order, with its steps."""
    return ExplainPriceResponse(
        order_id=order.order_id, version=order.version, pricing=order.pricing, steps=steps_of(order)
    )


# The rule of an imported order's amounts.
_AS_SENT = "as sent by the order's source"


def steps_of(order: Order) -> list[PriceStep]:
    """Each amount of an order's price with its rule and its numbers, in the order of computation."""
    return list(_Steps(order).all())


class _Steps:
    """The steps of one order."""

    def __init__(self, order: Order) -> None:
        self._order, self._pricing = order, order.pricing
        self._currency = str(order.pricing.total.currency_code)

    def all(self) -> Iterator[PriceStep]:
        yield from self._lines()
        yield from self._discounts()
        yield self._shipping()
        yield from self._installations()
        yield from list(self._taxes()) or [self._step(PRICE_STEP_TYPE_TAX, "", "nothing here is taxed", 0)]
        yield from self._points()
        yield self._total()
        yield self._earned()

    def _step(self, type: PriceStepType, subject: str, rule: str, minor: int, **numbers: str) -> PriceStep:
        amount = from_minor(abs(minor), self._currency)
        if minor < 0:
            amount = Money(currency_code=self._currency, units=-amount.units, nanos=-amount.nanos)
        return PriceStep(type=type, subject=subject, rule=rule, amount=amount, numbers=numbers)

    def _text(self, amount: Money) -> str:
        return text_of(minor_of(amount), self._currency)

    def _lines(self) -> Iterator[PriceStep]:
        for index, item in enumerate(self._order.items):
            numbers = {"unit_price": self._text(item.unit_price), "quantity": str(item.quantity)}
            amount = minor_of(item.total_price)
            yield self._step(PRICE_STEP_TYPE_LINE, f"items[{index}]", "unit price × quantity", amount, **numbers)
        count, subtotal = str(len(self._order.items)), minor_of(self._pricing.subtotal)
        yield self._step(PRICE_STEP_TYPE_SUBTOTAL, "", "the sum of the lines", subtotal, lines=count)

    def _discounts(self) -> Iterator[PriceStep]:
        coupons = self._pricing.applied_coupons
        yield from map(self._coupon, coupons)
        if not coupons and minor_of(self._pricing.discount):
            yield self._step(PRICE_STEP_TYPE_DISCOUNT, "", _AS_SENT, -minor_of(self._pricing.discount))
        for index, item in enumerate(self._order.items):
            if item.HasField("discount"):
                yield self._line_discount(f"items[{index}]", item)

    def _coupon(self, coupon: AppliedCoupon) -> PriceStep:
        rule, numbers = "the coupon's discount", {}
        if coupon.HasField("terms"):
            numbers["eligible_lines"] = self._text(coupon.eligible_amount)
            if coupon.type == COUPON_TYPE_PERCENTAGE:
                rule = "rate × eligible lines, rounded half to even"
                numbers["rate"] = _percent(coupon.terms.basis_points)
            else:
                rule = "the coupon's amount, at most the eligible lines"
                numbers["coupon"] = self._text(coupon.terms.amount)
        return self._step(PRICE_STEP_TYPE_DISCOUNT, coupon.code, rule, -minor_of(coupon.discount), **numbers)

    def _line_discount(self, subject: str, item: OrderItem) -> PriceStep:
        coupons = self._pricing.applied_coupons
        numbers = {"discount": self._text(self._pricing.discount), "line": self._text(item.total_price)}
        rule = "the line's share of each discount in proportion to the eligible lines, by largest remainder"
        if len(coupons) == 1 and coupons[0].HasField("terms"):
            numbers["eligible_lines"] = self._text(coupons[0].eligible_amount)
            rule = rule.replace("each", "the")
        return self._step(PRICE_STEP_TYPE_LINE_DISCOUNT, subject, rule, -minor_of(item.discount), **numbers)

    def _shipping(self) -> PriceStep:
        pricing, terms, numbers = self._pricing, self._pricing.terms, {}
        subject, rule = str(self._order.delivery.method), "the price of the delivery method"
        if terms.HasField("shipping_price"):
            numbers["price"] = self._text(terms.shipping_price)
            if terms.HasField("free_from"):
                rule += ", free if the subtotal less discount reaches free_from"
                numbers["free_from"] = self._text(terms.free_from)
                goods = minor_of(pricing.subtotal) - minor_of(pricing.discount)
                numbers["subtotal_less_discount"] = text_of(goods, self._currency)
        elif self._order.source:
            subject, rule = "", _AS_SENT
        elif not self._order.delivery.zone_id:
            subject, rule = "", "free: there are no delivery zones"
        return self._step(PRICE_STEP_TYPE_SHIPPING, subject, rule, minor_of(pricing.shipping), **numbers)

    def _installations(self) -> Iterator[PriceStep]:
        for index, item in enumerate(self._order.items):
            price = minor_of(item.installation_price)
            if price:
                numbers = {"installation_price": text_of(price, self._currency), "quantity": str(item.quantity)}
                subject, rule = f"items[{index}]", "installation price × quantity"
                yield self._step(PRICE_STEP_TYPE_INSTALLATION, subject, rule, price * item.quantity, **numbers)

    def _taxes(self) -> Iterator[PriceStep]:
        if not self._pricing.HasField("terms"):
            yield from self._sent_taxes() if self._order.source else self._stored_taxes()
            return
        for index, item in enumerate(self._order.items):
            for tax in item.taxes:
                yield from self._tax(f"items[{index}]", tax, _taxed_amount(item))
        for tax in self._pricing.shipping_taxes:
            yield from self._tax("shipping", tax, "")
        for tax in self._pricing.installation_taxes:
            yield from self._tax("installation", tax, "")

    def _tax(self, subject: str, tax: AppliedTax, taxed_amount: str) -> Iterator[PriceStep]:
        if not minor_of(tax.taxable_amount):
            return
        terms = self._pricing.terms
        type, rule = PRICE_STEP_TYPE_TAX, "rate × amount"
        if tax.compound:
            rule = "rate × the amount and the previous taxes"
        if terms.tax_included:
            type, rule = PRICE_STEP_TYPE_INCLUDED_TAX, f"{rule}, of the amount without the taxes that it includes"
        numbers = {"rate": f"{tax.rate.value} %", "taxed_amount": self._text(tax.taxable_amount)}
        if tax.name:
            numbers["tax"] = tax.name
        rule += taxed_amount + _rounded(terms.rounding)
        yield self._step(type, subject, rule, minor_of(tax.amount), **numbers)

    def _sent_taxes(self) -> Iterator[PriceStep]:
        amounts = {PRICE_STEP_TYPE_TAX: self._pricing.tax, PRICE_STEP_TYPE_INCLUDED_TAX: self._pricing.included_tax}
        for type, amount in amounts.items():
            if minor_of(amount):
                yield self._step(type, "", _AS_SENT, minor_of(amount))

    def _stored_taxes(self) -> Iterator[PriceStep]:
        """The sums of taxes, for an order that was stored without its individual taxes."""
        included = minor_of(self._pricing.included_tax)
        type = PRICE_STEP_TYPE_INCLUDED_TAX if included else PRICE_STEP_TYPE_TAX
        left = minor_of(self._pricing.tax) + included
        for index, item in enumerate(self._order.items):
            if item.HasField("tax"):
                amount, rate = minor_of(item.tax), _percent(item.tax_basis_points)
                left -= amount
                yield self._step(type, f"items[{index}]", "the tax at the time of the order", amount, rate=rate)
        if left:
            rule = "the tax at the time of the order on shipping and installation"
            yield self._step(type, "shipping", rule, left)

    def _points(self) -> Iterator[PriceStep]:
        pricing, terms = self._pricing, self._pricing.terms
        requested = pricing.loyalty_points_requested or pricing.loyalty_points_used
        if requested:
            numbers = {"points": str(pricing.loyalty_points_used), "points_asked": str(requested)}
            if terms.HasField("point_value"):
                numbers["point_value"] = f"{terms.point_value.value} {self._currency}"
            rule = "points × the value of a point, rounded down, limited to the amount to pay"
            yield self._step(PRICE_STEP_TYPE_POINTS, "", rule, -minor_of(pricing.loyalty_points_value), **numbers)

    def _total(self) -> PriceStep:
        pricing = self._pricing
        rule = "subtotal + tax + shipping + installation − discount − points"
        parts = {name: getattr(pricing, name) for name in ("subtotal", "tax", "shipping", "installation", "discount")}
        numbers = {name: self._text(amount) for name, amount in parts.items()}
        numbers["points"] = self._text(pricing.loyalty_points_value)
        if self._order.source:
            rule = _AS_SENT
        return self._step(PRICE_STEP_TYPE_TOTAL, "", rule, minor_of(pricing.total), **numbers)

    def _earned(self) -> PriceStep:
        pricing, terms = self._pricing, self._pricing.terms
        numbers = {"points": str(pricing.loyalty_points_earned), "total": self._text(pricing.total)}
        rule = "total × points per unit, rounded half to even"
        if terms.HasField("points_per_unit"):
            numbers["points_per_unit"] = terms.points_per_unit.value
        elif pricing.HasField("terms"):
            rule = f"orders in {self._currency} earn no points"
        return PriceStep(type=PRICE_STEP_TYPE_POINTS_EARNED, rule=rule, numbers=numbers)


def _taxed_amount(item: OrderItem) -> str:
    """The part of a discounted line that is taxed, in words."""
    if not item.HasField("discount"):
        return ""
    taxed, total = minor_of(item.taxes[0].taxable_amount), minor_of(item.total_price)
    if taxed == total:
        return ", of the amount before the discount"
    lowered = taxed == total - minor_of(item.discount)
    return ", of the amount less its discount" if lowered else ", of the amount less the discounts that the shop pays"


def _rounded(rounding: TaxRounding) -> str:
    halves = "half up" if rounding.mode == ROUNDING_MODE_HALF_UP else "half to even"
    if rounding.level == ROUNDING_LEVEL_ORDER:
        return f", rounded {halves} for the whole order and split by largest remainder"
    return f", rounded {halves}"


def _percent(basis_points: int) -> str:
    whole, rest = divmod(basis_points, 100)
    digits = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{whole}{digits} %"
