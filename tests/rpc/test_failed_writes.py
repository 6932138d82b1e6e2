"""A database that answers but takes no writes: callers are told why, and readiness follows."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psycopg
import pytest
from orders.v1.catalog_service_pb2 import GetProductRequest

from tests.conftest import RefusedCall, Service, new_order, refused, serving, stock_shop
from tests.rpc.test_contract_failures import NOT_SERVING, SERVING, UNAVAILABLE, health_of, turns
from tests.storage.faults import read_only
from tests.storage.helpers import disagreements, until


def check_refusal(refusal: RefusedCall, cause: str) -> None:
    assert (refusal.code, refusal.reason) == UNAVAILABLE
    assert refusal.metadata == {"dependency": "database", "cause": cause}
    assert refusal.retry is not None
    assert refusal.retry.retry_delay.ToMilliseconds() >= 1000


async def check_unready(service: Service) -> None:
    """Ready for reads, and not for writes."""
    await until(turns(service, NOT_SERVING))
    assert await health_of(service, "orders.v1.OrderService") == NOT_SERVING
    assert await health_of(service, "reads") == SERVING
    assert await service.catalog.GetProduct(GetProductRequest(product_id="mug"))


async def test_a_read_only_database_is_named_and_left_when_it_is_over(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with serving(url) as service:
        await stock_shop(service)
        with read_only(url):
            check_refusal(await refused(service.orders.CreateOrder(new_order())), "read_only")
            await check_unready(service)
        # The server's sessions stay read-only until they are replaced.
        await until(turns(service, SERVING))
        await until(lambda: creates_order(service))
    assert await disagreements(url) == []


async def creates_order(service: Service) -> bool:
    try:
        return bool(await service.orders.CreateOrder(new_order()))
    except grpc.aio.AioRpcError:
        return False


async def test_readiness_notices_a_read_only_database_without_a_write(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with serving(url) as service:
        await stock_shop(service)
        with read_only(url):
            await check_unready(service)
        await until(turns(service, SERVING))


@contextmanager
def small_disk(postgres: str) -> Iterator[Path]:
    """A disk of 64 MB that PostgreSQL may write to."""
    with psycopg.connect(postgres) as connection:
        ((data,),) = connection.execute("SELECT current_setting('data_directory')").fetchall()
    folder = Path(data).parent / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("this needs the right to mount a small disk")
    owner = Path(data).stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@pytest.fixture
def database_on_small_disk(postgres: str, new_database: Callable[[], str]) -> Iterator[tuple[str, Path]]:
    url = new_database()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with small_disk(postgres) as folder:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'".encode())
            connection.execute(f"ALTER DATABASE {name} SET TABLESPACE small".encode())
        try:
            yield url, folder
        finally:
            with psycopg.connect(postgres, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
                connection.execute(b"DROP TABLESPACE small")


def fill(folder: Path) -> Path:
    """Takes all the room that is left on a disk."""
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(folder).free))
    return ballast


async def test_a_full_disk_is_named_until_there_is_room_again(database_on_small_disk: tuple[str, Path]) -> None:
    url, folder = database_on_small_disk
    async with serving(url) as service:
        await stock_shop(service)
        ballast = fill(folder)
        # Tables have some room left in their last pages.
        await until(lambda: refuses_orders(service, "disk_full"))
        await check_unready(service)
        ballast.unlink()
        await until(turns(service, SERVING))
        await service.orders.CreateOrder(new_order())
        assert await disagreements(url) == []


async def refuses_orders(service: Service, cause: str) -> bool:
    try:
        await service.orders.CreateOrder(new_order())
    except grpc.aio.AioRpcError:
        check_refusal(await refused(service.orders.CreateOrder(new_order())), cause)
        return True
    return False


async def test_a_missing_permission_is_named(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with serving(url) as service:
        await stock_shop(service)
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("REVOKE INSERT ON orders FROM orders_server")
            check_refusal(await refused(service.orders.CreateOrder(new_order())), "permission_denied")
            owner.execute("GRANT INSERT ON orders TO orders_server")
        await until(lambda: creates_order(service))
