"""Tracking: the carrier's reports, and the tracking that they and the order's own events add up to."""

from collections.abc import Iterable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_IMPORTED,
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
    TRACKING_STATUS_CANCELLED,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_DELIVERY_ATTEMPTED,
    TRACKING_STATUS_IN_TRANSIT,
    TRACKING_STATUS_ORDER_CONFIRMED,
    TRACKING_STATUS_ORDER_PLACED,
    TRACKING_STATUS_OUT_FOR_DELIVERY,
    TRACKING_STATUS_PROCESSING,
    TRACKING_STATUS_RETURNED,
    TRACKING_STATUS_SHIPPED,
    Order,
    OrderEvent,
    Tracking,
    TrackingEvent,
)
from orders.v1.order_service_pb2 import RecordTrackingEventRequest, TransitionOrderRequest

from server.domain.base.edits import Audit, OrderChange, OrderEdit, edit_of
from server.domain.base.errors import invalid_field
from server.domain.lifecycle.lifecycle import FULFILMENT, RANK, check_not_cancelled, check_role, transition

# The order status that a tracking status implies.
IMPLIED = {
    TRACKING_STATUS_SHIPPED: ORDER_STATUS_SHIPPED,
    TRACKING_STATUS_IN_TRANSIT: ORDER_STATUS_SHIPPED,
    TRACKING_STATUS_OUT_FOR_DELIVERY: ORDER_STATUS_SHIPPED,
    TRACKING_STATUS_DELIVERY_ATTEMPTED: ORDER_STATUS_SHIPPED,
    TRACKING_STATUS_RETURNED: ORDER_STATUS_SHIPPED,
    TRACKING_STATUS_DELIVERED: ORDER_STATUS_DELIVERED,
}

_ON_ITS_WAY = frozenset(
    {TRACKING_STATUS_IN_TRANSIT, TRACKING_STATUS_OUT_FOR_DELIVERY, TRACKING_STATUS_DELIVERY_ATTEMPTED}
)

# The tracking events that the order's own statuses stand for.
_OWN_EVENTS = {
    ORDER_STATUS_PENDING: (TRACKING_STATUS_ORDER_PLACED, "Order placed"),
    ORDER_STATUS_CONFIRMED: (TRACKING_STATUS_ORDER_CONFIRMED, "Order confirmed"),
    ORDER_STATUS_PROCESSING: (TRACKING_STATUS_PROCESSING, "Order is being prepared for shipment"),
    ORDER_STATUS_SHIPPED: (TRACKING_STATUS_SHIPPED, "Parcel handed to the carrier"),
    ORDER_STATUS_DELIVERED: (TRACKING_STATUS_DELIVERED, "Parcel delivered"),
    ORDER_STATUS_CANCELLED: (TRACKING_STATUS_CANCELLED, "Order cancelled"),
}

_ONE_DAY = 86_400

# The types of events that tracking is built from.
TRACKED_TYPES = (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_IMPORTED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_TRACKING,
)

# Far above any parcel's, and few enough for one response.
_MAX_TRACKED = 1000


def report(before: Order, request: RecordTrackingEventRequest, *, recorded: int, audit: Audit) -> OrderChange:
    """The order after a carrier's report; `recorded` is the number of its tracking events so far."""
    check_not_cancelled(before)
    check_role(before, FULFILMENT, audit.caller, what="record what the carrier reports of")
    if recorded >= _MAX_TRACKED:
        text = f"order {before.order_id} has {recorded:,} tracking events, the maximum"
        raise invalid_field("order_id", text)
    reported = TrackingEvent()
    reported.CopyFrom(request.event)
    if not reported.HasField("time"):
        reported.time.CopyFrom(audit.time)
    if reported.time.seconds > audit.time.seconds + _ONE_DAY:
        raise invalid_field("event.time", "is more than a day in the future")
    edit = edit_of(before, audit)
    set_carrier(edit.order, request)
    if request.HasField("estimated_delivery_time"):
        edit.order.delivery.estimated_time.CopyFrom(request.estimated_delivery_time)
    _advance(edit, reported)
    edit.note_delivery_changes("carrier", "tracking_number", "estimated_time")
    _set_shipping_status(edit.order, reported.status)
    return edit.finish()


