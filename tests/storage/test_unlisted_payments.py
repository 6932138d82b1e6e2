"""Orders that the previous version stored, with sums but without a list of payments."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.order_service_pb2 import CancelOrderRequest, RecordPaymentRequest, RefundOrderRequest

from server.domain.base.hash_chain import START, hash_of, seal
from tests.conftest import new_order, usd
from tests.storage.helpers import Store, disagreements, storing


@pytest.fixture
async def store(new_database: Callable[[], str]) -> AsyncIterator[Store]:
    async with storing(new_database()) as store:
        yield store


async def tell(store: Store, order: pb.Order, kind: str, **event: Any) -> pb.Order:
    given = {"event_id": f"{kind}-{order.order_id}", "type": f"PAYMENT_EVENT_TYPE_{kind}"} | event
    answer = await store.execute(RecordPaymentRequest(order_id=order.order_id, event=given))
    return pb.Order.FromString(answer.body)


async def store_as_before(store: Store, order: pb.Order) -> None:
    """Takes from the stored order everything that the previous version did not know."""
    old = pb.Order()
    old.CopyFrom(order)
    old.ClearField("payments")
    for name in ("voided_amount", "disputed_amount", "refund_due_amount"):
        old.payment.ClearField(name)
    for refund in old.refunds:
        refund.ClearField("payment_id")
        refund.ClearField("provider_refund_id")
    old.event_hash = await store_events_as_before(store, order)
    snapshot = old.SerializeToString(deterministic=True)
    await store.rows("UPDATE orders SET snapshot = %s WHERE order_id = %s RETURNING 1", snapshot, order.order_id)


async def store_events_as_before(store: Store, order: pb.Order) -> bytes:
    """Stores the order's events without values, in a chain of their own; returns the last hash."""
    query = "SELECT version, event || coalesce(event_values, '') FROM order_events WHERE order_id = %s ORDER BY version"
    write = (
        "UPDATE order_events SET event = %s, event_values = NULL, salt = NULL"
        " WHERE order_id = %s AND version = %s RETURNING 1"
    )
    last = START
    for version, stored in await store.rows(query, order.order_id):
        event = pb.OrderEvent.FromString(stored)
        for name in ("before", "after", "values_digest", "hash"):
            event.ClearField(name)
        sealed = seal(event.SerializeToString(deterministic=True), last)
        await store.rows(write, sealed, order.order_id, version)
        last = hash_of(sealed)
    return last


async def test_the_next_event_lists_the_payments_of_all_events(store: Store) -> None:
    order = await store.order(new_order())
    await tell(store, order, "PAID", amount=usd(12))
    refunded = await tell(store, order, "REFUNDED", amount=usd(4))
    await store_as_before(store, refunded)
    assert await disagreements(store.url) == []
    listed = await tell(store, order, "AUTHORIZED", provider="adyen", amount=usd(5))
    assert [payment.payment_id for payment in listed.payments] == ["external", "adyen"]
    assert [(one.payment_id, one.amount, one.status) for one in listed.refunds] == [
        ("external", usd(4), pb.REFUND_STATUS_SUCCEEDED)
    ]
    assert (listed.payment.refunded_amount, listed.payment.authorized_amount) == (usd(4), usd(5))
    assert await disagreements(store.url) == []


async def test_a_refund_of_an_unlisted_payment_finds_it(store: Store) -> None:
    order = await store.order(new_order())
    paid = await tell(store, order, "PAID", provider="paypal")
    await store_as_before(store, paid)
    answer = await store.execute(RefundOrderRequest(order_id=order.order_id, amount=usd(5)))
    asked = pb.Order.FromString(answer.body)
    assert [(one.payment_id, one.amount) for one in asked.refunds] == [("paypal", usd(5))]
    done = await tell(store, order, "REFUNDED", provider="paypal", refund_id="1")
    assert (done.refunds[0].status, done.payment.refunded_amount) == (pb.REFUND_STATUS_SUCCEEDED, usd(5))
    assert await disagreements(store.url) == []


async def test_a_cancelled_order_with_unlisted_payments_is_due_for_refund(store: Store) -> None:
    order = await store.order(new_order())
    await store_as_before(store, await tell(store, order, "PAID"))
    answer = await store.execute(CancelOrderRequest(order_id=order.order_id))
    cancelled = pb.Order.FromString(answer.body)
    assert cancelled.payment_status == pb.PAYMENT_STATUS_REFUND_DUE
    assert cancelled.payment.refund_due_amount == cancelled.pricing.total
    assert await disagreements(store.url) == []
