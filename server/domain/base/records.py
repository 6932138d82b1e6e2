"""Rows that a batch reads and changes: serialized messages and counters, by key."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class NotRead(LookupError):
    """A rule accessed a row that its operation did not declare. This is a bug: the row may exist."""


class Everything:
    """Contains every key."""

    def __contains__(self, key: object) -> bool:
        return True


def _itself(key: Any) -> Hashable:
    return key  # type: ignore[no-any-return]


class Rows(dict[Key, Value]):
    """Rows by key. Accessing a key that was not read raises NotRead, because its row may exist.

    `read_by` gives what a key was read by: stock, for example, is read for all variants of a product.
    """

    __slots__ = ("_read", "_read_by")

    def __init__(self, *, read_by: Callable[[Key], Hashable] = _itself) -> None:
        super().__init__()
        self._read_by = read_by
        self._read: set[Hashable] | Everything = set()

    def mark_read(self, keys: Iterable[Hashable]) -> None:
        """Notes that the rows with these keys were looked up, whether they exist or not."""
        if isinstance(self._read, set):
            self._read.update(keys)

    def mark_all_read(self) -> None:
        """Notes that every row was read."""
        self._read = Everything()

    def check_all_read(self) -> None:
        """Raises NotRead unless the whole table was read."""
        if isinstance(self._read, set):
            raise NotRead("not all rows were read; declare them in the operation's needs")

    def was_read(self, key: Key) -> bool:
        """Whether the row was looked up."""
        return self._read_by(key) in self._read

    def get(self, key: Key, default: Any = None) -> Any:
        return super().__getitem__(key) if key in self else default

    def __missing__(self, key: Key) -> Value:
        self.check_read(key)
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        if super().__contains__(key):
            return True
        self.check_read(key)
        return False

    def check_read(self, key: Any) -> None:
        """Raises NotRead unless the row was looked up."""
        if not self.was_read(key):
            raise NotRead(f"{key!r} was not read; declare it in the operation's needs")


class Kind(StrEnum):
    """The kinds of records, each a table of its name."""

    PRODUCT = "products"
    COUPON = "coupons"
    ZONE = "delivery_zones"
    CUSTOMER = "customers"
    CART = "carts"
    WEBHOOK_ENDPOINT = "webhook_endpoints"
    RUNTIME_SETTING = "runtime_settings"


class ResourceChange(NamedTuple):
    """A change of a resource: its serialized messages before and after, b'' where it does not exist."""

    collection: str
    key: str
    before: bytes
    after: bytes


class RecordChange(NamedTuple):
    """A record to write: its new value, None to delete it; `new` if no row exists yet."""

    snapshot: bytes | None
    new: bool


@dataclass(slots=True)
class Records:
    """Stored messages by key, and which of them a batch changes."""

    stored: Rows[str, bytes] = field(default_factory=Rows)
    changes: dict[str, RecordChange] = field(default_factory=dict)
    # The collection of the resources, and the changes of the current command; neither if they are not audited.
    collection: str = ""
    audited: list[ResourceChange] = field(default_factory=list)

    def put(self, key: str, snapshot: bytes) -> None:
        """Stores a message under a key, which the batch has read."""
        earlier = self.changes.get(key)
        self._note(key, snapshot)
        new = key not in self.stored if earlier is None else earlier.new
        self.stored[key] = snapshot
        self.changes[key] = RecordChange(snapshot, new)

    def upsert(self, key: str, snapshot: bytes) -> str:
        """Stores a message if it differs from the stored one; returns `inserted`, `updated` or `unchanged`."""
        before = self.stored.get(key)
        if before == snapshot:
            return "unchanged"
        self.put(key, snapshot)
        return "inserted" if before is None else "updated"

    def remove(self, key: str) -> None:
        """Removes the message stored under a key."""
        self._note(key, b"")
        del self.stored[key]
        earlier = self.changes.get(key)
        if earlier is not None and earlier.new:
            del self.changes[key]
        else:
            self.changes[key] = RecordChange(None, new=False)

    def _note(self, key: str, after: bytes) -> None:
        if self.collection:
            self.audited.append(ResourceChange(self.collection, key, self.stored.get(key, b""), after))

    def all(self) -> Mapping[str, bytes]:
        """Every stored message of the kind."""
        self.stored.check_all_read()
        return self.stored


@dataclass(slots=True)
class Counters(Generic[Key]):
    """Numbers by key, and the changes of a batch. A key without a row starts at 0."""

    values: Rows[Key, int] = field(default_factory=Rows)
    deltas: dict[Key, int] = field(default_factory=dict)
    new: set[Key] = field(default_factory=set)

    def add(self, key: Key, delta: int) -> int:
        """Adds to a number and returns the result."""
        if key not in self.values:
            self.new.add(key)
        self.values[key] = self.values.get(key, 0) + delta
        self.deltas[key] = self.deltas.get(key, 0) + delta
        return self.values[key]

    def get(self, key: Key) -> int:
        return int(self.values.get(key, 0))
