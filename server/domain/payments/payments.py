"""The money of an order: recorded payments, refunds, and the intents of the server's own provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from orders.v1.error_reason_pb2 import ERROR_REASON_IDEMPOTENCY_KEY_REUSED, ERROR_REASON_REFUND_EXCEEDS_PAYMENT
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_PAYMENT,
    ORDER_EVENT_TYPE_REFUND,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PENDING,
    PAYMENT_EVENT_TYPE_AUTHORIZED,
    PAYMENT_EVENT_TYPE_FAILED,
    PAYMENT_EVENT_TYPE_PAID,
    PAYMENT_EVENT_TYPE_REFUND_FAILED,
    PAYMENT_EVENT_TYPE_REFUNDED,
    PAYMENT_EVENT_TYPE_VOIDED,
    PAYMENT_INTENT_STATUS_CANCELLED,
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_INTENT_STATUS_SUCCEEDED,
    PAYMENT_STATUS_FAILED,
    PAYMENT_STATUS_UNPAID,
    REFUND_STATUS_FAILED,
    REFUND_STATUS_PENDING,
    REFUND_STATUS_SUCCEEDED,
    Order,
    OrderEvent,
    PaymentEvent,
    PaymentEventType,
    PaymentIntent,
    Refund,
    RefundStatus,
)
from orders.v1.order_service_pb2 import RefundOrderRequest

from server.domain.base.edits import Audit, OrderChange, OrderEdit, check_etag, edit_of
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.money import MAX_MINOR, from_minor, minor_of, text_of, to_minor
from server.domain.base.state import PaymentKey
from server.domain.lifecycle.lifecycle import PAYMENT, check_role, transition
from server.domain.lifecycle.payment_status import has_money, is_paid_for, payment_status_of, refundable, secured

DEFAULT_PROVIDER = "external"
MAX_REFUNDS = 100

# The payment events that the service has, with the orders that they are about.
Recorded = Mapping[PaymentKey, tuple[str, PaymentEvent]]

# The fields of an order that a payment event can change.
_FIELDS = ("payment_status", "payment", "refunds", "payment_intent")

# The status of an intent after its provider's events.
_INTENT_STATUS = {
    PAYMENT_EVENT_TYPE_AUTHORIZED: PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE,
    PAYMENT_EVENT_TYPE_PAID: PAYMENT_INTENT_STATUS_SUCCEEDED,
}


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
    # Why the order is cancelled without an event; '' if it is not.
    gives_up: str = ""
    # The cart that gets its lines back if the order is cancelled.
    cart_id: str = ""

    @property
    def payment_keys(self) -> list[PaymentKey]:
        return [] if self.event is None else [payment_key(self.event)]


def payment_key(event: PaymentEvent) -> PaymentKey:
    """The identity of a payment event."""
    return event.provider or DEFAULT_PROVIDER, event.event_id


def record_payment(before: Order, event: PaymentEvent, payments: Recorded, *, audit: Audit) -> OrderChange:
    """The order after a provider's event; unchanged if the event was recorded before."""
    check_role(before, PAYMENT, audit.caller, what="record a payment of")
    edit = edit_of(before, audit)
    _record(edit, event, payments)
    return _changed(edit)


def settle_intent(before: Order, settle: SettleIntent, payments: Recorded, *, audit: Audit) -> OrderChange:
    """The order after its intent's outcome; unchanged if that is known already."""
    check_role(before, PAYMENT, audit.caller, what="record a payment of")
    edit = edit_of(before, audit)
    why = settle.gives_up
    if settle.intent is not None:
        _set_intent(edit, settle.intent)
    event = settle.event
    recorded = event is not None and _record(edit, event, payments)
    if recorded and event is not None and settle.cancels and event.type == PAYMENT_EVENT_TYPE_FAILED:
        why = ": ".join(filter(None, ("payment declined", event.description)))
    if why and edit.order.status == ORDER_STATUS_PENDING and not has_money(edit.order):
        transition(edit, ORDER_STATUS_CANCELLED, reason=why)
    return _changed(edit)


