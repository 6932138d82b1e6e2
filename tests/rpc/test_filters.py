"""Filters by the names of orders, of their documents and payments, and of what is in them; in lists and in the feed alike."""

from typing import Any

import pytest
from orders.v1.order_pb2 import PAYMENT_EVENT_TYPE_PAID, Order
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
)

from tests.conftest import Service, refused
from tests.shop import new_order, usd


@pytest.fixture(scope="module")
async def shop(service: Service) -> dict[str, Order]:
    """Orders by their names: of a mug, of a blue sofa, paid, and imported."""
    found = {"mug": await service.orders.CreateOrder(new_order())}
    request = new_order()
    request.items[0].product_id, request.items[0].variant_id = "sofa", "blue"
    found["sofa"] = await service.orders.CreateOrder(request)
    event = {"provider": "bank", "event_id": "e-1", "type": PAYMENT_EVENT_TYPE_PAID}
    unpaid = await service.orders.CreateOrder(new_order(payment_method="PAYMENT_METHOD_PAYPAL"))
    found["paid"] = await service.orders.RecordPayment(RecordPaymentRequest(order_id=unpaid.order_id, event=event))
    line = {"sku": "A", "name": "Apple", "quantity": 1, "unit_price": usd(3)}
    sent = {"external_order_id": "x-1", "customer": {"name": "Omar"}, "items": [line]}
    upserted = await service.orders.BatchUpsertOrders(BatchUpsertOrdersRequest(source="shop", orders=[sent]))
    found["imported"] = Order(order_id=upserted.results[0].order_id)
    return found


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
        (OrderFilter(imported=False), ["mug", "sofa", "paid"]),
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


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"variant_id": "blue"}, "filter.product_id"),
        ({"payment_event_id": "e-1"}, "filter.payment_provider"),
        ({"payment_provider": "bank"}, "filter.payment_event_id"),
        ({"order_ids": ["x"] * 1001}, "filter.order_ids"),
        ({"order_ids": [""]}, "filter.order_ids[0]"),
    ],
)
async def test_a_filter_that_means_nothing_is_refused(service: Service, wanted: Any, field: str) -> None:
    refusal = await refused(service.orders.SearchOrders(SearchOrdersRequest(filter=wanted)))
    assert list(refusal.fields) == [field]
