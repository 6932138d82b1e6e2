"""Nothing is lost or repeated, and each order's changes keep their order, while servers die and transactions stay open."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import psycopg

from tests.conftest import serving, stock_shop
from tests.feed.checker import Checker, Servers
from tests.storage.helpers import disagreements, until

# `make torture` sets larger ones.
CHANGES = int(os.environ.get("TORTURE_CHANGES", "12"))
READERS = int(os.environ.get("TORTURE_READERS", "2"))
KILLS = int(os.environ.get("TORTURE_KILLS", "1"))


def _serve(url: str, word: Any) -> None:
    async def serve() -> None:
        async with serving(url) as service:
            word.send(service.address)
            await asyncio.Event().wait()

    asyncio.run(serve())


async def _has_written(checker: Checker) -> bool:
    return checker.writes >= CHANGES


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


@asynccontextmanager
async def long_transactions(url: str) -> AsyncIterator[None]:
    """Transactions elsewhere that stay open, one of them in another database of the cluster."""
    async with AsyncExitStack() as stack:
        for _ in range(2):
            other = await stack.enter_async_context(await psycopg.AsyncConnection.connect(url))
            await other.execute("SELECT pg_current_xact_id()")
        yield


async def test_readers_get_every_change_once_while_servers_are_killed(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(serving(url))
        await stock_shop(service)
        servers = Servers(service.address)
        checker = Checker(servers)
        readers = []
        async with asyncio.TaskGroup() as group, long_transactions(url):
            for number in range(READERS):
                readers += [
                    group.create_task(checker.follow(f"watcher {number}")),
                    group.create_task(checker.follow(f"reconnecting {number}", messages=1)),
                    group.create_task(checker.follow(f"slow {number}", pause=lambda: asyncio.sleep(0.1))),
                    group.create_task(checker.poll(f"poller {number}")),
                ]
            readers.append(group.create_task(checker.consume("consumer")))

            async def all_have_begun() -> bool:
                return len(checker.readers) == len(readers)

            await until(all_have_begun)
            for _ in range(KILLS):
                async with in_own_process(url) as (process, address):
                    servers.addresses.append(address)
                    writers = [group.create_task(checker.write(changes=CHANGES)) for _ in range(3)]
                    await until(partial(_has_written, checker), seconds=600)
                    process.kill()
                    servers.addresses.remove(address)
                    await asyncio.gather(*writers)
                checker.writes = 0
            assert await checker.problems(url) == []
            for reader in readers:
                reader.cancel()
    assert await disagreements(url) == []
