"""Writes the pages and tables in docs/ that are generated: `python -m tools.reference`, with --check only compares them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tools.reference import api, client_services, configuration, service_config
from tools.reference.markdown import fill
from tools.reference.protos import load
from tools.reference.tables import tables

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def pages() -> Iterator[tuple[Path, str]]:
    """Each file that is generated, in whole or in part, and its text."""
    sources = load(ROOT / "generated" / "orders.binpb")
    yield DOCS / "api.md", api.render(sources)
    yield DOCS / "configuration.md", configuration.render()
    yield DOCS / "service-config.json", service_config.render(sources)
    yield client_services.TARGET, client_services.render()
    for page, found in tables(sources).items():
        text = (DOCS / page).read_text(encoding="utf-8")
        for name, each in found.items():
            text = fill(text, name, each)
        yield DOCS / page, text


def write() -> None:
    for path, text in pages():
        path.write_text(text, encoding="utf-8")


def check() -> list[str]:
    """The files that are not up to date."""
    return [path.name for path, text in pages() if not path.exists() or path.read_text(encoding="utf-8") != text]


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        write()
    elif stale := check():
        sys.exit(f"not up to date in docs/: {', '.join(stale)}; run make docs")
