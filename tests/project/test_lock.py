"""The lock: hashes for every file, versions as in constraints.txt, and no name of an index."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.txt").read_text()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_locked_version_has_hashes_and_is_the_constrained_one() -> None:
    constrained = {
        normal(name): version
        for name, _, version in (line.partition("==") for line in (ROOT / "constraints.txt").read_text().split())
    }
    entries = re.findall(
        r"^([\w.-]+)==(\S+)(?: ;.*)? \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", LOCK, re.MULTILINE
    )
    assert len(entries) == len(re.findall("==", re.sub(";.*", "", LOCK)))
    locked = {normal(name): version for name, version, _ in entries}
    # Those of other platforms have no constraint.
    assert {name: version for name, version in locked.items() if constrained.get(name, version) != version} == {}
    assert {"grpcio", "psycopg", "opentelemetry-sdk"} <= locked.keys()


def test_the_lock_names_no_index() -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links", LOCK)
