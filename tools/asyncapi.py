"""The AsyncAPI description of the events that are published to message brokers, from the descriptors and the types of events."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orders.v1.order_pb2 import OrderEventType, OrderStatus

from server.broker.messages import SOURCE
from server.domain.webhooks.event_types import TYPES, UPDATED
from tools.openapi_schemas import Schemas, reference
from tools.reference.protos import Source, load, value_comments

Json = dict[str, Any]

_DATA = ".orders.v1.OutboundEventData"
_TEXT: Json = {"type": "string"}
# The hosts and protocols of the brokers that the server can publish to, and what ORDERS_BROKER_TOPIC is by default.
_SERVERS = {
    "nats": ("localhost:4222", "nats"),
    "rabbitmq": ("localhost:5672", "amqp"),
    "kafka": ("localhost:9092", "kafka"),
}
_TOPIC = "orders"


def render(image: Path) -> str:
    """The description, from a descriptor set with comments."""
    sources, schemas = load(image), Schemas(image)
    schemas.use(_DATA)
    return json.dumps(_document(_summaries(sources), schemas), indent=1, ensure_ascii=False) + "\n"


def _document(summaries: Mapping[str, str], schemas: Schemas) -> Json:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Order service",
            "version": "v1",
            "description": "Changes of orders as CloudEvents 1.0, published to NATS JetStream, RabbitMQ or Kafka. With "
            "`ORDERS_BROKER_FORMAT=protobuf` they are `orders.v1.CloudEvent` messages with the same content.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {name: {"host": host, "protocol": protocol} for name, (host, protocol) in _SERVERS.items()},
        "channels": {name: _channel(name, list(summaries)) for name in _SERVERS},
        "operations": {f"publish.{name}": _operation(name) for name in _SERVERS},
        "components": {
            "messages": {name: _message(name, text) for name, text in summaries.items()},
            "schemas": {**dict(sorted(schemas.found.items())), "CloudEvent": _envelope()},
        },
    }


def _channel(server: str, types: Sequence[str]) -> Json:
    """The channel of a broker, with the messages of all types."""
    event_type = {"parameters": {"type": {"enum": list(types), "description": "The type of the event."}}}
    exchange = {"name": _TOPIC, "type": "topic", "durable": True}
    own: Mapping[str, Json] = {
        "nats": {"address": f"{_TOPIC}.{{type}}", **event_type},
        "rabbitmq": {
            "address": "{type}",
            **event_type,
            "bindings": {"amqp": {"is": "routingKey", "exchange": exchange}},
        },
        "kafka": {"address": _TOPIC},
    }
    return {
        **own[server],
        "servers": [{"$ref": f"#/servers/{server}"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in types},
    }


def _operation(channel: str) -> Json:
    return {"action": "send", "channel": {"$ref": f"#/channels/{channel}"}}


def _message(name: str, summary: str) -> Json:
    return {
        "name": name,
        "summary": summary,
        "contentType": "application/cloudevents+json",
        "payload": {"allOf": [reference("CloudEvent"), {"properties": {"type": {"const": name}}}]},
        "bindings": {
            "amqp": {"messageType": name},
            "kafka": {"key": _TEXT | {"description": "The order's id."}},
        },
    }


def _envelope() -> Json:
    properties = {
        "specversion": {"const": "1.0"},
        "id": _TEXT
        | {"description": "Identifies the change: `evt_`, the order's id, `_`, the version. Deduplicate by it."},
        "source": {"const": SOURCE},
        "type": _TEXT,
        "subject": _TEXT | {"format": "uuid", "description": "The order's id."},
        "time": _TEXT | {"format": "date-time", "description": "Time of the change."},
        "partitionkey": _TEXT | {"format": "uuid", "description": "The order's id."},
        "datacontenttype": {"const": "application/json"},
        "data": reference("OutboundEventData"),
    }
    traceparent = _TEXT | {"description": "The W3C `traceparent` of the call that made the change, if it was traced."}
    return {
        "type": "object",
        "description": "A CloudEvent in the structured mode.",
        "properties": {**properties, "traceparent": traceparent},
        "required": list(properties),
    }


def _summaries(sources: Sequence[Source]) -> dict[str, str]:
    """A sentence for each type of event."""
    statuses = {
        f"order.{_short(OrderStatus.Name(number), 'ORDER_STATUS_')}": f"The order reached a status: {comment[0]}"
        for number, comment in value_comments(sources, "OrderStatus").items()
    }
    kinds = {
        _short(OrderEventType.Name(number), "ORDER_EVENT_TYPE_"): comment[0]
        for number, comment in value_comments(sources, "OrderEventType").items()
    }
    own = {name: kinds[key] for name in TYPES if (key := _key(name)) in kinds}
    return {name: ({UPDATED: "Fields changed."} | statuses | own)[name] for name in TYPES}


def _key(name: str) -> str:
    """The name of the event's type in the enum, in lower case."""
    family, _, rest = name.partition(".")
    return rest if family == "order" else f"{family}_{rest}"


def _short(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower()
