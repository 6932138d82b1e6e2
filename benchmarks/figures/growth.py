"""What a hundred times as many orders cost: Get, Create and the first page of a customer's list, on two servers in turn."""

from collections.abc import Sequence

from benchmarks import bodies
from benchmarks.bench import Bench, Row
from benchmarks.fill import ORDERS_A_CUSTOMER
from benchmarks.grown import FEW, MANY, Grown
from benchmarks.turns import Measured, Turns


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    few, many = bench.grown(FEW), bench.grown(MANY)

    def get(grown: Grown) -> Measured:
        return bench.calls(bodies.GET, bodies.gets(grown.order_ids), server=grown.server, seconds=bench.seconds(1.2))

    def create(grown: Grown) -> Measured:
        requests = bodies.creates(products=bodies.PRODUCTS)
        return bench.calls(bodies.CREATE, requests, server=grown.server, seconds=bench.seconds(1.2))

    def first_page(grown: Grown) -> Measured:
        pages = bodies.first_pages(grown.orders // ORDERS_A_CUSTOMER)
        return bench.calls(bodies.LIST, pages, server=grown.server, seconds=bench.seconds(1.2))

    kinds = {"GetOrder": get, "CreateOrder": create, "first page of a customer": first_page}
    for name, kind in kinds.items():
        measures = {
            f"{name} at {grown.orders:,} orders": lambda kind=kind, grown=grown: kind(grown) for grown in (few, many)
        }
        turns.run(measures, rounds=bench.rounds(3))
    at_few, at_many = f"at {few.orders:,} orders", f"at {many.orders:,} orders"
    return [
        Row(f"{name} {at_many} ÷ {at_few}", turns.ratio(f"{name} {at_many}", f"{name} {at_few}"), at_least=0.9)
        for name in kinds
    ]
