"""Loyalty points: the check of a balance, and the ledger entry of each change."""

from collections.abc import Sequence

from orders.v1.customer_service_pb2 import PointsEntry
from orders.v1.error_reason_pb2 import ERROR_REASON_INSUFFICIENT_POINTS

from server.domain.base.edits import OrderChange
from server.domain.base.errors import Refusal
from server.domain.base.values import PointsMove


def check_points(moves: Sequence[PointsMove], *, balance: int, requested: int = 0) -> None:
    """Refuses moves that take more points than the customer has. A change cannot use the points that it earns.

    `requested` is the number in the request, of which the order may need less.
    """
    taken = -sum(move.delta for move in moves if move.delta < 0)
    if taken > max(balance, 0):
        requested = max(requested, taken)
        most = f"; this order takes at most {taken}" if requested > taken else ""
        text = f"{requested} points were requested{most}, and the customer has {balance}"
        metadata = {"requested": str(requested), "available": str(balance)}
        raise Refusal(ERROR_REASON_INSUFFICIENT_POINTS, text, metadata=metadata)


def entry_of(move: PointsMove, change: OrderChange, *, entry_id: str, balance: int) -> PointsEntry:
    """The ledger entry for points that a change of an order moved; `balance` is the customer's afterwards."""
    order, event = change.after, change.events[-1]
    return PointsEntry(
        entry_id=entry_id,
        customer_id=order.customer.customer_id,
        type=move.type,
        delta=move.delta,
        balance=balance,
        order_id=order.order_id,
        actor=event.actor,
        request_id=event.request_id,
        entry_time=event.event_time,
    )
