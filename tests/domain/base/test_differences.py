from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from orders.v1.order_pb2 import Address, Customer, Delivery, Order, OrderItem, Pricing

from server.domain.base.differences import difference, differing_paths, undo
from server.domain.base.personal_data import MARKER, erased, move_personal_data
from tests.domain.builders import unhurried

texts = st.sampled_from(["", "a", "b"])
orders = st.builds(
    Order,
    customer=st.none() | st.builds(Customer, customer_id=texts, name=texts, email=texts),
    status=st.integers(0, 6),
    items=st.lists(st.builds(OrderItem, item_id=texts, quantity=st.integers(0, 2)), max_size=2),
    shipping_address=st.none() | st.builds(Address, street=texts, city=texts),
    pricing=st.none() | st.builds(Pricing, loyalty_points_used=st.integers(0, 2)),
    delivery=st.none() | st.builds(Delivery, carrier=texts, requested_time=st.none() | st.builds(Timestamp)),
    metadata=st.dictionaries(texts, texts, max_size=2),
    special_instructions=texts,
)


@unhurried
@given(before=orders, after=orders)
def test_undoing_a_difference_gives_the_order_before_byte_by_byte(before: Order, after: Order) -> None:
    found = difference(before, after)
    rebuilt = Order()
    rebuilt.CopyFrom(after)
    undo(rebuilt, found.before, found.after)
    assert rebuilt.SerializeToString(deterministic=True) == before.SerializeToString(deterministic=True)
    assert difference(rebuilt, after) == found


@unhurried
@given(before=orders, after=orders)
def test_a_difference_holds_nothing_that_is_equal(before: Order, after: Order) -> None:
    found = difference(before, after)
    assert all(old != new for _, old, new in differing_paths(found.before, found.after))
    assert (found.before == found.after == Order()) == (before == after)


def test_fields_that_follow_from_the_event_are_no_difference() -> None:
    before, after = Order(version=1, etag="1", event_hash=b"1"), Order(version=2, etag="2", event_hash=b"2")
    assert difference(before, after) == (Order(), Order())


def test_erasing_replaces_every_personal_field_and_nothing_else() -> None:
    order = Order(
        order_id="1",
        customer=Customer(customer_id="jane", name="Jane", email="jane@example.com"),
        shipping_address=Address(address_id="home", street="1 Main St"),
        items=[OrderItem(item_id="1", name="Mug", customizations={"text": "Jane"})],
        metadata={"till": "Jane's"},
    )
    assert erased(order) == Order(
        order_id="1",
        customer=Customer(customer_id="jane", name=MARKER, email=MARKER),
        shipping_address=Address(address_id="home", street=MARKER),
        items=[OrderItem(item_id="1", name="Mug", customizations={"text": MARKER})],
        metadata={"till": MARKER},
    )


@unhurried
@given(customer=st.builds(Customer, customer_id=texts, name=texts, phone=texts))
def test_moved_personal_data_and_the_rest_are_the_whole(customer: Customer) -> None:
    rest, moved = Customer(), Customer()
    rest.CopyFrom(customer)
    move_personal_data(rest, moved)
    assert rest == Customer(customer_id=customer.customer_id)
    assert Customer.FromString(rest.SerializeToString() + moved.SerializeToString()) == customer
