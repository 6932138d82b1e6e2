"""What a server does again and again beside serving, until it stops."""

import asyncio

import pytest

from server.runtime.background import _in_the_background
from server.tasks import Tasks


class Panic(BaseException):
    """As extensions raise it: no Exception."""


@pytest.mark.parametrize("failure", [ValueError, Panic, SystemExit, asyncio.CancelledError])
async def test_work_that_fails_is_tried_again_until_it_is_ended(
    failure: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    begun, twice, jobs = 0, asyncio.Event(), Tasks()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            twice.set()
        raise failure("jane")

    async with asyncio.timeout(60), _in_the_background(jobs, (work, 0)):
        await twice.wait()
    ended = begun
    for _ in range(10):
        await asyncio.sleep(0)
    assert begun == ended >= 2
    assert set(caplog.messages) == {"upkeep failed, it will be tried again"}
    assert "jane" not in caplog.text
    assert jobs.is_alive
