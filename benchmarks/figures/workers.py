"""Two processes beside one, with the load on the same machine."""

from collections.abc import Sequence

from benchmarks import bodies
from benchmarks.bench import Bench, Row
from benchmarks.servers import Server, orders_server
from benchmarks.turns import Measured, Turns


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    with orders_server(bench.folder, "--workers", "2") as two:
        for server in (bench.server, two):
            bench.calls(bodies.HEALTH, bodies.noop(), server=server, seconds=0.3)

        def get(server: Server) -> Measured:
            return bench.calls(bodies.GET, bodies.gets(bench.order_ids), server=server, seconds=bench.seconds(1.5))

        def create(server: Server) -> Measured:
            requests = bodies.creates(products=bodies.PRODUCTS)
            return bench.calls(bodies.CREATE, requests, server=server, seconds=bench.seconds(1.5))

        measures = {
            "GetOrder, 1 worker": lambda: get(bench.server),
            "GetOrder, 2 workers": lambda: get(two),
            "CreateOrder, 1 worker": lambda: create(bench.server),
            "CreateOrder, 2 workers": lambda: create(two),
        }
        turns.run(measures, rounds=bench.rounds(2))
    return [
        Row(f"{name}: 2 workers ÷ 1", turns.ratio(f"{name}, 2 workers", f"{name}, 1 worker"))
        for name in ("GetOrder", "CreateOrder")
    ]
