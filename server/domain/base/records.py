"""What is stored by key as a serialized message, and counted beside it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar


class Kind(StrEnum):
    """The kinds of records, each a table of its name."""

    PRODUCT = "products"
    COUPON = "coupons"
    ZONE = "delivery_zones"
    CUSTOMER = "customers"
    CART = "carts"


class RecordChange(NamedTuple):
    """A record to write: what it is now, None if it is to go; `new` if none was stored before."""

    snapshot: bytes | None
    new: bool


@dataclass(slots=True)
class Records:
    """Stored messages by key, and which of them a batch changes."""

    stored: dict[str, bytes] = field(default_factory=dict)
    changes: dict[str, RecordChange] = field(default_factory=dict)

    def put(self, key: str, snapshot: bytes) -> None:
        """Stores a message under a key, which the batch has read."""
        earlier = self.changes.get(key)
        new = key not in self.stored if earlier is None else earlier.new
        self.stored[key] = snapshot
        self.changes[key] = RecordChange(snapshot, new)

    def upsert(self, key: str, snapshot: bytes) -> str:
        """Stores a message unless it is stored already; says which: `inserted`, `updated` or `unchanged`."""
        before = self.stored.get(key)
        if before == snapshot:
            return "unchanged"
        self.put(key, snapshot)
        return "inserted" if before is None else "updated"

    def remove(self, key: str) -> None:
        """Removes what is stored under a key."""
        del self.stored[key]
        earlier = self.changes.get(key)
        if earlier is not None and earlier.new:
            del self.changes[key]
        else:
            self.changes[key] = RecordChange(None, new=False)


Key = TypeVar("Key")


@dataclass(slots=True)
class Counters(Generic[Key]):
    """Numbers by key, and by how much a batch changes them. A key that was not read is new, from 0."""

    values: dict[Key, int] = field(default_factory=dict)
    deltas: dict[Key, int] = field(default_factory=dict)
    new: set[Key] = field(default_factory=set)

    def add(self, key: Key, delta: int) -> int:
        """Adds to a number; returns what it is now."""
        if key not in self.values:
            self.new.add(key)
        self.values[key] = self.values.get(key, 0) + delta
        self.deltas[key] = self.deltas.get(key, 0) + delta
        return self.values[key]

    def get(self, key: Key) -> int:
        return self.values.get(key, 0)
