"""The operations on returns."""

from collections.abc import Iterator

from orders.v1.order_pb2 import ORDER_EVENT_TYPE_RETURN_CLOSED, PRICE_PART_LINE, Order, Payment, Refund
from orders.v1.order_return_pb2 import (
    RETURN_STATUS_APPROVED,
    RETURN_STATUS_CLOSED,
    RETURN_STATUS_RECEIVED,
    CloseReturnRequest,
    DecideReturnRequest,
    OrderReturn,
    ReceiveReturnRequest,
    RequestReturnRequest,
)
from orders.v1.order_service_pb2 import LineQuantity

from server.domain.base.edits import Audit, OrderEdit, check_etag, edit_of
from server.domain.base.errors import invalid_field
from server.domain.base.money import minor_of, to_minor
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.fulfilment import returns
from server.domain.fulfilment.returns import arrived, check_status, find_return, record_return
from server.domain.lifecycle.lifecycle import FULFILMENT, PAYMENT, check_role
from server.domain.lifecycle.payment_status import refundable, room_of, sum_payments
from server.domain.orders.apply import apply
from server.domain.orders.exchanges import exchange_events, new_exchange, pay_exchange
from server.domain.payments.payments import list_payments, post_events
from server.domain.payments.refund_lines import shares_of_amount
from server.domain.payments.refunds import exceeds, request_refund
from server.domain.pricing.remaining import remaining, take_lines
from server.domain.pricing.shares import Share, money_of, rest_of, take_amount

_CLOSABLE = frozenset({RETURN_STATUS_APPROVED, RETURN_STATUS_RECEIVED})
_MONEY = ("payment_status", "payment", "payments", "refunds")
_Request = RequestReturnRequest | DecideReturnRequest | ReceiveReturnRequest | CloseReturnRequest


def _before(request: _Request, state: State, audit: Audit) -> Order:
    before = state.order(request.order_id, audit.caller)
    check_etag(before, request.etag)
    return before


@operation(RequestReturnRequest, needs=lambda request: Needs(orders=[request.order_id], etag=request.etag))
def request_return(request: RequestReturnRequest, state: State, audit: Audit) -> bytes:
    """Requests the return of delivered units."""
    change = returns.request_return(_before(request, state, audit), request, audit, days=state.terms.return_days)
    return apply(change, state)


@operation(DecideReturnRequest, needs=lambda request: Needs(orders=[request.order_id], etag=request.etag))
def decide_return(request: DecideReturnRequest, state: State, audit: Audit) -> bytes:
    """Approves or declines a return."""
    change = returns.decide_return(_before(request, state, audit), request, audit)
    return apply(change, state)


@operation(
    ReceiveReturnRequest, needs=lambda request: Needs(orders=[request.order_id], etag=request.etag, related=True)
)
def receive_return(request: ReceiveReturnRequest, state: State, audit: Audit) -> bytes:
    """Records the units that arrived, and returns units to stock."""
    change = returns.receive_return(_before(request, state, audit), request, audit)
    return apply(change, state)


def _closing_needs(request: CloseReturnRequest) -> Needs:
    exchanges = bool(request.exchange_items)
    return Needs(
        orders=[request.order_id],
        etag=request.etag,
        ledger=True,
        related=exchanges,
        products=[item.product_id for item in request.exchange_items],
        zones=exchanges,
        documents=exchanges,
        new_orders=int(exchanges),
    )


