"""The log line of each call, at debug level."""

import logging

from server.domain.base.errors import Refusal
from server.telemetry.log import fields, milliseconds

log = logging.getLogger(__name__)


def log_call(
    *, method: str, caller: str, code: str, seconds: float, request_id: str, error: Refusal | None = None
) -> None:
    """Logs the end of a call at debug level; `caller` is '' if it is unknown."""
    if log.isEnabledFor(logging.DEBUG):
        spent = milliseconds(seconds)
        log.debug(
            "call",
            extra=fields(error, method=method, caller=caller, code=code, milliseconds=spent, request_id=request_id),
        )
