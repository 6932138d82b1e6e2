"""What surrounds a handler costs: GetOrder on an open server beside a closed one, on one that is scraped, and each step by itself."""

import os
import subprocess
import sys
import tempfile
import threading
import time
import timeit
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from urllib.request import urlopen

import grpc
import uvloop
from google.protobuf.descriptor import MethodDescriptor
from orders.v1.order_service_pb2 import DESCRIPTOR, CreateOrderRequest, GetOrderRequest
from protovalidate import Validator

from benchmarks import bodies
from benchmarks.access import METADATA
from benchmarks.bench import Bench, Row
from benchmarks.servers import Server, orders_server
from benchmarks.turns import Measured, Turns
from server.domain.access.card_data import may_hold_card_data
from server.domain.base.caller import SCOPES, Caller, Role
from server.identity.credential_cache import CredentialCache, Verified
from server.rpc.access import MethodAccess
from server.rpc.admission import InFlight
from server.rpc.buckets import Limit
from server.rpc.gate import _bearer_of
from server.rpc.limits import RateLimiter
from server.rpc.validation import decode
from server.storage.rate_limits import Lease, Want
from server.telemetry.metrics import MethodMetrics, Metrics

Cost = Callable[[Callable[[], object]], float]
Steps = Callable[[grpc.aio.ServicerContext], Awaitable[dict[str, float]]]

_ADMIN = Caller("benchmarks", frozenset({Role.ADMIN}), SCOPES)


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    number = bench.count(10_000)
    steps = uvloop.run(_within_a_call(partial(_steps, bench, partial(_microseconds, number))))
    steps["MethodMetrics.count, one of several workers"] = _counting_of_a_worker(number)
    return [
        *_open_and_closed(bench, turns),
        *_scraped(bench, turns),
        *(Row(name, value, unit="µs") for name, value in steps.items()),
    ]


def _open_and_closed(bench: Bench, turns: Turns) -> Sequence[Row]:
    """Both get the same calls, each with a key, and only one looks at it."""
    with orders_server(bench.folder) as closed, orders_server(bench.folder, "--authentication", "open") as opened:

        def get(server: Server) -> Measured:
            return bench.calls(bodies.GET, bodies.gets(bench.order_ids), server=server, seconds=bench.seconds(1.2))

        for server in (closed, opened):
            get(server)
        measures = {"GetOrder, open": lambda: get(opened), "GetOrder, closed": lambda: get(closed)}
        turns.run(measures, rounds=bench.rounds(3))
    rate = turns.ratio("GetOrder, open", "GetOrder, closed")
    cpu = turns.ratio("GetOrder, open", "GetOrder, closed", of=lambda value: value.microseconds)
    return [Row("GetOrder, open ÷ closed", rate), Row("GetOrder's CPU on the server, open ÷ closed", cpu)]


def _scraped(bench: Bench, turns: Turns) -> Sequence[Row]:
    """The same calls of the same server while Prometheus asks for its metrics every second, far more often than it does, and while not."""

    def get() -> Measured:
        return bench.calls(bodies.GET, bodies.gets(bench.order_ids), seconds=bench.seconds(1.2))

    def get_beside_scrapes() -> Measured:
        with _scrapes(bench.server.metrics_url):
            return get()

    turns.run({"GetOrder, not scraped": get, "GetOrder, scraped": get_beside_scrapes}, rounds=bench.rounds(3))
    return [
        Row(
            f"GetOrder's {what}, scraped every second ÷ not",
            turns.ratio("GetOrder, scraped", "GetOrder, not scraped", of=of),
        )
        for what, of in (
            ("CPU on the server", lambda value: value.microseconds),
            ("p50", lambda value: value.p50),
            ("p99", lambda value: value.p99),
        )
    ]


