"""Responses that are joined from serialized records are the ones that protobuf would serialize."""

import pytest
from google.protobuf.message import Message
from orders.v1 import catalog_service_pb2 as catalog
from orders.v1 import order_pb2 as pb
from orders.v1 import order_service_pb2 as service

from server.rpc import wire

ORDERS = [pb.Order(order_id="a"), pb.Order(order_id="b" * 20_000), pb.Order()]


def test_records_and_the_rest_make_one_response() -> None:
    rest = service.SearchOrdersResponse(next_page_token="next", total_size=3)
    joined = wire.with_records(rest, [order.SerializeToString() for order in ORDERS])
    rest.orders.extend(ORDERS)
    assert service.SearchOrdersResponse.FromString(joined) == rest


@pytest.mark.parametrize(
    ("response", "field", "record"),
    [
        (service.ListOrdersResponse, "orders", pb.Order(order_id="a")),
        (service.BatchGetOrdersResponse, "orders", pb.Order(order_id="a")),
        (service.ListOrderEventsResponse, "events", pb.OrderEvent(order_id="a")),
        (catalog.ListProductsResponse, "products", catalog.Product(product_id="a")),
    ],
)
def test_records_are_found_by_the_descriptor(response: type[Message], field: str, record: Message) -> None:
    joined = response.FromString(wire.with_records(response(), [record.SerializeToString()]))
    assert list(getattr(joined, field)) == [record]
