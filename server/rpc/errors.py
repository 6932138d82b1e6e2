"""Sends refusals. The table of codes is in domain/status.py; nothing else ends a call with an error."""

from typing import NoReturn

import grpc

from server.domain.errors import OrderError
from server.domain.status import status_of

_CODES = {code.value[0]: code for code in grpc.StatusCode}


async def refuse(context: grpc.aio.ServicerContext, error: OrderError) -> NoReturn:
    """Ends the call with the error's code and details."""
    status = status_of(error)
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, trailing_metadata=details)
    raise AssertionError("abort raises")
