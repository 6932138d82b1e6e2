"""Shipments: their units, the counters of the lines, and the order's statuses that follow."""

from typing import Any

import pytest
from orders.v1 import order_pb2 as pb
from orders.v1.fulfilment_service_pb2 import CancelShipmentRequest, CreateShipmentRequest, UpdateShipmentRequest
from orders.v1.order_service_pb2 import CancelOrderLinesRequest, CancelOrderRequest, RecordTrackingEventRequest
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_CANCELLED,
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_PENDING,
    SHIPMENT_STATUS_SHIPPED,
    Shipment,
)

from server.domain.base.state import State
from server.domain.fulfilment.packing_slips import packing_slip
from server.storage.verification.fulfilment import fulfilment_problems
from server.views.packing_slip import as_html
from tests.domain.builders import (
    ADMIN,
    CUSTOMER,
    FULFILMENT,
    PAYMENT,
    batch,
    fields_of,
    history,
    line,
    new_state,
    order_in,
    product,
    refuse,
    run,
    stored,
    transition,
    update,
    upsert,
)

LABEL = {"carrier": "Aramex", "tracking_number": "A1"}
CHAIRS = ("chair", "")


def ship(order: pb.Order, status: int = SHIPMENT_STATUS_SHIPPED, *, parcels: Any = None, **more: Any) -> Any:
    """A shipment of all that is left, or of `items`, in one parcel unless others are given."""
    given = [LABEL] if parcels is None else parcels
    return CreateShipmentRequest(order_id=order.order_id, shipment={"status": status, "parcels": given, **more})


def units(*pairs: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"item_id": item_id, "quantity": quantity} for item_id, quantity in pairs]


def chairs_and_tables(status: pb.OrderStatus = pb.ORDER_STATUS_CONFIRMED) -> tuple[State, pb.Order]:
    """An order of three chairs and two tables, of ten each."""
    state = new_state(product("chair", stock=10), product("table", stock=10))
    order = order_in(state, status, line("chair", 3), line("table", 2))
    return state, stored(state, order)


def delivered(order: pb.Order, shipment_id: str = "", parcel_id: str = "") -> RecordTrackingEventRequest:
    event = {"status": pb.TRACKING_STATUS_DELIVERED, "shipment_id": shipment_id, "parcel_id": parcel_id}
    return RecordTrackingEventRequest(order_id=order.order_id, event=event)


def counters(order: pb.Order, name: str) -> list[int]:
    return [getattr(item, f"{name}_quantity") for item in order.items]


def test_a_part_of_a_line_ships_and_the_rest_stays_reserved() -> None:
    state, order = chairs_and_tables()
    after = run(state, ship(order, items=units(("1", 2))), FULFILMENT)
    assert (after.status, after.shipping_status) == (
        pb.ORDER_STATUS_PROCESSING,
        pb.SHIPPING_STATUS_PARTIALLY_SHIPPED,
    )
    assert (counters(after, "packed"), counters(after, "shipped")) == ([2, 0], [2, 0])
    assert state.reserved.values[CHAIRS] == 1
    assert state.stock.values[CHAIRS] == 7


def test_a_shipment_without_units_has_all_that_is_left() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, items=units(("1", 2))))
    after = run(state, ship(order))
    assert [(item.item_id, item.quantity) for item in after.shipments[1].items] == [("1", 1), ("2", 2)]
    assert (after.status, after.shipping_status) == (pb.ORDER_STATUS_SHIPPED, pb.SHIPPING_STATUS_SHIPPED)
    assert state.reserved.values[CHAIRS] == 0


def test_a_pending_shipment_keeps_its_units_reserved() -> None:
    state, order = chairs_and_tables()
    after = run(state, ship(order, SHIPMENT_STATUS_PENDING, parcels=[]))
    assert (counters(after, "packed"), counters(after, "shipped")) == ([3, 2], [0, 0])
    assert after.status == pb.ORDER_STATUS_PROCESSING
    assert state.reserved.values[CHAIRS] == 3
    assert history(state, after)[-1].type == pb.ORDER_EVENT_TYPE_SHIPMENT_CREATED


