"""The same request id with the same request gets the first answer again, whatever has happened since."""

from typing import Any

import pytest
from orders.v1.catalog_service_pb2 import AdjustStockRequest, BatchUpsertProductsRequest
from orders.v1.order_pb2 import (
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_PROCESSING,
    TRACKING_STATUS_EXCEPTION,
    Order,
    OrderItem,
    TrackingEvent,
)
from orders.v1.order_service_pb2 import CancelOrderRequest, RecordTrackingEventRequest

from server.domain.base.caller import Caller, Role
from server.domain.base.errors import Refusal
from server.domain.base.idempotency import Key, Replay, differing_fields
from server.domain.base.state import State
from server.domain.operations import Answer
from tests.domain.builders import (
    ADMIN,
    Store,
    address,
    answer,
    batch,
    command,
    create,
    fingerprint,
    line,
    new_state,
    order_in,
    product,
    refuse,
    run,
    transition,
    update,
    upsert,
)

TWIN = Caller("twin", frozenset({Role.ADMIN}))


def every_write(state: State) -> list[Any]:
    """One request for each method, each with the request id r1."""
    order = order_in(state, ORDER_STATUS_CONFIRMED)
    other = run(state, create())
    return [
        create(line(quantity=2), request_id="r1"),
        update(order, "metadata", wished=Order(metadata={"till": "4"}), request_id="r1"),
        transition(order, ORDER_STATUS_PROCESSING, request_id="r1"),
        CancelOrderRequest(order_id=other.order_id, request_id="r1"),
        RecordTrackingEventRequest(
            order_id=order.order_id, event=TrackingEvent(status=TRACKING_STATUS_EXCEPTION), request_id="r1"
        ),
        batch(upsert(), request_id="r1"),
        BatchUpsertProductsRequest(products=[product("table")], request_id="r1"),
        AdjustStockRequest(product_id="chair", delta=5, reason="delivery", request_id="r1"),
    ]


def test_every_write_that_is_sent_again_gets_the_same_bytes_and_does_nothing() -> None:
    state = new_state()
    for request in every_write(state):
        first = answer(state, request)
        before = fingerprint(state)
        again = answer(state, request)
        assert (bool(first.replayed), bool(again.replayed)) == (False, True), type(request)
        assert again.body == first.body
        assert fingerprint(state) == before


def test_every_write_has_a_key_of_its_own_method() -> None:
    state = new_state()
    requests = every_write(state)
    for request in requests:
        assert not answer(state, request).replayed
    assert len(state.changes.remembered) == len(requests) == 8


def test_the_first_answer_stays_the_first_whatever_happens_since() -> None:
    state = new_state()
    request = create(request_id="r1")
    first = answer(state, request)
    run(state, CancelOrderRequest(order_id=Order.FromString(first.body).order_id))
    run(state, AdjustStockRequest(product_id="chair", delta=-100, reason="fire"))
    assert answer(state, request) == Answer(first.body, Replay(state.time, first.body))


def test_without_a_request_id_nothing_is_remembered() -> None:
    state = new_state()
    assert run(state, create()).order_id != run(state, create()).order_id
    assert not state.changes.remembered


