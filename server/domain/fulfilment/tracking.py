"""Tracking: carriers' reports, and the tracking derived from them and from the order's own events."""

from collections.abc import Collection, Iterable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_CREATED,
    ORDER_EVENT_TYPE_IMPORTED,
    ORDER_EVENT_TYPE_SHIPMENT_DELIVERED,
    ORDER_EVENT_TYPE_SHIPMENT_SHIPPED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_TRACKING,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
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
    OrderStatus,
    Support,
    Tracking,
    TrackingEvent,
)
from orders.v1.order_service_pb2 import RecordTrackingEventRequest
from orders.v1.shipment_pb2 import (
    SHIPMENT_STATUS_DELIVERED,
    SHIPMENT_STATUS_IN_TRANSIT,
    SHIPMENT_STATUS_PENDING,
    SHIPMENT_STATUS_RETURNED,
    SHIPMENT_STATUS_SHIPPED,
    Parcel,
    Shipment,
)

from server.domain.base.edits import Audit, OrderChange, OrderEdit, edit_of
from server.domain.base.errors import invalid_field
from server.domain.fulfilment.lines import active, follow_shipments, list_shipments, was_delivered
from server.domain.fulfilment.parcels import find_parcel
from server.domain.fulfilment.shipping import Label, follow_parcels, follow_status, pack_rest, set_label, ship
from server.domain.lifecycle.lifecycle import FULFILMENT, RANK, check_not_cancelled, check_role

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

# The tracking events that correspond to the order's statuses.
_OWN_EVENTS = {
    ORDER_STATUS_PENDING: (TRACKING_STATUS_ORDER_PLACED, "Order placed"),
    ORDER_STATUS_CONFIRMED: (TRACKING_STATUS_ORDER_CONFIRMED, "Order confirmed"),
    ORDER_STATUS_PROCESSING: (TRACKING_STATUS_PROCESSING, "Order is being prepared for shipment"),
    ORDER_STATUS_SHIPPED: (TRACKING_STATUS_SHIPPED, "Parcel handed to the carrier"),
    ORDER_STATUS_DELIVERED: (TRACKING_STATUS_DELIVERED, "Parcel delivered"),
    ORDER_STATUS_CANCELLED: (TRACKING_STATUS_CANCELLED, "Order cancelled"),
}

_ONE_DAY = 86_400

# The order status that corresponds to an event of a shipment.
_SHIPMENT_EVENTS = {
    ORDER_EVENT_TYPE_SHIPMENT_SHIPPED: ORDER_STATUS_SHIPPED,
    ORDER_EVENT_TYPE_SHIPMENT_DELIVERED: ORDER_STATUS_DELIVERED,
}
_STATUS_EVENTS = (ORDER_EVENT_TYPE_CREATED, ORDER_EVENT_TYPE_IMPORTED, ORDER_EVENT_TYPE_STATUS_CHANGED)

# The types of events that tracking is built from.
TRACKED_TYPES = (*_STATUS_EVENTS, ORDER_EVENT_TYPE_TRACKING, *_SHIPMENT_EVENTS)

_NO_SUPPORT = Support()

# Far above any parcel's, and few enough for one response.
_MAX_TRACKED = 1000


def report(before: Order, request: RecordTrackingEventRequest, *, recorded: int, audit: Audit) -> OrderChange:
    """The order after a carrier's report; `recorded` is the number of its tracking events so far."""
    check_not_cancelled(before)
    check_role(before, FULFILMENT, audit.caller, what="record tracking events of")
    if recorded >= _MAX_TRACKED:
        text = f"order {before.order_number} has {recorded:,} tracking events, the maximum"
        raise invalid_field("order_id", text)
    reported = _reported(request, audit)
    edit = edit_of(before, audit)
    if request.HasField("estimated_delivery_time"):
        edit.order.delivery.estimated_time.CopyFrom(request.estimated_delivery_time)
    list_shipments(edit.order)
    if reported.status in IMPLIED or any(active(edit.order)):
        _follow(edit, request, reported)
    else:
        set_label(edit.order, Label(request.carrier, request.tracking_number))
    if not edit.events:
        edit.record(OrderEvent(type=ORDER_EVENT_TYPE_TRACKING, shipment_id=reported.shipment_id))
    edit.events[-1].tracking_event.CopyFrom(reported)
    edit.note_delivery_changes("carrier", "tracking_number", "estimated_time")
    return edit.finish()


def _reported(request: RecordTrackingEventRequest, audit: Audit) -> TrackingEvent:
    reported = TrackingEvent()
    reported.CopyFrom(request.event)
    if not reported.HasField("time"):
        reported.time.CopyFrom(audit.time)
    if reported.time.seconds > audit.time.seconds + _ONE_DAY:
        raise invalid_field("event.time", "is more than a day in the future")
    return reported


