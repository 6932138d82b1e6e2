from typing import Any

import pytest
from orders.v1.customer_service_pb2 import (
    POINTS_ENTRY_TYPE_ADJUSTED,
    AdjustPointsRequest,
    CustomerAccount,
    DeleteAddressRequest,
    DeletePaymentMethodRequest,
    SavedPaymentMethod,
    UpsertAddressRequest,
    UpsertCustomerRequest,
    UpsertPaymentMethodRequest,
)
from orders.v1.order_pb2 import PAYMENT_METHOD_CREDIT_CARD, Address, Customer

from server.domain.base.errors import Refusal
from server.domain.base.records import Kind
from server.domain.base.state import State
from server.domain.customers.accounts import (
    MAX_ADDRESSES,
    MAX_PAYMENT_METHODS,
    find_address,
    find_payment_method,
    public_view,
)
from tests.domain.builders import NOW, at, fields_of, new_state, refuse, run


@pytest.fixture
def state() -> State:
    return new_state()


def contact(name: str = "Carl", **more: Any) -> UpsertCustomerRequest:
    return UpsertCustomerRequest(customer=Customer(customer_id="carl", name=name, **more))


def upsert_address(address_id: str = "", street: str = "1 Nile St", **more: Any) -> UpsertAddressRequest:
    return UpsertAddressRequest(
        customer_id="carl", address=Address(address_id=address_id, street=street, country="EG", **more)
    )


def delete_address(address_id: str) -> DeleteAddressRequest:
    return DeleteAddressRequest(customer_id="carl", address_id=address_id)


def upsert_method(payment_method_id: str = "", **more: Any) -> UpsertPaymentMethodRequest:
    saved = SavedPaymentMethod(payment_method_id=payment_method_id, type=PAYMENT_METHOD_CREDIT_CARD, **more)
    return UpsertPaymentMethodRequest(customer_id="carl", payment_method=saved)


def delete_method(payment_method_id: str) -> DeletePaymentMethodRequest:
    return DeletePaymentMethodRequest(customer_id="carl", payment_method_id=payment_method_id)


def adjust(delta: int, **more: Any) -> AdjustPointsRequest:
    return AdjustPointsRequest(customer_id="carl", delta=delta, reason="welcome gift", **more)


def kept(state: State) -> CustomerAccount:
    return CustomerAccount.FromString(state.customers.stored["carl"])


def later(state: State) -> None:
    """Time goes on, and the batch before is written."""
    state.time.CopyFrom(at(60))
    state.records(Kind.CUSTOMER).changes.clear()


def test_the_first_write_makes_the_account_and_the_next_replaces_the_contact(state: State) -> None:
    made = run(state, contact("Carl", email="carl@example.com", phone="+20100"))
    assert made == CustomerAccount(
        customer=Customer(customer_id="carl", name="Carl", email="carl@example.com", phone="+20100"), update_time=NOW
    )
    later(state)
    replaced = run(state, contact("Karl"))
    assert replaced.customer == Customer(customer_id="carl", name="Karl")
    assert replaced.update_time == at(60)


def test_a_contact_without_a_customer_id_is_refused(state: State) -> None:
    error = refuse(state, UpsertCustomerRequest(customer=Customer(name="Nobody")))
    assert fields_of(error) == ["customer.customer_id"]


def test_a_contact_leaves_the_rest_of_the_account(state: State) -> None:
    run(state, upsert_address("home"))
    run(state, upsert_method("visa"))
    account = run(state, contact())
    assert [address.address_id for address in account.addresses] == ["home"]
    assert [method.payment_method_id for method in account.payment_methods] == ["visa"]


def test_an_account_that_an_address_made_has_the_customer_id(state: State) -> None:
    run(state, upsert_address("home"))
    assert kept(state).customer == Customer(customer_id="carl")


@pytest.mark.parametrize(
    "request_", [contact(), upsert_address("home"), upsert_method("visa", provider_token="tok_1")], ids=str
)
def test_what_changes_nothing_writes_nothing(state: State, request_: Any) -> None:
    first = run(state, request_)
    later(state)
    assert run(state, request_) == first
    assert state.customers.changes == {}
    assert kept(state).update_time == NOW


