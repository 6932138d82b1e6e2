"""Views for terminals: an order in full, and a server's load between two readings."""

import io

from rich.console import Console

from server.views import order as orders
from server.views import top
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
