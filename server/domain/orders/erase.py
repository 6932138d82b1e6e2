"""Erasing a customer's personal data from orders with their histories, and from the account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orders.v1.cart_service_pb2 import Cart
from orders.v1.customer_service_pb2 import EraseCustomerResponse
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_ERASED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_DELIVERED,
    Order,
    OrderEvent,
)

from server.domain.base.edits import Audit, edit_of
from server.domain.base.event_values import StoredEvent, erase_event, is_erased, whole
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.personal_data import MARKER, erased
from server.domain.base.records import Kind, ResourceChange
from server.domain.base.state import ErasedEvent, State
from server.domain.orders.apply import apply

# The final statuses.
FINAL = (ORDER_STATUS_DELIVERED, ORDER_STATUS_CANCELLED)


@dataclass(frozen=True, slots=True)
class EraseOrders:
    """Erases the personal data in some orders of a customer."""

    customer_id: str
    order_ids: Sequence[str]
    include_open_orders: bool
    validate_only: bool = False


@dataclass(frozen=True, slots=True)
class EraseCarts:
    """Erases the personal data in some carts of a customer."""

    customer_id: str
    cart_ids: Sequence[str]
    validate_only: bool = False


@dataclass(frozen=True, slots=True)
class EraseAccount:
    """Erases the personal data in a customer's account."""

    customer_id: str
    validate_only: bool = False


@operation(EraseOrders, needs=lambda request: Needs(orders=request.order_ids, stored_events=True))
def erase_orders(request: EraseOrders, state: State, audit: Audit) -> EraseCustomerResponse:
    """Erases the orders that still belong to the customer, and counts them."""
    orders = [state.order(order_id, audit.caller) for order_id in request.order_ids]
    mine = [order for order in orders if order.customer.customer_id == request.customer_id]
    due = [order for order in mine if request.include_open_orders or order.status in FINAL]
    for order in due:
        _erase_order(order, state, audit)
    return EraseCustomerResponse(customer_id=request.customer_id, erased_orders=len(due))


def _erase_order(order: Order, state: State, audit: Audit) -> None:
    # The event records no values, because those would be personal data.
    before = erased(order)
    before.customer.name = MARKER
    edit = edit_of(before, audit)
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_ERASED))
    stored_before = state.changes.orders.get(order.order_id, order)
    apply(edit.finish(), state)
    # What else follows from the order is erased with it.
    state.changes.orders[order.order_id] = stored_before
    for version, stored in state.stored_events[order.order_id]:
        if not is_erased(stored):
            _erase_event(order.order_id, version, stored, state)


def _erase_event(order_id: str, version: int, stored: StoredEvent, state: State) -> None:
    cleaned = erase_event(stored)
    state.changes.erased_events.append(ErasedEvent(order_id, version, cleaned))
    event = whole(cleaned)
    if event.payment_event.description:
        state.changes.erased_payments.append(event.payment_event)


@operation(EraseCarts, needs=lambda request: Needs(carts=request.cart_ids))
def erase_carts(request: EraseCarts, state: State, audit: Audit) -> EraseCustomerResponse:
    """Erases the named carts that belong to the customer, counts them, and records the caller."""
    response = EraseCustomerResponse(customer_id=request.customer_id)
    for cart_id in request.cart_ids:
        cart = Cart.FromString(state.carts.stored.get(cart_id, b""))
        if cart.customer_id == request.customer_id:
            outcome = state.carts.upsert(cart_id, erased(cart).SerializeToString(deterministic=True))
            if outcome == "updated":
                response.erased_carts += 1
                state.resource_changes.append(ResourceChange("carts", cart_id, b"", b""))
    state.add_audit_events(replace(audit, method="EraseCustomer"))
    return response


@operation(
    EraseAccount,
    needs=lambda request: Needs(customers=[request.customer_id], points=True, replaces=Kind.CUSTOMER),
)
def erase_account(request: EraseAccount, state: State, audit: Audit) -> EraseCustomerResponse:
    """Erases the contact, deletes saved addresses and payment methods, and records the caller. The points remain."""
    customer_id = request.customer_id
    if customer_id in state.customers.stored:
        account = erased(state.account(customer_id))
        account.ClearField("addresses")
        account.ClearField("payment_methods")
        state.customers.upsert(customer_id, account.SerializeToString(deterministic=True))
    # The event names the caller and the fields, without the values.
    state.resource_changes[:] = [ResourceChange("customers", customer_id, b"", b"")]
    state.add_audit_events(replace(audit, method="EraseCustomer"))
    return EraseCustomerResponse(customer_id=customer_id)
