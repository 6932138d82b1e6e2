"""References to orders, by id or by number, and the customers to whom callers are confined."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol, TypeVar

# Sorts before every order's id.
BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


class Reference(NamedTuple):
    """An order's id or number, requested by a caller who is confined to the customer `owner`, or to none if it is empty."""

    name: str
    owner: str = ""


class References(NamedTuple):
    """References as parameters of a statement: by id and by number, for all customers and for one customer each."""

    order_ids: list[str]
    own_ids: list[str]
    id_owners: list[str]
    order_numbers: list[str]
    own_numbers: list[str]
    number_owners: list[str]


class NamedOrder(Protocol):
    """A row of an order with its names and its owner."""

    @property
    def order_id(self) -> str: ...
    @property
    def order_number(self) -> str: ...
    @property
    def customer_id(self) -> str: ...


OrderRow = TypeVar("OrderRow", bound=NamedOrder)

_ORDER_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def as_order_id(reference: str) -> str | None:
    """The normalized id, or None if the text is not an id."""
    return reference.lower() if _ORDER_ID.fullmatch(reference) else None


def split_references(references: Iterable[Reference]) -> References:
    """The references by their kind, each sorted and once."""
    ids: set[Reference] = set()
    numbers: set[Reference] = set()
    for reference in references:
        order_id = as_order_id(reference.name)
        if order_id is not None:
            ids.add(Reference(order_id, reference.owner))
        elif reference.name.isascii() and reference.name.isprintable():
            numbers.add(reference)
    return References(*_columns(ids), *_columns(numbers))


def rows_for(references: Iterable[Reference], rows: Iterable[OrderRow]) -> list[OrderRow | None]:
    """The row of each reference's order, if its caller has access: it may have been read for another caller."""
    found: dict[str, OrderRow] = {}
    for row in rows:
        found[row.order_id] = found[row.order_number] = row
    return [_row_for(reference, found) for reference in references]


def _row_for(reference: Reference, found: Mapping[str, OrderRow]) -> OrderRow | None:
    row = found.get(as_order_id(reference.name) or reference.name)
    return row if row is not None and reference.owner in ("", row.customer_id) else None


def _columns(references: set[Reference]) -> tuple[list[str], list[str], list[str]]:
    """The names for all customers, then those for one customer each, and these customers."""
    ordered = sorted(references)
    own = [reference for reference in ordered if reference.owner]
    names = [reference.name for reference in ordered if not reference.owner]
    return names, [reference.name for reference in own], [reference.owner for reference in own]
