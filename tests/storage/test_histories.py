"""Long random histories of every command, by many callers at once; and what `verify` and `rebuild` make of damage."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from orders.v1.catalog_service_pb2 import AdjustStockRequest, BatchUpsertProductsRequest, GetProductRequest
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_IMPORTED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    ORDER_STATUS_UNSPECIFIED,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_IN_TRANSIT,
    TRACKING_STATUS_RETURNED,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    CreateOrderRequest,
    ListOrdersRequest,
    RecordTrackingEventRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)
from psycopg.sql import SQL

from server.domain.base.money import from_minor, minor_of
from server.domain.lifecycle.lifecycle import RANK, STEPS
from tests.conftest import PRODUCTS, Service, refusal_of, serving, usd
from tests.storage.helpers import disagreements, imported, mend, session, upserts

SKUS = [("mug", ""), ("lamp", ""), ("sofa", "blue"), ("sofa", "red")]
STATUSES = [
    ORDER_STATUS_PENDING,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_CANCELLED,
]
# What a caller without regard for an order's state must expect. Anything else is a fault of the server.
EXPECTED = {
    "INVALID_TRANSITION",
    "ORDER_NOT_CANCELLABLE",
    "ORDER_ALREADY_CANCELLED",
    "INSUFFICIENT_STOCK",
    "ETAG_MISMATCH",
}


@dataclass
class History:
    """Callers who do anything that the API offers, to orders that they share."""

    service: Service
    chance: random.Random
    orders: list[str] = field(default_factory=list)
    carried_out: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    adjusted: int = 0

    def items(self) -> list[dict[str, Any]]:
        skus = self.chance.sample(SKUS, self.chance.randint(1, 3))
        return [{"product_id": p, "variant_id": v, "quantity": self.chance.randint(1, 5)} for p, v in skus]

    def order_id(self) -> str:
        """One of the newer orders, so that many callers meet on it."""
        return self.chance.choice(self.orders[-12:])

    def etag(self) -> str:
        return "" if self.chance.random() < 0.8 else str(self.chance.randint(1, 4))

    async def create(self) -> None:
        order = await self.service.orders.CreateOrder(CreateOrderRequest(customer_id="jane", items=self.items()))
        self.orders.append(order.order_id)

    async def update(self) -> None:
        wish: dict[str, Any] = {"order_id": self.order_id(), "etag": self.etag()}
        kind = self.chance.randrange(4)
        if kind == 0:
            wish["items"] = self.items()
        elif kind == 1:
            wish["shipping_address"] = {"street": f"Street {self.chance.random()}"}
        elif kind == 2:
            wish["metadata"] = {"key": str(self.chance.random())}
        else:
            wish["status"] = self.chance.choice(STATUSES)
        wish["delivery"] = {"carrier": "UPS", "tracking_number": "1"} if self.chance.random() < 0.3 else None
        await self.service.orders.UpdateOrder(UpdateOrderRequest(order=wish, override_reason="test"))

    async def transition(self) -> None:
        request = TransitionOrderRequest(
            order_id=self.order_id(),
            status=self.chance.choice(STATUSES),
            etag=self.etag(),
            override_reason="test",
            carrier=self.chance.choice(["", "UPS"]),
            tracking_number=self.chance.choice(["", "1"]),
        )
        await self.service.orders.TransitionOrder(request)

    async def cancel(self) -> None:
        await self.service.orders.CancelOrder(CancelOrderRequest(order_id=self.order_id(), etag=self.etag()))

    async def track(self) -> None:
        status = self.chance.choice([TRACKING_STATUS_IN_TRANSIT, TRACKING_STATUS_DELIVERED, TRACKING_STATUS_RETURNED])
        request = RecordTrackingEventRequest(order_id=self.order_id(), event={"status": status}, carrier="DHL")
        await self.service.orders.RecordTrackingEvent(request)

    async def upsert(self) -> None:
        numbers = self.chance.sample(range(80), self.chance.randint(1, 6))
        status = [ORDER_STATUS_UNSPECIFIED] * 6 + STATUSES
        orders = [
            imported(str(n), cents=100 * self.chance.randint(0, 3), status=self.chance.choice(status)) for n in numbers
        ]
        for order in orders:
            if self.chance.random() < 0.2:
                order.total.CopyFrom(usd(self.chance.randint(0, 9)))
        await self.service.orders.BatchUpsertOrders(upserts("shop", *orders))

    async def adjust(self) -> None:
        (product_id, variant_id), delta = self.chance.choice(SKUS), self.chance.choice([-20, -3, 5, 15])
        request = AdjustStockRequest(product_id=product_id, variant_id=variant_id, delta=delta, reason="counted")
        await self.service.catalog.AdjustStock(request)
        self.adjusted += delta

    async def reprice(self) -> None:
        product = PRODUCTS[self.chance.randrange(2)]
        changed = type(product)()
        changed.CopyFrom(product)
        changed.ClearField("stock")
        changed.price.CopyFrom(usd(self.chance.randint(1, 60), self.chance.randrange(100)))
        await self.service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=[changed]))

    async def caller(self, commands: int) -> None:
        kinds = [self.create, self.update, self.transition, self.cancel, self.track, self.upsert, self.adjust]
        for _ in range(commands):
            (kind,) = self.chance.choices([*kinds, self.reprice], [6, 8, 8, 2, 4, 2, 2, 1])
            try:
                await kind()
                self.carried_out[kind.__name__] += 1
            except grpc.aio.AioRpcError as error:
                self.refused[refusal_of(error).reason] += 1


@pytest.fixture(scope="module")
async def history(new_database: Callable[[], str]) -> AsyncIterator[History]:
    """What 30 callers have made of an empty shop."""
    async with serving(new_database()) as service:
        products = []
        for product in PRODUCTS:
            scarce = type(product)()
            scarce.CopyFrom(product)
            if product.variants:
                for variant in scarce.variants:
                    variant.stock = 150
            else:
                scarce.stock = 150
            products.append(scarce)
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=products))
        history = History(service, random.Random(7))
        await history.create()
        await asyncio.gather(*(history.caller(80) for _ in range(30)))
        yield history


async def test_every_kind_of_command_succeeds_and_refusals_are_the_rules_own(history: History) -> None:
    assert len(history.carried_out) == 8
    assert min(history.carried_out.values()) > 10
    assert EXPECTED <= set(history.refused) <= EXPECTED | {"INVALID_ORDER_DATA"}


async def test_all_that_is_stored_agrees(history: History) -> None:
    assert await disagreements(history.service.url) == []
    assert await mend(history.service.url) == 0


async def _events(service: Service) -> dict[str, list[OrderEvent]]:
    events: dict[str, list[OrderEvent]] = {}
    for order_id, event in await service.rows("SELECT order_id::text, event FROM order_events ORDER BY 1, version"):
        events.setdefault(order_id, []).append(OrderEvent.FromString(event))
    return events


async def _orders(service: Service) -> list[Order]:
    call: Any = service.orders.ListOrders(ListOrdersRequest(page_size=1000))
    return [order async for message in call for order in message.orders]


async def test_every_order_went_from_status_to_status_as_the_table_says(history: History) -> None:
    imports = {order.order_id for order in await _orders(history.service) if order.source}
    moves: Counter[tuple[int, int]] = Counter()
    for order_id, events in (await _events(history.service)).items():
        first, *later = events
        expected = ORDER_EVENT_TYPE_IMPORTED if order_id in imports else ORDER_EVENT_TYPE_CREATED
        assert first.type == expected
        status = first.to_status
        for event in later:
            assert event.from_status == status
            if event.type == ORDER_EVENT_TYPE_STATUS_CHANGED:
                if order_id in imports:
                    assert RANK[event.to_status] > RANK[status]
                    assert (event.to_status, status) != (ORDER_STATUS_CANCELLED, ORDER_STATUS_SHIPPED)
                else:
                    assert (status, event.to_status) in STEPS
                    moves[status, event.to_status] += 1
            else:
                assert event.to_status == status
            status = event.to_status
    # The two moves that pass a status over are recorded as two.
    assert set(moves) == {step for step, rule in STEPS.items() if not rule.passing}


async def test_versions_have_no_gaps_and_times_never_go_back(history: History) -> None:
    events = await _events(history.service)
    for order in await _orders(history.service):
        own = events[order.order_id]
        assert [event.version for event in own] == list(range(1, order.version + 1))
        times = [event.event_time.ToNanoseconds() for event in own]
        assert times == sorted(times)
        assert (order.create_time, order.update_time) == (own[0].event_time, own[-1].event_time)
        assert order.etag == str(order.version)
        assert order.status == own[-1].to_status


async def test_no_piece_is_lost_or_made(history: History) -> None:
    held: Counter[tuple[str, str]] = Counter()
    for order in await _orders(history.service):
        if order.status != ORDER_STATUS_CANCELLED and not order.source:
            held.update({(item.product_id, item.variant_id): item.quantity for item in order.items})
    left = {sku: await history.service.stock(*sku) for sku in SKUS}
    assert sum(left.values()) == 150 * 4 + history.adjusted - sum(held.values())
    assert min(left.values()) >= 0
    sofa = await history.service.catalog.GetProduct(GetProductRequest(product_id="sofa"))
    assert sofa.stock == left["sofa", "blue"] + left["sofa", "red"]


async def test_amounts_add_up(history: History) -> None:
    own = [order for order in await _orders(history.service) if not order.source]
    assert own
    for order in own:
        pricing = order.pricing
        lines = sum(minor_of(item.total_price) for item in order.items)
        assert lines == sum(minor_of(item.unit_price) * item.quantity for item in order.items)
        assert minor_of(pricing.subtotal) == lines
        charges = sum(
            minor_of(part) for part in (pricing.subtotal, pricing.tax, pricing.shipping, pricing.installation)
        )
        assert minor_of(pricing.total) == charges - minor_of(pricing.discount)
        assert order.total_quantity == sum(item.quantity for item in order.items)


# Damage.

_TABLES = ("products", "inventory", "stock_adjustments", "orders", "order_items", "order_events")


@pytest.fixture(scope="module")
async def kept(new_database: Callable[[], str]) -> str:
    """A small sound database, with a copy of every table."""
    async with serving(new_database()) as service:
        await service.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        history = History(service, random.Random(1))
        for _ in range(6):
            await history.create()
        await history.caller(60)
        await service.orders.BatchUpsertOrders(upserts("damaged", imported("1")))
        async with session(service.url) as connection:
            await connection.execute("CREATE SCHEMA kept")
            for table in _TABLES:
                await connection.execute(f"CREATE TABLE kept.{table} AS TABLE {table}".encode())
    return service.url


@pytest.fixture
async def sound(kept: str) -> str:
    """The small database as it was, whatever the test before did to it."""
    async with session(kept, autocommit=False) as connection:
        await connection.execute(f"TRUNCATE {', '.join(_TABLES)}".encode())
        for table in _TABLES:
            copy = f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{table}"
            await connection.execute(copy.encode())
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
