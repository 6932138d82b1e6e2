"""The shares of an order's price in a refund of lines or of an amount."""

from collections.abc import Iterator, Sequence

from orders.v1.error_reason_pb2 import ERROR_REASON_NOTHING_TO_REFUND
from orders.v1.order_pb2 import PRICE_PART_INSTALLATION, PRICE_PART_SHIPPING, Order, PricePart
from orders.v1.order_service_pb2 import RefundOrderRequest

from server.domain.base.errors import Refusal, invalid_field
from server.domain.pricing.remaining import remaining, take_lines
from server.domain.pricing.shares import Share, money_of, summed, take_amount

# Each is part of the stored order.
MAX_REFUNDED_LINES = 1000

_SERVICES = {"shipping": PRICE_PART_SHIPPING, "installation": PRICE_PART_INSTALLATION}


def shares_of_lines(order: Order, request: RefundOrderRequest) -> list[Share]:
    """The shares of the lines, shipping and installation that a request names; none if it names none of them."""
    if not (request.items or request.shipping or request.installation):
        return []
    if request.HasField("amount"):
        raise invalid_field("amount", "set either an amount, or items, shipping and installation")
    refunded = sum(len(refund.lines) for refund in order.refunds)
    if refunded + len(request.items) > MAX_REFUNDED_LINES:
        text = f"the refunds of order {order.order_number} name {refunded} lines already; refund an amount"
        raise invalid_field("items", text)
    left = remaining(order)
    shares = [*take_lines(order, left, request.items, field="items"), *_services(order, left, request)]
    if not money_of(shares):
        raise _nothing(order, "items", "no money was charged for these lines")
    return shares


def _services(order: Order, left: Sequence[Share], request: RefundOrderRequest) -> Iterator[Share]:
    for name, part in _SERVICES.items():
        if getattr(request, name):
            share = _part_of(left, part)
            if share is None or not share.price:
                raise _nothing(order, name, "nothing was charged for it, or it is refunded already")
            yield share


def _part_of(left: Sequence[Share], part: PricePart) -> Share | None:
    return next((share for share in left if share.part == part), None)


def shares_of_amount(left: Sequence[Share], amount: int, *, after: int) -> list[Share]:
    """The share of the rest of the order that an amount refunds, without amounts paid beyond the total.

    `after` is the amount that remains refundable.
    """
    price = money_of(left)
    shares = take_amount(left, min(amount, price - min(price, max(0, after))))
    return [summed(shares)] if shares else []


def _nothing(order: Order, field: str, why: str) -> Refusal:
    metadata = {"order_id": order.order_id, "field": field}
    return Refusal(ERROR_REASON_NOTHING_TO_REFUND, f"order {order.order_number}: {field}: {why}", metadata=metadata)
