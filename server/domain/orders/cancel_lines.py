"""CancelOrderLines: cancels units of lines that have not shipped."""

from collections.abc import Sequence

from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_UPDATED,
    PRICE_ADJUSTMENT_TYPE_LINES_CANCELLED,
    PRICE_PART_INSTALLATION,
    AppliedTax,
    Order,
    OrderEvent,
    OrderItem,
    PriceAdjustment,
)
from orders.v1.order_service_pb2 import CancelOrderLinesRequest

from server.domain.base.edits import Audit, OrderChange, OrderEdit, check_etag, edit_of
from server.domain.base.errors import invalid_field
from server.domain.base.money import from_minor, minor_of
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.rounding import divide, spread
from server.domain.base.state import State
from server.domain.fulfilment.lines import follow_shipments, unpacked
from server.domain.fulfilment.shipping import follow_status
from server.domain.lifecycle.lifecycle import check_cancellable, confirm_if_paid
from server.domain.lifecycle.payment_status import refundable, room_of, sum_payments
from server.domain.orders.adjustments import add_adjustment
from server.domain.orders.apply import apply
from server.domain.orders.backorders import follow_backorders
from server.domain.payments.payments import list_payments
from server.domain.payments.refunds import request_refund
from server.domain.pricing.remaining import remaining, take_lines
from server.domain.pricing.shares import Share, message_of, money_of, summed, take
from server.domain.pricing.taxes import TaxName

_FIELDS = (
    "items",
    "pricing",
    "total_quantity",
    "installation",
    "adjustments",
    "refunds",
    "payment",
    "payments",
    "payment_status",
    "shipping_status",
)


@operation(
    CancelOrderLinesRequest,
    needs=lambda request: Needs(orders=[request.order_id], related=True, ledger=True, documents=True),
)
def cancel_order_lines(request: CancelOrderLinesRequest, state: State, audit: Audit) -> bytes:
    """Cancels units of an order's lines. Their stock, points and money are returned by the same shares as refunds."""
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    check_cancellable(before, audit.caller)
    if before.source:
        raise invalid_field("items", "the items of an imported order change through BatchUpsertOrders")
    edit = edit_of(before, audit)
    if not before.payments and (events := state.payment_events.get(before.order_id, ())):
        list_payments(edit.order, events, audit)
    change = _cancel(edit, request)
    return apply(change, state)


def _cancel(edit: OrderEdit, request: CancelOrderLinesRequest) -> OrderChange:
    order = edit.order
    assert edit.before is not None
    shares = _cancelled(order, request)
    adjustment = add_adjustment(order, PRICE_ADJUSTMENT_TYPE_LINES_CANCELLED, edit.audit)
    adjustment.reason = request.reason
    adjustment.lines.extend(message_of(share, order.pricing.total.currency_code) for share in shares)
    _reduce(order, shares)
    adjustment.new_total.CopyFrom(order.pricing.total)
    _pay_back(order, adjustment, money_of(shares), edit.audit)
    sum_payments(order)
    follow_shipments(order)
    changed = [field for field in _FIELDS if getattr(edit.before, field) != getattr(order, field)]
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_UPDATED, reason=request.reason, changed_fields=changed))
    follow_backorders(edit)
    confirm_if_paid(edit)
    follow_status(edit)
    return edit.finish()


def _cancelled(order: Order, request: CancelOrderLinesRequest) -> list[Share]:
    """The shares of the cancelled units, and of their installation."""
    left = remaining(order, amounts=False)
    shares = list(take_lines(order, left, request.items, field="items", available=unpacked(order)))
    if sum(share.quantity for share in shares) == sum(item.quantity for item in order.items):
        raise invalid_field("items", "are all lines of the order; to cancel it, call CancelOrder")
    items = {item.item_id: item for item in order.items}
    price = sum(minor_of(items[share.item_id].installation_price) * share.quantity for share in shares)
    installation = next((part for part in left if part.part == PRICE_PART_INSTALLATION), None)
    if installation is not None and min(price, installation.price):
        shares.append(take(installation, min(price, installation.price), installation.price))
    return shares


