"""The newest changes in memory, and their watchers."""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import NamedTuple

from server.feed.matching import Test, test_of
from server.storage.read.feed import Change, Selection

# The most changes that the ring keeps, and the most bytes of them.
_MOST_ENTRIES, _MOST_BYTES = 20_000, 16 << 20
# Changes that leave the ring between two sweeps of the groups.
_SWEEP = 1_000


class Entry(NamedTuple):
    """A change, serialized once for all its watchers."""

    position: int
    order_id: str
    version: int
    # The serialized OrderChange, without an order.
    body: bytes
    # What the change adds to a checksum.
    stamp: bytes


class RingEntry(NamedTuple):
    """An entry, and the values that filters use."""

    entry: Entry
    change: Change


class FellBehind(Exception):
    """The changes after a cursor have left the ring."""


class Group:
    """The watchers of one selection, which share its changes."""

    def __init__(self, selection: Selection, since: int) -> None:
        self.test: Test = test_of(selection)
        self.customer_id: str = selection.filter.customer_id
        # It has the matching changes after this position, as far as they are in the ring.
        self.since = since
        self.matched: list[Entry] = []
        self.members = 0
        self.waiting: set[asyncio.Future[None]] = set()

    def wake(self) -> int:
        """Wakes the waiting watchers; returns their number."""
        return _wake(self.waiting)


def _wake(waiting: set[asyncio.Future[None]]) -> int:
    woken = 0
    for future in waiting:
        if not future.done():
            future.set_result(None)
            woken += 1
    waiting.clear()
    return woken


class Ring:
    """The changes after a position of one history. Groups find those that they watch."""

    def __init__(self, history: str, position: int) -> None:
        self.history = history
        # Changes from after `start` up to `head` are in the ring.
        self.start = self.head = position
        self._entries: deque[RingEntry] = deque()
        self._bytes = self._left = 0
        self._groups: dict[tuple[bytes, tuple[int, ...], object], Group] = {}
        self._by_customer: dict[str, list[Group]] = {}
        self._others: list[Group] = []
        # The watchers of every append.
        self.waiting: set[asyncio.Future[None]] = set()
        # The watchers of the next change of an order.
        self._orders: dict[str, set[asyncio.Future[None]]] = {}

    @contextmanager
    def waiting_for(self, order_id: str) -> Iterator[asyncio.Future[None]]:
        """A future that completes when the order changes or the ring is abandoned."""
        future = asyncio.get_running_loop().create_future()
        self._orders.setdefault(order_id, set()).add(future)
        try:
            yield future
        finally:
            waiting = self._orders.get(order_id, set())
            waiting.discard(future)
            if not waiting:
                self._orders.pop(order_id, None)

    def join(self, selection: Selection, after: int) -> Group | None:
        """The group of a selection, with a new member at a position; None if the ring begins later."""
        if after < self.start:
            return None
        key = (selection.filter.SerializeToString(deterministic=True), selection.types, selection.since)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(selection, self.head)
            self._list_of(group).append(group)
        if after < group.since:
            earlier = [each for each in self._entries if after < each.entry.position <= group.since]
            group.matched[:0] = [each.entry for each in earlier if group.test(each.change)]
            group.since = after
        group.members += 1
        return group

    def leave(self, group: Group) -> None:
        """Removes a member; with the last one, the group."""
        group.members -= 1
        if not group.members:
            self._list_of(group).remove(group)
            if group.customer_id and not self._by_customer[group.customer_id]:
                del self._by_customer[group.customer_id]
            self._groups = {key: other for key, other in self._groups.items() if other is not group}

    def _list_of(self, group: Group) -> list[Group]:
        return self._by_customer.setdefault(group.customer_id, []) if group.customer_id else self._others

    def append(self, entries: Sequence[RingEntry], head: int) -> int:
        """Adds the changes up to a position and wakes their watchers; returns the number of woken watchers."""
        touched: dict[int, Group] = {}
        woken = 0
        for entry, change in entries:
            self._entries.append(RingEntry(entry, change))
            self._bytes += len(entry.body)
            woken += _wake(self._orders.get(entry.order_id, set()))
            for group in (*self._by_customer.get(change.customer_id, ()), *self._others):
                if group.test(change):
                    group.matched.append(entry)
                    touched[id(group)] = group
        self.head = head
        self._trim()
        return woken + sum(group.wake() for group in touched.values()) + (_wake(self.waiting) if entries else 0)

    def take(self, group: Group, after: int, limit: int) -> tuple[list[Entry], int]:
        """Up to `limit` of the group's changes after a position, and the position that they reach. Raises FellBehind."""
        if after < self.start:
            raise FellBehind
        matched = group.matched
        first = bisect_right(matched, after, key=attrgetter("position"))
        taken = matched[first : first + limit]
        is_all = first + len(taken) >= len(matched)
        return taken, max(after, self.head) if is_all else taken[-1].position

    def wake_all(self) -> None:
        """Wakes all waiting watchers."""
        for group in self._groups.values():
            group.wake()
        for waiting in (self.waiting, *self._orders.values()):
            _wake(waiting)

    def _trim(self) -> None:
        while len(self._entries) > _MOST_ENTRIES or self._bytes > _MOST_BYTES:
            oldest = self._entries.popleft().entry
            self.start = oldest.position
            self._bytes -= len(oldest.body)
            self._left += 1
        if self._left >= _SWEEP:
            self._left = 0
            self._sweep(self._groups.values())

    def _sweep(self, groups: Iterable[Group]) -> None:
        for group in groups:
            del group.matched[: bisect_right(group.matched, self.start, key=attrgetter("position"))]
