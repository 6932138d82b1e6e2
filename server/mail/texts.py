"""The format of amounts and dates in mails."""

from collections.abc import Mapping
from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from server.domain.base.currencies import EXPONENTS

# Separators of thousands and decimals.
_SEPARATORS: Mapping[str, tuple[str, str]] = {"en": (",", "."), "de": (".", ",")}
_DATES: Mapping[str, str] = {"en": "%d %B %Y", "de": "%d.%m.%Y"}


def money(amount: Money, language: str) -> str:
    """The amount with its currency: `1,234.50 USD`."""
    exponent = EXPONENTS.get(amount.currency_code, 2)
    minor = f"{abs(amount.nanos):09d}"[:exponent]
    thousands, decimal = _SEPARATORS.get(language, (" ", "."))
    units = f"{abs(amount.units):,}".replace(",", thousands)
    sign = "-" if amount.units < 0 or amount.nanos < 0 else ""
    return f"{sign}{units}{decimal + minor if minor else ''} {amount.currency_code}"


def date(time: Timestamp, language: str) -> str:
    """The date in UTC: `30 November 2026`."""
    return time.ToDatetime(UTC).strftime(_DATES.get(language, "%Y-%m-%d")).lstrip("0")
