"""Large work on the event loop lets small work go first, but not for ever."""

import asyncio
import time

import pytest

from server.storage import fairness as turns
from server.storage.fairness import Yielder

_BUSY = 0.0005


async def _work(turns_left: list[int]) -> None:
    """Has something to do in every turn of the loop."""
    while turns_left[0]:
        turns_left[0] -= 1
        until = time.perf_counter() + _BUSY
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0)


async def test_others_go_first_until_they_have_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_LONGEST", 10.0)
    turns_left = [20]
    other = asyncio.create_task(_work(turns_left))
    await Yielder(10.0).pause()
    assert turns_left == [0]
    await other


async def test_who_has_given_all_its_time_goes_on_after_a_turn() -> None:
    turns_left = [20]
    other = asyncio.create_task(_work(turns_left))
    courtesy = Yielder(0.0)
    await courtesy.pause()
    await courtesy.pause()
    assert turns_left == [18]
    await other


async def test_the_time_that_is_given_counts_over_all_its_pauses() -> None:
    turns_left = [1_000_000]
    other = asyncio.create_task(_work(turns_left))
    courtesy = Yielder(0.2)
    pauses = 0
    while courtesy.left > 0:
        await courtesy.pause()
        pauses += 1
    assert pauses > 1
    left = turns_left[0]
    await courtesy.pause()
    assert turns_left == [left - 1]
    turns_left[0] = 0
    await other
