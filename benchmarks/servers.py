"""The processes that are measured, and what they cost."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.access import let_in

ORDERS = Path(sys.executable).with_name("orders")
RESULTS = Path(__file__).with_name("results")

# Payments from outside, as with a database of one's own: the test provider would make two writes of every order.
FLAGS = ("--port", "0", "--no-demo", "--log-level", "warning", "--payment-provider", "external")
# Counted calls are what Prometheus could ask for.
FLAGS += ("--metrics-port", "0", "--drain-delay", "0")
# Each caller's calls are counted, and none is refused: all of them come from one caller.
FLAGS += ("--rate-limit-read", "1000000", "--rate-limit-write", "1000000", "--rate-limit-bulk", "1000000")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers, and its process."""

    address: str
    pid: int
    # Where its metrics are, if it has any.
    metrics_url: str = ""

    def cpu(self) -> float:
        """The seconds of CPU that it has used, and its workers if it has any."""
        workers = psutil.Process(self.pid).children()
        return sum(map(_cpu, [self.pid, *(worker.pid for worker in workers)]))

    def own_cpu(self) -> float:
        """The same without workers, and without the time that it takes to look for them."""
        return _cpu(self.pid)

    def memory(self) -> float:
        """What of it is in memory, in MB."""
        return psutil.Process(self.pid).memory_info().rss / (1 << 20)


def _cpu(pid: int) -> float:
    try:
        # The process's own clock, as Linux names it: psutil knows no less than hundredths of a second.
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        times = psutil.Process(pid).cpu_times()
        return times.user + times.system


@contextmanager
def orders_server(folder: Path, *flags: str) -> Iterator[Server]:
    """The server on a data folder, closed to all who have not the benchmarks' key."""
    let_in(folder)
    with started(_command(folder, *flags)) as server:
        yield server


def _command(folder: Path, *flags: str) -> list[str | Path]:
    return [ORDERS, "serve", *FLAGS, "--data-dir", folder, *flags]


@contextmanager
def started(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server that says on its first line where it listens; it is stopped in the end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            if " on " not in first:
                raise RuntimeError(f"{command[0]} did not start")
            metrics = re.search(r"http:\S+/metrics", first)
            yield Server(first.split(" on ", 1)[1].split(",", 1)[0].strip(), process.pid, metrics[0] if metrics else "")
        finally:
            process.terminate()


def verify(folder: Path) -> None:
    """Proves that all tables of a data folder agree; ends the run if not."""
    subprocess.run([ORDERS, "verify", "--data-dir", folder], check=True, stdout=subprocess.DEVNULL)


class HighestMemory:
    """How far a server's memory rises above where it began, in MB, while it is watched."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._before = self._highest = server.memory()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self) -> "HighestMemory":
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self._highest = max(self._highest, self._server.memory())

    @property
    def growth(self) -> float:
        return self._highest - self._before


def start_seconds(folder: Path) -> float:
    """How long a server takes from the command to its first word, its PostgreSQL included."""
    let_in(folder)
    began = time.perf_counter()
    with started(_command(folder)):
        return time.perf_counter() - began


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on, and how many processes wanted to run there besides."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown",
    )
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model,
        "python": sys.version.split()[0],
        "load": round(os.getloadavg()[0], 1),
    }