def _follow(edit: OrderEdit, request: RecordTrackingEventRequest, reported: TrackingEvent) -> None:
    """Updates the reported parcel, its shipment and the order."""
    order, label = edit.order, Label(request.carrier, request.tracking_number)
    if not any(active(order)):
        pack_rest(order, label)
    shipment, parcel = find_parcel(order, request)
    reported.shipment_id, reported.parcel_id = shipment.shipment_id, parcel.parcel_id
    parcel.carrier = label.carrier or parcel.carrier
    parcel.tracking_number = label.tracking_number or parcel.tracking_number
    if request.HasField("estimated_delivery_time"):
        parcel.estimated_delivery_time.CopyFrom(request.estimated_delivery_time)
    if reported.status in IMPLIED:
        _ship_if_pending(edit, shipment, reported)
        _move_parcel(parcel, reported)
        follow_parcels(edit, shipment, time=reported.time)
    follow_shipments(order)
    follow_status(edit)


def _ship_if_pending(edit: OrderEdit, shipment: Shipment, reported: TrackingEvent) -> None:
    if shipment.status == SHIPMENT_STATUS_PENDING:
        ship(edit, shipment, time=reported.time)
        follow_status(edit)


def _move_parcel(parcel: Parcel, reported: TrackingEvent) -> None:
    """Updates a parcel's status. A late report does not move a delivered parcel back; only its return does."""
    if reported.status == TRACKING_STATUS_DELIVERED and not was_delivered(parcel):
        parcel.status = SHIPMENT_STATUS_DELIVERED
        parcel.deliver_time.CopyFrom(reported.time)
    elif reported.status == TRACKING_STATUS_RETURNED:
        if was_delivered(parcel) and not parcel.HasField("deliver_time"):
            # An imported parcel that has been delivered.
            parcel.deliver_time.CopyFrom(reported.time)
        parcel.status = SHIPMENT_STATUS_RETURNED
    elif reported.status in _ON_ITS_WAY and parcel.status == SHIPMENT_STATUS_SHIPPED:
        parcel.status = SHIPMENT_STATUS_IN_TRANSIT


def track(order: Order, events: Iterable[OrderEvent], support: Support = _NO_SUPPORT) -> Tracking:
    """The tracking of an order: its events, oldest first, and the current status of its most recent shipment."""
    story = _story(list(events))
    latest = next(reversed(list(active(order))), None)
    parcel = latest.parcels[0] if latest is not None and latest.parcels else _only_parcel(order)
    tracking = Tracking(
        order_id=order.order_id,
        tracking_number=parcel.tracking_number,
        carrier=parcel.carrier,
        events=story,
        shipments=order.shipments,
    )
    if support.ListFields():
        tracking.support.CopyFrom(support)
    own = [event for event in story if latest is None or event.shipment_id in ("", latest.shipment_id)]
    current = _current(own)
    if current is not None:
        tracking.status = current.status
        _set_location(tracking, own[: own.index(current) + 1])
    if parcel.HasField("estimated_delivery_time"):
        tracking.estimated_delivery_time.CopyFrom(parcel.estimated_delivery_time)
    elif order.delivery.HasField("estimated_time"):
        tracking.estimated_delivery_time.CopyFrom(order.delivery.estimated_time)
    return tracking


def _only_parcel(order: Order) -> Parcel:
    """The parcel of an order without shipments."""
    return Parcel(carrier=order.delivery.carrier, tracking_number=order.delivery.tracking_number)


def _current(story: Sequence[TrackingEvent]) -> TrackingEvent | None:
    """The event with the current status. Late reports do not move back a returned or delivered parcel."""
    for final in (TRACKING_STATUS_RETURNED, TRACKING_STATUS_DELIVERED):
        for event in reversed(story):
            if event.status == final:
                return event
    return story[-1] if story else None


def _story(history: Sequence[OrderEvent]) -> list[TrackingEvent]:
    """The reports, and those of the order's own events that no report duplicates."""
    reports = [event.tracking_event for event in history if event.tracking_event.status]
    told = {(report.shipment_id, report.status) for report in reports}
    recorded = {event.type for event in history}
    story = []
    for event in history:
        own = None if event.HasField("tracking_event") else _own_event(event, reports, recorded)
        if event.HasField("tracking_event"):
            story.append(event.tracking_event)
        elif own is not None and (own.shipment_id, own.status) not in told:
            story.append(own)
    return sorted(story, key=lambda event: _when(event.time))


def _own_event(event: OrderEvent, reports: Sequence[TrackingEvent], recorded: Collection[int]) -> TrackingEvent | None:
    """The tracking event of a status or a shipment. If shipments are recorded, SHIPPED and DELIVERED come from them."""
    status = _SHIPMENT_EVENTS.get(event.type)
    if status is None:
        status = event.to_status
        told_by = next((type_ for type_, told in _SHIPMENT_EVENTS.items() if told == status), None)
        if event.type not in _STATUS_EVENTS or told_by in recorded:
            return None
    tracked, description = _OWN_EVENTS[status]
    return TrackingEvent(
        status=tracked,
        description=description,
        time=_happened(event, status, reports),
        shipment_id=event.shipment_id,
    )


def _happened(event: OrderEvent, status: OrderStatus, reports: Iterable[TrackingEvent]) -> Timestamp:
    """The time of an order's own event, no later than a report that implies it."""
    later = (
        report.time
        for report in reports
        if report.status in IMPLIED
        and RANK[IMPLIED[report.status]] >= RANK[status]
        and event.shipment_id in ("", report.shipment_id)
    )
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
