"""Measures the change feed: `python -m benchmarks.feed`. Prints one line per figure, with its target.

Rates are compared in alternating rounds, since other work on the machine changes from second to second.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import psycopg
from orders.v1.order_service_pb2 import WatchOrdersRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.storage import embedded
from server.storage.schema import schema
from tests.conftest import SERVING_ROLE, create_serving_role, serving, stock_shop
from tests.shop import new_order

SECONDS = float(os.environ.get("FEED_SECONDS", "4"))
ROUNDS = int(os.environ.get("FEED_ROUNDS", "3"))
CALLERS, WATCHERS, IDLE = 64, 1_000, int(os.environ.get("FEED_IDLE", "10000"))
OPTIONS = [("grpc.max_concurrent_streams", 100_000), ("grpc.use_local_subchannel_pool", 1)]


def say(figure: str, value: str, target: str) -> None:
    print(f"{figure:<60} {value:>16}   target {target}", flush=True)


async def writes_per_second(service: Any, seconds: float = SECONDS) -> float:
    """Orders that 64 callers create in a second; each customer has one in a hundred of them."""
    end, count = time.monotonic() + seconds, 0

    async def create(caller: int) -> None:
        nonlocal count
        while time.monotonic() < end:
            await service.orders.CreateOrder(new_order(f"customer-{(count + caller) % 100}"))
            count += 1

    await asyncio.gather(*map(create, range(CALLERS)))
    return count / seconds


async def ratio(service: Any, begin: Callable[[], Awaitable[Callable[[], Awaitable[None]]]]) -> float:
    """The rate of writes while something goes on, in relation to the rate without it."""
    ratios = []
    for _ in range(ROUNDS):
        before = await writes_per_second(service)
        stop = await begin()
        during = await writes_per_second(service)
        await stop()
        ratios.append(2 * during / (before + await writes_per_second(service)))
    return statistics.median(ratios)


async def watched(service: Any, count: int) -> Callable[[], Awaitable[None]]:
    """Streams that each want one of a hundred customers; over ten connections."""
    channels = [grpc.aio.insecure_channel(service.address, options=OPTIONS) for _ in range(10)]

    async def read(number: int) -> None:
        request = WatchOrdersRequest(filter={"customer_id": f"customer-{number % 100}"})
        async for _ in OrderServiceStub(channels[number % 10]).WatchOrders(request):
            pass

    tasks = [asyncio.create_task(read(number)) for number in range(count)]
    await asyncio.sleep(3 + count / 1000)

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(channel.close() for channel in channels))

    return stop


async def latencies(service: Any, reader: Any) -> list[float]:
    """Seconds from a create's answer to its message."""
    call, found = reader.orders.WatchOrders(WatchOrdersRequest()), []
    while not (await call.read()).caught_up:
        pass
    for _ in range(50):
        order = await service.orders.CreateOrder(new_order())
        committed = time.monotonic()
        while True:
            message = await call.read()
            if any(change.event.order_id == order.order_id for change in message.changes):
                break
        found.append(time.monotonic() - committed)
        await asyncio.sleep(0.03)
    call.cancel()
    return found


async def catch_up(service: Any) -> tuple[float, float]:
    """Changes per second of the whole feed, by the clock and by this process's CPU, in which client and server share a core."""
    call, count = service.orders.WatchOrders(WatchOrdersRequest(start_time={"seconds": 1}, end_when_caught_up=True)), 0
    began, cpu = time.monotonic(), time.process_time()
    async for message in call:
        count += len(message.changes)
    return count / (time.monotonic() - began), count / (time.process_time() - cpu)


async def measure(url: str) -> None:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(serving(url))
        await stock_shop(service)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE inventory SET available = 100000000")

        async def without_sequencer() -> Callable[[], Awaitable[None]]:
            # Whoever holds this row keeps the sequencer waiting.
            holder = await psycopg.AsyncConnection.connect(url)
            await holder.execute("SELECT FROM feed_state FOR UPDATE")
            return holder.close

        slower = await ratio(service, without_sequencer)
        say("writes with the sequencer / without", f"{1 / slower:.2f}", ">= 0.95")
        say(
            "writes with 1,000 watchers of 1 % each / without",
            f"{await ratio(service, lambda: watched(service, WATCHERS)):.2f}",
            ">= 0.9",
        )
        own = await latencies(service, service)
        say("commit to message within a process, p50", f"{statistics.median(own) * 1000:.0f} ms", "<= 30 ms")
        rate, by_cpu = await catch_up(service)
        say("catching up, client and server in one process", f"{rate:,.0f}/s, {by_cpu:,.0f}/CPU s", ">= 50,000/s")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="orders-feed-") as folder:
        Path(folder).chmod(0o755)
        postgres = embedded.start(Path(folder) / "data")
        try:
            create_serving_role(postgres.url)
            schema.migrate(postgres.url, grant_to=SERVING_ROLE)
            asyncio.run(measure(postgres.url))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
