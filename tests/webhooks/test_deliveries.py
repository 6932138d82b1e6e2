"""Webhooks end to end: a real server sends them to a real receiver."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from google.protobuf.field_mask_pb2 import FieldMask
from orders.v1 import webhook_service_pb2 as pb
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import CancelOrderRequest, CreateOrderRequest
from orders.v1.webhook_service_pb2_grpc import WebhookServiceStub
from standardwebhooks import WebhookVerificationError

from tests.conftest import Service, new_order, refused, serving, stock_shop
from tests.webhooks.receiver import LOOPBACK, Received, Receiver, receiving


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
async def service(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database(), webhook_timeout=30.0, **LOOPBACK) as service:
        await stock_shop(service)
        yield service


def stub(service: Service) -> Any:
    return WebhookServiceStub(service.channel)


async def subscribe(service: Service, receiver: Receiver, path: str, **fields: Any) -> Any:
    """A new endpoint for the orders of the customer that the path names."""
    endpoint = {"url": receiver.url + path, "filter": {"customer_id": path[1:]}, **fields}
    return await stub(service).CreateWebhookEndpoint(pb.CreateWebhookEndpointRequest(endpoint=endpoint))


async def create(service: Service, path: str) -> Order:
    request = CreateOrderRequest()
    request.CopyFrom(new_order())
    request.customer_id = path[1:]
    return await service.orders.CreateOrder(request)


async def cancel(service: Service, order: Order) -> Order:
    return await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id, reason="changed my mind"))


async def deliveries(service: Service, endpoint_id: str, **fields: Any) -> list[pb.WebhookDelivery]:
    request = pb.ListWebhookDeliveriesRequest(endpoint_id=endpoint_id, **fields)
    return list((await stub(service).ListWebhookDeliveries(request)).deliveries)


async def ended(service: Service, endpoint_id: str, delivery_id: str, *, attempts: int = 1) -> pb.WebhookDelivery:
    """A delivery, once so many attempts are recorded."""
    request = pb.GetWebhookDeliveryRequest(endpoint_id=endpoint_id, delivery_id=delivery_id)
    async with asyncio.timeout(60):
        while True:
            delivery = await stub(service).GetWebhookDelivery(request)
            if len(delivery.attempts) >= attempts:
                return delivery
            await asyncio.sleep(0.02)


def many(count: int) -> Callable[[list[Received]], bool]:
    return lambda received: len(received) >= count


async def test_receiver_gets_signed_changes_in_order(service: Service, receiver: Receiver) -> None:
    made = await subscribe(service, receiver, "/story", headers=[{"name": "X-Shop", "value": "7"}])
    order = await create(service, "/story")
    await cancel(service, order)
    first, second = (await receiver.until("/story", many(2)))[:2]
    for request in (first, second):
        request.verify(made.secret)
        assert request.headers["X-Shop"] == "7"
    assert first.webhook_id == f"evt_{order.order_id}_1"
    assert first.body == {
        "type": "order.created",
        "event": "order.created",
        "timestamp": first.body["timestamp"],
        "data": {
            "order_id": order.order_id,
            "status": "pending",
            "updated_at": first.body["timestamp"],
            "version": 1,
        },
    }
    assert second.body["event"] == "order.cancelled"
    assert second.body["data"]["previous_status"] == "pending"


async def test_full_payload_has_the_order(service: Service, receiver: Receiver) -> None:
    await subscribe(service, receiver, "/full", payload=pb.WEBHOOK_PAYLOAD_FULL)
    order = await create(service, "/full")
    (request,) = await receiver.until("/full", many(1))
    assert request.body["data"]["order"]["order_number"] == order.order_number
    assert request.body["data"]["order"]["customer"]["customer_id"] == "full"


async def test_endpoint_gets_only_the_types_it_selects(service: Service, receiver: Receiver) -> None:
    made = await subscribe(service, receiver, "/picky", event_types=["order.updated", "order.created"])
    order = await create(service, "/picky")
    await cancel(service, order)
    requests = await receiver.until("/picky", many(2))
    assert [request.body["event"] for request in requests] == ["order.created", "order.updated"]
    types = {delivery.event_type for delivery in await deliveries(service, made.endpoint.endpoint_id)}
    assert types == {"order.created", "order.updated"}


async def test_filter_that_needs_the_database_selects_too(service: Service, receiver: Receiver) -> None:
    await subscribe(service, receiver, "/mugs", filter={"customer_id": "mugs", "product_id": "mug"})
    await subscribe(service, receiver, "/none", filter={"customer_id": "mugs", "product_id": "other"})
    await create(service, "/mugs")
    await receiver.until("/mugs", many(1))
    assert "/none" not in receiver.received


async def test_failed_attempt_is_recorded_and_retried_with_the_same_id(service: Service, receiver: Receiver) -> None:
    answers = iter([web.Response(status=500, text="x" * 30_000), web.Response(text="ok")])
    receiver.answers["/flaky"] = lambda _: next(answers)
    made = await subscribe(service, receiver, "/flaky")
    await create(service, "/flaky")
    await receiver.until("/flaky", many(1))
    (queued,) = await deliveries(service, made.endpoint.endpoint_id)
    failed = await ended(service, queued.endpoint_id, queued.delivery_id)
    assert failed.state == pb.WEBHOOK_DELIVERY_STATE_PENDING
    assert failed.attempts[0].status_code == 500
    assert len(failed.attempts[0].response) == 20_000
    (listed,) = await deliveries(service, queued.endpoint_id)
    assert [(attempt.status_code, attempt.response) for attempt in listed.attempts] == [(500, b"")]
    wait = failed.next_attempt_time.ToDatetime() - failed.attempts[0].attempt_time.ToDatetime()
    assert 4 <= wait.total_seconds() < 60
    endpoint = await stub(service).GetWebhookEndpoint(pb.GetWebhookEndpointRequest(endpoint_id=queued.endpoint_id))
    assert endpoint.HasField("failing_since")
    resend = pb.ResendWebhookDeliveryRequest(endpoint_id=queued.endpoint_id, delivery_id=queued.delivery_id)
    await stub(service).ResendWebhookDelivery(resend)
    done = await ended(service, queued.endpoint_id, queued.delivery_id, attempts=2)
    assert done.state == pb.WEBHOOK_DELIVERY_STATE_SUCCEEDED
    assert len({request.webhook_id for request in receiver.received["/flaky"]}) == 1
    endpoint = await stub(service).GetWebhookEndpoint(pb.GetWebhookEndpointRequest(endpoint_id=queued.endpoint_id))
    assert not endpoint.HasField("failing_since")


async def test_gone_endpoint_is_disabled_at_once_and_keeps_its_queue(service: Service, receiver: Receiver) -> None:
    receiver.answers["/gone"] = lambda _: web.Response(status=410)
    made = await subscribe(service, receiver, "/gone")
    endpoint_id = made.endpoint.endpoint_id
    order = await create(service, "/gone")
    disabled = await until_disabled(service, endpoint_id)
    assert disabled.disable_cause == pb.WEBHOOK_DISABLE_CAUSE_GONE
    query = "SELECT actor FROM audit_events WHERE resource = %s ORDER BY event_time DESC LIMIT 1"
    assert await service.rows(query, f"webhooks/{endpoint_id}") == [("webhooks",)]
    refusal = await refused(stub(service).TestWebhookEndpoint(pb.TestWebhookEndpointRequest(endpoint_id=endpoint_id)))
    assert refusal.reason == "WEBHOOK_ENDPOINT_DISABLED"
    await cancel(service, order)
    del receiver.answers["/gone"]
    await stub(service).EnableWebhookEndpoint(pb.EnableWebhookEndpointRequest(endpoint_id=endpoint_id))
    await stub(service).RecoverWebhookEndpoint(pb.RecoverWebhookEndpointRequest(endpoint_id=endpoint_id))
    requests = await receiver.until("/gone", many(3))
    assert [request.key[1] for request in requests] == [1, 1, 2]


async def until_disabled(service: Service, endpoint_id: str) -> pb.WebhookEndpoint:
    request = pb.GetWebhookEndpointRequest(endpoint_id=endpoint_id)
    async with asyncio.timeout(60):
        while True:
            endpoint = await stub(service).GetWebhookEndpoint(request)
            if endpoint.state == pb.WEBHOOK_ENDPOINT_STATE_DISABLED:
                return endpoint
            await asyncio.sleep(0.02)


async def test_endpoint_that_only_fails_for_120_hours_is_disabled(service: Service, receiver: Receiver) -> None:
    receiver.answers["/dead"] = lambda _: web.Response(status=500)
    made = await subscribe(service, receiver, "/dead")
    since = "UPDATE webhook_endpoints SET failing_since = now() - %s::interval WHERE endpoint_id = %s RETURNING 1"
    await service.rows(since, "119 hours", made.endpoint.endpoint_id)
    await create(service, "/dead")
    await receiver.until("/dead", many(1))
    (queued,) = await deliveries(service, made.endpoint.endpoint_id)
    await ended(service, queued.endpoint_id, queued.delivery_id)
    request = pb.GetWebhookEndpointRequest(endpoint_id=queued.endpoint_id)
    assert (await stub(service).GetWebhookEndpoint(request)).state == pb.WEBHOOK_ENDPOINT_STATE_ENABLED
    await service.rows(since, "121 hours", queued.endpoint_id)
    resend = pb.ResendWebhookDeliveryRequest(endpoint_id=queued.endpoint_id, delivery_id=queued.delivery_id)
    await stub(service).ResendWebhookDelivery(resend)
    disabled = await until_disabled(service, queued.endpoint_id)
    assert disabled.disable_cause == pb.WEBHOOK_DISABLE_CAUSE_FAILING
    assert (await deliveries(service, queued.endpoint_id))[0].state == pb.WEBHOOK_DELIVERY_STATE_PENDING


async def test_rotated_secret_stays_valid(service: Service, receiver: Receiver) -> None:
    made = await subscribe(service, receiver, "/rotated")
    endpoint_id = made.endpoint.endpoint_id
    rotated = await stub(service).RotateWebhookSecret(pb.RotateWebhookSecretRequest(endpoint_id=endpoint_id))
    assert rotated.secret != made.secret
    assert [secret.HasField("expire_time") for secret in rotated.endpoint.secrets] == [False, True]
    await create(service, "/rotated")
    (request,) = await receiver.until("/rotated", many(1))
    for secret in (made.secret, rotated.secret):
        request.verify(secret)
    third = await stub(service).RotateWebhookSecret(pb.RotateWebhookSecretRequest(endpoint_id=endpoint_id))
    await create(service, "/rotated")
    request = (await receiver.until("/rotated", many(2)))[1]
    request.verify(third.secret)
    with pytest.raises(WebhookVerificationError):
        request.verify(made.secret)


async def test_secrets_and_header_values_are_never_returned(service: Service, receiver: Receiver) -> None:
    made = await subscribe(service, receiver, "/secret", headers=[{"name": "Authorization", "value": "Bearer top"}])
    request = pb.GetWebhookEndpointRequest(endpoint_id=made.endpoint.endpoint_id)
    read = await stub(service).GetWebhookEndpoint(request)
    listed = await stub(service).ListWebhookEndpoints(pb.ListWebhookEndpointsRequest())
    for message in (read, listed, made.endpoint):
        assert made.secret.encode() not in message.SerializeToString()
        assert b"top" not in message.SerializeToString()
    assert [header.name for header in read.headers] == ["Authorization"]
    rotation = pb.RotateWebhookSecretRequest(endpoint_id=made.endpoint.endpoint_id, request_id="rotate")
    assert (await stub(service).RotateWebhookSecret(rotation)).secret
    ((stored,),) = await service.rows("SELECT response FROM idempotency_keys WHERE method = 'RotateWebhookSecret'")
    assert made.endpoint.endpoint_id.encode() in stored
    assert b"whsec_" not in stored


async def test_slow_endpoint_delays_no_other_and_is_not_flooded(service: Service, receiver: Receiver) -> None:
    receiver.blocked["/slow"] = asyncio.Event()
    await subscribe(service, receiver, "/slow", filter={"customer_id": "fast"}, max_concurrency=2)
    await subscribe(service, receiver, "/fast")
    orders = [await create(service, "/fast") for _ in range(5)]
    requests = await receiver.until("/fast", many(5))
    assert {request.key[0] for request in requests} == {order.order_id for order in orders}
    await receiver.until("/slow", many(2))
    receiver.blocked["/slow"].set()
    await receiver.until("/slow", many(5))
    assert receiver.most_open["/slow"] == 2


async def test_disabled_endpoint_gets_its_queue_when_it_is_enabled(service: Service, receiver: Receiver) -> None:
    made = await subscribe(service, receiver, "/paused")
    endpoint_id = made.endpoint.endpoint_id
    await stub(service).DisableWebhookEndpoint(pb.DisableWebhookEndpointRequest(endpoint_id=endpoint_id))
    await subscribe(service, receiver, "/witness", filter={"customer_id": "paused"})
    order = await create(service, "/paused")
    await receiver.until("/witness", many(1))
    assert "/paused" not in receiver.received
    await stub(service).EnableWebhookEndpoint(pb.EnableWebhookEndpointRequest(endpoint_id=endpoint_id))
    (request,) = await receiver.until("/paused", many(1))
    assert request.key == (order.order_id, 1)


async def test_deleted_endpoint_gets_nothing_more(service: Service, receiver: Receiver) -> None:
    made = await subscribe(service, receiver, "/deleted")
    endpoint_id = made.endpoint.endpoint_id
    await stub(service).DeleteWebhookEndpoint(pb.DeleteWebhookEndpointRequest(endpoint_id=endpoint_id))
    await subscribe(service, receiver, "/mourner", filter={"customer_id": "deleted"})
    await create(service, "/deleted")
    await receiver.until("/mourner", many(1))
    assert "/deleted" not in receiver.received
    refusal = await refused(stub(service).GetWebhookEndpoint(pb.GetWebhookEndpointRequest(endpoint_id=endpoint_id)))
    assert refusal.reason == "WEBHOOK_ENDPOINT_NOT_FOUND"


async def test_test_is_sent_once_and_shows_its_outcome(service: Service, receiver: Receiver) -> None:
    receiver.answers["/tested"] = lambda _: web.Response(status=404, text="not here")
    made = await subscribe(service, receiver, "/tested", event_types=["order.shipped"])
    request = pb.TestWebhookEndpointRequest(endpoint_id=made.endpoint.endpoint_id)
    queued = await stub(service).TestWebhookEndpoint(request)
    done = await ended(service, queued.endpoint_id, queued.delivery_id)
    assert done.state == pb.WEBHOOK_DELIVERY_STATE_FAILED
    assert (done.attempts[0].status_code, done.attempts[0].response) == (404, b"not here")
    (request,) = receiver.received["/tested"]
    request.verify(made.secret)
    assert request.body["event"] == "webhook.test"


async def test_update_moves_queued_deliveries_to_the_new_url(service: Service, receiver: Receiver) -> None:
    receiver.answers["/old"] = lambda _: web.Response(status=500)
    made = await subscribe(service, receiver, "/old")
    order = await create(service, "/old")
    await receiver.until("/old", many(1))
    changed = {"endpoint_id": made.endpoint.endpoint_id, "url": receiver.url + "/new"}
    update = pb.UpdateWebhookEndpointRequest(endpoint=changed, update_mask=FieldMask(paths=["url"]))
    assert (await stub(service).UpdateWebhookEndpoint(update)).filter.customer_id == "old"
    (queued,) = await deliveries(service, made.endpoint.endpoint_id)
    await ended(service, queued.endpoint_id, queued.delivery_id)
    recover = pb.RecoverWebhookEndpointRequest(endpoint_id=queued.endpoint_id)
    assert (await stub(service).RecoverWebhookEndpoint(recover)).delivery_count == 1
    (request,) = await receiver.until("/new", many(1))
    assert request.key == (order.order_id, 1)


async def test_rate_bounds_the_requests_of_a_second(service: Service, receiver: Receiver) -> None:
    made = await subscribe(service, receiver, "/paced", max_rate=2)
    for _ in range(5):
        await create(service, "/paced")
    await receiver.until("/paced", many(5))
    newest, *_, oldest = [
        (await ended(service, each.endpoint_id, each.delivery_id)).attempts[0].attempt_time.ToNanoseconds()
        for each in await deliveries(service, made.endpoint.endpoint_id)
    ]
    assert newest - oldest >= 1e9


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": ""}, "endpoint.url"),
        ({"url": "ftp://example.com"}, "endpoint.url"),
        ({"url": "https://user:pass@example.com"}, "endpoint.url"),
        ({"url": "https://example.com:99999"}, "endpoint.url"),
        ({"event_types": ["order.created", "order.nope"]}, "endpoint.event_types[1]"),
        ({"headers": [{"name": "Webhook-Id", "value": "1"}]}, "endpoint.headers[0].name"),
    ],
)
async def test_unusable_endpoint_is_refused(service: Service, fields: dict[str, Any], field: str) -> None:
    request = pb.CreateWebhookEndpointRequest(endpoint={"url": "https://example.com", **fields})
    assert list((await refused(stub(service).CreateWebhookEndpoint(request))).fields) == [field]
