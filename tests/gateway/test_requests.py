"""Requests: paths, queries and bodies become the method's request, and faults name their field."""

from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, strategies
from orders.v1 import catalog_service_pb2, order_pb2, order_service_pb2

from server.gateway import json_reader, json_writer
from server.gateway.bindings import Binding, bindings
from server.gateway.json_reader import NotJson
from server.gateway.problems import Problems
from server.gateway.requests import BadRequest, build, build_stream
from server.gateway.router import NoSuchPath, NoSuchVerb, Router
from server.gateway.templates import parse
from tests.methods import METHODS
from tests.samples import Subject, request_for

ROUTER = Router(bindings())


def request_of(verb: str, target: str, body: str = "") -> Any:
    path, _, query = target.partition("?")
    binding, variables = ROUTER.find(verb, path)
    return build(binding, variables=variables, query=query, body=body.encode(), headers={})


def faults(verb: str, target: str, body: str = "") -> dict[str, str]:
    with pytest.raises(BadRequest) as caught:
        request_of(verb, target, body)
    return dict(caught.value.problems)


@pytest.mark.parametrize("binding", bindings(), ids=lambda binding: f"{binding.verb} {binding.template.text}")
def test_every_binding_is_found_by_its_own_path(binding: Binding) -> None:
    path = binding.template.text
    for field in binding.template.fields:
        path = path.replace(f"{{{field}}}", "x-1")
    found, variables = ROUTER.find(binding.verb, path)
    assert (found.verb, found.template.text) == (binding.verb, binding.template.text)
    assert variables == dict.fromkeys(binding.template.fields, "x-1")


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("/v1/{name}", "/v1/a%2Fb", {"name": "a/b"}),
        ("/v1/{name=shelves/*}/books", "/v1/shelves/1/books", {"name": "shelves/1"}),
        ("/v1/{name=files/**}", "/v1/files/a/b%2Fc%20d", {"name": "files/a/b%2Fc d"}),
        ("/v1/*/{name}", "/v1/any/x", {"name": "x"}),
        ("/v1/{name}", "/v1/a/b", None),
        ("/v1/{name}", "/v1/", None),
    ],
)
def test_templates_match_as_http_proto_says(template: str, path: str, values: dict[str, str] | None) -> None:
    assert parse(template).match(path) == values


def test_a_list_is_a_stream_of_requests_with_faults_by_index() -> None:
    binding, _ = ROUTER.find("POST", "/v1/orders:reconcile")
    first, second = build_stream(binding, query="", body=b'[{"orders": [{"version": "1"}]}, {}]')
    assert (first.orders[0].version, len(second.orders)) == (1, 0)
    for query, body, field in (("", b'[{}, {}, {"x": 1}]', "[2].x"), ("", b"{}", "body"), ("a=b", b"[]", "query")):
        with pytest.raises(BadRequest) as caught:
            build_stream(binding, query=query, body=body)
        assert [field for field, _ in caught.value.problems] == [field]


def test_a_date_is_a_time_where_a_date_is_meant() -> None:
    request = request_of("POST", "/v1/orders", '{"requestedDeliveryTime": "2026-12-24"}')
    assert request.requested_delivery_time.ToJsonString() == "2026-12-24T00:00:00Z"
    wrong = faults("POST", "/v1/orders", '{"requested_delivery_time": "2026-12-32"}')
    assert "a time with a time zone" in wrong["requested_delivery_time"]


def test_an_escaped_colon_is_part_of_an_id() -> None:
    assert request_of("GET", "/v1/products/x%3AadjustStock").product_id == "x:adjustStock"
    assert request_of("GET", "/v1/products/a:b").product_id == "a:b"
    with pytest.raises(NoSuchVerb) as caught:
        ROUTER.find("GET", "/v1/products/x:adjustStock")
    assert caught.value.allowed == ["POST"]
    with pytest.raises(NoSuchPath):
        ROUTER.find("GET", "/v1/products/x/y")


def test_a_query_sets_fields_at_any_depth() -> None:
    request = request_of(
        "GET",
        "/v1/orders?filter.statuses=ORDER_STATUS_PENDING&filter.statuses=2&pageSize=5&order_by=ORDER_BY_TOTAL"
        "&filter.totalFrom.units=100&filter.create_time_from=2026-01-01T00:00:00%2B01:00",
    )
    assert list(request.filter.statuses) == [1, 2]
    assert (request.page_size, request.order_by, request.filter.total_from.units) == (5, 3, 100)
    assert request.filter.create_time_from.ToJsonString() == "2025-12-31T23:00:00Z"


