"""Division of amounts: rounded to a whole number, or split so that the parts add up."""

from collections.abc import Sequence


def divide(numerator: int, denominator: int, *, half_up: bool = False) -> int:
    """The quotient, rounded half to even or half up. The numerator is not negative."""
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and (half_up or whole % 2 == 1)))


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount split in proportion to the weights, by largest remainder. Among equal remainders, the first wins."""
    whole = sum(weights)
    shares = [amount * weight // whole for weight in weights]
    left = amount - sum(shares)
    if left:
        # The sort is stable: equal remainders keep their order.
        neediest = sorted(range(len(weights)), key=lambda index: -(amount * weights[index] % whole))
        for index in neediest[:left]:
            shares[index] += 1
    return shares
