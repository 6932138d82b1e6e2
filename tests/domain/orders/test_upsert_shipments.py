"""Shipments of imported orders: units, statuses and repeats."""

from typing import Any

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.order_service_pb2 import UPSERT_OUTCOME_UNCHANGED, UpsertOrder, UpsertOrderItem, UpsertResult
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_CANCELLED,
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_PENDING,
    SHIPMENT_STATUS_SHIPPED,
)

from server.domain.base.state import State
from server.storage.verification.fulfilment import fulfilment_problems
from tests.domain.builders import batch, fields_of, money, new_state, run, upsert, upsert_line

LABEL = {"carrier": "Aramex", "tracking_number": "A1"}


def sent(*shipments: dict[str, Any], status: int = pb.ORDER_STATUS_PROCESSING, **more: Any) -> UpsertOrder:
    """An order of three units of one line and one of another."""
    lines = [upsert_line("a", 3), upsert_line("b", 1)]
    return upsert(status=status, shipments=shipments, **{"items": lines} | more)


def units(*pairs: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"item_id": item_id, "quantity": quantity} for item_id, quantity in pairs]


def put(state: State, wished: UpsertOrder) -> tuple[UpsertResult, pb.Order]:
    (result,) = run(state, batch(wished)).results
    order = next(iter(state.orders.values()), pb.Order())
    assert list(fulfilment_problems(order)) == []
    return result, order


def test_a_part_that_the_source_has_shipped_is_counted() -> None:
    part = {"items": units(("1", 2)), "status": SHIPMENT_STATUS_SHIPPED, "parcels": [LABEL]}
    _, order = put(new_state(), sent(part))
    assert [item.shipped_quantity for item in order.items] == [2, 0]
    assert (order.status, order.shipping_status) == (
        pb.ORDER_STATUS_PROCESSING,
        pb.SHIPPING_STATUS_PARTIALLY_SHIPPED,
    )
    assert order.delivery.carrier == "Aramex"


def test_the_same_again_changes_nothing() -> None:
    state = new_state()
    part = {"items": units(("1", 2)), "status": SHIPMENT_STATUS_SHIPPED, "parcels": [LABEL]}
    _, order = put(state, sent(part))
    version = order.version
    result, again = put(state, sent(part, metadata={}))
    assert (result.outcome, again.version) == (UPSERT_OUTCOME_UNCHANGED, version)


def test_everything_delivered_delivers_the_order() -> None:
    whole = {"items": units(("1", 3), ("2", 1)), "status": SHIPMENT_STATUS_DELIVERED, "parcels": [LABEL]}
    _, order = put(new_state(), sent(whole))
    assert (order.status, order.shipping_status) == (pb.ORDER_STATUS_DELIVERED, pb.SHIPPING_STATUS_DELIVERED)


@pytest.mark.parametrize("status", [pb.ORDER_STATUS_SHIPPED, pb.ORDER_STATUS_DELIVERED])
def test_the_status_of_the_order_ships_the_rest(status: int) -> None:
    part = {"items": units(("1", 2)), "status": SHIPMENT_STATUS_SHIPPED, "parcels": [LABEL]}
    _, order = put(new_state(), sent(part, status=status))
    assert order.status == status
    assert [item.shipped_quantity for item in order.items] == [3, 1]


def test_a_shipment_does_not_go_back() -> None:
    state = new_state()
    part = {"shipment_id": "x", "items": units(("1", 2)), "status": SHIPMENT_STATUS_SHIPPED, "parcels": [LABEL]}
    put(state, sent(part))
    _, order = put(state, sent(part | {"status": SHIPMENT_STATUS_PENDING}))
    assert order.shipments[0].status == SHIPMENT_STATUS_SHIPPED


def test_a_pending_shipment_is_replaced_and_ships() -> None:
    state = new_state()
    put(state, sent({"items": units(("1", 2))}))
    part = {"items": units(("1", 3)), "status": SHIPMENT_STATUS_SHIPPED, "parcels": [LABEL]}
    _, order = put(state, sent(part))
    assert [item.packed_quantity for item in order.items] == [3, 0]


def test_items_are_named_by_their_ids() -> None:
    lines = [UpsertOrderItem(sku="a", quantity=1, unit_price=money("1"), item_id="L7")]
    _, order = put(new_state(), sent({"items": units(("L7", 1))}, items=lines))
    assert order.shipments[0].items[0].item_id == order.items[0].item_id == "1"


def test_an_uneven_price_spreads_units_over_both_lines() -> None:
    lines = [UpsertOrderItem(sku="a", quantity=3, total_price=money("10"))]
    _, order = put(new_state(), sent({"items": units(("1", 3))}, items=lines))
    assert [item.packed_quantity for item in order.items] == [item.quantity for item in order.items]
    assert len(order.items) == 2


def test_a_cancelled_shipment_takes_no_units() -> None:
    torn = {"items": units(("1", 3), ("9", 1)), "status": SHIPMENT_STATUS_CANCELLED}
    _, order = put(new_state(), sent(torn, {"items": units(("1", 3))}))
    assert [item.packed_quantity for item in order.items] == [3, 0]


@pytest.mark.parametrize(
    ("shipments", "field"),
    [
        ([{"items": units(("9", 1))}], "orders[0].shipments[0].items[0].item_id"),
        ([{"items": units(("1", 4))}], "orders[0].shipments[0].items[0].quantity"),
        ([{"items": units(("1", 2))}, {"items": units(("1", 2))}], "orders[0].shipments[1].items[0].quantity"),
        ([{}], "orders[0].shipments[0].items"),
        (
            [{"items": units(("1", 1)), "shipment_id": "2"}, {"items": units(("2", 1))}],
            "orders[0].shipments[1].shipment_id",
        ),
        ([{"items": units(("1", 2)), "parcels": [{"items": units(("1", 1))}]}], "orders[0].shipments[0].parcels"),
    ],
)
def test_units_that_do_not_fit_are_refused_by_name(shipments: Any, field: str) -> None:
    result, _ = put(new_state(), sent(*shipments))
    assert fields_of(result.status) == [field]


def test_lines_keep_the_units_that_are_in_shipments() -> None:
    state = new_state()
    put(state, sent({"items": units(("1", 3))}))
    result, _ = put(state, sent(items=[upsert_line("a", 2)]))
    assert fields_of(result.status) == ["orders[0].items"]


def test_more_units_of_a_shipped_order_have_shipped() -> None:
    state = new_state()
    put(state, sent({"items": units(("1", 3), ("2", 1)), "status": SHIPMENT_STATUS_SHIPPED}))
    more = [upsert_line("a", 5), upsert_line("b", 1)]
    _, order = put(state, sent(items=more, status=pb.ORDER_STATUS_SHIPPED))
    assert [item.shipped_quantity for item in order.items] == [5, 1]


def test_a_source_cannot_cancel_what_has_left() -> None:
    state = new_state()
    put(state, sent({"items": units(("1", 1)), "status": SHIPMENT_STATUS_SHIPPED}))
    result, order = put(state, sent(status=pb.ORDER_STATUS_CANCELLED))
    assert "ORDER_NOT_CANCELLABLE" in str(result.status)
    assert order.status == pb.ORDER_STATUS_PROCESSING


def test_a_source_that_cancels_cancels_what_is_waiting() -> None:
    state = new_state()
    put(state, sent({"items": units(("1", 1))}))
    _, order = put(state, sent(status=pb.ORDER_STATUS_CANCELLED))
    assert order.shipments[0].status == SHIPMENT_STATUS_CANCELLED
