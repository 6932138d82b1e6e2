"""Edits of an order: the copy that is changed, and the events that record the change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.error_reason_pb2 import ERROR_REASON_ETAG_MISMATCH
from orders.v1.order_pb2 import Order, OrderEvent

from server.domain.base.caller import Caller
from server.domain.base.errors import Refusal


@dataclass(frozen=True, slots=True)
class Audit:
    """The caller, request id and time that all events of a command share."""

    caller: Caller
    # The name of the method, for example `CreateOrder`.
    method: str
    request_id: str
    time: Timestamp
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An order before and after a command (`before` is None for a new one), and its events."""

    before: Order | None
    after: Order
    events: list[OrderEvent]
    # The order after each event but the last.
    passed: Sequence[Order] = ()

    def steps(self) -> Iterator[tuple[OrderEvent, Order | None, Order]]:
        """The events, each with the order before and after it."""
        versions = [self.before, *self.passed, self.after]
        for event, before, after in zip(self.events, versions[:-1], versions[1:], strict=True):
            assert after is not None
            yield event, before, after


@dataclass(slots=True)
class OrderEdit:
    """A copy of an order that a rule changes. Each recorded event is one version."""

    order: Order
    before: Order | None
    audit: Audit
    events: list[OrderEvent] = field(default_factory=list)
    # The order after each event of an existing one. A new order has one event.
    versions: list[Order] = field(default_factory=list)

    def record(self, event: OrderEvent) -> None:
        """Records an event as the order's next version."""
        order, audit = self.order, self.audit
        order.version += 1
        event.order_id = order.order_id
        event.version = order.version
        event.actor, event.method = audit.caller.subject, audit.method
        if audit.caller.owner:
            event.actor_owner = audit.caller.owner
        event.request_id = audit.request_id
        event.event_time.CopyFrom(audit.time)
        if audit.traceparent:
            event.traceparent = audit.traceparent
        if not event.to_status:
            event.from_status = event.to_status = order.status
        self.events.append(event)
        if self.before is not None:
            version = Order()
            version.CopyFrom(order)
            self.versions.append(version)

    def note_delivery_changes(self, *fields: str) -> None:
        """Adds the changed fields of the delivery to the last event."""
        assert self.before is not None
        before, after = self.before.delivery, self.order.delivery
        changed = [f"delivery.{field}" for field in fields if getattr(before, field) != getattr(after, field)]
        self.events[-1].changed_fields.extend(changed)

    def finish(self) -> OrderChange:
        order = self.order
        order.etag = str(order.version)
        order.update_time.CopyFrom(self.audit.time)
        return OrderChange(before=self.before, after=order, events=self.events, passed=self.versions[:-1])


def edit_of(before: Order, audit: Audit) -> OrderEdit:
    """An edit that starts from a stored order."""
    copy = Order()
    copy.CopyFrom(before)
    # It belongs to an event that is no longer the last one.
    copy.ClearField("event_hash")
    return OrderEdit(order=copy, before=before, audit=audit)


# Of orders that have changed more often since, the changes are not compared.
_COMPARED_VERSIONS = 100


def stale_version(order: Order, etag: str) -> int | None:
    """The version of an etag that is out of date; None if it is current, no etag of the order, or too old to compare."""
    known = range(max(1, order.version - _COMPARED_VERSIONS), order.version)
    return next((version for version in reversed(known) if etag == str(version)), None)


def check_etag(order: Order, etag: str) -> None:
    """Refuses an etag of another version; an empty etag skips the check."""
    if etag and etag != order.etag:
        raise Refusal(
            ERROR_REASON_ETAG_MISMATCH,
            f"order {order.order_number} has changed: its etag is {order.etag!r}, not {etag!r}; read it again before you decide",
            metadata={"order_id": order.order_id, "etag": order.etag},
        )
