"""Mails continue the traces of the calls that made the changes."""

from collections.abc import Callable

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from orders.v1.customer_service_pb2 import UpsertCustomerRequest

from tests.conftest import new_order
from tests.mail.mailbox import receiving
from tests.mail.test_mails import mailing, until_attempted
from tests.telemetry.collector import collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_sending_a_mail_is_a_span_of_the_calls_trace(new_database: Callable[[], str]) -> None:
    sampled, not_sampled = (f"00-{TRACE}-b7ad6b7169203331-{flags}" for flags in ("01", "00"))
    with collecting() as collector:
        settings = {"otlp_endpoint": collector.endpoint, "trace_ratio": 0}
        async with receiving() as mailbox, mailing(new_database(), mailbox, **settings) as service:
            mailbox.answers["refused@example.com"] = "550 no such user"
            for customer_id, traceparent in (("taken", sampled), ("refused", sampled), ("silent", not_sampled)):
                contact = {"customer_id": customer_id, "name": "Jane", "email": f"{customer_id}@example.com"}
                await service.customers.UpsertCustomer(UpsertCustomerRequest(customer=contact))
                metadata = (("traceparent", traceparent),)
                order = await service.orders.CreateOrder(new_order(customer_id), metadata=metadata)
                await until_attempted(service, order)
    calls = collector.named("orders.v1.OrderService/CreateOrder")
    taken, refused = spans = collector.named("mail")
    assert [span.parent_span_id for span in spans] == [call.span_id for call in calls]
    assert {(span.trace_id.hex(), span.kind) for span in spans} == {(TRACE, Span.SPAN_KIND_CLIENT)}
    assert taken.status.code == Status.STATUS_CODE_UNSET
    assert refused.status.code == Status.STATUS_CODE_ERROR
