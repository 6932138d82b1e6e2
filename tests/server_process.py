"""A server in a process of its own, which a test can kill."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.conftest import serving


def _serve(url: str, word: Any) -> None:
    async def serve() -> None:
        async with serving(url) as service:
            word.send(service.address)
            await asyncio.Event().wait()

    asyncio.run(serve())


@asynccontextmanager
async def in_own_process(url: str) -> AsyncIterator[tuple[Any, str]]:
    """A server in a process of its own, and its address; killed at the end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(url, theirs))
    process.start()
    theirs.close()
    try:
        yield process, await asyncio.to_thread(ours.recv)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
