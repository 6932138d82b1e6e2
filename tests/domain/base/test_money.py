"""Amounts are whole numbers of a currency's minor unit, and no conversion loses or invents any."""

from decimal import Decimal

import pytest
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from server.domain.base.currencies import EXPONENTS
from server.domain.base.errors import Refusal
from server.domain.base.money import MAX_MINOR, from_minor, minor_of, text_of, to_minor
from tests.domain.builders import amount, fields_of, unhurried

ONE_OF_EACH = [("JPY", 0), ("USD", 2), ("KWD", 3), ("CLF", 4)]
CURRENCIES = st.sampled_from(sorted(EXPONENTS))
MINORS = st.integers(0, MAX_MINOR)
INT64 = st.integers(-(2**63), 2**63 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)


def refusal(money: Money, *, currency: str = "") -> Refusal:
    with pytest.raises(Refusal) as caught:
        to_minor(money, field="price", currency=currency)
    assert caught.value.reason == "INVALID_ORDER_DATA"
    return caught.value


@pytest.mark.parametrize(("currency", "exponent"), ONE_OF_EACH)
def test_exponents_are_those_of_iso_4217(currency: str, exponent: int) -> None:
    assert EXPONENTS[currency] == exponent


@pytest.mark.parametrize(
    ("minor", "currency", "units", "nanos", "text"),
    [
        (0, "JPY", 0, 0, "0 JPY"),
        (1250, "JPY", 1250, 0, "1250 JPY"),
        (1250, "USD", 12, 500_000_000, "12.50 USD"),
        (5, "USD", 0, 50_000_000, "0.05 USD"),
        (1250, "KWD", 1, 250_000_000, "1.250 KWD"),
        (12_501, "CLF", 1, 250_100_000, "1.2501 CLF"),
        (1, "CLF", 0, 100_000, "0.0001 CLF"),
    ],
)
def test_an_amount_is_the_same_in_minor_units_as_a_message_and_as_text(
    minor: int, currency: str, units: int, nanos: int, text: str
) -> None:
    money = Money(currency_code=currency, units=units, nanos=nanos)
    assert from_minor(minor, currency) == money
    assert to_minor(money, field="price") == minor
    assert text_of(minor, currency) == text


@unhurried
@given(MINORS, CURRENCIES)
def test_minor_units_survive_the_way_to_a_message_and_back(minor: int, currency: str) -> None:
    money = from_minor(minor, currency)
    assert to_minor(money, field="price", currency=currency) == minor
    assert minor_of(money) == minor


@unhurried
@given(MINORS, CURRENCIES)
def test_text_and_message_say_the_same_amount(minor: int, currency: str) -> None:
    number, _, code = text_of(minor, currency).partition(" ")
    assert (Decimal(number), code) == (amount(from_minor(minor, currency)), currency)
    assert -Decimal(number).as_tuple().exponent == EXPONENTS[currency]


@unhurried
@given(INT64, INT32, CURRENCIES)
def test_a_message_is_taken_exactly_or_refused(units: int, nanos: int, currency: str) -> None:
    check_exact_or_refused(units, nanos, currency)


@unhurried
@given(st.integers(-2, 10**7), INT32 | st.sampled_from([0, 10**7, 10**9]), CURRENCIES)
def test_a_small_message_is_taken_exactly_or_refused(units: int, nanos: int, currency: str) -> None:
    check_exact_or_refused(units, nanos, currency)


def check_exact_or_refused(units: int, nanos: int, currency: str) -> None:
    money = Money(currency_code=currency, units=units, nanos=nanos)
    scale = 10 ** EXPONENTS[currency]
    exact = (units + Decimal(nanos) / 1_000_000_000) * scale
    if 0 <= exact <= MAX_MINOR and exact == int(exact) and units >= 0 and 0 <= nanos < 1_000_000_000:
        assert from_minor(to_minor(money, field="price"), currency) == money
    else:
        assert all(name.startswith("price") for name in fields_of(refusal(money)))


@pytest.mark.parametrize("code", ["", "usd", "XYZ", "US", "$", "XAU"])
def test_a_currency_that_has_no_minor_unit_is_refused(code: str) -> None:
    assert fields_of(refusal(Money(currency_code=code, units=1))) == ["price.currency_code"]


@pytest.mark.parametrize(("units", "nanos"), [(-1, 0), (0, -10_000_000), (-1, -500_000_000)])
def test_a_negative_amount_is_refused(units: int, nanos: int) -> None:
    assert refusal(Money(currency_code="USD", units=units, nanos=nanos)).message == "price: must not be negative"


@pytest.mark.parametrize(("units", "nanos"), [(1, -500_000_000), (-1, 500_000_000)])
def test_mixed_signs_are_refused(units: int, nanos: int) -> None:
    assert fields_of(refusal(Money(currency_code="USD", units=units, nanos=nanos))) == ["price"]


@pytest.mark.parametrize(("currency", "exponent"), ONE_OF_EACH)
def test_one_digit_more_than_the_currency_has_is_refused(currency: str, exponent: int) -> None:
    error = refusal(Money(currency_code=currency, units=1, nanos=10 ** (8 - exponent)))
    assert fields_of(error) == ["price.nanos"]
    assert f"{currency} has {exponent} decimal places" in error.message


def test_a_whole_unit_of_nanos_is_refused() -> None:
    assert fields_of(refusal(Money(currency_code="USD", nanos=1_000_000_000))) == ["price.nanos"]


@pytest.mark.parametrize(("currency", "exponent"), ONE_OF_EACH)
def test_the_largest_amount_is_taken_and_the_next_one_refused(currency: str, exponent: int) -> None:
    largest = from_minor(MAX_MINOR, currency)
    assert to_minor(largest, field="price") == MAX_MINOR
    assert fields_of(refusal(from_minor(MAX_MINOR + 1, currency))) == ["price"]


def test_another_currency_than_the_order_has_is_refused() -> None:
    error = refusal(Money(currency_code="EUR", units=1), currency="USD")
    assert fields_of(error) == ["price.currency_code"]
    assert "EUR" in error.message
    assert "USD" in error.message


def test_no_amount_is_nothing() -> None:
    assert minor_of(Money()) == 0


def test_a_difference_below_zero_has_one_sign() -> None:
    assert text_of(-5, "USD") == "-0.05 USD"
