import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1 import cart_service_pb2, catalog_service_pb2, customer_service_pb2, order_service_pb2
from orders.v1.customer_service_pb2 import SavedPaymentMethod, UpsertPaymentMethodRequest
from orders.v1.order_pb2 import PAYMENT_METHOD_CREDIT_CARD, Delivery, Order
from orders.v1.order_service_pb2 import (
    UPSERT_OUTCOME_INSERTED,
    UPSERT_OUTCOME_INVALID,
    BatchUpsertOrdersRequest,
    CreateOrderRequest,
    GetOrderRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
    UpsertOrder,
)

from server.domain.access.card_data import NUMBER_TEXT, TOKEN_ADVICE
from server.domain.base.errors import Refusal, Violation
from server.rpc.validation import check, decode, violations_of
from tests.domain.builders import Store, batch, command, create, fields_of, new_state, run, upsert

VISA = "4111111111111111"
# A length-delimited field that no message has.
_UNKNOWN = b"\xfa\x7f"


def received(request: Message, more: bytes = b"") -> Any:
    """The request as the server has it after its check."""
    data = request.SerializeToString() + more
    decoded = decode(type(request), data)
    check(decoded, data)
    return decoded


def refusal(request: Message, more: bytes = b"") -> Refusal:
    with pytest.raises(Refusal) as caught:
        received(request, more)
    return caught.value


def unknown(text: str) -> bytes:
    return _UNKNOWN + bytes([len(text)]) + text.encode()


def test_a_good_request_passes_as_it_is() -> None:
    request = create(special_instructions="Ring twice")
    assert received(request) == request


def test_bytes_that_are_no_request_are_refused_without_repeating_them() -> None:
    with pytest.raises(Refusal) as caught:
        decode(CreateOrderRequest, b"\x0a\xff" + VISA.encode())
    assert VISA not in str(caught.value)


def test_every_field_that_breaks_a_rule_is_named() -> None:
    request = create(referral_code="x" * 65, delivery_method="EXPRESS", coupon_code="y" * 65)
    assert fields_of(refusal(request)) == ["coupon_code", "referral_code", "delivery_method"]


@pytest.mark.parametrize(
    ("request_", "violation"),
    [
        (GetOrderRequest(), ("order_id", "is required")),
        (TransitionOrderRequest(order_id="1"), ("status", "is required")),
        (
            CreateOrderRequest(customer_id="c 1"),
            ("customer_id", "may contain only printable ASCII characters without spaces"),
        ),
        (
            UpdateOrderRequest(order=Order(order_id="1", delivery=Delivery(tracking_number="Nº 1"))),
            ("order.delivery.tracking_number", "may contain only printable ASCII characters"),
        ),
        (create(delivery_method="EXPRESS"), ("delivery_method", "may contain only lowercase letters, digits, _ and -")),
        (create(currency_code="usd"), ("currency_code", "may contain only uppercase letters, for example USD")),
    ],
)
def test_a_rule_that_is_broken_is_said_in_words(request_: Message, violation: tuple[str, str]) -> None:
    assert Violation(*violation) in refusal(request_).violations


def test_a_time_that_is_none_is_refused() -> None:
    request = create(requested_delivery_time=Timestamp(seconds=1, nanos=-1))
    assert fields_of(refusal(request)) == ["requested_delivery_time.nanos"]


def test_card_data_is_refused_before_and_instead_of_all_else() -> None:
    error = refusal(create(delivery_method="EXPRESS", metadata={"note": VISA, VISA: "x" * 501}))
    assert (error.reason, error.metadata) == ("INVALID_ORDER_DATA", {})
    assert error.violations == [Violation("metadata", NUMBER_TEXT), Violation('metadata["note"]', NUMBER_TEXT)]
    assert VISA not in error.message


def test_a_card_number_instead_of_a_token_is_refused() -> None:
    saved = SavedPaymentMethod(type=PAYMENT_METHOD_CREDIT_CARD, provider_token=VISA)
    error = refusal(UpsertPaymentMethodRequest(customer_id="carl", payment_method=saved))
    assert error.violations == [Violation("payment_method.provider_token", NUMBER_TEXT + TOKEN_ADVICE)]


