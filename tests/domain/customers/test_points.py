import pytest
from orders.v1.customer_service_pb2 import (
    POINTS_ENTRY_TYPE_EARNED,
    POINTS_ENTRY_TYPE_RETURNED,
    POINTS_ENTRY_TYPE_USED,
    PointsEntry,
)
from orders.v1.order_pb2 import Customer, Order, OrderEvent

from server.domain.base.edits import OrderChange
from server.domain.base.errors import Refusal
from server.domain.base.values import PointsMove
from server.domain.customers.points import check_points, entry_of
from tests.domain.builders import NOW, at


def test_points_can_be_used_to_the_last_one() -> None:
    check_points([PointsMove(POINTS_ENTRY_TYPE_USED, -120)], balance=120)
    with pytest.raises(Refusal) as caught:
        check_points([PointsMove(POINTS_ENTRY_TYPE_USED, -121)], balance=120)
    assert caught.value.reason == "INSUFFICIENT_POINTS"
    assert caught.value.message == "121 points were requested, and the customer has 120"
    assert caught.value.metadata == {"requested": "121", "available": "120"}


def test_all_that_a_change_takes_counts_together() -> None:
    with pytest.raises(Refusal):
        check_points([PointsMove(POINTS_ENTRY_TYPE_USED, -60), PointsMove(POINTS_ENTRY_TYPE_USED, -61)], balance=120)


def test_points_that_a_change_gives_cannot_be_used_by_it() -> None:
    with pytest.raises(Refusal):
        check_points([PointsMove(POINTS_ENTRY_TYPE_EARNED, 500), PointsMove(POINTS_ENTRY_TYPE_USED, -1)], balance=0)


@pytest.mark.parametrize("balance", [0, -5])
def test_giving_points_is_never_refused(balance: int) -> None:
    check_points([], balance=balance)
    check_points([PointsMove(POINTS_ENTRY_TYPE_RETURNED, 7)], balance=balance)


def test_an_entry_says_who_changed_the_points_when_and_by_which_order() -> None:
    order = Order(order_id="o1", customer=Customer(customer_id="carl"))
    events = [
        OrderEvent(actor="ada", request_id="r0", event_time=at(-1)),
        OrderEvent(actor="fay", request_id="r1", event_time=NOW),
    ]
    change = OrderChange(before=None, after=order, events=events)
    assert entry_of(PointsMove(POINTS_ENTRY_TYPE_USED, -30), change, entry_id="e1", balance=12) == PointsEntry(
        entry_id="e1",
        customer_id="carl",
        type=POINTS_ENTRY_TYPE_USED,
        delta=-30,
        balance=12,
        order_id="o1",
        actor="fay",
        request_id="r1",
        entry_time=NOW,
    )
