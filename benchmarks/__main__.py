"""Measures the server and its baselines in alternating rounds, and updates docs/performance.md and performance-results.md.

python -m benchmarks                  # everything, as `make bench`
python -m benchmarks get create list  # some figures alone
"""

import argparse
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks import h2load, report
from benchmarks.bench import Bench, Row, running
from benchmarks.figures import (
    alone,
    batches,
    calls,
    changes,
    choices,
    create,
    feed,
    gate,
    get,
    growth,
    http,
    imports,
    limits,
    lists,
    memory,
    profile,
    releases,
    stalled,
    start,
    traces,
    workers,
)
from benchmarks.servers import RESULTS, machine
from benchmarks.turns import Turns

Figure = Callable[[Bench, Turns], Sequence[Row]]

# Beside what they are compared with: one part of the page.
COMPARED: dict[str, Figure] = {
    "get": get.measure,
    "create": create.measure,
    "change": changes.measure,
    "list": lists.measure,
    "batch": batches.measure,
    "alone": alone.measure,
    "import": imports.measure,
    "start": start.measure,
    "workers": workers.measure,
    "growth": growth.measure,
    "memory": memory.measure,
    "stalled": stalled.measure,
    "feed": feed.measure,
}
# Each in a part of its own.
BY_ITSELF: dict[str, Figure] = {
    "profile": profile.measure,
    "calls": calls.measure,
    "choices": choices.measure,
    "releases": releases.measure,
    "gate": gate.measure,
    "limits": limits.measure,
    "http": http.measure,
    "traces": traces.measure,
}
_ALL = COMPARED | BY_ITSELF


def main() -> None:
    chosen = _arguments()
    logging.disable(logging.WARNING)
    began = time.perf_counter()
    by_h2load = "h2load (one request again and again) and " if h2load.present() else "no h2load here, "
    print(f"the load: {by_h2load}callers of our own (requests of their own each)", flush=True)
    about = machine()
    with running(effort=chosen.effort, verify_all=chosen.verify_all) as bench:
        about |= bench.durability()
        for name in chosen.figures or _ALL:
            _measure(
                name,
                bench,
                {**about, "effort": chosen.effort, "h2load": h2load.present(), "verified": chosen.verify_all},
            )
    print(f"done in {time.perf_counter() - began:.0f} s", flush=True)
    if chosen.page:
        report.write(RESULTS, list(COMPARED), more=list(BY_ITSELF))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    described = ", ".join(_ALL)
    parser.add_argument(
        "figures",
        nargs="*",
        metavar="FIGURE",
        help=f"one or more of {described}; all of them if none is named",
    )
    parser.add_argument(
        "--effort", type=float, default=1.0, help="share of the time to spend, 0.2 for a look (default 1)"
    )
    parser.add_argument(
        "--page",
        action=argparse.BooleanOptionalAction,
        help="update docs/performance.md and docs/performance-results.md (default: only in a full run without --effort)",
    )
    parser.add_argument("--verify-all", action="store_true", help="run `orders verify` on the 2,000,000 orders too")
    chosen = parser.parse_args()
    if unknown := set(chosen.figures) - _ALL.keys():
        parser.error(f"there is no figure {', '.join(sorted(unknown))}; there are {described}")
    if chosen.page is None:
        chosen.page = not chosen.figures and chosen.effort >= 1
    return chosen


def _measure(name: str, bench: Bench, about: dict[str, Any]) -> None:
    print(f"{name}: {_ALL[name].__module__.rsplit('.', 1)[1]}", flush=True)
    began = time.perf_counter()
    turns = Turns()
    rows = _ALL[name](bench, turns)
    file = RESULTS / f"{name}.json"
    if not rows:
        # Left out: what an earlier run found is not this one's.
        file.unlink(missing_ok=True)
        return
    for row in rows:
        print(f"  {report.named(row)}: {report.shown(row)}", flush=True)
    RESULTS.mkdir(exist_ok=True)
    found = {
        "machine": about,
        "seconds": round(time.perf_counter() - began),
        "rows": list(map(asdict, rows)),
        "measured": turns.as_json(),
    }
    file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
