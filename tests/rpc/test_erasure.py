"""Erasing and exporting a customer's data, and looking up requests."""

import asyncio
import json
from typing import Any

import grpc
import psycopg
from orders.v1.cart_service_pb2 import AddCartItemRequest
from orders.v1.customer_service_pb2 import (
    AdjustPointsRequest,
    EraseCustomerRequest,
    EraseCustomerResponse,
    ExportCustomerRequest,
    UpsertAddressRequest,
    UpsertCustomerRequest,
)
from orders.v1.customer_service_pb2_grpc import CustomerServiceStub
from orders.v1.order_pb2 import (
    EVENT_VALUES_STATE_ERASED,
    ORDER_EVENT_TYPE_ERASED,
    PAYMENT_EVENT_TYPE_PAID,
    TRACKING_STATUS_IN_TRANSIT,
    Order,
)
from orders.v1.order_service_pb2 import (
    REQUEST_STATE_DONE,
    REQUEST_STATE_UNKNOWN,
    CancelOrderRequest,
    GetInvoiceRequest,
    GetOrderRequest,
    GetRequestRequest,
    ListOrderEventsRequest,
    RecordPaymentRequest,
    RecordTrackingEventRequest,
    UpdateOrderRequest,
)

from tests.conftest import Service, new_order, refused
from tests.server_process import in_own_process
from tests.storage.helpers import disagreements, imported, until, upserts

# Texts that stand nowhere else.
SECRETS = ("Zenobia", "Quixote", "zq@example.com", "+1 555 0199", "Moonlit Alley", "Xanadu", "secret-note")
ADDRESS = {"name": "Zenobia Quixote", "street": "7 Moonlit Alley", "city": "Xanadu", "phone": "+1 555 0199"}
CONTACT = {"name": "Zenobia Quixote", "email": "zq@example.com", "phone": "+1 555 0199"}


async def fill(service: Service, customer_id: str) -> list[Order]:
    """Stores a customer's texts wherever they can be."""
    contact = CONTACT | {"customer_id": customer_id}
    await service.customers.UpsertCustomer(UpsertCustomerRequest(customer=contact, request_id=f"u-{customer_id}"))
    address = UpsertAddressRequest(customer_id=customer_id, address=ADDRESS, request_id=f"a-{customer_id}")
    await service.customers.UpsertAddress(address)
    points = AdjustPointsRequest(customer_id=customer_id, delta=5, reason="secret-note", request_id=f"p-{customer_id}")
    await service.customers.AdjustPoints(points)
    item = {"product_id": "mug", "quantity": 1, "customizations": {"text": "secret-note"}}
    await service.carts.AddCartItem(AddCartItemRequest(customer_id=customer_id, request_id=f"c-{customer_id}", **item))
    order = await service.orders.CreateOrder(
        new_order(
            customer_id=customer_id,
            items=[item],
            shipping_address=ADDRESS,
            special_instructions="secret-note",
            metadata={"note": "secret-note"},
            request_id=f"create-{customer_id}",
        )
    )
    order_id = order.order_id
    changed = Order(order_id=order_id, shipping_address=ADDRESS | {"street": "8 Moonlit Alley"})
    await service.orders.UpdateOrder(UpdateOrderRequest(order=changed, request_id=f"change-{customer_id}"))
    paid = {"event_id": f"paid-{order_id}", "type": PAYMENT_EVENT_TYPE_PAID, "description": "secret-note"}
    await service.orders.RecordPayment(
        RecordPaymentRequest(order_id=order_id, event=paid, request_id=f"pay-{customer_id}")
    )
    seen = {"status": TRACKING_STATUS_IN_TRANSIT, "description": "secret-note", "location": "7 Moonlit Alley"}
    seen = {
        "order_id": order_id,
        "event": seen,
        "carrier": "UPS",
        "tracking_number": "1",
        "request_id": f"seen-{customer_id}",
    }
    await service.orders.RecordTrackingEvent(RecordTrackingEventRequest(**seen))
    cancelled = await service.orders.CreateOrder(new_order(customer_id=customer_id, shipping_address=ADDRESS))
    await service.orders.CancelOrder(CancelOrderRequest(order_id=cancelled.order_id, reason="secret-note"))
    source = imported("1", customer_id, address_text="7 Moonlit Alley")
    other = imported("2", "somebody", address_text="1 Open Road")
    batch = await service.orders.BatchUpsertOrders(
        upserts(f"shop-{customer_id}", source, other, request_id=f"batch-{customer_id}")
    )
    ids = [order_id, cancelled.order_id, batch.results[0].order_id]
    return [await service.orders.GetOrder(GetOrderRequest(order_id=each)) for each in ids]


