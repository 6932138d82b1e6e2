"""The log of refused calls: sampled for each caller, with a warning when one caller causes most of them."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from orders.v1.error_reason_pb2 import ERROR_REASON_INTERNAL

from server.domain.base.caller import Caller, Role
from server.rpc.refused_calls import RefusedCall, RefusedCallTable
from server.telemetry.log import fields

log = logging.getLogger(__name__)

# Seconds of a window, the refusals of a caller that are logged in one, and those of all callers from which on one can cause most.
_WINDOW = 10.0
_LOGGED = 5
_MANY = 100
# The maximum number of callers in a window.
_MOST_CALLERS = 1_000


@dataclass(slots=True)
class RefusalLog:
    """Logs the first refusals of each caller in a time window, and later the number of omitted ones."""

    count_caller: Callable[[str, str], None] = lambda caller, reason: None
    clock: Callable[[], float] = time.monotonic
    table: RefusedCallTable = field(default_factory=RefusedCallTable)
    _until: float = 0.0
    _counts: Counter[str] = field(default_factory=Counter)
    _left_out: Counter[str] = field(default_factory=Counter)
    _has_warned: bool = False

    def note(self, call: RefusedCall) -> None:
        """Counts a refusal, and logs it unless its caller has had many."""
        subject, reason = call.caller.subject, call.error.reason
        self.count_caller(_label(call.caller), reason)
        self.table.add(call)
        if call.error.error_reason == ERROR_REASON_INTERNAL:  # It is in the log already.
            return
        self._begin_window()
        name = subject if subject in self._counts or len(self._counts) < _MOST_CALLERS else ""
        self._counts[name] += 1
        if self._counts[name] <= _LOGGED:
            self._log(call, name)
        else:
            self._left_out[name] += 1
        if not self._has_warned and self._counts.total() >= _MANY:
            self._warn(reason)

    def _begin_window(self) -> None:
        now = self.clock()
        if now >= self._until:
            self._until, self._has_warned = now + _WINDOW, False
            self._counts.clear()

    def _log(self, call: RefusedCall, name: str) -> None:
        error = call.error
        log.info(
            "a call was refused",
            extra=fields(
                error,
                method=call.method,
                caller=call.caller.subject,
                cause=error.metadata.get("cause", ""),
                peer=call.peer,
                request_id=call.request_id,
                left_out=self._left_out.pop(name, 0) or "",
                key_id=error.key_id,
            ),
        )

    def _warn(self, reason: str) -> None:
        """Warns if one caller has more than half of the window's refusals."""
        ((name, count),) = self._counts.most_common(1)
        if 2 * count > self._counts.total():
            self._has_warned = True
            log.warning(
                "one caller causes most refusals",
                extra=fields(caller=name or "unknown", reason=reason, count=count, seconds=_WINDOW),
            )


def _label(caller: Caller) -> str:
    """The caller's label in metrics, which does not distinguish people."""
    if not caller.subject:
        return "unknown"
    if caller.subject.startswith("user:"):
        return "customers" if caller.roles == {Role.CUSTOMER} else "users"
    return caller.subject
