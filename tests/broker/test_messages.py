"""Messages are CloudEvents 1.0, in both formats with the same content."""

import json

import pytest
from google.protobuf.json_format import MessageToDict
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    Order,
    OrderEvent,
)
from orders.v1.outbound_event_pb2 import CloudEvent, OutboundEventData

from server.broker.messages import message_of

ORDER_ID = "01a229fd-9f22-7008-8924-7d43fcb8150e"


def event() -> OrderEvent:
    event = OrderEvent(
        order_id=ORDER_ID,
        version=2,
        type=ORDER_EVENT_TYPE_STATUS_CHANGED,
        from_status=ORDER_STATUS_PENDING,
        to_status=ORDER_STATUS_PROCESSING,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    event.event_time.FromJsonString("2026-11-30T01:10:02.622804Z")
    return event


def test_json_message_has_the_attributes_and_the_data() -> None:
    message = message_of(event(), None, format="json")
    assert message[:4] == (f"evt_{ORDER_ID}_2", "order.processing", ORDER_ID, "application/cloudevents+json")
    assert json.loads(message.body) == {
        "specversion": "1.0",
        "id": f"evt_{ORDER_ID}_2",
        "source": "order-service",
        "type": "order.processing",
        "subject": ORDER_ID,
        "time": "2026-11-30T01:10:02.622804Z",
        "partitionkey": ORDER_ID,
        "datacontenttype": "application/json",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": {
            "order_id": ORDER_ID,
            "status": "processing",
            "updated_at": "2026-11-30T01:10:02.622804Z",
            "version": 2,
            "previous_status": "pending",
        },
    }


def test_protobuf_message_has_the_same_content() -> None:
    message = message_of(event(), Order(order_number="ORD-2026-000001"), format="protobuf")
    as_json = json.loads(message_of(event(), Order(order_number="ORD-2026-000001"), format="json").body)
    found = CloudEvent.FromString(message.body)
    data = OutboundEventData()
    assert found.proto_data.Unpack(data)
    assert MessageToDict(data, preserving_proto_field_name=True) == as_json.pop("data")
    texts = {name: value.ce_string for name, value in found.attributes.items() if name != "time"}
    time = found.attributes["time"].ce_timestamp.ToJsonString()
    own = {"specversion": found.spec_version, "id": found.id, "source": found.source, "type": found.type}
    assert own | texts | {"time": time} == as_json | {"datacontenttype": "application/protobuf"}


@pytest.mark.parametrize("format", ["json", "protobuf"])
def test_order_that_is_too_large_is_left_out(format: str) -> None:
    full = message_of(event(), Order(order_number="x" * 100_000), format=format)
    assert len(full.body) > 100_000
    large = message_of(event(), Order(order_number="x" * 1_000_000), format=format)
    assert large == message_of(event(), None, format=format)
