"""The work queue: which orders wait for a worker, ClaimFulfilments and ExtendFulfilment.

A claim is a lease in the queue and does not change the order. Claims use only the database's time, so the clocks of servers
do not matter.
"""

from collections.abc import Iterator

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.error_reason_pb2 import ERROR_REASON_FULFILMENT_CLAIM_LOST
from orders.v1.fulfilment_queue_pb2 import (
    FULFILMENT_STATE_CLAIMED,
    FULFILMENT_STATE_DEFERRED,
    FULFILMENT_STATE_WAITING,
    ClaimFulfilmentsRequest,
    ClaimFulfilmentsResponse,
    ExtendFulfilmentRequest,
    Fulfilment,
    FulfilmentFilter,
    FulfilmentState,
)
from orders.v1.order_pb2 import ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING, Order

from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.base.work_queue import Claim, Queued, QueueEntry, WorkFilter
from server.domain.lifecycle.guards import status_name
from server.domain.lifecycle.payment_status import due

_WORKED_ON = frozenset({ORDER_STATUS_CONFIRMED, ORDER_STATUS_PROCESSING})
_DEFAULT_COUNT = 20
_DEFAULT_LEASE = Duration(seconds=300)


def entry_of(order: Order) -> QueueEntry | None:
    """The order's entry in the queue; None if no worker may claim it."""
    if order.status not in _WORKED_ON or order.source or order.holds:
        return None
    if order.fulfilment.HasField("complete_time") or due(order):
        return None
    delivery = order.delivery
    promised = delivery.estimated_time if delivery.HasField("estimated_time") else order.create_time
    return QueueEntry(order.order_id, order.order_number, promised, delivery.method, delivery.zone_id)


def filter_of(message: FulfilmentFilter) -> WorkFilter:
    """The filter, the same for lists in any order."""
    return WorkFilter(
        *(tuple(sorted(set(names))) for names in (message.delivery_methods, message.zone_ids, message.product_ids))
    )


def _claims(request: ClaimFulfilmentsRequest) -> Needs:
    return Needs(claims={filter_of(request.filter): request.count or _DEFAULT_COUNT})


@operation(ClaimFulfilmentsRequest, needs=_claims)
def claim_fulfilments(request: ClaimFulfilmentsRequest, state: State, audit: Audit) -> ClaimFulfilmentsResponse:
    """Claims the first waiting orders."""
    claim_id, worker = state.new_id(), request.worker or audit.caller.subject
    response = ClaimFulfilmentsResponse()
    for queued in _waiting(request, state):
        expires = later(queued.now, _lease_of(request))
        claim = Claim(claim_id, worker, queued.now, expires, queued.claim.claim_count + 1)
        state.put_claim(queued._replace(claim=claim))
        response.fulfilments.append(message_of(queued._replace(claim=claim)))
        if len(response.fulfilments) == (request.count or _DEFAULT_COUNT):
            break
    return response


def _waiting(request: ClaimFulfilmentsRequest, state: State) -> Iterator[Queued]:
    """The matching orders, without those that earlier commands of the batch have claimed or removed from the queue."""
    for queued in state.claimable.get(filter_of(request.filter), ()):
        order_id = queued.entry.order_id
        order = state.orders.get(order_id)
        if order_id not in state.changes.claims and (order is None or entry_of(order) is not None):
            yield queued


@operation(ExtendFulfilmentRequest, needs=lambda request: Needs(orders=[request.order_id], queued=True))
def extend_fulfilment(request: ExtendFulfilmentRequest, state: State, audit: Audit) -> Fulfilment:
    """Extends a claim's lease."""
    order = state.order(request.order_id, audit.caller)
    queued = claimed(order, request.claim_id, state)
    queued = queued._replace(claim=queued.claim._replace(expire_time=later(queued.now, _lease_of(request))))
    state.put_claim(queued)
    return message_of(queued)


def claimed(order: Order, claim_id: str, state: State) -> Queued:
    """The order in the queue. Refuses if it is not claimed under the claim."""
    queued: Queued | None = state.queue.get(order.order_id)
    if queued is None or entry_of(order) is None or queued.claim.claim_id != claim_id.lower():
        raise _lost(order, claim_id)
    return queued


def _lost(order: Order, claim_id: str) -> Refusal:
    status = status_name(order.status)
    text = f"order {order.order_number} is {status} and not claimed under {claim_id!r}: the claim has ended"
    metadata = {"order_id": order.order_id, "claim_id": claim_id, "status": status}
    return Refusal(ERROR_REASON_FULFILMENT_CLAIM_LOST, text, metadata=metadata)


def _lease_of(request: ClaimFulfilmentsRequest | ExtendFulfilmentRequest) -> Duration:
    return request.lease if request.HasField("lease") else _DEFAULT_LEASE


def later(time: Timestamp, by: Duration) -> Timestamp:
    """The time after a duration, in the database's microseconds."""
    found = Timestamp()
    found.FromMicroseconds(time.ToMicroseconds() + by.ToMicroseconds())
    return found


def message_of(queued: Queued) -> Fulfilment:
    """The order in the queue, as callers see it."""
    entry, claim, now = queued
    state = _state_of(claim, now)
    found = Fulfilment(
        order_id=entry.order_id,
        order_number=entry.order_number,
        state=state,
        due_time=entry.due_time,
        delivery_method=entry.delivery_method,
        zone_id=entry.zone_id,
        claim_count=claim.claim_count,
    )
    if state != FULFILMENT_STATE_WAITING:
        found.MergeFrom(Fulfilment(lease_expire_time=claim.expire_time))
    if state == FULFILMENT_STATE_CLAIMED:
        found.MergeFrom(Fulfilment(claim_id=claim.claim_id, worker=claim.worker, claim_time=claim.claim_time))
    return found


def _state_of(claim: Claim, now: Timestamp) -> FulfilmentState:
    if claim.expire_time is None or claim.expire_time.ToMicroseconds() <= now.ToMicroseconds():
        return FULFILMENT_STATE_WAITING
    return FULFILMENT_STATE_CLAIMED if claim.claim_id else FULFILMENT_STATE_DEFERRED
