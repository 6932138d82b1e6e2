"""RecordTrackingEvent and the story of a parcel."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_TRACKING,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    SHIPPING_STATUS_DELIVERED,
    SHIPPING_STATUS_IN_TRANSIT,
    SHIPPING_STATUS_RETURNED,
    SHIPPING_STATUS_SHIPPED,
    TRACKING_STATUS_CANCELLED,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_DELIVERY_ATTEMPTED,
    TRACKING_STATUS_EXCEPTION,
    TRACKING_STATUS_IN_TRANSIT,
    TRACKING_STATUS_ORDER_CONFIRMED,
    TRACKING_STATUS_ORDER_PLACED,
    TRACKING_STATUS_OUT_FOR_DELIVERY,
    TRACKING_STATUS_PROCESSING,
    TRACKING_STATUS_RETURNED,
    TRACKING_STATUS_SHIPPED,
    Order,
    OrderStatus,
    Tracking,
    TrackingEvent,
    TrackingStatus,
)
from orders.v1.order_service_pb2 import CancelOrderRequest, RecordTrackingEventRequest, TransitionOrderRequest

from server.domain.base.state import State
from server.domain.fulfilment.tracking import track
from tests.domain.builders import (
    CUSTOMER,
    FULFILMENT,
    NOW,
    PAYMENT,
    STATUSES,
    at,
    batch,
    create,
    fields_of,
    history,
    new_state,
    order_in,
    pay,
    refuse,
    run,
    stored,
    transition,
    upsert,
)

ON_ITS_WAY = (TRACKING_STATUS_IN_TRANSIT, TRACKING_STATUS_OUT_FOR_DELIVERY, TRACKING_STATUS_DELIVERY_ATTEMPTED)
LEFT = (TRACKING_STATUS_SHIPPED, *ON_ITS_WAY)
REPORTS = (*LEFT, TRACKING_STATUS_PROCESSING, TRACKING_STATUS_DELIVERED, TRACKING_STATUS_EXCEPTION)


def report(
    order: Order, status: int, time: Timestamp | None = None, *, city: str = "", country: str = "", **more: object
) -> RecordTrackingEventRequest:
    more = {"carrier": "Aramex", "tracking_number": "T1"} | more
    event = TrackingEvent(status=status, time=time, city=city, country=country)
    return RecordTrackingEventRequest(order_id=order.order_id, event=event, **more)


def by_order_status(value: object) -> str:
    return OrderStatus.Name(value) if isinstance(value, int) else str(value)


def by_report(value: object) -> str:
    return TrackingStatus.Name(value) if isinstance(value, int) else str(value)


def statuses(tracking: Tracking) -> list[int]:
    return [event.status for event in tracking.events]


# What a report says about the order.


@pytest.mark.parametrize("status", [ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING], ids=by_order_status)
@pytest.mark.parametrize("reported", LEFT, ids=by_report)
def test_a_report_from_the_way_ships_the_order(status: int, reported: int) -> None:
    state = new_state()
    order = order_in(state, status)
    run(state, report(order, reported, at(-60)), FULFILMENT)
    shipped = stored(state, order)
    last = history(state, order)[-1]
    assert shipped.status == ORDER_STATUS_SHIPPED
    assert shipped.shipping_status == (
        SHIPPING_STATUS_IN_TRANSIT if reported in ON_ITS_WAY else SHIPPING_STATUS_SHIPPED
    )
    assert (last.type, last.from_status, last.to_status) == (
        ORDER_EVENT_TYPE_STATUS_CHANGED,
        ORDER_STATUS_PROCESSING,
        ORDER_STATUS_SHIPPED,
    )
    assert (last.tracking_event.status, last.tracking_event.time) == (reported, at(-60))


@pytest.mark.parametrize(
    ("status", "entered"),
    [
        (ORDER_STATUS_CONFIRMED, [ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED]),
        (ORDER_STATUS_PROCESSING, [ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED]),
        (ORDER_STATUS_SHIPPED, [ORDER_STATUS_DELIVERED]),
    ],
    ids=by_order_status,
)
def test_a_delivery_delivers_the_order_by_way_of_every_status_between(status: int, entered: list[int]) -> None:
    state = new_state()
    order = order_in(state, status)
    run(state, report(order, TRACKING_STATUS_DELIVERED), FULFILMENT)
    delivered = stored(state, order)
    events = history(state, order)[order.version :]
    assert (delivered.status, delivered.shipping_status) == (ORDER_STATUS_DELIVERED, SHIPPING_STATUS_DELIVERED)
    moves = [event.to_status for event in events if event.type == ORDER_EVENT_TYPE_STATUS_CHANGED]
    assert moves == entered
    assert [event.HasField("tracking_event") for event in events][-1]


@pytest.mark.parametrize("reported", [*LEFT, TRACKING_STATUS_DELIVERED], ids=by_report)
def test_a_pending_order_does_not_leave_by_a_report(reported: int) -> None:
    state = new_state()
    order = pay(state, run(state, create()))
    error = refuse(state, report(order, reported))
    assert (error.reason, error.metadata["from"]) == ("INVALID_TRANSITION", "PENDING")


def test_a_report_does_not_stand_for_carrier_and_tracking_number() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_PROCESSING)
    stored(state, order).ClearField("delivery")
    request = report(order, TRACKING_STATUS_IN_TRANSIT, carrier="", tracking_number="")
    assert refuse(state, request).metadata["guard"] == "shippable"


@pytest.mark.parametrize("caller", [CUSTOMER, PAYMENT], ids=str)
def test_only_fulfilment_ships_by_a_report(caller: object) -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_PROCESSING)
    assert refuse(state, report(order, TRACKING_STATUS_SHIPPED), caller).reason == "ORDER_ACCESS_DENIED"


@pytest.mark.parametrize("status", STATUSES[:5], ids=by_order_status)
@pytest.mark.parametrize("reported", [TRACKING_STATUS_PROCESSING, TRACKING_STATUS_EXCEPTION], ids=by_report)
def test_a_report_that_implies_nothing_is_recorded_as_one_event(status: int, reported: int) -> None:
    state = new_state()
    order = order_in(state, status)
    run(state, report(order, reported))
    after, last = stored(state, order), history(state, order)[-1]
    assert (after.status, after.shipping_status) == (order.status, order.shipping_status)
    assert (last.type, last.version, last.tracking_event.status) == (
        ORDER_EVENT_TYPE_TRACKING,
        order.version + 1,
        reported,
    )
    assert (last.from_status, last.to_status) == (status, status)


@pytest.mark.parametrize("reported", REPORTS, ids=by_report)
def test_a_late_report_does_not_take_a_delivered_order_back(reported: int) -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_DELIVERED)
    run(state, report(order, reported, at(-3600)))
    after = stored(state, order)
    assert (after.status, after.shipping_status) == (ORDER_STATUS_DELIVERED, SHIPPING_STATUS_DELIVERED)
    assert history(state, order)[-1].type == ORDER_EVENT_TYPE_TRACKING


def test_a_late_report_of_shipping_does_not_take_a_parcel_off_its_way() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    run(state, report(order, TRACKING_STATUS_IN_TRANSIT, at(-60)))
    run(state, report(order, TRACKING_STATUS_SHIPPED, at(-120)))
    assert stored(state, order).shipping_status == SHIPPING_STATUS_IN_TRANSIT


@pytest.mark.parametrize("status", [ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED], ids=by_order_status)
def test_a_returned_parcel_is_returned_and_stays_so(status: int) -> None:
    state = new_state()
    order = order_in(state, status)
    run(state, report(order, TRACKING_STATUS_RETURNED))
    run(state, report(order, TRACKING_STATUS_IN_TRANSIT, at(-60)))
    after = stored(state, order)
    assert (after.status, after.shipping_status) == (status, SHIPPING_STATUS_RETURNED)


@pytest.mark.parametrize("reported", [*REPORTS, TRACKING_STATUS_RETURNED], ids=by_report)
def test_a_cancelled_order_is_not_tracked(reported: int) -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_CANCELLED)
    error = refuse(state, report(order, reported))
    assert (error.reason, error.metadata["status"]) == ("ORDER_ALREADY_CANCELLED", "CANCELLED")


def test_an_order_that_is_not_there_is_named() -> None:
    error = refuse(new_state(), report(Order(order_id="ORD-2026-999999"), TRACKING_STATUS_SHIPPED))
    assert error.reason == "ORDER_NOT_FOUND"


def test_carrier_number_and_estimate_are_taken_over_and_kept() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    first = report(order, TRACKING_STATUS_IN_TRANSIT, carrier="Bosta", tracking_number="B1")
    first.estimated_delivery_time.CopyFrom(at(7200))
    run(state, first)
    tracking = run(state, report(order, TRACKING_STATUS_IN_TRANSIT, carrier="", tracking_number=""))
    assert (tracking.carrier, tracking.tracking_number, tracking.estimated_delivery_time) == ("Bosta", "B1", at(7200))
    assert stored(state, order).delivery.estimated_time == at(7200)


# Times.


def test_a_report_without_a_time_happened_now() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    assert run(state, report(order, TRACKING_STATUS_IN_TRANSIT)).events[-1].time == NOW


def test_a_clock_may_be_a_day_ahead_and_no_more() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    run(state, report(order, TRACKING_STATUS_IN_TRANSIT, at(86_400)))
    error = refuse(state, report(order, TRACKING_STATUS_IN_TRANSIT, at(86_401)))
    assert fields_of(error) == ["event.time"]


# The story.


def test_the_story_begins_with_the_orders_own_events() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    tracking = track(stored(state, order), history(state, order))
    assert statuses(tracking) == [
        TRACKING_STATUS_ORDER_PLACED,
        TRACKING_STATUS_ORDER_CONFIRMED,
        TRACKING_STATUS_PROCESSING,
        TRACKING_STATUS_SHIPPED,
    ]
    assert (tracking.status, tracking.carrier, tracking.tracking_number) == (TRACKING_STATUS_SHIPPED, "Aramex", "T1")
    assert all(event.description for event in tracking.events)
    assert not tracking.HasField("current_location")


def test_the_story_of_a_cancelled_order_ends_with_that() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_CANCELLED)
    tracking = track(stored(state, order), history(state, order))
    assert statuses(tracking) == [
        TRACKING_STATUS_ORDER_PLACED,
        TRACKING_STATUS_ORDER_CONFIRMED,
        TRACKING_STATUS_CANCELLED,
    ]
    assert tracking.status == TRACKING_STATUS_CANCELLED


def test_an_updated_field_is_no_part_of_the_story() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_PENDING)
    before = track(stored(state, order), history(state, order))
    history(state, order).append(history(state, order)[0].__class__(type=3, to_status=1, from_status=1))
    assert track(stored(state, order), history(state, order)) == before


def test_the_story_is_told_in_the_order_in_which_it_happened() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    for status, hours in (
        (TRACKING_STATUS_OUT_FOR_DELIVERY, 5),
        (TRACKING_STATUS_IN_TRANSIT, 2),
        (TRACKING_STATUS_EXCEPTION, 3),
    ):
        tracking = run(state, report(order, status, at(3600 * hours)))
    assert statuses(tracking)[-3:] == [
        TRACKING_STATUS_IN_TRANSIT,
        TRACKING_STATUS_EXCEPTION,
        TRACKING_STATUS_OUT_FOR_DELIVERY,
    ]
    times = [(event.time.seconds, event.time.nanos) for event in tracking.events]
    assert times == sorted(times)
    assert tracking.status == TRACKING_STATUS_OUT_FOR_DELIVERY


def test_the_parcel_is_where_it_was_last_seen() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    run(state, report(order, TRACKING_STATUS_IN_TRANSIT, at(200), city="Giza", country="EG"))
    run(state, report(order, TRACKING_STATUS_IN_TRANSIT, at(100), city="Cairo", country="EG"))
    location = run(state, report(order, TRACKING_STATUS_EXCEPTION, at(300))).current_location
    assert (location.city, location.country, location.time) == ("Giza", "EG", at(200))


@pytest.mark.parametrize(
    "status", [ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED], ids=by_order_status
)
@pytest.mark.parametrize("reported", [*LEFT, TRACKING_STATUS_DELIVERED], ids=by_report)
def test_a_report_of_an_hour_ago_tells_where_the_parcel_stands(status: int, reported: int) -> None:
    """The order's own events are recorded when they become known, which is after what they led to."""
    state = new_state()
    order = order_in(state, status)
    tracking = run(state, report(order, reported, at(-3600)))
    expected = TRACKING_STATUS_SHIPPED if reported == TRACKING_STATUS_SHIPPED else reported
    times = [(event.time.seconds, event.time.nanos) for event in tracking.events]
    assert tracking.status == expected
    assert times == sorted(times)