def test_an_order_that_is_not_confirmed_does_not_ship_although_its_source_has_packed_it() -> None:
    state = new_state()
    packed = upsert(shipments=[{"shipment_id": "x", "status": SHIPMENT_STATUS_PENDING, "items": units(("1", 1))}])
    run(state, batch(packed))
    (order,) = state.orders.values()
    wished = Shipment(shipment_id="x", status=SHIPMENT_STATUS_SHIPPED)
    error = refuse(state, UpdateShipmentRequest(order_id=order.order_id, shipment=wished), FULFILMENT)
    assert error.reason == "INVALID_TRANSITION"


def test_units_ship_once() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING, items=units(("1", 2))))
    error = refuse(state, ship(order, items=units(("1", 2))))
    assert (error.reason, error.metadata["available"]) == ("LINE_QUANTITY_EXCEEDED", "1")
    run(state, ship(order))
    assert refuse(state, ship(order)).reason == "LINE_QUANTITY_EXCEEDED"


def test_a_line_arrives_parcel_by_parcel() -> None:
    state, order = chairs_and_tables()
    parcels = [LABEL | {"items": units(("1", 1))}, LABEL | {"items": units(("1", 2), ("2", 2))}]
    run(state, ship(order, parcels=parcels))
    run(state, delivered(order, "1", "2"))
    after = stored(state, order)
    assert counters(after, "delivered") == [2, 2]
    assert (after.status, after.shipping_status) == (pb.ORDER_STATUS_SHIPPED, pb.SHIPPING_STATUS_PARTIALLY_DELIVERED)
    run(state, delivered(order, "1", "1"))
    after = stored(state, order)
    assert (after.status, after.shipping_status) == (pb.ORDER_STATUS_DELIVERED, pb.SHIPPING_STATUS_DELIVERED)
    assert after.shipments[0].status == SHIPMENT_STATUS_DELIVERED


def test_units_in_several_boxes_arrive_with_the_last_one() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, parcels=[LABEL, LABEL]))
    run(state, delivered(order, "1", "1"))
    assert counters(stored(state, order), "delivered") == [0, 0]
    run(state, delivered(order, "1", "2"))
    assert counters(stored(state, order), "delivered") == [3, 2]


def test_several_shipments_are_delivered_in_any_order() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, items=units(("1", 3))))
    run(state, ship(order))
    run(state, delivered(order, "2"))
    assert stored(state, order).status == pb.ORDER_STATUS_SHIPPED
    run(state, delivered(order, "1"))
    assert stored(state, order).status == pb.ORDER_STATUS_DELIVERED


def test_a_report_must_name_one_of_several_parcels() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, parcels=[LABEL, LABEL | {"tracking_number": "A2"}]))
    assert fields_of(refuse(state, delivered(order))) == ["event.parcel_id"]
    request = delivered(order)
    request.tracking_number = "A2"
    tracking = run(state, request)
    assert (tracking.events[-1].shipment_id, tracking.events[-1].parcel_id) == ("1", "2")


def test_a_report_leaves_other_shipments_as_they_are() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING, items=units(("1", 1)), parcels=[]))
    run(state, ship(order))
    run(state, delivered(order, "2"))
    assert not stored(state, order).shipments[0].parcels


def test_a_shipment_without_parcels_gets_one_with_its_first_report() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING, parcels=[]))
    event = {"status": pb.TRACKING_STATUS_SHIPPED}
    run(state, RecordTrackingEventRequest(order_id=order.order_id, event=event, **LABEL))
    assert stored(state, order).shipments[0].parcels[0].tracking_number == "A1"
    assert stored(state, order).status == pb.ORDER_STATUS_SHIPPED


def test_a_remark_of_the_carrier_packs_nothing() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING))
    run(state, CancelShipmentRequest(order_id=order.order_id, shipment_id="1"))
    event = {"status": pb.TRACKING_STATUS_EXCEPTION}
    run(state, RecordTrackingEventRequest(order_id=order.order_id, event=event))
    assert counters(stored(state, order), "packed") == [0, 0]
    assert len(stored(state, order).shipments) == 1


def test_shipped_by_a_transition_is_everything_left_in_one_parcel() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING, items=units(("1", 1))))
    label = {"carrier": "Bosta", "tracking_number": "B1"}
    after = run(state, transition(order, pb.ORDER_STATUS_SHIPPED, **label))
    assert after.status == pb.ORDER_STATUS_SHIPPED
    assert [shipment.status for shipment in after.shipments] == [SHIPMENT_STATUS_SHIPPED] * 2
    assert (after.shipments[1].parcels[0].carrier, after.delivery.carrier) == ("Bosta", "Aramex")
    assert counters(after, "shipped") == [3, 2]


