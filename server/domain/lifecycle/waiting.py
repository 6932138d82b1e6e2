"""WaitOrder: whether an order can still meet a condition, and what blocks it."""

from collections.abc import Collection

from orders.v1.error_reason_pb2 import ERROR_REASON_WAIT_IMPOSSIBLE
from orders.v1.order_pb2 import Order, OrderStatus

from server.domain.base.caller import Caller
from server.domain.base.errors import Refusal
from server.domain.lifecycle.explain import explain_order
from server.domain.lifecycle.guards import status_name
from server.domain.lifecycle.lifecycle import RANK, STEPS


def check_reachable(order: Order, statuses: Collection[OrderStatus]) -> None:
    """Refuses to wait for statuses that the order can never enter."""
    if statuses and _statuses_after(order.status).isdisjoint(statuses):
        text = f"order {order.order_number} is {status_name(order.status)}; {_names(statuses)} cannot follow"
        metadata = {"order_id": order.order_id, "status": status_name(order.status)}
        raise Refusal(ERROR_REASON_WAIT_IMPOSSIBLE, text, metadata=metadata)


def _statuses_after(status: OrderStatus) -> set[OrderStatus]:
    """The status, and those that can follow in any number of steps."""
    found = {status}
    for before in sorted(RANK, key=RANK.__getitem__):
        found |= {to for start, to in STEPS if start == before and start in found}
    return found


def open_condition(order: Order, statuses: Collection[OrderStatus], version: int, caller: Caller) -> str:
    """A sentence about the unmet condition."""
    here = f"order {order.order_number} is {status_name(order.status)} at version {order.version}"
    if not statuses:
        return f"{here}; waiting for version {version}"
    blocked = [
        each.explanation
        for each in explain_order(order, caller).transitions
        if each.to in statuses and each.explanation
    ]
    return "; ".join([f"{here}; waiting for {_names(statuses)}", *blocked])


def _names(statuses: Collection[OrderStatus]) -> str:
    return " or ".join(status_name(status) for status in sorted(set(statuses), key=RANK.__getitem__))
