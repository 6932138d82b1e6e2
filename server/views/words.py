"""Values of messages in human-readable form."""

from typing import Any


def name_of(enum: Any, number: int) -> str:
    """The name of a value without the prefix that all names of its enum have."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    return str(enum.Name(number)).removeprefix(prefix)


def money_text(money: Any) -> str:
    """The exact amount, without trailing zeros beyond two places."""
    nanos = money.units * 1_000_000_000 + money.nanos
    whole, part = divmod(abs(nanos), 1_000_000_000)
    places = f"{part:09}".rstrip("0").ljust(2, "0")
    return f"{'-' if nanos < 0 else ''}{whole:,}.{places} {money.currency_code}".strip()


def time_text(time: Any) -> str:
    """The time in UTC, to the second."""
    return str(time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S"))
