"""Writes measurements as tables and a chart: an overview into docs/performance.md, the rest into docs/performance-results.md."""

import json
import statistics
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bench import Row

_DOCS = Path(__file__).parents[1] / "docs"
OVERVIEW_PAGE, RESULTS_PAGE = _DOCS / "performance.md", _DOCS / "performance-results.md"
_CHART = _DOCS / "performance.svg"

_WIDTH, _LINE, _LABEL = 860, 20, 440
# Bars show how much of its target a figure meets; longer ones are cut off here.
_LONGEST = 2.0


class Headline(NamedTuple):
    """A row of the overview: a measurement of one of the figures, and its ratio to the straightforward service, if any."""

    operation: str
    figure: str
    measurement: str
    ratio: str = ""


HEADLINES = (
    Headline("GetOrder", "get", "GetOrder", "GetOrder ÷ straightforward"),
    Headline("CreateOrder", "create", "CreateOrder", "CreateOrder ÷ straightforward"),
    Headline("UpdateOrder", "change", "UpdateOrder"),
    Headline("TransitionOrder", "change", "TransitionOrder"),
    Headline("CancelOrder", "change", "CancelOrder"),
    Headline("ListOrders (orders)", "list", "ListOrders", "ListOrders ÷ straightforward"),
    Headline(
        "BatchUpsertOrders (new orders)", "batch", "BatchUpsert, inserted", "BatchUpsert ÷ straightforward, all new"
    ),
    Headline(
        "BatchUpsertOrders (unchanged orders)",
        "batch",
        "BatchUpsert, unchanged",
        "BatchUpsert ÷ straightforward, all unchanged",
    ),
)
# Figures that the overview repeats from the results page.
REPEATED = (
    "GetOrder p50, 64 callers",
    "GetOrder p99, 64 callers",
    "CreateOrder p99, 64 callers",
    "One caller's CreateOrder, p50",
    "Memory growth while one client streams 1,000,000 orders",
    "Start of `orders serve` on an existing database",
)


def write(results: Path, names: Sequence[str], *, more: Sequence[str]) -> None:
    """Writes the chart, the overview and the parts of the results page: one for all names, and one for each of the others.

    A part with unmeasured figures stays as it is.
    """
    found = _found(results, names)
    if len(found) == len(names):
        rows = _rows(found)
        _CHART.write_text(_chart([row for row in rows if row.reached is not None]), encoding="utf-8")
        write_part("overview", (*_about(found), "", *overview(found)), page=OVERVIEW_PAGE)
        write_part("benchmarks", (*_about(found), "", *_table(rows), "", *_costs(found)), page=RESULTS_PAGE)
    for name in more:
        if found := _found(results, [name]):
            lines = (*_about(found), "", *_fitting_table(_rows(found)), "", *_costs(found))
            write_part(name, lines, page=RESULTS_PAGE)