def test_the_rest_needs_a_label_of_its_own() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, items=units(("1", 1))))
    error = refuse(state, transition(order, pb.ORDER_STATUS_SHIPPED))
    assert (error.reason, error.metadata["guard"]) == ("INVALID_TRANSITION", "shippable")


def test_cancelling_the_rest_ships_the_order() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, items=units(("1", 3))))
    cancel = CancelOrderLinesRequest(order_id=order.order_id, items=units(("2", 0)))
    after = run(state, cancel, ADMIN)
    assert (after.status, counters(after, "shipped")) == (pb.ORDER_STATUS_SHIPPED, [3])
    assert state.stock.values["table", ""] == 10


def test_units_in_a_shipment_cannot_be_cancelled() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING, items=units(("1", 2))))
    cancel = CancelOrderLinesRequest(order_id=order.order_id, items=units(("1", 2)))
    error = refuse(state, cancel)
    assert (error.reason, error.metadata["available"]) == ("LINE_QUANTITY_EXCEEDED", "1")
    after = run(state, CancelOrderLinesRequest(order_id=order.order_id, items=units(("1", 0))))
    assert (after.items[0].quantity, after.items[0].cancelled_quantity) == (2, 1)


def test_cancelling_the_order_cancels_what_has_not_left() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING))
    after = run(state, CancelOrderRequest(order_id=order.order_id, reason="changed my mind"))
    assert after.shipments[0].status == SHIPMENT_STATUS_CANCELLED
    assert counters(after, "packed") == [0, 0]
    assert state.stock.values[CHAIRS] == 10


def test_an_order_of_which_a_part_has_left_is_not_cancelled() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, items=units(("1", 1))))
    error = refuse(state, CancelOrderRequest(order_id=order.order_id))
    assert (error.reason, error.metadata["guard"]) == ("ORDER_NOT_CANCELLABLE", "not_shipped")


@pytest.mark.parametrize(
    ("parcels", "field"),
    [
        ([LABEL | {"items": units(("1", 1))}], "shipment.parcels"),
        ([LABEL | {"items": units(("3", 1))}], "shipment.parcels[0].items[0].item_id"),
        ([LABEL | {"parcel_id": "a"}, LABEL | {"parcel_id": "a"}], "shipment.parcels[1].parcel_id"),
    ],
)
def test_parcels_hold_the_units_of_their_shipment(parcels: Any, field: str) -> None:
    state, order = chairs_and_tables()
    assert fields_of(refuse(state, ship(order, parcels=parcels))) == [field]


@pytest.mark.parametrize("items", [units(("9", 1)), units(("1", 1), ("1", 1))], ids=["unknown", "twice"])
def test_each_line_is_named_once(items: Any) -> None:
    state, order = chairs_and_tables()
    assert fields_of(refuse(state, ship(order, items=items)))[0].startswith("shipment.items[")


@pytest.mark.parametrize("parcels", [[], [{"carrier": "Aramex"}]], ids=["no parcel", "no tracking number"])
def test_a_shipment_leaves_with_a_label_on_each_parcel(parcels: Any) -> None:
    state, order = chairs_and_tables()
    error = refuse(state, ship(order, parcels=parcels))
    assert (error.reason, error.metadata["guard"]) == ("INVALID_TRANSITION", "shippable")


def test_an_id_of_ones_own_is_taken_once() -> None:
    state, order = chairs_and_tables()
    first = ship(order, SHIPMENT_STATUS_PENDING, items=units(("1", 1)), shipment_id="2")
    assert run(state, first).shipments[0].shipment_id == "2"
    assert refuse(state, first).reason == "SHIPMENT_ALREADY_EXISTS"
    assert run(state, ship(order)).shipments[1].shipment_id == "3"


def test_a_pending_order_does_not_ship() -> None:
    state, order = chairs_and_tables(pb.ORDER_STATUS_PENDING)
    assert refuse(state, ship(order)).reason == "INVALID_TRANSITION"


@pytest.mark.parametrize("caller", [CUSTOMER, PAYMENT], ids=["customer", "payment"])
def test_only_fulfilment_creates_shipments(caller: Any) -> None:
    state, order = chairs_and_tables()
    assert refuse(state, ship(order), caller).reason == "ORDER_ACCESS_DENIED"


