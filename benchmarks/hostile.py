"""Sends a real server hostile requests to every method, and measures how long another caller waits and what memory is kept."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from orders.v1.catalog_service_pb2 import GetProductRequest
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub

from benchmarks.access import METADATA
from benchmarks.hostile_requests import HostileRequest, hostile_requests
from benchmarks.servers import Server, orders_server
from server.domain.base.methods import SERVICES

_METHODS = {method.name: method for service in SERVICES for method in service.methods}
_HEALTH = tuple(health_pb2.DESCRIPTOR.services_by_name["Health"].methods)[:1]

# Just below the limit of 4 MiB: the request's outer fields come on top.
_SIZE = (4 << 20) - 4096
# Targets: the milliseconds that another caller waits at most beyond what it waits while nothing else calls, and the MB that memory
# may have grown by in the end.
_MAX_WAIT, _MAX_GROWTH = 100.0, 50.0
# A wait is the shortest of so many tries: what else the server does is not the request's fault.
_TRIES = 3
# Seconds between two calls of the other caller, and that a call may take.
_INTERVAL, _TIMEOUT = 0.002, 60.0


class Result(NamedTuple):
    """What a request did to a server."""

    method: str
    shape: str
    wait: float
    growth: float
    code: str


class _OtherCaller:
    """Calls the server again and again, and knows its longest wait, in milliseconds.

    A wait is at most as long as the server was busy meanwhile: what other programs take of the machine is not the server's fault.
    """

    def __init__(self, server: Server, channel: grpc.aio.Channel) -> None:
        self._server, self._catalog, self._longest = server, CatalogServiceStub(channel), 0.0

    async def call(self) -> None:
        began, busy = time.perf_counter(), self._server.own_cpu()
        with suppress(grpc.aio.AioRpcError):
            await self._catalog.GetProduct(GetProductRequest(product_id="mug"), metadata=METADATA, timeout=_TIMEOUT)
        waited = min(time.perf_counter() - began, self._server.own_cpu() - busy)
        self._longest = max(self._longest, waited * 1000)

    async def run(self) -> None:
        while True:
            await self.call()
            await asyncio.sleep(_INTERVAL)

    async def take_longest(self) -> float:
        """The longest wait since this was asked last, one that is under way included."""
        await self.call()
        longest, self._longest = self._longest, 0.0
        return longest


class _Attack:
    def __init__(self, server: Server, channel: grpc.aio.Channel, other: _OtherCaller) -> None:
        self._server, self._channel, self._other = server, channel, other

    async def run(self, method: MethodDescriptor) -> list[Result]:
        assert method.containing_service is not None
        return [await self._try(method, request) for request in hostile_requests(method.input_type, _SIZE)]

    async def warm_up(self, method: MethodDescriptor) -> None:
        """Sends a few requests that are not measured: the first ones load and compile what all others use."""
        for request in islice(hostile_requests(method.input_type, _SIZE), 5):
            await self._send(method, request.data)

    async def quiet_wait(self) -> float:
        """How long the other caller waits while nothing else calls."""
        waits = []
        for _ in range(_TRIES):
            await self._other.take_longest()
            await asyncio.sleep(0.5)
            waits.append(await self._other.take_longest())
        return min(waits)

    async def _try(self, method: MethodDescriptor, request: HostileRequest) -> Result:
        before, wait, code = self._server.memory(), float("inf"), ""
        for _ in range(_TRIES):
            await self._other.take_longest()
            code = await self._send(method, request.data)
            wait = min(wait, await self._other.take_longest())
            if wait <= _MAX_WAIT:
                break
        return Result(str(method.name), request.shape, wait, self._server.memory() - before, code)

    async def _send(self, method: MethodDescriptor, data: bytes) -> str:
        path = f"/{method.containing_service.full_name}/{method.name}"
        metadata, timeout = METADATA, _TIMEOUT
        if method.server_streaming:
            stream = self._channel.unary_stream(path)(data, metadata=metadata, timeout=timeout)
            with suppress(grpc.aio.AioRpcError):
                async for _ in stream:
                    pass
            return str((await stream.code()).name)
        call = self._channel.unary_unary(path)(data, metadata=metadata, timeout=timeout)
        return str((await call.code()).name)


async def _attack(server: Server, methods: Sequence[MethodDescriptor]) -> bool:
    """Prints the worst of each method; returns whether all was within the targets."""
    options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_metadata_size", 1 << 20)]
    async with (
        grpc.aio.insecure_channel(server.address, options=options) as hostile,
        grpc.aio.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as own,
    ):
        await health_pb2_grpc.HealthStub(own).Check(health_pb2.HealthCheckRequest())
        other = _OtherCaller(server, own)
        running = asyncio.create_task(other.run())
        attack, kept = _Attack(server, hostile, other), []
        await attack.warm_up(methods[0])
        memory = server.memory()
        print(f"{'method':28}{'shapes':>7}{'worst wait, ms':>16}{'memory, MB':>12}  worst shape", flush=True)
        quiet = await attack.quiet_wait()
        print(f"{'(nothing)':28}{0:7}{quiet:16.1f}{0:+12.1f}", flush=True)
        for method in methods:
            results = await attack.run(method)
            kept += results
            worst = max(results, key=lambda result: result.wait)
            growth = server.memory() - memory
            print(
                f"{method.name:28}{len(results):7}{worst.wait:16.1f}{growth:+12.1f}  {worst.shape}, {worst.code}",
                flush=True,
            )
        running.cancel()
    return _report(kept, server.memory() - memory, max_wait=quiet + _MAX_WAIT)


def _report(results: Sequence[Result], growth: float, *, max_wait: float) -> bool:
    slow = [result for result in results if result.wait > max_wait]
    for result in sorted(slow, key=lambda result: -result.wait):
        print(f"too slow: {result.method}, {result.shape}: another caller waited {result.wait:.0f} ms ({result.code})")
    failed = [result for result in results if result.code in ("INTERNAL", "UNKNOWN", "UNAVAILABLE")]
    for result in failed:
        print(f"failed: {result.method}, {result.shape}: {result.code}")
    print(f"{len(results)} requests; memory grew by {growth:.1f} MB, the target is {_MAX_GROWTH:g}")
    return not slow and not failed and growth <= _MAX_GROWTH


def _chosen(names: Sequence[str]) -> Iterator[MethodDescriptor]:
    for name in names:
        if name not in _METHODS:
            sys.exit(f"there is no method {name}; choose from {', '.join(_METHODS)}")
        yield _METHODS[name]


def _open(folder: str) -> Path:
    Path(folder).chmod(0o755)  # where this is root, PostgreSQL runs as another user
    return Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", nargs="*", help="methods to attack (default: all, and health checks)")
    methods = [*_chosen(parser.parse_args().method)] or [*_METHODS.values(), *_HEALTH]
    with (
        tempfile.TemporaryDirectory(prefix="orders-hostile-") as folder,
        orders_server(_open(folder) / "data") as server,
    ):
        sys.exit(not asyncio.run(_attack(server, methods)))


if __name__ == "__main__":
    main()
