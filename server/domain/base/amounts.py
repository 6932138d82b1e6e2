"""Amounts in several currencies, one for each currency: prices, minimums, discounts."""

from collections.abc import Iterable

from google.type.money_pb2 import Money

from server.domain.base.errors import invalid_field
from server.domain.base.money import minor_of, to_price


def check_amounts(amounts: Iterable[Money], *, field: str, taken: Iterable[str] = ()) -> dict[str, int]:
    """The minor units by currency. Refuses a currency that occurs twice, is in `taken`, or is no longer in use."""
    checked: dict[str, int] = {}
    used = set(taken)
    for index, amount in enumerate(amounts):
        path = f"{field}[{index}]"
        minor = to_price(amount, field=path)
        currency = amount.currency_code
        if currency in used:
            raise invalid_field(f"{path}.currency_code", f"{currency} occurs twice")
        used.add(currency)
        checked[currency] = minor
    return checked


def by_currency(amounts: Iterable[Money]) -> dict[str, int]:
    """The minor units by currency, for amounts that were checked when they were stored."""
    return {amount.currency_code: minor_of(amount) for amount in amounts}
