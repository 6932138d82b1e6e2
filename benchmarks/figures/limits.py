"""What a caller within its limit notices of 200 who go on over theirs."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks import bodies
from benchmarks.access import new_key
from benchmarks.bench import Bench, Row
from benchmarks.crowd import CALLERS
from benchmarks.servers import Server, orders_server
from benchmarks.turns import Measured, Turns

# Calls a second that each may make, and that the one who keeps to it makes.
_LIMIT = 60
_PACE = 50


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    key, requests = new_key(bench.folder), bodies.gets(bench.order_ids[:1])
    with orders_server(bench.folder, "--rate-limit-read", str(_LIMIT), "--rate-limit-block-seconds", "0") as server:

        def alone() -> Measured:
            seconds = bench.seconds(3)
            return bench.calls(bodies.GET, requests, server=server, seconds=seconds, callers=1, every=1 / _PACE)

        def crowded() -> Measured:
            with _crowd(server, key, next(requests)):
                return alone()

        alone()
        turns.run({"one caller": alone, f"one caller with {CALLERS}": crowded}, rounds=bench.rounds(2))
    others = f"while {CALLERS} others are over their limit"
    return [
        Row(
            f"A caller within its limit, {name} of GetOrder {others} ÷ without",
            turns.ratio(f"one caller with {CALLERS}", "one caller", of=of),
            at_most=2,
        )
        for name, of in (("p50", lambda value: value.p50), ("p99", lambda value: value.p99))
    ]


@contextmanager
def _crowd(server: Server, key: str, request: bytes) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.crowd", server.address, key, bodies.GET, request.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        # Until their first portion is used up.
        time.sleep(2)
        yield
        said, _ = crowd.communicate()
        print(f"  the others: {said.strip()}", flush=True)
        assert "RESOURCE_EXHAUSTED" in said
