"""Replicas that share the work and are killed: every change is delivered, with one attempt at a time."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from server.config import Settings
from server.runtime.work import working
from tests.conftest import Service, as_serving_role, serving, stock_shop
from tests.webhooks.receiver import LOOPBACK, receiving
from tests.webhooks.test_deliveries import create, many, subscribe

# `make torture` sets larger ones.
KILLS = int(os.environ.get("TORTURE_KILLS", "1"))
CHANGES = int(os.environ.get("TORTURE_CHANGES", "20"))


def _work(url: str, word: Any) -> None:
    async def work() -> None:
        jobs = "append_to_feed queue_webhooks deliver_webhooks"
        settings = Settings(database_url=url, jobs=jobs, database_timeout=60.0, webhook_timeout=30.0, **LOOPBACK)
        async with working(settings, url):
            word.send("working")
            await asyncio.Event().wait()

    asyncio.run(work())


@asynccontextmanager
async def worker(url: str) -> AsyncIterator[Any]:
    """A process that only works; killed at the end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(as_serving_role(url), theirs))
    process.start()
    theirs.close()
    try:
        await asyncio.to_thread(ours.recv)
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.join)


async def expire_leases(service: Service) -> None:
    """Lets the time of the leases pass that a killed process holds."""
    for table, column, held in (
        ("webhook_deliveries", "next_time", "lease_id IS NOT NULL"),
        ("job_leases", "expire_time", "true"),
    ):
        await service.rows(f"UPDATE {table} SET {column} = now() - interval '1 second' WHERE {held} RETURNING 1")


async def test_killed_workers_lose_nothing(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with receiving() as receiver, serving(url, jobs="none", **LOOPBACK) as service:
        await stock_shop(service)
        made = await subscribe(service, receiver, "/safe")
        receiver.blocked["/safe"] = asyncio.Event()
        orders: list[str] = []
        for _ in range(KILLS):
            orders += [(await create(service, "/safe")).order_id for _ in range(CHANGES // KILLS)]
            before = len(receiver.received.get("/safe", []))
            async with worker(url):
                # It is killed while its requests are open.
                await receiver.until("/safe", many(before + 1))
            await expire_leases(service)
        receiver.blocked["/safe"].set()
        async with worker(url), worker(url):
            await receiver.until("/safe", lambda got: {request.key[0] for request in got} == set(orders))
        ids = {request.key: request.webhook_id for request in receiver.received["/safe"]}
        assert len(set(ids.values())) == len(orders)
        for request in receiver.received["/safe"]:
            request.verify(made.secret)


async def test_two_replicas_never_attempt_a_delivery_at_the_same_time(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with receiving() as receiver, serving(url, **LOOPBACK) as service, serving(url, **LOOPBACK):
        await stock_shop(service)
        await subscribe(service, receiver, "/shared", max_concurrency=4)
        orders = [await create(service, "/shared") for _ in range(CHANGES)]
        received = await receiver.until("/shared", many(len(orders)))
        assert len({request.webhook_id for request in received}) == len(received) == len(orders)
        assert receiver.most_open["/shared"] <= 4