def _reduce(order: Order, shares: Sequence[Share]) -> None:
    """Subtracts the shares from the order's lines and amounts."""
    items = {item.item_id: item for item in order.items}
    for share in shares:
        if share.item_id:
            _reduce_item(items[share.item_id], share)
        else:
            _less(order.pricing.installation_taxes, share)
            _subtract(order.pricing, "installation", share.price)
    kept = [item for item in order.items if item.quantity]
    del order.items[:]
    order.items.extend(kept)
    order.total_quantity = sum(item.quantity for item in order.items)
    order.installation.required = any(item.requires_installation for item in order.items)
    _reduce_pricing(order, shares)


def _reduce_item(item: OrderItem, share: Share) -> None:
    item.quantity -= share.quantity
    item.backordered_quantity = max(0, item.backordered_quantity - share.quantity)
    _subtract(item, "total_price", share.price)
    _subtract(item, "discount", share.discount, clears=True)
    _subtract(item, "tax", share.tax, clears=True)
    if not item.HasField("tax"):
        item.ClearField("tax_basis_points")
    _less(item.taxes, share)


def _reduce_pricing(order: Order, shares: Sequence[Share]) -> None:
    pricing, whole = order.pricing, summed(shares)
    total = minor_of(pricing.total)
    _subtract(pricing, "subtotal", sum(share.price for share in shares if share.item_id))
    _subtract(pricing, "discount", whole.discount)
    if whole.tax:
        _subtract(pricing, "tax" if whole.added else "included_tax", whole.tax, clears=not whole.added)
    _subtract(pricing, "loyalty_points_value", whole.points_value, clears=True)
    _subtract(pricing, "total", whole.money)
    _less(pricing.taxes, whole)
    left = [tax for tax in pricing.taxes if minor_of(tax.taxable_amount)]
    del pricing.taxes[:]
    pricing.taxes.extend(left)
    pricing.loyalty_points_used -= whole.points
    if total:
        pricing.loyalty_points_earned = divide(pricing.loyalty_points_earned * minor_of(pricing.total), total)
    _reduce_coupons(order, whole.discount)


def _reduce_coupons(order: Order, discount: int) -> None:
    coupons = order.pricing.applied_coupons
    if discount:
        shares = spread(discount, [minor_of(coupon.discount) for coupon in coupons])
        for coupon, share in zip(coupons, shares, strict=True):
            _subtract(coupon, "discount", share)


def _subtract(message: object, name: str, amount: int, *, clears: bool = False) -> None:
    """Subtracts an amount from a field. At 0, clears the field if it is unset for 0."""
    money = getattr(message, name)
    if amount:
        money.CopyFrom(from_minor(minor_of(money) - amount, money.currency_code))
        if clears and not minor_of(money):
            message.ClearField(name)  # type: ignore[attr-defined]


def _less(taxes: Sequence[AppliedTax], share: Share) -> None:
    gone = {tax.named: tax for tax in share.taxes}
    for tax in taxes:
        less = gone.get(TaxName(tax.name, tax.rate.value, tax.compound))
        if less is not None:
            _subtract(tax, "taxable_amount", less.taxable)
            _subtract(tax, "amount", less.amount)


def _pay_back(order: Order, adjustment: PriceAdjustment, cancelled: int, audit: Audit) -> None:
    """Opens refunds of the amount paid beyond the remaining price."""
    owed = min(cancelled, max(0, refundable(order) - money_of(remaining(order))))
    for payment in order.payments:
        amount = min(owed, room_of(order, payment))
        if amount:
            refund = request_refund(order, payment, amount, shares=(), reason=adjustment.reason, audit=audit)
            adjustment.refund_ids.append(refund.refund_id)
            owed -= amount
