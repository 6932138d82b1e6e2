"""The refused calls of the last hour, by caller and reason, as ServerService lists them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from orders.v1.server_service_pb2 import RefusedCalls

from server.domain.base.caller import Caller
from server.domain.base.error_codes import cut
from server.domain.base.errors import Refusal

# Nanoseconds for which a group is kept after its last call.
_KEPT = 3600 * 10**9
# The most groups of known callers, and of unknown ones, who can make up any number of them.
_MOST_KNOWN, _MOST_UNKNOWN = 50, 20
# Bytes of a message.
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call that was refused, as far as the log shows it."""

    method: str
    caller: Caller
    peer: str
    request_id: str
    error: Refusal


class _Group(NamedTuple):
    caller: str
    reason: str
    cause: str
    key_id: str


class RefusedCallTable:
    """Groups of refused calls, as many as can be kept: those with the latest calls."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        # The group with the latest call is the last.
        self._known: dict[_Group, RefusedCalls] = {}
        self._unknown: dict[_Group, RefusedCalls] = {}

    def add(self, call: RefusedCall) -> None:
        """Counts a call."""
        error, now = call.error, self._clock()
        group = _Group(call.caller.subject, error.reason, error.metadata.get("cause", ""), error.key_id)
        groups, most = (self._known, _MOST_KNOWN) if group.caller else (self._unknown, _MOST_UNKNOWN)
        found = groups.pop(group, None)
        if found is None or now - found.last_time.ToNanoseconds() > _KEPT:
            found = RefusedCalls(owner=call.caller.owner, **group._asdict())
            found.first_time.FromNanoseconds(now)
            if len(groups) >= most:
                del groups[next(iter(groups))]
        groups[group] = found
        found.count += 1
        found.last_time.FromNanoseconds(now)
        found.method, found.peer, found.request_id = call.method, call.peer, call.request_id
        found.message = cut(error.message, _LONGEST)

    def listed(self) -> list[RefusedCalls]:
        """The groups with calls within the last hour."""
        oldest = self._clock() - _KEPT
        groups = (*self._known.values(), *self._unknown.values())
        return [found for found in groups if found.last_time.ToNanoseconds() >= oldest]


def merged(groups: Iterable[RefusedCalls]) -> list[RefusedCalls]:
    """The groups of several processes as one list, the most frequent first. Each describes its last call."""
    found: dict[_Group, RefusedCalls] = {}
    for group in sorted(groups, key=lambda group: group.last_time.ToNanoseconds()):
        total = RefusedCalls()
        total.CopyFrom(group)
        key = _Group(group.caller, group.reason, group.cause, group.key_id)
        if (earlier := found.get(key)) is not None:
            total.count += earlier.count
            first = min(earlier.first_time, group.first_time, key=lambda each: each.ToNanoseconds())
            total.first_time.CopyFrom(first)
        found[key] = total
    return sorted(found.values(), key=lambda group: -group.count)
