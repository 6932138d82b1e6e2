"""Sends refusals. Nothing else ends a call with an error."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import grpc
from orders.v1.error_reason_pb2 import ERROR_REASON_RATE_LIMITED

from server.domain.base.error_codes import status_of
from server.domain.base.errors import Refusal
from server.domain.base.help_links import DOCS

_CODES = {code.value[0]: code for code in grpc.StatusCode}
# The delay for gRPC's built-in retry, which ignores RetryInfo. A negative number forbids the retry.
_PUSHBACK = "grpc-retry-pushback-ms"
_NEVER = "-1"


@dataclass(frozen=True, slots=True)
class Refuser:
    """Ends calls with errors. `docs` is the address of the page about errors, to which they link."""

    docs: str = DOCS

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
        status = status_of(error, docs=self.docs, retry_milliseconds=delay)
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
    """The delay with jitter, so that callers who failed together do not retry together. The rate limiter adds its own."""
    if error.retry_after is None:
        return None
    spread = 1.0 if error.error_reason == ERROR_REASON_RATE_LIMITED else random.uniform(1, 2)
    return int(error.retry_after * 1000 * spread)
