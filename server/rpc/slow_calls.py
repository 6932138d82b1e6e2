"""The slow calls of the last hour: a warning for each, and what ServerService lists."""

import logging
import math
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message
from orders.v1.server_service_pb2 import SlowCall

from server.telemetry.log import fields, milliseconds
from server.telemetry.timings import Timing, sums_of

log = logging.getLogger(__name__)

_MOST = 50
# Nanoseconds for which a call is kept.
_KEPT = 3600 * 10**9
_STEPS = ("wait", "read", "decide", "commit")


class SlowCalls:
    """The slow calls of this process. A call is slow if it takes at least `seconds`."""

    def __init__(self, seconds: float = math.inf) -> None:
        self.seconds = seconds
        self._calls: deque[SlowCall] = deque(maxlen=_MOST)

    def note(
        self,
        seconds: float,
        timings: Iterable[Timing],
        request: Any,
        *,
        streams: bool,
        method: str,
        caller: str,
        request_id: str,
    ) -> None:
        """Logs and keeps a slow call, with the fields that its request sets and the time that its steps took.

        A stream lasts as long as its caller reads, so it is slow if its statements are.
        """
        sums = sums_of(timings)
        rows = int(sums.pop("rows", 0))
        if streams and sum(sums.values()) < self.seconds:
            return
        shape = list(_shape(request)) if isinstance(request, Message) else []
        steps = {step: sums.get(step, 0.0) for step in _STEPS}
        log.warning(
            "a call was slow",
            extra=fields(
                milliseconds=milliseconds(seconds),
                filter=",".join(shape),
                rows=rows,
                wait_ms=milliseconds(steps["wait"]),
                read_ms=milliseconds(steps["read"]),
                decide_ms=milliseconds(steps["decide"]),
                commit_ms=milliseconds(steps["commit"]),
            ),
        )
        call = SlowCall(
            method=method,
            caller=caller,
            fields=shape,
            duration=timedelta(seconds=seconds),
            rows=rows,
            request_id=request_id,
        )
        for step, spent in steps.items():
            getattr(call, f"{step}_duration").FromTimedelta(timedelta(seconds=spent))
        call.end_time.FromNanoseconds(time.time_ns())
        self._calls.append(call)

    def listed(self) -> list[SlowCall]:
        """The calls of the last hour."""
        oldest = time.time_ns() - _KEPT
        return [call for call in self._calls if call.end_time.ToNanoseconds() >= oldest]


def _shape(request: Message) -> Iterator[str]:
    """The paths of the fields that are set, those of a filter one by one."""
    for field, value in request.ListFields():
        if field.name == "filter":
            yield from (f"filter.{inner.name}" for inner, _ in value.ListFields())
        else:
            yield field.name
