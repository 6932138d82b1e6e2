"""The server's choices, each beside the others that could have been made, on the same PostgreSQL."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks import bodies
from benchmarks.bench import Bench, Row
from benchmarks.callers import CALLERS
from benchmarks.figures.lists import fill, listed
from benchmarks.servers import FLAGS, Server, orders_server, started
from benchmarks.turns import Measure, Measured, Turns

# As many as fill the largest batch while another one is under way.
_MANY_CALLERS = 512


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    return [
        *_event_loop(bench, turns),
        *_pool_size(bench, turns),
        *_max_batch(bench, turns),
        *_page_size(bench, turns),
    ]


def _event_loop(bench: Bench, turns: Turns) -> Sequence[Row]:
    command = [sys.executable, "-m", "benchmarks.baselines.asyncio_loop", "serve", *FLAGS, "--data-dir", bench.folder]
    with orders_server(bench.folder) as shipped, started(command) as other:
        servers = {"asyncio": other, "uvloop": shipped}
        return _gets_and_creates(bench, turns, "event loop", servers, shipped="uvloop")


def _pool_size(bench: Bench, turns: Turns) -> Sequence[Row]:
    with _servers(bench, "--pool-size", 5, 10, 20) as servers:
        return _gets_and_creates(bench, turns, "pool_size", servers, shipped="10")


def _max_batch(bench: Bench, turns: Turns) -> Sequence[Row]:
    with _servers(bench, "--max-batch", 8, 64, 256) as servers:
        creates = {
            name: lambda server=server: _create(bench, server, callers=_MANY_CALLERS)
            for name, server in servers.items()
        }
        return _beside(bench, turns, f"CreateOrder, {_MANY_CALLERS} callers, max_batch", creates, shipped="64")


def _page_size(bench: Bench, turns: Turns) -> Sequence[Row]:
    orders = bench.count(40_000)
    fill(bench.server, "paged", orders)
    lists = {str(size): lambda size=size: listed(bench.server, orders, page_size=size) for size in (20, 100, 1000)}
    return _beside(bench, turns, "ListOrders, page_size", lists, shipped="100")


def _gets_and_creates(
    bench: Bench, turns: Turns, what: str, servers: Mapping[str, Server], *, shipped: str
) -> Sequence[Row]:
    gets = {name: lambda server=server: _get(bench, server) for name, server in servers.items()}
    creates = {name: lambda server=server: _create(bench, server) for name, server in servers.items()}
    return [
        *_beside(bench, turns, f"GetOrder, {what}", gets, shipped=shipped),
        *_beside(bench, turns, f"CreateOrder, {what}", creates, shipped=shipped),
    ]


def _beside(bench: Bench, turns: Turns, what: str, measures: Mapping[str, Measure], *, shipped: str) -> Sequence[Row]:
    """Measures choices in turns, once they are warm; a row for each beside the one that the server ships with."""
    for warm in measures.values():
        warm()
    turns.run({f"{what} {name}": one for name, one in measures.items()}, rounds=bench.rounds(3))
    return [
        Row(f"{what} {name} ÷ {shipped}", turns.ratio(f"{what} {name}", f"{what} {shipped}"))
        for name in measures
        if name != shipped
    ]


@contextmanager
def _servers(bench: Bench, flag: str, *values: int) -> Iterator[dict[str, Server]]:
    """Servers side by side that differ in one flag, by its value."""
    with ExitStack() as stack:
        yield {str(value): stack.enter_context(orders_server(bench.folder, flag, str(value))) for value in values}


def _get(bench: Bench, server: Server) -> Measured:
    return bench.calls(bodies.GET, bodies.gets(bench.order_ids), server=server, seconds=bench.seconds(0.6))


def _create(bench: Bench, server: Server, *, callers: int = CALLERS) -> Measured:
    requests = bodies.creates(products=bodies.PRODUCTS)
    return bench.calls(bodies.CREATE, requests, server=server, seconds=bench.seconds(0.6), callers=callers)
