"""An order being changed: the copy that is changed, and the events that say how."""

from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import Order, OrderEvent

from server.domain.base.caller import Caller
from server.domain.base.errors import Refusal


@dataclass(frozen=True, slots=True)
class Audit:
    """What every event of a command has in common."""

    caller: Caller
    # The name of the method, for example `CreateOrder`.
    method: str
    request_id: str
    time: Timestamp


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An order before and after a command (`before` is None for a new one), and its events."""

    before: Order | None
    after: Order
    events: list[OrderEvent]


@dataclass(slots=True)
class OrderEdit:
    """A copy of an order that a rule changes. Each recorded event is one version."""

    order: Order
    before: Order | None
    audit: Audit
    events: list[OrderEvent] = field(default_factory=list)

    def record(self, event: OrderEvent) -> None:
        """Counts the event as the order's next version."""
        order, audit = self.order, self.audit
        order.version += 1
        event.order_id = order.order_id
        event.version = order.version
        event.actor = audit.caller.subject
        event.request_id = audit.request_id
        event.event_time.CopyFrom(audit.time)
        if not event.to_status:
            event.from_status = event.to_status = order.status
        self.events.append(event)

    def note_delivery_changes(self, *fields: str) -> None:
        """Lists, with the last event, those of the delivery's fields that the edit has changed."""
        assert self.before is not None
        before, after = self.before.delivery, self.order.delivery
        changed = [f"delivery.{field}" for field in fields if getattr(before, field) != getattr(after, field)]
        self.events[-1].changed_fields.extend(changed)

    def finish(self) -> OrderChange:
        order = self.order
        order.etag = str(order.version)
        order.update_time.CopyFrom(self.audit.time)
        return OrderChange(before=self.before, after=order, events=self.events)


def edit_of(before: Order, audit: Audit) -> OrderEdit:
    """A edit that starts from a stored order."""
    copy = Order()
    copy.CopyFrom(before)
    # That of an event which is no longer the last one; of those that are not stored there is none.
    copy.ClearField("event_hash")
    return OrderEdit(order=copy, before=before, audit=audit)


def check_etag(order: Order, etag: str) -> None:
    """Refuses if the caller has seen another version; an empty etag asks for no check."""
    if etag and etag != order.etag:
        raise Refusal(
            "ETAG_MISMATCH",
            f"order {order.order_id} has changed: its etag is {order.etag!r}, not {etag!r}; read it again and decide anew",
            metadata={"order_id": order.order_id, "etag": order.etag},
        )
