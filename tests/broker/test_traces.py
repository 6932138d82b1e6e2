"""Messages of a broker continue the traces of the calls that made the changes."""

import json
from collections.abc import Callable

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.broker.servers import running
from tests.broker.test_publishing import publishing, until
from tests.conftest import new_order
from tests.telemetry.collector import collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_message_names_its_span_in_the_calls_trace(new_database: Callable[[], str]) -> None:
    sampled, not_sampled = (f"00-{TRACE}-b7ad6b7169203331-{flags}" for flags in ("01", "00"))
    with collecting() as collector:
        settings = {"otlp_endpoint": collector.endpoint, "trace_ratio": 0}
        async with running("nats") as broker, publishing(new_database(), broker, **settings) as service:
            made = [
                await service.orders.CreateOrder(new_order(), metadata=(("traceparent", traceparent),))
                for traceparent in (sampled, not_sampled)
            ]
            received = await until(broker, [(order.order_id, 1) for order in made])
    named = {message.key[0]: json.loads(message.body)["traceparent"] for message in received}
    (publication,) = collector.named("publish")
    (call,) = collector.named("orders.v1.OrderService/CreateOrder")
    assert publication.kind == Span.SPAN_KIND_PRODUCER
    assert (publication.trace_id.hex(), publication.parent_span_id) == (TRACE, call.span_id)
    # A consumer's spans belong below the message's; without one, below the caller's.
    traceparents = [f"00-{TRACE}-{publication.span_id.hex()}-01", not_sampled]
    assert [named[order.order_id] for order in made] == traceparents
