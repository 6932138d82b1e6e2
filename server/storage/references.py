"""What callers name an order by: its id or its number."""

from collections.abc import Iterable
from uuid import UUID

# Stands before every order's id.
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


def as_order_id(reference: str) -> str | None:
    """The id in its one spelling, or None if the text is no id."""
    if len(reference) != 36:
        return None
    try:
        order_id = str(UUID(reference))
    except ValueError:
        return None
    # UUID takes hyphens, signs and blanks in any place.
    return order_id if order_id == reference.lower() else None


def split_references(references: Iterable[str]) -> tuple[list[str], list[str]]:
    """The ids and the numbers among the references, each sorted and once."""
    order_ids: set[str] = set()
    order_numbers: set[str] = set()
    for reference in references:
        order_id = as_order_id(reference)
        if order_id is not None:
            order_ids.add(order_id)
        elif reference.isascii() and reference.isprintable():
            order_numbers.add(reference)
    return sorted(order_ids), sorted(order_numbers)
