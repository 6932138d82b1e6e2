"""The money of an order: recorded payments, refunds, and the intents of the server's own provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_PAYMENT,
    ORDER_EVENT_TYPE_REFUND,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_INTENT_STATUS_CANCELLED,
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    Order,
    OrderEvent,
    Payment,
    PaymentEvent,
    PaymentIntent,
    PaymentIntentStatus,
)
from orders.v1.order_service_pb2 import CapturePaymentRequest, RefundOrderRequest, VoidPaymentRequest

from server.domain.base.edits import Audit, OrderChange, OrderEdit, check_etag, edit_of
from server.domain.base.errors import invalid_field
from server.domain.base.money import MAX_MINOR, minor_of, to_minor
from server.domain.base.state import PaymentKey
from server.domain.lifecycle.lifecycle import PAYMENT, check_role, enter, transition
from server.domain.lifecycle.payment_status import (
    has_money,
    intent_payment,
    is_paid_for,
    refundable,
    room_of,
    secured,
    sum_payments,
)
from server.domain.payments.ledger import Ledger, ledger_of, payment_id_of
from server.domain.payments.refund_lines import shares_of_amount, shares_of_lines
from server.domain.payments.refunds import (
    apply_outcomes,
    assign_refunds,
    check_report,
    exceeds,
    rename_payments,
    request_refund,
)
from server.domain.payments.reports import check_same, completed, payment_key
from server.domain.payments.requests import choose_payment, exceeds_hold, held_by
from server.domain.pricing.remaining import remaining
from server.domain.pricing.shares import money_of

MAX_PAYMENTS = 100

# The payment events that the service has, with the orders that they are about.
Recorded = Mapping[PaymentKey, tuple[str, PaymentEvent]]

# The fields of an order that a payment event can change.
_FIELDS = ("payment_status", "payment", "payments", "refunds", "payment_intent")

# The status of an intent after its provider's events.
_INTENT_STATUS = {
    PAYMENT_EVENT_TYPE_AUTHORIZED: PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_EVENT_TYPE_PAID: PAYMENT_INTENT_STATUS_SUCCEEDED,
}

# How the reason of a cancellation begins after a declined payment.
DECLINED = "payment declined"


@dataclass(frozen=True, slots=True)
class SettleIntent:
    """The outcome of an order's intent with the server's own payment provider."""

    # The ids of the order and the event make it safe to repeat, so it has no request id.
    request_id: ClassVar[str] = ""

    order_id: str
    # Without the client secret, which is never stored.
    # None if the provider did not report one.
    intent: PaymentIntent | None
    event: PaymentEvent | None
    # Whether a FAILED event cancels the order.
    cancels: bool
    # The reason for cancelling the order without an event; '' if it is not cancelled.
    gives_up: str = ""
    # The cart that gets its lines back if the order is cancelled.
    cart_id: str = ""

    @property
    def payment_keys(self) -> list[PaymentKey]:
        return [] if self.event is None else [payment_key(self.event)]


@dataclass(frozen=True, slots=True)
class PaymentHistory:
    """The payment events that an operation reads: those of its order, and the one with its event's id."""

    recorded: Recorded
    # The events of the order.
    own: Sequence[PaymentEvent]


def record_payment(before: Order, event: PaymentEvent, history: PaymentHistory, *, audit: Audit) -> OrderChange:
    """The order after a provider's event; unchanged if the event was recorded before."""
    check_role(before, PAYMENT, audit.caller, what="record a payment of")
    edit = edit_of(before, audit)
    _record(edit, event, history)
    return _changed(edit)


def record_imported(
    before: Order, events: Sequence[PaymentEvent], earlier: Sequence[PaymentEvent], *, audit: Audit
) -> OrderChange:
    """The order after events that its source implies, none of which is recorded yet. Its status stays."""
    edit = edit_of(before, audit)
    post_events(edit, events, earlier)
    return edit.finish()


def post_events(edit: OrderEdit, events: Sequence[PaymentEvent], earlier: Sequence[PaymentEvent]) -> None:
    """Adds events that the order does not have yet, and records each."""
    own = list(earlier)
    for event in events:
        passed = Order()
        passed.CopyFrom(edit.order)
        own.append(_post(edit, event, own))
        changed = _changed_fields(passed, edit.order)
        edit.record(OrderEvent(type=ORDER_EVENT_TYPE_PAYMENT, payment_event=own[-1], changed_fields=changed))


