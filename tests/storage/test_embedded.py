"""Which folders the embedded PostgreSQL takes, and that it leaves the others as they are."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.storage import embedded
from server.storage.embedded import EmbeddedError
from tests.conftest import reachable_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")


def look(folder: Path) -> list[tuple[Path, int, int, int]]:
    """Everything above and in a folder, with owner, group and mode."""
    found = sorted({*folder.parents, folder, *folder.rglob("*")})
    return [(path, s.st_uid, s.st_gid, s.st_mode) for path in found if (s := path.lstat())]


def full(folder: Path) -> Path:
    folder.mkdir()
    (folder / "mine").touch()
    return folder


def link(folder: Path) -> Path:
    target = full(folder.with_name("target"))
    folder.symlink_to(target)
    return folder


def loop(folder: Path) -> Path:
    folder.symlink_to(folder)
    return folder


def file(folder: Path) -> Path:
    folder.touch()
    return folder


def of_another_version(folder: Path) -> Path:
    folder.mkdir()
    (folder / "PG_VERSION").write_text("9.6\n")
    return folder


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (full, "neither empty nor a data folder of PostgreSQL; set ORDERS_DATA_DIR"),
        (link, "neither empty nor a data folder of PostgreSQL; set ORDERS_DATA_DIR"),
        (loop, "cannot use the data folder"),
        (file, "it is not a folder; set ORDERS_DATA_DIR"),
        (of_another_version, "expecting version 18 but found version 9.6; set ORDERS_POSTGRES_VERSION"),
    ],
)
def test_what_is_no_data_folder_is_refused_unchanged(data_dir: Path, make: Callable[[Path], Path], says: str) -> None:
    folder = make(data_dir)
    before = look(folder)
    with pytest.raises(EmbeddedError, match=says):
        embedded.start(folder)
    assert look(folder) == before


@as_root
@pytest.mark.parametrize("marker", [(), ("PG_VERSION",)])
def test_what_belongs_to_others_is_refused_unchanged(data_dir: Path, marker: tuple[str, ...]) -> None:
    data_dir.mkdir()
    for name in marker:
        (data_dir / name).write_text("18\n")
    os.chown(data_dir, 12345, 12345)
    before = look(data_dir)
    with pytest.raises(EmbeddedError, match="it belongs to user 12345, and PostgreSQL would run as"):
        embedded.start(data_dir)
    assert look(data_dir) == before


@as_root
def test_folders_above_are_not_opened_for_postgres(data_dir: Path) -> None:
    closed = data_dir.with_name("closed")
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match=f"cannot enter {closed}; run `chmod o\\+x {closed}`"):
        embedded.start(closed / "a" / "data")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not list(closed.iterdir())


def test_an_empty_folder_and_a_missing_one_are_taken_and_taken_again() -> None:
    with reachable_folder("orders-test-") as parent:
        (parent / "empty").mkdir()
        above = look(parent)[: len(parent.parents) + 1]
        for folder in (parent / "empty", parent / "missing" / "data", parent / "empty"):
            embedded.start(folder).stop()
            assert (folder / "PG_VERSION").read_text().strip() == "18"
        assert look(parent)[: len(above)] == above


_START_AS_NOBODY = """
import os, sys
from pathlib import Path
from server.storage import cluster, embedded

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    embedded.start(Path(sys.argv[1]))
except embedded.EmbeddedError as error:
    print(error)
"""


def test_parent_that_is_not_writable_is_named() -> None:
    with reachable_folder("orders-closed-") as parent:
        parent.chmod(0o555)
        command = [sys.executable, "-W", "ignore", "-c", _START_AS_NOBODY, parent / "mine" / "data"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        parent.chmod(0o755)
        assert f"may not write to {parent}; set ORDERS_DATA_DIR to another one" in done.stdout
        assert "Traceback" not in done.stderr
        assert not list(parent.iterdir())
