"""CreateOrder beside a call that does nothing, PostgreSQL alone, and the straightforward service."""

from collections.abc import Sequence

from benchmarks import bodies
from benchmarks.baselines.pgbench import PgBench
from benchmarks.bench import Bench, Row
from benchmarks.turns import Measured, Turns


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    seconds = bench.seconds(1.5)

    def creates(products: int) -> Measured:
        return bench.calls(bodies.CREATE, bodies.creates(products=products), seconds=seconds)

    measures = {
        "no-op": bench.noop,
        "CreateOrder": lambda: creates(3),
        "CreateOrder, one product": lambda: creates(1),
        "CreateOrder, spread": lambda: creates(bodies.PRODUCTS),
        "straightforward CreateOrder": lambda: bench.calls(
            bodies.CREATE, bodies.creates(products=3), server=bench.straightforward, seconds=bench.seconds(2)
        ),
    }
    pgbench = PgBench.prepared(bench)
    if pgbench:
        measures["pgbench, the same 3 products"] = lambda: pgbench.run(products=3, seconds=bench.seconds(2))
        measures["pgbench, spread"] = lambda: pgbench.run(products=bodies.PRODUCTS, seconds=bench.seconds(2))
    turns.run(measures, rounds=bench.rounds(3))
    rows = [Row("CreateOrder ÷ no-op", turns.ratio("CreateOrder", "no-op"), at_least=0.35)]
    if pgbench:
        same = turns.ratio("CreateOrder", "pgbench, the same 3 products")
        spread = turns.ratio("CreateOrder, spread", "pgbench, spread")
        rows.append(Row("CreateOrder ÷ pgbench, the same 3 products", same, at_least=2.5))
        rows.append(Row("CreateOrder ÷ pgbench, spread over 1,000 products", spread, at_least=0.8))
    hot = turns.ratio("CreateOrder, one product", "CreateOrder, spread")
    return [
        *rows,
        Row("CreateOrder ÷ straightforward", turns.ratio("CreateOrder", "straightforward CreateOrder"), at_least=12),
        Row("CreateOrder: one product ÷ spread over 1,000", hot, at_least=0.8),
    ]
