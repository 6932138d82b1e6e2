"""Sends refusals. The table of codes is in domain/status.py; nothing else ends a call with an error."""

from typing import NoReturn

import grpc

from server.domain.errors import OrderError, Violation
from server.domain.status import status_of

_CODES = {code.value[0]: code for code in grpc.StatusCode}

# Clients take some 8 KiB of trailers. What does not fit is counted, not listed.
_MAX_VIOLATIONS = 20
_MAX_TEXT = 200
_MAX_MESSAGE = 1000


async def refuse(context: grpc.aio.ServicerContext, error: OrderError) -> NoReturn:
    """Ends the call with the error's code and details."""
    status = status_of(bounded(error))
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, trailing_metadata=details)
    raise AssertionError("abort raises")


def bounded(error: OrderError) -> OrderError:
    """The error with no more fields and no longer texts than trailers can carry."""
    if len(error.violations) > _MAX_VIOLATIONS:
        rest = len(error.violations) - _MAX_VIOLATIONS
        error.violations = [*error.violations[:_MAX_VIOLATIONS], Violation("", f"and {rest} more")]
    error.violations = [
        Violation(violation.field[:_MAX_TEXT], violation.description[:_MAX_TEXT]) for violation in error.violations
    ]
    error.metadata = {key: value[:_MAX_TEXT] for key, value in error.metadata.items()}
    error.message = error.message[:_MAX_MESSAGE]
    return error
