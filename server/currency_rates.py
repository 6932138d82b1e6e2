"""Settings that hold a rate for each currency."""

import re
from decimal import Decimal

from pydantic_core import PydanticCustomError

_CURRENCY = re.compile(r"[A-Z]{3}")
_RATE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?")


def rates_by_currency(text: str) -> dict[str, Decimal]:
    """The rates of a setting such as `EUR=0.01 USD=0.01`. A number alone applies to EUR, GBP and USD."""
    pairs = text.split()
    if len(pairs) == 1 and "=" not in text:
        pairs = [f"{code}={text.strip()}" for code in ("EUR", "GBP", "USD")]
    rates: dict[str, Decimal] = {}
    for pair in pairs:
        code, _, rate = pair.partition("=")
        if not _CURRENCY.fullmatch(code) or not _RATE.fullmatch(rate) or Decimal(rate) > 1000 or code in rates:
            problem = (
                "Input should be pairs such as EUR=0.01, each currency once, with 0 to 1000 and up to 6 decimal places"
            )
            raise PydanticCustomError("rates_by_currency", problem)
        rates[code] = Decimal(rate)
    return rates
