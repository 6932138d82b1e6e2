"""BatchUpsertOrders: the change from a stored order to the version of its source."""

from hashlib import sha256

from orders.v1.error_reason_pb2 import ERROR_REASON_CUSTOMER_ERASED
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_IMPORTED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_UPDATED,
    ORDER_STATUS_PENDING,
    PAYMENT_STATUS_UNPAID,
    SHIPPING_STATUS_NOT_SHIPPED,
    Address,
    Order,
    OrderEvent,
)
from orders.v1.order_service_pb2 import BatchUpsertOrdersResponse, UpsertOrder

from server.domain.base.edits import Audit, OrderChange, OrderEdit, edit_of
from server.domain.base.errors import Refusal, invalid_field
from server.domain.base.money import from_minor
from server.domain.base.personal_data import MARKER
from server.domain.fulfilment.imports import fit_lines, follow_source
from server.domain.fulfilment.returns import follow_returns
from server.domain.lifecycle.lifecycle import advance_imported, check_not_cancelled
from server.domain.lifecycle.payment_status import sum_payments
from server.domain.orders.upsert_amounts import Amounts, amounts_of
from server.domain.orders.upsert_returns import count_returns, upsert_returns
from server.domain.orders.upsert_shipments import upsert_shipments

_COMPARED = (
    "customer",
    "items",
    "shipping_address",
    "billing_address",
    "pricing",
    "total_quantity",
    "referral_code",
    "metadata",
    "order_time",
    "shipments",
    "returns",
)

# Part of each stored hash. Raise it with every change to the results of an import: the next import then compares every order again.
IMPORT_REVISION = 2


def sent_hash(wished: UpsertOrder, version: int) -> bytes:
    """The hash of an imported order's data as sent by its source: SHA-256, 32 bytes."""
    return sha256(b"%d %d " % (IMPORT_REVISION, version) + wished.SerializeToString(deterministic=True)).digest()


def upsert_order(
    before: Order | None, wished: UpsertOrder, *, fresh: Order, audit: Audit
) -> tuple[OrderChange, list[str]]:
    """The change an upsert makes (after is before if it makes none) and its warnings.

    `fresh` has the ids of a new order.
    """
    amounts = amounts_of(wished)
    if before is None:
        return _insert(wished, amounts, fresh, audit), amounts.warnings
    if before.customer.name == MARKER:
        text = f"the personal data of order {before.order_number} was erased; also erase it in the source"
        raise Refusal(ERROR_REASON_CUSTOMER_ERASED, text, metadata={"order_id": before.order_id})
    if before.pricing.total.currency_code != amounts.currency:
        text = f"the order is in {before.pricing.total.currency_code}, which cannot change"
        raise invalid_field("items[0].unit_price.currency_code", text)
    edit = edit_of(before, audit)
    _fill(edit.order, wished, amounts)
    if before.shipments or wished.shipments:
        _ship(edit.order, wished, amounts, audit)
    if before.returns or wished.returns:
        upsert_returns(edit.order, wished, amounts.lines, audit.time)
        follow_returns(edit.order)
    from_status = edit.order.status
    changed = [field for field in _COMPARED if getattr(before, field) != getattr(edit.order, field)]
    if "pricing" in changed:
        # The paid amount may cover the total now, or no longer.
        sum_payments(edit.order)
        changed += [
            field for field in ("payment_status", "payment") if getattr(edit.order, field) != getattr(before, field)
        ]
    if changed:
        edit.record(OrderEvent(type=ORDER_EVENT_TYPE_UPDATED, changed_fields=changed))
    advance_imported(edit.order, wished.status, audit)
    follow_source(edit.order, audit)
    if edit.order.returns:
        count_returns(edit.order)
    if edit.order.status != from_status:
        edit.record(
            OrderEvent(type=ORDER_EVENT_TYPE_STATUS_CHANGED, from_status=from_status, to_status=edit.order.status)
        )
    if not edit.events:
        return OrderChange(before=before, after=before, events=[]), amounts.warnings
    check_not_cancelled(before)
    return edit.finish(), amounts.warnings


