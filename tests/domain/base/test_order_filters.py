import pytest
from google.type.money_pb2 import Money
from orders.v1.order_service_pb2 import OrderFilter

from server.domain.base.errors import Refusal
from server.domain.base.order_filters import check_filter

EMPTY = {
    "filter.total_to": OrderFilter(total_from=Money(currency_code="USD"), total_to=Money(currency_code="EUR", units=1)),
    "filter.total_from": OrderFilter(
        total_from=Money(currency_code="USD", units=1), total_to=Money(currency_code="USD", units=1)
    ),
    "filter.source": OrderFilter(external_order_id="1"),
    "filter.create_time_from": OrderFilter(create_time_from={"seconds": 2}, create_time_to={"seconds": 2}),
    "filter.status_time_from": OrderFilter(status_time_from={"seconds": 1}, status_time_to={"seconds": 1}),
    "filter.update_time_from": OrderFilter(update_time_from={"seconds": 2}, update_time_to={"seconds": 1}),
}


@pytest.mark.parametrize("field", EMPTY)
def test_a_filter_that_can_match_nothing_is_refused_by_name(field: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_filter(EMPTY[field])
    assert [violation.field for violation in caught.value.violations] == [field]


def test_filters_that_can_match_are_accepted() -> None:
    check_filter(OrderFilter())
    check_filter(OrderFilter(source="shop", external_order_id="1", create_time_from={"seconds": 1}))
    check_filter(OrderFilter(total_from=Money(currency_code="USD"), total_to=Money(currency_code="USD", units=1)))
