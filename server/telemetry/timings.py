"""Where the time of a call went: for calls that ask, the batches that carried it and the seconds of their steps.

A text has the form of the HTTP header Server-Timing: `batch;desc="12", wait;dur=0.41, read;dur=1.2, decide;dur=0.3, commit;dur=1.9`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import NamedTuple

# The texts of the current call's batches; None for a call that does not ask.
TIMINGS: ContextVar[list[str] | None] = ContextVar("timings", default=None)
# The seconds of the current batch's steps; None for a batch about which no call asks.
_STEPS: ContextVar[dict[str, float] | None] = ContextVar("steps", default=None)

_NOT_TIMED: AbstractContextManager[None] = nullcontext()


class Waiter(NamedTuple):
    """A call that asks about its batch, and when it began to wait for it."""

    timings: list[str]
    since: float


def waiter() -> Waiter | None:
    """The current call, if it asks."""
    timings = TIMINGS.get()
    return None if timings is None else Waiter(timings, time.monotonic())


def timed_batch(waiters: Sequence[Waiter], *, size: int) -> AbstractContextManager[None]:
    """Tells the waiters about the batch that runs within."""
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
            each.timings.append(_text(size, {"wait": began - each.since, **done}))


def _text(size: int, steps: dict[str, float]) -> str:
    return ", ".join([f'batch;desc="{size}"', *(f"{name};dur={seconds * 1000:.3f}" for name, seconds in steps.items())])


def timed(step: str) -> AbstractContextManager[None]:
    """Adds the seconds of what runs within to a step of the current batch."""
    steps = _STEPS.get()
    return _NOT_TIMED if steps is None else _timed(step, steps)


@contextmanager
def _timed(step: str, steps: dict[str, float]) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        steps[step] = steps.get(step, 0.0) + time.monotonic() - began
