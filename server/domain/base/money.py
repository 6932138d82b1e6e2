"""Money: integers of a currency's minor unit inside, `google.type.Money` outside, never floats."""

from functools import lru_cache

from google.type.money_pb2 import Money

from server.domain.base.currencies import EXPONENTS, HISTORIC
from server.domain.base.errors import invalid_field

_NANOS = 1_000_000_000
# Far above any order, and far enough below 2**63 that a sum of lines fits the database's bigint.
MAX_MINOR = 10**15


def to_minor(money: Money, *, field: str, currency: str = "") -> int:
    """The amount in minor units. Refuses a negative amount, more digits than the currency has, and another currency if one is given."""
    code, units, nanos = money.currency_code, money.units, money.nanos
    exponent = EXPONENTS.get(code)
    if exponent is None:
        raise invalid_field(f"{field}.currency_code", f"{code!r} is not an ISO 4217 currency, for example USD")
    if currency and code != currency:
        raise invalid_field(
            f"{field}.currency_code", f"is {code}, but the order is in {currency}; an order has one currency"
        )
    if units < 0 or nanos < 0:
        raise invalid_field(field, "must not be negative")
    if nanos >= _NANOS:
        raise invalid_field(f"{field}.nanos", "must be below 1,000,000,000")
    step = 10 ** (9 - exponent)
    if nanos % step:
        raise invalid_field(f"{field}.nanos", f"{code} has {exponent} decimal places")
    minor = units * 10**exponent + nanos // step
    if minor > MAX_MINOR:
        raise invalid_field(field, "is too large")
    return int(minor)


def to_price(money: Money, *, field: str) -> int:
    """As `to_minor`, for a new price: refuses a currency that is no longer in use."""
    check_current(money.currency_code, field=f"{field}.currency_code")
    return to_minor(money, field=field)


def check_current(currency: str, *, field: str) -> None:
    """Refuses a currency that ISO 4217 has withdrawn."""
    if currency in HISTORIC:
        raise invalid_field(field, f"{currency} is no longer in use; only imported orders may have amounts in it")


@lru_cache(maxsize=4096)
def from_minor(minor: int, currency: str) -> Money:
    """The amount as a message. It is cached: copy it, never change it."""
    scale: int = 10 ** EXPONENTS[currency]
    units, rest = divmod(minor, scale)
    return Money(currency_code=currency, units=units, nanos=rest * (_NANOS // scale))


def minor_of(money: Money) -> int:
    """The minor units of an amount that this service has stored; 0 if it is unset."""
    if not money.currency_code:
        return 0
    scale: int = 10 ** EXPONENTS[money.currency_code]
    return int(money.units * scale + money.nanos // (_NANOS // scale))


def text_of(minor: int, currency: str) -> str:
    """The amount for people: `12.30 USD`."""
    exponent = EXPONENTS[currency]
    digits = f"{abs(minor):0{exponent + 1}d}"
    whole, fraction = (digits[:-exponent], "." + digits[-exponent:]) if exponent else (digits, "")
    return f"{'-' if minor < 0 else ''}{whole}{fraction} {currency}"