def settle_intent(before: Order, settle: SettleIntent, history: PaymentHistory, *, audit: Audit) -> OrderChange:
    """The order after its intent's outcome; unchanged if the outcome was recorded before."""
    check_role(before, PAYMENT, audit.caller, what="record a payment of")
    edit = edit_of(before, audit)
    why = settle.gives_up
    if settle.intent is not None:
        _set_intent(edit, settle.intent)
    event = settle.event
    recorded = event is not None and _record(edit, event, history)
    if recorded and event is not None and settle.cancels and event.type == PAYMENT_EVENT_TYPE_FAILED:
        why = ": ".join(filter(None, (DECLINED, event.description)))
    if why and edit.order.status == ORDER_STATUS_PENDING and not has_money(edit.order):
        transition(edit, ORDER_STATUS_CANCELLED, reason=why)
    return _changed(edit)


def refund_order(before: Order, request: RefundOrderRequest, history: PaymentHistory, *, audit: Audit) -> OrderChange:
    """The order with one more refund, which the payment's provider has yet to make."""
    check_role(before, PAYMENT, audit.caller, what="refund")
    check_etag(before, request.etag)
    edit = _edit_listed(before, history, audit)
    order = edit.order
    amount = _requested(order, request)
    shares = shares_of_lines(order, request)
    payment = choose_payment(order, request.payment_id, room=room_of, purpose="refund")
    room = room_of(order, payment) if payment else 0
    amount = money_of(shares) if shares else room if amount is None else amount
    if payment is None or not amount or amount > room:
        raise exceeds(order, amount or refundable(order), room)
    shares = shares or shares_of_amount(remaining(order), amount, after=refundable(order) - amount)
    request_refund(order, payment, amount, shares=shares, reason=request.reason, audit=audit)
    sum_payments(order)
    changed = _changed_fields(before, order)
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_REFUND, reason=request.reason, changed_fields=changed))
    return edit.finish()


def check_capture(before: Order, request: CapturePaymentRequest, history: PaymentHistory, *, audit: Audit) -> Order:
    """The order, if its payment holds the requested amount."""
    check_role(before, PAYMENT, audit.caller, what="capture a payment of")
    check_etag(before, request.etag)
    order = _edit_listed(before, history, audit).order
    amount = _requested(order, request)
    payment = choose_payment(order, request.payment_id, room=held_by, purpose="capture")
    held = held_by(order, payment) if payment else 0
    if not held or (amount or 0) > held:
        raise exceeds_hold(order, payment, held if amount is None else amount)
    return order


def check_void(before: Order, request: VoidPaymentRequest, history: PaymentHistory, *, audit: Audit) -> Order:
    """The order, if its payment holds an amount."""
    check_role(before, PAYMENT, audit.caller, what="release a payment of")
    check_etag(before, request.etag)
    order = _edit_listed(before, history, audit).order
    payment = choose_payment(order, request.payment_id, room=held_by, purpose="release")
    if payment is None or not held_by(order, payment):
        raise exceeds_hold(order, payment, 0)
    return order


def list_payments(order: Order, events: Sequence[PaymentEvent], audit: Audit) -> Ledger:
    """Sets an order's payments, refunds and sums from its events; returns all payments."""
    ledger = ledger_of(events, currency=str(order.pricing.total.currency_code))
    del order.payments[:]
    order.payments.extend(ledger.listed)
    rename_payments(order)
    apply_outcomes(order, ledger.outcomes, audit)
    assign_refunds(order)
    sum_payments(order)
    return ledger


def _edit_listed(before: Order, history: PaymentHistory, audit: Audit) -> OrderEdit:
    """An edit of an order that lists its payments, even if it was stored before they were listed."""
    edit = edit_of(before, audit)
    if not before.payments and history.own:
        list_payments(edit.order, history.own, audit)
    return edit


def _requested(order: Order, request: RefundOrderRequest | CapturePaymentRequest) -> int | None:
    if not request.HasField("amount"):
        return None
    amount = to_minor(request.amount, field="amount", currency=str(order.pricing.total.currency_code))
    if not amount:
        raise invalid_field("amount", "must be more than 0")
    return amount


def _changed(edit: OrderEdit) -> OrderChange:
    if edit.events:
        return edit.finish()
    assert edit.before is not None
    return OrderChange(before=edit.before, after=edit.before, events=[])


