"""The AsyncAPI description: valid, and messages are as it describes them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from orders.v1.order_pb2 import Order, OrderEvent, OrderEventType, OrderStatus

from server.broker.messages import message_of
from tests.e2e.tools import TOOLS

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "generated" / "orders" / "v1" / "asyncapi.json").read_text())
# The schemas of AsyncAPI, which .ci/run installs.
SCHEMA = TOOLS / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"

MOVES = [(number, number - 1) for number in OrderStatus.values() if number > 1]
EVENTS = [OrderEvent(type=number, from_status=1, to_status=1) for number in OrderEventType.values() if number] + [
    OrderEvent(type=OrderEventType.Value("ORDER_EVENT_TYPE_STATUS_CHANGED"), from_status=before, to_status=after)
    for after, before in MOVES
]


@pytest.mark.skipif(not SCHEMA.exists(), reason="the schemas of AsyncAPI are not installed")
def test_description_is_valid() -> None:
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(DOCUMENT)


def references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(references, value))
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set()


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.type}-{event.to_status}")
def test_message_is_as_described(event: OrderEvent) -> None:
    event.order_id, event.version = "01a229fd-9f22-7008-8924-7d43fcb8150e", 1
    event.event_time.GetCurrentTime()
    message = message_of(event, Order(order_number="ORD-2026-000001", version=1), format="json")
    if message.type == "order.status_changed":
        # Every change of status has the type of the status.
        return
    described = DOCUMENT["components"]["messages"][message.type]["payload"]
    validator = jsonschema.Draft202012Validator(described | {"components": DOCUMENT["components"]})
    validator.validate(json.loads(message.body))
    assert not validator.is_valid(json.loads(message.body) | {"id": 1})
    for channel in ("nats", "rabbitmq", "kafka"):
        assert message.type in DOCUMENT["channels"][channel]["messages"]
