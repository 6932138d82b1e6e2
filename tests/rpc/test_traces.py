"""Traces over OTLP to a real receiver: spans, links, `traceparent` in and out, and exemplars. None without a collector."""

import asyncio
import sys
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from orders.v1.order_pb2 import PAYMENT_METHOD_PAYPAL
from orders.v1.order_service_pb2 import GetOrderRequest, ListOrderEventsRequest

from server.config import Settings
from server.runtime.preflight import StartError
from server.runtime.traces import sending
from tests.conftest import new_order, refused, serving, stock_shop
from tests.telemetry.collector import Collector, collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),)
NOT_SAMPLED = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-00"),)

CREATE = "orders.v1.OrderService/CreateOrder"
GET = "orders.v1.OrderService/GetOrder"


@pytest.fixture
def collector() -> Collector:
    with collecting() as collector:
        yield collector


def attributes(span: Span) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}


def children(collector: Collector, parent: Span) -> set[str]:
    return {span.name for span in collector.spans if span.parent_span_id == parent.span_id}


async def test_a_sampled_create_has_spans_of_its_batch_and_parts(
    new_database: Callable[[], str], collector: Collector
) -> None:
    settings = {"otlp_endpoint": collector.endpoint, "trace_ratio": 0, "payment_provider": "test"}
    async with serving(new_database(), **settings) as service:
        await stock_shop(service)
        order = await service.orders.CreateOrder(new_order(payment_method=PAYMENT_METHOD_PAYPAL), metadata=SAMPLED)
        events = (await service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=order.order_id))).events
    (call,) = collector.named(CREATE)
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, "b7ad6b7169203331")
    assert call.kind == Span.SPAN_KIND_SERVER
    assert attributes(call)["rpc.response.status_code"] == "OK"
    batches = [span for span in collector.named("batch of writes") if span.links[0].span_id == call.span_id]
    # The order, and the outcome of its payment.
    assert {link.span_id for link in call.links} >= {batch.span_id for batch in batches}
    assert len(batches) == 2
    assert "payment provider" in children(collector, call)
    for batch in batches:
        assert batch.trace_id != call.trace_id
        assert children(collector, batch) == {"database"}
    database = next(span for span in collector.named("database") if span.parent_span_id == batches[0].span_id)
    assert children(collector, database) == {"read and lock", "decide", "write and commit"}
    assert {event.traceparent for event in events} == {f"00-{TRACE}-{call.span_id.hex()}-01"}
    assert collector.services == {"orders"}
    # Only the call whose caller has asked for it: the shop was stocked and the events listed without.
    assert {span.trace_id for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER} == {call.trace_id}


async def test_a_refused_call_says_why_and_nothing_that_its_caller_sent(
    new_database: Callable[[], str], collector: Collector
) -> None:
    async with serving(new_database(), otlp_endpoint=collector.endpoint, trace_ratio=1) as service:
        await refused(service.orders.GetOrder(GetOrderRequest(order_id="jane@example.com")))
    (call,) = collector.named(GET)
    assert attributes(call)["error.type"] == "ORDER_NOT_FOUND"
    assert attributes(call)["rpc.response.status_code"] == "NOT_FOUND"
    # A correct answer is no failure of the server.
    assert call.status.code == Status.STATUS_CODE_UNSET
    (read,) = [span for span in collector.named("batch of reads") if span.links[0].span_id == call.span_id]
    assert "database" in children(collector, read)
    assert "SELECT" in str(collector.spans)
    assert "jane" not in str(collector.spans)


async def test_a_callers_context_is_stored_though_not_sampled(
    new_database: Callable[[], str], collector: Collector
) -> None:
    async with serving(new_database(), otlp_endpoint=collector.endpoint, trace_ratio=1) as service:
        await stock_shop(service)
        stored = {}
        for name, metadata in (("sent", NOT_SAMPLED), ("invalid", (("traceparent", "00-jane"),))):
            order = await service.orders.CreateOrder(new_order(), metadata=metadata)
            listed = await service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=order.order_id))
            stored[name] = {event.traceparent for event in listed.events}
    assert stored["sent"] == {NOT_SAMPLED[0][1]}
    calls = {f"00-{call.trace_id.hex()}-{call.span_id.hex()}-01" for call in collector.named(CREATE)}
    # What is not a context counts as none, and the ratio decides.
    assert stored["invalid"] == calls
    assert TRACE not in str(calls)


async def test_exemplars_lead_from_the_histogram_to_the_trace(
    new_database: Callable[[], str], collector: Collector
) -> None:
    async with serving(new_database(), otlp_endpoint=collector.endpoint, trace_ratio=0, metrics_port=0) as service:
        await refused(service.orders.GetOrder(GetOrderRequest(order_id="ORD-2026-999999"), metadata=SAMPLED))
        request = Request(
            service.running.started.metrics_url, headers={"accept": "application/openmetrics-text; version=1.0.0"}
        )
        with await asyncio.to_thread(urlopen, request) as response:
            text = response.read().decode()
    lines = [line for line in text.splitlines() if f'# {{trace_id="{TRACE}"}}' in line]
    assert [line for line in lines if line.startswith("grpc_server_handling_seconds_bucket") and "GetOrder" in line]


async def test_without_a_collector_nothing_is_traced_or_stored(new_database: Callable[[], str]) -> None:
    async with serving(new_database()) as service:
        await stock_shop(service)
        order = await service.orders.CreateOrder(new_order(), metadata=SAMPLED)
        listed = await service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=order.order_id))
    assert {event.traceparent for event in listed.events} == {""}


async def test_a_collector_that_is_gone_keeps_no_call_waiting(new_database: Callable[[], str]) -> None:
    with collecting() as collector:
        endpoint = collector.endpoint
    async with serving(new_database(), otlp_endpoint=endpoint, trace_ratio=1) as service:
        await stock_shop(service)
        assert (await service.orders.CreateOrder(new_order())).order_id


async def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "server.telemetry.traces", None)
    with pytest.raises(StartError, match="order-service\\[otel\\]"):
        async with sending(Settings(otlp_endpoint="http://localhost:4317")):
            pass
