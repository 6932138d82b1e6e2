"""Returns: they match the counters of lines, have only delivered units, and their refunds exist."""

from collections.abc import Iterator

from orders.v1.order_pb2 import Order

from server.domain.fulfilment.returns import return_counters


def return_problems(order: Order) -> list[str]:
    """The mismatches between an order's returns, the counters of its lines and its refunds."""
    if not order.returns:
        return []
    return [*_counters(order), *_refunds(order)]


def _counters(order: Order) -> Iterator[str]:
    for item in order.items:
        for name, units in return_counters(order).items():
            stored, expected = getattr(item, name), units[item.item_id]
            if stored != expected:
                yield f"line {item.item_id} has {name} {stored}, its returns say {expected}"
        if item.return_requested_quantity + item.returned_quantity > item.delivered_quantity:
            yield f"line {item.item_id} has more units in returns than were delivered"


def _refunds(order: Order) -> Iterator[str]:
    known = {refund.refund_id for refund in order.refunds}
    for each in order.returns:
        for refund_id in each.refund_ids:
            if refund_id not in known:
                yield f"return {each.return_id} names refund {refund_id}, which does not exist"
