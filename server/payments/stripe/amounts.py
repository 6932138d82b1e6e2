"""Amounts as Stripe counts them. Its minor unit differs from ISO 4217's for a few currencies."""

from server.domain.base.currencies import EXPONENTS

# The digits after the decimal point in Stripe's amounts, where they differ from ISO 4217's.
_STRIPE_EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}


def stripe_of_minor(minor: int, currency: str) -> int:
    """The amount for Stripe. Raises ValueError if Stripe cannot represent it."""
    factor, divisor = _scale(currency)
    amount, rest = divmod(minor * factor, divisor)
    if rest:
        raise ValueError(f"Stripe cannot represent {minor} minor units of {currency}")
    return amount


def minor_of_stripe(amount: int, currency: str) -> int:
    """The amount in minor units of ISO 4217. Raises ValueError if there is none."""
    factor, divisor = _scale(currency)
    minor, rest = divmod(amount * divisor, factor)
    if rest:
        raise ValueError(f"{currency} has no amount for {amount} of Stripe's units")
    return minor


def _scale(currency: str) -> tuple[int, int]:
    exponent = EXPONENTS[currency]
    shift = _STRIPE_EXPONENTS.get(currency, exponent) - exponent
    return 10 ** max(0, shift), 10 ** max(0, -shift)
