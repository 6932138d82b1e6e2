"""CompleteFulfilment and GiveBackFulfilment: the outcomes of a worker's claim, which the order's history keeps."""

from orders.v1.fulfilment_queue_pb2 import CompleteFulfilmentRequest, GiveBackFulfilmentRequest
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_FULFILMENT_COMPLETED,
    ORDER_EVENT_TYPE_FULFILMENT_GIVEN_BACK,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    Order,
    OrderEvent,
    OrderFulfilment,
)

from server.domain.base.edits import Audit, edit_of
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.base.work_queue import Claim, Queued
from server.domain.fulfilment.queue import claimed, entry_of, later
from server.domain.lifecycle.lifecycle import GONE, transition
from server.domain.orders.apply import apply


@operation(CompleteFulfilmentRequest, needs=lambda request: Needs(orders=[request.order_id], queued=True))
def complete_fulfilment(request: CompleteFulfilmentRequest, state: State, audit: Audit) -> Order | bytes:
    """Takes a claimed order out of the queue, because the work on it is done."""
    before = state.order(request.order_id, audit.caller)
    if before.status in GONE or _is_completed(before, request.claim_id):
        return before
    claim = claimed(before, request.claim_id, state).claim
    edit = edit_of(before, audit)
    if before.status == ORDER_STATUS_CONFIRMED:
        transition(edit, ORDER_STATUS_PROCESSING)
    done = OrderFulfilment(claim_id=claim.claim_id, worker=claim.worker, complete_time=audit.time)
    edit.order.fulfilment.CopyFrom(done)
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_FULFILMENT_COMPLETED, changed_fields=["fulfilment"]))
    return apply(edit.finish(), state)


@operation(GiveBackFulfilmentRequest, needs=lambda request: Needs(orders=[request.order_id], queued=True))
def give_back_fulfilment(request: GiveBackFulfilmentRequest, state: State, audit: Audit) -> Order | bytes:
    """Returns a claimed order, or one whose work was completed, to the queue."""
    before = state.order(request.order_id, audit.caller)
    if before.fulfilment.claim_id == request.claim_id.lower() and before.fulfilment.HasField("give_back_time"):
        return before
    queued = _returned(before, request, state)
    edit = edit_of(before, audit)
    given_back = OrderFulfilment(
        claim_id=queued.claim.claim_id,
        worker=queued.claim.worker,
        give_back_time=audit.time,
        give_back_reason=request.reason,
    )
    edit.order.fulfilment.CopyFrom(given_back)
    event_type = ORDER_EVENT_TYPE_FULFILMENT_GIVEN_BACK
    edit.record(OrderEvent(type=event_type, reason=request.reason, changed_fields=["fulfilment"]))
    body = apply(edit.finish(), state)
    expires = later(queued.now, request.delay) if request.delay.ToMicroseconds() else None
    state.put_claim(queued._replace(claim=Claim(expire_time=expires, claim_count=queued.claim.claim_count)))
    return body


def _returned(order: Order, request: GiveBackFulfilmentRequest, state: State) -> Queued:
    """The order with the claim that ends. The order is in the queue, or has left it after its work was completed."""
    if order.status in GONE or not _is_completed(order, request.claim_id):
        return claimed(order, request.claim_id, state)
    done = order.fulfilment
    waiting = Order()
    waiting.CopyFrom(order)
    waiting.fulfilment.ClearField("complete_time")
    entry = entry_of(waiting)
    if entry is None:
        return claimed(order, request.claim_id, state)
    return Queued(entry, Claim(done.claim_id, done.worker), state.time)


def _is_completed(order: Order, claim_id: str) -> bool:
    done = order.fulfilment
    return done.HasField("complete_time") and done.claim_id == claim_id.lower()