def set_carrier(order: Order, request: RecordTrackingEventRequest | TransitionOrderRequest) -> None:
    """Sets the carrier and the tracking number that the request gives."""
    delivery = order.delivery
    delivery.carrier = request.carrier or delivery.carrier
    delivery.tracking_number = request.tracking_number or delivery.tracking_number


def _advance(edit: OrderEdit, reported: TrackingEvent) -> None:
    """Moves the order to the status that the report implies; the last step carries the report, or an event of its own does."""
    order = edit.order
    implied = IMPLIED.get(reported.status, order.status)
    if RANK[order.status] >= RANK[implied]:
        edit.record(OrderEvent(type=ORDER_EVENT_TYPE_TRACKING, tracking_event=reported))
        return
    if implied == ORDER_STATUS_DELIVERED and order.status != ORDER_STATUS_SHIPPED:
        transition(edit, ORDER_STATUS_SHIPPED)
    transition(edit, implied, tracking_event=reported)


def _set_shipping_status(order: Order, reported: int) -> None:
    """A late report does not move a delivered parcel back; only its return does."""
    if reported == TRACKING_STATUS_RETURNED:
        order.shipping_status = SHIPPING_STATUS_RETURNED
    elif reported in _ON_ITS_WAY and order.shipping_status not in (SHIPPING_STATUS_DELIVERED, SHIPPING_STATUS_RETURNED):
        order.shipping_status = SHIPPING_STATUS_IN_TRANSIT


def track(order: Order, events: Iterable[OrderEvent]) -> Tracking:
    """The tracking of an order: its events, oldest first, and its current status."""
    history = list(events)
    reports = [event.tracking_event for event in history if event.tracking_event.status in IMPLIED]
    story = [entry for event in history if (entry := _as_tracking_event(event, reports)) is not None]
    story.sort(key=lambda event: _when(event.time))
    tracking = Tracking(
        order_id=order.order_id,
        tracking_number=order.delivery.tracking_number,
        carrier=order.delivery.carrier,
        events=story,
    )
    latest = _latest(story)
    if latest is not None:
        tracking.status = latest.status
        _set_location(tracking, story[: story.index(latest) + 1])
    if order.delivery.HasField("estimated_time"):
        tracking.estimated_delivery_time.CopyFrom(order.delivery.estimated_time)
    return tracking


def _latest(story: Sequence[TrackingEvent]) -> TrackingEvent | None:
    """The event that tells where the parcel is: late reports do not move back one that is returned or delivered."""
    for final in (TRACKING_STATUS_RETURNED, TRACKING_STATUS_DELIVERED):
        for event in reversed(story):
            if event.status == final:
                return event
    return story[-1] if story else None


def _as_tracking_event(event: OrderEvent, reports: Iterable[TrackingEvent]) -> TrackingEvent | None:
    if event.HasField("tracking_event"):
        return event.tracking_event
    if event.type in (ORDER_EVENT_TYPE_CREATED, ORDER_EVENT_TYPE_IMPORTED, ORDER_EVENT_TYPE_STATUS_CHANGED):
        status, description = _OWN_EVENTS[event.to_status]
        return TrackingEvent(status=status, description=description, time=_happened(event, reports))
    return None


def _happened(event: OrderEvent, reports: Iterable[TrackingEvent]) -> Timestamp:
    """The time of an order's own event: no later than a report that presupposes it."""
    rank = RANK[event.to_status]
    later = (report.time for report in reports if RANK[IMPLIED[report.status]] >= rank)
    return min((event.event_time, *later), key=_when)


def _when(time: Timestamp) -> tuple[int, int]:
    return time.seconds, time.nanos


def _set_location(tracking: Tracking, events: Sequence[TrackingEvent]) -> None:
    for event in reversed(events):
        if event.city or event.country:
            tracking.current_location.city = event.city
            tracking.current_location.country = event.country
            tracking.current_location.time.CopyFrom(event.time)
            return