def _set_intent(edit: OrderEdit, intent: PaymentIntent) -> None:
    order = edit.order
    if intent.number < order.payment_intent.number:
        return  # A later intent has replaced it.
    wished = PaymentIntent(
        id=intent.id,
        status=intent.status,
        provider=intent.provider,
        number=intent.number,
        amount=intent.amount if intent.HasField("amount") else None,
    )
    if order.payment_intent.id == intent.id and order.payment_intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED:
        return
    if order.status == ORDER_STATUS_CANCELLED and intent.status != PAYMENT_INTENT_STATUS_SUCCEEDED:
        wished.status = PAYMENT_INTENT_STATUS_CANCELLED
    if order.payment_intent != wished:
        order.payment_intent.CopyFrom(wished)
        edit.record(OrderEvent(type=ORDER_EVENT_TYPE_PAYMENT, changed_fields=["payment_intent"]))


def _record(edit: OrderEdit, event: PaymentEvent, history: PaymentHistory) -> bool:
    """Records an event, and confirms the order if it is now paid. False if the event was recorded before."""
    order = edit.order
    recorded = history.recorded.get(payment_key(event))
    if recorded is not None:
        check_same(order, event, *recorded)
        return False
    before = Order()
    before.CopyFrom(order)
    full = _post(edit, event, history.own)
    if order.HasField("payment_intent"):
        _follow(order.payment_intent, order, full)
    edit.record(
        OrderEvent(
            type=ORDER_EVENT_TYPE_PAYMENT,
            payment_event=full,
            reason=full.description,
            changed_fields=_changed_fields(before, order),
        )
    )
    # A failed payment does not confirm an order that costs nothing.
    moved = event.type in _INTENT_STATUS or has_money(order)
    if order.status == ORDER_STATUS_PENDING and moved and is_paid_for(order):
        enter(edit, ORDER_STATUS_CONFIRMED)
    return True


def _post(edit: OrderEdit, event: PaymentEvent, earlier: Sequence[PaymentEvent]) -> PaymentEvent:
    """Adds an event to the order's payments; returns it with its defaults."""
    order = edit.order
    payments = list_payments(order, earlier, edit.audit).payments if earlier else []
    full = completed(order, event, payments, earlier, edit.audit)
    check_report(order, full, payment_id=payment_id_of(full.provider, full.payment_id))
    list_payments(order, [*earlier, full], edit.audit)
    if minor_of(order.payment.paid_amount) > MAX_MINOR or minor_of(order.payment.authorized_amount) > MAX_MINOR:
        raise invalid_field("event.amount", "is too large")
    if len(order.payments) > MAX_PAYMENTS:
        raise invalid_field("event.payment_id", f"order {order.order_number} has {MAX_PAYMENTS} payments, the maximum")
    return full


def _follow(intent: PaymentIntent, order: Order, event: PaymentEvent) -> None:
    """Updates the intent from its provider's events. An order paid in another way no longer needs it."""
    own = intent_payment(order)
    if intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED:
        return
    if event.provider == intent.provider:
        status = _status_after(order, event, own)
        intent.status = intent.status if status is None else status
    elif event.type in _INTENT_STATUS and _secured_elsewhere(order, own) >= minor_of(order.pricing.total):
        intent.status = PAYMENT_INTENT_STATUS_CANCELLED


def _status_after(order: Order, event: PaymentEvent, own: Payment) -> PaymentIntentStatus | None:
    if event.type == PAYMENT_EVENT_TYPE_VOIDED:
        released = minor_of(own.voided_amount) and not minor_of(own.authorized_amount)
        return PAYMENT_INTENT_STATUS_CANCELLED if released and not minor_of(own.captured_amount) else None
    if order.status == ORDER_STATUS_CANCELLED and event.type == PAYMENT_EVENT_TYPE_AUTHORIZED:
        return None  # A late hold is released.
    moved = minor_of(order.payment.authorized_amount) + minor_of(order.payment.paid_amount)
    return _INTENT_STATUS.get(event.type) if moved >= minor_of(order.pricing.total) else None


def _secured_elsewhere(order: Order, own: Payment) -> int:
    """The amount that is paid or held, except by the intent."""
    kept = minor_of(own.captured_amount) - minor_of(own.refunded_amount)
    return secured(order) - minor_of(own.authorized_amount) - kept


def _changed_fields(before: Order, after: Order) -> list[str]:
    return [field for field in _FIELDS if getattr(before, field) != getattr(after, field)]
