"""Shipping and cancelling the same units at the same time, on two replicas."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.fulfilment_service_pb2 import (
    CancelShipmentRequest,
    CreateShipmentRequest,
    HoldOrderRequest,
    UpdateShipmentRequest,
)
from orders.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub
from orders.v1.order_service_pb2 import (
    CancelOrderLinesRequest,
    CancelOrderRequest,
    GetOrderRequest,
    RecordPaymentRequest,
    TransitionOrderRequest,
)
from orders.v1.shipment_pb2 import HOLD_REASON_OTHER, SHIPMENT_STATUS_CANCELLED, SHIPMENT_STATUS_SHIPPED

from tests.conftest import PRODUCTS, RefusedCall, Service, refusal_of, serving
from tests.shop import new_order
from tests.storage.helpers import disagreements

ROUNDS = 12
LABEL = {"carrier": "Aramex", "tracking_number": "A1"}


@pytest.fixture(scope="module")
async def replicas(new_database: Callable[[], str]) -> AsyncIterator[tuple[Service, Service]]:
    """Two servers on one database."""
    url = new_database()
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(serving(url)) for _ in range(2)]
        await one.catalog.BatchUpsertProducts(BatchUpsertProductsRequest(products=PRODUCTS))
        yield one, other


@pytest.fixture(autouse=True)
async def everything_agrees(replicas: tuple[Service, Service]) -> AsyncIterator[None]:
    yield
    assert await disagreements(replicas[0].url) == []


async def paid_order(service: Service, quantity: int = 2) -> pb.Order:
    """A confirmed order of some mugs and one lamp."""
    mugs = {"product_id": "mug", "quantity": quantity}
    made = await service.orders.CreateOrder(new_order("racer", product_id="lamp", items=[mugs]))
    event = {"event_id": f"paid-{made.order_id}", "type": pb.PAYMENT_EVENT_TYPE_PAID}
    order: pb.Order = await service.orders.RecordPayment(RecordPaymentRequest(order_id=made.order_id, event=event))
    return order


def fulfilment(service: Service) -> Any:
    return FulfilmentServiceStub(service.channel)


async def race(*calls: Awaitable[Any]) -> list[Any]:
    async def attempt(call: Awaitable[Any]) -> Any:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            return refusal_of(error)

    return list(await asyncio.gather(*map(attempt, calls)))


def reasons(outcomes: list[Any]) -> list[str]:
    return [outcome.reason for outcome in outcomes if isinstance(outcome, RefusedCall)]


async def read(service: Service, order: pb.Order) -> pb.Order:
    found: pb.Order = await service.orders.GetOrder(GetOrderRequest(order_id=order.order_id))
    return found


async def test_the_last_unit_is_shipped_or_cancelled_but_not_both(replicas: tuple[Service, Service]) -> None:
    one, other = replicas
    for _ in range(ROUNDS):
        order = await paid_order(one, quantity=1)
        units = [{"item_id": "1", "quantity": 1}]
        shipment = {"items": units, "parcels": [LABEL], "status": SHIPMENT_STATUS_SHIPPED}
        outcomes = await race(
            fulfilment(one).CreateShipment(CreateShipmentRequest(order_id=order.order_id, shipment=shipment)),
            other.orders.CancelOrderLines(CancelOrderLinesRequest(order_id=order.order_id, items=units)),
        )
        assert reasons(outcomes) in (["LINE_QUANTITY_EXCEEDED"], ["INVALID_ORDER_DATA"])
        mugs = [item for item in (await read(one, order)).items if item.product_id == "mug"]
        assert not mugs or (mugs[0].shipped_quantity, mugs[0].cancelled_quantity) == (1, 0)


async def test_ten_packers_share_a_line_without_packing_a_unit_twice(replicas: tuple[Service, Service]) -> None:
    order = await paid_order(replicas[0], quantity=6)
    units = [{"item_id": "1", "quantity": 1}]
    request = CreateShipmentRequest(order_id=order.order_id, shipment={"items": units})
    outcomes = await race(*(fulfilment(replicas[number % 2]).CreateShipment(request) for number in range(10)))
    assert reasons(outcomes) == ["LINE_QUANTITY_EXCEEDED"] * 4
    after = await read(replicas[1], order)
    assert (len(after.shipments), after.items[0].packed_quantity) == (6, 6)


async def test_a_shipment_leaves_or_is_cancelled(replicas: tuple[Service, Service]) -> None:
    one, other = replicas
    for _ in range(ROUNDS):
        order = await paid_order(one)
        await fulfilment(one).CreateShipment(
            CreateShipmentRequest(order_id=order.order_id, shipment={"shipment_id": "box", "parcels": [LABEL]})
        )
        leaving = {"shipment_id": "box", "status": SHIPMENT_STATUS_SHIPPED}
        outcomes = await race(
            fulfilment(one).UpdateShipment(UpdateShipmentRequest(order_id=order.order_id, shipment=leaving)),
            fulfilment(other).CancelShipment(CancelShipmentRequest(order_id=order.order_id, shipment_id="box")),
        )
        assert reasons(outcomes) == ["SHIPMENT_NOT_CHANGEABLE"]
        after = await read(one, order)
        cancelled = after.shipments[0].status == SHIPMENT_STATUS_CANCELLED
        assert after.status == (pb.ORDER_STATUS_PROCESSING if cancelled else pb.ORDER_STATUS_SHIPPED)


async def test_an_order_ships_or_is_cancelled_whole(replicas: tuple[Service, Service]) -> None:
    one, other = replicas
    for _ in range(ROUNDS):
        order = await paid_order(one)
        outcomes = await race(
            one.orders.TransitionOrder(
                TransitionOrderRequest(order_id=order.order_id, status=pb.ORDER_STATUS_SHIPPED, **LABEL)
            ),
            other.orders.CancelOrder(CancelOrderRequest(order_id=order.order_id)),
        )
        assert reasons(outcomes) in (["ORDER_NOT_CANCELLABLE"], ["ORDER_ALREADY_CANCELLED"])


async def test_a_hold_stops_an_order_that_has_not_left(replicas: tuple[Service, Service]) -> None:
    one, other = replicas
    for _ in range(ROUNDS):
        order = await paid_order(one)
        outcomes = await race(
            one.orders.TransitionOrder(
                TransitionOrderRequest(order_id=order.order_id, status=pb.ORDER_STATUS_SHIPPED, **LABEL)
            ),
            fulfilment(other).HoldOrder(HoldOrderRequest(order_id=order.order_id, reason=HOLD_REASON_OTHER)),
        )
        assert reasons(outcomes) in (["ORDER_ON_HOLD"], ["INVALID_TRANSITION"])
        after = await read(one, order)
        assert bool(after.holds) == (after.status != pb.ORDER_STATUS_SHIPPED)
