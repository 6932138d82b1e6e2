"""Amounts in several currencies, each currency once: prices, minimums, what a coupon takes off."""

from collections.abc import Iterable

from google.type.money_pb2 import Money

from server.domain.base.errors import invalid_field
from server.domain.base.money import minor_of, to_minor


def check_amounts(amounts: Iterable[Money], *, field: str, taken: Iterable[str] = ()) -> dict[str, int]:
    """The minor units by currency; refuses a currency that occurs twice, or is `taken` by an amount beside the list."""
    checked: dict[str, int] = {}
    used = set(taken)
    for index, amount in enumerate(amounts):
        path = f"{field}[{index}]"
        minor = to_minor(amount, field=path)
        currency = amount.currency_code
        if currency in used:
            raise invalid_field(f"{path}.currency_code", f"{currency} occurs twice")
        used.add(currency)
        checked[currency] = minor
    return checked


def by_currency(amounts: Iterable[Money]) -> dict[str, int]:
    """The minor units by currency of amounts that were checked when they were stored."""
    return {amount.currency_code: minor_of(amount) for amount in amounts}