def test_a_card_number_in_a_field_that_the_server_does_not_know_is_dropped() -> None:
    request = create()
    request.items[0].MergeFromString(unknown(VISA))
    kept = received(request, unknown(f"cvc 123 {VISA}"))
    assert VISA.encode() not in kept.SerializeToString()
    assert kept == create()


def test_no_field_that_the_server_does_not_know_is_kept() -> None:
    assert b"gift" not in received(create(), unknown("gift wrapping")).SerializeToString()


def test_an_order_of_a_batch_with_card_data_is_refused_alone() -> None:
    request = received(batch(upsert("A"), upsert("B", metadata={"note": VISA}), upsert("C")))
    response = run(new_state(), request, validate=violations_of)
    outcomes = [UPSERT_OUTCOME_INSERTED, UPSERT_OUTCOME_INVALID, UPSERT_OUTCOME_INSERTED]
    assert [result.outcome for result in response.results] == outcomes
    assert fields_of(response.results[1].status) == ['orders[1].metadata["note"]']


def test_a_batch_with_card_data_is_remembered_without_it_and_answered_again_on_a_retry() -> None:
    sent = batch(upsert("A"), upsert("B", address_text=f"card {VISA}"), request_id="r1")
    store = Store()
    (first,) = store.execute(command(received(sent)), validate=violations_of)
    assert not [kept for kept in store.remembered.values() if VISA.encode() in kept.request + kept.response]
    (again,) = store.execute(command(received(sent)), validate=violations_of)
    assert not isinstance(first, Refusal)
    assert not isinstance(again, Refusal)
    assert (bool(again.replayed), again.body) == (True, first.body)


def test_a_batch_drops_unknown_fields_with_card_data_of_its_orders() -> None:
    order = upsert("A")
    order.customer.MergeFromString(unknown(VISA))
    assert VISA.encode() not in received(batch(order)).SerializeToString()


def test_an_order_is_searched_for_card_data_without_a_check_of_its_batch() -> None:
    assert violations_of(upsert(address_text=VISA)) == [Violation("address_text", NUMBER_TEXT)]
    assert violations_of(upsert()) == []
    assert [violation.field for violation in violations_of(UpsertOrder(external_order_id=VISA))] == ["items"]


def test_a_batch_breaks_rules_of_its_own() -> None:
    assert fields_of(refusal(BatchUpsertOrdersRequest(source="a b", orders=[upsert()]))) == ["source"]
    assert received(batch(UpsertOrder())) == batch(UpsertOrder())


def requests() -> Iterator[Any]:
    for module in (cart_service_pb2, catalog_service_pb2, customer_service_pb2, order_service_pb2):
        for name, descriptor in module.DESCRIPTOR.message_types_by_name.items():
            if name.endswith("Request"):
                yield GetMessageClass(descriptor)


def filled(kind: Any, text: str, depth: int = 4) -> Any:
    """A message with the text wherever one fits."""
    message: Any = kind()
    for field in kind.DESCRIPTOR.fields:
        inner = field.message_type
        if field.type == FieldDescriptor.TYPE_STRING:
            if field.is_repeated:
                getattr(message, field.name).extend([text, text])
            else:
                setattr(message, field.name, text)
        elif inner is not None and inner.GetOptions().map_entry:
            getattr(message, field.name)[text] = text
        elif inner is not None and depth:
            part = filled(GetMessageClass(inner), text, depth - 1)
            if field.is_repeated:
                getattr(message, field.name).append(part)
            else:
                getattr(message, field.name).CopyFrom(part)
    return message


@pytest.mark.parametrize("kind", list(requests()), ids=lambda kind: kind.DESCRIPTOR.name)
@pytest.mark.parametrize("value", ["Geheimnis \x00 é", "GEHEIMNIS" * 2000], ids=["pattern", "length"])
def test_what_breaks_a_rule_is_not_repeated(kind: Any, value: str) -> None:
    """Only keys of maps are, as they name the place."""
    for violation in violations_of(filled(kind, value)):
        field = re.sub(r'\["(?s:.*?)"\]', "", violation.field)
        assert "geheimnis" not in f"{field} {violation.description}".lower()
