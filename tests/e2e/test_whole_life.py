"""The main job in small: orders come in, are streamed back, and one of them lives its whole life."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_TRACKING,
    ORDER_EVENT_TYPE_UPDATED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_METHOD_CASH_ON_DELIVERY,
    PAYMENT_STATUS_UNPAID,
    SHIPPING_STATUS_DELIVERED,
    SHIPPING_STATUS_IN_TRANSIT,
    SHIPPING_STATUS_NOT_SHIPPED,
    SHIPPING_STATUS_PROCESSING,
    SHIPPING_STATUS_SHIPPED,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_IN_TRANSIT,
    TRACKING_STATUS_ORDER_CONFIRMED,
    TRACKING_STATUS_ORDER_PLACED,
    TRACKING_STATUS_OUT_FOR_DELIVERY,
    TRACKING_STATUS_PROCESSING,
    TRACKING_STATUS_SHIPPED,
    Address,
    Order,
    OrderEvent,
    TrackingEvent,
)
from orders.v1.order_service_pb2 import (
    CreateOrderRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    ListOrdersRequest,
    OrderFilter,
    RecordTrackingEventRequest,
    SortOrder,
    TrackOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
)

from tests.e2e.processes import Server, orders
from tests.e2e.test_commands import seed_order, write_lines

HOME = Address(name="Jane Doe", street="123 Main St", city="New York", state="NY", postal_code="10001", country="US")
NEW_HOME = Address(name="Jane Doe", street="456 Oak Ave", city="Austin", state="TX", postal_code="73301", country="US")
COUNT = 2000


@pytest.fixture(scope="module", autouse=True)
def imported(server: Server, folder: Path) -> None:
    """2,000 orders of another system, which the life of one more goes on amid."""
    file = write_lines(folder / "seed.jsonl", map(seed_order, range(COUNT)))
    assert orders("import", file, "--source", "shop", "--target", server.address).code == 0


def test_all_that_was_imported_streams_back_once_even_from_a_stream_that_is_taken_up_again(server: Server) -> None:
    request = ListOrdersRequest(filter=OrderFilter(source="shop"), sort_order=SortOrder.SORT_ORDER_ASC, page_size=300)
    with server.stubs() as (stub, _):
        whole = [order.external_order_id for page in stub.ListOrders(request) for order in page.orders]
        parts: list[str] = []
        for page in stub.ListOrders(request):
            parts += [order.external_order_id for order in page.orders]
            if len(parts) >= COUNT / 2:
                request.resume_token = page.resume_token
                break
        for page in stub.ListOrders(request):
            parts += [order.external_order_id for order in page.orders]
    assert sorted(whole) == sorted(f"ID-{number}" for number in range(COUNT))
    assert parts == whole


def test_an_order_lives_from_checkout_to_delivery_and_its_log_and_its_tracking_tell_all_of_it(server: Server) -> None:
    handed_over = datetime.now(UTC)
    with server.stubs() as (stub, _):
        request = CreateOrderRequest(
            customer_id="jane",
            request_id="checkout-1",
            shipping_address=HOME,
            payment_method=PAYMENT_METHOD_CASH_ON_DELIVERY,
        )
        request.items.add(product_id="mug", quantity=2)
        request.items.add(product_id="sofa", variant_id="blue", quantity=1)
        order = stub.CreateOrder(request)
        assert order.status == ORDER_STATUS_PENDING
        assert order.payment_status == PAYMENT_STATUS_UNPAID
        assert order.shipping_status == SHIPPING_STATUS_NOT_SHIPPED
        # 2 × 12.50 + 1,250 + 100 to install the sofa, and 8.88 % of each in New York
        assert order.pricing.total == Money(currency_code="USD", units=1497, nanos=100_000_000)
        number = order.order_number

        def move(status: int, **fields: str) -> Order:
            return stub.TransitionOrder(TransitionOrderRequest(order_id=number, status=status, **fields))

        moved = stub.UpdateOrder(
            UpdateOrderRequest(order=Order(order_id=number, shipping_address=NEW_HOME, etag=order.etag))
        )
        assert moved.shipping_address == NEW_HOME
        assert moved.billing_address == HOME
        # Nothing is taxed in Texas.
        assert moved.pricing.total == Money(currency_code="USD", units=1375)

        confirmed = move(ORDER_STATUS_CONFIRMED, override_reason="paid in the shop", etag=moved.etag)
        assert confirmed.status == ORDER_STATUS_CONFIRMED
        assert move(ORDER_STATUS_PROCESSING).shipping_status == SHIPPING_STATUS_PROCESSING
        shipped = move(ORDER_STATUS_SHIPPED, carrier="UPS", tracking_number="1Z999", reason="left the warehouse")
        assert shipped.shipping_status == SHIPPING_STATUS_SHIPPED
        assert (shipped.delivery.carrier, shipped.delivery.tracking_number) == ("UPS", "1Z999")

        def report(status: int, hours: int, city: str, description: str) -> RecordTrackingEventRequest:
            time = Timestamp()
            time.FromDatetime(handed_over + timedelta(hours=hours))
            event = TrackingEvent(status=status, description=description, time=time, city=city, country="US")
            return RecordTrackingEventRequest(order_id=number, event=event)

        stub.RecordTrackingEvent(report(TRACKING_STATUS_IN_TRANSIT, 2, "Newark", "Left the hub"))
        assert stub.GetOrder(GetOrderRequest(order_id=number)).shipping_status == SHIPPING_STATUS_IN_TRANSIT
        # Reported after the one that follows it.
        stub.RecordTrackingEvent(report(TRACKING_STATUS_OUT_FOR_DELIVERY, 9, "Austin", "On the van"))
        stub.RecordTrackingEvent(report(TRACKING_STATUS_IN_TRANSIT, 5, "Dallas", "Passed through"))
        stub.RecordTrackingEvent(report(TRACKING_STATUS_DELIVERED, 10, "Austin", "Left at the door"))

        final = stub.GetOrder(GetOrderRequest(order_id=order.order_id))
        assert final.status == ORDER_STATUS_DELIVERED
        assert final.shipping_status == SHIPPING_STATUS_DELIVERED
        assert final.items == moved.items
        assert final.pricing == moved.pricing
        assert final.version == 9
        check_log(stub.ListOrderEvents(ListOrderEventsRequest(order_id=number)).events)
        tracking = stub.TrackOrder(TrackOrderRequest(order_id=number))
    assert [(event.status, event.city) for event in tracking.events] == [
        (TRACKING_STATUS_ORDER_PLACED, ""),
        (TRACKING_STATUS_ORDER_CONFIRMED, ""),
        (TRACKING_STATUS_PROCESSING, ""),
        (TRACKING_STATUS_SHIPPED, ""),
        (TRACKING_STATUS_IN_TRANSIT, "Newark"),
        (TRACKING_STATUS_IN_TRANSIT, "Dallas"),
        (TRACKING_STATUS_OUT_FOR_DELIVERY, "Austin"),
        (TRACKING_STATUS_DELIVERED, "Austin"),
    ]
    assert tracking.status == TRACKING_STATUS_DELIVERED
    assert (tracking.carrier, tracking.tracking_number) == ("UPS", "1Z999")
    assert (tracking.current_location.city, tracking.current_location.country) == ("Austin", "US")
    assert orders("verify", env={"ORDERS_DATABASE_URL": server.url}).out == "everything agrees\n"


def check_log(events: Sequence[OrderEvent]) -> None:
    """Every change, in order, with who, what and why."""
    assert [event.version for event in events] == list(range(1, 10))
    changed = ORDER_EVENT_TYPE_STATUS_CHANGED
    assert [(event.type, event.from_status, event.to_status) for event in events] == [
        (ORDER_EVENT_TYPE_CREATED, 0, ORDER_STATUS_PENDING),
        (ORDER_EVENT_TYPE_UPDATED, ORDER_STATUS_PENDING, ORDER_STATUS_PENDING),
        (changed, ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED),
        (changed, ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING),
        (changed, ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED),
        (ORDER_EVENT_TYPE_TRACKING, ORDER_STATUS_SHIPPED, ORDER_STATUS_SHIPPED),
        (ORDER_EVENT_TYPE_TRACKING, ORDER_STATUS_SHIPPED, ORDER_STATUS_SHIPPED),
        (ORDER_EVENT_TYPE_TRACKING, ORDER_STATUS_SHIPPED, ORDER_STATUS_SHIPPED),
        (changed, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED),
    ]
    assert "shipping_address" in events[1].changed_fields
    assert any(field.startswith("pricing") for field in events[1].changed_fields)
    assert events[0].request_id == "checkout-1"
    assert events[2].reason == "paid in the shop"
    assert events[4].reason == "left the warehouse"
    assert [event.tracking_event.description for event in events[5:]] == [
        "Left the hub",
        "On the van",
        "Passed through",
        "Left at the door",
    ]
    assert {event.actor for event in events} == {"anonymous"}
    times = [event.event_time.ToNanoseconds() for event in events]
    assert times == sorted(times)
