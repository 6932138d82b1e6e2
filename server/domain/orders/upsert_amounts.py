"""The amounts of an imported order: its lines, their sums, and warnings about inconsistent amounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from google.type.money_pb2 import Money
from orders.v1.order_service_pb2 import UpsertOrder, UpsertOrderItem

from server.domain.base.errors import invalid_field
from server.domain.base.money import MAX_MINOR, text_of, to_minor

_ADDED = ("tax", "shipping", "installation")
_DEDUCTED = ("discount", "loyalty_points_value")


class Line(NamedTuple):
    """A line to store: the position of the sent item, a quantity, and a price per unit in minor units."""

    position: int
    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class Amounts:
    """An imported order's lines and amounts, in minor units of its currency, and warnings about them."""

    currency: str
    lines: list[Line]
    # The amounts that every order has, by their names in Pricing.
    pricing: dict[str, int]
    # Those that are set only if they are not 0.
    optional: dict[str, int]
    quantity: int
    warnings: list[str]


def amounts_of(wished: UpsertOrder) -> Amounts:
    """The amounts of an order. Refuses those that contradict each other."""
    currency = _price_of(wished.items[0], 0).currency_code
    lines = [line for index, item in enumerate(wished.items) for line in _lines(index, item, currency)]
    given = {name: _given(wished, name, currency) or 0 for name in (*_ADDED, *_DEDUCTED, "included_tax")}
    subtotal = sum(line.unit_price * line.quantity for line in lines)
    added = subtotal + sum(given[name] for name in _ADDED)
    if added > MAX_MINOR:
        raise invalid_field("items", "the order's total is too large")
    quantity, warnings = sum(line.quantity for line in lines), list[str]()
    total = _total(wished, added, given, currency, warnings)
    if wished.total_quantity and wished.total_quantity != quantity:
        warnings.append(
            f"total_quantity: {wished.total_quantity} does not add up: the sum of the quantities is {quantity}"
        )
    if wished.address_text and wished.HasField("shipping_address"):
        warnings.append("address_text: is ignored because shipping_address is set")
    pricing = {name: given[name] for name in ("discount", *_ADDED)}
    optional = {name: given[name] for name in ("included_tax", "loyalty_points_value")}
    return Amounts(
        currency,
        lines,
        {"subtotal": subtotal, **pricing, "total": total},
        optional,
        wished.total_quantity or quantity,
        warnings,
    )


def _total(wished: UpsertOrder, added: int, given: dict[str, int], currency: str, warnings: list[str]) -> int:
    expected = added - sum(given[name] for name in _DEDUCTED)
    total = _given(wished, "total", currency)
    if total is None:
        if expected < 0:
            name = "discount" if given["discount"] else "loyalty_points_value"
            raise invalid_field(name, f"{text_of(given[name], currency)} is more than the items cost")
        return expected
    if total != expected:
        others = " and other amounts" if any(given[name] for name in (*_ADDED, "loyalty_points_value")) else ""
        sums = f"the items{others} less the discount are {text_of(expected, currency)}"
        warnings.append(f"total: {text_of(total, currency)} does not add up: {sums}")
    return total


def _price_of(item: UpsertOrderItem, index: int) -> Money:
    """The price of an item: that of a unit or of all."""
    has_unit_price, has_total = item.HasField("unit_price"), item.HasField("total_price")
    if has_unit_price and has_total:
        raise invalid_field(f"items[{index}].total_price", "must not be set together with unit_price")
    if not (has_unit_price or has_total):
        raise invalid_field(f"items[{index}].unit_price", "is required, unless total_price is set")
    return item.total_price if has_total else item.unit_price


def _lines(index: int, item: UpsertOrderItem, currency: str) -> Iterator[Line]:
    """The item's line; two whose prices differ by one minor unit if the total price cannot be divided evenly."""
    price = _price_of(item, index)
    if not item.HasField("total_price"):
        minor = to_minor(price, field=f"items[{index}].unit_price", currency=currency if index else "")
        yield Line(index, item.quantity, minor)
        return
    minor = to_minor(price, field=f"items[{index}].total_price", currency=currency if index else "")
    unit_price, rest = divmod(minor, item.quantity)
    if rest < item.quantity:
        yield Line(index, item.quantity - rest, unit_price)
    if rest:
        yield Line(index, rest, unit_price + 1)


def _given(wished: UpsertOrder, field: str, currency: str) -> int | None:
    if not wished.HasField(field):
        return None
    money: Money = getattr(wished, field)
    return to_minor(money, field=field, currency=currency)
