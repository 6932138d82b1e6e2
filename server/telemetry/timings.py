"""The timings of a call: the batches and statements that carried it, and the seconds of their steps.

As a text, a timing has the form of the HTTP header Server-Timing:
`batch;desc="12", wait;dur=0.41, read;dur=1.2, decide;dur=0.3, commit;dur=1.9`.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import NamedTuple

# The timings that are kept of one call: a stream can have any number.
_MOST = 10_000


class Timing(NamedTuple):
    """A batch, or a statement outside batches: its calls, the seconds of its steps, and the rows that it returned."""

    size: int
    steps: dict[str, float]
    rows: int = 0

    @property
    def text(self) -> str:
        steps = (f"{name};dur={seconds * 1000:.3f}" for name, seconds in self.steps.items())
        return ", ".join([f'batch;desc="{self.size}"', *steps])


# The current call's timings; None outside calls.
TIMINGS: ContextVar[list[Timing] | None] = ContextVar("timings", default=None)
# The seconds of the current batch's steps; None outside batches.
_STEPS: ContextVar[dict[str, float] | None] = ContextVar("steps", default=None)

_NOT_TIMED: AbstractContextManager[None] = nullcontext()


class Waiter(NamedTuple):
    """A call that is waiting for its batch, and the start of the wait."""

    timings: list[Timing]
    since: float


def waiter() -> Waiter | None:
    """The current call."""
    timings = TIMINGS.get()
    return None if timings is None else Waiter(timings, time.monotonic())


def timed_batch(waiters: Sequence[Waiter], *, size: int) -> AbstractContextManager[None]:
    """Reports the batch within the context to its waiters."""
    return _timed_batch(waiters, size) if waiters else _NOT_TIMED


@contextmanager
def _timed_batch(waiters: Sequence[Waiter], size: int) -> Iterator[None]:
    began = time.monotonic()
    steps: dict[str, float] = {}
    token = _STEPS.set(steps)
    try:
        yield
    finally:
        _STEPS.reset(token)
        # A batch of reads has no steps.
        done = steps or {"read": time.monotonic() - began}
        for each in waiters:
            each.timings.append(Timing(size, {"wait": began - each.since, **done}))


def timed(step: str) -> AbstractContextManager[None]:
    """Adds the seconds spent within the context to a step of the current batch."""
    steps = _STEPS.get()
    return _NOT_TIMED if steps is None else _timed(step, steps)


@contextmanager
def _timed(step: str, steps: dict[str, float]) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        steps[step] = steps.get(step, 0.0) + time.monotonic() - began


def note_statement(*, began: float, waited: float, rows: int) -> None:
    """Adds a statement of the current call that ran outside batches, after it waited for a connection."""
    timings = TIMINGS.get()
    if timings is not None and len(timings) < _MOST:
        timings.append(Timing(1, {"wait": waited, "read": time.monotonic() - began - waited}, rows))


def sums_of(timings: Iterable[Timing]) -> dict[str, float]:
    """The seconds of each step, and the rows, over all timings of a call."""
    sums: dict[str, float] = {}
    for timing in timings:
        sums["rows"] = sums.get("rows", 0) + timing.rows
        for step, seconds in timing.steps.items():
            sums[step] = sums.get(step, 0.0) + seconds
    return sums
