"""The change feed: what the sequencer and watchers cost writers, how soon changes arrive, and how fast readers catch up."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
import psycopg
import uvloop
from orders.v1.order_service_pb2 import CreateOrderRequest, WatchOrdersRequest, WatchOrdersResponse
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from benchmarks import bodies
from benchmarks.access import METADATA, new_key
from benchmarks.bench import Bench, Row
from benchmarks.readers import opening
from benchmarks.servers import HighestMemory, Server
from benchmarks.turns import Measured, Turns, costed

WATCH = f"{bodies.ORDER_SERVICE}WatchOrders"
_WATCHERS, _IDLE, _CUSTOMERS, _CHANGES = 1_000, 10_000, 100, 200


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    server, key = bench.server, new_key(bench.folder)

    def create() -> Measured:
        requests = bodies.creates(products=bodies.PRODUCTS, customers=_CUSTOMERS)
        return bench.calls(bodies.CREATE, requests, seconds=bench.seconds(3))

    def without_sequencer() -> Measured:
        with _sequencer_waiting(bench.url):
            return create()

    def watched() -> Measured:
        with opening(server.address, key, WATCH, _of_customers(), count=_WATCHERS, stalled=False) as watchers:
            watchers.seconds_to_open()
            return create()

    rounds = bench.rounds(4)
    turns.run({"CreateOrder": create, "CreateOrder, no sequencer": without_sequencer}, rounds=rounds)
    turns.run({"CreateOrder, no watchers": create, "CreateOrder, 1,000 watchers": watched}, rounds=rounds)
    delays = uvloop.run(_delays(server, bench.count(_CHANGES)))
    turns.run({"changes caught up with": lambda: costed(server, lambda: uvloop.run(_caught_up(server)))}, rounds=rounds)
    idle = bench.count(_IDLE)
    with (
        HighestMemory(server) as memory,
        opening(server.address, key, WATCH, _of_customers("idle"), count=idle, stalled=False) as watchers,
    ):
        watchers.seconds_to_open()
    return [
        Row("CreateOrder ÷ without the sequencer", turns.ratio("CreateOrder", "CreateOrder, no sequencer"), 0.95),
        Row(
            f"CreateOrder with {_WATCHERS:,} watchers of 1 % each ÷ without",
            turns.ratio("CreateOrder, 1,000 watchers", "CreateOrder, no watchers"),
            0.9,
        ),
        Row(
            "From a create's answer to its message, p50", 1000 * sorted(delays)[len(delays) // 2], at_most=30, unit="ms"
        ),
        Row("Changes caught up with", turns.median("changes caught up with"), at_least=50_000, unit="/s"),
        Row(f"Memory growth with {idle:,} idle watchers", memory.growth, at_most=400, unit="MB"),
    ]


@contextmanager
def _sequencer_waiting(url: str) -> Iterator[None]:
    """Keeps the sequencer waiting for its row."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT FROM feed_state FOR UPDATE")
        yield


def _of_customers(prefix: str = "") -> list[bytes]:
    """Requests for the changes of one customer each."""
    return [
        WatchOrdersRequest(filter={"customer_id": prefix + bodies.customer_id(number)}).SerializeToString()
        for number in range(_CUSTOMERS)
    ]


async def _delays(server: Server, count: int) -> list[float]:
    """The seconds from the answer to a create to the message with its change."""
    found = []
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = OrderServiceStub(channel)
        call = stub.WatchOrders(WatchOrdersRequest(), metadata=METADATA)
        while not (await call.read()).caught_up:
            pass
        for request in zip(range(count), bodies.creates(products=bodies.PRODUCTS), strict=False):
            order = await stub.CreateOrder(CreateOrderRequest.FromString(request[1]), metadata=METADATA)
            answered = time.perf_counter()
            while not any(change.event.order_id == order.order_id for change in (await call.read()).changes):
                pass
            found.append(time.perf_counter() - answered)
            # At another moment of the sequencer's tick each time.
            await asyncio.sleep(0.03)
        call.cancel()
    return found


async def _caught_up(server: Server) -> tuple[int, float]:
    """How many changes there are, and in how many seconds they came."""
    request = WatchOrdersRequest(start_time={"seconds": 1}, end_when_caught_up=True).SerializeToString()
    async with grpc.aio.insecure_channel(server.address) as channel:
        await channel.channel_ready()
        began = time.perf_counter()
        messages = [message async for message in channel.unary_stream(WATCH)(request, metadata=METADATA)]
        seconds = time.perf_counter() - began
    return WatchOrdersResponse.FromString(messages[-1]).count, seconds
