"""Gathers the items that arrive while a batch is in flight, and runs them as the next. An idle server adds no delay."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from orders.v1.error_reason_pb2 import ERROR_REASON_OVERLOADED

from server.domain.base.errors import Refusal
from server.storage.errors import Unanswered
from server.storage.fairness import TURNS_TO_THE_QUEUE
from server.tasks import Tasks, contain
from server.telemetry.log import CALL
from server.telemetry.spans import CURRENT, Span, batch_span
from server.telemetry.timings import TIMINGS, Waiter, timed_batch, waiter

Item = TypeVar("Item")
Result = TypeVar("Result")
# An item, its result, the span of the call that waits for it, and the call if it asks about its time; None if it is not sampled, and
# if it does not ask.
_Entry: TypeAlias = tuple[Item, asyncio.Future[Result], Span | None, Waiter | None]

# The most turns of the event loop before a batch begins.
_MOST_TURNS = 50
# The least seconds before a call that found the queue full should retry.
_SHORTEST_WAIT = 0.1


class Batcher(Generic[Item, Result]):
    """A queue and the workers that process it.

    `run` gets a batch and returns a result or an exception for each of its items, in their order; an exception that it raises
    becomes the result of all of them. `watch` gets the size and the seconds of each batch; `name` is that of a batch's span.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        max_batch: int,
        max_queue: int,
        workers: int = 1,
        watch: Callable[[int, float], None] = lambda size, seconds: None,
        name: str = "batch of reads",
    ) -> None:
        self._run, self._max_batch, self._max_queue, self._workers = run, max_batch, max_queue, workers
        self._watch, self._name = watch, name
        self._queue: deque[_Entry[Item, Result]] = deque()
        # Workers that will read the queue again. A task that has finished with it may still be in _tasks.
        self._working = 0
        self._tasks = Tasks()
        self._seconds_per_item = 0.0

    @property
    def waiting(self) -> int:
        """The number of items that wait for their batch."""
        return len(self._queue)

    @property
    def is_alive(self) -> bool:
        """False after a worker was cancelled from outside."""
        return self._tasks.is_alive

    async def submit(self, item: Item) -> Result:
        """The item's result. Cancelling the wait drops the item if its batch has not started, otherwise only its result."""
        # The future is not bound to a name: its exception holds this frame, which would form a cycle.
        return await self._enqueue(item)

    def _enqueue(self, item: Item) -> asyncio.Future[Result]:
        if len(self._queue) >= self._max_queue:
            text = "the server is overloaded; retry in a moment"
            raise Refusal(ERROR_REASON_OVERLOADED, text, retry_after=max(_SHORTEST_WAIT, self._expected_wait()))
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future, CURRENT.get(), waiter()))
        if self._working < self._workers:
            self._tasks.keep(self._work)
            self._working += 1
        return future

    async def drain(self) -> None:
        """Waits until all submitted items have their results."""
        await self._tasks.drain()

    async def _work(self) -> None:
        # Its context is a copy of the starting call's, but it works for all calls.
        CALL.set(None)
        TIMINGS.set(None)
        while batch := await self._gather():
            with batch_span([span for _, _, span, _ in batch if span], self._name, size=len(batch)):
                await self._answer(batch)
        self._working -= 1

    async def _answer(self, batch: list[_Entry[Item, Result]]) -> None:
        began = time.monotonic()
        try:
            with timed_batch([asking for *_, asking in batch if asking], size=len(batch)):
                results = await self._results([item for item, *_ in batch])
            if any(isinstance(result, Unanswered) for result in results):
                # The queued items have waited as long as a call may take, and would wait again.
                unanswered = next(result for result in results if isinstance(result, Unanswered))
                results = [*results, *[unanswered] * len(self._queue)]
                batch += self._queue
                self._queue.clear()
            for (_, future, *_), result in zip(batch, results, strict=True):
                _settle(future, result)
        finally:
            # Only if this worker is cancelled from outside: nothing else would answer these items.
            for _, future, *_ in batch:
                future.cancel()
        seconds = time.monotonic() - began
        self._seconds_per_item = seconds / len(batch)
        self._watch(len(batch), seconds)

    async def _results(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        try:
            results = await self._run(items)
            if len(results) != len(items):
                raise RuntimeError(f"a batch of {len(items)} has {len(results)} results")
            return results
        except BaseException as error:
            return [contain(error)] * len(items)

    def _expected_wait(self) -> float:
        """The seconds until the current queue is served, at the pace of the last batch."""
        return len(self._queue) * self._seconds_per_item / self._workers

    async def _gather(self) -> list[_Entry[Item, Result]]:
        """The next batch, once the event loop's pending calls have joined it: a larger batch costs less per call."""
        gathered, calm = len(self._queue), 0
        for _ in range(_MOST_TURNS):
            if calm == TURNS_TO_THE_QUEUE or gathered >= self._max_batch:
                break
            await asyncio.sleep(0)
            calm = calm + 1 if len(self._queue) == gathered else 0
            gathered = len(self._queue)
        return self._take()

    def _take(self) -> list[_Entry[Item, Result]]:
        batch: list[_Entry[Item, Result]] = []
        while self._queue and len(batch) < self._max_batch:
            entry = self._queue.popleft()
            if not entry[1].done():
                batch.append(entry)
        return batch


def _settle(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def point_reader(read: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]]) -> Batcher[Item, Result]:
    """A batcher for reads by key: one query for fifty keys costs as much as one for a single key.

    The database must accept every key: one that it refuses fails the whole batch. Callers with the same key may share a result.
    """
    return Batcher(read, max_batch=256, max_queue=10_000)
