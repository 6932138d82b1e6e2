"""A line for each call, for those who look for one."""

import logging

from server.logs import fields

log = logging.getLogger(__name__)


def log_call(*, method: str, code: str, reason: str, seconds: float, caller: str, request_id: str) -> None:
    """Says at debug level how a call ended; `reason` and `request_id` are '' where there is none."""
    if log.isEnabledFor(logging.DEBUG):
        log.debug(
            "call",
            extra=fields(
                method=method,
                code=code,
                reason=reason,
                milliseconds=round(seconds * 1000, 3),
                caller=caller,
                request_id=request_id,
            ),
        )
