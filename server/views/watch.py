"""`orders watch`: the feed of changes, a line for each."""

from typing import Any

from google.protobuf.json_format import MessageToDict
from orders.v1 import order_pb2 as pb
from orders.v1.order_change_pb2 import OrderChange
from rich.text import Text

from server.views.changes import details
from server.views.words import name_of, time_text

_STYLES = {
    pb.ORDER_EVENT_TYPE_CREATED: "green",
    pb.ORDER_EVENT_TYPE_IMPORTED: "green",
    pb.ORDER_EVENT_TYPE_PAYMENT: "cyan",
    pb.ORDER_EVENT_TYPE_REFUND: "yellow",
}


def cells(change: OrderChange) -> list[str]:
    """Time, order, version, type, actor and details of a change."""
    event = change.event
    order = change.order.order_number or event.order_id
    kind = name_of(pb.OrderEventType, event.type)
    return [time_text(event.event_time), order, str(event.version), kind, event.actor, "; ".join(details(event))]


def as_line(change: OrderChange) -> str:
    """The line for pipes, with tabs between its cells."""
    return "\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in cells(change))


def rendered(change: OrderChange) -> Text:
    """The line for terminals."""
    time, order, version, kind, actor, described = cells(change)
    style = "red" if change.event.to_status == pb.ORDER_STATUS_CANCELLED else _STYLES.get(change.event.type, "")
    return Text.assemble(
        (time, "dim"), "  ", (order, "bold"), f"  v{version}  ", (kind, style), "  ", (actor, "dim"), "  ", described
    )


def as_json(change: OrderChange) -> dict[str, Any]:
    """The change for programs, without empty fields: `before` and `after` have only the fields that changed."""
    return MessageToDict(change, preserving_proto_field_name=True)
