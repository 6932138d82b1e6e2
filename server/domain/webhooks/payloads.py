"""The data of outbound events, and the bodies of webhooks."""

import json
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from orders.v1.order_pb2 import Order, OrderEvent, OrderStatus
from orders.v1.outbound_event_pb2 import OutboundEventData

from server.domain.webhooks.event_types import TEST


def event_id_of(order_id: str, version: int) -> str:
    """The id of a change for all channels, receivers and attempts."""
    return f"evt_{order_id}_{version}"


def webhook_id_of(order_id: str | None, version: int, delivery_id: str) -> str:
    """The id of a change for all endpoints and attempts, or of a test."""
    return event_id_of(order_id, version) if order_id else f"test_{delivery_id}"


def data_of(event: OrderEvent, order: Order | None = None) -> OutboundEventData:
    """The data of a change, with the order if the receiver requests it."""
    has_moved = event.from_status != event.to_status and event.from_status
    return OutboundEventData(
        order_id=event.order_id,
        status=_status_name(event.to_status),
        updated_at=event.event_time,
        version=event.version,
        previous_status=_status_name(event.from_status) if has_moved else "",
        order=order,
    )


def as_json(data: OutboundEventData) -> dict[str, Any]:
    """The data as JSON values."""
    return MessageToDict(data, preserving_proto_field_name=True)


def change_body(event_type: str, event: OrderEvent, order: Order | None = None) -> bytes:
    """The body for a change, with the order if the endpoint requests it."""
    return _body(event_type, event.event_time.ToJsonString(), as_json(data_of(event, order)))


def test_body(time: datetime) -> bytes:
    """The body of a test."""
    text = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _body(TEST, text, {"order_id": "", "status": "", "updated_at": text})


def _body(event_type: str, time: str, data: dict[str, Any]) -> bytes:
    message = {"type": event_type, "event": event_type, "timestamp": time, "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _status_name(status: int) -> str:
    return str(OrderStatus.Name(status)).removeprefix("ORDER_STATUS_").lower()