def _found(results: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    files = {name: results / f"{name}.json" for name in names}
    return [{"name": name, **json.loads(file.read_text("utf-8"))} for name, file in files.items() if file.exists()]


def _rows(found: Sequence[dict[str, Any]]) -> list[Row]:
    return [Row(**row) for result in found for row in result["rows"]]


def write_part(part: str, lines: Sequence[str], *, page: Path) -> None:
    """Replaces the text between the part's marks."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, found, rest = page.read_text("utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{page.name} has no marks for {part}")
    page.write_text(before + "\n".join((begin, *lines, end)) + after, encoding="utf-8")


def shown(row: Row) -> str:
    value = f"{row.value:,.2f}" if row.value < 10 else f"{row.value:,.1f}"
    return f"{value} {row.unit}".rstrip()


def named(row: Row) -> str:
    """The figure's full name."""
    whole = f"{row.whole}: " if row.whole else ""
    return f"{whole}{row.figure}{f' (target: {target(row)})' if target(row) else ''}"


def target(row: Row) -> str:
    if row.at_least is not None:
        return f"≥ {row.at_least:g} {row.unit}".rstrip()
    return "" if row.at_most is None else f"≤ {row.at_most:g} {row.unit}".rstrip()


def _about(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    for number, paragraph in enumerate(_remarks(found)):
        yield from ([""] if number else [])
        yield from textwrap.wrap(paragraph, 100)


def _remarks(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A paragraph about the machine, and one for each circumstance that qualifies the figures."""
    about = found[0]["machine"]
    yield (
        f"Measured on {about['cores']} cores of {about['processor']}, Python {about['python']}, PostgreSQL "
        f"{about['server_version']} with fsync {about['fsync']} and synchronous_commit {about['synchronous_commit']}, with the load on "
        f"the same machine, in {sum(result['seconds'] for result in found):,} seconds. Ratios are medians over alternating rounds."
    )
    if "growth" in (result["name"] for result in found) and about.get("verified"):
        yield "`orders verify` found no errors, including in the 2,000,000 orders."
    load = about.get("load", 0)
    if load > about["cores"] / 2:
        yield (
            f"The machine was busy at the start (a load of {load} on {about['cores']} cores). That slows figures with several processes "
            "more than those with one, so the no-op looks too fast by comparison. Repeat the run on an idle machine."
        )
    if any(result["machine"]["effort"] < 1 for result in found):
        yield "Some figures are from a shorter run (`--effort` below 1), with fewer rounds and orders."


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| Figure | Measured | Target | Met |"
    yield "|---|---:|---:|---|"
    for row in rows:
        met = {True: "yes", False: "**no**", None: ""}[row.reached]
        yield f"| {row.figure} | {shown(row)} | {target(row)} | {met} |"


def _fitting_table(rows: Sequence[Row]) -> Iterator[str]:
    if any(row.reached is not None for row in rows):
        return _table(rows)
    return _split_table(rows) if all(row.whole for row in rows) else _plain_table(rows)


def _split_table(rows: Sequence[Row]) -> Iterator[str]:
    """A table of figures that are parts of a whole: one row per part, the largest first, and one column per whole."""
    by_part: dict[str, dict[str, float]] = {}
    for row in rows:
        by_part.setdefault(row.figure, {})[row.whole] = row.value
    wholes = list(dict.fromkeys(row.whole for row in rows))
    yield f"| {rows[0].unit} | {' | '.join(wholes)} |"
    yield "|---|" + "---:|" * len(wholes)
    for part, values in sorted(by_part.items(), key=lambda item: -sum(item[1].values())):
        yield f"| {part} | {' | '.join(f'{values.get(whole, 0):.0f}' for whole in wholes)} |"
    sums = (sum(values.get(whole, 0) for values in by_part.values()) for whole in wholes)
    yield f"| total | {' | '.join(f'{each:.0f}' for each in sums)} |"


def _plain_table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| Figure | Measured |"
    yield "|---|---:|"
    for row in rows:
        yield f"| {row.figure} | {shown(row)} |"


def overview(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Two tables: the headlines with their ratio to the straightforward service, and the repeated figures."""
    measured = {result["name"]: result["measured"] for result in found}
    rows = {row.figure: row for row in _rows(found)}
    yield "| Operation | Per second | Server CPU each, µs | ÷ straightforward |"
    yield "|---|---:|---:|---:|"
    for headline in HEADLINES:
        rate, cpu = _cost(measured[headline.figure][headline.measurement])
        ratio = shown(rows[headline.ratio]) if headline.ratio else ""
        yield f"| {headline.operation} | {rate} | {cpu} | {ratio} |"
    yield ""
    yield from _plain_table([rows[figure] for figure in REPEATED])


def _costs(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The rate and the server's CPU time of everything measured."""
    yield "| Calls or orders, 64 callers unless noted | Per second | Server CPU each, µs |"
    yield "|---|---:|---:|"
    often = Counter(name for result in found for name in result["measured"])
    for result in found:
        for name, values in result["measured"].items():
            if name == "start":
                continue
            # A measurement that several figures share is a different baseline in each of them.
            unique = f"{name}, with {result['name']}" if often[name] > 1 else name
            rate, cpu = _cost(values)
            yield f"| {unique} | {rate} | {cpu} |"


def _cost(values: Sequence[dict[str, float]]) -> tuple[str, str]:
    """The median rate and the median CPU time of the server in microseconds; the latter is empty if none was measured."""
    rate = statistics.median(value["done"] / value["seconds"] for value in values)
    cpu = statistics.median(1_000_000 * value["cpu"] / value["done"] for value in values)
    return f"{rate:,.0f}", f"{cpu:,.0f}" if cpu else ""


def _chart(rows: Sequence[Row]) -> str:
    """A bar for each figure, and a line that marks the target."""
    height = _LINE * len(rows) + 40
    scale = (_WIDTH - _LABEL - 70) / _LONGEST
    line = _LABEL + scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for index, row in enumerate(rows):
        middle = _LINE * index + 30
        length = scale * min(_LONGEST, _met(row))
        colour = "#3a7d44" if row.reached else "#b8552f"
        parts += [
            f'<text x="{_LABEL - 8}" y="{middle + 4}" text-anchor="end" fill="#222">{escape(row.figure)}</text>',
            f'<rect x="{_LABEL}" y="{middle - 7}" width="{length:.0f}" height="14" fill="{colour}"/>',
            f'<text x="{_LABEL + length + 5:.0f}" y="{middle + 4}" fill="#222">{escape(shown(row))}</text>',
        ]
    parts += [
        f'<line x1="{line:.0f}" y1="20" x2="{line:.0f}" y2="{height - 15}" stroke="#222" stroke-dasharray="3 3"/>',
        f'<text x="{line:.0f}" y="14" text-anchor="middle" fill="#222">target</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _met(row: Row) -> float:
    """The share of its target that a figure meets; 1 is all of it."""
    if row.at_least is not None:
        return row.value / row.at_least
    assert row.at_most is not None
    return row.at_most / max(row.value, row.at_most / _LONGEST)
