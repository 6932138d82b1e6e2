"""The bodies of webhooks."""

import json
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from orders.v1.order_pb2 import Order, OrderEvent, OrderStatus

from server.domain.webhooks.event_types import TEST


def webhook_id_of(order_id: str | None, version: int, delivery_id: str) -> str:
    """The id of a change for all endpoints and attempts, or of a test."""
    return f"evt_{order_id}_{version}" if order_id else f"test_{delivery_id}"


def change_body(event_type: str, event: OrderEvent, order: Order | None = None) -> bytes:
    """The body for a change; with the order, if the endpoint wants it."""
    time = event.event_time.ToJsonString()
    data: dict[str, Any] = {
        "order_id": event.order_id,
        "status": _status_name(event.to_status),
        "updated_at": time,
        "version": event.version,
    }
    if event.from_status != event.to_status and event.from_status:
        data["previous_status"] = _status_name(event.from_status)
    if order is not None:
        data["order"] = MessageToDict(order, preserving_proto_field_name=True)
    return _body(event_type, time, data)


def test_body(time: datetime) -> bytes:
    """The body of a test."""
    text = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _body(TEST, text, {"order_id": "", "status": "", "updated_at": text})


def _body(event_type: str, time: str, data: dict[str, Any]) -> bytes:
    message = {"type": event_type, "event": event_type, "timestamp": time, "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _status_name(status: int) -> str:
    return str(OrderStatus.Name(status)).removeprefix("ORDER_STATUS_").lower()
