"""Filters by the names of orders, of their documents and payments, and of what is in them; in lists and in the feed alike."""

from typing import Any

import pytest
from orders.v1.fulfilment_service_pb2 import HoldOrderRequest, ReleaseHoldRequest
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_pb2 import ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED, PAYMENT_EVENT_TYPE_PAID, Order
from orders.v1.order_service_pb2 import (
    ORDER_BY_CREATE_TIME,
    ORDER_BY_TOTAL,
    ORDER_BY_UPDATE_TIME,
    BatchUpsertOrdersRequest,
    ListOrderChangesRequest,
    OrderBy,
    OrderFilter,
    RecordPaymentRequest,
    SearchOrdersRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)
from orders.v1.shipment_pb2 import HOLD_REASON_OTHER

from tests.conftest import Service, refused
from tests.shop import new_order, usd
from tests.storage.helpers import disagreements

LABEL = {"carrier": "UPS", "tracking_number": "1Z999"}


@pytest.fixture(scope="module")
async def shop(service: Service) -> dict[str, Order]:
    """Orders by their names: of a mug, of a blue sofa, paid, and imported."""
    found = {"mug": await service.orders.CreateOrder(new_order())}
    request = new_order()
    request.items[0].product_id, request.items[0].variant_id = "sofa", "blue"
    found["sofa"] = await service.orders.CreateOrder(request)
    event = {"provider": "bank", "event_id": "e-1", "payment_id": "pi_9", "type": PAYMENT_EVENT_TYPE_PAID}
    unpaid = await service.orders.CreateOrder(new_order(payment_method="PAYMENT_METHOD_PAYPAL"))
    found["paid"] = await service.orders.RecordPayment(RecordPaymentRequest(order_id=unpaid.order_id, event=event))
    for status, label in ((ORDER_STATUS_PROCESSING, {}), (ORDER_STATUS_SHIPPED, LABEL)):
        moved = TransitionOrderRequest(order_id=unpaid.order_id, status=status, **label)
        await service.orders.TransitionOrder(moved)
    found["labelled"] = await service.orders.CreateOrder(new_order(metadata={"channel": "fair"}))
    request = new_order(metadata={"channel": "fair", "gift": ""}, coupon_code="tenth")
    found["held"] = await service.orders.CreateOrder(request)
    await hold(service, found["held"])
    line = {"sku": "A", "name": "Apple", "quantity": 1, "unit_price": usd(3)}
    sent = {"external_order_id": "x-1", "customer": {"name": "Omar"}, "items": [line]}
    upserted = await service.orders.BatchUpsertOrders(BatchUpsertOrdersRequest(source="shop", orders=[sent]))
    found["imported"] = Order(order_id=upserted.results[0].order_id)
    return found


async def hold(service: Service, order: Order) -> Order:
    request = HoldOrderRequest(order_id=order.order_id, reason=HOLD_REASON_OTHER, note="asks")
    return await FulfilmentServiceStub(service.channel).HoldOrder(request)


def filters(shop: dict[str, Order]) -> list[tuple[OrderFilter, list[str]]]:
    mug, paid = shop["mug"], shop["paid"]
    return [
        (OrderFilter(order_ids=[mug.order_id.upper(), paid.order_number, "nothing"]), ["mug", "paid"]),
        (OrderFilter(order_ids=["nothing"]), []),
        (OrderFilter(document_number=paid.invoice_number), ["paid"]),
        (OrderFilter(document_number="INV-2000-000001"), []),
        (OrderFilter(payment_event_id="e-1", payment_provider="bank"), ["paid"]),
        (OrderFilter(payment_event_id="e-1", payment_provider="other"), []),
        (OrderFilter(product_id="sofa", variant_id="blue"), ["sofa"]),
        (OrderFilter(product_id="mug", variant_id="blue"), []),
        (OrderFilter(imported=True), ["imported"]),
        (OrderFilter(imported=False), ["mug", "sofa", "paid", "labelled", "held"]),
        (OrderFilter(metadata_key="channel", metadata_value="fair"), ["labelled", "held"]),
        (OrderFilter(metadata_key="fair", metadata_value="channel"), []),
        (OrderFilter(metadata_key="gift"), ["held"]),
        (OrderFilter(tracking_number="1z 999"), ["paid"]),
        (OrderFilter(tracking_number="1z 99"), []),
        (OrderFilter(coupon_code="Tenth"), ["held"]),
        (OrderFilter(payment_id="pi_9"), ["paid"]),
        (OrderFilter(payment_id="e-1"), []),
        (OrderFilter(held=True), ["held"]),
        (OrderFilter(held=False, metadata_key="channel", metadata_value="fair"), ["labelled"]),
        (OrderFilter(imported=False, order_ids=[shop["imported"].order_id, mug.order_id]), ["mug"]),
    ]


