"""`orders top`: the rates, latencies and queues of a server, from two readings of its metrics."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

# Samples by name and labels.
Labels = tuple[tuple[str, str], ...]
Reading = Mapping[str, Mapping[Labels, float]]

_GAUGES = {
    "orders_calls_in_flight": "calls in flight",
    "orders_commands_waiting": "writes waiting",
    "orders_database_connections": "database connections",
    "orders_database_waiting": "waiting for a connection",
}
_QUANTILES = (0.5, 0.99)


class MethodRow(NamedTuple):
    """A method between two readings: calls and errors per second, and latencies in milliseconds."""

    method: str
    rate: float
    errors: float
    p50: float
    p99: float


def parse(text: str) -> Reading:
    """The samples of an exposition."""
    found: dict[str, dict[Labels, float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return found


def methods(before: Reading, after: Reading, *, seconds: float) -> list[MethodRow]:
    """The methods that were called, the most frequent first."""
    ended: dict[str, float] = defaultdict(float)
    failed: dict[str, float] = defaultdict(float)
    for labels, count in _growth(before, after, "grpc_server_handled_total"):
        named = dict(labels)
        ended[named["grpc_method"]] += count
        failed[named["grpc_method"]] += count if named["grpc_code"] != "OK" else 0
    buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for labels, count in _growth(before, after, "grpc_server_handling_seconds_bucket"):
        named = dict(labels)
        buckets[named["grpc_method"]][float(named["le"])] += count
    rows = [
        MethodRow(name, count / seconds, failed[name] / seconds, *(quantile(buckets[name], q) for q in _QUANTILES))
        for name, count in ended.items()
        if count
    ]
    return sorted(rows, key=lambda row: -row.rate)


def _growth(before: Reading, after: Reading, name: str) -> Iterator[tuple[Labels, float]]:
    for labels, value in after.get(name, {}).items():
        # A server that was restarted begins at 0 again.
        yield labels, max(0.0, value - before.get(name, {}).get(labels, 0.0))


def quantile(buckets: Mapping[float, float], share: float) -> float:
    """The upper bound, in milliseconds, of the bucket that holds the quantile; 0 without calls."""
    total = max(buckets.values(), default=0.0)
    bounds = (bound for bound in sorted(buckets) if total and buckets[bound] >= share * total)
    return 1000 * next(bounds, 0.0)


def gauges(reading: Reading) -> Iterator[tuple[str, str]]:
    """The queues of the server."""
    for name, words in _GAUGES.items():
        for labels, value in reading.get(name, {}).items():
            label = " ".join(value for _, value in labels)
            yield f"{words} {label}".strip(), f"{value:g}"


def rendered(rows: list[MethodRow], reading: Reading) -> Table:
    """One screen."""
    grid = Table.grid(padding=(0, 4))
    grid.add_row(_methods_table(rows), _gauges_table(reading))
    return grid


def _methods_table(rows: list[MethodRow]) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("Method")
    for name in ("calls/s", "errors/s", "p50 ≤ ms", "p99 ≤ ms"):
        table.add_column(name, justify="right")
    for row in rows:
        style = "red" if row.errors else ""
        table.add_row(row.method, *(f"{value:,.1f}" for value in row[1:]), style=style)
    return table


def _gauges_table(reading: Reading) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("Queue")
    table.add_column("now", justify="right")
    for name, value in gauges(reading):
        table.add_row(name, value)
    return table


def as_lines(rows: list[MethodRow], reading: Reading) -> Iterator[str]:
    """The screen for pipes."""
    for row in rows:
        yield "\t".join(("method", row.method, *(f"{value:.1f}" for value in row[1:])))
    for name, value in gauges(reading):
        yield f"queue\t{name}\t{value}"
