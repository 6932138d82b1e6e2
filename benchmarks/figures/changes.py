"""UpdateOrder, TransitionOrder and CancelOrder beside a call that does nothing."""

from collections.abc import Sequence

from benchmarks import bodies
from benchmarks.bench import Bench, Row
from benchmarks.turns import Turns


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    count = bench.count(2500)
    for _ in range(bench.rounds(2)):
        # Each order can be confirmed or cancelled once.
        confirmed, cancelled = bench.create_orders(count), bench.create_orders(count)
        changes = {
            "no-op": lambda: bench.noop(1.0),
            "UpdateOrder": lambda ids=confirmed: bench.calls(bodies.UPDATE, bodies.updates(ids)),
            "TransitionOrder": lambda ids=confirmed: bench.calls(bodies.TRANSITION, bodies.transitions(ids)),
            "CancelOrder": lambda ids=cancelled: bench.calls(bodies.CANCEL, bodies.cancels(ids)),
        }
        turns.run(changes, rounds=1)
    names = ("UpdateOrder", "TransitionOrder", "CancelOrder")
    return [Row(f"{name} ÷ no-op", turns.ratio(name, "no-op"), at_least=0.3) for name in names]
