"""UpdateOrder: each field of Order changes until its status or is refused by name, and only what differs is a change."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest
from orders.v1.order_pb2 import (
    ORDER_EVENT_TYPE_SHIPMENT_SHIPPED,
    ORDER_EVENT_TYPE_STATUS_CHANGED,
    ORDER_EVENT_TYPE_UPDATED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_METHOD_BANK_TRANSFER,
    PAYMENT_METHOD_CREDIT_CARD,
    PAYMENT_METHOD_PAYPAL,
    PAYMENT_STATUS_AUTHORIZED,
    PAYMENT_STATUS_PAID,
    PAYMENT_STATUS_UNPAID,
    Address,
    Customer,
    Delivery,
    Installation,
    Order,
    OrderItem,
    OrderStatus,
    PaymentStatus,
    PriceTerms,
    Pricing,
)
from orders.v1.order_service_pb2 import CancelOrderRequest, UpdateOrderRequest

from server.domain.base.state import State
from server.domain.orders.update import CHANGEABLE, path_exists
from tests.domain.builders import (
    ADMIN,
    CUSTOMER,
    FULFILMENT,
    STATUSES,
    address,
    batch,
    create,
    expiring,
    fields_of,
    fingerprint,
    history,
    line,
    money,
    new_state,
    order_in,
    pay,
    product,
    refuse,
    run,
    save_payment_method,
    stored,
    transition,
    update,
    upsert,
    variant,
    without_hash,
)

# Every field of Order stands in one of these two: a new one makes a test fail until somebody has said which.
LAST_STATUS: dict[str, int] = {
    "customer.name": ORDER_STATUS_PROCESSING,
    "customer.email": ORDER_STATUS_PROCESSING,
    "customer.phone": ORDER_STATUS_PROCESSING,
    "status": ORDER_STATUS_DELIVERED,
    "items": ORDER_STATUS_PENDING,
    **{
        f"{kind}_address.{field}": ORDER_STATUS_PROCESSING
        for kind in ("shipping", "billing")
        for field in ("address_id", "name", "street", "city", "state", "postal_code", "country", "phone")
    },
    "payment_method": ORDER_STATUS_PROCESSING,
    "payment_method_id": ORDER_STATUS_PROCESSING,
    "delivery.method": ORDER_STATUS_PROCESSING,
    "delivery.requested_time": ORDER_STATUS_PROCESSING,
    "delivery.estimated_time": ORDER_STATUS_PROCESSING,
    "delivery.time_slot": ORDER_STATUS_PROCESSING,
    "delivery.carrier": ORDER_STATUS_PROCESSING,
    "delivery.tracking_number": ORDER_STATUS_PROCESSING,
    "installation.scheduled_time": ORDER_STATUS_DELIVERED,
    "installation.time_slot": ORDER_STATUS_DELIVERED,
    "special_instructions": ORDER_STATUS_PROCESSING,
    "referral_code": ORDER_STATUS_PROCESSING,
    "metadata": ORDER_STATUS_DELIVERED,
}
NEVER = (
    "order_id",
    "order_number",
    "source",
    "external_order_id",
    "customer.customer_id",
    "payment_status",
    "shipping_status",
    "pricing.subtotal",
    "pricing.tax",
    "pricing.shipping",
    "pricing.discount",
    "pricing.installation",
    "pricing.total",
    "pricing.applied_coupons",
    "pricing.loyalty_points_used",
    "pricing.loyalty_points_earned",
    "pricing.loyalty_points_value",
    "pricing.included_tax",
    "pricing.taxes",
    "pricing.shipping_taxes",
    "pricing.installation_taxes",
    "pricing.loyalty_points_requested",
    *(f"pricing.terms.{field.name}" for field in PriceTerms.DESCRIPTOR.fields if field.name != "rounding"),
    "pricing.terms.rounding.mode",
    "pricing.terms.rounding.level",
    "delivery.estimated_shipping_time",
    "delivery.zone_id",
    "installation.required",
    "payment_intent.id",
    "payment_intent.client_secret",
    "payment_intent.status",
    "payment_intent.provider",
    "payment_intent.number",
    "payment_intent.amount",
    "payment.authorized_amount",
    "payment.paid_amount",
    "payment.refunded_amount",
    "payment.voided_amount",
    "payment.disputed_amount",
    "payment.refund_due_amount",
    "payment.due_amount",
    "adjustments",
    "shipments",
    "holds",
    "returns",
    "exchange_of.order_id",
    "exchange_of.return_id",
    "fulfilment.claim_id",
    "fulfilment.complete_time",
    "fulfilment.give_back_reason",
    "fulfilment.give_back_time",
    "fulfilment.worker",
    "payments",
    "order_time",
    "refunds",
    "invoice_number",
    "cart_id",
    "event_hash",
    "omitted_fields",
    "provenance",
    "consumers",
    "cancellation.reason",
    "cancellation.actor",
    "cancellation.cancel_time",
    "etag",
    "version",
    "create_time",
    "update_time",
    "total_quantity",
)
# They name the order, change with every change, or belong to a read, so that a request without a mask may carry them.
NO_WISHES = (
    "order_id",
    "order_number",
    "etag",
    "version",
    "update_time",
    "event_hash",
    "omitted_fields",
    "provenance",
    "consumers",
)

RANKS = [
    ORDER_STATUS_PENDING,
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    ORDER_STATUS_DELIVERED,
]


def leaves(descriptor: Descriptor, prefix: str = "") -> Iterator[tuple[str, FieldDescriptor]]:
    """Every field of a message, through messages of this package down to values, lists and maps."""
    for field in descriptor.fields:
        inner = field.message_type
        if inner is not None and not field.is_repeated and inner.file.package == "orders.v1":
            yield from leaves(inner, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, field


LEAVES = dict(leaves(Order.DESCRIPTOR))


def behaviours(field: FieldDescriptor) -> list[int]:
    return list(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def value_at(message: Message, path: str) -> Any:
    value: Any = message
    for name in path.split("."):
        value = getattr(value, name)
    return value


# A new element of each list of messages.
ELEMENTS: dict[str, dict[str, Any]] = {
    "items": {"product_id": "chair", "quantity": 3},
    "pricing.applied_coupons": {"code": "TEN"},
    "consumers": {"consumer_id": "mirror"},
    "refunds": {"refund_id": "1"},
    "payments": {"payment_id": "1"},
    "adjustments": {"adjustment_id": "1"},
    "shipments": {"shipment_id": "1"},
    "holds": {"hold_id": "1"},
    "returns": {"return_id": "1"},
    "provenance": {"field": "status"},
}


def with_value(path: str) -> Order:
    """An order that has nothing set but a new value at a path."""
    wished = Order()
    *parents, name = path.split(".")
    parent: Any = wished
    for step in parents:
        parent = getattr(parent, step)
    field = LEAVES[path]
    if path in ELEMENTS:
        getattr(parent, name).add(**ELEMENTS[path])
    elif path == "metadata":
        wished.metadata["till"] = "7"
    elif field.message_type is not None and field.message_type.full_name == "google.type.Money":
        getattr(parent, name).CopyFrom(money("77"))
    elif field.message_type is not None and field.message_type.name == "AppliedTax":
        getattr(parent, name).add(name="GST")
    elif field.message_type is not None and field.message_type.name == "Decimal":
        getattr(parent, name).value = "77"
    elif field.message_type is not None:
        getattr(parent, name).CopyFrom(Timestamp(seconds=77))
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        setattr(parent, name, "new")
    elif field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        setattr(parent, name, True)
    else:
        setattr(parent, name, 4)
    return wished


def filled(state: State, status: int) -> Order:
    """An order in a status that has a value in every field that a caller can change. Its customer has a second card, `new`."""
    for payment_method_id in ("pm_1", "new"):
        run(state, save_payment_method(payment_method_id, PAYMENT_METHOD_PAYPAL))
    order = order_in(state, status)
    kept = stored(state, order)
    kept.customer.MergeFrom(Customer(name="Carl", email="c@example.com", phone="1"))
    kept.shipping_address.CopyFrom(full_address("ship"))
    kept.billing_address.CopyFrom(full_address("bill"))
    kept.payment_method, kept.payment_method_id = PAYMENT_METHOD_PAYPAL, "pm_1"
    kept.delivery.MergeFrom(Delivery(requested_time=Timestamp(seconds=1), estimated_time=Timestamp(seconds=2)))
    kept.delivery.estimated_shipping_time.seconds = 3
    kept.delivery.carrier, kept.delivery.tracking_number, kept.delivery.time_slot = "Aramex", "T1", "10:00-14:00"
    kept.installation.MergeFrom(Installation(scheduled_time=Timestamp(seconds=4), time_slot="afternoon"))
    kept.special_instructions, kept.referral_code = "ring twice", "EV78"
    kept.metadata["till"] = "4"
    return copy_of(kept)


def full_address(word: str) -> Address:
    fields = Address.DESCRIPTOR.fields_by_name
    return Address(**{name: f"{word} {name}" for name in fields if name != "address_id"}, address_id=word)


def copy_of(order: Order) -> Order:
    copy = Order()
    copy.CopyFrom(order)
    return copy


def short(value: object) -> str:
    return OrderStatus.Name(value) if isinstance(value, int) else str(value)


# Which fields change, until when.


def test_every_field_of_order_is_either_changeable_or_not() -> None:
    assert sorted(LEAVES) == sorted([*LAST_STATUS, *NEVER])


def test_the_rules_speak_of_nothing_else() -> None:
    for rule, (last, _) in CHANGEABLE.items():
        below = [path for path in LAST_STATUS if path == rule or path.startswith(rule + ".")]
        assert below, rule
        assert {LAST_STATUS[path] for path in below} == {last}


@pytest.mark.parametrize("path", LAST_STATUS)
def test_nothing_that_the_proto_calls_output_only_changes(path: str) -> None:
    assert field_behavior_pb2.OUTPUT_ONLY not in behaviours(LEAVES[path])


@pytest.mark.parametrize("status", RANKS, ids=short)
@pytest.mark.parametrize("path", [path for path in LAST_STATUS if path != "status"])
def test_a_field_changes_up_to_its_last_status(path: str, status: int) -> None:
    state = new_state()
    order = filled(state, status)
    if path == "items":
        stored(state, order).payment_status = PAYMENT_STATUS_UNPAID
    wished = with_value(path)
    request = update(order, path, wished=wished)
    if RANKS.index(status) > RANKS.index(LAST_STATUS[path]):
        error = refuse(state, request)
        assert (error.reason, error.metadata["field"]) == ("INVALID_TRANSITION", path)
        return
    changed = run(state, request)
    if path == "items":
        assert [(item.product_id, item.quantity) for item in changed.items] == [("chair", 3)]
    else:
        assert value_at(changed, path) == value_at(wished, path)
    event = history(state, order)[-1]
    also = {"items": ["pricing"], "payment_method": ["payment_method_id"]}.get(path, [])
    assert (event.type, list(event.changed_fields)) == (ORDER_EVENT_TYPE_UPDATED, [path, *also])
    assert (event.from_status, event.to_status) == (status, status)
    assert changed.version == order.version + 1


@pytest.mark.parametrize("path", LAST_STATUS)
def test_a_cancelled_order_changes_no_more(path: str) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_CANCELLED)
    assert refuse(state, update(order, path, wished=with_value(path))).reason == "ORDER_ALREADY_CANCELLED"


@pytest.mark.parametrize("path", [*NEVER, "pricing", "payment_intent", "cancellation"])
def test_a_field_that_never_changes_is_refused_by_name_in_a_mask(path: str) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    error = refuse(state, update(order, path, wished=order))
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", [f"update_mask: {path}"])
    assert "may not change" in error.message


@pytest.mark.parametrize("path", [path for path in NEVER if path not in NO_WISHES])
def test_a_field_that_never_changes_is_refused_by_name_without_a_mask(path: str) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    error = refuse(state, update(order, wished=with_value(path)))
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", [f"order.{path}"])


def test_all_forbidden_fields_are_named_at_once() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    error = refuse(state, update(order, "version", "metadata", "source"))
    assert fields_of(error) == ["update_mask: version", "update_mask: source"]


@pytest.mark.parametrize(
    "path",
    [
        "color",
        "",
        ".",
        "shipping_address.planet",
        "shipping_address.",
        ".status",
        "metadata.till",
        "metadata.",
        "items.quantity",
        "items[0]",
        "status.name",
        "Status",
        "delivery..carrier",
        "delivery.requested_time.seconds.x",
        "special_instructions.",
    ],
)
def test_a_path_that_leads_nowhere_is_refused_by_name(path: str) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    error = refuse(state, update(order, path, wished=order))
    assert (error.reason, fields_of(error)) == ("INVALID_ORDER_DATA", [f"update_mask: {path}"])
    assert "is not a field of Order" in error.message


def test_every_leaf_is_a_path_that_a_mask_may_name() -> None:
    assert all(path_exists(Order.DESCRIPTOR, path) for path in LEAVES)


# Masks.


def test_without_a_mask_the_fields_that_are_set_and_differ_change() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order(referral_code="NEW", special_instructions="ring twice", customer=Customer(phone="2"))
    changed = run(state, update(order, wished=wished))
    assert set(history(state, order)[-1].changed_fields) == {"referral_code", "customer.phone"}
    assert (changed.referral_code, changed.customer.phone, changed.customer.name) == ("NEW", "2", "Carl")


def test_without_a_mask_nothing_is_cleared() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order(referral_code="NEW", delivery=Delivery(method="express"))
    changed = run(state, update(order, wished=wished))
    expected = copy_of(order)
    expected.referral_code, expected.delivery.method = "NEW", "express"
    for name in ("version", "etag", "update_time", "event_hash"):
        expected.ClearField(name)
        changed.ClearField(name)
    assert changed == expected


@pytest.mark.parametrize("field", ["shipping_address", "billing_address"])
def test_an_address_is_replaced_as_a_whole_and_not_mixed_with_the_old_one(field: str) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    other = {"shipping_address": "billing_address", "billing_address": "shipping_address"}[field]
    moved = Address(street="9 Corniche", city="Luxor")
    changed = run(state, update(order, wished=Order(**{field: moved})))
    assert getattr(changed, field) == moved
    assert getattr(changed, other) == getattr(order, other)
    assert list(history(state, order)[-1].changed_fields) == [field]
    # Half an address is none.
    error = refuse(state, update(order, wished=Order(**{field: Address(city="Giza")})))
    assert fields_of(error) == [f"order.{field}.street"]


def test_a_mask_may_still_name_a_part_of_an_address() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order(shipping_address=Address(city="Luxor"))
    changed = run(state, update(order, "shipping_address.city", wished=wished))
    expected = full_address("ship")
    expected.city = "Luxor"
    assert changed.shipping_address == expected
    assert list(history(state, order)[-1].changed_fields) == ["shipping_address.city"]


@pytest.mark.parametrize("status", STATUSES, ids=short)
def test_sending_back_what_was_read_changes_nothing(status: int) -> None:
    state = new_state()
    order = filled(state, status)
    before = fingerprint(state)
    assert run(state, update(order, wished=order)) == order
    assert run(state, update(order, "*", wished=order)) == order
    assert fingerprint(state) == before


def test_an_order_that_has_changed_ten_thousand_times_is_not_updated_any_more() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    state.orders[order.order_id].version = 9_999
    changed = run(state, update(order, "referral_code", wished=Order(referral_code="LAST")))
    assert (changed.referral_code, changed.version) == ("LAST", 10_000)
    one_more = update(order, "referral_code", wished=Order(referral_code="MORE"))
    assert fields_of(refuse(state, one_more)) == ["order.order_id"]
    # It says the same again, and goes on its way.
    assert run(state, update(order, "referral_code", wished=Order(referral_code="LAST"))) == changed
    assert run(state, CancelOrderRequest(order_id=order.order_id)).version == 10_001


def test_an_old_copy_of_the_order_can_be_sent_back_without_its_etag() -> None:
    state = new_state()
    old = filled(state, ORDER_STATUS_PENDING)
    run(state, update(old, "metadata", wished=Order(metadata={"till": "5"})))
    wished = copy_of(old)
    wished.ClearField("etag")
    wished.referral_code = "NEW"
    changed = run(state, update(old, wished=wished))
    assert (changed.referral_code, changed.version) == ("NEW", 3)


def test_a_star_means_all_that_may_change() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order(status=ORDER_STATUS_PENDING, items=order.items, shipping_address=address(), referral_code="NEW")
    changed = run(state, update(order, "*", wished=wished))
    assert (changed.shipping_address, changed.referral_code) == (address(), "NEW")
    assert (changed.special_instructions, dict(changed.metadata)) == ("", {})
    assert not changed.HasField("billing_address")
    assert changed.customer == Customer(customer_id="carl")
    assert not changed.installation.HasField("scheduled_time")
    # An order that names no way of delivery goes by the standard one.
    assert changed.delivery == Delivery(method="standard", estimated_shipping_time=Timestamp(seconds=3))
    assert changed.pricing == order.pricing


def test_a_star_with_other_paths_is_not_a_path() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    assert fields_of(refuse(state, update(order, "*", "metadata", wished=order))) == ["update_mask: *"]


def test_a_path_named_twice_counts_once() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    run(state, update(order, "referral_code", "referral_code", wished=Order(referral_code="NEW")))
    assert list(history(state, order)[-1].changed_fields) == ["referral_code"]


def test_naming_a_message_and_a_part_of_it_changes_the_whole_message() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order(shipping_address=address())
    changed = run(state, update(order, "shipping_address.city", "shipping_address", wished=wished))
    assert changed.shipping_address == address()


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("customer", {"customer.name", "customer.email", "customer.phone"}),
        ("installation", {"installation.scheduled_time", "installation.time_slot"}),
    ],
)
def test_naming_a_message_names_what_may_change_in_it(path: str, parts: set[str]) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order(
        customer=Customer(customer_id="carl", name="N", email="e@example.com", phone="9"),
        installation=Installation(scheduled_time=Timestamp(seconds=9), time_slot="morning"),
    )
    changed = run(state, update(order, path, wished=wished))
    assert set(history(state, order)[-1].changed_fields) == parts
    assert (changed.customer.customer_id, changed.installation.required) == ("carl", False)


@pytest.mark.parametrize(
    ("path", "wished", "refused"),
    [
        ("customer", Order(customer=Customer(customer_id="somebody else")), "order.customer.customer_id"),
        ("installation", Order(installation=Installation(required=True)), "order.installation.required"),
        (
            "delivery",
            Order(delivery=Delivery(estimated_shipping_time=Timestamp(seconds=99))),
            "order.delivery.estimated_shipping_time",
        ),
    ],
)
def test_what_may_not_change_is_refused_below_a_named_message_too(path: str, wished: Order, refused: str) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    assert fields_of(refuse(state, update(order, path, wished=wished))) == [refused]


def test_naming_the_delivery_replaces_all_of_it_that_may_change() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order(delivery=Delivery(method="express"))
    changed = run(state, update(order, "delivery", wished=wished))
    assert changed.delivery == Delivery(method="express", estimated_shipping_time=Timestamp(seconds=3))


def test_naming_an_address_replaces_it_whole() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    changed = run(state, update(order, "shipping_address", wished=Order(shipping_address=address())))
    assert changed.shipping_address == address()
    assert changed.billing_address == full_address("bill")


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in LAST_STATUS
        if path not in ("status", "items", "delivery.method") and not path.endswith(".street")
    ],
)
@pytest.mark.parametrize("parent_is_set", [True, False])
def test_a_field_that_is_named_and_not_set_is_cleared(path: str, parent_is_set: bool) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order()
    if parent_is_set and "." in path:
        getattr(wished, path.split(".", maxsplit=1)[0]).SetInParent()
    changed = run(state, update(order, path, wished=wished))
    assert value_at(order, path) != value_at(Order(), path)
    assert value_at(changed, path) == value_at(Order(), path)
    others = [other for other in LEAVES if other not in (path, "etag", "version", "update_time", "event_hash")]
    # Whoever says how to pay, and not with which saved payment method, means none of them.
    following = ["payment_method_id"] if path == "payment_method" else []
    assert [other for other in others if value_at(order, other) != value_at(changed, other)] == following


def test_another_saved_payment_method_says_how_the_order_is_paid() -> None:
    state = new_state()
    run(state, save_payment_method("visa", PAYMENT_METHOD_CREDIT_CARD))
    run(state, save_payment_method("pal", PAYMENT_METHOD_PAYPAL))
    order = run(state, create(payment_method_id="visa"))
    assert order.payment_method == PAYMENT_METHOD_CREDIT_CARD
    changed = run(state, update(order, "payment_method_id", wished=Order(payment_method_id="pal")))
    assert (changed.payment_method, changed.payment_method_id) == (PAYMENT_METHOD_PAYPAL, "pal")
    assert list(history(state, order)[-1].changed_fields) == ["payment_method_id", "payment_method"]
    both = Order(payment_method_id="visa", payment_method=PAYMENT_METHOD_BANK_TRANSFER)
    error = refuse(state, update(order, "payment_method_id", "payment_method", wished=both))
    assert fields_of(error) == ["order.payment_method"]


def test_an_expired_payment_method_is_refused_but_may_stay_where_it_was_chosen_before() -> None:
    state = new_state()
    run(state, save_payment_method("visa"))
    run(state, expiring(4, 2026, "old"))
    order = run(state, create(payment_method_id="visa"))
    for mask in ((), ("payment_method_id",)):
        error = refuse(state, update(order, *mask, wished=Order(payment_method_id="old")))
        assert fields_of(error) == ["order.payment_method_id"]
        assert "expired in 04/2026" in error.message
    run(state, expiring(4, 2026, "visa"))
    changed = run(state, update(order, wished=Order(payment_method_id="visa", referral_code="NEW")))
    assert (changed.payment_method_id, changed.referral_code) == ("visa", "NEW")


def test_a_delivery_method_that_is_cleared_is_the_standard_one() -> None:
    state = new_state()
    order = run(state, create(delivery_method="express"))
    assert run(state, update(order, "delivery.method")).delivery.method == "standard"


@pytest.mark.parametrize("path", ["shipping_address", "billing_address"])
def test_an_address_can_be_cleared_whole(path: str) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    assert not run(state, update(order, path)).HasField(path)


@pytest.mark.parametrize("path", ["shipping_address", "billing_address"])
def test_an_address_keeps_its_street(path: str) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    emptied = update(order, f"{path}.street", wished=Order(**{path: Address(city="Luxor")}))
    replaced = update(order, path, wished=Order(**{path: Address(city="Luxor")}))
    for request in (emptied, replaced, update(order, f"{path}.street")):
        assert fields_of(refuse(state, request)) == [f"order.{path}.street"]


def test_an_old_address_without_a_street_does_not_stand_in_the_way_of_other_changes() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    stored(state, order).shipping_address.ClearField("street")
    assert run(state, update(order, "referral_code", wished=Order(referral_code="NEW"))).referral_code == "NEW"


def test_a_map_is_replaced_whole() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    wished = Order(metadata={"shelf": "B"})
    assert dict(run(state, update(order, "metadata", wished=wished)).metadata) == {"shelf": "B"}
    assert dict(run(state, update(order, wished=Order(metadata={"a": "1"}))).metadata) == {"a": "1"}


# No change.


def test_a_change_to_the_same_value_is_no_change() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    before = fingerprint(state)
    same = run(state, update(order, "referral_code", "status", "metadata", wished=order))
    assert same == order
    assert fingerprint(state) == before


def test_lines_that_come_out_as_they_were_are_no_change() -> None:
    """A caller need not send prices and names, which are not theirs to set."""
    state = new_state()
    order = run(state, create(line(quantity=2, customizations={"colour": "blue"})))
    before = fingerprint(state)
    item = OrderItem(item_id="1", product_id="chair", quantity=2, customizations={"colour": "blue"})
    assert run(state, update(order, "items", wished=Order(items=[item]))) == order
    item.unit_price.CopyFrom(money("0.01"))
    assert run(state, update(order, "items", wished=Order(items=[item]))) == order
    assert fingerprint(state) == before


def test_an_empty_request_is_no_change_and_reads_the_order() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    assert run(state, update(order)) == order
    assert run(state, update(Order(order_id=order.order_number))) == order


# Items.


def two_lines(state: State) -> Order:
    return run(state, create(line(quantity=2), line("table", 3)))


def shop() -> State:
    return new_state(product(), product("table", "30.00", stock=10))


def wish(*items: OrderItem) -> Order:
    return Order(items=items)


def test_growing_a_line_takes_stock_and_shrinking_it_gives_stock_back() -> None:
    state = shop()
    order = two_lines(state)
    items = [
        OrderItem(item_id="1", product_id="chair", quantity=7),
        OrderItem(item_id="2", product_id="table", quantity=1),
    ]
    run(state, update(order, "items", wished=wish(*items)))
    assert state.stock.values == {("chair", ""): 93, ("table", ""): 9}


def test_removing_a_line_gives_all_its_stock_back() -> None:
    state = shop()
    order = two_lines(state)
    kept = OrderItem(item_id="1", product_id="chair", quantity=2)
    changed = run(state, update(order, "items", wished=wish(kept)))
    assert state.stock.values == {("chair", ""): 98, ("table", ""): 10}
    assert changed.pricing.total == money("20")
    assert changed.total_quantity == 2


def test_only_the_pieces_that_come_on_top_have_to_be_there() -> None:
    state = new_state(product(stock=5))
    order = run(state, create(line(quantity=4)))
    grown = OrderItem(item_id="1", product_id="chair", quantity=5)
    assert run(state, update(order, "items", wished=wish(grown))).total_quantity == 5
    grown.quantity = 6
    error = refuse(state, update(order, "items", wished=wish(grown)))
    assert (error.reason, error.metadata["requested"], error.metadata["available"]) == ("INSUFFICIENT_STOCK", "6", "5")


def test_lines_are_priced_at_todays_prices() -> None:
    state = shop()
    order = two_lines(state)
    run(state, BatchUpsertProductsRequest(products=[product(price="12.50", stock=98)]))
    items = [
        OrderItem(item_id="1", product_id="chair", quantity=3, unit_price=money("0.01")),
        OrderItem(item_id="2", product_id="table", quantity=3),
    ]
    request = update(order, "items", wished=wish(*items))
    error = refuse(state, request)
    assert (error.reason, fields_of(error)) == ("PRICE_CHANGED", ["order.items[0].unit_price"])
    request.accept_price_changes = True
    changed = run(state, request)
    assert [item.total_price for item in changed.items] == [money("37.50"), money("90")]
    assert changed.pricing.subtotal == changed.pricing.total == money("127.50")


def test_a_line_that_names_its_id_keeps_it_and_a_new_one_gets_a_new_one() -> None:
    state = shop()
    order = two_lines(state)
    items = [OrderItem(product_id="chair", quantity=1), OrderItem(item_id="2", product_id="table", quantity=3)]
    changed = run(state, update(order, "items", wished=wish(*items)))
    assert [(item.item_id, item.product_id) for item in changed.items] == [("3", "chair"), ("2", "table")]


@pytest.mark.parametrize(
    ("ids", "where", "why"),
    [(["1", "1"], 1, "occurs twice"), (["1", "9"], 1, "is not an item"), (["x"], 0, "is not an item")],
)
def test_a_line_that_names_a_wrong_id_is_refused(ids: list[str], where: int, why: str) -> None:
    state = shop()
    order = two_lines(state)
    items = [OrderItem(item_id=item_id, product_id="chair", quantity=1) for item_id in ids]
    error = refuse(state, update(order, "items", wished=wish(*items)))
    assert fields_of(error) == [f"order.items[{where}].item_id"]
    assert why in error.message


def test_a_line_may_become_another_product_or_variant() -> None:
    state = new_state(product(), product("lamp", "40.00", variants=[variant("red", price="45")]))
    order = run(state, create(line(quantity=2)))
    item = OrderItem(item_id="1", product_id="lamp", variant_id="red", quantity=1, design_project_id="d")
    (changed,) = run(state, update(order, "items", wished=wish(item))).items
    assert (changed.item_id, changed.name, changed.unit_price) == ("1", "Lamp", money("45"))
    assert changed.design_project_id == "d"
    assert state.stock.values == {("chair", ""): 100, ("lamp", "red"): 99}


@pytest.mark.parametrize(
    ("item", "reason", "fields"),
    [
        (OrderItem(quantity=1), "INVALID_ORDER_DATA", ["order.items[0].product_id"]),
        (OrderItem(product_id="sofa", quantity=1), "PRODUCT_NOT_FOUND", []),
        (OrderItem(product_id="chair", variant_id="red", quantity=1), "PRODUCT_NOT_FOUND", []),
        (OrderItem(product_id="chair", quantity=101), "INSUFFICIENT_STOCK", []),
    ],
    ids=["no product", "unknown product", "unknown variant", "too many"],
)
def test_a_line_that_cannot_be_ordered_is_refused(item: OrderItem, reason: str, fields: list[str]) -> None:
    state = shop()
    error = refuse(state, update(run(state, create()), "items", wished=wish(item)))
    assert (error.reason, fields_of(error)) == (reason, fields)


def test_an_order_keeps_its_currency() -> None:
    state = new_state(product(), product("tea", "300", currency="JPY"))
    order = run(state, create())
    tea = OrderItem(product_id="tea", quantity=1)
    error = refuse(state, update(order, "items", wished=wish(tea)))
    assert fields_of(error) == ["order.items[0].product_id"]
    assert "has no price in USD; it is sold in JPY" in error.message
    chair = OrderItem(product_id="chair", quantity=1)
    assert fields_of(refuse(state, update(order, "items", wished=wish(chair, tea)))) == ["order.items[1].product_id"]


def test_the_last_line_cannot_be_removed() -> None:
    state = shop()
    error = refuse(state, update(two_lines(state), "items"))
    assert fields_of(error) == ["order.items"]


def test_the_items_of_an_imported_order_change_through_the_import() -> None:
    state = new_state()
    run(state, batch(upsert()))
    (order,) = state.orders.values()
    request = update(order, "items", wished=wish(OrderItem(product_id="chair", quantity=1)))
    error = refuse(state, request)
    assert fields_of(error) == ["order.items"]
    assert "BatchUpsertOrders" in error.message


def test_other_fields_of_an_imported_order_change() -> None:
    state = new_state()
    run(state, batch(upsert()))
    (order,) = list(state.orders.values())
    assert run(state, update(order, "referral_code", wished=Order(referral_code="NEW"))).referral_code == "NEW"


def test_the_installation_follows_the_lines() -> None:
    lamp = product("lamp", "40.00", requires_installation=True, installation_price=money("5"))
    state = new_state(product(), lamp)
    order = run(state, create(line("lamp", 2)))
    item = OrderItem(product_id="chair", quantity=1)
    changed = run(state, update(order, "items", wished=wish(item)))
    assert (order.installation.required, changed.installation.required) == (True, False)
    assert changed.pricing.installation == money("0")


# Status with other fields.


def test_fields_and_status_change_in_one_call_as_two_versions() -> None:
    state = new_state()
    order = order_in(state, ORDER_STATUS_PROCESSING)
    wished = Order(status=ORDER_STATUS_SHIPPED, delivery=Delivery(carrier="Bosta", tracking_number="B1"))
    shipped = run(state, update(order, "status", "delivery.carrier", "delivery.tracking_number", wished=wished))
    first, shipment, second = history(state, order)[-3:]
    assert (shipped.status, shipped.delivery.carrier) == (ORDER_STATUS_SHIPPED, "Bosta")
    assert (first.type, second.type) == (ORDER_EVENT_TYPE_UPDATED, ORDER_EVENT_TYPE_STATUS_CHANGED)
    assert shipment.type == ORDER_EVENT_TYPE_SHIPMENT_SHIPPED
    assert (first.from_status, first.to_status) == (ORDER_STATUS_PROCESSING, ORDER_STATUS_PROCESSING)
    assert (second.from_status, second.to_status) == (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED)
    assert [first.version, shipment.version, second.version, shipped.version] == [5, 6, 7, 7]


def test_a_refused_status_takes_the_other_fields_with_it() -> None:
    state = new_state()
    order = run(state, create())
    wished = Order(status=ORDER_STATUS_CONFIRMED, referral_code="NEW")
    assert refuse(state, update(order, "status", "referral_code", wished=wished)).metadata["guard"] == "paid"


def test_items_that_change_as_the_order_is_cancelled_leave_nothing_taken() -> None:
    state = new_state()
    order = run(state, create(line(quantity=5)))
    wished = Order(status=ORDER_STATUS_CANCELLED, items=[OrderItem(product_id="chair", quantity=9)])
    run(state, update(order, "items", "status", wished=wished), CUSTOMER)
    assert state.stock.get(("chair", "")) == 100


def test_a_status_only_update_is_one_version() -> None:
    state = new_state()
    order = pay(state, run(state, create()))
    changed = run(state, update(order, "status", wished=Order(status=ORDER_STATUS_CONFIRMED)))
    assert changed.version == 2


def test_the_roles_hold_for_a_status_that_comes_with_other_fields() -> None:
    state = new_state()
    order = pay(state, run(state, create()))
    wished = Order(status=ORDER_STATUS_CONFIRMED, referral_code="NEW")
    assert refuse(state, update(order, wished=wished), FULFILMENT).reason == "ORDER_ACCESS_DENIED"


# Etags, and trying it out.


def test_a_stale_etag_is_refused_even_if_nothing_would_change() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_CONFIRMED)
    for wished in (Order(etag="1", referral_code="NEW"), Order(etag="1")):
        error = refuse(state, update(order, wished=wished))
        fields = "invoice_number, payment, payment_status, payments, status"
        assert error.reason == "ETAG_MISMATCH"
        assert error.metadata == {"order_id": order.order_id, "etag": "3", "fields": fields}


def test_the_current_etag_is_taken() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_CONFIRMED)
    changed = run(state, update(order, wished=Order(etag="3", referral_code="NEW")))
    assert (changed.etag, changed.version) == ("4", 4)


def test_validate_only_answers_the_order_as_it_would_be_and_stores_nothing() -> None:
    state = new_state()
    order = run(state, create())
    before = fingerprint(state)
    request = update(order, "items", wished=wish(OrderItem(product_id="chair", quantity=5)), request_id="r1")
    request.validate_only = True
    seen = run(state, request)
    assert fingerprint(state) == before
    request.validate_only = False
    assert without_hash(run(state, request)) == seen
    assert (seen.version, seen.pricing.total) == (2, money("50"))


def test_validate_only_refuses_what_would_be_refused() -> None:
    state = new_state()
    order = run(state, create())
    request = update(order, "items", wished=wish(OrderItem(product_id="chair", quantity=101)), validate_only=True)
    assert refuse(state, request).reason == "INSUFFICIENT_STOCK"
    assert refuse(state, update(order, "version", validate_only=True)).reason == "INVALID_ORDER_DATA"


def test_the_order_is_found_by_its_number() -> None:
    state = new_state()
    order = run(state, create())
    request = UpdateOrderRequest(order=Order(order_id=order.order_number, referral_code="NEW"))
    assert run(state, request, ADMIN).referral_code == "NEW"


def test_an_order_that_is_not_there_is_named() -> None:
    error = refuse(new_state(), update(Order(order_id="ORD-2026-999999"), wished=Order(referral_code="NEW")))
    assert (error.reason, error.metadata["order_id"]) == ("ORDER_NOT_FOUND", "ORD-2026-999999")


def test_the_order_before_is_not_touched() -> None:
    """The edit is a copy: whoever still holds the order as it was sees no change."""
    state = new_state()
    order = run(state, create())
    held = stored(state, order)
    run(state, update(order, wished=Order(referral_code="NEW", items=[OrderItem(product_id="chair", quantity=2)])))
    assert held == order
    assert state.changes.orders == {order.order_id: None}


def test_prices_are_never_taken_from_the_caller() -> None:
    state = new_state()
    order = run(state, create())
    wished = Order(pricing=Pricing(total=Money(currency_code="USD", units=1)))
    assert fields_of(refuse(state, update(order, wished=wished))) == ["order.pricing.total"]


def test_a_transition_after_an_update_counts_on() -> None:
    state = new_state()
    order = pay(state, run(state, create()))
    run(state, update(order, wished=Order(referral_code="NEW")))
    assert run(state, transition(order, ORDER_STATUS_CONFIRMED)).version == 3
    assert stored(state, order).status != ORDER_STATUS_DELIVERED


@pytest.mark.parametrize("payment_status", [PAYMENT_STATUS_AUTHORIZED, PAYMENT_STATUS_PAID])
def test_what_is_paid_for_stays_as_it_is(payment_status: PaymentStatus) -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    state.orders[order.order_id].payment_status = payment_status
    error = refuse(state, update(order, "items", wished=with_value("items")))
    assert (error.reason, error.metadata["field"]) == ("INVALID_TRANSITION", "items")


def test_a_status_that_the_mask_names_must_be_set() -> None:
    state = new_state()
    order = filled(state, ORDER_STATUS_PENDING)
    assert fields_of(refuse(state, update(order, "status", wished=Order()))) == ["order.status"]
