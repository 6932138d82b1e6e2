from hashlib import sha256

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.order_pb2 import ORDER_STATUS_SHIPPED, Order, OrderEvent, PaymentEvent, TrackingEvent

from server.domain.base.edits import OrderChange
from server.domain.base.event_values import whole
from server.domain.base.hash_chain import START, chain_events, follows, hash_of, seal
from tests.domain.builders import (
    create,
    history,
    new_state,
    order_in,
    product,
    run,
    stored,
    transition,
    unhurried,
    update,
)

texts = st.text(max_size=40)
events = st.builds(
    OrderEvent,
    order_id=texts,
    version=st.integers(0, 2**63 - 1),
    actor=texts,
    reason=texts,
    event_time=st.builds(Timestamp, seconds=st.integers(0, 2**33), nanos=st.integers(0, 999_999_999)),
    changed_fields=st.lists(texts, max_size=3),
    tracking_event=st.none() | st.builds(TrackingEvent, description=texts, location=texts),
    payment_event=st.none() | st.builds(PaymentEvent, provider=texts, event_id=texts),
)
payloads = st.lists(st.builds(OrderEvent.SerializeToString, events), max_size=8)
hashes = st.binary(min_size=32, max_size=32)


def chained(serialized: list[bytes]) -> list[bytes]:
    """The events as they are stored one after the other."""
    links, previous = [], START
    for event in serialized:
        links.append(seal(event, previous))
        previous = hash_of(links[-1])
    return links


def is_chain(links: list[bytes], last: bytes) -> bool:
    """Whether the events are a whole history that ends in a hash."""
    before = [START, *map(hash_of, links)]
    return all(map(follows, links, before)) and before[-1] == last


@unhurried
@given(event=events, previous=hashes)
def test_what_is_stored_is_the_event_with_its_hash_as_protobuf_serializes_it(
    event: OrderEvent, previous: bytes
) -> None:
    payload = event.SerializeToString(deterministic=True)
    link = seal(payload, previous)
    event.hash = sha256(previous + payload).digest()
    assert link == event.SerializeToString(deterministic=True)
    assert hash_of(link) == event.hash
    assert follows(link, previous)


@unhurried
@given(event=events, previous=hashes, data=st.data())
def test_an_event_of_which_any_bit_is_changed_follows_no_more(
    event: OrderEvent, previous: bytes, data: st.DataObject
) -> None:
    link = bytearray(seal(event.SerializeToString(), previous))
    bit = data.draw(st.integers(0, 8 * len(link) - 1))
    link[bit // 8] ^= 1 << bit % 8
    assert not follows(bytes(link), previous)


@given(event=events, previous=hashes, other=hashes)
def test_an_event_follows_only_the_one_that_it_was_recorded_after(
    event: OrderEvent, previous: bytes, other: bytes
) -> None:
    assert follows(seal(event.SerializeToString(), previous), other) == (previous == other)


@given(cut=st.binary(max_size=40))
def test_what_is_too_short_to_have_a_hash_follows_nothing(cut: bytes) -> None:
    assert not follows(cut, START)


@unhurried
@given(first=payloads, second=payloads)
def test_two_histories_end_in_the_same_hash_only_if_they_are_the_same(first: list[bytes], second: list[bytes]) -> None:
    links, others = chained(first), chained(second)
    last = hash_of(([START, *links])[-1])
    assert is_chain(links, last)
    assert is_chain(others, last) == (first == second)


@unhurried
@given(serialized=payloads.filter(bool), data=st.data())
def test_no_event_can_be_removed_added_or_moved(serialized: list[bytes], data: st.DataObject) -> None:
    links = chained(serialized)
    last = hash_of(links[-1])
    place = data.draw(st.integers(0, len(links) - 1))
    other = data.draw(st.integers(0, len(links) - 1))
    removed = links[:place] + links[place + 1 :]
    doubled = [*links[:place], links[other], *links[place:]]
    added = [*links[:place], seal(serialized[other], hash_of([START, *links][place])), *links[place:]]
    moved = [*removed[:other], links[place], *removed[other:]]
    assert not is_chain(removed, last)
    assert not is_chain(doubled, last)
    assert not is_chain(added, last)
    assert is_chain(moved, last) == (moved == links)


@given(before=st.none() | st.builds(Order, event_hash=hashes), recorded=st.lists(events, min_size=1, max_size=4))
def test_a_change_goes_on_from_the_order_before_it(before: Order | None, recorded: list[OrderEvent]) -> None:
    recorded = recorded if before is not None else recorded[:1]
    previous = START if before is None else before.event_hash
    passed = [Order(referral_code=str(number)) for number, _ in enumerate(recorded[1:])]
    change = OrderChange(before=before, after=Order(cart_id="1"), events=recorded, passed=passed)
    snapshot, links = chain_events(change)
    for link, event in zip(links, recorded, strict=True):
        stored = whole(link)
        assert stored.hash == event.hash
        assert (stored.reason, stored.tracking_event, stored.payment_event) == (
            event.reason,
            event.tracking_event,
            event.payment_event,
        )
        assert follows(link.event, previous)
        previous = event.hash
    assert change.after.event_hash == previous
    assert Order.FromString(snapshot) == change.after


def test_an_order_has_the_hash_of_its_last_event_whatever_happens_to_it() -> None:
    state = new_state(product())
    for order in (run(state, create()), order_in(state, ORDER_STATUS_SHIPPED)):
        assert order.event_hash == stored(state, order).event_hash == history(state, order)[-1].hash
        changed = run(state, update(order, "metadata", wished=Order(metadata={"till": "5"})))
        assert changed.event_hash == history(state, order)[-1].hash != order.event_hash


def test_the_hash_in_a_wish_to_change_an_order_changes_nothing() -> None:
    state = new_state(product())
    order = run(state, create())
    wished = Order(referral_code="NEW", event_hash=bytes(32))
    changed = run(state, update(order, wished=wished))
    assert list(history(state, order)[-1].changed_fields) == ["referral_code"]
    assert changed.event_hash == history(state, order)[-1].hash


def test_a_change_that_is_only_tried_has_no_hash_and_one_that_changes_nothing_keeps_it() -> None:
    state = new_state(product())
    order = run(state, create())
    assert (
        run(state, update(order, "referral_code", wished=Order(referral_code="A"), validate_only=True)).event_hash
        == b""
    )
    assert run(state, update(order, "referral_code", wished=Order(), validate_only=True)).event_hash == order.event_hash


def test_commands_of_one_batch_go_on_from_each_other() -> None:
    state = new_state(product())
    order = run(state, create())
    run(state, update(order, "referral_code", wished=Order(referral_code="A")))
    run(state, transition(order, 2, override_reason="paid at the till"))
    links = [link.event for _, _, link in state.changes.events]
    assert len(links) == 3
    assert is_chain(links, stored(state, order).event_hash)
