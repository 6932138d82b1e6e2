"""Views for terminals: an order in full, and a server's load between two readings."""

import io

import pytest
from orders.v1.fulfilment_service_pb2 import CreateShipmentRequest, HoldOrderRequest
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_pb2 import PAYMENT_EVENT_TYPE_PAID, Order, PaymentEvent
from orders.v1.order_service_pb2 import RecordPaymentRequest
from orders.v1.shipment_pb2 import HOLD_REASON_OTHER
from rich.console import Console

from server.views import order as orders
from server.views import packing_slip, top
from tests.conftest import Service
from tests.shop import new_order

READING = """\
# TYPE grpc_server_handled counter
grpc_server_handled_total{{grpc_method="GetOrder",grpc_code="OK"}} {ok}
grpc_server_handled_total{{grpc_method="GetOrder",grpc_code="NOT_FOUND"}} {failed}
# TYPE grpc_server_handling_seconds histogram
grpc_server_handling_seconds_bucket{{grpc_method="GetOrder",le="0.005"}} {fast}
grpc_server_handling_seconds_bucket{{grpc_method="GetOrder",le="0.1"}} {all}
grpc_server_handling_seconds_bucket{{grpc_method="GetOrder",le="+Inf"}} {all}
# TYPE orders_commands_waiting gauge
orders_commands_waiting{{lane="write"}} 7
"""

PAID = PaymentEvent(event_id="packer-paid", type=PAYMENT_EVENT_TYPE_PAID)


def text_of(view: object) -> str:
    out = io.StringIO()
    Console(file=out, width=160).print(view)
    return out.getvalue()


async def test_an_order_is_shown_in_full(service: Service) -> None:
    made = await service.orders.CreateOrder(new_order("viewer", special_instructions="[red]ring"))
    view = await orders.load(service.channel, made.order_number, metadata=())
    shown = text_of(orders.rendered(view))
    for text in (made.order_number, "[PENDING] → CONFIRMED", "mug", "total", "CREATED", "UNPAID", "History"):
        assert text in shown
    lines = list(orders.as_lines(view))
    assert lines[0].split("\t")[:2] == ["status", "PENDING"]
    assert any(line.startswith("lines\tmug\t") for line in lines)
    assert orders.as_json(view)["order"]["order_id"] == made.order_id


async def test_the_shipments_and_holds_of_an_order_are_shown(service: Service) -> None:
    made = await service.orders.CreateOrder(new_order("packer"))
    await service.orders.RecordPayment(RecordPaymentRequest(order_id=made.order_id, event=PAID))
    parcel = {"carrier": "Aramex", "tracking_number": "A1"}
    fulfilment = FulfilmentServiceStub(service.channel)
    await fulfilment.CreateShipment(CreateShipmentRequest(order_id=made.order_id, shipment={"parcels": [parcel]}))
    await fulfilment.HoldOrder(HoldOrderRequest(order_id=made.order_id, reason=HOLD_REASON_OTHER, note="ask"))
    view = await orders.load(service.channel, made.order_id, metadata=())
    lines = list(orders.as_lines(view))
    assert "shipments\t1\tPENDING\t1 Aramex A1 PENDING\t1 of line 1" in lines
    assert any(line.startswith("holds\t") and line.endswith("\task") for line in lines)
    assert any(line.startswith("next\tSHIPPED\t") and "on hold (OTHER)" in line for line in lines)
    slip = await packing_slip.load(service.channel, made.order_id, "", metadata=())
    assert "<h1>Packing slip" in packing_slip.as_html(slip)
    with pytest.raises(ValueError, match="it has none"):
        await packing_slip.load(service.channel, (await bare_order(service)).order_id, "", metadata=())


async def bare_order(service: Service) -> Order:
    order: Order = await service.orders.CreateOrder(new_order("packer"))
    return order


def test_rates_and_latencies_are_those_between_two_readings() -> None:
    before = top.parse(READING.format(ok=10, failed=0, fast=10, all=10))
    after = top.parse(READING.format(ok=28, failed=2, fast=28, all=30))
    (row,) = top.methods(before, after, seconds=2)
    assert row == ("GetOrder", 10, 1, 5, 100)
    assert list(top.gauges(after)) == [("writes waiting write", "7")]
    assert "GetOrder" in text_of(top.rendered([row], after))


def test_a_server_that_was_restarted_has_no_negative_rates() -> None:
    before = top.parse(READING.format(ok=100, failed=0, fast=100, all=100))
    after = top.parse(READING.format(ok=5, failed=0, fast=5, all=5))
    assert top.methods(before, after, seconds=1) == []
