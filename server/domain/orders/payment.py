"""RecordPayment, RefundOrder, CapturePayment, VoidPayment and SettleIntent: apply payments to an order."""

from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, Order
from orders.v1.order_service_pb2 import (
    CapturePaymentRequest,
    RecordPaymentRequest,
    RefundOrderRequest,
    VoidPaymentRequest,
)

from server.domain.base.edits import Audit
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.carts.carts import refill
from server.domain.orders.apply import apply
from server.domain.payments import payments
from server.domain.payments.payments import PaymentHistory, SettleIntent
from server.domain.payments.reports import payment_key


@operation(
    RecordPaymentRequest,
    needs=lambda request: Needs(
        orders=[request.order_id],
        payments=[payment_key(request.event)],
        ledger=True,
        documents=True,
        order_points=True,
    ),
)
def record_payment(request: RecordPaymentRequest, state: State, audit: Audit) -> bytes:
    """Records an event that a payment provider reports. Each event counts once."""
    before = state.order(request.order_id, audit.caller)
    return apply(payments.record_payment(before, request.event, _history(before, state), audit=audit), state)


@operation(RefundOrderRequest, needs=lambda request: Needs(orders=[request.order_id], ledger=True))
def refund_order(request: RefundOrderRequest, state: State, audit: Audit) -> bytes:
    """Opens a refund, which the payment's provider has yet to make."""
    before = state.order(request.order_id, audit.caller)
    return apply(payments.refund_order(before, request, _history(before, state), audit=audit), state)


@operation(CapturePaymentRequest, needs=lambda request: Needs(orders=[request.order_id], ledger=True))
def capture_payment(request: CapturePaymentRequest, state: State, audit: Audit) -> Order:
    """Returns the order if the payment can be captured. The provider is called afterwards and reports the capture."""
    before = state.order(request.order_id, audit.caller)
    return payments.check_capture(before, request, _history(before, state), audit=audit)


@operation(VoidPaymentRequest, needs=lambda request: Needs(orders=[request.order_id], ledger=True))
def void_payment(request: VoidPaymentRequest, state: State, audit: Audit) -> Order:
    """Returns the order if the payment can be released. The provider is called afterwards and reports the release."""
    before = state.order(request.order_id, audit.caller)
    return payments.check_void(before, request, _history(before, state), audit=audit)


@operation(
    SettleIntent,
    needs=lambda request: Needs(
        orders=[request.order_id],
        carts=[request.cart_id] if request.cart_id else [],
        payments=request.payment_keys,
        ledger=request.event is not None,
        documents=True,
        related=True,
    ),
)
def settle_intent(request: SettleIntent, state: State, audit: Audit) -> bytes:
    """Records the outcome of an intent with the server's own payment provider; a cancelled order refills its cart."""
    before = state.order(request.order_id, audit.caller)
    history = PaymentHistory({}, ()) if request.event is None else _history(before, state)
    change = payments.settle_intent(before, request, history, audit=audit)
    body = apply(change, state)
    if request.cart_id and ORDER_STATUS_CANCELLED == change.after.status != before.status:
        refill(request.cart_id, change.after, state, audit)
    return body


def _history(order: Order, state: State) -> PaymentHistory:
    return PaymentHistory(state.payments, state.payment_events.get(order.order_id, ()))
