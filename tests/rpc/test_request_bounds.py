"""Large requests: refused before they cost much, and checked in steps that others can go between."""

import gc
import time
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.type.money_pb2 import Money
from orders.v1.catalog_service_pb2 import BatchUpsertCouponsRequest, BatchUpsertProductsRequest, Product, ProductVariant
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import (
    BatchGetOrdersRequest,
    BatchUpsertOrdersRequest,
    CreateOrderRequest,
    NewOrderItem,
    PriceOrderRequest,
    SearchOrdersRequest,
    UpdateOrderRequest,
    UpsertOrder,
    UpsertOrderItem,
)
from protovalidate import collect_violations

from benchmarks.hostile_requests import hostile_requests
from server.domain.base.errors import MAX_VIOLATIONS, Refusal, Violation
from server.domain.base.methods import SERVICES
from server.rpc.request_bounds import MAX_FIELDS, scan
from server.rpc.validation import check, check_in_steps, decode, violations_of
from tests.domain.builders import create, fields_of, upsert

METHODS = {method.name: method for service in SERVICES for method in service.methods}
SIZE = 32_768


def refusal(kind: Any, data: bytes) -> Refusal:
    """The refusal of a request by its bytes alone."""
    with pytest.raises(Refusal) as caught:
        passes(kind, data)
    return caught.value


def passes(kind: Any, data: bytes) -> None:
    for _ in scan(kind.DESCRIPTOR, data):
        pass


def repeated(kind: Any, field: str, times: int) -> bytes:
    number = kind.DESCRIPTOR.fields_by_name[field].number
    return bytes([number << 3 | 2, 0]) * times


@pytest.mark.parametrize(
    ("kind", "field", "limit"),
    [
        (CreateOrderRequest, "items", 500),
        (BatchUpsertOrdersRequest, "orders", 1000),
        (BatchGetOrdersRequest, "order_ids", 100),
        (BatchUpsertCouponsRequest, "coupons", 1000),
    ],
)
def test_a_list_is_counted_before_it_is_decoded(kind: Any, field: str, limit: int) -> None:
    passes(kind, repeated(kind, field, limit))
    error = refusal(kind, repeated(kind, field, limit + 1))
    assert error.violations == [Violation(field, f"must contain no more than {limit} item(s)")]


def test_a_list_within_elements_is_counted_for_each() -> None:
    full = Product(variants=[ProductVariant(prices=[Money()] * 50)] * 100)
    passes(BatchUpsertProductsRequest, BatchUpsertProductsRequest(products=[full] * 20).SerializeToString())
    full.variants[7].prices.add()
    error = refusal(BatchUpsertProductsRequest, BatchUpsertProductsRequest(products=[full]).SerializeToString())
    assert fields_of(error) == ["products[0].variants[7].prices"]


def test_a_map_is_counted_like_a_list() -> None:
    item = NewOrderItem(customizations={str(number): "" for number in range(51)})
    request = CreateOrderRequest(items=[NewOrderItem(), item])
    error = refusal(CreateOrderRequest, request.SerializeToString())
    assert error.violations == [Violation("items[1].customizations", "map must be at most 50 entries")]


def test_a_message_sent_in_pieces_is_counted_as_one() -> None:
    piece = PriceOrderRequest(order=CreateOrderRequest(items=[NewOrderItem()] * 400)).SerializeToString()
    passes(PriceOrderRequest, piece)
    assert fields_of(refusal(PriceOrderRequest, piece * 2)) == ["order.items"]


@pytest.mark.parametrize("field", ["statuses", "payment_statuses"])
def test_packed_elements_are_counted(field: str) -> None:
    request = SearchOrdersRequest()
    getattr(request.filter, field).extend([1] * 17)
    assert fields_of(refusal(SearchOrdersRequest, request.SerializeToString())) == [f"filter.{field}"]


def test_a_list_without_a_rule_is_bounded_too() -> None:
    request = UpdateOrderRequest(order=Order(order_id="1"), update_mask={"paths": ["status"] * 1001})
    assert fields_of(refusal(UpdateOrderRequest, request.SerializeToString())) == ["update_mask.paths"]