@operation(CloseReturnRequest, needs=_closing_needs)
def close_return(request: CloseReturnRequest, state: State, audit: Audit) -> bytes:
    """Closes a return and opens its refunds, which the payments' providers have yet to make; an exchange takes its part."""
    before = _before(request, state, audit)
    check_role(before, FULFILMENT | PAYMENT, audit.caller, what="close returns of")
    amount = _requested(before, request)
    edit = edit_of(before, audit)
    closed = find_return(edit.order, request.return_id)
    if closed.status == RETURN_STATUS_CLOSED:
        return apply(returns.unchanged(before), state)
    check_status(before, closed, _CLOSABLE, what="closed")
    earlier = state.payment_events.get(before.order_id, ())
    if not before.payments and earlier:
        list_payments(edit.order, earlier, audit)
    closed.status = RETURN_STATUS_CLOSED
    closed.close_time.CopyFrom(audit.time)
    exchange = new_exchange(before, request, state, audit) if request.exchange_items else None
    taken: list[Refund] = []
    if not request.no_refund:
        check_role(before, PAYMENT, audit.caller, what="refund")
        price = minor_of(exchange.after.pricing.total) if exchange else 0
        taken = _refund(edit, closed, amount, price=price, reason=request.reason)
    if exchange:
        closed.exchange_order_id = exchange.after.order_id
    fields = [field for field in _MONEY if getattr(before, field) != getattr(edit.order, field)]
    record_return(edit, closed, ORDER_EVENT_TYPE_RETURN_CLOSED, reason=request.reason, fields=fields)
    if exchange:
        post_events(edit, exchange_events(edit.order, taken), earlier)
        pay_exchange(exchange, taken, state, audit)
    return apply(edit.finish(), state)


def _refund(edit: OrderEdit, closed: OrderReturn, amount: int | None, *, price: int, reason: str) -> list[Refund]:
    """Opens refunds of an amount; None for that of the received units. Returns those that pay the price of an exchange."""
    order = edit.order
    units = _received_shares(order, closed)
    amount = money_of(units) if amount is None else amount
    room = sum(room_of(order, payment) for payment in order.payments)
    if amount > room:
        raise exceeds(order, amount, room)
    left = _shares_of(order, units, amount)
    reason = reason or f"return {closed.return_id}"
    taken: list[Refund] = []
    for payment, whole in list(_by_payment(order, amount)):
        paid = min(whole, price)
        for part in filter(None, (paid, whole - paid)):
            own = left if part >= money_of(left) else take_amount(left, part)
            refund = request_refund(order, payment, part, shares=own, reason=reason, audit=edit.audit)
            closed.refund_ids.append(refund.refund_id)
            left = [rest_of(share, (one for one in own if one.key == share.key)) for share in left]
            if paid:
                taken.append(refund)
                price, paid = price - part, 0
    sum_payments(order)
    return taken


def _received_shares(order: Order, closed: OrderReturn) -> list[Share]:
    """The shares of the units that arrived and are not refunded."""
    left = remaining(order)
    units = {part.item_id: part.quantity for part in left if part.part == PRICE_PART_LINE}
    counted = ((item.item_id, min(arrived(item), units.get(item.item_id, 0))) for item in closed.items)
    lines = [LineQuantity(item_id=item_id, quantity=count) for item_id, count in counted if count]
    return list(take_lines(order, left, lines, field="items"))


def _requested(order: Order, request: CloseReturnRequest) -> int | None:
    if not request.HasField("refund_amount"):
        return None
    if request.no_refund:
        raise invalid_field("refund_amount", "set either an amount or no_refund")
    return to_minor(request.refund_amount, field="refund_amount", currency=str(order.pricing.total.currency_code))


def _shares_of(order: Order, units: list[Share], amount: int) -> list[Share]:
    """The shares of an amount: of the units, split among them, or of the whole order if the amount is larger."""
    if amount == money_of(units):
        return units
    if amount < money_of(units):
        return take_amount(units, amount)
    return shares_of_amount(remaining(order), amount, after=refundable(order) - amount)


def _by_payment(order: Order, amount: int) -> Iterator[tuple[Payment, int]]:
    """The amount to refund from each payment: all from one that has enough, or else from several, oldest first."""
    whole = next((payment for payment in order.payments if amount and room_of(order, payment) >= amount), None)
    for payment in order.payments if whole is None else [whole]:
        part = min(amount, room_of(order, payment))
        if part:
            amount -= part
            yield payment, part