def test_an_address_without_an_id_gets_one_each_time(state: State) -> None:
    one, other = run(state, upsert_address()), run(state, upsert_address())
    assert len({one.address_id, other.address_id, ""}) == 3
    assert list(kept(state).addresses) == [one, other]


def test_an_address_with_an_id_that_exists_is_replaced_in_its_place(state: State) -> None:
    for address_id in ("home", "work", "mother"):
        run(state, upsert_address(address_id, city="Giza"))
    replaced = run(state, upsert_address("work", street="7 Corniche"))
    assert replaced == Address(address_id="work", street="7 Corniche", country="EG")
    assert [address.address_id for address in kept(state).addresses] == ["home", "work", "mother"]
    assert kept(state).addresses[1] == replaced


def test_an_address_needs_a_street(state: State) -> None:
    assert fields_of(refuse(state, upsert_address(street=""))) == ["address.street"]


def test_a_customer_has_at_most_a_hundred_addresses_of_which_each_can_be_replaced(state: State) -> None:
    for number in range(MAX_ADDRESSES):
        run(state, upsert_address(str(number)))
    assert fields_of(refuse(state, upsert_address())) == ["address"]
    assert fields_of(refuse(state, upsert_address("100"))) == ["address"]
    run(state, upsert_address("99", street="2 Nile St"))
    run(state, delete_address("0"))
    run(state, upsert_address("100"))
    assert len(kept(state).addresses) == MAX_ADDRESSES


def test_a_deleted_address_is_gone_and_the_next_one_is_the_default(state: State) -> None:
    run(state, upsert_address("home"))
    run(state, upsert_address("work"))
    assert [address.address_id for address in run(state, delete_address("home")).addresses] == ["work"]
    error = refuse(state, delete_address("home"))
    assert (error.reason, error.metadata) == ("ADDRESS_NOT_FOUND", {"customer_id": "carl", "address_id": "home"})


@pytest.mark.parametrize("request_", [delete_address("home"), delete_method("visa")], ids=str)
def test_nothing_is_deleted_of_a_customer_of_whom_nothing_is_kept(state: State, request_: Any) -> None:
    error = refuse(state, request_)
    assert (error.reason, error.metadata) == ("CUSTOMER_NOT_FOUND", {"customer_id": "carl"})


def test_a_customer_with_nothing_but_points_is_known(state: State) -> None:
    run(state, adjust(5))
    assert refuse(state, delete_address("home")).reason == "ADDRESS_NOT_FOUND"


def test_the_token_of_a_payment_method_is_kept_and_in_no_answer(state: State) -> None:
    answers = [
        run(state, upsert_method("visa", brand="visa", last_four="1111", provider_token="tok_1")),
        run(state, contact()),
        run(state, upsert_address("home")),
        run(state, delete_address("home")),
    ]
    assert not [answer for answer in answers if b"tok_1" in answer.SerializeToString()]
    assert kept(state).payment_methods[0].provider_token == "tok_1"


def test_replacing_a_payment_method_keeps_its_token_unless_another_is_given(state: State) -> None:
    run(state, upsert_method("visa", brand="visa", provider_token="tok_1"))
    run(state, upsert_method("visa", last_four="1111"))
    assert kept(state).payment_methods[0] == SavedPaymentMethod(
        payment_method_id="visa", type=PAYMENT_METHOD_CREDIT_CARD, last_four="1111", provider_token="tok_1"
    )
    run(state, upsert_method("visa", provider_token="tok_2"))
    assert kept(state).payment_methods[0].provider_token == "tok_2"


def test_the_token_of_one_payment_method_does_not_become_anothers(state: State) -> None:
    run(state, upsert_method("visa", provider_token="tok_1"))
    other = run(state, upsert_method(brand="amex"))
    assert other.payment_method_id not in ("", "visa")
    assert [method.provider_token for method in kept(state).payment_methods] == ["tok_1", ""]


