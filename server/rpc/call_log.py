"""The log line of each call, at debug level."""

import logging

from server.domain.base.errors import Refusal
from server.telemetry.log import fields

log = logging.getLogger(__name__)


def log_call(
    *, method: str, caller: str, code: str, seconds: float, request_id: str, error: Refusal | None = None
) -> None:
    """Logs the end of a call at debug level; `caller` is '' if it is unknown."""
    if log.isEnabledFor(logging.DEBUG):
        spent = _milliseconds(seconds)
        log.debug(
            "call",
            extra=fields(error, method=method, caller=caller, code=code, milliseconds=spent, request_id=request_id),
        )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
