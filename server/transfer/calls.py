"""Retries of calls: transient errors, delays, and error texts."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2

Metadata = Sequence[tuple[str, str]]
_Detail = TypeVar("_Detail")

# An exceeded deadline is transient: every call here can be repeated.
_PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}


class TransferError(Exception):
    """An import or export failed or stopped early; the text has the cause and the fix."""


@dataclass(frozen=True)
class Retry:
    """The maximum attempts of a call, and the delays between them in seconds."""

    attempts: int = 8
    base: float = 0.2
    longest: float = 10.0

    DEFAULT: ClassVar["Retry"]

    def passes(self, error: grpc.aio.AioRpcError, *, attempt: int) -> bool:
        """Whether to retry after a failed attempt, counted from 1."""
        return error.code() in _PASSING and attempt < self.attempts

    def delay(self, error: grpc.aio.AioRpcError | None, *, attempt: int) -> float:
        """The delay before the next attempt: doubled each time, with jitter, and at least the delay that the server requests."""
        backoff = min(self.longest, self.base * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)
        asked = _asked_delay(error) if error else 0.0
        return asked + backoff / 4 if asked > backoff else backoff


Retry.DEFAULT = Retry()


# Errors that a flag of the command fixes.
_ADVICE = {
    grpc.StatusCode.UNAUTHENTICATED: "; pass it in ORDERS_KEY or with --key",
    grpc.StatusCode.UNAVAILABLE: "; for a server with TLS, use --tls or --tls-ca",
}


def explain(error: grpc.aio.AioRpcError) -> str:
    """An error of a call in one line, with its fields and the fix."""
    status = _status(error)
    fields = _fields(status) if status else ""
    said = f"{error.code().name}: {error.details() or 'no details'}" + (f" ({fields})" if fields else "")
    return said + _ADVICE.get(error.code(), "")


def explain_status(status: status_pb2.Status) -> str:
    """The refusal of one item of a batch in one line, which begins with the fields that it names."""
    return _fields(status) or status.message or str(code_pb2.Code.Name(status.code))


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Waits for the delay or the stop event; returns whether to stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _asked_delay(error: grpc.aio.AioRpcError) -> float:
    status = _status(error)
    info = _detail(status, error_details_pb2.RetryInfo) if status else None
    return info.retry_delay.ToTimedelta().total_seconds() if info else 0.0


def _fields(status: status_pb2.Status) -> str:
    request = _detail(status, error_details_pb2.BadRequest)
    violations = request.field_violations if request else ()
    return "; ".join(f"{violation.field}: {violation.description}" for violation in violations)


def _status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    metadata = error.trailing_metadata() or ()
    details: Any = next((value for key, value in metadata if key == "grpc-status-details-bin"), None)
    return status_pb2.Status.FromString(details) if details else None


def _detail(status: status_pb2.Status, kind: type[_Detail]) -> _Detail | None:
    found: Any = kind()
    return next((found for detail in status.details if detail.Unpack(found)), None)
