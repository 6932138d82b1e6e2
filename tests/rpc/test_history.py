"""Old versions of orders, what changed between them, and who set what."""

from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from orders.v1.order_pb2 import (
    EVENT_VALUES_STATE_NOT_RECORDED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    TRACKING_STATUS_DELIVERED,
    Order,
)
from orders.v1.order_service_pb2 import (
    DiffOrderRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.conftest import HOME, Service, new_order, refused
from tests.storage.helpers import disagreements, imported, upserts


async def delivered_order(service: Service) -> list[Order]:
    """An order from checkout to delivery, as it was after each call."""
    stub = service.orders
    versions = [await stub.CreateOrder(new_order(shipping_address=HOME, metadata={"till": "5"}))]
    order_id = versions[0].order_id

    async def update(**fields: Any) -> None:
        order = Order(order_id=order_id, **fields)
        versions.append(await stub.UpdateOrder(UpdateOrderRequest(order=order)))

    await update(special_instructions="ring twice", metadata={"till": "6"})
    await update(shipping_address=HOME | {"street": "2 Side St"})
    paid = {"event_id": f"paid-{order_id}", "type": PAYMENT_EVENT_TYPE_PAID, "description": "by card"}
    versions.append(await stub.RecordPayment(RecordPaymentRequest(order_id=order_id, event=paid)))
    for status in (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED):
        carrier = {"carrier": "UPS", "tracking_number": "1"} if status == ORDER_STATUS_SHIPPED else {}
        request = TransitionOrderRequest(order_id=order_id, status=status, reason="all there", **carrier)
        versions.append(await stub.TransitionOrder(request))
    event = {"status": TRACKING_STATUS_DELIVERED, "description": "at the door", "city": "Austin"}
    await stub.RecordTrackingEvent(RecordTrackingEventRequest(order_id=order_id, event=event))
    versions.append(await stub.GetOrder(GetOrderRequest(order_id=order_id)))
    return versions


async def get(service: Service, order: Order, **fields: Any) -> Order:
    return await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id, **fields))


async def test_every_version_that_a_caller_has_seen_can_be_read_again(service: Service) -> None:
    versions = await delivered_order(service)
    for order in versions:
        assert await get(service, order, version=order.version) == order
        assert await get(service, order, read_time=order.update_time) == order
    # Versions that were passed within one call, too.
    passed = [await get(service, versions[0], version=version) for version in range(1, versions[-1].version + 1)]
    events = (await service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=versions[0].order_id))).events
    assert [order.status for order in passed] == [event.to_status for event in events]
    assert [order.event_hash for order in passed] == [event.hash for event in events]
    assert [bool(event.HasField("after")) for event in events] == [False] + [True] * (len(events) - 1)
    assert await disagreements(service.url) == []


async def test_an_import_that_changes_fields_and_status_makes_two_versions(service: Service) -> None:
    for fields in ({"cents": 100}, {"cents": 200, "status": ORDER_STATUS_SHIPPED}):
        (result,) = (await service.orders.BatchUpsertOrders(upserts("shop", imported("moved", **fields)))).results
    second = await service.orders.GetOrder(GetOrderRequest(order_id=result.order_id, version=2))
    first = await service.orders.GetOrder(GetOrderRequest(order_id=result.order_id, version=1))
    assert (first.pricing.total.units, second.pricing.total.units) == (1, 2)
    assert first.status == second.status != ORDER_STATUS_SHIPPED
    assert await disagreements(service.url) == []


async def test_a_version_or_a_time_without_an_order_is_refused(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order())
    refusal = await refused(get(service, order, version=2))
    assert (refusal.reason, refusal.metadata["current_version"]) == ("VERSION_NOT_FOUND", "1")
    refusal = await refused(get(service, order, read_time={"seconds": 1}))
    assert refusal.reason == "VERSION_NOT_FOUND"
    refusal = await refused(service.orders.DiffOrder(DiffOrderRequest(order_id=order.order_id, to_version=2)))
    assert refusal.reason == "VERSION_NOT_FOUND"
    refusal = await refused(
        service.orders.DiffOrder(DiffOrderRequest(order_id=order.order_id, from_version=2, to_version=1))
    )
    assert "from_version" in refusal.fields


