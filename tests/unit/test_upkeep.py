"""What a server does again and again beside serving, until it stops."""

import asyncio

from server.upkeep import _again_and_again


async def test_work_that_swallows_its_end_is_not_taken_up_again() -> None:
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    upkeep = asyncio.create_task(_again_and_again(work, 3600))
    await asyncio.sleep(0)
    assert begun == 1
    upkeep.cancel()
    async with asyncio.timeout(10):
        await upkeep
    assert begun == 1


async def test_work_that_fails_is_tried_again() -> None:
    begun, twice = 0, asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            twice.set()
        raise ValueError(begun)

    upkeep = asyncio.create_task(_again_and_again(work, 0))
    async with asyncio.timeout(10):
        await twice.wait()
    upkeep.cancel()
    await asyncio.gather(upkeep, return_exceptions=True)
    assert upkeep.cancelled()