def _insert(wished: UpsertOrder, amounts: Amounts, fresh: Order, audit: Audit) -> OrderChange:
    # A refusal names the order by its source's id.
    order = Order(
        source=fresh.source, external_order_id=wished.external_order_id, order_number=wished.external_order_id
    )
    order.status = ORDER_STATUS_PENDING
    order.payment_status = PAYMENT_STATUS_UNPAID
    order.shipping_status = SHIPPING_STATUS_NOT_SHIPPED
    order.create_time.CopyFrom(audit.time)
    _fill(order, wished, amounts)
    if wished.shipments:
        _ship(order, wished, amounts, audit)
    advance_imported(order, wished.status, audit)
    follow_source(order, audit)
    if wished.returns:
        order.update_time.CopyFrom(audit.time)
        upsert_returns(order, wished, amounts.lines, audit.time)
        count_returns(order)
    order.order_id, order.order_number = fresh.order_id, fresh.order_number
    edit = OrderEdit(order=order, before=None, audit=audit)
    edit.record(OrderEvent(type=ORDER_EVENT_TYPE_IMPORTED, to_status=order.status))
    return edit.finish()


def _ship(order: Order, wished: UpsertOrder, amounts: Amounts, audit: Audit) -> None:
    if wished.shipments:
        upsert_shipments(order, wished, amounts.lines, audit.time)
    fit_lines(order, audit.time)


def _fill(order: Order, wished: UpsertOrder, amounts: Amounts) -> None:
    """Writes the import to the order. Omitted fields keep their values."""
    if wished.HasField("customer"):
        order.customer.CopyFrom(wished.customer)
    if wished.HasField("order_time"):
        order.order_time.CopyFrom(wished.order_time)
    if wished.referral_code:
        order.referral_code = wished.referral_code
    if wished.metadata:
        order.metadata.clear()
        order.metadata.update(wished.metadata)
    if wished.HasField("shipping_address"):
        order.shipping_address.CopyFrom(wished.shipping_address)
        order.billing_address.CopyFrom(wished.shipping_address)
    elif wished.address_text:
        order.shipping_address.CopyFrom(Address(street=wished.address_text))
        order.billing_address.CopyFrom(order.shipping_address)
    order.total_quantity = amounts.quantity
    _fill_items(order, wished, amounts)
    _fill_pricing(order, wished, amounts)


def _fill_items(order: Order, wished: UpsertOrder, amounts: Amounts) -> None:
    del order.items[:]
    add = order.items.add
    for number, line in enumerate(amounts.lines, start=1):
        sent = wished.items[line.position]
        item = add(item_id=str(number), sku=sent.sku, name=sent.name, quantity=line.quantity)
        item.unit_price.CopyFrom(from_minor(line.unit_price, amounts.currency))
        item.total_price.CopyFrom(from_minor(line.unit_price * line.quantity, amounts.currency))


def _fill_pricing(order: Order, wished: UpsertOrder, amounts: Amounts) -> None:
    pricing = order.pricing
    for name, minor in amounts.pricing.items():
        getattr(pricing, name).CopyFrom(from_minor(minor, amounts.currency))
    for name, minor in amounts.optional.items():
        if minor:
            getattr(pricing, name).CopyFrom(from_minor(minor, amounts.currency))
        else:
            pricing.ClearField(name)
    pricing.loyalty_points_used = wished.loyalty_points_used
    pricing.loyalty_points_earned = wished.loyalty_points_earned


def summarize(response: BatchUpsertOrdersResponse) -> None:
    """Fills in the fields that follow from the counts."""
    response.skipped = response.unchanged + response.invalid
    response.message = (
        f"{response.inserted} new records inserted. {response.updated} existing records updated. "
        f"Same value or invalid data skipped {response.skipped}"
    )
