"""Durable consumers: what they have acknowledged survives, and shows."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from orders.v1 import order_change_pb2 as changes
from orders.v1 import order_pb2 as pb
from orders.v1.consumer_service_pb2 import (
    AckConsumerRequest,
    Consumer,
    DeleteConsumerRequest,
    GetConsumerRequest,
    ListConsumersRequest,
    SeekConsumerRequest,
    UpsertConsumerRequest,
)
from orders.v1.consumer_service_pb2_grpc import ConsumerServiceStub
from orders.v1.order_change_pb2 import WaitOrderRequest
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    GetOrderRequest,
    ListOrderChangesRequest,
    ListOrdersRequest,
    OrderFilter,
    ReconcileOrdersRequest,
    TransitionOrderRequest,
)

from tests.conftest import Service, refusal_of, refused
from tests.rpc.test_watch import create, key_of, keys_of, read_to_end, until_sequenced


def stub(service: Service) -> Any:
    return ConsumerServiceStub(service.channel)


async def new_consumer(service: Service, name: str, **fields: Any) -> Consumer:
    return await stub(service).UpsertConsumer(UpsertConsumerRequest(consumer={"consumer_id": name, **fields}))


async def test_consumer_continues_behind_what_it_acknowledged(service: Service) -> None:
    await new_consumer(service, "warehouse", filter={"customer_id": "consumed"})
    first = await create(service, customer_id="consumed")
    await until_sequenced(service, (first.order_id, 1))
    messages = await read_to_end(service, consumer_id="warehouse")
    assert keys_of(messages) == [(first.order_id, 1)]
    assert keys_of(await read_to_end(service, consumer_id="warehouse")) == [(first.order_id, 1)]
    lagging = await stub(service).GetConsumer(GetConsumerRequest(consumer_id="warehouse"))
    assert lagging.lag_events >= 1
    assert lagging.lag.ToTimedelta().total_seconds() > 0
    request = AckConsumerRequest(consumer_id="warehouse", resume_token=messages[-1].resume_token)
    acknowledged = await stub(service).AckConsumer(request)
    assert acknowledged.acked_by == "anonymous"
    assert acknowledged.HasField("ack_time")
    second = await create(service, customer_id="consumed")
    await until_sequenced(service, (second.order_id, 1))
    assert keys_of(await read_to_end(service, consumer_id="warehouse")) == [(second.order_id, 1)]


async def test_late_acknowledgement_does_not_move_a_consumer_back(service: Service) -> None:
    await new_consumer(service, "late")
    early = (await service.orders.ListOrderChanges(ListOrderChangesRequest())).resume_token
    order = await create(service)
    newest = await until_sequenced(service, (order.order_id, 1))
    moved = await stub(service).AckConsumer(AckConsumerRequest(consumer_id="late", resume_token=newest))
    again = await stub(service).AckConsumer(AckConsumerRequest(consumer_id="late", resume_token=early))
    assert again.position == moved.position
    back = await stub(service).SeekConsumer(SeekConsumerRequest(consumer_id="late", resume_token=early))
    assert back.position < moved.position
    start = await stub(service).SeekConsumer(SeekConsumerRequest(consumer_id="late", start_time={"seconds": 1}))
    assert start.position == 0


async def test_consumer_follows_a_finished_list(service: Service) -> None:
    await new_consumer(service, "mirror", filter={"customer_id": "mirrored"})
    await create(service, customer_id="mirrored")
    wanted = ListOrdersRequest(filter={"customer_id": "mirrored"})
    *_, finished = [page async for page in service.orders.ListOrders(wanted)]
    await stub(service).SeekConsumer(SeekConsumerRequest(consumer_id="mirror", resume_token=finished.resume_token))
    later = await create(service, customer_id="mirrored")
    await until_sequenced(service, (later.order_id, 1))
    assert keys_of(await read_to_end(service, consumer_id="mirror")) == [(later.order_id, 1)]


async def test_order_shows_which_version_each_consumer_has(service: Service) -> None:
    await new_consumer(service, "billing")
    order = await create(service)
    token = await until_sequenced(service, (order.order_id, 1))
    await stub(service).AckConsumer(AckConsumerRequest(consumer_id="billing", resume_token=token))
    await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    await until_sequenced(service, (order.order_id, 2))
    shown = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id, show_consumers=True))
    (billing,) = [consumer for consumer in shown.consumers if consumer.consumer_id == "billing"]
    assert (shown.version, billing.version, billing.lag_events) == (2, 1, 1)
    plain = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    assert not plain.consumers


async def test_replaced_consumer_keeps_its_position_and_deleted_one_is_gone(service: Service) -> None:
    made = await new_consumer(service, "edited")
    replaced = await new_consumer(service, "edited", event_types=[pb.ORDER_EVENT_TYPE_CREATED])
    assert replaced.position == made.position
    assert replaced.create_time == made.create_time
    assert list(replaced.event_types) == [pb.ORDER_EVENT_TYPE_CREATED]
    listed = await stub(service).ListConsumers(ListConsumersRequest())
    assert "edited" in [consumer.consumer_id for consumer in listed.consumers]
    await stub(service).DeleteConsumer(DeleteConsumerRequest(consumer_id="edited"))
    for call in (
        stub(service).GetConsumer(GetConsumerRequest(consumer_id="edited")),
        stub(service).DeleteConsumer(DeleteConsumerRequest(consumer_id="edited")),
        service.orders.ListOrderChanges(ListOrderChangesRequest(consumer_id="edited")),
    ):
        assert (await refused(call)).reason == "CONSUMER_NOT_FOUND"
    refusal = await refused(
        service.orders.ListOrderChanges(ListOrderChangesRequest(consumer_id="x", filter={"customer_id": "c"}))
    )
    assert list(refusal.fields) == ["filter"]


async def test_wait_returns_when_the_order_enters_the_status(service: Service) -> None:
    order = await create(service)
    wanted = WaitOrderRequest(order_id=order.order_number, statuses=[pb.ORDER_STATUS_CONFIRMED])
    waiting = asyncio.ensure_future(service.orders.WaitOrder(wanted, timeout=100))
    by_version = asyncio.ensure_future(service.orders.WaitOrder(WaitOrderRequest(order_id=order.order_id, version=2)))
    confirm = TransitionOrderRequest(
        order_id=order.order_id, status=pb.ORDER_STATUS_CONFIRMED, override_reason="pays at the door"
    )
    await service.orders.TransitionOrder(confirm)
    for response in (await waiting, await by_version):
        assert response.reached
        assert response.order.status == pb.ORDER_STATUS_CONFIRMED
    assert (await service.orders.WaitOrder(wanted)).reached


async def test_wait_says_before_the_deadline_what_it_waits_for(service: Service) -> None:
    order = await create(service)
    wanted = WaitOrderRequest(order_id=order.order_id, statuses=[pb.ORDER_STATUS_CONFIRMED])
    response = await service.orders.WaitOrder(wanted, timeout=2)
    assert not response.reached
    assert "PENDING" in response.waiting_for
    assert "neither paid nor authorized" in response.waiting_for


async def test_wait_that_can_never_end_is_refused_at_once(service: Service) -> None:
    order = await create(service)
    wanted = WaitOrderRequest(order_id=order.order_id, statuses=[pb.ORDER_STATUS_SHIPPED])
    waiting = asyncio.ensure_future(service.orders.WaitOrder(wanted, timeout=100))
    await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    for call in (waiting, service.orders.WaitOrder(wanted)):
        refusal = await refused(call)
        assert refusal.reason == "WAIT_IMPOSSIBLE"
        assert "is CANCELLED; SHIPPED cannot follow" in refusal.message


async def test_stuck_orders_are_listed(service: Service) -> None:
    stuck = await create(service, customer_id="stuck")
    done = await create(service, customer_id="stuck")
    moved = await create(service, customer_id="stuck")
    await service.orders.CancelOrder(CancelOrderRequest(order_id=done.order_id))
    past = "now() - interval '2 days'"
    ids = [stuck.order_id, done.order_id, moved.order_id]
    await service.rows(f"UPDATE orders SET create_time = {past} WHERE order_id = ANY(%s::uuid[]) RETURNING 1", ids)
    await service.rows(f"UPDATE order_events SET event_time = {past} WHERE order_id = ANY(%s::uuid[]) RETURNING 1", ids)
    await service.orders.TransitionOrder(
        TransitionOrderRequest(order_id=moved.order_id, status=pb.ORDER_STATUS_CONFIRMED, override_reason="x")
    )
    wanted = OrderFilter(customer_id="stuck", stuck_for={"seconds": 86_400})
    pages = [page async for page in service.orders.ListOrders(ListOrdersRequest(filter=wanted))]
    assert [order.order_id for page in pages for order in page.orders] == [stuck.order_id]
    await until_sequenced(service, (moved.order_id, 2))
    changed = await read_to_end(service, filter=wanted, start_time={"seconds": 1})
    assert [key_of(change) for message in changed for change in message.changes] == [(moved.order_id, 2)]


async def test_reconciliation_finds_what_differs_is_missing_and_is_extra(service: Service) -> None:
    made = [await create(service, customer_id="reconciled") for _ in range(6)]
    await service.orders.CancelOrder(CancelOrderRequest(order_id=made[1].order_id))
    extra = "ffffffff-0000-7000-8000-000000000000"
    own = [
        *({"order_id": order.order_id, "version": 1} for order in made[:3]),
        {"order_id": made[4].order_id, "event_hash": made[4].event_hash},
        {"order_id": made[5].order_id, "event_hash": bytes(32)},
        {"order_id": extra, "version": 1},
    ]

    async def requests() -> AsyncIterator[ReconcileOrdersRequest]:
        yield ReconcileOrdersRequest(filter={"customer_id": "reconciled"}, orders=own[:3])
        yield ReconcileOrdersRequest(orders=own[3:])

    messages = [message async for message in service.orders.ReconcileOrders(requests())]
    found = [(each.order_id, each.kind, each.version) for message in messages for each in message.differences]
    assert found == [
        (made[1].order_id, changes.ORDER_DIFFERENCE_KIND_DIFFERS, 2),
        (made[3].order_id, changes.ORDER_DIFFERENCE_KIND_MISSING, 1),
        (made[5].order_id, changes.ORDER_DIFFERENCE_KIND_DIFFERS, 1),
        (extra, changes.ORDER_DIFFERENCE_KIND_EXTRA, 0),
    ]
    assert messages[-1].complete
    assert messages[-1].count == 6
    assert (
        keys_of(await read_to_end(service, resume_token=messages[-1].resume_token, filter={"customer_id": "x"})) == []
    )

    async def unsorted() -> AsyncIterator[ReconcileOrdersRequest]:
        yield ReconcileOrdersRequest(orders=own[1:2])
        yield ReconcileOrdersRequest(orders=own[:1])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [message async for message in service.orders.ReconcileOrders(unsorted())]
    assert list(refusal_of(caught.value).fields) == ["orders[0].order_id"]


async def test_the_server_s_own_consumers_are_shown_and_cannot_be_changed(service: Service) -> None:
    shown = await stub(service).GetConsumer(GetConsumerRequest(consumer_id="orders.webhooks"))
    assert shown.consumer_id == "orders.webhooks"
    for call in (
        stub(service).UpsertConsumer(UpsertConsumerRequest(consumer={"consumer_id": "orders.mine"})),
        stub(service).DeleteConsumer(DeleteConsumerRequest(consumer_id="orders.webhooks")),
        stub(service).SeekConsumer(SeekConsumerRequest(consumer_id="orders.webhooks", start_time={"seconds": 1})),
    ):
        refusal = await refused(call)
        assert next(iter(refusal.fields)).endswith("consumer_id")
