"""Clients of the calls that are few and large: streams of lists, and batches. Messages stay bytes, so that the client costs little."""

import asyncio
import time
from collections.abc import Sequence

import grpc
import uvloop

from benchmarks.access import METADATA

_OPTIONS = [("grpc.max_receive_message_length", 64 << 20), ("grpc.use_local_subchannel_pool", 1)]
_ORDERS = 0x0A


def orders_listed(address: str, method: str, request: bytes) -> tuple[int, float]:
    """How many orders a list has, and in how many seconds they came."""
    return uvloop.run(_orders_listed(address, method, request))


async def _orders_listed(address: str, method: str, request: bytes) -> tuple[int, float]:
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        await channel.channel_ready()
        started = time.perf_counter()
        # Counted behind the clock: that is not the list's work.
        pages = [page async for page in channel.unary_stream(method)(request, metadata=METADATA)]
        seconds = time.perf_counter() - started
        return sum(map(_count, pages)), seconds


def _count(page: bytes) -> int:
    """The orders of a ListOrdersResponse: its first field, again and again."""
    count = position = 0
    while position < len(page) and page[position] == _ORDERS:
        position += 1
        size = shift = 0
        while True:
            byte = page[position]
            size |= (byte & 0x7F) << shift
            position += 1
            if byte < 0x80:
                break
            shift += 7
        position += size
        count += 1
    return count


def read_through(address: str, method: str, request: bytes) -> int:
    """Reads a list to its end and keeps nothing; how many orders came."""
    return uvloop.run(_read_through(address, method, request))


async def _read_through(address: str, method: str, request: bytes) -> int:
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        count = 0
        async for page in channel.unary_stream(method)(request, metadata=METADATA):
            count += _count(page)
        return count


def read_slowly(address: str, method: str, request: bytes, *, clients: int, seconds: float) -> int:
    """Clients that each read a message, do something else for a while, and read on; how many messages they read."""
    return uvloop.run(_read_slowly(address, method, request, clients, seconds))


async def _read_slowly(address: str, method: str, request: bytes, clients: int, seconds: float) -> int:
    until = time.perf_counter() + seconds

    async def client(_: int) -> int:
        read = 0
        async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
            stream = channel.unary_stream(method)(request, metadata=METADATA)
            while time.perf_counter() < until and await stream.read() is not grpc.aio.EOF:
                read += 1
                await asyncio.sleep(0.5)
            stream.cancel()
        return read

    return sum(await asyncio.gather(*map(client, range(clients))))


def answers(address: str, method: str, requests: Sequence[bytes], *, callers: int) -> tuple[list[bytes], float]:
    """The answers to requests of any size, and in how many seconds they came."""
    return uvloop.run(_answers(address, method, requests, callers))


async def _answers(address: str, method: str, requests: Sequence[bytes], callers: int) -> tuple[list[bytes], float]:
    remaining = iter(requests)
    answers: list[bytes] = []
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        await channel.channel_ready()
        invoke = channel.unary_unary(method)

        async def caller() -> None:
            for request in remaining:
                answers.append(await invoke(request, metadata=METADATA))

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return answers, time.perf_counter() - started