async def places_of(service: Service, text: str) -> set[str]:
    """The tables in which a text stands, in any column."""
    found = set()
    async with await psycopg.AsyncConnection.connect(service.url, autocommit=True) as connection:
        cursor = await connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema"
        )
        for table, column in await cursor.fetchall():
            rows = await connection.execute(
                f"SELECT 1 FROM {table} WHERE position(%s::text IN encode("
                f"convert_to({column}::text, 'UTF8'), 'escape')) > 0 OR position(%s::text IN {column}::text) > 0 LIMIT 1".encode(),
                [text, text.encode().hex()],
            )
            if await rows.fetchone():
                found.add(table)
    return found


async def erase(service: Service, customer_id: str, **fields: Any) -> EraseCustomerResponse:
    return await service.customers.EraseCustomer(EraseCustomerRequest(customer_id=customer_id, **fields))


async def test_a_customer_is_erased_everywhere_but_in_invoices(service: Service) -> None:
    before = await fill(service, "zenobia")
    invoice = await service.orders.GetInvoice(GetInvoiceRequest(order_id=before[0].order_id))
    refusal = await refused(erase(service, "zenobia"))
    assert refusal.reason == "CUSTOMER_HAS_OPEN_ORDERS"
    assert {"orders", "order_events", "carts", "customers", "idempotency_keys"} <= await places_of(
        service, SECRETS[-1]
    ) | {"customers"}
    erased = await erase(service, "zenobia", include_open_orders=True)
    assert (erased.complete, erased.erased_orders, erased.erased_carts) == (True, 3, 1)
    for secret in SECRETS:
        assert await places_of(service, secret) <= {"documents"}, secret
    assert await service.orders.GetInvoice(GetInvoiceRequest(order_id=before[0].order_id)) == invoice
    assert await places_of(service, "1 Open Road")
    assert await disagreements(service.url) == []
    for order in before:
        events = (await service.orders.ListOrderEvents(ListOrderEventsRequest(order_id=order.order_id))).events
        assert events[-1].type == ORDER_EVENT_TYPE_ERASED
        assert {event.values_state for event in events[:-1]} == {EVENT_VALUES_STATE_ERASED}
        assert events[order.version - 1].hash == order.event_hash
        old = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id, version=1))
        assert (old.customer.name, old.customer.customer_id) == ("[erased]", "zenobia")
    again = await erase(service, "zenobia", include_open_orders=True)
    assert (again.complete, again.erased_orders, again.erased_carts, again.erased_requests) == (True, 0, 0, 0)
    result = (
        await service.orders.BatchUpsertOrders(
            upserts("shop-zenobia", imported("1", "zenobia", address_text="7 Moonlit Alley"))
        )
    ).results[0]
    assert "was erased" in result.status.message


async def test_a_request_that_was_erased_is_answered_again(service: Service) -> None:
    (order, *_) = await fill(service, "zoe")
    await erase(service, "zoe", include_open_orders=True)
    item = {"product_id": "mug", "quantity": 1, "customizations": {"text": "secret-note"}}
    again = await service.orders.CreateOrder(
        new_order(
            customer_id="zoe",
            items=[item],
            shipping_address=ADDRESS,
            special_instructions="secret-note",
            metadata={"note": "secret-note"},
            request_id="create-zoe",
        )
    )
    assert again.order_id == order.order_id


async def test_an_order_that_changes_after_it_was_erased_is_erased_again(service: Service) -> None:
    (order, *_) = await fill(service, "zelda")
    await erase(service, "zelda", include_open_orders=True)
    changed = Order(order_id=order.order_id, metadata={"note": "secret-note"})
    await service.orders.UpdateOrder(UpdateOrderRequest(order=changed))
    assert (await erase(service, "zelda", include_open_orders=True)).erased_orders == 1
    assert await disagreements(service.url) == []


