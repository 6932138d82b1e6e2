"""ExplainOrder: the statuses that an order can reach, and what blocks the others."""

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.order_pb2 import Order, OrderStatus
from orders.v1.order_service_pb2 import ExplainOrderResponse, TransitionExplanation

from server.domain.base.caller import Caller
from server.domain.base.edits import Audit, edit_of
from server.domain.base.errors import Refusal
from server.domain.lifecycle.lifecycle import RANK, STEPS, transition


def explain_order(order: Order, caller: Caller) -> ExplainOrderResponse:
    """TransitionOrder's answer to this caller for each status but the order's own."""
    others = [status for status in sorted(RANK, key=RANK.__getitem__) if status != order.status]
    return ExplainOrderResponse(
        order_id=order.order_id,
        status=order.status,
        transitions=[_explain(order, to, caller) for to in others],
    )


def _explain(order: Order, to: OrderStatus, caller: Caller) -> TransitionExplanation:
    step = STEPS.get((order.status, to))
    refusal = _refusal(order, to, caller)
    return TransitionExplanation(
        to=to,
        allowed=refusal is None,
        blocked_by=refusal.error_reason if refusal else None,
        explanation=refusal.message if refusal else "",
        roles=sorted(step.who) if step else [],
        passing=[step.passing] if step and step.passing else [],
    )


def _refusal(order: Order, to: OrderStatus, caller: Caller) -> Refusal | None:
    """Tries the move on a copy: the rule itself answers, so TransitionOrder cannot answer otherwise."""
    try:
        transition(edit_of(order, Audit(caller, method="ExplainOrder", request_id="", time=Timestamp())), to)
    except Refusal as error:
        return error
    return None
