"""What the database's failures mean, told by class and by constraint, never by text."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from server.domain.base.errors import OrderError
from server.telemetry.log import fields

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
    """The database refuses a row. Says which rule, and keeps the row itself, which the database's text may hold, to itself."""

    def __init__(self, error: psycopg.Error) -> None:
        self.sqlstate, self.constraint_name = error.sqlstate, error.diag.constraint_name
        super().__init__(f"{type(error).__name__} ({self.sqlstate}): {self.constraint_name or 'no constraint'}")


@contextmanager
def database_errors(*, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raises DEPENDENCY_UNAVAILABLE for what is the database's state and not the caller's fault; lets through what is `passing`."""
    try:
        yield
    except passing:
        raise
    except _UNAVAILABLE as error:
        log.warning("the database failed", extra=fields(error))
        raise (ConnectionLost() if _is_lost(error) else unavailable()) from error
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        raise Refused(error) from None


def _is_lost(error: Exception) -> bool:
    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests) or not isinstance(error, psycopg.Error):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def unavailable(detail: str = _AWAY) -> OrderError:
    return OrderError("DEPENDENCY_UNAVAILABLE", detail, metadata=_DATABASE, retry_after=1.0)
