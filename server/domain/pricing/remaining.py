"""The parts of an order's price that are not refunded, and shares of them by line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from orders.v1.error_reason_pb2 import ERROR_REASON_LINE_QUANTITY_EXCEEDED
from orders.v1.order_pb2 import (
    PRICE_PART_LINE,
    PRICE_PART_UNSPECIFIED,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    Order,
    Refund,
)
from orders.v1.order_service_pb2 import LineQuantity

from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.money import minor_of
from server.domain.pricing.shares import Share, money_of, parts_of, rest_of, share_of, take, take_amount


def remaining(order: Order, *, amounts: bool = True) -> list[Share]:
    """The parts of the price less what refunds have taken. Refunds of amounts, which name no lines, count if `amounts` is set."""
    return _after(order, filter(counts, order.refunds), amounts=amounts)


def uncredited(order: Order, *, but: str = "") -> list[Share]:
    """The parts of the price less the completed refunds except `but`; pending refunds may still fail."""
    others = (refund for refund in order.refunds if refund.refund_id != but and refund.status != REFUND_STATUS_PENDING)
    return _after(order, filter(counts, others), amounts=True)


def _after(order: Order, refunds: Iterable[Refund], *, amounts: bool) -> list[Share]:
    parts = parts_of(order)
    for refund in refunds:
        parts = _less(parts, refund, amounts=amounts)
    return parts


def counts(refund: Refund) -> bool:
    """Whether a refund succeeded, is pending, or failed after it had a credit note or had returned points."""
    return bool(refund.status != REFUND_STATUS_FAILED or refund.credit_note_number or refund.returned_points)


def _less(parts: Sequence[Share], refund: Refund, *, amounts: bool) -> list[Share]:
    taken = list(map(share_of, refund.lines))
    by_line = [share for share in taken if share.part != PRICE_PART_UNSPECIFIED]
    # A credit note of an earlier version of the server has no lines.
    amount = money_of(taken) - money_of(by_line) if taken else minor_of(refund.credited_amount)
    if amounts:
        by_line += take_amount(parts, min(amount, money_of(parts)))
    return [rest_of(part, (share for share in by_line if share.key == part.key)) for part in parts]


def take_lines(
    order: Order,
    parts: Sequence[Share],
    lines: Sequence[LineQuantity],
    *,
    field: str,
    available: Mapping[str, int] | None = None,
) -> Iterator[Share]:
    """The shares of units of lines; refuses more units than are left, or than are `available` by line.

    `field` is the lines' path in the request.
    """
    left = {part.item_id: part for part in parts if part.part == PRICE_PART_LINE}
    for index, line in enumerate(lines):
        path = f"{field}[{index}]"
        part = left.pop(line.item_id, None)
        if part is None:
            raise _no_line(order, line.item_id, field=f"{path}.item_id")
        most = part.quantity if available is None else min(part.quantity, available.get(line.item_id, 0))
        quantity = line.quantity or most
        if not 0 < quantity <= most:
            raise _too_many(order, part, requested=max(1, quantity), available=most)
        yield take(part, quantity, part.quantity, quantity=quantity)


def _no_line(order: Order, item_id: str, *, field: str) -> Refusal:
    ids = [item.item_id for item in order.items]
    if item_id in ids:
        return invalid_field(field, f"{item_id!r} occurs twice, or its amounts are not known by line")
    return invalid_field(field, f"the order has no line {item_id!r}; it has {', '.join(ids[:10])}")


def _too_many(order: Order, part: Share, *, requested: int, available: int) -> Refusal:
    metadata = {
        "order_id": order.order_id,
        "item_id": part.item_id,
        "requested": str(requested),
        "available": str(available),
    }
    text = f"order {order.order_number}: {available} units of line {part.item_id} are left, not {requested}"
    return Refusal(ERROR_REASON_LINE_QUANTITY_EXCEEDED, text, metadata=metadata)
