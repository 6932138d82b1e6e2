import re
import string
from collections.abc import Callable, Iterable
from hashlib import sha256
from uuid import UUID

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import example, given
from hypothesis import strategies as st
from orders.v1 import cart_service_pb2, catalog_service_pb2, customer_service_pb2, order_pb2, order_service_pb2
from orders.v1.cart_service_pb2 import AddCartItemRequest
from orders.v1.catalog_service_pb2 import BatchUpsertProductsRequest, Product, ProductVariant
from orders.v1.customer_service_pb2 import AdjustPointsRequest, SavedPaymentMethod, UpsertPaymentMethodRequest
from orders.v1.order_pb2 import Address, Customer, Delivery, Order, OrderItem, PaymentEvent
from orders.v1.order_service_pb2 import (
    BatchUpsertOrdersRequest,
    CreateOrderRequest,
    NewOrderItem,
    RecordPaymentRequest,
    TransitionOrderRequest,
    UpdateOrderRequest,
    UpsertOrder,
    UpsertOrderItem,
)

from server.domain.access.card_data import (
    CODE_TEXT,
    NUMBER_TEXT,
    TOKEN_ADVICE,
    CardSearch,
    card_violations,
    may_hold_card_data,
)
from server.domain.base.errors import Refusal, Violation, invalid
from tests.domain.builders import unhurried

VISA = "4111111111111111"

# What each issuer's numbers begin with, and how long they are.
ISSUERS: dict[str, tuple[list[str], list[int]]] = {
    "Visa": (["4"], [13, 16, 19]),
    "Mastercard": ([*map(str, range(51, 56)), *map(str, range(2221, 2721))], [16]),
    "American Express": (["34", "37"], [15]),
    "Discover": (["6011", *map(str, range(644, 650)), "65"], [16, 17, 18, 19]),
    "JCB": ([*map(str, range(3528, 3590))], [16, 17, 18, 19]),
    "Diners Club": ([*map(str, range(300, 306)), "36", "38"], [14, 15, 16, 17, 18, 19]),
    "UnionPay": (["62"], [16, 17, 18, 19]),
    "Maestro": (["50", "56", "57", "58", "63", "67"], [16, 17, 18, 19]),
    "Mir": (["2200", "2204"], [16]),
    "RuPay": (["60", "81", "82"], [16]),
    "mada": (["9682"], [16]),
}
DIGITS = string.digits
# Arabic, Persian and full-width digits.
OTHER_DIGITS = ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "０１２３４５６７８９")


