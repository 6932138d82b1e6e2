"""GetOrder over HTTP/1.1: the gateway beside Envoy, each one process in front of the same server."""

import contextlib
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import http_load
from benchmarks.access import METADATA
from benchmarks.bench import Bench, Row
from benchmarks.servers import ORDERS, Server
from benchmarks.turns import Measured, Turns, costed

ROOT = Path(__file__).parents[2]
ENVOY = Path(sys.executable).with_name("envoy")
_CALLERS = 32


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    paths = [f"/v1/orders/{order_id}" for order_id in bench.order_ids[:100]]

    def through(front: Server) -> Measured:
        seconds = bench.seconds(2)
        return costed(
            front,
            lambda: http_load.load(front.address, paths, headers=METADATA, callers=_CALLERS, seconds=seconds),
        )

    with _gateway(bench.server) as gateway, _envoy(bench.folder, bench.server) as envoy:
        measures = {"GetOrder by the gateway": lambda: through(gateway), "GetOrder by Envoy": lambda: through(envoy)}
        turns.run(measures, rounds=bench.rounds(6))
    rate = turns.ratio("GetOrder by the gateway", "GetOrder by Envoy")
    return [
        Row("GetOrder over HTTP, gateway ÷ Envoy", rate, at_least=0.25),
        Row("CPU of the gateway", turns.median("GetOrder by the gateway", lambda each: each.microseconds), unit="µs"),
        Row("CPU of Envoy", turns.median("GetOrder by Envoy", lambda each: each.microseconds), unit="µs"),
    ]


@contextmanager
def _gateway(server: Server) -> Iterator[Server]:
    command = [ORDERS, "gateway", "--target", server.address, "--http-port", "0", "--drain-delay", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://(\S+) for", process.stdout.readline())
            assert found, "the gateway did not start"
            yield Server(found[1], process.pid)
        finally:
            process.terminate()


@contextmanager
def _envoy(folder: Path, server: Server) -> Iterator[Server]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    text = (
        (ROOT / "deploy" / "envoy.yaml").read_text(encoding="utf-8").replace("port_value: 8080", f"port_value: {port}")
    )
    file = folder.with_name("envoy.yaml")
    file.write_text(text.replace("port_value: 50051", f"port_value: {server.address.rpartition(':')[2]}"))
    command = [ENVOY, "-c", file, "--use-dynamic-base-id", "--concurrency", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz")
            yield Server(f"127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError("Envoy did not start")
