"""RecordTrackingEvent: applies a carrier's report to an order."""

from orders.v1.order_pb2 import Tracking
from orders.v1.order_service_pb2 import RecordTrackingEventRequest

from server.domain.base.edits import Audit
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.fulfilment.tracking import IMPLIED, report, track
from server.domain.orders.apply import apply


@operation(
    RecordTrackingEventRequest,
    needs=lambda request: Needs(orders=[request.order_id], history=True, related=request.event.status in IMPLIED),
)
def record_tracking_event(request: RecordTrackingEventRequest, state: State, audit: Audit) -> Tracking:
    """Records a carrier's report and returns the order's tracking."""
    before = state.order(request.order_id, audit.caller)
    recorded = len(state.history[before.order_id])
    apply(report(before, request, recorded=recorded, audit=audit), state)
    order = state.order(before.order_id, audit.caller)
    return track(order, state.history[order.order_id])