def test_a_text_without_a_rule_is_bounded_too() -> None:
    request = UpdateOrderRequest(order=Order(order_id="1"), update_mask={"paths": ["a." * 100]})
    assert fields_of(refusal(UpdateOrderRequest, request.SerializeToString())) == ["update_mask.paths"]
    request = UpdateOrderRequest(order=Order(order_id="1" * 5000))
    assert fields_of(refusal(UpdateOrderRequest, request.SerializeToString())) == ["order.order_id"]


def test_an_order_of_a_batch_with_too_many_lines_is_refused_alone() -> None:
    long = upsert("A")
    long.items.extend([UpsertOrderItem()] * 100_000)
    passes(BatchUpsertOrdersRequest, BatchUpsertOrdersRequest(orders=[long, upsert("B")]).SerializeToString())
    assert violations_of(long) == [Violation("items", "must contain no more than 2000 item(s)")]


def test_a_request_has_so_many_fields_in_all() -> None:
    orders = [UpsertOrder(items=[UpsertOrderItem()] * 500)] * (MAX_FIELDS // 500)
    error = refusal(BatchUpsertOrdersRequest, BatchUpsertOrdersRequest(orders=orders).SerializeToString())
    assert "300,000 fields and elements" in error.message


@pytest.mark.parametrize("data", [b"\xff" * 100, b"\x1a\xff", b"\x1a", b"\x1f\x00", b"\x0b" * 99, b"\x80" * 99])
def test_bytes_that_are_no_message_are_left_to_decoding(data: bytes) -> None:
    passes(CreateOrderRequest, data)
    with pytest.raises(Refusal):
        decode(CreateOrderRequest, data)


def test_a_group_is_unknown_whatever_it_holds() -> None:
    items = repeated(CreateOrderRequest, "items", 501)
    passes(CreateOrderRequest, b"\xfb\x7f" + items + b"\xfc\x7f")


def test_no_more_than_some_dozen_violations_are_reported() -> None:
    request = create(*[NewOrderItem()] * 500)
    with pytest.raises(Refusal, match=r"and at least \d+ more") as caught:
        check(request, request.SerializeToString())
    assert len(caught.value.violations) == MAX_VIOLATIONS


def test_a_large_request_is_checked_like_its_parts() -> None:
    request = create(*[NewOrderItem(product_id="mug", quantity=1)] * 499, special_instructions="x" * 2001)
    request.items.add(product_id="a b", quantity=1)
    with pytest.raises(Refusal) as caught:
        check(request, request.SerializeToString())
    assert fields_of(caught.value) == ["special_instructions", "items[499].product_id"]


class Watched:
    """Runs the steps of a request as the server does, and knows the seconds of CPU of the longest."""

    def __init__(self) -> None:
        self.longest = 0.0

    def read(self, method: MethodDescriptor, data: bytes) -> Refusal | None:
        """How the request is refused, if it is."""
        try:
            self._run(scan(method.input_type, data))
            decoded = decode(GetMessageClass(method.input_type), data)
            self._run(check_in_steps(decoded, data))
        except Refusal as error:
            return error
        return None

    def _run(self, steps: Generator[None, None, None]) -> None:
        ended = False
        while not ended:
            began = time.thread_time()
            try:
                ended = next(steps, steps) is steps
            finally:
                self.longest = max(self.longest, time.thread_time() - began)


@pytest.fixture(scope="module")
def reference() -> float:
    """The seconds of CPU that it takes to find everything wrong with an order of 500 lines, by the same means."""
    lines: Message = CreateOrderRequest(items=[NewOrderItem()] * 500)
    began = time.thread_time()
    assert len(collect_violations(lines)) > 500
    return time.thread_time() - began


@pytest.fixture
def no_collection() -> Iterator[None]:
    """No garbage collection: in a process that has run many tests, a full one takes longer than what is measured."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("name", METHODS)
def test_no_hostile_request_holds_up_others(name: str, reference: float) -> None:
    for request in hostile_requests(METHODS[name].input_type, SIZE):
        watched = Watched()
        error = watched.read(METHODS[name], request.data)
        assert watched.longest < 3 * reference, request.shape
        assert error is None or error.reason == "INVALID_ORDER_DATA", request.shape
        assert error is None or len(error.violations) <= MAX_VIOLATIONS, request.shape
