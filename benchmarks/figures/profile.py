"""Where the server's CPU goes in GetOrder and CreateOrder, as py-spy sees it."""

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import bodies
from benchmarks.bench import Bench, Row
from benchmarks.callers import call
from benchmarks.servers import Server
from benchmarks.turns import Turns

# Samples a second. To look at the frames of libraries in C py-spy stops the process, so not too often.
_RATE = 100

# Stacks of threads that wait: for calls, and for Prometheus, which does not ask here.
_WAITING = r"epoll_p?wait[^;]*$|^[^;]*: metrics;"
_POLLER = "grpc: the thread that polls"
# The first group that one of a sample's frames belongs to, from the innermost frame on.
_GROUPS = {
    "garbage collector": r"gc_collect|gcmodule\.c",
    "protovalidate": r"protovalidate",
    "protobuf": r"google/_upb|google/protobuf|_message\.abi3|_upb",
    "psycopg and libpq": r"psycopg|libpq",
    "the gate: credentials, rights, limits": r"server/identity/|server/rpc/(gate|access|admission|limits|buckets)\.py",
    "rules": r"server/domain/",
    "rows and packing": r"server/storage/(arrays|changes|projections|sql)\.py",
    "queue, reading, pool": r"server/storage/",
    "around the handler": r"server/rpc/",
    "grpc": r"cygrpc|grpc/",
    "event loop": r"uvloop|asyncio|loop\.c|libuv",
}


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    methods = (
        ("GetOrder", bodies.GET, bodies.gets(bench.order_ids)),
        ("CreateOrder", bodies.CREATE, bodies.creates(products=3)),
    )
    return [
        Row(group, microseconds, unit="µs", whole=name)
        for name, method, requests in methods
        for group, microseconds in _profile(bench, turns, name, method, requests).items()
    ]


def _profile(bench: Bench, turns: Turns, name: str, method: str, requests: Iterator[bytes]) -> dict[str, float]:
    """Microseconds of the server's CPU a call, by group; nothing where py-spy may not look into the server's process."""
    server, samples = bench.server, bench.folder.with_name("samples")
    # Warm: the first calls of a server take longer.
    call(server.address, method, requests, seconds=1)
    turns.run({name: lambda: bench.calls(method, requests, seconds=bench.seconds(2))}, rounds=1)
    seconds = round(bench.seconds(8))
    with _recording(server, samples, seconds=seconds) as recording:
        until = time.monotonic() + seconds + 10
        while recording.poll() is None and time.monotonic() < until:
            call(server.address, method, requests, seconds=1)
        recording.terminate()
    if recording.returncode:
        print("  left out: py-spy may not look into the server", flush=True)
        return {}
    counted = _counted(samples.read_text("utf-8").splitlines())
    each = turns.median(name, of=lambda value: value.microseconds)
    return {group: each * count / counted.total() for group, count in counted.items()}


def _recording(server: Server, samples: Path, *, seconds: int) -> subprocess.Popen[bytes]:
    spy = [Path(sys.executable).with_name("py-spy"), "record", "--native", "--threads", "--format", "raw"]
    limits = ["--rate", str(_RATE), "--duration", str(seconds), "--output", samples, "--pid", str(server.pid)]
    return subprocess.Popen([*spy, *limits], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _counted(lines: list[str]) -> Counter[str]:
    """Samples by group. A line is a stack, its frames separated by semicolons, and how often it was met."""
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if not re.search(_WAITING, stack):
            counted[_group(stack.split(";"))] += int(count)
    return counted


def _group(stack: list[str]) -> str:
    if "_poll_wrapper" in stack[0]:
        return _POLLER
    for frame in reversed(stack[1:]):
        for group, pattern in _GROUPS.items():
            if re.search(pattern, frame):
                return group
    return "other"
