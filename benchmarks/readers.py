"""Readers of streams in a process of their own, which read everything at once or nothing at all. Ends when its input does.

python -m benchmarks.readers ADDRESS KEY METHOD COUNT read|stall REQUEST…    # requests in hex, used in turn
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
import uvloop

_READERS_PER_CONNECTION = 100


@contextmanager
def opening(
    address: str, key: str, method: str, requests: Sequence[bytes], *, count: int, stalled: bool
) -> Iterator["Readers"]:
    """Readers who have connected and begin to open their streams; they leave in the end."""
    command = [sys.executable, "-m", "benchmarks.readers", address, key, method, str(count)]
    command += ["stall" if stalled else "read", *(request.hex() for request in requests)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "connected\n"
        yield Readers(process)
        process.communicate()


class Readers:
    """Readers in their process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def seconds_to_open(self) -> float:
        """How long opening took, once every stream is open."""
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())


async def _open(address: str, key: str, method: str, count: int, *, reads: bool, requests: Sequence[bytes]) -> None:
    metadata = [("authorization", f"Bearer {key}")]
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(0, count, _READERS_PER_CONNECTION)]
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    print("connected", flush=True)
    began = time.perf_counter()
    streams = [
        channels[number % len(channels)].unary_stream(method)(requests[number % len(requests)], metadata=metadata)
        for number in range(count)
    ]
    # The headers of an answer come with its first message.
    await asyncio.gather(*(stream.initial_metadata() for stream in streams))
    print(time.perf_counter() - began, flush=True)
    reading = [asyncio.create_task(_read(stream)) for stream in streams if reads]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in reading:
        task.cancel()
    for channel in channels:
        await channel.close()


async def _read(stream: Any) -> None:
    async for _ in stream:
        pass


def main(address: str, key: str, method: str, count: str, mode: str, *requests: str) -> None:
    sent = [bytes.fromhex(request) for request in requests]
    uvloop.run(_open(address, key, method, int(count), reads=mode == "read", requests=sent))


if __name__ == "__main__":
    main(*sys.argv[1:])