@pytest.mark.parametrize(
    ("target", "field", "says"),
    [
        ("/v1/orders?page=2", "page", "did you mean skip"),
        ("/v1/orders?customer_id=jane", "customer_id", "there is no such field"),
        ("/v1/orders?filter.costumer_id=jane", "filter.costumer_id", "did you mean customer_id"),
        ("/v1/orders?page_size=1&page_size=2", "page_size", "more than once"),
        ("/v1/orders?page_size=many", "page_size", "must be an integer"),
        ("/v1/orders?filter.statuses=pending", "filter.statuses[0]", "did you mean ORDER_STATUS_PENDING"),
        ("/v1/orders?filter.create_time_from=2026-01-01", "filter.create_time_from", "a time with a time zone"),
        ("/v1/orders?filter=x", "filter", "set its fields"),
        ("/v1/orders?filter.customer_id.x=1", "filter.customer_id", "there is no such field"),
    ],
)
def test_a_query_that_means_nothing_names_its_parameter(target: str, field: str, says: str) -> None:
    assert says in faults("GET", target)[field]


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ('{"shipping_address": {"street": "a", "zip": "1"}}', "shipping_address.zip", "did you mean postal_code"),
        ('{"shippingAddress": {"zipCode": "1"}}', "shipping_address.zipCode", "did you mean postal_code"),
        ('{"costumer_id": "x"}', "costumer_id", "did you mean customer_id"),
        ('{"customer_id": "a", "customer_id": "b"}', "customer_id", "more than once"),
        ('{"customer_id": "a", "customerId": "a"}', "customer_id", "more than once"),
        ('{"metadata": {"a": "1", "a": "2"}}', "metadata[a]", "more than once"),
        ('{"customer_id": 5}', "customer_id", "must be a string, not a number"),
        ('{"items": {"product_id": "mug"}}', "items", "must be a list, not an object"),
        ('{"items": [5]}', "items[0]", "must be an object"),
        ('{"items": [{"quantity": 1.5}]}', "items[0].quantity", "must be an integer"),
        ('{"items": [{"quantity": 3000000000}]}', "items[0].quantity", "out of range"),
        ('{"items": [{"quantity": true}]}', "items[0].quantity", "must be an integer, not a boolean"),
        ('{"validate_only": "true"}', "validate_only", "must be true or false"),
        ('{"payment_method": "paypal"}', "payment_method", "did you mean PAYMENT_METHOD_PAYPAL"),
        ('{"shipping_address": {}, "shipping_address_id": "home"}', "shipping_address_id", "cannot be set with"),
        ('{"customer_id": "\\ud800"}', "customer_id", ""),
        ("[]", "", "must be an object, not a list"),
    ],
)
def test_a_body_that_is_not_the_requests_names_its_field(body: str, field: str, says: str) -> None:
    assert says in faults("POST", "/v1/orders", body)[field]


@pytest.mark.parametrize("body", ["{", '{"a": NaN}', "\udcff", "[" * 100_000, '{"x": 1e5000000'])
def test_what_is_not_json_is_refused(body: str) -> None:
    binding, _ = ROUTER.find("POST", "/v1/orders")
    with pytest.raises(NotJson):
        build(binding, variables={}, query="", body=body.encode("utf-8", "surrogateescape"), headers={})


def test_all_faults_of_a_body_are_named_at_once() -> None:
    assert set(faults("POST", "/v1/orders", '{"a": 1, "items": [{"b": 2}, {"quantity": "x"}]}')) == {
        "a",
        "items[0].b",
        "items[1].quantity",
    }


def test_the_body_may_repeat_the_path_but_not_contradict_it() -> None:
    assert request_of("PUT", "/v1/orders/a", '{"order_id": "a"}').order.order_id == "a"
    assert "differs" in faults("PUT", "/v1/orders/a", '{"orderId": "b"}')["order.order_id"]
    assert "differs" in faults("POST", "/v1/orders/a:cancel", '{"order_id": "b"}')["order_id"]


def test_fields_of_the_body_are_no_query_parameters() -> None:
    assert "belongs in the body" in faults("POST", "/v1/orders?customer_id=x", "{}")["customer_id"]
    assert "belongs in the body" in faults("PUT", "/v1/orders/a?order.etag=1", "{}")["order.etag"]
    request = request_of("PUT", "/v1/orders/a?updateMask=specialInstructions,shipping_address.city", "{}")
    assert list(request.update_mask.paths) == ["special_instructions", "shipping_address.city"]


def test_a_method_without_a_body_takes_none() -> None:
    assert "takes no body" in faults("DELETE", "/v1/orders/a", "{}")["body"]
    assert request_of("POST", "/v1/orders/a:cancel").order_id == "a"


@pytest.mark.parametrize("method", METHODS)
def test_messages_are_read_and_written_as_json_format_does(method: str) -> None:
    sample = request_for(method, Subject("01a229b3-35f5-77eb-ac53-ea928f409dc9"))
    expected = json_format.MessageToDict(
        sample, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    assert json_writer.to_json(sample) == expected
    again, problems = type(sample)(), Problems()
    json_reader.read(again, json_format.MessageToDict(sample), problems)
    assert (again, problems.found) == (sample, [])


NAMES = strategies.sampled_from(
    [field.name for kind in (order_pb2.Order, order_service_pb2.CreateOrderRequest) for field in kind.DESCRIPTOR.fields]
)
TEXTS = strategies.text(max_size=8)
JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | TEXTS,
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(TEXTS | NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_no_json_breaks_the_reader(value: Any) -> None:
    for kind in (order_pb2.Order, order_service_pb2.CreateOrderRequest, catalog_service_pb2.DeliveryZone):
        json_reader.read(kind(), value, Problems())
