"""The rows a batch of commands works on: as they were read, and as the commands change them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import Order, OrderEvent

from server.domain.catalog import Adjustment, CatalogChange, ProductChange, shelves_of_snapshot
from server.domain.draft import OrderChange
from server.domain.errors import OrderError, order_not_found
from server.domain.idempotency import Key, Remembered
from server.domain.stock import Shelf, check_available, taken_by


@dataclass(slots=True)
class Changes:
    """What a batch has to write."""

    # Each changed order as it was before the batch, None for a new one. What it is now stands in State.orders.
    orders: dict[str, Order | None] = field(default_factory=dict)
    snapshots: dict[str, bytes] = field(default_factory=dict)
    events: list[tuple[Order, OrderEvent]] = field(default_factory=list)
    stock: dict[Shelf, int] = field(default_factory=dict)
    new_shelves: set[Shelf] = field(default_factory=set)
    products: dict[str, ProductChange] = field(default_factory=dict)
    adjustments: list[Adjustment] = field(default_factory=list)
    remembered: dict[Key, Remembered] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """Rows by key. Commands read them here and change them here, one after the other."""

    new_order_id: Callable[[], str]
    # When the batch takes place.
    time: Timestamp = field(default_factory=Timestamp)
    orders: dict[str, Order] = field(default_factory=dict)
    ids_by_number: dict[str, str] = field(default_factory=dict)
    ids_by_external: dict[tuple[str, str], str] = field(default_factory=dict)
    history: dict[str, list[OrderEvent]] = field(default_factory=dict)
    order_numbers: list[str] = field(default_factory=list)
    products: dict[str, bytes] = field(default_factory=dict)
    stock: dict[Shelf, int] = field(default_factory=dict)
    remembered: dict[Key, Remembered] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)

    def add_order(self, order: Order) -> None:
        """Takes in a stored order, to be found by its id, its number and its source's id."""
        self.orders[order.order_id] = order
        self.ids_by_number[order.order_number] = order.order_id
        if order.source:
            self.ids_by_external[order.source, order.external_order_id] = order.order_id

    def find(self, reference: str) -> Order | None:
        """The order with an id or a number, if there is one."""
        return self.orders.get(reference.lower()) or self.orders.get(self.ids_by_number.get(reference, ""))

    def order(self, reference: str) -> Order:
        """The order with an id or a number."""
        order = self.find(reference)
        if order is None:
            raise order_not_found(reference)
        return order

    def imported(self, source: str, external_order_id: str) -> Order | None:
        """The order that a source knows by an id."""
        return self.orders.get(self.ids_by_external.get((source, external_order_id), ""))

    def check(self, change: OrderChange) -> dict[Shelf, int]:
        """The pieces a change takes; refuses if they are not there."""
        taken = taken_by(change.before, change.after)
        check_available(taken, self.stock)
        return taken

    def apply(self, change: OrderChange) -> bytes:
        """Makes a change part of the batch, or refuses and leaves everything as it was; returns the order serialized."""
        taken = self.check(change)
        order = change.after
        snapshot = order.SerializeToString(deterministic=True)
        if not change.events:
            return snapshot
        for shelf, pieces in taken.items():
            self._move(shelf, -pieces)
        self.changes.orders.setdefault(order.order_id, change.before)
        self.changes.snapshots[order.order_id] = snapshot
        self.changes.events += [(order, event) for event in change.events]
        self.history.setdefault(order.order_id, []).extend(change.events)
        self.add_order(order)
        return snapshot

    def apply_catalog(self, changes: Iterable[CatalogChange]) -> None:
        """Makes changes of the catalogue part of the batch."""
        for change in changes:
            if isinstance(change, ProductChange):
                self._put_product(change)
            else:
                self.changes.adjustments.append(change)
                self._move(change.shelf, change.delta)

    def _put_product(self, change: ProductChange) -> None:
        earlier = self.changes.products.get(change.product_id)
        if earlier is not None and earlier.new:
            change = ProductChange(change.product_id, change.snapshot, new=True)
        self.changes.products[change.product_id] = change
        self.products[change.product_id] = change.snapshot
        for shelf in shelves_of_snapshot(change.snapshot):
            if shelf not in self.stock:
                self.stock[shelf] = 0
                self.changes.new_shelves.add(shelf)

    def _move(self, shelf: Shelf, pieces: int) -> None:
        self.stock[shelf] = self.stock.get(shelf, 0) + pieces
        self.changes.stock[shelf] = self.changes.stock.get(shelf, 0) + pieces

    def remember(self, key: Key, *, request: bytes, response: bytes) -> None:
        self.remembered[key] = self.changes.remembered[key] = Remembered(request, response)

    def next_order_number(self) -> str:
        if not self.order_numbers:
            raise OrderError("INTERNAL", "the batch has run out of order numbers")
        return self.order_numbers.pop()