@pytest.mark.parametrize("order_by", [ORDER_BY_CREATE_TIME, ORDER_BY_UPDATE_TIME, ORDER_BY_TOTAL])
async def test_a_list_has_the_orders_that_match(service: Service, shop: dict[str, Order], order_by: OrderBy) -> None:
    for wanted, names in filters(shop):
        answer = await service.orders.SearchOrders(SearchOrdersRequest(filter=wanted, order_by=order_by))
        assert {order.order_id for order in answer.orders} == {shop[name].order_id for name in names}, wanted
        assert answer.total_size == len(names)


async def test_the_feed_has_the_changes_of_orders_that_match(service: Service, shop: dict[str, Order]) -> None:
    for wanted, names in filters(shop):
        request = ListOrderChangesRequest(filter=wanted, start_time={}, page_size=1000)
        changes = (await service.orders.ListOrderChanges(request)).changes
        assert {each.event.order_id for each in changes} == {shop[name].order_id for name in names}, wanted


async def test_an_order_is_not_found_by_what_it_no_longer_has(service: Service) -> None:
    order = await service.orders.CreateOrder(new_order(metadata={"lot": "1", "shelf": "2"}))
    held = await hold(service, order)

    async def found(**wanted: Any) -> bool:
        request = SearchOrdersRequest(filter=OrderFilter(order_ids=[order.order_id], **wanted))
        return bool((await service.orders.SearchOrders(request)).total_size)

    assert await found(metadata_key="lot", metadata_value="1", held=True)
    change = Order(order_id=order.order_id, metadata={"lot": "3", "shelf": "2"})
    await service.orders.UpdateOrder(UpdateOrderRequest(order=change, update_mask={"paths": ["metadata"]}))
    release = ReleaseHoldRequest(order_id=order.order_id, hold_id=held.holds[0].hold_id)
    await FulfilmentServiceStub(service.channel).ReleaseHold(release)
    assert not await found(metadata_key="lot", metadata_value="1")
    assert not await found(held=True)
    assert await found(metadata_key="lot", metadata_value="3", held=False)
    assert await found(metadata_key="shelf", metadata_value="2")
    assert await disagreements(service.url) == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"variant_id": "blue"}, "filter.product_id"),
        ({"payment_event_id": "e-1"}, "filter.payment_provider"),
        ({"payment_provider": "bank"}, "filter.payment_event_id"),
        ({"metadata_value": "x"}, "filter.metadata_key"),
        ({"tracking_number": " "}, "filter.tracking_number"),
        ({"customer_phone": "00"}, "filter.customer_phone"),
        ({"customer_email": " "}, "filter.customer_email"),
        ({"order_ids": ["x"] * 1001}, "filter.order_ids"),
        ({"order_ids": [""]}, "filter.order_ids[0]"),
    ],
)
async def test_a_filter_that_means_nothing_is_refused(service: Service, wanted: Any, field: str) -> None:
    refusal = await refused(service.orders.SearchOrders(SearchOrdersRequest(filter=wanted)))
    assert list(refusal.fields) == [field]