def refund_order(before: Order, request: RefundOrderRequest, *, audit: Audit) -> OrderChange:
    """The order with one more refund, which the payment provider has yet to make."""
    check_role(before, PAYMENT, audit.caller, what="refund")
    check_etag(before, request.etag)
    amount = refundable(before)
    if request.HasField("amount"):
        amount = to_minor(request.amount, field="amount", currency=_currency(before))
        _check_positive(amount, field="amount")
    if not amount or amount > refundable(before):
        raise _exceeds(before, amount, refundable(before))
    edit = edit_of(before, audit)
    _append_refund(edit, amount, status=REFUND_STATUS_PENDING, reason=request.reason)
    edit.order.payment_status = payment_status_of(edit.order)
    changed = _changed_fields(before, edit.order)
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_REFUND, reason=request.reason, changed_fields=changed))
    return edit.finish()


def _changed(edit: OrderEdit) -> OrderChange:
    if edit.events:
        return edit.finish()
    assert edit.before is not None
    return OrderChange(before=edit.before, after=edit.before, events=[])


def _set_intent(edit: OrderEdit, intent: PaymentIntent) -> None:
    order = edit.order
    wished = PaymentIntent(id=intent.id, status=intent.status, provider=intent.provider)
    if order.payment_intent.id == intent.id and order.payment_intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED:
        return
    if order.status == ORDER_STATUS_CANCELLED and intent.status != PAYMENT_INTENT_STATUS_SUCCEEDED:
        wished.status = PAYMENT_INTENT_STATUS_CANCELLED
    if order.payment_intent != wished:
        order.payment_intent.CopyFrom(wished)
        edit.record(OrderEvent(type=ORDER_EVENT_TYPE_PAYMENT, changed_fields=["payment_intent"]))


def _record(edit: OrderEdit, event: PaymentEvent, payments: Recorded) -> bool:
    """Records an event, and confirms the order if it is now paid for. False if the event was recorded before."""
    order = edit.order
    recorded = payments.get(payment_key(event))
    if recorded is not None:
        _check_same(order, event, *recorded)
        return False
    before = Order()
    before.CopyFrom(order)
    normal = _normalised(order, event, edit.audit)
    _MOVES[event.type](edit, normal, minor_of(normal.amount))
    order.payment_status = payment_status_of(order)
    if order.HasField("payment_intent"):
        _follow(order.payment_intent, order, normal)
    edit.record(
        OrderEvent(
            type=ORDER_EVENT_TYPE_PAYMENT,
            payment_event=normal,
            reason=normal.description,
            changed_fields=_changed_fields(before, order),
        )
    )
    # An order that costs nothing is not paid for by a payment that failed.
    moved = event.type in _INTENT_STATUS or has_money(order)
    if order.status == ORDER_STATUS_PENDING and moved and is_paid_for(order):
        transition(edit, ORDER_STATUS_CONFIRMED)
    return True


def _follow(intent: PaymentIntent, order: Order, event: PaymentEvent) -> None:
    """Moves the intent as its provider's events say; an order that is paid otherwise no longer needs it."""
    status = _INTENT_STATUS.get(event.type)
    if status is None or intent.status == PAYMENT_INTENT_STATUS_SUCCEEDED:
        return
    if order.status == ORDER_STATUS_CANCELLED and event.type == PAYMENT_EVENT_TYPE_AUTHORIZED:
        return  # A late hold is released.
    total = minor_of(order.pricing.total)
    if event.provider == intent.provider:
        if minor_of(order.payment.authorized_amount) + minor_of(order.payment.paid_amount) >= total:
            intent.status = status
        return
    # A hold beside another provider's payment may be the intent's.
    if (secured(order) if event.type == PAYMENT_EVENT_TYPE_AUTHORIZED else refundable(order)) >= total:
        intent.status = PAYMENT_INTENT_STATUS_CANCELLED


def _changed_fields(before: Order, after: Order) -> list[str]:
    return [field for field in _FIELDS if getattr(before, field) != getattr(after, field)]


