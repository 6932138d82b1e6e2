"""The benchmark report: a run updates the overview and the results where readers find them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report
from benchmarks.__main__ import BY_ITSELF, COMPARED


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Copies of the overview page and the results page, into which the report is written."""
    copies = tmp_path / report.OVERVIEW_PAGE.name, tmp_path / report.RESULTS_PAGE.name
    for copy, page, name in zip(
        copies, (report.OVERVIEW_PAGE, report.RESULTS_PAGE), ("OVERVIEW_PAGE", "RESULTS_PAGE"), strict=True
    ):
        copy.write_text(page.read_text("utf-8"), encoding="utf-8")
        monkeypatch.setattr(report, name, copy)
    monkeypatch.setattr(report, "_CHART", tmp_path / "performance.svg")
    return copies


def write_results(folder: Path, figures: list[str]) -> None:
    """Writes results in which every operation does 4,321 calls a second for 87 µs each, and every ratio is 65.4."""
    machine = {"cores": 2, "processor": "Test", "python": "3", "server_version": "18", "fsync": "on", "effort": 1}
    measured = [{"done": 4321, "seconds": 1.0, "cpu": 4321 * 87e-6}]
    for name in figures:
        headlines = [each for each in report.HEADLINES if each.figure == name]
        ratios = [each.ratio for each in headlines if each.ratio] or [f"{name} ratio"]
        repeated = report.REPEATED if name == figures[0] else ()
        result: dict[str, Any] = {
            "machine": machine | {"synchronous_commit": "on"},
            "seconds": 1,
            "rows": [{"figure": figure, "value": 65.4, "at_least": 8} for figure in (*ratios, *repeated)],
            "measured": {each.measurement: measured for each in headlines} | {f"{name} alone": measured},
        }
        (folder / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")


def part_of(page: Path, part: str) -> str:
    return page.read_text("utf-8").partition(f"<!-- {part}: begin -->")[2].partition(f"<!-- {part}: end -->")[0]


def test_a_full_run_updates_overview_and_results(pages: tuple[Path, Path], tmp_path: Path) -> None:
    overview, results = pages
    write_results(tmp_path, [*COMPARED, *BY_ITSELF])
    report.write(tmp_path, list(COMPARED), more=list(BY_ITSELF))
    rows = part_of(overview, "overview")
    assert "| GetOrder | 4,321 | 87 | 65.4 |" in rows
    assert len(re.findall("^\\| .* 4,321 ", rows, re.MULTILINE)) == len(report.HEADLINES)
    assert all(f"| {figure} | 65.4 |" in rows for figure in report.REPEATED)
    assert "| GetOrder ÷ straightforward | 65.4 | ≥ 8 | yes |" in part_of(results, "benchmarks")
    for name in BY_ITSELF:
        assert f"| {name} alone | 4,321 | 87 |" in part_of(results, name)


def test_a_part_with_unmeasured_figures_stays(pages: tuple[Path, Path], tmp_path: Path) -> None:
    parts = {(page, part): part_of(page, part) for page in pages for part in ("overview", "benchmarks", *BY_ITSELF)}
    write_results(tmp_path, ["get", "gate"])
    report.write(tmp_path, list(COMPARED), more=list(BY_ITSELF))
    changed = [part for (page, part), text in parts.items() if part_of(page, part) != text]
    assert changed == ["gate"]


def test_a_page_without_marks_for_a_part_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- gate: begin -->", encoding="utf-8")
    with pytest.raises(ValueError, match=r"page\.md has no marks for gate"):
        report.write_part("gate", ["x"], page=page)