def test_own_events_keep_their_times_where_no_report_speaks_against_them() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    tracking = run(state, report(order, TRACKING_STATUS_IN_TRANSIT, at(60)))
    assert [event.time for event in tracking.events] == [NOW] * 4 + [at(60)]


def test_a_cancellation_after_a_report_is_the_last_thing_that_happened() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_PROCESSING)
    run(state, report(order, TRACKING_STATUS_EXCEPTION, at(-60)))
    run(state, CancelOrderRequest(order_id=order.order_id))
    assert track(stored(state, order), history(state, order)).status == TRACKING_STATUS_CANCELLED


def test_an_imported_order_is_tracked_like_any_other() -> None:
    state = new_state()
    run(state, batch(upsert(status=ORDER_STATUS_SHIPPED)))
    (order,) = list(state.orders.values())
    tracking = run(state, report(order, TRACKING_STATUS_DELIVERED))
    assert statuses(tracking) == [TRACKING_STATUS_SHIPPED, TRACKING_STATUS_DELIVERED]
    assert stored(state, order).status == ORDER_STATUS_DELIVERED


def test_a_shipment_reported_in_the_right_order_needs_no_more_than_the_reports() -> None:
    state: State = new_state()
    order = order_in(state, ORDER_STATUS_CONFIRMED)
    for reported in (TRACKING_STATUS_SHIPPED, TRACKING_STATUS_IN_TRANSIT, TRACKING_STATUS_DELIVERED):
        run(state, report(order, reported), FULFILMENT)
    assert refuse(state, transition(order, ORDER_STATUS_CANCELLED)).reason == "ORDER_NOT_CANCELLABLE"
    assert stored(state, order).status not in (ORDER_STATUS_CANCELLED, ORDER_STATUS_PENDING)


def test_an_order_takes_a_thousand_events_and_no_more_reports() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    recorded = state.history[order.order_id]
    recorded += [recorded[-1]] * (999 - len(recorded))
    run(state, report(order, TRACKING_STATUS_IN_TRANSIT))
    assert len(recorded) == 1000
    assert fields_of(refuse(state, report(order, TRACKING_STATUS_IN_TRANSIT))) == ["order_id"]


def test_a_transition_does_not_change_who_carries_what_is_shipped() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_SHIPPED)
    other = TransitionOrderRequest(order_id=order.order_id, status=ORDER_STATUS_DELIVERED, carrier="somebody else")
    assert fields_of(refuse(state, other)) == ["carrier"]
    assert run(state, TransitionOrderRequest(order_id=order.order_id, status=ORDER_STATUS_DELIVERED)).version


def test_a_late_report_does_not_move_back_a_parcel_that_is_returned() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_DELIVERED)
    for status in (TRACKING_STATUS_RETURNED, TRACKING_STATUS_IN_TRANSIT):
        tracking = run(state, report(order, status))
        assert tracking.status == TRACKING_STATUS_RETURNED


def test_tracking_without_settings_names_no_support() -> None:
    assert not track(Order(), []).HasField("support")
