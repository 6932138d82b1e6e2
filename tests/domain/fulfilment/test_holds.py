"""Holds keep an order from being fulfilled."""

from typing import Any

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.error_reason_pb2 import ERROR_REASON_INVALID_TRANSITION, ERROR_REASON_ORDER_ON_HOLD
from orders.v1.fulfilment_service_pb2 import CreateShipmentRequest, HoldOrderRequest, ReleaseHoldRequest
from orders.v1.order_service_pb2 import CancelOrderRequest, RecordTrackingEventRequest
from orders.v1.shipment_pb2 import HOLD_REASON_HIGH_RISK_OF_FRAUD, HOLD_REASON_INCORRECT_ADDRESS, HoldReason

from server.domain.base.state import State
from server.domain.lifecycle.explain import explain_order
from tests.domain.builders import (
    ADMIN,
    CUSTOMER,
    FULFILMENT,
    PAYMENT,
    at,
    batch,
    create,
    history,
    new_state,
    order_in,
    paid,
    refuse,
    run,
    stored,
    transition,
    upsert,
)


def hold(order: pb.Order, reason: HoldReason = HOLD_REASON_INCORRECT_ADDRESS, **more: Any) -> HoldOrderRequest:
    return HoldOrderRequest(order_id=order.order_id, reason=reason, **more)


def release(order: pb.Order, hold_id: str) -> ReleaseHoldRequest:
    return ReleaseHoldRequest(order_id=order.order_id, hold_id=hold_id)


def held(status: pb.OrderStatus = pb.ORDER_STATUS_PROCESSING) -> tuple[State, pb.Order]:
    state = new_state()
    order = order_in(state, status)
    return state, run(state, hold(order, note="no street number"), FULFILMENT)


def test_a_hold_tells_why_since_when_and_by_whom() -> None:
    state, order = held()
    (placed,) = order.holds
    assert (placed.reason, placed.note, placed.actor) == (HOLD_REASON_INCORRECT_ADDRESS, "no street number", "fay")
    assert placed.create_time == at(0)
    event = history(state, order)[-1]
    assert (event.type, event.hold_id) == (pb.ORDER_EVENT_TYPE_HOLD_PLACED, placed.hold_id)


@pytest.mark.parametrize(
    "request_of",
    [
        lambda order: transition(order, pb.ORDER_STATUS_SHIPPED, carrier="A", tracking_number="1"),
        lambda order: CreateShipmentRequest(
            order_id=order.order_id,
            shipment={"status": 2, "parcels": [{"carrier": "A", "tracking_number": "1"}]},
        ),
        lambda order: RecordTrackingEventRequest(
            order_id=order.order_id,
            event={"status": pb.TRACKING_STATUS_SHIPPED},
            carrier="A",
            tracking_number="1",
        ),
    ],
    ids=["transition", "shipment", "report"],
)
def test_a_held_order_does_not_ship(request_of: Any) -> None:
    state, order = held()
    error = refuse(state, request_of(order))
    assert (error.reason, error.metadata["holds"]) == ("ORDER_ON_HOLD", "INCORRECT_ADDRESS")
    run(state, release(order, order.holds[0].hold_id))
    run(state, request_of(order))
    assert stored(state, order).status == pb.ORDER_STATUS_SHIPPED


def test_a_held_order_is_packed_but_not_started() -> None:
    state, order = held(pb.ORDER_STATUS_CONFIRMED)
    assert refuse(state, transition(order, pb.ORDER_STATUS_PROCESSING)).reason == "ORDER_ON_HOLD"
    assert refuse(state, CreateShipmentRequest(order_id=order.order_id)).reason == "ORDER_ON_HOLD"
    state, order = held()
    assert run(state, CreateShipmentRequest(order_id=order.order_id)).shipments


def test_an_order_has_several_holds_and_each_is_released() -> None:
    state, order = held()
    twice = run(state, hold(order, HOLD_REASON_HIGH_RISK_OF_FRAUD), PAYMENT)
    first, second = (each.hold_id for each in twice.holds)
    after = run(state, release(order, first))
    assert [each.hold_id for each in after.holds] == [second]
    error = refuse(state, release(order, first))
    assert (error.reason, error.metadata["hold_id"]) == ("HOLD_NOT_FOUND", first)


def test_a_payment_confirms_a_held_order() -> None:
    state = new_state()
    order = run(state, create())
    run(state, hold(order))
    assert run(state, paid(order)).status == pb.ORDER_STATUS_CONFIRMED


def test_a_held_order_can_be_cancelled_which_ends_its_holds() -> None:
    state, order = held()
    assert not run(state, CancelOrderRequest(order_id=order.order_id)).holds


@pytest.mark.parametrize("status", [pb.ORDER_STATUS_SHIPPED, pb.ORDER_STATUS_DELIVERED, pb.ORDER_STATUS_CANCELLED])
def test_nothing_is_left_to_hold(status: pb.OrderStatus) -> None:
    state = new_state()
    order = order_in(state, status)
    assert refuse(state, hold(order)).reason in ("INVALID_TRANSITION", "ORDER_ALREADY_CANCELLED")


def test_customers_place_no_holds() -> None:
    state, order = held()
    assert refuse(state, hold(order), CUSTOMER).reason == "ORDER_ACCESS_DENIED"
    assert refuse(state, release(order, order.holds[0].hold_id), CUSTOMER).reason == "ORDER_ACCESS_DENIED"


def test_every_guard_in_the_way_is_explained() -> None:
    state = new_state()
    order = run(state, create())
    order = run(state, hold(order))
    confirm = next(each for each in explain_order(order, ADMIN).transitions if each.to == pb.ORDER_STATUS_CONFIRMED)
    assert [(each.guard, each.reason) for each in confirm.blockers] == [
        ("paid", ERROR_REASON_INVALID_TRANSITION),
        ("not_held", ERROR_REASON_ORDER_ON_HOLD),
    ]
    assert (confirm.blocked_by, confirm.explanation) == (confirm.blockers[0].reason, confirm.blockers[0].explanation)


def test_a_source_does_not_advance_what_is_held_here() -> None:
    state = new_state()
    run(state, batch(upsert(status=pb.ORDER_STATUS_CONFIRMED)))
    (order,) = state.orders.values()
    run(state, hold(order))
    (result,) = run(state, batch(upsert(status=pb.ORDER_STATUS_SHIPPED))).results
    assert "ORDER_ON_HOLD" in str(result.status)
    assert stored(state, order).status == pb.ORDER_STATUS_CONFIRMED
