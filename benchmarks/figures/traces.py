"""The CPU that traces cost a server that samples 1 % of its calls and sends their spans to a collector.

1 % is less than the noise of a busy machine. The figure with a target is computed from two that are not: the CPU that tracing adds
to the calls of one caller, each alone in its batch so that it bears the whole span of it, and that of the decision not to sample.
"""

import timeit
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks import bodies
from benchmarks.access import METADATA
from benchmarks.bench import Bench, Row
from benchmarks.callers import CALLERS
from benchmarks.servers import Server, orders_server
from benchmarks.turns import Measured, Turns
from server.rpc.tracing import _traceparent_of
from server.telemetry.traces import Traces
from tests.telemetry.collector import collecting

_NONE, _SOME = "no traces", "1 % traced"
_ALONE, _ALL = "one caller, no traces", "one caller, all traced"
_RATIO = 0.01


def measure(bench: Bench, turns: Turns) -> Sequence[Row]:
    with collecting() as collector:
        traced = ("--otlp-endpoint", collector.endpoint, "--trace-ratio")
        with (
            orders_server(bench.folder) as none,
            orders_server(bench.folder, *traced, str(_RATIO)) as some,
            orders_server(bench.folder, *traced, "1") as every,
        ):
            servers = {_NONE: (none, CALLERS), _SOME: (some, CALLERS), _ALONE: (none, 1), _ALL: (every, 1)}
            for name, call in {"GetOrder": _get, "CreateOrder": _create}.items():
                _measure(bench, turns, name, call, servers)
        assert collector.spans
        unsampled = _unsampled(collector.endpoint, bench.count(100_000))
    rows = [*_rows(turns, "GetOrder", unsampled), *_rows(turns, "CreateOrder", unsampled)]
    return [*rows, Row("The decision not to sample a call", unsampled, unit="µs")]


def _measure(bench: Bench, turns: Turns, name: str, call: Any, servers: Mapping[str, tuple[Server, int]]) -> None:
    measures = {
        f"{name}, {kind}": partial(call, bench, server=server, callers=callers, seconds=bench.seconds(0.5))
        for kind, (server, callers) in servers.items()
    }
    for warm_up in measures.values():
        warm_up()
    turns.run(measures, rounds=bench.rounds(10))


def _get(bench: Bench, **load: Any) -> Measured:
    return bench.calls(bodies.GET, bodies.gets(bench.order_ids), **load)


def _create(bench: Bench, **load: Any) -> Measured:
    return bench.calls(bodies.CREATE, bodies.creates(products=bodies.PRODUCTS), **load)


def _unsampled(endpoint: str, number: int) -> float:
    """Microseconds that each call takes that is not sampled."""

    class Context:
        def invocation_metadata(self) -> Sequence[tuple[str, str]]:
            return METADATA

    traces, context = Traces(endpoint, ratio=0), Context()
    seconds = timeit.timeit(lambda: traces.is_sampled(_traceparent_of(context)), number=number)  # type: ignore[arg-type]
    traces.close()
    return 1_000_000 * seconds / number


def _rows(turns: Turns, name: str, unsampled: float) -> Iterator[Row]:
    def cpu(kind: str) -> float:
        return turns.median(f"{name}, {kind}", lambda value: value.microseconds)

    alone = cpu(_ALL) - cpu(_ALONE)
    computed = 1 + (unsampled + _RATIO * alone) / cpu(_NONE)
    measured = turns.ratio(f"{name}, {_SOME}", f"{name}, {_NONE}", of=lambda value: value.microseconds)
    yield Row(f"{name}'s CPU on the server, 1 % traced ÷ none, computed", computed, at_most=1.03)
    yield Row(f"{name}'s CPU on the server, 1 % traced ÷ none, measured", measured)
    yield Row(f"{name}'s spans, alone in its batch", alone, unit="µs")