def test_lines_do_not_change_while_units_are_in_shipments() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING))
    for path in ("items", "delivery.carrier"):
        wished = pb.Order(items=[pb.OrderItem(product_id="chair", quantity=1)], delivery={"carrier": "other"})
        error = refuse(state, update(order, path, wished=wished, settle=True))
        assert (error.reason, error.metadata["field"]) == ("INVALID_TRANSITION", path)


def test_an_imported_order_lists_its_shipment_with_its_first_report() -> None:
    state = new_state()
    run(state, batch(upsert(status=pb.ORDER_STATUS_SHIPPED)))
    (order,) = state.orders.values()
    run(state, delivered(order))
    after = stored(state, order)
    assert [shipment.status for shipment in after.shipments] == [SHIPMENT_STATUS_DELIVERED]
    assert counters(after, "delivered") == [1]
    assert after.status == pb.ORDER_STATUS_DELIVERED


# Changing and cancelling a shipment.


def change(order: pb.Order, *paths: str, shipment_id: str = "1", **more: Any) -> UpdateShipmentRequest:
    wished = {"shipment_id": shipment_id, **more}
    return UpdateShipmentRequest(order_id=order.order_id, shipment=wished, update_mask={"paths": paths})


def test_a_pending_shipment_is_packed_again() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING, items=units(("1", 2)), parcels=[]))
    after = run(state, change(order, items=units(("1", 3)), parcels=[LABEL]), FULFILMENT)
    assert (counters(after, "packed"), after.delivery.carrier) == ([3, 0], "Aramex")
    assert history(state, order)[-1].type == pb.ORDER_EVENT_TYPE_SHIPMENT_UPDATED


def test_a_shipment_ships_and_arrives_by_its_status() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING))
    shipped = run(state, change(order, status=SHIPMENT_STATUS_SHIPPED))
    assert (shipped.status, state.reserved.values[CHAIRS]) == (pb.ORDER_STATUS_SHIPPED, 0)
    arrived = run(state, change(order, status=SHIPMENT_STATUS_DELIVERED))
    assert (arrived.status, counters(arrived, "delivered")) == (pb.ORDER_STATUS_DELIVERED, [3, 2])


def test_the_same_status_again_changes_nothing() -> None:
    state, order = chairs_and_tables()
    shipped = run(state, ship(order))
    assert run(state, change(order, status=SHIPMENT_STATUS_SHIPPED)).version == shipped.version


def test_a_parcel_on_its_way_gets_another_label() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, parcels=[LABEL, LABEL | {"tracking_number": "A2"}]))
    parcels = [{"parcel_id": "2", "tracking_number": "A3", "tracking_uri": "https://a.example/A3"}]
    second = run(state, change(order, parcels=parcels)).shipments[0].parcels[1]
    assert (second.carrier, second.tracking_number, second.status) == ("Aramex", "A3", SHIPMENT_STATUS_SHIPPED)


@pytest.mark.parametrize(
    "wished",
    [{"items": units(("1", 1))}, {"parcels": [{"parcel_id": "9"}]}, {"status": SHIPMENT_STATUS_CANCELLED}],
    ids=["units", "parcels", "status"],
)
def test_a_shipment_that_has_left_keeps_its_contents(wished: Any) -> None:
    state, order = chairs_and_tables()
    run(state, ship(order))
    error = refuse(state, change(order, **wished))
    assert (error.reason, error.metadata["status"]) == ("SHIPMENT_NOT_CHANGEABLE", "SHIPPED")


@pytest.mark.parametrize("path", ["create_time", "shipment_id", "colour"])
def test_other_fields_of_a_shipment_do_not_change(path: str) -> None:
    state, order = chairs_and_tables()
    run(state, ship(order))
    assert fields_of(refuse(state, change(order, path))) == [f"update_mask: {path}"]


def test_a_cancelled_shipment_frees_its_units_and_stays() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, SHIPMENT_STATUS_PENDING))
    cancel = CancelShipmentRequest(order_id=order.order_id, shipment_id="1", reason="torn")
    after = run(state, cancel, FULFILMENT)
    assert (after.shipments[0].status, after.shipments[0].cancel_reason) == (SHIPMENT_STATUS_CANCELLED, "torn")
    assert (counters(after, "packed"), after.delivery.carrier) == ([0, 0], "")
    assert run(state, cancel).version == after.version
    assert run(state, ship(order)).status == pb.ORDER_STATUS_SHIPPED