async def test_a_diff_names_each_field_with_both_values_and_its_event(service: Service) -> None:
    versions = await delivered_order(service)
    request = DiffOrderRequest(order_id=versions[0].order_id, from_version=1, to_version=3)
    response = await service.orders.DiffOrder(request)
    # The delivery times follow from the address.
    found = [each for each in response.differences if not each.path.startswith("delivery.")]
    assert [(each.path, MessageToDict(each.old_value), MessageToDict(each.new_value)) for each in found] == [
        ("shipping_address.street", HOME["street"], "2 Side St"),
        ("special_instructions", None, "ring twice"),
        ("metadata", {"till": "5"}, {"till": "6"}),
    ]
    assert [each.event.version for each in found] == [3, 2, 2]
    assert not any(each.event.HasField("after") for each in found)
    last = await service.orders.DiffOrder(DiffOrderRequest(order_id=versions[0].order_id))
    assert last.to_version == last.from_version + 1 == versions[-1].version
    assert "status" in [each.path for each in last.differences]


async def test_provenance_names_the_last_change_of_each_field(service: Service) -> None:
    versions = await delivered_order(service)
    order = await get(service, versions[-1], show_provenance=True)
    found = {each.field: each for each in order.provenance}
    assert set(found) == {field.name for field, _ in versions[-1].ListFields()}
    assert found["order_id"].version == 1
    assert (found["metadata"].version, found["shipping_address"].version) == (2, 3)
    assert found["status"].version == versions[-1].version
    assert found["metadata"].set_time == versions[1].update_time
    assert found["metadata"].actor == "anonymous"
    early = await get(service, versions[-1], version=2, show_provenance=True)
    assert {each.field: each.version for each in early.provenance}["shipping_address"] == 1
    # A client may send back what it has read.
    unchanged = await service.orders.UpdateOrder(UpdateOrderRequest(order=order))
    assert unchanged.version == order.version


async def forget_values(service: Service, order: Order, versions: Sequence[int]) -> None:
    """Makes events such as servers stored that recorded no values: with hashes of their own."""
    for version in versions:
        query = (
            "UPDATE order_events SET event_values = NULL, salt = NULL WHERE order_id = %s AND version = %s RETURNING 1"
        )
        await service.rows(query, order.order_id, version)


async def test_versions_before_values_were_recorded_are_refused(service: Service) -> None:
    versions = await delivered_order(service)
    order = versions[-1]
    await forget_values(service, order, [2, 3])
    refusal = await refused(get(service, order, version=2))
    assert (refusal.reason, refusal.metadata["oldest_version"]) == ("HISTORY_NOT_RECORDED", "3")
    assert await get(service, order, version=3) == versions[2]
    found = {each.field: each.version for each in (await get(service, order, show_provenance=True)).provenance}
    assert "order_id" not in found
    assert found["status"] == order.version
    # Their digests are chained, so verify finds that they are missing.
    assert any("event 3 are missing" in text for text in await disagreements(service.url))


@pytest.mark.parametrize("damage", ["customer.name", "special_instructions"])
async def test_verify_finds_a_snapshot_whose_history_says_otherwise(service: Service, damage: str) -> None:
    order = (await delivered_order(service))[-1]
    changed = Order.FromString(order.SerializeToString())
    if damage == "special_instructions":
        changed.special_instructions = "never"
    else:
        changed.customer.name = "Mallory"
    query = "UPDATE orders SET snapshot = %s WHERE order_id = %s RETURNING 1"
    await service.rows(query, changed.SerializeToString(deterministic=True), order.order_id)
    found = [text for text in await disagreements(service.url) if order.order_number in text]
    await service.rows(query, order.SerializeToString(deterministic=True), order.order_id)
    assert any("values" in text for text in found)


def test_older_events_are_marked() -> None:
    from orders.v1.order_pb2 import OrderEvent

    from server.domain.base.event_values import StoredEvent, whole

    assert whole(StoredEvent(OrderEvent(version=1).SerializeToString())).values_state == EVENT_VALUES_STATE_NOT_RECORDED
