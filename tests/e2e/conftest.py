"""What the end-to-end tests share: a folder, and one server a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import processes


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder of the module's own."""
    with processes.folder() as path:
        yield path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[processes.Server]:
    """A server of the module's own, with the demo catalogue."""
    with processes.serving(folder / "data") as server:
        yield server