def check_digit(digits: str) -> str:
    """The digit that makes a number valid by Luhn's rule."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


@st.composite
def card_numbers(draw: st.DrawFn, issuer: str | None = None) -> str:
    prefixes, lengths = ISSUERS[issuer or draw(st.sampled_from(sorted(ISSUERS)))]
    prefix, length = draw(st.sampled_from(prefixes)), draw(st.sampled_from(lengths))
    size = length - len(prefix) - 1
    digits = prefix + draw(st.text(DIGITS, min_size=size, max_size=size))
    return digits + check_digit(digits)


def printed(number: str, gap: str) -> str:
    """In the groups in which a card has it."""
    if len(number) == 15:
        return gap.join((number[:4], number[4:10], number[10:]))
    return gap.join(number[place : place + 4] for place in range(0, len(number), 4))


# Makes a request that has a text in one of its fields, and the path of the field.
Field = tuple[str, Callable[[str], Message]]


def create(path: str, **fields: Callable[[str], object]) -> Field:
    return path, lambda text: CreateOrderRequest(**{name: make(text) for name, make in fields.items()})  # type: ignore[arg-type]


def update(path: str, **fields: Callable[[str], object]) -> Field:
    return path, lambda text: UpdateOrderRequest(
        order=Order(**{name: make(text) for name, make in fields.items()})  # type: ignore[arg-type]
    )


def method(name: str) -> Field:
    def make(text: str) -> Message:
        saved = SavedPaymentMethod()
        setattr(saved, name, text)
        return UpsertPaymentMethodRequest(payment_method=saved)

    return f"payment_method.{name}", make


FIELDS: list[Field] = [
    create("special_instructions", special_instructions=str),
    create("payment_method_id", payment_method_id=str),
    create("shipping_address_id", shipping_address_id=str),
    create("billing_address_id", billing_address_id=str),
    create("shipping_address.address_id", shipping_address=lambda text: Address(address_id=text)),
    create("items[0].design_project_id", items=lambda text: [NewOrderItem(design_project_id=text)]),
    create("coupon_code", coupon_code=str),
    create("referral_code", referral_code=str),
    create("delivery_time_slot", delivery_time_slot=str),
    create("shipping_address.street", shipping_address=lambda text: Address(street=text)),
    create("billing_address.name", billing_address=lambda text: Address(name=text)),
    create("billing_address.postal_code", billing_address=lambda text: Address(postal_code=text)),
    create('metadata["note"]', metadata=lambda text: {"note": text}),
    create('metadata["customer_id"]', metadata=lambda text: {"customer_id": text}),
    create("metadata", metadata=lambda text: {text: "note"}),
    create(
        'items[1].customizations["text"]',
        items=lambda text: [NewOrderItem(), NewOrderItem(customizations={"colour": "red", "text": text})],
    ),
    create("items[0].customizations", items=lambda text: [NewOrderItem(customizations={text: "red"})]),
    method("provider_token"),
    method("payment_method_id"),
    method("brand"),
    method("last_four"),
    update("order.special_instructions", special_instructions=str),
    update("order.payment_method_id", payment_method_id=str),
    update("order.customer.name", customer=lambda text: Customer(name=text)),
    update("order.customer.email", customer=lambda text: Customer(email=text)),
    update("order.delivery.carrier", delivery=lambda text: Delivery(carrier=text)),
    update("order.items[0].name", items=lambda text: [OrderItem(name=text)]),
    update('order.metadata["note"]', metadata=lambda text: {"note": text}),
    ("override_reason", lambda text: UpdateOrderRequest(override_reason=text)),
    ("reason", lambda text: AdjustPointsRequest(reason=text)),
    ("event.description", lambda text: RecordPaymentRequest(event=PaymentEvent(description=text))),
    ('customizations["text"]', lambda text: AddCartItemRequest(customizations={"text": text})),
    (
        'products[0].variants[0].attributes["size"]',
        lambda text: BatchUpsertProductsRequest(
            products=[Product(variants=[ProductVariant(attributes={"size": text})])]
        ),
    ),
    (
        "orders[1].address_text",
        lambda text: BatchUpsertOrdersRequest(orders=[UpsertOrder(), UpsertOrder(address_text=text)]),
    ),
    ("update_mask.paths[1]", lambda text: UpdateOrderRequest(update_mask={"paths": ["items", text]})),
]

# Fields in which numbers are identifiers.
IDENTIFIERS: list[Callable[[str], Message]] = [
    lambda text: CreateOrderRequest(request_id=text, customer_id=text, cart_id=text),
    lambda text: CreateOrderRequest(items=[NewOrderItem(product_id=text, variant_id=text)]),
    lambda text: TransitionOrderRequest(order_id=text, tracking_number=text, etag=text),
    lambda text: UpdateOrderRequest(order=Order(order_number=text, external_order_id=text, source=text)),
    lambda text: UpdateOrderRequest(order=Order(customer=Customer(customer_id=text))),
    lambda text: UpdateOrderRequest(order=Order(delivery=Delivery(tracking_number=text))),
    lambda text: BatchUpsertOrdersRequest(
        source=text, orders=[UpsertOrder(external_order_id=text, items=[UpsertOrderItem(sku=text)])]
    ),
    lambda text: BatchUpsertProductsRequest(products=[Product(product_id=text, sku=text, image_uri=text)]),
]


def violations_in(message: Message) -> list[Violation]:
    """What is found in a message; where something is, the quick look has seen that it may be."""
    found = card_violations(message)
    if found:
        assert may_hold_card_data(message.SerializeToString())
    return found


def note(text: str) -> list[Violation]:
    return violations_in(CreateOrderRequest(metadata={"note": text}))


@pytest.mark.parametrize("field", FIELDS, ids=[path for path, _ in FIELDS])
@unhurried
@given(number=card_numbers())
def test_a_card_number_is_found_in_a_field_and_not_repeated(field: Field, number: str) -> None:
    path, make = field
    found = violations_in(make(number))
    advice = TOKEN_ADVICE if path.startswith("payment_method.") else ""
    assert found == [Violation(path, NUMBER_TEXT + advice)]
    assert number not in str(invalid(*found).message)


@pytest.mark.parametrize("issuer", sorted(ISSUERS))
@unhurried
@given(data=st.data())
def test_the_numbers_of_each_issuer_are_found_however_they_are_written(issuer: str, data: st.DataObject) -> None:
    number = data.draw(card_numbers(issuer))
    written = data.draw(st.sampled_from([number, printed(number, " "), printed(number, "-"), printed(number, " - ")]))
    before = data.draw(st.sampled_from(["", "card ", "no.", "12x", "2 ", "Order 17: ", "(", "tok_", "٣ ", "\n"]))
    after = data.draw(st.sampled_from(["", " 12/26", " 12 26 123", ".", "x", ", thanks", "=2612101", "\n", "é"]))
    assert note(before + written + after) == [Violation('metadata["note"]', NUMBER_TEXT)]


@unhurried
@given(card_numbers("Visa"), st.lists(st.sampled_from(["", "", " ", "-", "\u00a0", "–"]), min_size=18, max_size=18))
def test_single_blanks_and_hyphens_between_any_digits_hide_no_number(number: str, gaps: list[str]) -> None:
    assert note(number[0] + "".join(gap + digit for gap, digit in zip(gaps, number[1:], strict=False)))


@pytest.mark.parametrize(
    "gap", [".", "/", "_", "  ", " - ", "+", "\u202f", "\u200b", " / ", "\n", "\r\n", ", ", ": ", "\u00ad"]
)
def test_groups_as_on_a_card_are_found_with_other_gaps(gap: str) -> None:
    assert note(f"pay with {printed(VISA, gap)} please")
    assert note(f"amex {printed('378282246310005', gap)}")
    assert note(f"diners {gap.join(('3056', '930902', '5904'))}")


@pytest.mark.parametrize("digits", OTHER_DIGITS)
def test_digits_of_other_scripts_are_digits(digits: str) -> None:
    number = VISA.translate(str.maketrans(DIGITS, digits))
    assert note(number)
    assert note(printed(number, " "))
    assert note(printed(number[:8] + VISA[8:], "-"))


@unhurried
@given(card_numbers())
def test_a_number_with_a_wrong_check_digit_is_none(number: str) -> None:
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not note(wrong)


@unhurried
@given(card_numbers(), st.text(DIGITS, min_size=1, max_size=40))
def test_a_number_within_more_digits_is_none(number: str, more: str) -> None:
    longer = f"{more}{number}{more}"
    if len(longer) > 19:
        assert not note(longer)


def test_a_number_of_no_known_issuer_is_none() -> None:
    for prefix in ("0", "1", "7", "2000", "2300" * 5, "99"):
        digits = (prefix + "0" * 15)[:15]
        if not prefix.startswith("23"):
            assert not note(digits + check_digit(digits))


@unhurried
@given(st.text(DIGITS, min_size=11, max_size=13), st.sampled_from(ISSUERS["Maestro"][0]))
def test_a_short_maestro_number_is_one_if_it_is_written_like_one(digits: str, prefix: str) -> None:
    digits = (prefix + digits)[:14]
    number = digits + check_digit(digits)
    assert note(printed(number, " ")) or len(number) == 15
    assert not note(number)


@pytest.mark.parametrize("make", IDENTIFIERS)
def test_identifiers_are_not_searched(make: Callable[[str], Message]) -> None:
    assert card_violations(make(VISA)) == []
    assert card_violations(make(f"cvc 123 {printed(VISA, ' ')}")) == []


@unhurried
@given(st.uuids(), st.sampled_from(["{}", "design {}!", "{0} {0}"]))
def test_a_uuid_is_no_card_number(uuid: UUID, template: str) -> None:
    assert not note(template.format(uuid))
    assert not violations_in(method("payment_method_id")[1](str(uuid)))


def test_digits_that_come_together_in_ids_by_chance_are_no_card_number() -> None:
    by_chance = [f"0190a{VISA[:3]}-{VISA[3:7]}-7111-8aaa-aaaaaaaaaaaa", f"4d{'ab' * 7}{VISA}"]
    assert note(VISA)
    for text in by_chance:
        assert not note(text)


def ibans(gap: str) -> st.SearchStrategy[str]:
    """German and Austrian account numbers with their check digits."""
    return st.builds(
        lambda country, digits: gap.join(re.findall(".{1,4}", with_check_digits(country, digits))),
        st.sampled_from(["DE", "AT"]),
        st.integers(0, 10**18 - 1),
    )


def with_check_digits(country: str, digits: int) -> str:
    account = f"{digits:018d}" if country == "DE" else f"{digits % 10**16:016d}"
    letters = "".join(str(int(letter, 36)) for letter in country)
    return f"{country}{98 - int(account + letters + '00') % 97:02d}{account}"


def test_letters_before_a_card_number_do_not_make_it_an_account_number() -> None:
    for start in ("DE12 ", "AT61 ", "NO93 "):
        assert note(start + printed(VISA, " "))


@unhurried
@given(
    st.one_of(
        st.builds(str, st.dates()),
        st.builds(str, st.datetimes()),
        st.integers(0, 4_000_000_000_000).map(str),
        st.integers(1, 999_999).map("ORD-2026-{:06d}".format),
        st.decimals(0, 10**9, places=2).map("{:,.2f} USD".format),
        st.from_regex(r"\+[1-9][0-9]{6,11}", fullmatch=True),
        st.from_regex(r"1Z[0-9A-Z]{16}", fullmatch=True),
        st.from_regex(r"30[1-6]-[0-9]{7}-[0-9]{7}", fullmatch=True),  # an order of Amazon's
        st.sampled_from([" ", ""]).flatmap(ibans),
    )
)
def test_dates_times_prices_phones_and_order_numbers_are_no_card_numbers(text: str) -> None:
    if not (text.isdigit() and len(text) == 13):  # a very old Visa number
        assert not note(text)


@unhurried
@given(st.from_regex(r"\+?[0-9]([ -]?[0-9]){6,14}", fullmatch=True))
def test_no_phone_number_is_refused_in_its_field(phone: str) -> None:
    assert not card_violations(CreateOrderRequest(shipping_address=Address(phone=phone)))
    assert not card_violations(UpdateOrderRequest(order=Order(customer=Customer(phone=phone))))


@pytest.mark.parametrize("gap", ["", " ", "-"])
def test_a_card_number_that_is_too_long_for_a_phone_number_is_found_in_its_place(gap: str) -> None:
    number = printed(VISA, gap)
    (violation,) = violations_in(CreateOrderRequest(shipping_address=Address(phone=number)))
    assert (violation.field, violation.description) == ("shipping_address.phone", NUMBER_TEXT)
    assert violations_in(UpdateOrderRequest(order=Order(customer=Customer(phone=number))))


def test_two_phone_numbers_are_no_card_number() -> None:
    assert not note("call 0501234567 or 0551234567")
    for last in range(10):
        assert not note(f"50123456{last} 551234567")


def test_the_number_of_an_article_is_none_of_a_card() -> None:
    attributes = {"EAN": "4006381333931", "gtin": "4222222222222"}
    assert not violations_in(NewOrderItem(customizations=attributes))
    assert violations_in(NewOrderItem(customizations={"ean": VISA}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cvc", "123"),
        ("CVV", "1234"),
        ("cvv2", "123"),
        ("Card-CVC", " 123 "),
        ("card_cvv", "123"),
        ("csc", "123"),
        ("csc_code", "123"),
        ("securityCode", "123"),
        ("card security code", "123"),
        ("card_verification_value", "123"),
        ("cardCid", "1234"),
    ],
)
def test_a_key_tells_that_its_digits_are_a_security_code(key: str, value: str) -> None:
    found = violations_in(CreateOrderRequest(metadata={key: value}))
    assert found == [Violation(f'metadata["{key}"]', CODE_TEXT)]


@pytest.mark.parametrize(
    "key", ["card_number", "Card Number", "cardNo", "pan", "PAN", "credit_card_number", "card_pan"]
)
def test_a_key_tells_that_its_digits_are_a_card_number_even_a_mistyped_one(key: str) -> None:
    found = violations_in(NewOrderItem(customizations={key: "4111 1111 1111 1112"}))
    assert found == [Violation(f'customizations["{key}"]', NUMBER_TEXT)]
    assert not violations_in(NewOrderItem(customizations={key: "1112"}))


@pytest.mark.parametrize(
    "text",
    [
        "cvc 123",
        "CVV: 1234",
        "cvv2=123",
        "my card, cvc is 123, thanks",
        "card_cvc:123",
        '{"cvc":"123"}',
        "CVV code: 123",
        "cvc123",
        "Card security code 1234",
        "card verification number: 123",
        "123 (cvc)",
    ],
)
def test_a_security_code_in_a_text_is_found_and_not_repeated(text: str) -> None:
    assert note(text) == [Violation('metadata["note"]', CODE_TEXT)]
    assert violations_in(CreateOrderRequest(metadata={text: "x"})) == [Violation("metadata", CODE_TEXT)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cvc", "yes"),
        ("cvc_check", "passed"),
        ("cvc_check", "1"),
        ("card", "gift"),
        ("card", "1234"),
        ("gift card number", "none"),
        ("panel", "12345"),
        ("japan", "12345"),
        ("note", "Security code of the gate: 4521"),
        ("note", "cvc12345"),
        ("note", "CVC: checked, 2 cards, 12345 points"),
        ("note", "greeting card number 123"),
    ],
)
def test_other_words_and_numbers_are_no_security_code(key: str, value: str) -> None:
    assert violations_in(CreateOrderRequest(metadata={key: value})) == []


def test_a_refused_key_is_not_in_the_path_of_its_value() -> None:
    found = violations_in(CreateOrderRequest(metadata={VISA: "cvc 123", "cvv 456": VISA}))
    assert [violation.field for violation in found] == ["metadata"] * 4
    text = str(found)
    assert VISA not in text
    assert "456" not in text


def test_every_place_is_named() -> None:
    request = CreateOrderRequest(special_instructions=VISA, metadata={"a": "x", "cvc": "123", "note": VISA})
    assert violations_in(request) == [
        Violation("special_instructions", NUMBER_TEXT),
        Violation('metadata["cvc"]', CODE_TEXT),
        Violation('metadata["note"]', NUMBER_TEXT),
    ]


def conceal(message: Message) -> None:
    for _ in CardSearch().conceal(message):
        pass


def test_what_is_concealed_is_gone_and_still_refused() -> None:
    wished = UpsertOrder(
        external_order_id="A-1",
        customer=Customer(customer_id="c1", name=f"Anna {VISA}", email="a@example.com"),
        items=[UpsertOrderItem(sku="s1", name="Sofa"), UpsertOrderItem(sku="s2", name=VISA)],
        address_text="1 Nile St",
        metadata={"note": f"{VISA}!", "cvc": "123", VISA: "x", "cvv 456": VISA, "other": "kept"},
    )
    before = {violation.field for violation in violations_in(wished)}
    conceal(wished)
    data = wished.SerializeToString()
    assert not [secret for secret in (VISA, "123", "456") if secret.encode() in data]
    assert {violation.field for violation in violations_in(wished)} == before
    assert (wished.external_order_id, wished.address_text) == ("A-1", "1 Nile St")
    assert wished.items[0] == UpsertOrderItem(sku="s1", name="Sofa")
    assert (wished.customer.email, wished.metadata["other"]) == ("a@example.com", "kept")


def test_concealing_leaves_what_has_no_card_data() -> None:
    wished = UpsertOrder(external_order_id=VISA, customer=Customer(name="Anna"), metadata={"note": "4111"})
    copy = UpsertOrder.FromString(wished.SerializeToString())
    conceal(wished)
    assert wished == copy


@unhurried
@given(
    st.dictionaries(
        st.text("cCvV12_ card-pns", max_size=12), st.text(DIGITS + " -./x٣４\u00a0cvn", max_size=60), max_size=5
    )
)
@example({"C1VC": "0"})
@example({"CsCnumber": "0"})
@example({"ca2rd 1 pa3n": "12345"})
def test_the_quick_look_misses_nothing_that_the_walk_finds(metadata: dict[str, str]) -> None:
    violations_in(CreateOrderRequest(metadata=metadata))
    assert not card_violations(CreateOrderRequest(metadata={}))


@pytest.mark.parametrize("length", range(40, 70))
def test_the_quick_look_is_not_misled_by_the_bytes_beside_a_text(length: int) -> None:
    assert may_hold_card_data(CreateOrderRequest(special_instructions=VISA.ljust(length, "x")).SerializeToString())


def test_the_quick_look_passes_over_an_ordinary_order() -> None:
    address = Address(
        name="Anna", street="12 King Fahd Road", city="Riyadh", postal_code="11564", phone="+966501234567"
    )
    request = CreateOrderRequest(
        request_id="0190c3a4-7f21-7abc-8def-1234567890ab",
        customer_id="customer-1041",
        items=[NewOrderItem(product_id=f"P-100{number}", customizations={"panel": "oak"}) for number in range(3)],
        shipping_address=address,
        special_instructions="Ring twice, the security guard has a card for the company's gate",
        metadata={"channel": "web", "campaign": "spring 2026"},
    )
    assert not may_hold_card_data(request.SerializeToString())


def test_a_request_made_of_candidates_is_refused_before_it_takes_long() -> None:
    item = NewOrderItem(customizations={f"{number}": "4 1 1 2 " * 60 for number in range(50)})
    request = CreateOrderRequest(items=[item] * 20)
    with pytest.raises(Refusal, match="too many numbers") as caught:
        card_violations(request)
    assert caught.value.reason == "INVALID_ORDER_DATA"


def test_a_text_is_searched_as_far_as_its_rule_lets_it_go() -> None:
    found = Violation("special_instructions", NUMBER_TEXT)
    assert card_violations(CreateOrderRequest(special_instructions="x" * 1_980 + f" {VISA}")) == [found]
    assert card_violations(CreateOrderRequest(special_instructions="x" * 2_100 + f" {VISA}")) == []


def test_concealing_leaves_nothing_that_was_not_searched() -> None:
    long = "x" * 5_000 + VISA
    wished = UpsertOrder(address_text=long, customer=Customer(name=long), metadata={"note": long, long: "x"})
    conceal(wished)
    assert VISA.encode() not in wished.SerializeToString()
    assert all(len(text) > 500 for text in (wished.address_text, wished.metadata["note"]))
    assert max(map(len, wished.metadata)) > 64


def test_a_hash_is_no_place_for_a_card_number_and_is_not_taken_for_one() -> None:
    request = UpdateOrderRequest(order=Order(event_hash=VISA.encode()))
    assert violations_in(request) == [Violation("order.event_hash", NUMBER_TEXT)]
    for number in range(2_000):
        digest = sha256(number.to_bytes(8, "big")).digest()
        assert not card_violations(UpdateOrderRequest(order=Order(event_hash=digest)))


def all_fields() -> Iterable[FieldDescriptor]:
    for module in (cart_service_pb2, catalog_service_pb2, customer_service_pb2, order_pb2, order_service_pb2):
        for message in module.DESCRIPTOR.message_types_by_name.values():
            yield from message.fields


def test_there_are_no_fields_but_those_that_the_walk_knows() -> None:
    # Bytes are searched, but not concealed, which only orders of a batch are.
    holding_bytes = {field.full_name for field in all_fields() if field.type == FieldDescriptor.TYPE_BYTES}
    assert holding_bytes == {
        "orders.v1.Order.event_hash",
        "orders.v1.OrderEvent.hash",
        "orders.v1.OrderEvent.values_digest",
    }
    for field in all_fields():
        assert field.type != FieldDescriptor.TYPE_GROUP, field.full_name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            texts = [inner.type == FieldDescriptor.TYPE_STRING for inner in field.message_type.fields]
            assert texts == [True, True], field.full_name
