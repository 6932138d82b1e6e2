"""Batches of orders, none of which holds two orders with one key."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from orders.v1.order_service_pb2 import UpsertOrder

_FRAMING = 6  # The maximum framing overhead of an embedded message, in bytes.


class Entry:
    """An order with its line in the file, its key and its size in a request, in bytes."""

    __slots__ = ("key", "line", "order", "raw", "size")

    def __init__(self, order: UpsertOrder, line: int, raw: str) -> None:
        self.order, self.line, self.raw = order, line, raw
        self.key = order.external_order_id
        self.size = order.ByteSize() + _FRAMING


@dataclass(slots=True)
class Batch:
    """The orders of one call, by key."""

    entries: dict[str, Entry] = field(default_factory=dict)
    size: int = 0

    def add(self, entry: Entry) -> None:
        """Adds an order whose key the batch does not hold."""
        self.entries[entry.key] = entry
        self.size += entry.size


class Batcher:
    """Fills batches up to a number of orders and of bytes.

    An order whose key is in the batch already goes into a later one, as do the following orders with that key: the orders of
    one key leave in their order in the file.
    """

    def __init__(self, *, orders: int, size: int) -> None:
        self._orders, self.size = orders, size
        self._batch = Batch()
        self._later: list[Entry] = []
        self._later_keys: set[str] = set()

    def add(self, entry: Entry) -> Iterator[Batch]:
        """Adds an order, which must fit into a batch, and yields the batches that have to be sent first."""
        while not self._place(entry):
            yield self._next()

    def flush(self) -> Iterator[Batch]:
        """The remaining batches."""
        while self._batch.entries:
            yield self._next()

    def _place(self, entry: Entry) -> bool:
        if entry.key in self._batch.entries or entry.key in self._later_keys:
            return self._postpone(entry)
        if len(self._batch.entries) >= self._orders or self._batch.size + entry.size > self.size:
            return False
        self._batch.add(entry)
        return True

    def _postpone(self, entry: Entry) -> bool:
        if len(self._later) >= self._orders:
            return False
        self._later.append(entry)
        self._later_keys.add(entry.key)
        return True

    def _next(self) -> Batch:
        batch, later = self._batch, self._later
        self._batch, self._later, self._later_keys = Batch(), [], set()
        for entry in later:
            if not self._place(entry):
                self._postpone(entry)
        return batch
