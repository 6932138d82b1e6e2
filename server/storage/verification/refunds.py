"""Refunds by line and documents: shares do not exceed their parts, and taxes add up by rate."""

from collections.abc import Iterator

from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import PRICE_PART_UNSPECIFIED, REFUND_STATUS_SUCCEEDED, Order, PricePart, Refund

from server.domain.base.money import minor_of
from server.domain.pricing.remaining import counts
from server.domain.pricing.shares import Share, money_of, parts_of, share_of
from server.storage.verification.prices import by_name


def refund_problems(order: Order) -> Iterator[str]:
    """The contradictions between the lines of an order's refunds, their amounts and the order's price."""
    for refund in order.refunds:
        yield from _line_problems(refund)
    taken: dict[tuple[PricePart, str], list[Share]] = {}
    for refund in filter(counts, order.refunds):
        for share in map(share_of, refund.lines):
            taken.setdefault(share.key, []).append(share)
    taken.pop((PRICE_PART_UNSPECIFIED, ""), None)
    parts = {part.key: part for part in parts_of(order)}
    for key, shares in taken.items():
        part = parts.get(key)
        if part is None or not _fits(part, shares):
            yield f"refunds return more of {_name(shares[0])} than the order has"


def _line_problems(refund: Refund) -> Iterator[str]:
    shares = list(map(share_of, refund.lines))
    if any(minor_of(line.amount) != share.money for line, share in zip(refund.lines, shares, strict=True)):
        yield f"the amounts of the lines of refund {refund.refund_id} are not those of their prices"
    if money_of(shares) > minor_of(refund.amount):
        yield f"the lines of refund {refund.refund_id} add up to more than its amount"
    points = sum(share.points for share in shares)
    if refund.lines and refund.status == REFUND_STATUS_SUCCEEDED and points != refund.returned_points:
        yield f"refund {refund.refund_id} returned {refund.returned_points} points; its lines have {points}"


def _fits(part: Share, shares: list[Share]) -> bool:
    return (
        sum(share.quantity for share in shares) <= part.quantity
        and sum(share.price for share in shares) <= part.price
        and sum(share.discount for share in shares) <= part.discount
        and sum(share.tax for share in shares) <= part.tax
    )


def _name(share: Share) -> str:
    return f"line {share.item_id}" if share.item_id else "shipping or installation"


def tax_problems(number: str, document: Invoice | CreditNote) -> Iterator[str]:
    """The contradictions between a document's taxes by rate and its lines. Those of earlier versions have neither."""
    totals = by_name(document.tax_totals)
    if isinstance(document, Invoice):
        lines, tax = by_name(document.pricing.taxes), minor_of(document.pricing.tax)
        tax += minor_of(document.pricing.included_tax)
        known = bool(document.tax_totals and document.pricing.taxes)
    else:
        lines, tax = by_name(tax for line in document.lines for tax in line.taxes), minor_of(document.tax)
        known = bool(document.lines)
        if known and sum(minor_of(line.amount) for line in document.lines) != minor_of(document.amount):
            yield f"the lines of document {number} do not add up to its amount"
    if known and (totals != lines or totals.total() != tax):
        yield f"the taxes of document {number} do not add up by rate"
