"""Faults in a request, each with the path of its field."""

import difflib
from collections.abc import Iterable

# Names of fields in other APIs and in this one, to suggest names that are not similar in spelling.
_OTHER_NAMES = {
    "zip": "postal_code",
    "zip_code": "postal_code",
    "zipcode": "postal_code",
    "address": "street",
    "governorate": "state",
    "user_id": "customer_id",
    "qty": "quantity",
    "price": "unit_price",
    "created_at": "create_time",
    "updated_at": "update_time",
    "page": "skip",
    "limit": "page_size",
    "offset": "skip",
    "status": "filter.statuses",
    "expand": "read_mask",
}


class Problems:
    """The faults found so far: pairs of a field's path and a description."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, field: str, description: str) -> None:
        self.found.append((field, description))

    def unknown(self, path: str, name: str, names: Iterable[str]) -> None:
        """Notes a name that does not exist, with the nearest one that does."""
        self.add(f"{path}{name}", f"there is no such field{suggestion(name, names)}")


def suggestion(name: str, names: Iterable[str]) -> str:
    """A clause with the most similar name, or with all names."""
    known = sorted(set(names))
    other = _OTHER_NAMES.get(_snake(name), "")
    if other.split(".")[0] in known:
        return f"; did you mean {other}?"
    if near := difflib.get_close_matches(_snake(name), known, n=1):
        return f"; did you mean {near[0]}?"
    return f"; there are: {', '.join(known)}" if known else ""


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")
