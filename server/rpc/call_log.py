"""A line for each call, for those who look for one."""

import logging

from google.rpc import code_pb2

from server.domain.errors import OrderError
from server.domain.status import code_of
from server.logs import fields

log = logging.getLogger(__name__)


def log_call(*, method: str, caller: str, seconds: float, error: OrderError | None = None) -> None:
    """Says at debug level how a call ended; `caller` is '' where nobody was known."""
    if log.isEnabledFor(logging.DEBUG):
        code = "OK" if error is None else code_pb2.Code.Name(code_of(error))
        spent = round(seconds * 1000, 3)
        log.debug("call", extra=fields(error, method=method, caller=caller, code=code, milliseconds=spent))
