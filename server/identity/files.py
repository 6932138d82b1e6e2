"""Tells when a file was replaced."""

from pathlib import Path
from typing import NamedTuple


class Fingerprint(NamedTuple):
    """What changes with a file's contents, also where a symbolic link on its way is turned to another one."""

    inode: int
    size: int
    modified: int


def fingerprint(path: Path) -> Fingerprint | None:
    """None if there is no file, or none that may be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Fingerprint(status.st_ino, status.st_size, status.st_mtime_ns)
