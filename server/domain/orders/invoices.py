"""Issues invoices and credit notes."""

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.invoice_pb2 import CreditNote, Invoice
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PRICE_ADJUSTMENT_TYPE_SETTLED,
    REFUND_STATUS_SUCCEEDED,
    Order,
    OrderEvent,
    PriceAdjustment,
    Refund,
)

from server.domain.base.edits import OrderChange
from server.domain.base.money import from_minor, minor_of
from server.domain.lifecycle.payment_status import kept_by
from server.domain.payments.refund_lines import shares_of_amount
from server.domain.pricing.remaining import uncredited
from server.domain.pricing.shares import (
    Share,
    message_of,
    money_of,
    parts_of,
    share_of,
    summed,
    take_amount,
    tax_totals,
)

INVOICES = "INV"
CREDIT_NOTES = "CN"


def issue_documents(
    change: OrderChange, *, number: Callable[[str], str], time: Timestamp
) -> list[Invoice | CreditNote]:
    """The documents that a change of an order causes; writes their numbers into the order."""
    order = change.after
    if _is_due(change):
        return [_first_invoice(order, number, time)]
    if not order.invoice_number:
        return []
    documents: list[Invoice | CreditNote] = []
    for adjustment in order.adjustments[len(change.before.adjustments) if change.before else 0 :]:
        documents += _adjusting(order, adjustment, change, number, time)
    documents += [
        _refund_note(order, refund, number, time) for refund in _newly_paid_back(change) if _credit(refund, order)
    ]
    return documents


def _is_due(change: OrderChange) -> bool:
    order = change.after
    return not (order.source or order.invoice_number) and any(map(_confirms, change.events))


def _confirms(event: OrderEvent) -> bool:
    moved = (event.from_status, event.to_status)
    return event.type == ORDER_EVENT_TYPE_STATUS_CHANGED and moved == (ORDER_STATUS_PENDING, ORDER_STATUS_CONFIRMED)


def _newly_paid_back(change: OrderChange) -> list[Refund]:
    """The refunds that succeed by this change. Those from before the invoice never get a credit note."""
    done = {refund.refund_id for refund in change.before.refunds if _succeeded(refund)} if change.before else set()
    return [refund for refund in change.after.refunds if _succeeded(refund) and refund.refund_id not in done]


def _succeeded(refund: Refund) -> bool:
    return bool(refund.status == REFUND_STATUS_SUCCEEDED)


def _first_invoice(order: Order, number: Callable[[str], str], time: Timestamp) -> Invoice:
    """The invoice of a confirmed order. Its whole total is paid or held, regardless of earlier refunds."""
    for refund in order.refunds:
        refund.ClearField("lines")
    return _invoice(order, number, time)


def _invoice(order: Order, number: Callable[[str], str], time: Timestamp) -> Invoice:
    order.invoice_number = number(INVOICES)
    invoice = Invoice(
        invoice_number=order.invoice_number,
        order_id=order.order_id,
        order_number=order.order_number,
        issue_time=time,
        items=order.items,
        payment_method=order.payment_method,
        tax_totals=tax_totals(parts_of(order), order.pricing.total.currency_code),
    )
    for field in ("customer", "billing_address", "shipping_address", "pricing"):
        if order.HasField(field):
            getattr(invoice, field).CopyFrom(getattr(order, field))
    return invoice


def invoiced_totals(order: Order, events: Iterable[OrderEvent]) -> dict[str, int]:
    """The total of each invoice of an order, by number: that before the first adjustment after it."""
    totals: dict[str, int] = {}
    total: int | None = None
    earlier = sum(
        "adjustments" in event.changed_fields for event in takewhile(lambda event: not _confirms(event), events)
    )
    for adjustment in order.adjustments[earlier:]:
        total = minor_of(adjustment.previous_total) if total is None else total
        if adjustment.replaced_invoice_number:
            totals[adjustment.replaced_invoice_number], total = total, None
    if order.invoice_number:
        totals[order.invoice_number] = minor_of(order.pricing.total) if total is None else total
    return totals


def _adjusting(
    order: Order, adjustment: PriceAdjustment, change: OrderChange, number: Callable[[str], str], time: Timestamp
) -> list[Invoice | CreditNote]:
    """The credit note of an adjustment, and the new invoice if it replaces the present one."""
    assert change.before is not None
    replaces = adjustment.type == PRICE_ADJUSTMENT_TYPE_SETTLED
    currency = order.pricing.total.currency_code
    left = uncredited(change.before)
    shares = left if replaces else [share_of(line) for line in adjustment.lines]
    credited = money_of(shares) if replaces else money_of(left) - money_of(uncredited(order))
    if money_of(shares) != credited:
        # Refunds of amounts have taken a part of these lines already.
        shares = [summed(take_amount(left, credited))]
    shares = [share for share in shares if share.price]
    documents: list[Invoice | CreditNote] = []
    if credited:
        adjustment.credited_amount.CopyFrom(from_minor(credited, currency))
        adjustment.credit_note_number = number(CREDIT_NOTES)
        note = _note(order, adjustment.credit_note_number, credited, shares, time)
        note.adjustment_id, note.reason = adjustment.adjustment_id, adjustment.reason
        documents.append(note)
    if replaces:
        adjustment.replaced_invoice_number = order.invoice_number
        documents.append(_invoice(order, number, time))
    return documents


def _credit(refund: Refund, order: Order) -> bool:
    """Sets the credited amount and lines of a refund; false if there is none because more was paid than invoiced."""
    currency = refund.amount.currency_code
    shares = shares_of_amount(uncredited(order, but=refund.refund_id), minor_of(refund.amount), after=kept_by(order))
    credit = money_of(shares)
    if not credit:
        return False
    refund.credited_amount.CopyFrom(from_minor(credit, currency))
    if money_of(map(share_of, refund.lines)) != credit:
        refund.ClearField("lines")
        refund.lines.extend(message_of(share, currency) for share in shares)
    return True


def _refund_note(order: Order, refund: Refund, number: Callable[[str], str], time: Timestamp) -> CreditNote:
    refund.credit_note_number = number(CREDIT_NOTES)
    shares = list(map(share_of, refund.lines))
    note = _note(order, refund.credit_note_number, minor_of(refund.credited_amount), shares, time)
    note.refund_id, note.reason = refund.refund_id, refund.reason
    return note


def _note(order: Order, number: str, amount: int, shares: Sequence[Share], time: Timestamp) -> CreditNote:
    currency = order.pricing.total.currency_code
    return CreditNote(
        credit_note_number=number,
        invoice_number=order.invoice_number,
        order_id=order.order_id,
        amount=from_minor(amount, currency),
        tax=from_minor(sum(share.tax for share in shares), currency),
        lines=[message_of(share, currency) for share in shares],
        tax_totals=tax_totals(shares, currency),
        issue_time=time,
    )
