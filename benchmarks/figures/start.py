"""How long the server takes to start on a database that is there, its embedded PostgreSQL included."""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench, Row
from benchmarks.servers import start_seconds
from benchmarks.turns import Measured, Turns


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as parent:
        Path(parent).chmod(0o755)  # where this is root, PostgreSQL runs as another user
        folder = Path(parent) / "data"
        start_seconds(folder)
        turns.run({"start": lambda: Measured(1, start_seconds(folder))}, rounds=bench.rounds(3))
    seconds = statistics.median(value.seconds for value in turns.measured["start"])
    return [Row("Start of `orders serve` on an existing database", seconds, at_most=2, unit="s")]