@pytest.mark.parametrize(("month", "year", "missing"), [(4, 0, "expiry_year"), (0, 2030, "expiry_month")])
def test_an_expiry_is_a_month_and_a_year(state: State, month: int, year: int, missing: str) -> None:
    error = refuse(state, upsert_method(expiry_month=month, expiry_year=year))
    assert fields_of(error) == [f"payment_method.{missing}"]
    assert run(state, upsert_method(expiry_month=4, expiry_year=2030)).expiry_year == 2030


def test_a_customer_has_at_most_fifty_payment_methods(state: State) -> None:
    for number in range(MAX_PAYMENT_METHODS):
        run(state, upsert_method(str(number)))
    assert fields_of(refuse(state, upsert_method())) == ["payment_method"]
    run(state, upsert_method("49", brand="visa"))


def test_a_deleted_payment_method_is_gone(state: State) -> None:
    run(state, upsert_method("visa"))
    run(state, upsert_method("amex"))
    assert [method.payment_method_id for method in run(state, delete_method("visa")).payment_methods] == ["amex"]
    error = refuse(state, delete_method("visa"))
    assert error.reason == "PAYMENT_METHOD_NOT_FOUND"
    assert error.metadata == {"customer_id": "carl", "payment_method_id": "visa"}


def test_points_are_adjusted_with_a_reason_that_is_kept(state: State) -> None:
    run(state, adjust(100))
    entry = run(state, adjust(-30, request_id="r1"))
    assert entry.entry_id
    entry.ClearField("entry_id")
    assert (entry.delta, entry.balance, entry.type) == (-30, 70, POINTS_ENTRY_TYPE_ADJUSTED)
    assert (entry.customer_id, entry.reason, entry.actor, entry.request_id) == ("carl", "welcome gift", "ada", "r1")
    assert entry.entry_time == NOW
    assert state.points.get("carl") == 70
    assert [(kept_.delta, kept_.balance) for kept_ in state.changes.points_entries] == [(100, 100), (-30, 70)]


def test_points_are_not_taken_below_zero(state: State) -> None:
    run(state, adjust(100))
    error = refuse(state, adjust(-101))
    assert (error.reason, error.metadata) == ("INSUFFICIENT_POINTS", {"requested": "101", "available": "100"})
    assert run(state, adjust(-100)).balance == 0


def test_points_stand_in_the_answer_and_not_in_the_account(state: State) -> None:
    run(state, adjust(100))
    assert run(state, contact()).points_balance == 100
    assert kept(state).points_balance == 0
    later(state)
    run(state, adjust(11))
    assert run(state, contact()).points_balance == 111
    assert state.customers.changes == {}


def test_what_is_shown_leaves_the_account_as_it_is() -> None:
    method = SavedPaymentMethod(payment_method_id="visa", provider_token="tok_1")
    account = CustomerAccount(payment_methods=[method])
    answer = public_view(account, 7)
    assert answer == CustomerAccount(payment_methods=[SavedPaymentMethod(payment_method_id="visa")], points_balance=7)
    assert account == CustomerAccount(payment_methods=[method])


def test_what_a_request_names_is_found_in_the_account(state: State) -> None:
    run(state, upsert_address("home"))
    run(state, upsert_method("visa"))
    assert find_address(kept(state), "home", field="shipping_address_id").street == "1 Nile St"
    assert find_payment_method(kept(state), "visa", field="payment_method_id").payment_method_id == "visa"


def test_what_a_request_names_and_is_not_saved_is_refused_with_what_is() -> None:
    account = CustomerAccount(addresses=[Address(address_id=str(number)) for number in range(12)])
    with pytest.raises(Refusal) as caught:
        find_address(account, "cellar", field="shipping_address_id")
    assert fields_of(caught.value) == ["shipping_address_id"]
    assert "no saved address 'cellar'; saved are '0', '1'," in caught.value.message
    assert caught.value.message.endswith("'9' and 2 more")
    with pytest.raises(Refusal, match="no saved payment method 'visa'; none is saved; save one first"):
        find_payment_method(account, "visa", field="payment_method_id")
