"""Where the server's CPU goes in GetOrder and CreateOrder, as py-spy sees it; writes the table into docs/performance.md.

python -m benchmarks.profile            # py-spy needs the right to look into the server's process
"""

import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import bodies, report
from benchmarks.bench import Bench
from benchmarks.callers import call
from benchmarks.servers import Server

_SECONDS = 15
# Samples a second. To look at the frames of libraries in C py-spy stops the process, so not too often.
_RATE = 100

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


def main() -> None:
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as parent, ExitStack() as stack:
        bench = Bench(Path(parent) / "data", stack, effort=1)
        for name, method, requests in (
            ("GetOrder", bodies.GET, bodies.gets(bench.order_ids)),
            ("CreateOrder", bodies.CREATE, bodies.creates(products=3)),
        ):
            found[name] = _profile(bench.server, method, requests, Path(parent) / "samples")
    lines = list(_table(found))
    print("\n".join(lines))
    report.write_part("profile", lines)


def _profile(server: Server, method: str, requests: Iterator[bytes], samples: Path) -> dict[str, float]:
    """Microseconds of the server's CPU a call, by group."""
    # Warm: the first calls of a server take longer.
    call(server.address, method, requests, seconds=2)
    before, calls = server.cpu(), len(call(server.address, method, requests, seconds=3).latencies)
    each = (server.cpu() - before) / calls * 1e6
    spy = [Path(sys.executable).with_name("py-spy"), "record", "--native", "--threads", "--format", "raw"]
    limits = ["--rate", str(_RATE), "--duration", str(_SECONDS), "--output", samples, "--pid", str(server.pid)]
    with subprocess.Popen([*spy, *limits], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as recording:
        until = time.monotonic() + _SECONDS + 5
        while recording.poll() is None and time.monotonic() < until:
            call(server.address, method, requests, seconds=1)
    counted = _counted(samples.read_text("utf-8").splitlines())
    return {group: count / counted.total() * each for group, count in counted.items()}


def _counted(lines: list[str]) -> Counter[str]:
    """Samples by group. A line is a stack, its frames separated by semicolons, and how often it was met."""
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if not re.search(r"epoll_p?wait[^;]*$", stack):
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


def _table(found: dict[str, dict[str, float]]) -> Iterator[str]:
    yield f"| µs of the server's CPU a call | {' | '.join(found)} |"
    yield "|---|" + "---:|" * len(found)
    groups = Counter[str]()
    for by_group in found.values():
        groups.update({group: round(10 * each) for group, each in by_group.items()})
    for group, _ in groups.most_common():
        yield f"| {group} | {' | '.join(f'{by_group.get(group, 0):.0f}' for by_group in found.values())} |"
    yield f"| in all | {' | '.join(f'{sum(by_group.values()):.0f}' for by_group in found.values())} |"


if __name__ == "__main__":
    main()
