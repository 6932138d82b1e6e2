"""Sends refusals. No other module ends a call with an error."""

import logging
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import grpc
from google.rpc.status_pb2 import Status
from orders.v1.error_reason_pb2 import ERROR_REASON_INTERNAL, ERROR_REASON_RATE_LIMITED
from uuid_utils import uuid4

from server.domain.base.error_codes import status_of
from server.domain.base.errors import Refusal
from server.domain.base.help_links import DOCS
from server.rpc.refusal_log import RefusalLog
from server.telemetry.log import fields, is_shown

log = logging.getLogger(__name__)

_CODES = {code.value[0]: code for code in grpc.StatusCode}
# The delay for gRPC's built-in retry, which ignores RetryInfo. A negative number forbids the retry.
_PUSHBACK = "grpc-retry-pushback-ms"
_NEVER = "-1"


@dataclass(frozen=True, slots=True)
class Refuser:
    """Ends calls with errors. `docs` is the address of the page about errors, to which they link."""

    docs: str = DOCS
    refusals: RefusalLog = field(default_factory=RefusalLog)

    def status_of(self, error: Refusal, *, retry_milliseconds: int | None = None) -> Status:
        """The status of a refusal, also for one item of a batch."""
        return status_of(error, docs=self.docs, retry_milliseconds=retry_milliseconds)

    async def refuse(
        self,
        context: grpc.aio.ServicerContext,
        error: Refusal,
        *,
        trailers: Iterable[tuple[str, str]],
        retriable: bool = True,
    ) -> bytes:
        """Ends the call with the error's code and details; returns the handler's return value, which is not sent.

        A call that is not `retriable` may have taken effect, and a retry would repeat it.
        """
        delay = _retry_milliseconds(error)
        status = self.status_of(error, retry_milliseconds=delay)
        sent: list[tuple[str, str | bytes]] = [*trailers, ("grpc-status-details-bin", status.SerializeToString())]
        if not retriable:
            sent.append((_PUSHBACK, _NEVER))
        elif delay is not None:
            sent.append((_PUSHBACK, str(delay)))
        try:
            await context.abort(_CODES[status.code], status.message, trailing_metadata=tuple(sent))
        except grpc.aio.AbortError as aborted:
            # The call and the exception's frames would form a cycle.
            aborted.__traceback__ = aborted.__context__ = None
        return b""


def _retry_milliseconds(error: Refusal) -> int | None:
    """The delay with jitter, so that callers do not retry together. The rate limiter adds its own jitter."""
    if error.retry_after is None:
        return None
    spread = 1.0 if error.error_reason == ERROR_REASON_RATE_LIMITED else random.uniform(1, 2)
    return int(error.retry_after * 1000 * spread)


def failure(error: Exception, *, method: str, request_id: str = "") -> Refusal:
    """Logs an internal failure and returns its refusal, whose metadata has the incident id of the log line."""
    incident_id, shown = str(uuid4()), request_id if is_shown("request_id", request_id) else ""
    log.error(
        "a method failed",
        exc_info=error,
        extra=fields(method=method, request_id=shown, incident_id=incident_id),
    )
    text = f"the server failed; report incident {incident_id}, under which its log has details"
    metadata = {"incident_id": incident_id, "request_id": request_id}
    return Refusal(ERROR_REASON_INTERNAL, text, metadata={name: value for name, value in metadata.items() if value})
