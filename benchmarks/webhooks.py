"""Measures webhooks: `python -m benchmarks.webhooks`. Prints one line per figure, with its target.

The receiver runs in a process of its own. Latencies with and without a dead endpoint are compared in alternating rounds.
"""

import asyncio
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from orders.v1.order_service_pb2 import UPSERT_MODE_ALL_OR_NOTHING, BatchUpsertOrdersRequest
from orders.v1.webhook_service_pb2 import CreateWebhookEndpointRequest, DisableWebhookEndpointRequest
from orders.v1.webhook_service_pb2_grpc import WebhookServiceStub

from server.config import Settings
from server.runtime.work import working
from server.storage import embedded
from server.storage.schema import schema
from tests.conftest import SERVING_ROLE, as_serving_role, create_serving_role, serving, stock_shop
from tests.storage.helpers import imported

EVENTS = int(os.environ.get("WEBHOOK_EVENTS", "4000"))
ROUNDS = int(os.environ.get("WEBHOOK_ROUNDS", "3"))
ENDPOINTS, OF_A_ROUND, BATCH = 20, 200, 20
SETTINGS = {"webhook_allow_http": True, "webhook_allowed_networks": "127.0.0.0/8", "rate_limit_bulk": 0.0}


class Received(asyncio.Protocol):
    """Answers 200 and notes the seconds from each event to its arrival. Requests to `/dead` get no answer."""

    def __init__(self, latencies: list[float]) -> None:
        self._latencies, self._buffer = latencies, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        if len(body) < length or head.startswith(b"POST /dead"):
            return
        self._buffer = body[length:]
        sent = datetime.fromisoformat(json.loads(body[:length])["timestamp"])
        self._latencies.append((datetime.now(UTC) - sent).total_seconds())
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def receive(pipe: Any) -> None:
    """Serves on a free port, and answers each message of the pipe with the latencies since the last one."""

    async def serve() -> None:
        latencies: list[float] = []
        server = await asyncio.get_running_loop().create_server(lambda: Received(latencies), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        while True:
            count = await asyncio.to_thread(pipe.recv)
            while len(latencies) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            pipe.send(latencies[:])
            latencies.clear()

    asyncio.run(serve())


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[Any, int]]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=receive, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours, await asyncio.to_thread(ours.recv)
    finally:
        process.kill()
        process.join()


def say(figure: str, value: str, target: str) -> None:
    print(f"{figure:<60} {value:>24}   target {target}", flush=True)


async def write(service: Any, name: str, count: int, *, seconds: float = 0.0) -> None:
    """Imports orders of all customers in turn, over some seconds."""
    began = time.monotonic()
    size = BATCH if seconds else 500
    for first in range(0, count, size):
        orders = [imported(f"{name}-{i}", f"c{i % ENDPOINTS}") for i in range(first, min(count, first + size))]
        request = BatchUpsertOrdersRequest(source="bench", mode=UPSERT_MODE_ALL_OR_NOTHING, orders=orders)
        await service.orders.BatchUpsertOrders(request)
        await asyncio.sleep(began + seconds * (first + size) / count - time.monotonic())


async def received(pipe: Any, count: int) -> list[float]:
    """The latencies of the next requests, once there are so many."""
    pipe.send(count)
    return list(await asyncio.to_thread(pipe.recv))


async def measure(url: str) -> None:
    async with receiver() as (pipe, port), serving(url, **SETTINGS, jobs="append_to_feed queue_webhooks") as service:
        await stock_shop(service)
        stub = WebhookServiceStub(service.channel)

        async def subscribe(path: str, customer: str) -> str:
            endpoint = {"url": f"http://127.0.0.1:{port}{path}", "filter": {"customer_id": customer}}
            made = await stub.CreateWebhookEndpoint(CreateWebhookEndpointRequest(endpoint=endpoint))
            return str(made.endpoint.endpoint_id)

        for number in range(ENDPOINTS):
            await subscribe(f"/{number}", f"c{number}")
        began, cpu = time.monotonic(), time.process_time()
        await write(service, "burst", EVENTS)
        while (await service.rows("SELECT count(*) FROM webhook_deliveries"))[0][0] < EVENTS:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        say("events imported and queued", rates(EVENTS, began, cpu), ">= 1,000/s")
        served = as_serving_role(url)
        settings = Settings(database_url=served, jobs="deliver_webhooks", **SETTINGS)
        began, cpu = time.monotonic(), time.process_time()
        async with working(settings, served):
            await received(pipe, EVENTS)
            say("events delivered to 20 endpoints by one process", rates(EVENTS, began, cpu), ">= 1,000/s")
            if ROUNDS:
                await compare(service, pipe, stub, subscribe)


def rates(count: int, began: float, cpu: float) -> str:
    """By the clock, and by this process's CPU."""
    return f"{count / (time.monotonic() - began):,.0f}/s, {count / (time.process_time() - cpu):,.0f}/CPU s"


async def compare(service: Any, pipe: Any, stub: Any, subscribe: Any) -> None:
    """Compares the latencies without and with a dead endpoint that wants everything of one customer."""
    healthy, beside_dead = [], []
    for number in range(ROUNDS):
        await write(service, f"healthy-{number}", OF_A_ROUND, seconds=2.0)
        healthy += await received(pipe, OF_A_ROUND)
        dead = await subscribe("/dead", "c0")
        await write(service, f"dead-{number}", OF_A_ROUND, seconds=2.0)
        beside_dead += await received(pipe, OF_A_ROUND)
        await stub.DisableWebhookEndpoint(DisableWebhookEndpointRequest(endpoint_id=dead))
    values = [statistics.quantiles(each, n=100)[98] * 1000 for each in (healthy, beside_dead)]
    say("p99 beside a dead endpoint / without", f"{values[1]:.0f} ms / {values[0]:.0f} ms", "<= 1.10")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="orders-webhooks-") as folder:
        Path(folder).chmod(0o755)
        postgres = embedded.start(Path(folder) / "data")
        try:
            create_serving_role(postgres.url)
            schema.migrate(postgres.url, grant_to=SERVING_ROLE)
            uvloop.run(measure(postgres.url))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
