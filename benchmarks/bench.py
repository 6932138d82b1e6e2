"""What figures are measured with: the servers on one PostgreSQL, orders in it, and the rows of the table that come out."""

import itertools
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg

from benchmarks import bodies, h2load, streams
from benchmarks.callers import CALLERS, Answered, call
from benchmarks.grown import MANY, Grown, grow
from benchmarks.servers import Server, orders_server, started, verify
from benchmarks.turns import Measured, costed
from server.storage import embedded


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, what it came to, and what it is to reach; neither is better or worse without a reach."""

    figure: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    # What it is a part of, if it is one.
    whole: str = ""

    @property
    def reached(self) -> bool | None:
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


class Bench:
    """One run: a server with an embedded PostgreSQL of its own, and others on the same PostgreSQL as they are asked for."""

    def __init__(self, folder: Path, stack: ExitStack, *, effort: float) -> None:
        self.folder, self._stack, self._effort = folder, stack, effort
        self._grown: dict[int, Grown] = {}
        postgres = embedded.start(folder)
        stack.callback(postgres.stop)
        self.url = postgres.url
        self.server = stack.enter_context(orders_server(folder))
        streams.answers(self.server.address, bodies.UPSERT_PRODUCTS, [bodies.products().SerializeToString()], callers=1)
        # Warm: the first calls of a server find no statement prepared.
        self.order_ids = self.create_orders(2000)

    def seconds(self, seconds: float) -> float:
        """How long to measure what so many seconds would be well spent on."""
        return max(0.3, seconds * self._effort)

    def count(self, count: int) -> int:
        return max(64, int(count * self._effort))

    def rounds(self, rounds: int) -> int:
        return max(1, round(rounds * min(1, self._effort)))

    def create_orders(self, count: int, *, products: int = bodies.PRODUCTS) -> list[str]:
        """New orders through the API; their ids."""
        requests = itertools.islice(bodies.creates(products=products), count)
        return [
            bodies.order_id_of(order) for order in call(self.server.address, bodies.CREATE, requests, keep=True).answers
        ]

    def calls(
        self,
        method: str,
        requests: Iterator[bytes],
        *,
        server: Server | None = None,
        seconds: float | None = None,
        callers: int = CALLERS,
        every: float = 0.0,
    ) -> Measured:
        """Calls by our own callers, until the requests or the seconds are used up."""
        target = server or self.server
        answered: list[Answered] = []

        def run() -> tuple[int, float]:
            answered.append(call(target.address, method, requests, seconds=seconds, callers=callers, every=every))
            return len(answered[0].latencies), answered[0].seconds

        value = costed(target, run)
        return Measured(value.done, value.seconds, value.cpu, answered[0].percentile(50), answered[0].percentile(99))

    def noop(self, seconds: float = 1.5) -> Measured:
        return self.calls(bodies.HEALTH, bodies.noop(), seconds=self.seconds(seconds))

    def h2load(self, method: str, request: bytes, *, seconds: float) -> Measured:
        """The same call again and again by h2load."""
        (answer,) = call(self.server.address, method, [request], callers=1, keep=True).answers
        size = len(answer)
        return costed(
            self.server,
            lambda: h2load.load(self.server.address, method, request, answer=size, seconds=self.seconds(seconds)),
        )

    @cached_property
    def straightforward(self) -> Server:
        """The straightforward service, with a database of its own on the same PostgreSQL."""
        url = self.new_database("straightforward")
        command = [sys.executable, "-m", "benchmarks.baselines.straightforward", url]
        return self._stack.enter_context(started(command))

    def grown(self, orders: int) -> Grown:
        """A server with so many orders, on a PostgreSQL of its own."""
        if orders not in self._grown:
            folder = self.folder.with_name(f"grown-{orders}")
            self._grown[orders] = grow(folder, self._stack, self.count(orders))
        return self._grown[orders]

    def folders(self, *, all_of_them: bool) -> list[Path]:
        """The data folders to verify; the millions take minutes and go only if asked to."""
        grown = [self.folder.with_name(f"grown-{orders}") for orders in self._grown if all_of_them or orders < MANY]
        return [self.folder, *grown]

    def new_database(self, name: str) -> str:
        """An empty database on the same PostgreSQL; its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url.replace("/postgres?", f"/{name}?")

    def durability(self) -> dict[str, str]:
        """The settings of PostgreSQL that say whether a commit survives a crash."""
        with psycopg.connect(self.url) as connection:
            names = ("fsync", "synchronous_commit", "full_page_writes", "server_version")
            return {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in names}  # type: ignore[index]


@contextmanager
def running(*, effort: float, verify_all: bool) -> Iterator[Bench]:
    """A run in a folder of its own, which is gone afterwards; ends with the proof that all tables agree."""
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as parent:
        Path(parent).chmod(0o755)  # where this is root, PostgreSQL runs as another user
        with ExitStack() as stack:
            bench = Bench(Path(parent) / "data", stack, effort=effort)
            yield bench
        for folder in bench.folders(all_of_them=verify_all):
            print(f"orders verify: {folder.name}", flush=True)
            verify(folder)
