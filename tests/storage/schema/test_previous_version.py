"""A shop that the version before the ledger of payments served: migrated, it agrees, and its orders go on.

`data/schema_0008.sql.gz` is a dump of that version's database, made by calls of its API.
"""

import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest
from orders.v1.order_pb2 import (
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_SHIPPED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_PARTIALLY_REFUNDED,
    PAYMENT_STATUS_REFUND_DUE,
    PAYMENT_STATUS_REFUNDED,
    PAYMENT_STATUS_UNPAID,
    TRACKING_STATUS_DELIVERED,
    Order,
    PaymentEvent,
    PaymentEventType,
)
from orders.v1.order_service_pb2 import (
    CancelOrderRequest,
    GetInvoiceRequest,
    ListOrdersRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    RefundOrderRequest,
    TransitionOrderRequest,
    WatchOrdersRequest,
)

from server.runtime import preflight
from tests.conftest import SERVING_ROLE, Service, serving, usd
from tests.storage.helpers import disagreements

pytestmark = pytest.mark.every_postgres

_DUMP = Path(__file__).with_name("data") / "schema_0008.sql.gz"


@pytest.fixture
def migrated(empty_database: Callable[[], str]) -> str:
    url = empty_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(gzip.decompress(_DUMP.read_bytes()))  # type: ignore[arg-type]
        connection.execute("SET search_path TO public")
    preflight.migrate(url, grant_to=SERVING_ROLE)
    return url


@pytest.fixture
async def shop(migrated: str) -> AsyncIterator[Service]:
    async with serving(migrated, payment_provider="external") as service:
        yield service


async def _orders(shop: Service) -> dict[str, Order]:
    """The orders by number."""
    messages = shop.orders.ListOrders(ListOrdersRequest())
    return {order.order_number: order async for message in messages for order in message.orders}


async def _report(shop: Service, order: Order, kind: PaymentEventType, **event: object) -> Order:
    reported = PaymentEvent(provider="acme", event_id=f"later-{order.order_number}", type=kind, **event)  # type: ignore[arg-type]
    return await shop.orders.RecordPayment(RecordPaymentRequest(order_id=order.order_id, event=reported))


async def test_everything_agrees(migrated: str) -> None:
    assert await disagreements(migrated) == []


async def test_all_orders_are_listed_with_what_was_paid(shop: Service) -> None:
    orders = await _orders(shop)
    assert len(orders) == 23
    expected = {
        1: PAYMENT_STATUS_UNPAID,
        3: PAYMENT_STATUS_AUTHORIZED,
        4: PAYMENT_STATUS_PAID,
        6: PAYMENT_STATUS_PARTIALLY_REFUNDED,
        7: PAYMENT_STATUS_REFUND_DUE,
        8: PAYMENT_STATUS_REFUNDED,
    }
    found = {number: orders[f"ORD-2026-{number:06}"].payment_status for number in expected}
    assert found == expected


async def test_old_events_reach_watchers(shop: Service) -> None:
    stream = shop.orders.WatchOrders(WatchOrdersRequest(start_time={"seconds": 1}))
    seen: set[tuple[str, int]] = set()
    async for message in stream:
        fresh = [(change.event.order_id, change.event.version) for change in message.changes]
        assert not seen.intersection(fresh)
        seen.update(fresh)
        if message.caught_up:
            break
    stream.cancel()
    versions = {order.order_id: order.version for order in (await _orders(shop)).values()}
    assert seen == {(order_id, version) for order_id, last in versions.items() for version in range(1, last + 1)}


async def test_a_partly_paid_order_can_be_paid(shop: Service, migrated: str) -> None:
    order = (await _orders(shop))["ORD-2026-000005"]
    paid = await _report(shop, order, PAYMENT_EVENT_TYPE_PAID)
    assert (paid.status, paid.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)
    assert await shop.orders.GetInvoice(GetInvoiceRequest(order_id=order.order_id))
    assert await disagreements(migrated) == []


async def test_a_paid_order_ships_and_is_refunded_by_line(shop: Service, migrated: str) -> None:
    order = (await _orders(shop))["ORD-2026-000014"]
    shipped = await shop.orders.TransitionOrder(
        TransitionOrderRequest(
            order_id=order.order_id, status=ORDER_STATUS_SHIPPED, carrier="DHL", tracking_number="JD-9"
        )
    )
    assert shipped.status == ORDER_STATUS_SHIPPED
    refund = RefundOrderRequest(order_id=order.order_id, items=[{"item_id": order.items[0].item_id, "quantity": 1}])
    refunded = await shop.orders.RefundOrder(refund)
    # One of three coffees of 16.50, taxes included.
    assert refunded.refunds[-1].amount == usd(16, 50)
    assert await disagreements(migrated) == []


async def test_orders_that_shipped_before_shipments_were_recorded_arrive(shop: Service, migrated: str) -> None:
    shipped = [order for order in (await _orders(shop)).values() if order.status == ORDER_STATUS_SHIPPED]
    assert shipped
    assert not any(order.shipments for order in shipped)
    for order in shipped:
        event = {"status": TRACKING_STATUS_DELIVERED}
        await shop.orders.RecordTrackingEvent(RecordTrackingEventRequest(order_id=order.order_id, event=event))
    orders = await _orders(shop)
    for order in (orders[order.order_number] for order in shipped):
        assert order.status == ORDER_STATUS_DELIVERED
        assert [item.delivered_quantity for item in order.items] == [item.quantity for item in order.items]
    assert await disagreements(migrated) == []


async def test_money_still_owed_can_go_back(shop: Service, migrated: str) -> None:
    orders = await _orders(shop)
    held = await _report(shop, orders["ORD-2026-000009"], PAYMENT_EVENT_TYPE_VOIDED)
    assert held.payment_status != PAYMENT_STATUS_REFUND_DUE
    pending = orders["ORD-2026-000007"]
    back = await _report(
        shop, pending, PAYMENT_EVENT_TYPE_REFUNDED, refund_id=pending.refunds[0].refund_id, amount=pending.pricing.total
    )
    assert back.payment_status == PAYMENT_STATUS_REFUNDED
    assert await disagreements(migrated) == []


async def test_an_unpaid_order_gives_back_points_coupon_and_stock(shop: Service, migrated: str) -> None:
    order, before = (await _orders(shop))["ORD-2026-000002"], await shop.stock("mug")
    await shop.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id))
    assert await shop.stock("mug") == before + 4
    assert await disagreements(migrated) == []
