"""What `orders verify` and `orders rebuild` do about damage to orders, their items and events, and stock."""

import re
from collections.abc import Callable

import pytest
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, Order
from orders.v1.order_service_pb2 import CreateOrderRequest, UpdateOrderRequest
from psycopg.sql import SQL

from server.domain.base.money import from_minor, minor_of
from tests.conftest import PRODUCTS, serving
from tests.storage.helpers import disagreements, imported, keep, mend, restore, session, upserts

ITEMS = [
    {"product_id": "mug", "quantity": 2},
    {"product_id": "lamp", "quantity": 1},
    {"product_id": "sofa", "variant_id": "red", "quantity": 1},
]

_TABLES = ("products", "inventory", "stock_adjustments", "orders", "order_items", "order_events", "fulfilments")


@pytest.fixture(scope="module")
async def kept(new_database: Callable[[], str]) -> str:
    """A small sound database, with a copy of every table."""
    async with serving(new_database()) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        for _ in range(3):
            order = await service.orders.CreateOrder(CreateOrderRequest(customer_id="jane", items=ITEMS))
            for number in range(2):
                change = {"order_id": order.order_id, "metadata": {"number": str(number)}}
                await service.orders.UpdateOrder(UpdateOrderRequest(order=change))
        await service.orders.BatchUpsertOrders(upserts("damaged", imported("1")))
        await keep(service.url, _TABLES)
    return service.url


@pytest.fixture
async def sound(kept: str) -> str:
    """The small database as it was, whatever the test before did to it."""
    await restore(kept, _TABLES)
    return kept


# The order that is damaged: one that has changed.
_ONE = "(SELECT order_id FROM orders WHERE version > 2 AND source = '' AND status < 6 ORDER BY order_id LIMIT 1)"
_LAST = f"(SELECT max(version) FROM order_events WHERE order_id = {_ONE})"
_COLUMN_DAMAGE = {
    "order_number": "'ORD-X'",
    "customer_id": "'somebody'",
    "status": "1 + status % 6",
    "payment_status": "1 + payment_status % 7",
    "currency": "'EUR'",
    "total_minor": "total_minor + 1",
    "version": "version + 1",
    "create_time": "create_time - interval '1 microsecond'",
    "update_time": "update_time + interval '1 microsecond'",
}
_PROJECTIONS = {
    **{name: (f"UPDATE orders SET {name} = {value} WHERE order_id = {_ONE}", rf"orders\.{name} is")
       for name, value in _COLUMN_DAMAGE.items()},
    "source": ("UPDATE orders SET source = 'elsewhere' WHERE source = 'damaged'", r"orders\.source is"),
    "external id": ("UPDATE orders SET external_order_id = '2' WHERE source = 'damaged'", r"external_order_id is"),
    "item lost": (f"DELETE FROM order_items WHERE order_id = {_ONE} AND position = 0", "order_items has"),
    "item changed": (f"UPDATE order_items SET sku = 'X' WHERE order_id = {_ONE} AND position = 0", "order_items has"),
    "quantity changed": (
        f"UPDATE order_items SET quantity = quantity + 1, total_price_minor = total_price_minor + unit_price_minor"
        f" WHERE order_id = {_ONE} AND position = 0",
        "order_items has",
    ),
    "item added": (
        f"INSERT INTO order_items SELECT order_id, 99, '99', product_id, variant_id, sku, 1, 1, 1 FROM order_items"
        f" WHERE order_id = {_ONE} AND position = 0",
        "order_items has",
    ),
    "all items lost": ("DELETE FROM order_items", "order_items has 0 rows"),
}  # fmt: skip
_TRUTHS = {
    "first event lost": (f"DELETE FROM order_events WHERE order_id = {_ONE} AND version = 1", "its events are"),
    "an event lost": (f"DELETE FROM order_events WHERE order_id = {_ONE} AND version = 2", "its events are"),
    "last event lost": (f"DELETE FROM order_events WHERE order_id = {_ONE} AND version = {_LAST}", "its events are"),
    "all events lost": (f"DELETE FROM order_events WHERE order_id = {_ONE}", r"its events are \[\]"),
    "event added": (
        "INSERT INTO order_events (order_id, version, type, actor, request_id, event_time, from_status, to_status,"
        " total_minor, event) SELECT order_id, 99, type, actor, request_id, event_time, from_status, to_status,"
        f" total_minor, event FROM order_events WHERE order_id = {_ONE} AND version = 1",
        "its events are",
    ),
    "event changed": (
        f"UPDATE order_events SET actor = 'x' WHERE order_id = {_ONE} AND version = 2",
        "columns of event 2",
    ),
    "event of another version": (
        f"UPDATE order_events SET event = (SELECT event FROM order_events WHERE order_id = {_ONE} AND version = 1)"
        f" WHERE order_id = {_ONE} AND version = 2",
        "columns of event 1",
    ),
    "last total changed": (
        f"UPDATE order_events SET total_minor = total_minor + 1 WHERE order_id = {_ONE} AND version = {_LAST}",
        "last event's total",
    ),
    "stock made": ("UPDATE inventory SET available = available + 1 WHERE product_id = 'mug'", "product mug: inventory"),
    "stock lost": ("UPDATE inventory SET available = 0 WHERE variant_id = 'red'", "product sofa/red: inventory has 0"),
    "shelf lost": ("DELETE FROM inventory WHERE product_id = 'lamp'", "product lamp: inventory has 0"),
    "adjustment lost": ("DELETE FROM stock_adjustments WHERE product_id = 'lamp'", "product lamp: inventory has"),
    "order lost": (f"DELETE FROM orders WHERE order_id = {_ONE}", "the adjustments less what orders hold"),
}