def _check_same(order: Order, event: PaymentEvent, order_id: str, recorded: PaymentEvent) -> None:
    """Refuses an event that reuses the id of a different one. A missing amount equals the recorded one."""
    fields = ["order_id"] if order_id != order.order_id else []
    fields += [name for name in ("type", "refund_id") if getattr(event, name) != getattr(recorded, name)]
    if event.HasField("amount") and event.amount != recorded.amount:
        fields.append("amount")
    if fields:
        names = ", ".join(fields)
        text = (
            f"event {event.event_id!r} of {recorded.provider} was recorded before with different content: {names} differ; "
            "give a new event a new id"
        )
        raise Refusal(
            ERROR_REASON_IDEMPOTENCY_KEY_REUSED, text, metadata={"request_id": event.event_id, "fields": names}
        )


def _normalised(order: Order, event: PaymentEvent, audit: Audit) -> PaymentEvent:
    """The event with its defaults filled in."""
    normal = PaymentEvent()
    normal.CopyFrom(event)
    normal.provider = event.provider or DEFAULT_PROVIDER
    if event.HasField("amount"):
        to_minor(event.amount, field="event.amount", currency=_currency(order))
    else:
        normal.amount.CopyFrom(from_minor(_default_amount(order, event), _currency(order)))
    if not event.HasField("time"):
        normal.time.CopyFrom(audit.time)
    return normal


def _default_amount(order: Order, event: PaymentEvent) -> int:
    """The whole amount that the event can be about."""
    if event.type in (PAYMENT_EVENT_TYPE_REFUNDED, PAYMENT_EVENT_TYPE_REFUND_FAILED):
        if event.type == PAYMENT_EVENT_TYPE_REFUNDED and not event.refund_id:
            raise invalid_field("event.amount", "is required where no refund_id says which refund it is")
        return minor_of(_find_refund(order, event.refund_id).amount)
    if event.type == PAYMENT_EVENT_TYPE_VOIDED:
        return minor_of(order.payment.authorized_amount)
    total = minor_of(order.pricing.total)
    return total if event.type == PAYMENT_EVENT_TYPE_FAILED else _left_to_pay(order)


def _left_to_pay(order: Order) -> int:
    """The amount left to pay. A refund before confirmation has to be paid again; one after it reduces the price."""
    pending = order.status == ORDER_STATUS_PENDING
    came = refundable(order) if pending else minor_of(order.payment.paid_amount)
    return max(0, minor_of(order.pricing.total) - came)


def _currency(order: Order) -> str:
    return str(order.pricing.total.currency_code)


# The effect of each event on the sums and refunds of the edited order. Amounts are in minor units.


def _authorize(edit: OrderEdit, _: PaymentEvent, amount: int) -> None:
    """A hold that is reported after its capture holds nothing."""
    order = edit.order
    paid = minor_of(order.payment.paid_amount)
    _set_sums(order, authorized=min(amount, _left_to_pay(order)) if paid else amount)


def _pay(edit: OrderEdit, _: PaymentEvent, amount: int) -> None:
    payment = edit.order.payment
    paid = minor_of(payment.paid_amount) + amount
    if paid > MAX_MINOR:
        raise invalid_field("event.amount", "is too large")
    _set_sums(edit.order, authorized=max(0, minor_of(payment.authorized_amount) - amount), paid=paid)


def _void(edit: OrderEdit, _: PaymentEvent, amount: int) -> None:
    _set_sums(edit.order, authorized=max(0, minor_of(edit.order.payment.authorized_amount) - amount))


def _fail(edit: OrderEdit, _: PaymentEvent, __: int) -> None:
    if edit.order.payment_status in (0, PAYMENT_STATUS_UNPAID):
        edit.order.payment_status = PAYMENT_STATUS_FAILED


def _refund(edit: OrderEdit, event: PaymentEvent, amount: int) -> None:
    _check_positive(amount, field="event.amount")
    if event.refund_id:
        _succeed(edit.order, event.refund_id, amount)
    else:
        room = refundable(edit.order)
        if amount > room:
            raise _exceeds(edit.order, amount, room)
        _append_refund(edit, amount, status=REFUND_STATUS_SUCCEEDED, reason=event.description)
    _set_sums(edit.order, refunded=minor_of(edit.order.payment.refunded_amount) + amount)


def _succeed(order: Order, refund_id: str, amount: int) -> None:
    refund = _find_refund(order, refund_id)
    _check_amount(refund, amount)
    _check_open(refund, REFUND_STATUS_PENDING, REFUND_STATUS_FAILED)
    room = refundable(order)
    if refund.status == REFUND_STATUS_FAILED and amount > room:
        raise _exceeds(order, amount, room)
    refund.status = REFUND_STATUS_SUCCEEDED


