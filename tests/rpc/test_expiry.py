"""Orders that nobody pays."""

from datetime import UTC, datetime, timedelta

from orders.v1.order_pb2 import (
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_PAID,
    Order,
)
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    GetOrderRequest,
    ListOrderEventsRequest,
    RecordPaymentRequest,
)

from server.payments.checkout import Checkout
from server.payments.expiry import cancel_unpaid
from server.rpc.validation import violations_of
from server.storage.customers import CustomerRepository
from server.storage.orders import OrderRepository
from server.storage.writer import Writer
from tests.conftest import Service, new_order, usd


async def test_orders_that_nobody_has_paid_in_time_give_back_what_they_hold(service: Service) -> None:
    unpaid, paid = [await service.orders.CreateOrder(new_order(quantity=2)) for _ in range(2)]
    event = {"event_id": paid.order_id, "type": PAYMENT_EVENT_TYPE_PAID}
    await service.orders.RecordPayment(RecordPaymentRequest(order_id=paid.order_id, event=event))
    line = {"sku": "A", "quantity": 1, "unit_price": usd(1)}
    wished = {"external_order_id": "e1", "customer": {"customer_id": "jane"}, "items": [line]}
    upsert = BatchUpsertOrdersRequest(source="shop", orders=[wished])
    imported = (await service.orders.BatchUpsertOrders(upsert)).results[0].order_id
    before = await service.stock("mug")

    database = service.running.database
    orders = OrderRepository(database)
    checkout = Checkout(
        writer=Writer(database, validate=violations_of),
        orders=orders,
        customers=CustomerRepository(database),
        provider=None,
        timeout=1,
    )
    now = datetime.now(UTC)
    assert await cancel_unpaid(checkout, orders, before=now - timedelta(hours=1)) == 0, "they are too young"
    assert await cancel_unpaid(checkout, orders, before=now + timedelta(hours=1)) == 1
    assert await cancel_unpaid(checkout, orders, before=now + timedelta(hours=1)) == 0

    async def order(order_id: str) -> Order:
        return await service.orders.GetOrder(GetOrderRequest(order_id=order_id))

    assert (await order(unpaid.order_id)).status == ORDER_STATUS_CANCELLED
    assert (await order(paid.order_id)).status == ORDER_STATUS_CONFIRMED
    assert (await order(imported)).status == ORDER_STATUS_PENDING, "its source says what becomes of it"
    assert await service.stock("mug") == before + 2
    events = (await service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=unpaid.order_id))).events
    assert (events[-1].actor, events[-1].reason) == ("housekeeping", "not paid in time")
