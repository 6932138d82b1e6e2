"""The calls in flight."""

import asyncio
import time

import pytest

from server.domain.base.errors import Refusal
from server.rpc.admission import InFlight


async def test_calls_in_flight_are_bounded_and_each_that_leaves_makes_room() -> None:
    calls, go_on = InFlight(2), asyncio.Event()

    async def call() -> None:
        calls.enter(until=time.monotonic() + 60)
        try:
            await go_on.wait()
        finally:
            calls.leave()

    first = [asyncio.create_task(call()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refusal:
        await call()
    assert refusal.value.reason == "OVERLOADED"
    assert refusal.value.retry_after
    go_on.set()
    await asyncio.gather(*first)
    await call()


async def test_a_call_whose_time_is_over_is_cancelled_and_the_others_go_on() -> None:
    calls, go_on = InFlight(2), asyncio.Event()

    async def call(seconds: float) -> str:
        calls.enter(until=time.monotonic() + seconds)
        try:
            await go_on.wait()
            return "answered"
        except asyncio.CancelledError:
            ended.append(calls.has_ended())
            raise
        finally:
            calls.leave()

    ended: list[bool] = []
    late, other = (asyncio.create_task(call(seconds)) for seconds in (-1, 60))
    await asyncio.sleep(0)
    calls.end_overdue()
    with pytest.raises(asyncio.CancelledError):
        await late
    gone = asyncio.create_task(call(60))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    # The one by the clock, the other by its caller.
    assert ended == [True, False]
    go_on.set()
    assert await other == "answered"
