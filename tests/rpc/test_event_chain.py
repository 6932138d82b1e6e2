"""The hashes of an order's events, reckoned from what is stored, without the program's help."""

from collections.abc import Iterable
from hashlib import sha256

from orders.v1.order_pb2 import (
    EVENT_VALUES_STATE_RECORDED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_IN_TRANSIT,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.conftest import Service, new_order, usd
from tests.histories.oracle import covered
from tests.storage.helpers import imported, upserts

RECORDED = OrderEvent(values_state=EVENT_VALUES_STATE_RECORDED).SerializeToString()


def chain_of(events: Iterable[OrderEvent]) -> list[bytes]:
    """The hashes that events should have."""
    hashes = [bytes(32)]
    for event in events:
        hashes.append(sha256(hashes[-1] + covered(event).SerializeToString(deterministic=True)).digest())
    return hashes[1:]


async def check(service: Service, order: Order) -> list[OrderEvent]:
    """Compares an order's history, as it is stored and as it is listed, with its hashes; returns it."""
    query = "SELECT event, event_values, salt FROM order_events WHERE order_id = %s ORDER BY version"
    stored = await service.rows(query, order.order_id)
    listed = await service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=order.order_id, page_size=1000))
    events = list(listed.events)
    assert events == [OrderEvent.FromString(event + (values or b"") + RECORDED) for event, values, _ in stored]
    assert [sha256(salt + values).digest() for _, values, salt in stored if values] == [
        event.values_digest for event in events[1:]
    ]
    assert [event.hash for event in events] == chain_of(events)
    assert order.event_hash == events[-1].hash
    assert await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id)) == order
    return events


async def test_whoever_keeps_an_orders_hash_finds_it_in_its_history(service: Service) -> None:
    stub = service.orders
    order = await stub.CreateOrder(new_order(quantity=2, metadata={"till": "5", "shift": "late"}))
    order_id, receipts = order.order_id, {order.version: order.event_hash}

    async def tell(answer: Order) -> Order:
        await check(service, answer)
        receipts[answer.version] = answer.event_hash
        return answer

    async def report(status: int) -> None:
        event = {"status": status, "description": "seen", "city": "Austin"}
        await stub.RecordTrackingEvent(RecordTrackingEventRequest(order_id=order_id, event=event, carrier="UPS"))
        await tell(await stub.GetOrder(GetOrderRequest(order_id=order_id)))

    await tell(await stub.UpdateOrder(UpdateOrderRequest(order=Order(order_id=order_id, referral_code="A"))))
    paid = {"event_id": "paid", "type": PAYMENT_EVENT_TYPE_PAID}
    await tell(await stub.RecordPayment(RecordPaymentRequest(order_id=order_id, event=paid)))
    await tell(await stub.RefundOrder(RefundOrderRequest(order_id=order_id, amount=usd(1), reason="late")))
    for status in (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED):
        shipped = {"carrier": "UPS", "tracking_number": "1"} if status == ORDER_STATUS_SHIPPED else {}
        await tell(await stub.TransitionOrder(TransitionOrderRequest(order_id=order_id, status=status, **shipped)))
    for status in (TRACKING_STATUS_IN_TRANSIT, TRACKING_STATUS_DELIVERED):
        await report(status)

    order = await stub.GetOrder(GetOrderRequest(order_id=order_id))
    events = await check(service, order)
    assert len(receipts) >= 7
    assert receipts == {version: events[version - 1].hash for version in receipts}
    listed = [found async for page in stub.ListOrders(ListOrdersRequest()) for found in page.orders]
    assert [found.event_hash for found in listed if found.order_id == order_id] == [order.event_hash]


async def test_a_cancelled_order_and_one_that_its_source_changes_are_chained_too(service: Service) -> None:
    stub = service.orders
    order = await stub.CreateOrder(new_order())
    await check(service, await stub.CancelOrder(CancelOrderRequest(order_id=order.order_id, reason="no")))
    for cents in (100, 200):
        batch = upserts("shop", imported("1", cents=cents), imported("2"))
        results = (await stub.BatchUpsertOrders(batch)).results
    for result, length in zip(results, (2, 1), strict=True):
        order = await stub.GetOrder(GetOrderRequest(order_id=result.order_id))
        assert len(await check(service, order)) == length


async def test_a_hash_that_a_caller_sends_is_none_and_a_change_that_is_only_tried_gets_none(service: Service) -> None:
    stub = service.orders
    order = await stub.CreateOrder(new_order())
    wished = Order(order_id=order.order_id, referral_code="A", event_hash=bytes(32))
    tried = await stub.UpdateOrder(UpdateOrderRequest(order=wished, validate_only=True))
    assert (tried.version, tried.event_hash) == (2, b"")
    await check(service, order)
    changed = await stub.UpdateOrder(UpdateOrderRequest(order=wished))
    (_, event) = await check(service, changed)
    assert list(event.changed_fields) == ["referral_code"]
    assert (await stub.CreateOrder(new_order(validate_only=True))).event_hash == b""
