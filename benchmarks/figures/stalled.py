"""Readers who open a list and never read on: how soon they are open, what each holds, and what others notice."""

from collections.abc import Sequence

from orders.v1.order_service_pb2 import ListOrdersRequest

from benchmarks import bodies
from benchmarks.access import new_key
from benchmarks.bench import Bench, Row
from benchmarks.grown import FEW
from benchmarks.readers import opening
from benchmarks.servers import HighestMemory
from benchmarks.turns import Measured, Turns

_READERS = 2000
# Calls a second of the other caller.
_PACE = 50


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    grown, count = bench.grown(FEW), bench.count(_READERS)
    gets = bodies.gets(grown.order_ids)
    lists = [ListOrdersRequest(page_size=1000).SerializeToString()]
    key = new_key(bench.folder.with_name(f"grown-{FEW}"))

    def other() -> Measured:
        return bench.calls(bodies.GET, gets, server=grown.server, seconds=bench.seconds(6), callers=4, every=4 / _PACE)

    other()
    turns.run({"one caller, nothing stalled": other}, rounds=1)
    with (
        HighestMemory(grown.server) as memory,
        opening(grown.server.address, key, bodies.LIST, lists, count=count, stalled=True) as readers,
    ):
        turns.run({"one caller while readers open": other}, rounds=1)
        seconds = readers.seconds_to_open()
        turns.run({"one caller while readers stall": other}, rounds=1)

    def ratio(name: str) -> float:
        return turns.ratio(name, "one caller, nothing stalled", of=lambda value: value.p99)

    return [
        Row(f"Until {count:,} readers of lists are open", seconds, at_most=10, unit="s"),
        Row("Memory of a stalled reader", memory.growth * 1024 / count, at_most=200, unit="KB"),
        Row("p99 of GetOrder while they open ÷ before", ratio("one caller while readers open"), at_most=2),
        Row("p99 of GetOrder while they stall ÷ before", ratio("one caller while readers stall"), at_most=2),
    ]
