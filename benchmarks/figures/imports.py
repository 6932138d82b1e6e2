"""What callers wait for their orders while an import runs, beside what they wait without one."""

import itertools
import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks import bodies
from benchmarks.access import CLIENT_FLAGS
from benchmarks.bench import Bench, Row
from benchmarks.main_job import generate
from benchmarks.servers import ORDERS
from benchmarks.turns import Measured, Turns

_ORDERS = 60_000
_sources = itertools.count()


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    file = bench.folder.with_name("orders.jsonl")
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(order) + "\n" for order in generate(_ORDERS))

    def creates() -> Measured:
        return bench.calls(bodies.CREATE, bodies.creates(products=bodies.PRODUCTS), seconds=bench.seconds(2))

    def during_import() -> Measured:
        with _import(bench, file):
            return creates()

    turns.run({"CreateOrder": creates, "CreateOrder during an import": during_import}, rounds=bench.rounds(3))
    ratio = turns.ratio("CreateOrder during an import", "CreateOrder", of=lambda value: value.p99)
    return [
        Row("CreateOrder p99 during `orders import` ÷ without", ratio, at_most=3),
        Row("CreateOrder p99, 64 callers", turns.median("CreateOrder", lambda value: value.p99), unit="ms"),
    ]


@contextmanager
def _import(bench: Bench, file: Path) -> Iterator[None]:
    """An import that has begun, and has not ended when the block does."""
    source = f"import-{next(_sources)}"
    command = [ORDERS, "import", file, "--source", source, "--target", bench.server.address, *CLIENT_FLAGS]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        with psycopg.connect(bench.url, autocommit=True) as connection:
            while not connection.execute("SELECT 1 FROM orders WHERE source = %s LIMIT 1", [source]).fetchone():
                assert process.poll() is None, "the import failed"
        yield
        assert process.poll() is None, "the import ended before the measuring did: it needs a longer file"
        process.send_signal(signal.SIGINT)
