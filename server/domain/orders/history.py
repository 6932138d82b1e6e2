"""Old versions of an order, and the changes between two of them: rebuilt from the values of its events."""

from typing import NamedTuple

from orders.v1.error_reason_pb2 import ERROR_REASON_HISTORY_NOT_RECORDED, ERROR_REASON_VERSION_NOT_FOUND
from orders.v1.order_pb2 import Order, OrderEvent
from orders.v1.order_service_pb2 import FieldDifference

from server.domain.base.differences import FOLLOWING, difference, differing_paths, field_differences, overlap
from server.domain.base.errors import Refusal


class SetBy(NamedTuple):
    """A field, and the version that last set it."""

    field: str
    version: int


def version_not_found(order: Order, field: str, value: object) -> Refusal:
    """The refusal of a version or a time at which the order did not exist."""
    text = f"{field}: order {order.order_number} has versions 1 to {order.version}, and none is at {value}"
    metadata = {"order_id": order.order_id, field: str(value), "current_version": str(order.version)}
    return Refusal(ERROR_REASON_VERSION_NOT_FOUND, text, metadata=metadata)


def history_not_recorded(order: Order, *, version: int, oldest: int) -> Refusal:
    """The refusal of a version that is older than the recording of values."""
    text = (
        f"version {version} of order {order.order_number} was not recorded; the oldest that can be rebuilt is {oldest}"
    )
    metadata = {"order_id": order.order_id, "version": str(version), "oldest_version": str(oldest)}
    return Refusal(ERROR_REASON_HISTORY_NOT_RECORDED, text, metadata=metadata)


class Provenance:
    """The version that last set each field of an order, from its events, newest first."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._versions: dict[str, int] = {}
        self._missing = {field.name for field, _ in order.ListFields()} - FOLLOWING

    @property
    def is_complete(self) -> bool:
        return not self._missing

    def add(self, version: int, values: OrderEvent) -> None:
        """Records the fields that an event set."""
        changed = {field.name for part in (values.before, values.after) for field, _ in part.ListFields()}
        for name in changed & self._missing:
            self._versions[name] = version
        self._missing -= changed

    def end(self) -> None:
        """Records that the first event set all remaining fields."""
        self._versions.update(dict.fromkeys(self._missing, 1))

    def fields(self) -> list[SetBy]:
        """The fields that are known, in the order of Order's fields."""
        known = self._versions | dict.fromkeys(FOLLOWING, self._order.version)
        return [SetBy(field.name, known[field.name]) for field, _ in self._order.ListFields() if field.name in known]


class Changes:
    """The newest event that changed each path, from events, newest first."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}

    def add(self, version: int, values: OrderEvent) -> None:
        for path, _, _ in differing_paths(values.before, values.after):
            self._versions.setdefault(path, version)

    def version_of(self, path: str) -> int:
        """The version that last changed a path, a part of it, or a message that holds it."""
        return max(version for changed, version in self._versions.items() if overlap(changed, path))


class ChangedField(NamedTuple):
    """A field in which two versions differ, and the version of the event that last changed it."""

    difference: FieldDifference
    version: int


def changed_fields(before: Order, after: Order, changes: Changes) -> list[ChangedField]:
    """The fields in which two versions differ."""
    found = difference(before, after)
    return [
        ChangedField(field, changes.version_of(field.path)) for field in field_differences(found.before, found.after)
    ]