@contextmanager
def _scrapes(url: str) -> Iterator[None]:
    """Asks at once, and then every second."""
    done = threading.Event()

    def scrape() -> None:
        while True:
            with urlopen(url) as response:
                assert b"grpc_server_handled_total" in response.read()
            if done.wait(1):
                return

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def _within_a_call(steps: Steps) -> dict[str, float]:
    """Runs steps where the server does: in a handler's task, with the metadata of a call that carries a key."""
    found: dict[str, float] = {}

    async def serve(_: bytes, context: grpc.aio.ServicerContext) -> bytes:
        found.update(await steps(context))
        return b""

    server = grpc.aio.server()
    method = {"Run": grpc.unary_unary_rpc_method_handler(serve)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("benchmarks.Steps", method)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.unary_unary("/benchmarks.Steps/Run")(b"", metadata=METADATA)
    await server.stop(None)
    return found


async def _steps(bench: Bench, cost: Cost, context: grpc.aio.ServicerContext) -> dict[str, float]:
    """The microseconds of each step, in the order in which a call takes them."""
    get_data, create_data = next(bodies.gets(bench.order_ids)), next(bodies.creates(products=bodies.PRODUCTS))
    get, create = GetOrderRequest.FromString(get_data), CreateOrderRequest.FromString(create_data)
    get_access, create_access = MethodAccess(_method("GetOrder")), MethodAccess(_method("CreateOrder"))
    customer = Caller("customer", frozenset({Role.CUSTOMER}), SCOPES, create.customer_id)
    key, broken_rules = _bearer_of(context), Validator().collect_violations
    in_flight, recent = InFlight(5000), CredentialCache(seconds=3600)
    until = time.monotonic() + 3600
    counted = _counted()
    recent.keep(key, Verified(_ADMIN, None))
    return {
        "InFlight.enter and leave": cost(lambda: (in_flight.enter(until=until), in_flight.leave())),
        "the bearer of a call's metadata": cost(lambda: _bearer_of(context)),
        "CredentialCache.find, a key": cost(lambda: recent.find(key)),
        "MethodAccess.admit": cost(lambda: get_access.admit(_ADMIN)),
        "RateLimiter.try_take, a leased bucket": await _taking(cost),
        "decode, GetOrder": cost(lambda: decode(GetOrderRequest, get_data)),
        "decode, CreateOrder of 3 lines": cost(lambda: decode(CreateOrderRequest, create_data)),
        "confine, GetOrder": cost(lambda: get_access.confine(get, _ADMIN)),
        "confine, CreateOrder by its customer": cost(lambda: create_access.confine(create, customer)),
        "may_hold_card_data, GetOrder": cost(lambda: may_hold_card_data(get_data)),
        "may_hold_card_data, CreateOrder of 3 lines": cost(lambda: may_hold_card_data(create_data)),
        "protovalidate, GetOrder": cost(lambda: broken_rules(get)),
        "protovalidate, CreateOrder of 3 lines": cost(lambda: broken_rules(create)),
        "MethodMetrics.count": cost(partial(_count, counted)),
        "MethodMetrics.count, a refusal": cost(
            lambda: counted.count(code="NOT_FOUND", seconds=0.012, reason="ORDER_NOT_FOUND")
        ),
    }


def _method(name: str) -> MethodDescriptor:
    return DESCRIPTOR.services_by_name["OrderService"].methods_by_name[name]


class _Plenty:
    """In place of the database: leases more than anybody takes."""

    async def lease(self, wants: Sequence[Want]) -> list[Lease]:
        return [Lease(tokens=1_000_000_000, left=0.0, blocked=0.0) for _ in wants]


async def _taking(cost: Cost) -> float:
    limiter = RateLimiter(_Plenty(), limits={"read": Limit(1000, 1000)})
    await limiter.take(_ADMIN.subject, "read")
    value = cost(lambda: limiter.try_take(_ADMIN.subject, "read"))
    assert limiter.try_take(_ADMIN.subject, "read"), "the lease lapsed while it was measured"
    return value


def _counted() -> MethodMetrics:
    return Metrics().of(_method("GetOrder"))


def _count(counted: MethodMetrics) -> None:
    counted.count(code="OK", seconds=0.012)


def _counting_of_a_worker(number: int) -> float:
    """In a process of its own: whether it counts in memory or in files, the library chooses when it is imported."""
    command = [sys.executable, "-m", __name__, str(number)]
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as folder:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": folder}
        return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def _microseconds(number: int, step: Callable[[], object]) -> float:
    """The CPU of a step: the best of several loops, for what else happens only adds to it, less that of the loop itself."""
    best, loop = (
        min(timeit.repeat(run, timer=time.process_time, repeat=7, number=number)) for run in (step, lambda: None)
    )
    return 1_000_000 * (best - loop) / number


if __name__ == "__main__":
    print(_microseconds(int(sys.argv[1]), partial(_count, _counted())))