def test_a_shipment_that_has_left_is_not_cancelled() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, items=units(("1", 1))))
    error = refuse(state, CancelShipmentRequest(order_id=order.order_id, shipment_id="1"))
    assert error.reason == "SHIPMENT_NOT_CHANGEABLE"


@pytest.mark.parametrize("kind", [CancelShipmentRequest, UpdateShipmentRequest], ids=["cancel", "update"])
def test_a_shipment_that_is_not_there_is_named(kind: Any) -> None:
    state, order = chairs_and_tables()
    request = kind(order_id=order.order_id)
    target = request if kind is CancelShipmentRequest else request.shipment
    target.shipment_id = "7"
    error = refuse(state, request)
    assert (error.reason, error.metadata["shipment_id"]) == ("SHIPMENT_NOT_FOUND", "7")


def test_the_packing_slip_lists_units_and_parcels_without_prices() -> None:
    state, order = chairs_and_tables()
    parcels = [LABEL | {"items": units(("1", 1))}, LABEL | {"items": units(("1", 2), ("2", 2))}]
    after = run(state, ship(order, SHIPMENT_STATUS_PENDING, parcels=parcels))
    slip = packing_slip(after, "1")
    assert [(item.name, item.quantity, list(item.parcel_ids)) for item in slip.items] == [
        ("Chair", 3, ["1", "2"]),
        ("Table", 2, ["2"]),
    ]
    assert slip.shipping_address == after.shipping_address
    page = as_html(slip)
    assert "<td>SKU-chair</td><td>Chair</td><td>1, 2</td>" in page
    assert "10.00" not in page


def test_a_packing_slip_repeats_texts_as_texts() -> None:
    state, order = chairs_and_tables()
    run(state, update(order, "special_instructions", wished=pb.Order(special_instructions="<script>ring</script>")))
    after = run(state, ship(order, SHIPMENT_STATUS_PENDING))
    assert "&lt;script&gt;ring&lt;/script&gt;" in as_html(packing_slip(after, "1"))


# What `orders verify` finds.


def test_what_the_rules_make_has_no_problems() -> None:
    state, order = chairs_and_tables()
    run(state, ship(order, items=units(("1", 1))))
    run(state, CancelOrderLinesRequest(order_id=order.order_id, items=units(("2", 1))))
    assert list(fulfilment_problems(stored(state, order))) == []


def test_the_label_of_the_next_parcel_is_kept_after_all_shipments_were_cancelled() -> None:
    state, order = chairs_and_tables()
    packed = run(state, ship(order, SHIPMENT_STATUS_PENDING))
    cancelled = run(state, CancelShipmentRequest(order_id=order.order_id, shipment_id=packed.shipments[0].shipment_id))
    assert (cancelled.delivery.carrier, cancelled.delivery.tracking_number) == ("", "")
    report = {"status": pb.TRACKING_STATUS_PROCESSING}
    run(state, RecordTrackingEventRequest(order_id=order.order_id, event=report, carrier="UPS", tracking_number="1Z"))
    labelled = stored(state, order)
    assert (labelled.delivery.carrier, labelled.delivery.tracking_number) == ("UPS", "1Z")
    assert list(fulfilment_problems(labelled)) == []
    shipped = run(state, transition(order, pb.ORDER_STATUS_SHIPPED))
    assert [parcel.carrier for parcel in shipped.shipments[1].parcels] == ["UPS"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("shipped_quantity", "has shipped_quantity 2"), ("cancelled_quantity", "has cancelled_quantity 2")],
)
def test_a_counter_that_does_not_follow_is_found(name: str, text: str) -> None:
    state, order = chairs_and_tables()
    damaged = run(state, ship(order, items=units(("1", 1))))
    setattr(damaged.items[0], name, 2)
    assert any(text in problem for problem in fulfilment_problems(damaged))


def test_a_status_that_does_not_follow_is_found() -> None:
    state, order = chairs_and_tables()
    damaged = run(state, ship(order, items=units(("1", 1))))
    damaged.status = pb.ORDER_STATUS_SHIPPED
    assert any("SHIPPED or DELIVERED" in problem for problem in fulfilment_problems(damaged))
    damaged.delivery.carrier = "other"
    assert any("carrier" in problem for problem in fulfilment_problems(damaged))
