"""Nothing is lost or repeated, and each order's changes keep their order, while servers die and transactions stay open."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
import psycopg

from server.storage import embedded
from server.storage.schema import schema
from tests.conftest import SERVING_ROLE, create_serving_role, serving, stock_shop
from tests.feed.checker import Checker, Servers
from tests.server_process import in_own_process
from tests.storage.helpers import disagreements, until

# `make torture` sets larger ones.
CHANGES = int(os.environ.get("TORTURE_CHANGES", "12"))
READERS = int(os.environ.get("TORTURE_READERS", "2"))
KILLS = int(os.environ.get("TORTURE_KILLS", "1"))

# It can start once the last process of the killed one has left its memory.
_RESTART = """
import os, sys
from pathlib import Path
import psycopg
from server.storage import embedded
while True:
    try:
        psycopg.connect(embedded.start(Path(sys.argv[1])).url).close()
        os._exit(0)
    except (embedded.EmbeddedError, psycopg.OperationalError):
        pass
"""


async def _have_begun(checker: Checker, count: int) -> bool:
    """Whether so many readers have their lists or cursors: changes before that are not theirs."""
    return len(checker.readers) == count


async def _has_written(checker: Checker) -> bool:
    return checker.writes >= CHANGES


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
            await until(partial(_have_begun, checker, len(readers)))
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


async def test_readers_get_every_change_once_while_postgres_is_killed(data_dir: Path) -> None:
    postgres = embedded.start(data_dir)
    create_serving_role(postgres.url)
    schema.migrate(postgres.url, grant_to=SERVING_ROLE)
    try:
        async with serving(postgres.url, database_timeout=10.0) as service:
            await stock_shop(service)
            checker = Checker(Servers(service.address))
            async with asyncio.TaskGroup() as group:
                readers = [
                    group.create_task(checker.follow("watcher")),
                    group.create_task(checker.follow("reconnecting", messages=1)),
                    group.create_task(checker.poll("poller")),
                    group.create_task(checker.consume("consumer")),
                ]
                await until(partial(_have_begun, checker, len(readers)))
                for _ in range(KILLS):
                    checker.writes = 0
                    writers = [group.create_task(checker.write(changes=2 * CHANGES)) for _ in range(3)]
                    await until(partial(_has_written, checker), seconds=600)
                    await asyncio.to_thread(kill_postgres, data_dir)
                    await asyncio.to_thread(restart_postgres, data_dir)
                    await asyncio.gather(*writers)
                assert await checker.problems(postgres.url) == []
                for reader in readers:
                    reader.cancel()
        assert await disagreements(postgres.url) == []
    finally:
        postgres.stop()


def kill_postgres(folder: Path) -> None:
    """Kills the postmaster; its children notice and leave."""
    postmaster = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
    postmaster.kill()
    postmaster.wait()


def restart_postgres(folder: Path) -> None:
    """Starts PostgreSQL again, from a process that has no threads and leaves without stopping it."""
    subprocess.run([sys.executable, "-c", _RESTART, folder], check=True)
