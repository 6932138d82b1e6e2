"""Division of amounts: rounded half to even, or split so that the parts add up."""

from collections.abc import Sequence
from typing import Any


def divide(numerator: int, denominator: int) -> int:
    """The quotient, rounded half to even. The numerator is not negative."""
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole % 2 == 1))


def spread(amount: int, weights: Sequence[int], *, ties: Sequence[Any]) -> list[int]:
    """The amount split in proportion to the weights, by largest remainder. Among equal remainders, the least of `ties` wins."""
    whole = sum(weights)
    shares = [amount * weight // whole for weight in weights]
    left = amount - sum(shares)
    if left:
        neediest = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), ties[i]))
        for index in neediest[:left]:
            shares[index] += 1
    return shares
