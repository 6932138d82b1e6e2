"""Readers of a list that never read. Ends when its input does.

python -m benchmarks.stalled ADDRESS KEY METHOD REQUEST COUNT    # REQUEST in hex; prints how many seconds opening them took
"""

import asyncio
import sys
import time

import grpc
import uvloop

_READERS_PER_CONNECTION = 100


async def _open(address: str, key: str, method: str, request: bytes, count: int) -> None:
    metadata = [("authorization", f"Bearer {key}")]
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(0, count, _READERS_PER_CONNECTION)]
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    print("connected", flush=True)
    began = time.perf_counter()
    streams = [
        channels[number % len(channels)].unary_stream(method)(request, metadata=metadata) for number in range(count)
    ]
    # The headers of an answer come with its first message.
    await asyncio.gather(*(stream.initial_metadata() for stream in streams))
    print(time.perf_counter() - began, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for channel in channels:
        await channel.close()


def main(address: str, key: str, method: str, request: str, count: str) -> None:
    uvloop.run(_open(address, key, method, bytes.fromhex(request), int(count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
