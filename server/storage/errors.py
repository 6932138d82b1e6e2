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

_UNAVAILABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    TimeoutError,
)


@contextmanager
def database_errors(*, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raises DEPENDENCY_UNAVAILABLE for what is the database's state and not the caller's fault; lets through what is `passing`."""
    try:
        yield
    except passing:
        raise
    except _UNAVAILABLE as error:
        log.warning("database: %s: %s", type(error).__name__, str(error).strip())
        raise unavailable() from error


def unavailable(detail: str = "the database does not answer; try again in a moment") -> OrderError:
    return OrderError("DEPENDENCY_UNAVAILABLE", detail, metadata={"dependency": "database"}, retry_after=1.0)
