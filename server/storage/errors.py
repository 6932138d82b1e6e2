"""What the database's failures mean, told by class and by constraint, never by text."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from server.domain.errors import OrderError

log = logging.getLogger(__name__)

# Two batches met: the next attempt sees what the other one wrote.
RETRYABLE = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)

_AWAY = "the database does not answer; try again in a moment"
_DATABASE = {"dependency": "database"}

_UNAVAILABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    TimeoutError,
)


class ConnectionLost(OrderError):
    """The connection had gone before anything was committed on it: gone stale in the pool, perhaps, over a restart of the database."""

    def __init__(self) -> None:
        super().__init__("DEPENDENCY_UNAVAILABLE", _AWAY, metadata=_DATABASE, retry_after=1.0)


class Refused(Exception):
    """The database refuses a row. Says which rule, and keeps the row itself out of logs."""


@contextmanager
def database_errors(*, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raises DEPENDENCY_UNAVAILABLE for what is the database's state and not the caller's fault; lets through what is `passing`."""
    try:
        yield
    except passing:
        raise
    except _UNAVAILABLE as error:
        log.warning("database: %s: %s", type(error).__name__, str(error).strip())
        raise (ConnectionLost() if _is_lost(error) else unavailable()) from error
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        rule = error.diag.constraint_name or error.diag.message_primary
        raise Refused(f"{type(error).__name__} ({error.sqlstate}): {rule}") from None


def _is_lost(error: Exception) -> bool:
    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests) or not isinstance(error, psycopg.Error):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def unavailable(detail: str = _AWAY) -> OrderError:
    return OrderError("DEPENDENCY_UNAVAILABLE", detail, metadata=_DATABASE, retry_after=1.0)