async def test_a_server_killed_half_way_leaves_the_rest_to_a_repeated_call(service: Service) -> None:
    orders = [imported(str(number), "zita", address_text="7 Moonlit Alley") for number in range(400)]
    await service.orders.BatchUpsertOrders(upserts("shop-zita", *orders))
    erased = "SELECT count(*) FROM order_events JOIN orders USING (order_id) WHERE customer_id = 'zita' AND type = %s"

    async def has_begun() -> bool:
        return (await service.rows(erased, ORDER_EVENT_TYPE_ERASED))[0][0] > 0

    async with in_own_process(service.url) as (process, address), grpc.aio.insecure_channel(address) as channel:
        request = EraseCustomerRequest(customer_id="zita", include_open_orders=True)
        call = asyncio.ensure_future(CustomerServiceStub(channel).EraseCustomer(request))
        await until(has_begun)
        process.kill()
        await asyncio.wait([call])
    again = await erase(service, "zita", include_open_orders=True)
    assert again.complete
    assert (await service.rows(erased, ORDER_EVENT_TYPE_ERASED))[0][0] == len(orders)
    assert await places_of(service, "7 Moonlit Alley") <= {"documents"}
    assert await disagreements(service.url) == []


async def test_an_unknown_customer_cannot_be_erased_or_exported(service: Service) -> None:
    assert (await refused(erase(service, "nobody"))).reason == "CUSTOMER_NOT_FOUND"
    call = service.customers.ExportCustomer(ExportCustomerRequest(customer_id="nobody"))
    assert (await refused(call.read())).reason == "CUSTOMER_NOT_FOUND"


async def test_an_export_holds_everything_as_json_lines(service: Service) -> None:
    orders = await fill(service, "zara")
    messages = [
        message async for message in service.customers.ExportCustomer(ExportCustomerRequest(customer_id="zara"))
    ]
    assert [message.complete for message in messages] == [False] * (len(messages) - 1) + [True]
    lines = [json.loads(line) for line in "".join(message.lines for message in messages).splitlines()]
    kinds = [kind for line in lines for kind in line]
    assert {"account", "pointsEntry", "cart", "order", "orderEvent", "invoice"} == set(kinds)
    assert kinds.count("orderEvent") == sum(order.version for order in orders)
    assert {line["order"]["orderId"] for line in lines if "order" in line} == {order.order_id for order in orders}
    text = json.dumps(lines)
    assert all(secret in text for secret in SECRETS)


async def replay(call: Any) -> tuple[Order, dict[str, str]]:
    return await call, dict(await call.trailing_metadata())


async def test_a_replay_is_the_order_as_it_is_now_and_says_what_it_was(service: Service) -> None:
    request = new_order(request_id="looked-up")
    created = await service.orders.CreateOrder(request)
    cancel = CancelOrderRequest(order_id=created.order_id, request_id="cancelled")
    cancelled = await service.orders.CancelOrder(cancel)
    for sent in (service.orders.CreateOrder(request), service.orders.CancelOrder(cancel)):
        order, trailers = await replay(sent)
        assert order == cancelled
        assert trailers["idempotency-replayed"] == "true"
        assert trailers["order-version"] == str(cancelled.version)
    assert trailers["idempotency-first-version"] == "2"
    assert trailers["idempotency-first-answered"] == cancelled.update_time.ToJsonString()


async def test_a_request_can_be_looked_up(service: Service) -> None:
    created = await service.orders.CreateOrder(new_order(request_id="asked"))
    await service.orders.CancelOrder(CancelOrderRequest(order_id=created.order_id, request_id="asked"))
    found = await service.orders.GetRequest(GetRequestRequest(request_id="asked"))
    assert found.state == REQUEST_STATE_DONE
    first, second = found.done
    assert [first.method, second.method] == ["CreateOrder", "CancelOrder"]
    assert first.order_id == created.order_id
    assert (first.order_version, first.current_order_version) == (1, 2)
    assert (second.order_version, second.current_order_version) == (2, 2)
    response = Order()
    assert first.response.Unpack(response)
    assert response == created
    assert first.answer_time == created.update_time
    unknown = await service.orders.GetRequest(GetRequestRequest(request_id="never"))
    assert (unknown.state, len(unknown.done)) == (REQUEST_STATE_UNKNOWN, 0)
