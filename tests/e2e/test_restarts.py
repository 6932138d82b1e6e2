"""A rolling restart of two servers under load: clients that balance as documented, and those of Envoy, see no call fail."""

import asyncio
import itertools
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from orders.v1.catalog_service_pb2 import AdjustStockRequest, BatchUpsertProductsRequest, GetProductRequest, Product
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_service_pb2 import SearchOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from tests.e2e.processes import ROOT, Server, free_port, start, wait_until
from tests.e2e.test_http import envoy, status_of_health
from tests.shop import usd

RESTARTS = int(os.environ.get("RESTARTS", "2"))
RATE = float(os.environ.get("RESTARTS_RATE", "50"))

DOCUMENTED = json.loads((ROOT / "docs/service-config.json").read_text())
BALANCE_BY_HEALTH = {name: DOCUMENTED[name] for name in ("loadBalancingConfig", "healthCheckConfig")}
RETRY = {name: DOCUMENTED[name] for name in ("loadBalancingConfig", "methodConfig")}


class Replica:
    """One of the servers: always on the same port, with a log that names each call."""

    def __init__(self, database_url: str, folder: Path, *flags: object) -> None:
        self.port, self._url, self._log, self._flags = free_port(), database_url, folder / "log", flags
        folder.mkdir()
        self.start()

    def start(self) -> None:
        env = {"ORDERS_DATABASE_URL": self._url}
        arguments = ["serve", "--port", self.port, "--log-level", "debug", *self._flags]
        self.process = start(*arguments, env=env, stderr=self._log.open("w"))
        assert self.process.stdout is not None
        assert " on " in self.process.stdout.readline()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(300)

    def restart(self) -> None:
        """Returns once the server has been called again."""
        assert self.stop() == 0
        self.start()
        wait_until(lambda: "SearchOrders" in self._log.read_text(), seconds=60)


@asynccontextmanager
async def under_load(call: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Begins calls at a constant rate, whether or not the others have been answered."""
    done, calls = asyncio.Event(), set()

    async def load() -> None:
        while not done.is_set():
            calls.add(asyncio.create_task(call()))
            await asyncio.sleep(1 / RATE)

    loading = asyncio.create_task(load())
    try:
        yield
    finally:
        done.set()
        await loading
        await asyncio.gather(*calls)


class Ended(Counter[str]):
    """Counts calls by how they ended."""

    async def count(self, call: Awaitable[object]) -> None:
        try:
            await call
            self["OK"] += 1
        except grpc.aio.AioRpcError as error:
            self[f"{error.code().name}: {error.details()}"] += 1


@contextmanager
def two_replicas(server: Server, folder: Path, name: str, *flags: object) -> Iterator[list[Replica]]:
    """Two servers on one database; ends them, and expects them to have stopped in order."""
    url = server.migrated(name)
    replicas = [Replica(url, folder / f"{name}{number}", *flags) for number in range(2)]
    try:
        yield replicas
    finally:
        stopped = [replica.stop() for replica in replicas]
    assert stopped == [0, 0]


async def restart_each(replicas: list[Replica]) -> None:
    for number in range(RESTARTS):
        await asyncio.to_thread(replicas[number % 2].restart)


@pytest.mark.timeout(60 * (2 + RESTARTS))
@pytest.mark.parametrize("config", [BALANCE_BY_HEALTH, RETRY], ids=["balances by health", "retries"])
async def test_no_call_fails_while_servers_restart(server: Server, folder: Path, config: dict[str, Any]) -> None:
    ended = Ended()
    options = [("grpc.service_config", json.dumps(config)), ("grpc.max_reconnect_backoff_ms", 500)]
    with two_replicas(server, folder, "health" if config is BALANCE_BY_HEALTH else "retries") as replicas:
        target = "ipv4:" + ",".join(f"127.0.0.1:{replica.port}" for replica in replicas)
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            stub = OrderServiceStub(channel)

            async def call() -> None:
                await ended.count(stub.SearchOrders(SearchOrdersRequest(page_size=1), timeout=60))

            async with under_load(call):
                await restart_each(replicas)
    assert ended.keys() == {"OK"}


@pytest.mark.timeout(60 * (2 + RESTARTS))
async def test_envoy_neither_loses_nor_repeats_a_call_while_servers_restart(server: Server, folder: Path) -> None:
    """A third of the calls are writes without a request id, which have an effect each time that they are done."""
    ended, numbers = Ended(), itertools.count()
    one_more = AdjustStockRequest(product_id="mug", delta=1, reason="delivery")
    mug = Product(product_id="mug", sku="MUG", name="Mug", price=usd(12), stock=1)
    with (
        # Longer than it takes Envoy to see that a server stops, on a busy machine too.
        two_replicas(server, folder, "envoy", "--drain-delay", 4) as replicas,
        envoy(folder, *(f"127.0.0.1:{replica.port}" for replica in replicas)) as gateway,
    ):
        await asyncio.to_thread(wait_until, lambda: status_of_health(gateway) == 200)
        # Calls without retries of the client's own.
        async with grpc.aio.insecure_channel(gateway.address, options=[("grpc.enable_retries", 0)]) as channel:
            orders, catalog = OrderServiceStub(channel), CatalogServiceStub(channel)
            await catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[mug]))

            async def call() -> None:
                # Not every other call: the servers get them in turn.
                if next(numbers) % 3:
                    await ended.count(orders.SearchOrders(SearchOrdersRequest(page_size=1), timeout=60))
                else:
                    await ended.count(catalog.AdjustStock(one_more, timeout=60))

            async with under_load(call):
                await restart_each(replicas)
            stored = await catalog.GetProduct(GetProductRequest(product_id="mug"))
    assert ended.keys() == {"OK"}
    assert stored.stock == mug.stock + (ended.total() + 2) // 3
