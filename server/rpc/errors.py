"""Sends refusals. Nothing else ends a call with an error."""

import random

import grpc
from orders.v1.error_reason_pb2 import ERROR_REASON_RATE_LIMITED

from server.domain.base.error_codes import status_of
from server.domain.base.errors import Refusal

_CODES = {code.value[0]: code for code in grpc.StatusCode}
# The header by which gRPC's built-in retry is told how long to wait; it ignores RetryInfo. A negative number tells it not to retry.
_PUSHBACK = "grpc-retry-pushback-ms"
_NEVER = "-1"


async def refuse(context: grpc.aio.ServicerContext, error: Refusal, *, retriable: bool = True) -> bytes:
    """Ends the call with the error's code and details; returns what its handler is to return, which nobody gets.

    A call that is not `retriable` may have been carried out, and would be carried out again.
    """
    delay = _retry_milliseconds(error)
    status = status_of(error, retry_milliseconds=delay)
    trailers = [("grpc-status-details-bin", status.SerializeToString())]
    if not retriable:
        trailers.append((_PUSHBACK, _NEVER))
    elif delay is not None:
        trailers.append((_PUSHBACK, str(delay)))
    try:
        await context.abort(_CODES[status.code], status.message, trailing_metadata=tuple(trailers))
    except grpc.aio.AbortError as aborted:
        # The call holds it, and it would hold the call, by the frames that it has passed, until the garbage collector comes.
        aborted.__traceback__ = aborted.__context__ = None
    return b""


def _retry_milliseconds(error: Refusal) -> int | None:
    """Spreads callers who failed together, so that they do not come back together. The rate limiter spreads its own."""
    if error.retry_after is None:
        return None
    spread = 1.0 if error.error_reason == ERROR_REASON_RATE_LIMITED else random.uniform(1, 2)
    return int(error.retry_after * 1000 * spread)
