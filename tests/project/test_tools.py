"""The tools of `make lint`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("has_git", [True, False])
def test_without_a_repository_or_git_the_check_of_breaking_changes_is_skipped(has_git: bool, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    script = shutil.copy(ROOT / "tools" / "breaking.py", tmp_path / "tools")
    path = Path(shutil.which("git") or "/usr/bin/git").parent if has_git else tmp_path
    command = [sys.executable, script, "no-such-buf"]
    done = subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "skipped" in done.stdout
