"""The kinds of mails, and the changes of orders that trigger them."""

from collections.abc import Collection

from orders.v1.order_pb2 import ORDER_EVENT_TYPE_PAYMENT, PAYMENT_EVENT_TYPE_REFUNDED, OrderEvent

from server.domain.webhooks.event_types import names_of
from server.storage.read.feed import Change

ENDPOINT_DISABLED = "endpoint_disabled"
CONFIRMED, REFUNDED = "order_confirmed", "order_refunded"
# By the type of the event.
_KINDS = {
    "order.created": "order_received",
    "order.confirmed": CONFIRMED,
    "shipment.shipped": "order_shipped",
    "order.delivered": "order_delivered",
    "order.cancelled": "order_cancelled",
    "return.received": "return_received",
}

KINDS = (*_KINDS.values(), REFUNDED, ENDPOINT_DISABLED)


def kind_of(change: Change, selected: Collection[str]) -> str | None:
    """The mail for a change, if it is selected. Imported orders get none, because their source notifies its customers."""
    if change.source:
        return None
    names = names_of(change.type, change.from_status, change.to_status)
    kind = REFUNDED if _is_refund(change) else next((_KINDS[name] for name in names if name in _KINDS), None)
    return kind if kind in selected else None


def _is_refund(change: Change) -> bool:
    if change.type != ORDER_EVENT_TYPE_PAYMENT:
        return False
    return bool(OrderEvent.FromString(change.event).payment_event.type == PAYMENT_EVENT_TYPE_REFUNDED)
