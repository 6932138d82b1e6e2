"""A smoke run: a server with an embedded PostgreSQL of its own, and each kind of call under load, in turns.

The load comes from one Python process on the same machine and costs more than the server does: read the figures against each
other, not as what the server can do.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import uvloop

from benchmarks.load import Load, rate

ORDERS = Path(sys.executable).with_name("orders")
RESULTS = Path(__file__).with_name("results")
ROUNDS = 3
SECONDS = 2.0


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """A server of its own; its address and its process id."""
    # Payments from outside, as with a database of one's own: the test provider would make two writes of every order.
    command = [ORDERS, "serve", "--port", "0", "--data-dir", folder, "--no-demo", "--log-level", "warning"]
    command += ["--payment-provider", "external"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            yield first.split(" on ", 1)[1].split(",", 1)[0], process.pid
        finally:
            process.terminate()


async def measure(address: str) -> dict[str, list[float]]:
    """Calls (or orders) a second, by name, one figure a round."""
    figures: dict[str, list[float]] = {}
    async with grpc.aio.insecure_channel(address, options=[("grpc.max_receive_message_length", 64 << 20)]) as channel:
        load = Load(channel)
        await load.prepare()
        calls = {"health check": load.health, "GetOrder": load.get, "CreateOrder": load.create}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                figures.setdefault(name, []).append(await rate(call, callers=64, seconds=SECONDS))
            alone = await rate(load.create, callers=1, seconds=SECONDS)
            figures.setdefault("CreateOrder, one caller", []).append(alone)
            upserts = await rate(load.upsert, callers=2, seconds=SECONDS)
            figures.setdefault("BatchUpsertOrders, orders", []).append(1000 * upserts)
            started = time.perf_counter()
            listed = await load.list()
            figures.setdefault("ListOrders, orders", []).append(listed / (time.perf_counter() - started))
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as folder:
        data = Path(folder) / "data"
        with server(data) as (address, _):
            figures = uvloop.run(measure(address))
        subprocess.run([ORDERS, "verify", "--data-dir", data], check=True)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "smoke.json").write_text(json.dumps(figures, indent=2) + "\n")
    print("| a second, 64 callers unless said | median | ÷ health check |\n|---|---:|---:|")
    for name, median in medians.items():
        print(f"| {name} | {median:,.0f} | {median / medians['health check']:.2f} |")


if __name__ == "__main__":
    main()
