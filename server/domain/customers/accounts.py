"""Customers' accounts: contact, saved addresses and payment methods, and adjustments of loyalty points.

A customer's account is one record. Its points are stored separately.
"""

from collections.abc import Iterable
from typing import Any, NoReturn

from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.customer_service_pb2 import (
    POINTS_ENTRY_TYPE_ADJUSTED,
    AdjustPointsRequest,
    CustomerAccount,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
    PointsEntry,
    SavedPaymentMethod,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.error_reason_pb2 import (
    ERROR_REASON_ADDRESS_NOT_FOUND,
    ERROR_REASON_CUSTOMER_NOT_FOUND,
    ERROR_REASON_PAYMENT_METHOD_NOT_FOUND,
)
from orders.v1.order_pb2 import Address, Order, PaymentMethod

from server.domain.base.edits import Audit
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.needs import Needs
from server.domain.base.operation import operation
from server.domain.base.records import Kind, ResourceChange
from server.domain.base.state import State
from server.domain.base.values import PointsMove
from server.domain.customers.points import check_points

MAX_ADDRESSES = 100
MAX_PAYMENT_METHODS = 50
# The maximum number of ids in an error message.
_LISTED = 10


def public_view(account: CustomerAccount, points: int) -> CustomerAccount:
    """The account for callers: with its points, without the tokens of its payment methods."""
    answer = CustomerAccount()
    answer.CopyFrom(account)
    answer.points_balance = points
    for method in answer.payment_methods:
        method.ClearField("provider_token")
    return answer


def customer_not_found(customer_id: str) -> Refusal:
    text = f"there is no data about customer {customer_id!r}; save a contact, an address or a payment method first"
    return Refusal(ERROR_REASON_CUSTOMER_NOT_FOUND, text, metadata={"customer_id": customer_id})


def find_address(account: CustomerAccount, address_id: str, *, field: str) -> Address:
    """The saved address that a request names in `field`."""
    for address in account.addresses:
        if address.address_id == address_id:
            return address
    _refuse_unknown("address", address_id, (address.address_id for address in account.addresses), field=field)


def find_payment_method(account: CustomerAccount, payment_method_id: str, *, field: str) -> SavedPaymentMethod:
    """The saved payment method that a request names in `field`."""
    for method in account.payment_methods:
        if method.payment_method_id == payment_method_id:
            return method
    known = (method.payment_method_id for method in account.payment_methods)
    _refuse_unknown("payment method", payment_method_id, known, field=field)


def pay_by_saved_method(order: Order, account: CustomerAccount, *, now: Timestamp, path: str = "") -> None:
    """Sets the order's payment method to the saved one that it names; refuses another type. `path` is the order's in the request."""
    saved = find_payment_method(account, order.payment_method_id, field=f"{path}payment_method_id")
    today = now.ToDatetime()
    if saved.expiry_year and (saved.expiry_year, saved.expiry_month) < (today.year, today.month):
        text = f"payment method {saved.payment_method_id!r} expired in {saved.expiry_month:02d}/{saved.expiry_year}"
        raise invalid_field(f"{path}payment_method_id", f"{text}; choose another one")
    if order.payment_method not in (0, saved.type):
        kind = str(PaymentMethod.Name(saved.type)).removeprefix("PAYMENT_METHOD_")
        raise invalid_field(f"{path}payment_method", f"the saved payment method {saved.payment_method_id!r} is {kind}")
    order.payment_method = saved.type


def _refuse_unknown(what: str, unknown: str, known: Iterable[str], *, field: str) -> NoReturn:
    ids = [repr(known_id) for known_id in known]
    others = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    hint = f"saved are {', '.join(ids[:_LISTED])}{others}" if ids else "none is saved; save one first"
    raise invalid_field(field, f"the customer has no saved {what} {unknown!r}; {hint}")


def check_address(address: Address, *, field: str) -> None:
    """Refuses an address without a street."""
    if not address.street:
        raise invalid_field(f"{field}.street", "an address needs a street")


def _account_needs(customer_id: str) -> Needs:
    return Needs(customers=[customer_id], points=True, replaces=Kind.CUSTOMER)


def _needs(request: Any) -> Needs:
    return _account_needs(request.customer_id)


@operation(UpsertCustomerRequest, needs=lambda request: _account_needs(request.customer.customer_id))
def upsert_customer(request: UpsertCustomerRequest, state: State, audit: Audit) -> CustomerAccount:
    """Replaces a customer's contact."""
    customer_id = request.customer.customer_id
    if not customer_id:
        raise invalid_field("customer.customer_id", "is required")
    account = state.account(customer_id)
    account.customer.CopyFrom(request.customer)
    return _save(account, customer_id, state)


@operation(UpsertAddressRequest, needs=_needs)
def upsert_address(request: UpsertAddressRequest, state: State, audit: Audit) -> Address:
    """Saves an address: replaces the one with the same id, or appends it."""
    check_address(request.address, field="address")
    account = state.account(request.customer_id)
    saved = _saved_address(account, request.address.address_id)
    if saved is None:
        if len(account.addresses) >= MAX_ADDRESSES:
            raise invalid_field(
                "address", f"the customer has {MAX_ADDRESSES} addresses; delete one, or replace one by its id"
            )
        saved = account.addresses.add()
    address_id = request.address.address_id or state.new_id()
    saved.CopyFrom(request.address)
    saved.address_id = address_id
    _save(account, request.customer_id, state)
    return saved


@operation(DeleteAddressRequest, needs=_needs)
def delete_address(request: DeleteAddressRequest, state: State, audit: Audit) -> CustomerAccount:
    """Deletes a saved address."""
    account = _existing(state, request.customer_id)
    address = _saved_address(account, request.address_id)
    if address is None:
        text = f"customer {request.customer_id!r} has no saved address {request.address_id!r}"
        metadata = {"customer_id": request.customer_id, "address_id": request.address_id}
        raise Refusal(ERROR_REASON_ADDRESS_NOT_FOUND, text, metadata=metadata)
    account.addresses.remove(address)
    return _save(account, request.customer_id, state)


@operation(UpsertPaymentMethodRequest, needs=_needs)
def upsert_payment_method(request: UpsertPaymentMethodRequest, state: State, audit: Audit) -> SavedPaymentMethod:
    """Saves a payment method: replaces the one with the same id, or appends it. The response has no token."""
    wished = request.payment_method
    _check_expiry(wished)
    account = state.account(request.customer_id)
    saved = _saved_payment_method(account, wished.payment_method_id)
    if saved is None:
        if len(account.payment_methods) >= MAX_PAYMENT_METHODS:
            text = f"the customer has {MAX_PAYMENT_METHODS} payment methods; delete one, or replace one by its id"
            raise invalid_field("payment_method", text)
        saved = account.payment_methods.add()
    token = wished.provider_token or saved.provider_token
    payment_method_id = wished.payment_method_id or state.new_id()
    saved.CopyFrom(wished)
    saved.provider_token = token
    saved.payment_method_id = payment_method_id
    _save(account, request.customer_id, state)
    saved.ClearField("provider_token")
    return saved


def _check_expiry(method: SavedPaymentMethod) -> None:
    if bool(method.expiry_month) != bool(method.expiry_year):
        missing = "expiry_year" if method.expiry_month else "expiry_month"
        raise invalid_field(f"payment_method.{missing}", "set both the month and the year of expiry, or neither")


@operation(DeletePaymentMethodRequest, needs=_needs)
def delete_payment_method(request: DeletePaymentMethodRequest, state: State, audit: Audit) -> CustomerAccount:
    """Deletes a saved payment method."""
    account = _existing(state, request.customer_id)
    method = _saved_payment_method(account, request.payment_method_id)
    if method is None:
        text = f"customer {request.customer_id!r} has no saved payment method {request.payment_method_id!r}"
        metadata = {"customer_id": request.customer_id, "payment_method_id": request.payment_method_id}
        raise Refusal(ERROR_REASON_PAYMENT_METHOD_NOT_FOUND, text, metadata=metadata)
    account.payment_methods.remove(method)
    return _save(account, request.customer_id, state)


@operation(AdjustPointsRequest, needs=_needs)
def adjust_points(request: AdjustPointsRequest, state: State, audit: Audit) -> PointsEntry:
    """Adds or removes points of a customer, who needs no account."""
    balance = state.points.get(request.customer_id)
    check_points([PointsMove(POINTS_ENTRY_TYPE_ADJUSTED, request.delta)], balance=balance)
    entry = PointsEntry(
        entry_id=state.new_id(),
        customer_id=request.customer_id,
        type=POINTS_ENTRY_TYPE_ADJUSTED,
        delta=request.delta,
        balance=state.points.add(request.customer_id, request.delta),
        reason=request.reason,
        actor=audit.caller.subject,
        request_id=audit.request_id,
        entry_time=audit.time,
    )
    state.changes.points_entries.append(entry)
    before, after = (CustomerAccount(points_balance=points) for points in (entry.balance - entry.delta, entry.balance))
    change = ResourceChange("customers", entry.customer_id, before.SerializeToString(), after.SerializeToString())
    state.resource_changes.append(change)
    return entry


def _existing(state: State, customer_id: str) -> CustomerAccount:
    """The account of a customer who has one, or has points."""
    if customer_id not in state.customers.stored and customer_id not in state.points.values:
        raise customer_not_found(customer_id)
    return state.account(customer_id)


def _saved_address(account: CustomerAccount, address_id: str) -> Address | None:
    return next((saved for saved in account.addresses if address_id and saved.address_id == address_id), None)


def _saved_payment_method(account: CustomerAccount, method_id: str) -> SavedPaymentMethod | None:
    methods = account.payment_methods
    return next((saved for saved in methods if method_id and saved.payment_method_id == method_id), None)


def _save(account: CustomerAccount, customer_id: str, state: State) -> CustomerAccount:
    """Stores the account if it differs from the stored one; returns the public view."""
    account.customer.customer_id = customer_id
    if account.SerializeToString(deterministic=True) != state.customers.stored.get(customer_id):
        account.update_time.CopyFrom(state.time)
        state.customers.put(customer_id, account.SerializeToString(deterministic=True))
    return public_view(account, state.points.get(customer_id))
