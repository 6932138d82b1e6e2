"""Sends refusals. The table of codes is in domain/status.py; nothing else ends a call with an error."""

from typing import NoReturn

import grpc

from server.domain.errors import OrderError
from server.domain.status import status_of

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS = "grpc-status-details-bin"


def refuse(context: grpc.aio.ServicerContext, error: OrderError) -> bytes:
    """Has the call end with the error's code and details when its handler returns; the bytes are for it to return."""
    # `abort` costs more than its time: its exception and the frames it passes hold each other until the garbage collector comes.
    status = status_of(error)
    context.set_code(_CODES[status.code])
    context.set_details(status.message)
    context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))
    return b""


async def abort(context: grpc.aio.ServicerContext, error: OrderError) -> NoReturn:
    """As `refuse`, at once, and waits for it: the status of a stream has to wait behind what its caller has not read."""
    status = status_of(error)
    details = ((_DETAILS, status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, trailing_metadata=details)
    raise AssertionError("abort raises")
