"""Counts and sums of orders by their status, day, currency, customer and source."""

import pytest
from orders.v1.order_service_pb2 import (
    SUMMARY_KEY_CUSTOMER,
    SUMMARY_KEY_DAY,
    SUMMARY_KEY_SOURCE,
    SUMMARY_KEY_STATUS,
    BatchUpsertOrdersRequest,
    CancelOrderRequest,
    OrderFilter,
    SummarizeOrdersRequest,
    SummaryKey,
)

from server.rpc import summaries
from tests.conftest import Service
from tests.shop import money, new_order, usd


@pytest.fixture(scope="module")
async def filled(service: Service) -> None:
    """Three orders of two customers, one of them cancelled, and an imported one in another currency."""
    for customer_id, quantity in (("ann", 1), ("ann", 2), ("bob", 4)):
        order = await service.orders.CreateOrder(new_order(customer_id, quantity=quantity))
    await service.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    line = {"sku": "A", "name": "Apple", "quantity": 1, "unit_price": money("JPY", 900)}
    sent = {"external_order_id": "x-1", "customer": {"name": "Omar"}, "items": [line]}
    await service.orders.BatchUpsertOrders(BatchUpsertOrdersRequest(source="shop", orders=[sent]))


async def groups(service: Service, key: SummaryKey, **wanted: object) -> list[tuple[str, int, int, str]]:
    answer = await service.orders.SummarizeOrders(SummarizeOrdersRequest(filter=OrderFilter(**wanted), group_by=key))
    assert not answer.orders_truncated
    return [(each.key, each.count, each.total.units, each.total.currency_code) for each in answer.groups]


async def test_each_key_has_its_groups(service: Service, filled: None) -> None:
    pending, cancelled = "ORDER_STATUS_PENDING", "ORDER_STATUS_CANCELLED"
    assert await groups(service, SUMMARY_KEY_STATUS) == [
        (pending, 2, 37, "USD"),
        (pending, 1, 900, "JPY"),
        (cancelled, 1, 50, "USD"),
    ]
    assert await groups(service, 0) == [("USD", 3, 87, "USD"), ("JPY", 1, 900, "JPY")]
    assert await groups(service, SUMMARY_KEY_CUSTOMER, imported=False) == [
        ("ann", 2, 37, "USD"),
        ("bob", 1, 50, "USD"),
    ]
    assert await groups(service, SUMMARY_KEY_SOURCE) == [("", 3, 87, "USD"), ("shop", 1, 900, "JPY")]
    ((day, count, _, _),) = await groups(service, SUMMARY_KEY_DAY, customer_id="ann")
    assert (len(day), count) == (10, 2)


async def test_nothing_has_no_groups(service: Service, filled: None) -> None:
    assert await groups(service, SUMMARY_KEY_STATUS, customer_id="nobody") == []


async def test_a_summary_that_is_not_complete_says_so(
    service: Service, filled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "MOST_ORDERS", 3)
    monkeypatch.setattr(summaries, "MOST_GROUPS", 1)
    answer = await service.orders.SummarizeOrders(SummarizeOrdersRequest())
    assert (answer.orders_truncated, answer.groups_truncated, len(answer.groups)) == (True, True, 1)
    assert usd(87, 50) == answer.groups[0].total
