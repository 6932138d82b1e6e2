"""Sends refusals. The table of codes is in domain/status.py; nothing else ends a call with an error."""

import grpc

from server.domain.base.error_codes import status_of
from server.domain.base.errors import OrderError

_CODES = {code.value[0]: code for code in grpc.StatusCode}


async def refuse(context: grpc.aio.ServicerContext, error: OrderError) -> bytes:
    """Ends the call with the error's code and details; returns what its handler is to return, which nobody gets."""
    status = status_of(error)
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    try:
        await context.abort(_CODES[status.code], status.message, trailing_metadata=details)
    except grpc.aio.AbortError as aborted:
        # The call holds it, and it would hold the call, by the frames that it has passed, until the garbage collector comes.
        aborted.__traceback__ = aborted.__context__ = None
    return b""
