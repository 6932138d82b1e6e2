"""RecordPayment, RefundOrder and settling an intent: applying payments to an order."""

from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED
from orders.v1.order_service_pb2 import RecordPaymentRequest, RefundOrderRequest

from server.domain.base.edits import Audit
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.state import State
from server.domain.carts.carts import refill
from server.domain.orders.apply import apply
from server.domain.payments import payments
from server.domain.payments.payments import SettleIntent, payment_key


@operation(
    RecordPaymentRequest,
    needs=lambda request: Needs(orders=[request.order_id], payments=[payment_key(request.event)], documents=True),
)
def record_payment(request: RecordPaymentRequest, state: State, audit: Audit) -> bytes:
    """Records an event that a payment provider reports. Each event counts once."""
    before = state.order(request.order_id, audit.caller)
    return apply(payments.record_payment(before, request.event, state.payments, audit=audit), state)


@operation(RefundOrderRequest, needs=lambda request: Needs(orders=[request.order_id]))
def refund_order(request: RefundOrderRequest, state: State, audit: Audit) -> bytes:
    """Opens a refund, which the payment provider has yet to make."""
    return apply(payments.refund_order(state.order(request.order_id, audit.caller), request, audit=audit), state)


@operation(
    SettleIntent,
    needs=lambda request: Needs(
        orders=[request.order_id],
        carts=[request.cart_id] if request.cart_id else [],
        payments=request.payment_keys,
        documents=True,
        related=True,
    ),
)
def settle_intent(request: SettleIntent, state: State, audit: Audit) -> bytes:
    """Records the outcome of an intent with the server's own payment provider; a cancelled order refills its cart."""
    before = state.order(request.order_id, audit.caller)
    change = payments.settle_intent(before, request, state.payments, audit=audit)
    body = apply(change, state)
    if request.cart_id and ORDER_STATUS_CANCELLED == change.after.status != before.status:
        refill(request.cart_id, change.after, state, audit)
    return body
