"""The client's wheel, installed as a stranger would: into a new environment, with nothing of the server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import reachable_folder
from tests.e2e.processes import ROOT


def run(*command: object, cwd: Path | None = None, seconds: float = 300) -> str:
    """The output of a command that succeeds."""
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def client_python() -> Iterator[Path]:
    """The Python of an environment that has the client."""
    with reachable_folder("orders-client-") as folder:
        run(sys.executable, "-m", "uv", "build", "--wheel", "--out-dir", folder / "dist", ROOT / "client")
        run(sys.executable, "-m", "venv", folder / "venv")
        python = folder / "venv" / "bin" / "python"
        (wheel,) = (folder / "dist").glob("*.whl")
        pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
        run(*pip, "--constraint", ROOT / "constraints.txt", wheel)
        yield python
