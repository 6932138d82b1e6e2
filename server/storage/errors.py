"""Translates the database's failures, by SQLSTATE and by constraint, never by text."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from orders.v1.error_reason_pb2 import ERROR_REASON_DEPENDENCY_UNAVAILABLE
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from server.domain.base.errors import Refusal
from server.telemetry.log import fields

log = logging.getLogger(__name__)

# Conflicts of two batches: the next attempt sees the other one's writes.
RETRYABLE = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)

NO_ANSWER, SLOW, LOST, OTHER = "no_answer", "slow", "connection_lost", "other"
READ_ONLY, DISK_FULL, PERMISSION_DENIED, IO_ERROR = "read_only", "disk_full", "permission_denied", "io_error"

# The causes by SQLSTATE or its prefix; the first match applies.
_SQLSTATES = {
    "25006": READ_ONLY,
    "42501": PERMISSION_DENIED,
    "53100": DISK_FULL,
    "53200": "out_of_memory",
    "53300": "too_many_connections",
    "53": "out_of_resources",
    "58": IO_ERROR,
    "57014": SLOW,
    "55P03": SLOW,
    # The server ended the session.
    "08": LOST,
    "25P03": LOST,
    "25P04": LOST,
    "57P": LOST,
}

_TEXTS = {
    NO_ANSWER: "the database does not answer; retry in a moment",
    SLOW: "the database did not finish in time; retry in a moment",
    LOST: "the connection to the database was lost; retry in a moment",
    OTHER: "the database failed; retry in a moment",
    READ_ONLY: "the database is read-only; retry in a moment",
    DISK_FULL: "the database's disk is full; retry later",
    PERMISSION_DENIED: "the database lacks a permission that this call needs; retry later",
    IO_ERROR: "the database cannot access its files; retry later",
    "out_of_memory": "the database is out of memory; retry in a moment",
    "too_many_connections": "the database has too many connections; retry in a moment",
    "out_of_resources": "the database is out of resources; retry in a moment",
}

# With these the database still answers reads.
WRITE_CAUSES = frozenset({READ_ONLY, DISK_FULL, PERMISSION_DENIED, IO_ERROR})
# The causes for which a health check fails.
HEALTH_CAUSES = (NO_ANSWER, *sorted(WRITE_CAUSES))
# With these, another connection may succeed, for example to the new primary.
_CONNECTION_CAUSES = frozenset({NO_ANSWER, LOST, READ_ONLY, PERMISSION_DENIED, IO_ERROR})


class DatabaseUnavailable(Refusal):
    """The database's state, not the request, made a call fail."""

    def __init__(self, cause: str = NO_ANSWER, text: str = "") -> None:
        """`text` replaces the cause's own."""
        metadata = {"dependency": "database", "cause": cause}
        super().__init__(ERROR_REASON_DEPENDENCY_UNAVAILABLE, text or _TEXTS[cause], metadata=metadata, retry_after=1.0)
        self.cause = cause


class ConnectionLost(DatabaseUnavailable):
    """The connection was lost before anything was committed on it, for example a stale one from before a restart."""

    def __init__(self) -> None:
        super().__init__(LOST)


class Unanswered(DatabaseUnavailable):
    """The database did not answer for the maximum duration of a call, so queued calls would only wait again."""


class Refused(Exception):
    """The database refuses a row. Names the constraint, without the database's text, which may contain the row."""

    def __init__(self, error: psycopg.Error) -> None:
        self.sqlstate, self.constraint_name = error.sqlstate, error.diag.constraint_name
        super().__init__(f"{type(error).__name__} ({self.sqlstate}): {self.constraint_name or 'no constraint'}")


@contextmanager
def database_errors(*, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raises DEPENDENCY_UNAVAILABLE for failures of the database; `passing` errors pass."""
    began = time.monotonic()
    try:
        yield
    except passing:
        raise
    except (psycopg.Error, TimeoutError) as error:
        if (unavailable := _unavailable(error)) is not None:
            seconds = round(time.monotonic() - began, 3)
            log.warning("the database failed", extra=fields(error, cause=unavailable.cause, seconds=seconds))
            raise unavailable from error
        if isinstance(error, psycopg.IntegrityError | psycopg.DataError):
            raise Refused(error) from None
        raise


def _unavailable(error: Exception) -> DatabaseUnavailable | None:
    cause = cause_of(error)
    if cause is None:
        return None
    return ConnectionLost() if cause == LOST else DatabaseUnavailable(cause)


def cause_of(error: BaseException) -> str | None:
    """The cause of a failure of the database; None for any other failure."""
    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests):
        return NO_ANSWER
    if isinstance(error, TimeoutError):
        return SLOW
    if not isinstance(error, psycopg.Error):
        return None
    sqlstate = error.sqlstate or ""
    known = next((cause for beginning, cause in _SQLSTATES.items() if sqlstate.startswith(beginning)), None)
    if known is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return OTHER if sqlstate else LOST
    return known


def spoils_connection(error: BaseException) -> bool:
    """Whether the connection, and others of its age, should be replaced."""
    return cause_of(error) in _CONNECTION_CAUSES


def is_rolled_back(error: BaseException) -> bool:
    """Whether a failed COMMIT certainly committed nothing: the server reported the error and keeps running."""
    return isinstance(error, psycopg.Error) and error.sqlstate is not None and cause_of(error) != LOST


def unconfirmed(error: BaseException, *, silent: bool) -> DatabaseUnavailable:
    """The error for callers whose COMMIT has an unknown outcome."""
    text = "the connection was lost before COMMIT was acknowledged, so the outcome is unknown; retry with the same request_id"
    if silent and isinstance(error, asyncio.CancelledError):
        return Unanswered(NO_ANSWER, text)
    return DatabaseUnavailable(cause_of(error) or NO_ANSWER, text)
