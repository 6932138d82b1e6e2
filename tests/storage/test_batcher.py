"""The queue before the writer: what arrives while a batch is in flight goes together, and nothing is forgotten."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from server.domain.base.errors import Refusal
from server.storage.batcher import Batcher


class Doubler:
    """Runs batches when told to, and remembers them."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_run = asyncio.Event()

    async def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        await self.may_run.wait()
        return [2 * item if item >= 0 else ValueError(item) for item in items]


async def _soon() -> None:
    """Lets every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def _submit(batcher: Batcher[int, int], *items: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(batcher.submit(item)) for item in items]


async def test_an_item_that_comes_alone_runs_at_once() -> None:
    run = Doubler()
    run.may_run.set()
    assert await Batcher[int, int](run, max_batch=8, max_queue=8).submit(21) == 42
    assert run.batches == [[21]]


async def test_what_arrives_during_a_batch_makes_the_next_ones_in_the_order_of_arrival() -> None:
    run = Doubler()
    batcher = Batcher[int, int](run, max_batch=3, max_queue=100)
    tasks = _submit(batcher, 0)
    await _soon()
    tasks += _submit(batcher, 1, 2, 3, 4)
    await _soon()
    run.may_run.set()
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8]
    assert run.batches == [[0], [1, 2, 3], [4]]


async def test_an_error_is_its_items_own() -> None:
    run = Doubler()
    run.may_run.set()
    batcher = Batcher[int, int](run, max_batch=8, max_queue=8)
    one, two, three = await asyncio.gather(*_submit(batcher, 1, -2, 3), return_exceptions=True)
    assert (one, three) == (2, 6)
    assert isinstance(two, ValueError)


async def test_a_batch_that_fails_fails_its_items_and_not_the_next_ones() -> None:
    async def run(items: Sequence[int]) -> list[int | Exception]:
        if -1 in items:
            raise OSError("gone")
        return list(items)

    batcher = Batcher[int, int](run, max_batch=2, max_queue=8)
    tasks = _submit(batcher, 1, -1, 3, 4)
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in found[:2]] == [OSError, OSError]
    assert found[2:] == [3, 4]


class Panic(BaseException):
    """As extensions raise it: no Exception."""


@pytest.mark.parametrize("failure", [Panic, SystemExit, asyncio.CancelledError])
async def test_a_batch_that_panics_fails_its_items_and_not_the_next_ones(failure: type[BaseException]) -> None:
    async def run(items: Sequence[int]) -> list[int | Exception]:
        if -1 in items:
            raise failure
        return list(items)

    batcher = Batcher[int, int](run, max_batch=2, max_queue=8)
    tasks = _submit(batcher, 1, -1, 3, 4)
    async with asyncio.timeout(60):
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert await batcher.submit(5) == 5
    assert all(isinstance(result, Exception) for result in found[:2])
    assert found[2:] == [3, 4]
    assert batcher.is_alive


async def test_a_batch_without_a_result_for_each_item_fails_alone() -> None:
    async def run(items: Sequence[int]) -> list[int | Exception]:
        return [0] if -1 in items else list(items)

    batcher = Batcher[int, int](run, max_batch=2, max_queue=8)
    async with asyncio.timeout(60):
        found = await asyncio.gather(*_submit(batcher, 1, -1, 3), return_exceptions=True)
    assert [type(result) for result in found[:2]] == [RuntimeError] * 2
    assert found[2] == 3


async def test_a_batch_is_answered_although_nobody_can_be_told_of_it() -> None:
    def watch(size: int, seconds: float) -> None:
        raise Panic

    run = Doubler()
    run.may_run.set()
    batcher = Batcher[int, int](run, max_batch=1, max_queue=8, watch=watch)
    async with asyncio.timeout(60):
        assert await asyncio.gather(*_submit(batcher, 1, 2)) == [2, 4]
        await batcher.drain()
    assert batcher.is_alive


async def test_who_waits_for_a_worker_that_is_ended_is_told_and_its_lane_is_dead() -> None:
    before = asyncio.all_tasks()
    batcher = Batcher[int, int](Doubler(), max_batch=1, max_queue=8)
    (caller,) = _submit(batcher, 1)
    await _soon()
    (worker,) = asyncio.all_tasks() - before - {caller}
    worker.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait([caller])
    assert caller.cancelled()
    assert not batcher.is_alive


async def test_a_full_queue_refuses_and_takes_again_once_it_has_room() -> None:
    run = Doubler()
    batcher = Batcher[int, int](run, max_batch=8, max_queue=2)
    tasks = _submit(batcher, 1)
    await _soon()
    tasks += _submit(batcher, 2, 3)
    await _soon()
    with pytest.raises(Refusal) as refusal:
        await batcher.submit(4)
    assert refusal.value.reason == "OVERLOADED"
    assert refusal.value.retry_after
    run.may_run.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6]
    assert await batcher.submit(4) == 8


async def test_an_item_that_is_given_up_before_its_batch_begins_never_runs() -> None:
    run = Doubler()
    batcher = Batcher[int, int](run, max_batch=8, max_queue=8)
    first, *waiting = _submit(batcher, 1)
    await _soon()
    waiting = _submit(batcher, 2, 3)
    await _soon()
    waiting[0].cancel()
    run.may_run.set()
    assert await asyncio.gather(first, waiting[1]) == [2, 6]
    assert run.batches == [[1], [3]]
    assert waiting[0].cancelled()


async def test_an_item_that_is_given_up_during_its_batch_leaves_its_neighbours_alone() -> None:
    run = Doubler()
    batcher = Batcher[int, int](run, max_batch=8, max_queue=8)
    tasks = _submit(batcher, 1, 2, 3)
    await _soon()
    tasks[1].cancel()
    run.may_run.set()
    assert await asyncio.gather(tasks[0], tasks[2]) == [2, 6]
    assert tasks[1].cancelled()
    assert run.batches == [[1, 2, 3]]


async def test_draining_waits_for_everything_submitted_also_meanwhile() -> None:
    run = Doubler()
    batcher = Batcher[int, int](run, max_batch=1, max_queue=100, workers=2)
    tasks = _submit(batcher, *range(10))
    await _soon()
    drained = asyncio.create_task(batcher.drain())
    tasks += _submit(batcher, *range(10, 20))
    await _soon()
    assert not drained.done()
    run.may_run.set()
    await drained
    await _soon()
    assert [task.result() for task in tasks] == [2 * item for item in range(20)]


async def test_draining_an_idle_queue_ends_at_once() -> None:
    await asyncio.wait_for(Batcher[int, int](Doubler(), max_batch=1, max_queue=1).drain(), timeout=60)


@pytest.mark.parametrize("workers", [1, 2, 3])
async def test_no_item_is_ever_forgotten_whatever_the_timing(workers: int) -> None:
    chance = random.Random(workers)
    running = most = 0

    async def run(items: Sequence[int]) -> list[int | Exception]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        running -= 1
        if chance.random() < 0.1:
            raise OSError("gone")
        return [2 * item for item in items]

    batcher = Batcher[int, int](run, max_batch=3, max_queue=10_000, workers=workers)

    async def caller(number: int) -> int:
        answered = 0
        for item in range(number, number + 50):
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            try:
                answered += await batcher.submit(item) == 2 * item
            except OSError:
                answered += 1
        return answered

    callers = [asyncio.create_task(caller(number)) for number in range(0, 2000, 100)]
    given_up = [asyncio.create_task(caller(number)) for number in range(5000, 6000, 100)]
    await _soon()
    for task in given_up:
        await asyncio.sleep(0)
        task.cancel()
    async with asyncio.timeout(60):
        assert await asyncio.gather(*callers) == [50] * len(callers)
    assert most == workers