def _fail_refund(edit: OrderEdit, event: PaymentEvent, amount: int) -> None:
    refund = _find_refund(edit.order, event.refund_id)
    _check_amount(refund, amount)
    _check_open(refund, REFUND_STATUS_PENDING)
    refund.status = REFUND_STATUS_FAILED


_MOVES: dict[PaymentEventType, Callable[[OrderEdit, PaymentEvent, int], None]] = {
    PAYMENT_EVENT_TYPE_AUTHORIZED: _authorize,
    PAYMENT_EVENT_TYPE_PAID: _pay,
    PAYMENT_EVENT_TYPE_FAILED: _fail,
    PAYMENT_EVENT_TYPE_REFUNDED: _refund,
    PAYMENT_EVENT_TYPE_REFUND_FAILED: _fail_refund,
    PAYMENT_EVENT_TYPE_VOIDED: _void,
}


def _set_sums(
    order: Order, *, authorized: int | None = None, paid: int | None = None, refunded: int | None = None
) -> None:
    """Sets the given sums. Money has moved, so an earlier failed attempt no longer counts."""
    payment, currency = order.payment, _currency(order)
    sums = {"authorized_amount": authorized, "paid_amount": paid, "refunded_amount": refunded}
    for name, amount in sums.items():
        sum_so_far = getattr(payment, name)
        sum_so_far.CopyFrom(from_minor(minor_of(sum_so_far) if amount is None else amount, currency))
    if order.payment_status == PAYMENT_STATUS_FAILED:
        order.payment_status = PAYMENT_STATUS_UNPAID


def _append_refund(edit: OrderEdit, amount: int, *, status: RefundStatus, reason: str) -> None:
    order = edit.order
    if len(order.refunds) >= MAX_REFUNDS:
        raise invalid_field("order_id", f"order {order.order_id} has {MAX_REFUNDS} refunds, and takes no more")
    order.refunds.append(
        Refund(
            refund_id=str(len(order.refunds) + 1),
            amount=from_minor(amount, _currency(order)),
            reason=reason,
            status=status,
            create_time=edit.audit.time,
        )
    )


def _find_refund(order: Order, refund_id: str) -> Refund:
    for refund in order.refunds:
        if refund.refund_id == refund_id:
            return refund
    known = ", ".join(refund.refund_id for refund in order.refunds)
    text = f"the order has no refund {refund_id!r}; " + (f"it has {known}" if known else "RefundOrder creates one")
    raise invalid_field("event.refund_id", text)


def _check_amount(refund: Refund, amount: int) -> None:
    if amount != minor_of(refund.amount):
        wanted = text_of(minor_of(refund.amount), refund.amount.currency_code)
        raise invalid_field("event.amount", f"must be {wanted}, as in refund {refund.refund_id}")


def _check_open(refund: Refund, *statuses: RefundStatus) -> None:
    if refund.status not in statuses:
        status = RefundStatus.Name(refund.status).removeprefix("REFUND_STATUS_")
        raise invalid_field("event.refund_id", f"refund {refund.refund_id} is {status} already")


def _check_positive(amount: int, *, field: str) -> None:
    if not amount:
        raise invalid_field(field, "must be more than 0")


def _exceeds(order: Order, requested: int, room: int) -> Refusal:
    metadata = {
        "order_id": order.order_id,
        "requested": text_of(requested, _currency(order)),
        "refundable": text_of(room, _currency(order)),
    }
    if not minor_of(order.payment.paid_amount):
        text = f"order {order.order_id}: nothing is paid, so nothing can be refunded"
    elif not room:
        text = f"order {order.order_id}: the paid amount is already refunded or being refunded"
    else:
        text = f"order {order.order_id}: {metadata['refundable']} of the paid amount can be refunded, not {metadata['requested']}"
    if any(refund.status == REFUND_STATUS_PENDING for refund in order.refunds):
        text += "; a refund is pending: to report it, name it by its refund_id"
    return Refusal(ERROR_REASON_REFUND_EXCEEDS_PAYMENT, text, metadata=metadata)
