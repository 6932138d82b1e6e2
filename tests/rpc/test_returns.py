"""Returns: from the request to the refund, and never more than was delivered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1 import order_return_pb2 as returns
from orders.v1 import order_service_pb2 as orders
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub

from server.storage.verification.returns import return_problems
from tests.conftest import Service, new_order, refused, serving, stock_shop, usd
from tests.storage.helpers import disagreements

RESTOCK, INSPECT = returns.RETURN_DISPOSITION_RESTOCK, returns.RETURN_DISPOSITION_INSPECT
DAMAGED, MISSING = returns.RETURN_DISPOSITION_DAMAGED, returns.RETURN_DISPOSITION_MISSING


class Desk:
    """The returns desk of a server."""

    def __init__(self, service: Service) -> None:
        self.service, self.stub = service, FulfilmentServiceStub(service.channel)

    async def delivered(self, *, quantity: int = 4, paid: bool = True) -> pb.Order:
        """An order of mugs at 12.50 USD that has arrived."""
        order = await self.service.orders.CreateOrder(new_order(quantity=quantity))
        if paid:
            event = {"event_id": order.order_id, "type": pb.PAYMENT_EVENT_TYPE_PAID}
            await self.service.orders.RecordPayment(orders.RecordPaymentRequest(order_id=order.order_id, event=event))
        else:
            await self.move(order, pb.ORDER_STATUS_CONFIRMED, override_reason="pays at the door")
        await self.move(order, pb.ORDER_STATUS_SHIPPED, carrier="DHL", tracking_number="1Z")
        return await self.move(order, pb.ORDER_STATUS_DELIVERED)

    async def move(self, order: pb.Order, status: pb.OrderStatus, **fields: Any) -> pb.Order:
        request = orders.TransitionOrderRequest(order_id=order.order_id, status=status, **fields)
        return await self.service.orders.TransitionOrder(request)

    async def request(self, order: pb.Order, quantity: int = 0, **fields: Any) -> pb.Order:
        items = [{"item_id": "1", "quantity": quantity}] if quantity else []
        return await self.stub.RequestReturn(
            returns.RequestReturnRequest(order_id=order.order_id, items=items, **fields)
        )

    async def decide(
        self, order: pb.Order, decision: Any = returns.RETURN_DECISION_APPROVE, return_id: str = "1", **fields: Any
    ) -> pb.Order:
        return await self.stub.DecideReturn(
            returns.DecideReturnRequest(order_id=order.order_id, return_id=return_id, decision=decision, **fields)
        )

    async def receive(self, order: pb.Order, return_id: str = "1", **fields: Any) -> pb.Order:
        """`items` and `inspected` are pairs of a number and a disposition."""
        units = {
            name: [{"item_id": "1", "quantity": count, "disposition": disposition} for count, disposition in pairs]
            for name, pairs in fields.items()
        }
        return await self.stub.ReceiveReturn(
            returns.ReceiveReturnRequest(order_id=order.order_id, return_id=return_id, **units)
        )

    async def close(self, order: pb.Order, return_id: str = "1", **fields: Any) -> pb.Order:
        return await self.stub.CloseReturn(
            returns.CloseReturnRequest(order_id=order.order_id, return_id=return_id, **fields)
        )

    async def approved(self, quantity: int = 2) -> pb.Order:
        order = await self.delivered()
        await self.request(order, quantity)
        return await self.decide(order)

    async def free(self) -> int:
        return await self.service.stock("mug")


@pytest.fixture
async def desk(service: Service) -> Desk:
    return Desk(service)


def counters(order: pb.Order) -> tuple[int, int, int]:
    (item,) = order.items
    return item.return_requested_quantity, item.returned_quantity, item.restocked_quantity


async def test_returned_units_are_restocked_and_refunded(desk: Desk) -> None:
    order = await desk.approved(quantity=3)
    before = await desk.free()
    received = await desk.receive(order, items=[(1, RESTOCK), (1, DAMAGED)])
    assert counters(received) == (1, 2, 1)
    assert received.shipping_status == pb.SHIPPING_STATUS_PARTIALLY_RETURNED
    assert await desk.free() == before + 1
    assert received.refunds == []
    closed = await desk.close(order)
    (refund,) = closed.refunds
    assert (refund.amount, refund.lines[0].quantity) == (usd(25), 2)
    assert list(closed.returns[0].refund_ids) == [refund.refund_id]
    assert counters(closed) == (0, 2, 1)
    assert await desk.close(order) == closed


async def test_inspected_units_can_be_restocked_later(desk: Desk) -> None:
    order = await desk.approved(quantity=2)
    before = await desk.free()
    received = await desk.receive(order, items=[(2, INSPECT)])
    assert received.returns[0].status == returns.RETURN_STATUS_RECEIVED
    assert await desk.free() == before
    await desk.close(order, no_refund=True)
    inspected = await desk.receive(order, inspected=[(1, RESTOCK), (1, DAMAGED)])
    assert counters(inspected) == (0, 2, 1)
    assert await desk.free() == before + 1
    assert (await refused(desk.receive(order, inspected=[(1, RESTOCK)]))).reason == "LINE_QUANTITY_EXCEEDED"


async def test_missing_units_are_not_refunded(desk: Desk) -> None:
    order = await desk.approved(quantity=2)
    received = await desk.receive(order, items=[(1, MISSING), (1, RESTOCK)])
    assert counters(received) == (0, 1, 1)
    closed = await desk.close(order)
    assert [refund.amount for refund in closed.refunds] == [usd(12, 50)]
    # The customer still has it, and can send it later.
    assert counters(await desk.request(order, 3)) == (3, 1, 1)


async def test_staff_can_change_the_amount(desk: Desk) -> None:
    order = await desk.approved(quantity=2)
    await desk.receive(order, items=[(2, RESTOCK)])
    closed = await desk.close(order, refund_amount=usd(20), reason="less a fee")
    (refund,) = closed.refunds
    assert (refund.amount, refund.reason, refund.lines[0].item_id) == (usd(20), "less a fee", "1")
    other = await desk.approved(quantity=1)
    too_much = await refused(desk.close(other, refund_amount=usd(51)))
    assert too_much.reason == "REFUND_EXCEEDS_PAYMENT"
    assert "refund_amount" in (await refused(desk.close(other, refund_amount=usd(1), no_refund=True))).fields
    more = await desk.close(other, refund_amount=usd(30))
    assert [each.amount for each in more.refunds] == [usd(30)]


async def test_nothing_is_refunded_twice(desk: Desk) -> None:
    order = await desk.delivered()
    first = orders.RefundOrderRequest(order_id=order.order_id, items=[{"item_id": "1", "quantity": 3}])
    await desk.service.orders.RefundOrder(first)
    await desk.request(order, 4)
    await desk.decide(order)
    await desk.receive(order, items=[(4, RESTOCK)])
    closed = await desk.close(order)
    assert [refund.amount for refund in closed.refunds] == [usd(37, 50), usd(12, 50)]


async def test_an_unpaid_order_is_closed_without_refund(desk: Desk) -> None:
    order = await desk.delivered(paid=False)
    await desk.request(order, 1)
    await desk.decide(order)
    await desk.receive(order, items=[(1, RESTOCK)])
    assert (await refused(desk.close(order))).reason == "REFUND_EXCEEDS_PAYMENT"
    assert (await desk.close(order, no_refund=True)).returns[0].status == returns.RETURN_STATUS_CLOSED


async def test_a_declined_return_frees_its_units(desk: Desk) -> None:
    order = await desk.delivered(quantity=1)
    await desk.request(order, 1)
    declined = await desk.decide(order, returns.RETURN_DECISION_DECLINE, reason="it was used")
    assert counters(declined) == (0, 0, 0)
    assert await desk.decide(order, returns.RETURN_DECISION_DECLINE) == declined
    for call in (desk.decide(order), desk.receive(order, items=[(1, RESTOCK)]), desk.close(order)):
        assert (await refused(call)).reason == "RETURN_NOT_CHANGEABLE"
    assert (await desk.request(order)).returns[1].items[0].quantity == 1


async def test_an_order_that_has_not_arrived_cannot_be_returned(desk: Desk) -> None:
    order = await desk.service.orders.CreateOrder(new_order())
    assert (await refused(desk.request(order))).reason == "LINE_QUANTITY_EXCEEDED"


async def test_unknown_returns_and_lines_are_named(desk: Desk) -> None:
    order = await desk.approved()
    assert (await refused(desk.decide(order, return_id="9"))).metadata["return_id"] == "9"
    wrong = returns.RequestReturnRequest(order_id=order.order_id, items=[{"item_id": "7", "quantity": 1}])
    assert "items[0].item_id" in (await refused(desk.stub.RequestReturn(wrong))).fields
    assert "items" in (await refused(desk.receive(order))).fields


async def test_each_step_is_in_the_history(desk: Desk) -> None:
    order = await desk.approved(quantity=1)
    await desk.receive(order, items=[(1, RESTOCK)])
    await desk.close(order)
    listed = await desk.service.orders.ListOrderEvents(orders.ListOrderEventsRequest(order_id=order.order_id))
    about = [pb.OrderEventType.Name(event.type) for event in listed.events if event.return_id == "1"]
    expected = ["REQUESTED", "APPROVED", "RECEIVED", "CLOSED"]
    assert about == [f"ORDER_EVENT_TYPE_RETURN_{name}" for name in expected]


async def test_racing_returns_never_exceed_what_was_delivered(desk: Desk) -> None:
    order = await desk.delivered(quantity=3)
    found = await asyncio.gather(*(desk.request(order, 1) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(each, pb.Order) for each in found) == 3
    now = await desk.service.orders.GetOrder(orders.GetOrderRequest(order_id=order.order_id))
    assert counters(now) == (3, 0, 0)


def rating(order: pb.Order, stars: int, **fields: Any) -> returns.RateItemRequest:
    return returns.RateItemRequest(order_id=order.order_id, item_id="1", stars=stars, **fields)


async def test_a_delivered_line_has_one_rating_that_can_change(desk: Desk) -> None:
    order = await desk.delivered()
    await desk.stub.RateItem(rating(order, 2, comment="chipped"))
    rated = await desk.stub.RateItem(rating(order, 5, comment="replaced at once"))
    assert (rated.items[0].rating.stars, rated.items[0].rating.comment) == (5, "replaced at once")
    assert await desk.stub.RateItem(rating(order, 5, comment="replaced at once")) == rated
    listed = await desk.service.orders.ListOrderEvents(orders.ListOrderEventsRequest(order_id=order.order_id))
    assert [event.type for event in listed.events].count(pb.ORDER_EVENT_TYPE_ITEM_RATED) == 2


async def test_only_delivered_lines_are_rated(desk: Desk) -> None:
    order = await desk.service.orders.CreateOrder(new_order())
    assert (await refused(desk.stub.RateItem(rating(order, 5)))).reason == "ITEM_NOT_DELIVERED"
    unknown = returns.RateItemRequest(order_id=order.order_id, item_id="9", stars=5)
    assert "item_id" in (await refused(desk.stub.RateItem(unknown))).fields


@pytest.fixture
async def alone(new_database: Callable[[], str]) -> AsyncIterator[Desk]:
    async with serving(new_database()) as service:
        await stock_shop(service)
        yield Desk(service)


async def test_a_shop_with_returns_is_consistent(alone: Desk) -> None:
    order = await alone.approved(quantity=3)
    await alone.receive(order, items=[(1, RESTOCK), (1, INSPECT), (1, MISSING)])
    await alone.close(order)
    order = await alone.request(order, 1)
    assert await disagreements(alone.service.url) == []
    assert return_problems(order) == []
    order.items[0].returned_quantity = 4
    del order.refunds[:]
    assert return_problems(order) == [
        "line 1 has returned_quantity 4, its returns say 2",
        "line 1 has more units in returns than were delivered",
        "return 1 names refund 1, which does not exist",
    ]


async def test_a_return_that_is_closed_twice_at_once_has_one_exchange(desk: Desk) -> None:
    order = await desk.approved(quantity=1)
    await desk.receive(order, items=[(1, RESTOCK)])
    before = await desk.free()
    items = [{"product_id": "mug", "quantity": 1}]
    closed = await asyncio.gather(*(desk.close(order, exchange_items=items) for _ in range(4)))
    assert len({each.returns[0].exchange_order_id for each in closed}) == 1
    assert await desk.free() == before - 1
    assert await disagreements(desk.service.url) == []


async def test_units_of_imported_orders_come_back(desk: Desk) -> None:
    sent = {
        "external_order_id": "I-1",
        "items": [{"sku": "lamp", "quantity": 2, "unit_price": usd(5)}],
        "status": pb.ORDER_STATUS_DELIVERED,
    }
    batch = orders.BatchUpsertOrdersRequest(source="elsewhere", orders=[sent])
    await desk.service.orders.BatchUpsertOrders(batch)
    found = orders.OrderFilter(source="elsewhere")
    page = await desk.service.orders.SearchOrders(orders.SearchOrdersRequest(filter=found))
    (order,) = page.orders
    await desk.request(order, 1)
    await desk.decide(order)
    received = await desk.receive(order, items=[(1, DAMAGED)])
    assert counters(received) == (0, 1, 0)
    # The source sends other values; what came back remains.
    batch.orders[0].referral_code = "R"
    await desk.service.orders.BatchUpsertOrders(batch)
    again = await desk.service.orders.GetOrder(orders.GetOrderRequest(order_id=order.order_id))
    assert (counters(again), again.referral_code) == ((0, 1, 0), "R")
    assert await disagreements(desk.service.url) == []
