"""A database that was restored from a dump: its rows were written by transactions of another PostgreSQL."""

from collections.abc import Callable

import psycopg
import pytest
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_service_pb2 import ORDER_BY_TOTAL, ORDER_BY_UPDATE_TIME, ListOrdersRequest

from server.runtime import preflight as startup
from tests.conftest import PRODUCTS, new_order, serving
from tests.storage.helpers import disagreements

pytestmark = pytest.mark.every_postgres


async def test_restored_orders_are_listed_once_migrate_has_adopted_them(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with serving(url) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        created = {(await service.orders.CreateOrder(new_order())).order_id for _ in range(3)}
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("orders", "order_events"):
            connection.execute(f"UPDATE {table} SET xid = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8")
    with pytest.raises(startup.StartError, match="orders migrate"):
        startup.check_schema(url)
    startup.migrate(url)
    startup.check_schema(url)
    async with serving(url) as service:
        for order_by in (ORDER_BY_UPDATE_TIME, ORDER_BY_TOTAL):
            messages = service.orders.ListOrders(ListOrdersRequest(order_by=order_by))
            assert {order.order_id async for message in messages for order in message.orders} == created


async def test_a_snapshot_that_cannot_be_read_is_named_and_left_alone(new_database: Callable[[], str]) -> None:
    url = new_database()
    async with serving(url) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        order = await service.orders.CreateOrder(new_order())
        await service.orders.CreateOrder(new_order())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE orders SET snapshot = '\\xff' WHERE order_id = %s", [order.order_id])
    found = await disagreements(url)
    assert f"{order.order_number}: the snapshot cannot be read" in found[0]
