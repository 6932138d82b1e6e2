"""A rolling restart of two servers under load: clients that balance as documented see no call fail."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from orders.v1.order_service_pb2 import SearchOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from tests.e2e.processes import ROOT, Server, free_port, start, wait_until

RESTARTS = int(os.environ.get("RESTARTS", "2"))
RATE = float(os.environ.get("RESTARTS_RATE", "50"))

DOCUMENTED = json.loads((ROOT / "docs/service-config.json").read_text())
BALANCE_BY_HEALTH = {name: DOCUMENTED[name] for name in ("loadBalancingConfig", "healthCheckConfig")}
RETRY = {name: DOCUMENTED[name] for name in ("loadBalancingConfig", "methodConfig")}


class Replica:
    """One of the servers: always on the same port, with a log that names each call."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.port, self._url, self._log = free_port(), database_url, folder / "log"
        folder.mkdir()
        self.start()

    def start(self) -> None:
        env = {"ORDERS_DATABASE_URL": self._url}
        self.process = start("serve", "--port", self.port, "--log-level", "debug", env=env, stderr=self._log.open("w"))
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


@pytest.mark.timeout(60 * (2 + RESTARTS))
@pytest.mark.parametrize("config", [BALANCE_BY_HEALTH, RETRY], ids=["balances by health", "retries"])
async def test_no_call_fails_while_servers_restart(server: Server, folder: Path, config: dict[str, Any]) -> None:
    name = "health" if config is BALANCE_BY_HEALTH else "retries"
    url = server.migrated(name)
    replicas = [Replica(url, folder / f"{name}{number}") for number in range(2)]
    ended: Counter[str] = Counter()
    options = [("grpc.service_config", json.dumps(config)), ("grpc.max_reconnect_backoff_ms", 500)]
    target = "ipv4:" + ",".join(f"127.0.0.1:{replica.port}" for replica in replicas)
    try:
        async with grpc.aio.insecure_channel(target, options=options) as channel:
            stub = OrderServiceStub(channel)

            async def call() -> None:
                try:
                    await stub.SearchOrders(SearchOrdersRequest(page_size=1), timeout=60)
                    ended["OK"] += 1
                except grpc.aio.AioRpcError as error:
                    ended[f"{error.code().name}: {error.details()}"] += 1

            async with under_load(call):
                for number in range(RESTARTS):
                    await asyncio.to_thread(replicas[number % 2].restart)
    finally:
        assert [replica.stop() for replica in replicas] == [0, 0]
    assert ended.keys() == {"OK"}
