"""What a caller within its limit notices of 200 who go on over theirs."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
from orders.v1.order_service_pb2 import GetOrderRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from benchmarks.access import METADATA, new_key
from benchmarks.bench import Bench, Row
from benchmarks.crowd import CALLERS
from benchmarks.servers import Server, orders_server
from benchmarks.turns import Measured, Turns, costed

# Calls a second that each may make, and that the one who keeps to it makes.
_LIMIT = 60
_PACE = 50


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    key, order_id = new_key(bench.folder), bench.order_ids[0]
    with orders_server(bench.folder, "--rate-limit-read", str(_LIMIT), "--rate-limit-block-seconds", "0") as server:

        def alone() -> Measured:
            return _paced(server, order_id, seconds=bench.seconds(4))

        def crowded() -> Measured:
            with _crowd(server, key, order_id):
                return alone()

        alone()
        turns.run({"one caller": alone, f"one caller beside {CALLERS}": crowded}, rounds=bench.rounds(4))
    others = f"while {CALLERS} others are over their limit"
    return [
        Row(
            f"A caller within its limit, {name} of GetOrder {others} ÷ without",
            turns.ratio(f"one caller beside {CALLERS}", "one caller", of=of),
            at_most=2,
        )
        for name, of in (("p50", lambda value: value.p50), ("p99", lambda value: value.p99))
    ]


@contextmanager
def _crowd(server: Server, key: str, order_id: str) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.crowd", server.address, key, order_id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        # Until their first portion is used up.
        time.sleep(2)
        yield
        said, _ = crowd.communicate()
        print(f"  the others: {said.strip()}", flush=True)
        assert "RESOURCE_EXHAUSTED" in said


def _paced(server: Server, order_id: str, *, seconds: float) -> Measured:
    latencies: list[float] = []

    def run() -> tuple[int, float]:
        began = time.perf_counter()
        latencies.extend(sorted(asyncio.run(_call(server.address, order_id, seconds))))
        return len(latencies), time.perf_counter() - began

    value = costed(server, run)
    p50, p99 = (1000 * latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    return Measured(value.done, value.seconds, value.cpu, p50, p99)


async def _call(address: str, order_id: str, seconds: float) -> list[float]:
    """The seconds that each call took; any that is refused ends the run."""
    latencies = []
    async with grpc.aio.insecure_channel(address) as channel:
        stub = OrderServiceStub(channel)
        for _ in range(int(seconds * _PACE)):
            began = time.perf_counter()
            await stub.GetOrder(GetOrderRequest(order_id=order_id), metadata=METADATA)
            latencies.append(time.perf_counter() - began)
            await asyncio.sleep(1 / _PACE - latencies[-1])
    return latencies
