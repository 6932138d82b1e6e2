"""Detects replaced files."""

from pathlib import Path
from typing import NamedTuple


class Fingerprint(NamedTuple):
    """Changes with a file's contents, and when a symbolic link on its path points elsewhere."""

    inode: int
    size: int
    modified: int


def fingerprint(path: Path) -> Fingerprint | None:
    """The fingerprint of a file; None if it does not exist or cannot be accessed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Fingerprint(status.st_ino, status.st_size, status.st_mtime_ns)
