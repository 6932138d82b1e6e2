"""No request is of any size: every text, list, map and byte string in it has an upper bound in its proto."""

from collections.abc import Iterator
from typing import Any

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from orders.v1 import (
    api_key_service_pb2,
    cart_service_pb2,
    catalog_service_pb2,
    customer_service_pb2,
    order_service_pb2,
)

FILES: tuple[FileDescriptor, ...] = tuple(
    module.DESCRIPTOR
    for module in (
        api_key_service_pb2,
        cart_service_pb2,
        catalog_service_pb2,
        customer_service_pb2,
        order_service_pb2,
    )
)
REQUESTS: dict[str, Descriptor] = {
    method.input_type.name: method.input_type
    for file in FILES
    for service in file.services_by_name.values()
    for method in service.methods
}

# Fields without a bound of their own, by the reason why they need none. The size of the whole request is limited for all.
EXCEPTIONS: dict[str, set[str]] = {
    "its pattern has a length": {"orders.v1.SavedPaymentMethod.last_four"},
    "an amount of no currency that exists is refused": {"google.type.Money.currency_code"},
    "a rate of more than 28 characters is refused": {"google.type.Decimal.value"},
    "the server clears it": {
        "orders.v1.AffectedOrder.new_zone_id",
        "orders.v1.AffectedOrder.order_id",
        "orders.v1.AffectedOrder.order_number",
        "orders.v1.AffectedOrder.zone_id",
    },
    "a path that is none of those which may change is refused": {"google.protobuf.FieldMask.paths"},
    "only the server sets it; what UpdateOrder is sent there is refused, or names the order and is not stored in it": {
        "orders.v1.AppliedCoupon.code",
        "orders.v1.AppliedTax.name",
        "orders.v1.CouponTerms.product_ids",
        "orders.v1.OrderItem.taxes",
        "orders.v1.Pricing.installation_taxes",
        "orders.v1.Pricing.shipping_taxes",
        "orders.v1.Pricing.taxes",
        "orders.v1.Cancellation.actor",
        "orders.v1.Cancellation.reason",
        "orders.v1.Delivery.zone_id",
        "orders.v1.Order.cart_id",
        "orders.v1.Order.consumers",
        "orders.v1.Order.event_hash",
        "orders.v1.Order.external_order_id",
        "orders.v1.Order.invoice_number",
        "orders.v1.Order.order_id",
        "orders.v1.Order.order_number",
        "orders.v1.Order.refunds",
        "orders.v1.Order.source",
        "orders.v1.OrderConsumer.consumer_id",
        "orders.v1.OrderItem.name",
        "orders.v1.OrderItem.sku",
        "orders.v1.OrderItem.variant_name",
        "orders.v1.Order.payments",
        "orders.v1.Payment.method",
        "orders.v1.Payment.payment_id",
        "orders.v1.Payment.provider",
        "orders.v1.Payment.provider_payment_id",
        "orders.v1.PaymentIntent.client_secret",
        "orders.v1.PaymentIntent.id",
        "orders.v1.PaymentIntent.provider",
        "orders.v1.Pricing.applied_coupons",
        "orders.v1.Refund.credit_note_number",
        "orders.v1.Refund.payment_id",
        "orders.v1.Refund.provider_refund_id",
        "orders.v1.Refund.reason",
        "orders.v1.Refund.refund_id",
    },
}
EXCEPTED = frozenset().union(*EXCEPTIONS.values())


def test_bounds_are_looked_for_in_every_request() -> None:
    assert len(REQUESTS) >= 48


@pytest.mark.parametrize("name", REQUESTS)
def test_everything_in_a_request_has_an_upper_bound(name: str) -> None:
    assert sorted(set(unbounded(REQUESTS[name])) - EXCEPTED) == []


def test_the_exceptions_are_needed() -> None:
    found = {field for request in REQUESTS.values() for field in unbounded(request)}
    assert found >= EXCEPTED


def unbounded(message: Descriptor, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The full names of the fields without an upper bound, at any depth."""
    if message.full_name in seen:
        return
    for field in message.fields:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if (field.is_repeated and not _list_is_bounded(field, rules)) or (
            not field.is_repeated and not _text_is_bounded(field, rules)
        ):
            yield field.full_name
        inner = field.message_type
        if inner is not None and not _is_map(field):
            yield from unbounded(inner, seen | {message.full_name})


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _list_is_bounded(field: FieldDescriptor, rules: Any) -> bool:
    if _is_map(field):
        entry = field.message_type.fields_by_name
        sides = ((entry["key"], rules.map.keys), (entry["value"], rules.map.values))
        return rules.map.HasField("max_pairs") and all(_text_is_bounded(*side) for side in sides)
    return rules.repeated.HasField("max_items") and _text_is_bounded(field, rules.repeated.items)


def _text_is_bounded(field: FieldDescriptor, rules: Any) -> bool:
    if field.type == field.TYPE_STRING:
        return rules.string.HasField("max_len") or rules.string.HasField("max_bytes") or rules.string.HasField("len")
    if field.type == field.TYPE_BYTES:
        return rules.bytes.HasField("max_len") or rules.bytes.HasField("len")
    return True
