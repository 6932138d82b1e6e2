"""Imports take order numbers for new orders only."""

from collections.abc import AsyncIterator, Callable

import pytest
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    BatchUpsertOrdersResponse,
    GetOrderRequest,
    UpsertOrder,
)

from tests.conftest import Service, serving, usd


@pytest.fixture(scope="module")
async def shop(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database()) as service:
        yield service


async def imported(shop: Service, *keys: str, quantity: int = 1, total: int = 0) -> BatchUpsertOrdersResponse:
    item = {"sku": "BOOK", "quantity": quantity, "unit_price": usd(5)}
    given = {"customer": {"name": "Jane Doe"}, "items": [item], "total": usd(total) if total else None}
    orders = [UpsertOrder(external_order_id=key, **given) for key in keys]
    return await shop.orders.BatchUpsertOrders(BatchUpsertOrdersRequest(source="shop", orders=orders))


async def next_number(shop: Service, key: str) -> int:
    """The number of an order that is imported now."""
    response = await imported(shop, key)
    order = await shop.orders.GetOrder(GetOrderRequest(order_id=response.results[0].order_id))
    return int(order.order_number.rpartition("-")[2])


async def test_changed_orders_take_no_numbers(shop: Service) -> None:
    keys = [f"changed-{number}" for number in range(10)]
    await imported(shop, *keys)
    before = await next_number(shop, "after-changed-1")
    assert (await imported(shop, *keys, quantity=2)).updated == 10
    assert await next_number(shop, "after-changed-2") == before + 1


async def test_an_unchanged_order_with_a_warning_takes_no_number(shop: Service) -> None:
    assert (await imported(shop, "warned", total=9)).results[0].warnings
    before = await next_number(shop, "after-warned-1")
    assert (await imported(shop, "warned", total=9)).unchanged == 1
    assert await next_number(shop, "after-warned-2") == before + 1


async def test_an_order_that_occurs_twice_takes_one_number(shop: Service) -> None:
    before = await next_number(shop, "after-twice-1")
    assert (await imported(shop, "twice", "twice")).inserted == 1
    assert await next_number(shop, "after-twice-2") == before + 2
