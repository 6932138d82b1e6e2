"""Webhooks continue the traces of the calls that made the changes."""

from collections.abc import Callable

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from orders.v1.webhook_service_pb2 import CreateWebhookEndpointRequest
from orders.v1.webhook_service_pb2_grpc import WebhookServiceStub

from tests.conftest import new_order, serving, stock_shop
from tests.telemetry.collector import collecting
from tests.webhooks.receiver import LOOPBACK, receiving

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_an_attempt_is_a_span_of_the_calls_trace(new_database: Callable[[], str]) -> None:
    sampled, not_sampled = (f"00-{TRACE}-b7ad6b7169203331-{flags}" for flags in ("01", "00"))
    with collecting() as collector:
        settings = {"otlp_endpoint": collector.endpoint, "trace_ratio": 0, **LOOPBACK}
        async with receiving() as receiver, serving(new_database(), **settings) as service:
            await stock_shop(service)
            endpoint = {"url": f"{receiver.url}/traced", "event_types": ["order.created"]}
            webhooks = WebhookServiceStub(service.channel)
            await webhooks.CreateWebhookEndpoint(CreateWebhookEndpointRequest(endpoint=endpoint))
            for traceparent in (sampled, not_sampled):
                await service.orders.CreateOrder(new_order(), metadata=(("traceparent", traceparent),))
            received = await receiver.until("/traced", lambda requests: len(requests) >= 2)
    headers = {request.headers["traceparent"] for request in received}
    (attempt,) = collector.named("webhook")
    (call,) = collector.named("orders.v1.OrderService/CreateOrder")
    assert attempt.kind == Span.SPAN_KIND_CLIENT
    assert (attempt.trace_id.hex(), attempt.parent_span_id) == (TRACE, call.span_id)
    # The receiver's spans belong below the attempt's; without one, below the caller's.
    assert headers == {f"00-{TRACE}-{attempt.span_id.hex()}-01", not_sampled}
