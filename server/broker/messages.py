"""Changes as messages for a broker: CloudEvents 1.0 in the structured mode, as JSON or protobuf."""

import json
from typing import Literal, NamedTuple

from orders.v1.order_pb2 import Order, OrderEvent
from orders.v1.outbound_event_pb2 import CloudEvent, OutboundEventData

from server.domain.webhooks.event_types import names_of
from server.domain.webhooks.payloads import as_json, data_of, event_id_of

Format = Literal["json", "protobuf"]

SOURCE = "order-service"
# Brokers refuse large messages: Kafka and NATS those of more than 1 MiB by default. An order that is larger is left out.
_MAX_BYTES = 900_000


class BrokerMessage(NamedTuple):
    """A message. Consumers deduplicate by its id."""

    id: str
    # The type of the event, such as `order.created`.
    type: str
    # The order. Messages with the same key stay in their order.
    key: str
    content_type: str
    body: bytes


def event_type_of(event: OrderEvent) -> str:
    """The most specific type of a change, such as `order.created`."""
    return names_of(event.type, event.from_status, event.to_status)[0]


def message_of(event: OrderEvent, order: Order | None, *, format: Format) -> BrokerMessage:
    """The message of a change, with the order if there is one and it is not too large."""
    encode = _as_json if format == "json" else _as_protobuf
    event_type = event_type_of(event)
    body = encode(event_type, event, data_of(event, order))
    if len(body) > _MAX_BYTES and order is not None:
        body = encode(event_type, event, data_of(event))
    return BrokerMessage(
        id=event_id_of(event.order_id, event.version),
        type=event_type,
        key=event.order_id,
        content_type=f"application/cloudevents+{format}",
        body=body,
    )


def _as_json(event_type: str, event: OrderEvent, data: OutboundEventData) -> bytes:
    message = {
        "specversion": "1.0",
        "id": event_id_of(event.order_id, event.version),
        "source": SOURCE,
        "type": event_type,
        "subject": event.order_id,
        "time": event.event_time.ToJsonString(),
        "partitionkey": event.order_id,
        "datacontenttype": "application/json",
        **({"traceparent": event.traceparent} if event.traceparent else {}),
        "data": as_json(data),
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _as_protobuf(event_type: str, event: OrderEvent, data: OutboundEventData) -> bytes:
    message = CloudEvent(
        id=event_id_of(event.order_id, event.version), source=SOURCE, spec_version="1.0", type=event_type
    )
    texts = {
        "subject": event.order_id,
        "partitionkey": event.order_id,
        "datacontenttype": "application/protobuf",
        **({"traceparent": event.traceparent} if event.traceparent else {}),
    }
    for name, text in texts.items():
        message.attributes[name].ce_string = text
    message.attributes["time"].ce_timestamp.CopyFrom(event.event_time)
    message.proto_data.Pack(data)
    # Maps are unordered: sort them, so that a message that is sent again has the same bytes.
    return message.SerializeToString(deterministic=True)
