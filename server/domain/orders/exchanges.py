"""Exchanges: the new order that a closed return pays for."""

from collections.abc import Sequence

from orders.v1.order_pb2 import PAYMENT_EVENT_TYPE_PAID, PAYMENT_EVENT_TYPE_REFUNDED, Order, PaymentEvent, Refund
from orders.v1.order_return_pb2 import CloseReturnRequest, ExchangedReturn
from orders.v1.order_service_pb2 import CreateOrderRequest, NewOrderItem

from server.domain.base.edits import Audit, OrderChange
from server.domain.base.errors import invalid_field
from server.domain.base.money import from_minor, minor_of
from server.domain.base.state import State
from server.domain.orders.apply import apply, check
from server.domain.orders.create import new_order
from server.domain.payments.payments import PaymentHistory, record_payment

# The provider of payments by which a return pays for its exchange.
PROVIDER = "exchange"


def new_exchange(returned: Order, request: CloseReturnRequest, state: State, audit: Audit) -> OrderChange:
    """The new order of the customer for the same address, at today's prices; refuses one that cannot be ordered."""
    if request.no_refund:
        raise invalid_field("no_refund", "give either exchange_items, which the refund pays for, or no_refund")
    if returned.source:
        raise invalid_field("exchange_items", "is for orders that were placed here; this one is imported")
    items = [
        NewOrderItem(product_id=item.product_id, variant_id=item.variant_id, quantity=item.quantity)
        for item in request.exchange_items
    ]
    wanted = CreateOrderRequest(
        customer_id=returned.customer.customer_id,
        items=items,
        currency_code=returned.pricing.total.currency_code,
        payment_method=returned.payment_method,
        delivery_method=returned.delivery.method,
    )
    for field in ("shipping_address", "billing_address"):
        if returned.HasField(field):
            getattr(wanted, field).CopyFrom(getattr(returned, field))
    created = new_order(wanted, state, order_id=state.new_id(), order_number=state.next_order_number(), audit=audit)
    order, source = created.change.after, ExchangedReturn(order_id=returned.order_id, return_id=request.return_id)
    order.exchange_of.CopyFrom(source)
    order.customer.CopyFrom(returned.customer)
    check(created.change, state, field="exchange_items")
    return created.change


def exchange_events(returned: Order, refunds: Sequence[Refund]) -> list[PaymentEvent]:
    """The reports that these refunds were made, by paying for the exchange."""
    payments = {payment.payment_id: payment for payment in returned.payments}
    return [
        PaymentEvent(
            provider=payments[refund.payment_id].provider,
            event_id=f"exchange-{returned.order_id}-{refund.refund_id}",
            type=PAYMENT_EVENT_TYPE_REFUNDED,
            refund_id=refund.refund_id,
            amount=refund.amount,
            payment_id=payments[refund.payment_id].provider_payment_id,
        )
        for refund in refunds
    ]


def pay_exchange(exchange: OrderChange, refunds: Sequence[Refund], state: State, audit: Audit) -> None:
    """Adds the new order to the batch, paid by the refunds."""
    order = exchange.after
    apply(exchange, state, field="exchange_items")
    amount = sum(minor_of(refund.amount) for refund in refunds)
    if amount:
        source = order.exchange_of
        event = PaymentEvent(
            provider=PROVIDER,
            event_id=f"{source.order_id}-{source.return_id}",
            type=PAYMENT_EVENT_TYPE_PAID,
            amount=from_minor(amount, order.pricing.total.currency_code),
            payment_id=f"{source.order_id}-{source.return_id}",
            method=PROVIDER,
        )
        apply(record_payment(order, event, PaymentHistory({}, ()), audit=audit), state)
