"""ExplainOrder: the statuses that an order can reach, and what blocks the others."""

from orders.v1.order_pb2 import Order, OrderStatus
from orders.v1.order_service_pb2 import ExplainOrderResponse, TransitionBlocker, TransitionExplanation

from server.domain.base.caller import Caller
from server.domain.lifecycle.lifecycle import RANK, STEPS, refusals


def explain_order(order: Order, caller: Caller) -> ExplainOrderResponse:
    """The answer of TransitionOrder to this caller, for each status except the current one."""
    others = [status for status in sorted(RANK, key=RANK.__getitem__) if status != order.status]
    return ExplainOrderResponse(
        order_id=order.order_id,
        status=order.status,
        transitions=[_explain(order, to, caller) for to in others],
    )


def _explain(order: Order, to: OrderStatus, caller: Caller) -> TransitionExplanation:
    """Evaluates the rule of TransitionOrder, so both always agree."""
    step = STEPS.get((order.status, to))
    blocking = list(refusals(order, to, caller))
    return TransitionExplanation(
        to=to,
        allowed=not blocking,
        blocked_by=blocking[0].error_reason if blocking else None,
        explanation=blocking[0].message if blocking else "",
        roles=sorted(step.who) if step else [],
        passing=[step.passing] if step and step.passing else [],
        blockers=[
            TransitionBlocker(
                guard=refusal.metadata.get("guard", ""), reason=refusal.error_reason, explanation=refusal.message
            )
            for refusal in blocking
        ],
    )