async def damage(url: str, statement: str) -> None:
    async with session(url) as connection:
        assert (await connection.execute(statement.encode())).rowcount > 0


@pytest.mark.every_postgres
async def test_a_sound_database_has_no_disagreements(sound: str) -> None:
    assert await disagreements(sound) == []
    assert await mend(sound) == 0


@pytest.mark.parametrize(("statement", "text"), _PROJECTIONS.values(), ids=_PROJECTIONS)
async def test_damage_to_columns_and_items_is_found_and_mended(sound: str, statement: str, text: str) -> None:
    async with session(sound) as connection:
        before = await (await connection.execute("SELECT o::text FROM orders o ORDER BY 1")).fetchall()
    await damage(sound, statement)
    found = await disagreements(sound)
    assert re.search(text, "\n".join(found))
    assert await mend(sound) >= 1
    assert await disagreements(sound) == []
    async with session(sound) as connection:
        after = await (await connection.execute("SELECT o::text FROM orders o ORDER BY 1")).fetchall()
    assert after == before
    assert await mend(sound) == 0


@pytest.mark.parametrize(("statement", "text"), _TRUTHS.values(), ids=_TRUTHS)
async def test_damage_to_what_is_no_projection_is_found_and_left_as_it_is(
    sound: str, statement: str, text: str
) -> None:
    await damage(sound, statement)
    found = await disagreements(sound)
    assert re.search(text, "\n".join(found))
    await mend(sound)
    assert await disagreements(sound) == found


async def _change_snapshot(url: str, change: Callable[[Order], None]) -> None:
    async with session(url) as connection:
        ((order_id, snapshot),) = await (
            await connection.execute(f"SELECT order_id, snapshot FROM orders WHERE order_id = {_ONE}".encode())
        ).fetchall()
        order = Order.FromString(snapshot)
        change(order)
        statement = SQL("UPDATE orders SET snapshot = %s WHERE order_id = %s")
        await connection.execute(statement, [order.SerializeToString(), order_id])


def _etag(order: Order) -> None:
    order.etag = "x"


def _status(order: Order) -> None:
    order.status = ORDER_STATUS_CANCELLED


def _quantity(order: Order) -> None:
    order.items[0].quantity *= 2
    price = minor_of(order.items[0].total_price)
    order.items[0].total_price.CopyFrom(from_minor(2 * price, "USD"))


def _version(order: Order) -> None:
    order.version += 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_etag, "the etag is 'x' at version"),
        (_status, "last event's status"),
        (_quantity, "adjustments less what orders hold"),
        (_version, "its events are"),
    ],
)
async def test_a_snapshot_that_was_changed_behind_the_programs_back_is_found(
    sound: str, change: Callable[[Order], None], text: str
) -> None:
    await _change_snapshot(sound, change)
    for _ in range(2):
        found = await disagreements(sound)
        assert re.search(text, "\n".join(found))
        await mend(sound)
