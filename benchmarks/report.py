"""What was measured, as tables and a chart, written into docs/performance.md."""

import json
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.bench import Row

_DOCS = Path(__file__).parents[1] / "docs"
_PAGE, _CHART = _DOCS / "performance.md", _DOCS / "performance.svg"

_WIDTH, _LINE, _LABEL = 860, 20, 440
# Bars show how much of the reach is met; those far above it end here.
_LONGEST = 2.0


def write(results: Path, names: Sequence[str], *, more: Sequence[str]) -> None:
    """Writes the chart and the page's parts between their marks: one for all names, and one for each of the others.

    A part of which anything has not been measured stays as it is.
    """
    found = _found(results, names)
    if len(found) == len(names):
        rows = _rows(found)
        _CHART.write_text(_chart([row for row in rows if row.reached is not None]), encoding="utf-8")
        chart = "![How much of its reach each figure meets](performance.svg)"
        write_part("benchmarks", (*_about(found), "", chart, "", *_table(rows), "", *_costs(found)))
    for name in more:
        if found := _found(results, [name]):
            rows = _rows(found)
            write_part(name, (*_about(found), "", *_fitting_table(rows), "", *_costs(found)))


def _found(results: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    files = {name: results / f"{name}.json" for name in names}
    return [{"name": name, **json.loads(file.read_text("utf-8"))} for name, file in files.items() if file.exists()]


def _rows(found: Sequence[dict[str, Any]]) -> list[Row]:
    return [Row(**row) for result in found for row in result["rows"]]


def write_part(part: str, lines: Sequence[str]) -> None:
    """Writes a part of the page between its marks."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, _, rest = _PAGE.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(end)
    _PAGE.write_text(before + "\n".join((begin, *lines, end)) + after, encoding="utf-8")


def shown(row: Row) -> str:
    value = f"{row.value:,.2f}" if row.value < 10 else f"{row.value:,.1f}"
    return f"{value} {row.unit}".rstrip()


def named(row: Row) -> str:
    """A figure's name where it stands alone."""
    whole = f"{row.whole}: " if row.whole else ""
    return f"{whole}{row.figure}{f' (reach: {reach(row)})' if reach(row) else ''}"


def reach(row: Row) -> str:
    if row.at_least is not None:
        return f"≥ {row.at_least:g} {row.unit}".rstrip()
    return "" if row.at_most is None else f"≤ {row.at_most:g} {row.unit}".rstrip()


def _about(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    about = found[0]["machine"]
    yield (
        f"Measured on {about['cores']} cores of {about['processor']}, Python {about['python']}, PostgreSQL "
        f"{about['server_version']} with fsync {about['fsync']} and synchronous_commit {about['synchronous_commit']}, the load on the "
        f"same machine, in {sum(result['seconds'] for result in found):,} seconds. Ratios are medians over rounds in turns."
    )
    if "growth" in (result["name"] for result in found) and about.get("verified"):
        yield ""
        yield "`orders verify` found nothing wrong, nor with the 2,000,000 orders."
    load = about.get("load", 0)
    if load > about["cores"] / 2:
        yield ""
        yield (
            f"The machine had other work when this began (a load of {load} on {about['cores']} cores), which slows what takes several "
            "processes more than what takes one: a call that does nothing looks too good beside the others. Run it again on a quiet one."
        )
    if any(result["machine"]["effort"] < 1 for result in found):
        yield ""
        yield "Some figures are of a shorter run (`--effort` below 1), with fewer rounds and orders."


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| figure | measured | reach | reached |"
    yield "|---|---:|---:|---|"
    for row in rows:
        reached = {True: "yes", False: "**no**", None: ""}[row.reached]
        yield f"| {row.figure} | {shown(row)} | {reach(row)} | {reached} |"


def _fitting_table(rows: Sequence[Row]) -> Iterator[str]:
    if any(row.reached is not None for row in rows):
        return _table(rows)
    return _split_table(rows) if all(row.whole for row in rows) else _plain_table(rows)


def _split_table(rows: Sequence[Row]) -> Iterator[str]:
    """Of figures that are parts of others: a line for each, the largest first, and a column for each whole."""
    by_part: dict[str, dict[str, float]] = {}
    for row in rows:
        by_part.setdefault(row.figure, {})[row.whole] = row.value
    wholes = list(dict.fromkeys(row.whole for row in rows))
    yield f"| {rows[0].unit} | {' | '.join(wholes)} |"
    yield "|---|" + "---:|" * len(wholes)
    for part, values in sorted(by_part.items(), key=lambda item: -sum(item[1].values())):
        yield f"| {part} | {' | '.join(f'{values.get(whole, 0):.0f}' for whole in wholes)} |"
    sums = (sum(values.get(whole, 0) for values in by_part.values()) for whole in wholes)
    yield f"| in all | {' | '.join(f'{each:.0f}' for each in sums)} |"


def _plain_table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| figure | measured |"
    yield "|---|---:|"
    for row in rows:
        yield f"| {row.figure} | {shown(row)} |"


def _costs(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A second, and the server's CPU for each call or order."""
    yield "| calls, or orders, 64 callers unless said | a second | server's CPU each, µs |"
    yield "|---|---:|---:|"
    often = Counter(name for result in found for name in result["measured"])
    for result in found:
        for name, values in result["measured"].items():
            if name == "start":
                continue
            # What several figures have measured is the base of each by its own value.
            shown = f"{name}, with {result['name']}" if often[name] > 1 else name
            rate = statistics.median(value["done"] / value["seconds"] for value in values)
            cpu = statistics.median(1_000_000 * value["cpu"] / value["done"] for value in values)
            yield f"| {shown} | {rate:,.0f} | {f'{cpu:,.0f}' if cpu else ''} |"


def _chart(rows: Sequence[Row]) -> str:
    """A bar a figure; the line down the middle is what it is to reach."""
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
        f'<text x="{line:.0f}" y="14" text-anchor="middle" fill="#222">reach</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _met(row: Row) -> float:
    """How much of its reach a figure meets; 1 is all of it."""
    if row.at_least is not None:
        return row.value / row.at_least
    assert row.at_most is not None
    return row.at_most / max(row.value, row.at_most / _LONGEST)