def test_another_caller_has_ids_of_its_own() -> None:
    state = new_state()
    first = answer(state, create(request_id="r1"))
    second = answer(state, create(line(quantity=2), request_id="r1"), TWIN)
    assert not second.replayed
    assert first.body != second.body
    assert set(state.remembered) == {Key("ada", "CreateOrder", "r1"), Key("twin", "CreateOrder", "r1")}


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"referral_code": "X"}, "referral_code"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"items": [line(quantity=2)]}, "items"),
        ({"shipping_address": address("other")}, "shipping_address"),
        ({"validate_only": True}, "validate_only"),
        ({"referral_code": "X", "special_instructions": "Y"}, "special_instructions, referral_code"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_request_with_the_same_id_is_refused_and_the_fields_are_named(
    change: dict[str, Any], fields: str
) -> None:
    state = new_state()
    request = create(request_id="r1")
    run(state, request)
    other = create(request_id="r1")
    for name, value in change.items():
        other.ClearField(name)
        other.MergeFrom(type(other)(**{name: value}))
    error = refuse(state, other)
    assert (error.reason, error.metadata) == ("IDEMPOTENCY_KEY_REUSED", {"request_id": "r1", "fields": fields})


def test_a_reused_id_is_refused_before_the_request_is_looked_at() -> None:
    state = new_state()
    run(state, create(request_id="r1"))
    assert refuse(state, create(line("no such product"), request_id="r1")).reason == "IDEMPOTENCY_KEY_REUSED"


def test_a_batch_with_a_reused_id_is_refused_too() -> None:
    state = new_state()
    run(state, batch(upsert(), request_id="r1"))
    error = refuse(state, batch(upsert("B"), source="market", request_id="r1"))
    assert error.metadata["fields"] == "source, orders"


def test_a_field_that_is_set_to_its_default_differs_from_one_that_is_not_set() -> None:
    first, second = create(), create()
    second.billing_address.SetInParent()
    assert differing_fields(first, second) == ["billing_address"]
    assert differing_fields(first, first) == []


def test_a_failure_stores_nothing_and_the_id_may_be_used_again() -> None:
    state = new_state(product(stock=1))
    request = create(line(quantity=2), request_id="r1")
    assert refuse(state, request).reason == "INSUFFICIENT_STOCK"
    assert not state.remembered
    run(state, AdjustStockRequest(product_id="chair", delta=1, reason="delivery"))
    assert not answer(state, request).replayed


def test_a_refused_atomic_batch_stores_nothing() -> None:
    state = new_state()
    refuse(state, batch(upsert(), upsert(), mode=2, request_id="r1"))
    assert not state.remembered


def test_validate_only_stores_nothing() -> None:
    state = new_state()
    order = run(state, create())
    run(state, create(validate_only=True, request_id="r1"))
    run(state, update(order, wished=Order(referral_code="X"), validate_only=True, request_id="r1"))
    run(state, batch(upsert(), validate_only=True, request_id="r1"))
    assert not state.remembered


def test_an_update_that_changes_nothing_is_remembered_too() -> None:
    state = new_state()
    order = run(state, create())
    request = update(order, wished=Order(items=[OrderItem(item_id="1", product_id="chair", quantity=1)]))
    request.request_id = "r1"
    assert [bool(answer(state, request).replayed) for _ in range(2)] == [False, True]
    assert bool(state.changes)


def test_two_commands_with_one_id_in_one_batch_are_one_order() -> None:
    store = Store()
    store.put_products(product(stock=1))
    wanted = command(create(request_id="r1"))
    first, second = store.execute(wanted, wanted)
    assert isinstance(first, Answer)
    assert second == Answer(first.body, Replay(store.time, first.body))
    assert (len(store.orders), store.stock["chair", ""]) == (1, 0)


def test_an_answer_is_given_again_in_a_later_batch() -> None:
    store = Store()
    store.put_products(product())
    wanted = command(create(request_id="r1"))
    (first,) = store.execute(wanted)
    assert store.execute(wanted) == [Answer(first.body, Replay(store.time, first.body))]


def test_two_different_commands_with_one_id_in_one_batch_do_not_harm_each_other() -> None:
    store = Store()
    store.put_products(product())
    first, second = store.execute(command(create(request_id="r1")), command(create(line(quantity=2), request_id="r1")))
    assert isinstance(first, Answer)
    assert isinstance(second, Refusal)
    assert second.reason == "IDEMPOTENCY_KEY_REUSED"
    assert len(store.orders) == 1


def test_the_second_of_two_commands_counts_if_the_first_has_failed() -> None:
    store = Store()
    store.put_products(product(stock=1))
    failing = command(create(line(quantity=2), request_id="r1"))
    first, second = store.execute(failing, command(create(request_id="r1")))
    assert isinstance(first, Refusal)
    assert second == Answer(second.body)


def test_the_key_is_that_of_the_caller_the_method_and_the_id() -> None:
    assert command(create(request_id="r1"), ADMIN).key == ("ada", "CreateOrder", "r1")
    assert command(create()).key is None
