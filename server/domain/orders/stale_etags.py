"""Requests with a stale etag: the fields that have changed since, and updates that do not touch them."""

from collections.abc import Iterable, Iterator
from typing import Any

from orders.v1.error_reason_pb2 import ERROR_REASON_ETAG_MISMATCH
from orders.v1.order_pb2 import EVENT_VALUES_STATE_RECORDED, Order, OrderEvent

from server.domain.base.differences import differing_paths, overlap
from server.domain.base.edits import stale_version
from server.domain.base.errors import Refusal
from server.domain.base.event_values import whole
from server.domain.base.state import State

# For longer lists, only the top-level fields are named.
_MOST_PATHS = 10


def etag_of(request: Any) -> str:
    """The etag of the order in a request; '' if there is none."""
    return getattr(request, "etag", "") or getattr(getattr(request, "order", None), "etag", "")


def name_changed_fields(error: Refusal, etag: str, state: State) -> None:
    """Adds the fields that have changed since to an ETAG_MISMATCH, if they are known."""
    if error.error_reason == ERROR_REASON_ETAG_MISMATCH:
        order = state.find(error.metadata["order_id"])
        changed = None if order is None else _changed_since(order, etag, state)
        if changed:
            error.metadata["fields"] = names = _shortened(changed)
            error.message += f"; changed since: {names}"


def may_conflict(paths: Iterable[str], order: Order, etag: str, state: State) -> bool:
    """Whether a change of these paths may conflict with a change since the version with this etag."""
    changed = _changed_since(order, etag, state)
    return changed is None or any(overlap(path, other) for path in paths for other in changed)


def _changed_since(order: Order, etag: str, state: State) -> list[str] | None:
    """The paths that have changed since the version with this etag; None if that is not known."""
    version = stale_version(order, etag)
    if version is None:
        return None
    later = [event for event in _known_events(order, state) if event.version > version]
    if len(later) < order.version - version or any(not _has_values(event) for event in later):
        return None
    return _parents({path for event in later for path, _, _ in differing_paths(event.before, event.after)})


def _parents(paths: set[str]) -> list[str]:
    """The paths, without those that are within another one."""
    return sorted(path for path in paths if not any(path.startswith(f"{other}.") for other in paths))


def _known_events(order: Order, state: State) -> Iterator[OrderEvent]:
    """The events that were read, and those of earlier commands of the batch."""
    yield from state.later_events.get(order.order_id, ())
    yield from (whole(stored) for after, _, stored in state.changes.events if after.order_id == order.order_id)


def _has_values(event: OrderEvent) -> bool:
    return bool(event.values_state == EVENT_VALUES_STATE_RECORDED)


def _shortened(paths: list[str]) -> str:
    names = paths if len(paths) <= _MOST_PATHS else sorted({path.split(".")[0] for path in paths})
    return ", ".join(names)
