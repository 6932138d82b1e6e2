"""What one caller alone waits for an order, beside the same server without its queue."""

import sys
from collections.abc import Sequence

from benchmarks import bodies
from benchmarks.bench import Bench, Row
from benchmarks.servers import FLAGS, Server, started
from benchmarks.turns import Measured, Turns


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    command = [sys.executable, "-m", "benchmarks.baselines.unbatched", "serve", *FLAGS, "--data-dir", bench.folder]
    with started(command) as unbatched:

        def alone(server: Server) -> Measured:
            requests = bodies.creates(products=bodies.PRODUCTS)
            return bench.calls(bodies.CREATE, requests, server=server, callers=1, seconds=bench.seconds(2))

        alone(unbatched)
        measures = {"one caller": lambda: alone(bench.server), "one caller, unbatched": lambda: alone(unbatched)}
        turns.run(measures, rounds=bench.rounds(4))
    p50 = turns.ratio("one caller", "one caller, unbatched", of=lambda value: value.p50)
    p99 = turns.ratio("one caller", "one caller, unbatched", of=lambda value: value.p99)
    return [
        Row("One caller's CreateOrder, p50 ÷ unbatched", p50, at_most=1.15),
        Row("One caller's CreateOrder, p99 ÷ unbatched", p99, at_most=1.15),
        Row("One caller's CreateOrder, p50", turns.median("one caller", lambda value: value.p50), unit="ms"),
    ]
