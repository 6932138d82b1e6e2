"""The log lines of calls: of each at debug level, and of slow ones as warnings."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import Message

from server.domain.base.errors import Refusal
from server.telemetry.log import fields
from server.telemetry.timings import Timing, sums_of

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


def log_slow(seconds: float, timings: Iterable[Timing], request: Any, *, least: float, streams: bool) -> None:
    """Logs a slow call with the fields that its request sets and the durations of its parts.

    A stream lasts as long as its caller reads, so it is slow only if its statements are slow.
    """
    sums = sums_of(timings)
    rows = int(sums.pop("rows", 0))
    if streams and sum(sums.values()) < least:
        return
    shape = ",".join(_shape(request)) if isinstance(request, Message) else ""
    wait, read, decide, commit = (_milliseconds(sums.get(step, 0.0)) for step in ("wait", "read", "decide", "commit"))
    log.warning(
        "a call was slow",
        extra=fields(
            milliseconds=_milliseconds(seconds),
            filter=shape,
            rows=rows,
            wait_ms=wait,
            read_ms=read,
            decide_ms=decide,
            commit_ms=commit,
        ),
    )


def _shape(request: Message) -> Iterator[str]:
    """The paths of the fields that are set, those of a filter one by one."""
    for field, value in request.ListFields():
        if field.name == "filter":
            yield from (f"filter.{inner.name}" for inner, _ in value.ListFields())
        else:
            yield field.name


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
