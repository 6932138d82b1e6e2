"""GetOrder beside a call that does nothing, and beside the straightforward service."""

import itertools
from collections.abc import Sequence

from benchmarks import bodies, h2load
from benchmarks.bench import Bench, Row
from benchmarks.callers import call
from benchmarks.turns import Turns


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    theirs = bench.straightforward
    requests = itertools.islice(bodies.creates(products=bodies.PRODUCTS), 500)
    created = call(theirs.address, bodies.CREATE, requests, keep=True).answers
    their_ids = [bodies.order_id_of(order) for order in created]
    seconds = bench.seconds(1.2)
    measures = {
        "no-op": lambda: bench.noop(1.2),
        "GetOrder": lambda: bench.calls(bodies.GET, bodies.gets(bench.order_ids), seconds=seconds),
        "straightforward GetOrder": lambda: bench.calls(
            bodies.GET, bodies.gets(their_ids), server=theirs, seconds=seconds
        ),
    }
    if h2load.present():
        one = next(bodies.gets(bench.order_ids))
        measures["no-op, h2load"] = lambda: bench.h2load(bodies.HEALTH, next(bodies.noop()), seconds=1.2)
        measures["GetOrder, h2load"] = lambda: bench.h2load(bodies.GET, one, seconds=1.2)
    turns.run(measures, rounds=bench.rounds(4))
    rows = [Row("GetOrder ÷ no-op", turns.ratio("GetOrder", "no-op"), at_least=0.65)]
    if h2load.present():
        value = turns.ratio("GetOrder, h2load", "no-op, h2load")
        rows.append(Row("GetOrder ÷ no-op, by h2load, one order", value, at_least=0.65))
    value = turns.ratio("GetOrder", "straightforward GetOrder")
    return [
        *rows,
        Row("GetOrder ÷ straightforward", value, at_least=8),
        Row("GetOrder p50, 64 callers", turns.median("GetOrder", lambda value: value.p50), unit="ms"),
        Row("GetOrder p99, 64 callers", turns.median("GetOrder", lambda value: value.p99), unit="ms"),
    ]
