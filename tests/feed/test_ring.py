"""The ring: each watcher gets its own changes, and memory is bounded."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from orders.v1.order_service_pb2 import OrderFilter

from server.feed import ring as module
from server.feed.ring import Entry, FellBehind, Group, Ring, RingEntry
from server.storage.read.feed import Change, Selection

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entry(position: int, customer_id: str = "jane", size: int = 10) -> RingEntry:
    change = Change(position, f"order-{position}", 1, 1, 0, 1, 100, NOW, bytes(size), customer_id, "", "", "USD", NOW)
    return RingEntry(Entry(position, change.order_id, 1, bytes(size), b""), change)


def of(customer_id: str = "", **fields: Any) -> Selection:
    return Selection(OrderFilter(customer_id=customer_id, **fields))


def joined(ring: Ring, selection: Selection, after: int) -> Group:
    group = ring.join(selection, after)
    assert group is not None
    return group


def positions(ring: Ring, group: Group, after: int, limit: int = 100) -> tuple[list[int], int]:
    taken, until = ring.take(group, after, limit)
    return [each.position for each in taken], until


def test_watcher_takes_its_own_changes_and_moves_to_the_head() -> None:
    ring = Ring("history", 0)
    mine, everything = joined(ring, of("jane"), 0), joined(ring, of(), 0)
    ring.append([entry(1), entry(2, "joe"), entry(3), entry(4, "joe")], 4)
    assert positions(ring, mine, 0) == ([1, 3], 4)
    assert positions(ring, mine, 1) == ([3], 4)
    assert positions(ring, mine, 4) == ([], 4)
    assert positions(ring, everything, 0, limit=2) == ([1, 2], 2)


def test_late_member_gets_what_is_in_the_ring_already() -> None:
    ring = Ring("history", 0)
    ring.append([entry(1), entry(2), entry(3)], 3)
    early = joined(ring, of("jane"), 3)
    assert positions(ring, early, 3) == ([], 3)
    late = joined(ring, of("jane"), 1)
    assert late is early
    assert positions(ring, late, 1) == ([2, 3], 3)
    assert positions(ring, early, 3) == ([], 3)


def test_watcher_behind_the_ring_is_told_and_new_ones_are_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_ENTRIES", 5)
    monkeypatch.setattr(module, "_SWEEP", 1)
    ring = Ring("history", 0)
    slow = joined(ring, of(), 0)
    for position in range(1, 9):
        ring.append([entry(position)], position)
    assert ring.start == 3
    assert len(slow.matched) == 5
    with pytest.raises(FellBehind):
        ring.take(slow, 2, 10)
    assert positions(ring, slow, 3) == ([4, 5, 6, 7, 8], 8)
    assert ring.join(of("jane"), 2) is None


def test_large_changes_leave_the_ring_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 100)
    ring = Ring("history", 0)
    ring.append([entry(position, size=40) for position in range(1, 5)], 4)
    assert ring.start == 2


async def test_only_those_concerned_are_woken() -> None:
    ring, loop = Ring("history", 0), asyncio.get_running_loop()
    jane, joe = joined(ring, of("jane"), 0), joined(ring, of("joe"), 0)
    hers, his, anything = loop.create_future(), loop.create_future(), loop.create_future()
    jane.waiting.add(hers)
    joe.waiting.add(his)
    ring.waiting.add(anything)
    with ring.waiting_for("order-1") as first, ring.waiting_for("order-2") as second:
        assert ring.append([entry(1)], 1) == 3
        assert [future.done() for future in (hers, his, anything, first, second)] == [True, False, True, True, False]
        ring.wake_all()
    assert his.done()
    assert second.done()


def test_group_ends_with_its_last_member() -> None:
    ring = Ring("history", 0)
    for selection in (of("jane"), of(statuses=[1])):
        first, second = joined(ring, selection, 0), joined(ring, selection, 0)
        assert first is second
        ring.leave(first)
        ring.append([entry(ring.head + 1)], ring.head + 1)
        assert first.matched
        ring.leave(first)
        again = joined(ring, selection, ring.head)
        assert again is not first
        assert not again.matched
        ring.leave(again)
