"""A line for each call, for those who look for one."""

import logging

from server.domain.base.errors import Refusal
from server.telemetry.log import fields

log = logging.getLogger(__name__)


def log_call(*, method: str, caller: str, code: str, seconds: float, error: Refusal | None = None) -> None:
    """Says at debug level how a call ended; `caller` is '' where nobody was known."""
    if log.isEnabledFor(logging.DEBUG):
        spent = round(seconds * 1000, 3)
        log.debug("call", extra=fields(error, method=method, caller=caller, code=code, milliseconds=spent))
