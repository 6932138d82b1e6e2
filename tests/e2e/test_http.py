"""HTTP/JSON through a real Envoy with `deploy/envoy.yaml`: every binding, and the examples in docs/http-mapping.md."""

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import grpc
import psycopg
import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.json_format import MessageToDict
from google.rpc import code_pb2
from orders.v1.order_pb2 import Order
from orders.v1.order_service_pb2 import GetOrderRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from server.gateway.bindings import bindings as every_binding
from tests.conftest import refused
from tests.e2e.processes import ROOT, Server, environment, free_port, wait_until
from tests.samples import Subject, request_for

ENVOY = Path(sys.executable).with_name("envoy")
DOCUMENT = (ROOT / "docs" / "http-mapping.md").read_text()
FIVE_DOCUMENTS = (ROOT / "docs" / "five-documents.md").read_text()

Query = Mapping[str, object] | Sequence[tuple[str, object]]

HOME = {"street": "123 Main St", "city": "New York", "state": "NY", "postal_code": "10001", "country": "US"}


@dataclass(frozen=True)
class Response:
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        assert self.headers.get_content_type() == "application/json"
        return json.loads(self.text)

    @property
    def ok(self) -> Any:
        """The body of an answer that is none but a success."""
        assert self.status == 200, self.text
        return self.json

    def refused(self, status: int, reason: str = "") -> dict[str, Any]:
        """The metadata of the error, which is a google.rpc.Status with one ErrorInfo if the server itself refused."""
        assert self.status == status, self.text
        error = self.json
        assert set(error) == {"code", "message", "details"}
        assert error["message"]
        infos = [detail for detail in error["details"] if detail["@type"].endswith("google.rpc.ErrorInfo")]
        assert [(info["reason"], info["domain"]) for info in infos] == ([(reason, "orders.v1")] if reason else [])
        return dict(infos[0]["metadata"]) if infos else {}


@dataclass(frozen=True)
class Api:
    """An Envoy in front of a server."""

    address: str

    def call(
        self, verb: str, path: str, body: Any = None, query: Query = (), headers: Mapping[str, str] | None = None
    ) -> Response:
        """Sends a request as it is: the body as JSON, the query encoded."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        try:
            connection.request(verb, f"{path}?{urlencode(query)}" if query else path, data, dict(headers or {}))
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def create(self, customer_id: str = "jane", **fields: Any) -> dict[str, Any]:
        """A new order, to New York if not said otherwise."""
        body = {"customer_id": customer_id, "items": [{"product_id": "mug", "quantity": 2}], **fields}
        if "shipping_address_id" not in body:
            body.setdefault("shipping_address", HOME)
        return dict(self.call("POST", "/v1/orders", body).ok)

    def pay(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """The order, paid by an outside payment service."""
        event = {"event_id": f"paid-{order['order_id']}", "type": "PAYMENT_EVENT_TYPE_PAID"}
        return dict(self.call("POST", f"/v1/orders/{order['order_id']}/payments", {"event": event}).ok)


@contextmanager
def envoy(folder: Path, *upstreams: str) -> Iterator[Api]:
    """An Envoy by the repository's configuration, on ports of its own, in front of these servers."""
    port = free_port()
    text = (ROOT / "deploy" / "envoy.yaml").read_text()
    (endpoint,) = re.findall(r" *- endpoint:\n.*\n.*port_value: 50051}\n", text)
    endpoints = (endpoint.replace("50051", upstream.rpartition(":")[2]) for upstream in upstreams)
    text = text.replace(endpoint, "".join(endpoints))
    assert text.count("port_value: 8080") == 1
    text = text.replace("port_value: 8080", f"port_value: {port}")
    (folder / f"{port}.yaml").write_text(text)
    with (folder / f"{port}.log").open("w") as log:
        command = [ENVOY, "-c", folder / f"{port}.yaml", "--use-dynamic-base-id", "--concurrency", "1"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=log, stderr=log)
    try:
        yield Api(f"127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(300)


def status_of_health(api: Api) -> int:
    try:
        return api.call("GET", "/healthz").status
    except OSError:
        return 0


@pytest.fixture(scope="module")
def api(server: Server, folder: Path) -> Iterator[Api]:
    with envoy(folder, server.address) as api:
        wait_until(lambda: status_of_health(api) == 200)
        yield api


def frame(message: bytes) -> bytes:
    """A message as gRPC and gRPC-Web frame it."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def stored(order: dict[str, Any]) -> dict[str, Any]:
    """A created order as everybody sees it later: the secret is only in the first answer."""
    return {**order, "payment_intent": {**order["payment_intent"], "client_secret": ""}}


# Bindings, by verb and path, with a call of each and what it must answer.

Binding = tuple[str, str]
CALLS: dict[Binding, Callable[[Api], None]] = {}


def calls(verb: str, path: str) -> Callable[[Callable[[Api], None]], Callable[[Api], None]]:
    def register(function: Callable[[Api], None]) -> Callable[[Api], None]:
        CALLS[verb, path] = function
        return function

    return register


def bindings() -> list[Binding]:
    """Those in the descriptor set that Envoy is given."""
    files = FileDescriptorSet.FromString((ROOT / "generated" / "orders.binpb").read_bytes()).file
    methods = [method for file in files for service in file.service for method in service.method]
    rules = [method.options.Extensions[annotations_pb2.http] for method in methods]
    every = [rule for first in rules for rule in (first, *first.additional_bindings)]
    return [(rule.WhichOneof("pattern").upper(), getattr(rule, rule.WhichOneof("pattern"))) for rule in every]


@pytest.mark.parametrize("binding", bindings(), ids=" ".join)
def test_every_binding_answers_as_it_should(api: Api, binding: Binding) -> None:
    call_of(binding)(api)


def call_of(binding: Binding) -> Callable[[Api], None]:
    """The call of a binding: one that knows what it must answer, or else the method's sample request."""
    return CALLS.get(binding) or partial(call_by_sample, *binding)


def call_by_sample(verb: str, path: str, api: Api) -> None:
    """Sends the sample request of a method, about a new order. Its answer may be a refusal, but not for its form."""
    (binding,) = (each for each in every_binding() if (each.verb, each.template.text) == (verb, path))
    request = request_for(binding.method.name, Subject(api.create()["order_id"]))
    given = MessageToDict(request, preserving_proto_field_name=True)
    named = re.findall(r"\{([^}=]+)[^}]*\}", path)
    for name in named:
        path = re.sub(rf"\{{{name}[^}}]*\}}", quote(str(reduce(getattr, name.split("."), request))), path)
        given.pop(name, None)
    body = given if binding.body == "*" else given.pop(binding.body, {}) if binding.body else None
    query = [] if binding.body == "*" else list(_pairs(given))
    answer = api.call(verb, path, body, query)
    assert answer.status == 200 or answer.json["code"] not in (code_pb2.UNIMPLEMENTED, code_pb2.INTERNAL), answer.text


def _pairs(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The parameters of a query."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _pairs(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _pairs(inner, name)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


@calls("POST", "/v1/orders")
def _(api: Api) -> None:
    order = api.call(
        "POST",
        "/v1/orders",
        {
            "customerId": "jane",
            "items": [{"productId": "mug", "quantity": "2"}],
            "shipping_address": HOME,
            "payment_method": 1,
        },
    ).ok
    assert order["status"] == "ORDER_STATUS_PENDING"
    assert order["payment_method"] == "PAYMENT_METHOD_CREDIT_CARD"
    assert order["shipping_address"]["postal_code"] == "10001"
    # 2 × 12.50, 9.90 for shipping, 8.88 % of each: 2.22 and 0.88
    assert order["pricing"]["total"] == {"currency_code": "USD", "units": "38", "nanos": 0}
    assert order["payment_intent"]["status"] == "PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD"
    assert order["payment_intent"]["client_secret"]
    assert order["items"][0]["unit_price"] == {"currency_code": "USD", "units": "12", "nanos": 500000000}
    # 64 bits are text, what is empty is printed, and a message that is not set is absent.
    assert order["version"] == "2"
    assert order["items"][0]["quantity"] == 2
    assert order["metadata"] == {}
    assert "cancellation" not in order
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", order["create_time"])


@calls("GET", "/v1/orders/{order_id}")
def _(api: Api) -> None:
    order = stored(api.create())
    assert api.call("GET", f"/v1/orders/{order['order_id']}").ok == order
    assert api.call("GET", f"/v1/orders/{order['order_number']}").ok == order
    missing = api.call("GET", "/v1/orders/nope")
    assert missing.refused(404, "ORDER_NOT_FOUND") == {"order_id": "nope"}
    assert missing.json["code"] == 5


@calls("GET", "/v1/orders:batchGet")
def _(api: Api) -> None:
    one, two = stored(api.create()), stored(api.create())
    query = [("order_ids", two["order_id"]), ("order_ids", "nope"), ("order_ids", one["order_number"])]
    assert api.call("GET", "/v1/orders:batchGet", query=query).ok == {
        "orders": [two, one],
        "missing_order_ids": ["nope"],
        "remaining_order_ids": [],
    }


@calls("GET", "/v1/orders:stream")
def _(api: Api) -> None:
    created = [api.create("streamed") for _ in range(5)]
    query = {"filter.customer_id": "streamed", "page_size": 2}
    streamed = api.call("GET", "/v1/orders:stream", query=query)
    assert streamed.status == 200
    # Newline-delimited JSON: each line a message.
    pages = [json.loads(line) for line in streamed.text.splitlines()]
    assert [order["order_id"] for page in pages for order in page["orders"]] == [
        order["order_id"] for order in reversed(created)
    ]
    assert [page["complete"] for page in pages] == [False, False, True]
    rest = api.call("GET", "/v1/orders:stream", query={**query, "resume_token": pages[0]["resume_token"]})
    assert [json.loads(line) for line in rest.text.splitlines()][-1]["orders"] == pages[-1]["orders"]
    # An error before the first message is an ordinary one.
    api.call("GET", "/v1/orders:stream", query={"page_size": 2000}).refused(400, "INVALID_ORDER_DATA")


@calls("GET", "/v1/orders")
def _(api: Api) -> None:
    created = [stored(api.create("searched")) for _ in range(3)]
    assert api.call("POST", f"/v1/orders/{created[0]['order_id']}:cancel", {}).ok
    query = [
        ("filter.customer_id", "searched"),
        ("filter.statuses", "ORDER_STATUS_PENDING"),
        ("filter.statuses", "ORDER_STATUS_CONFIRMED"),
        ("page_size", 1),
    ]
    first = api.call("GET", "/v1/orders", query=query).ok
    assert first["orders"] == [created[2]]
    assert (first["total_size"], first["total_size_estimated"]) == ("2", False)
    second = api.call("GET", "/v1/orders", query=[*query, ("page_token", first["next_page_token"])]).ok
    assert second["orders"] == [created[1]]
    assert second["next_page_token"] == ""
    assert api.call("GET", "/v1/orders", query=[*query, ("skip", 1)]).ok["orders"] == [created[1]]
    numbered = [("filter.customer_id", "searched"), ("filter.statuses", 6)]
    assert len(api.call("GET", "/v1/orders", query=numbered).ok["orders"]) == 1
    ranges = {
        "filter.customer_id": "searched",
        "filter.create_time_from": created[1]["create_time"].replace("Z", "+00:00"),
        "filter.total_from.units": 25,
        "filter.total_from.currency_code": "USD",
        "order_by": "ORDER_BY_TOTAL",
        "sort_order": "SORT_ORDER_ASC",
    }
    assert len(api.call("GET", "/v1/orders", query=ranges).ok["orders"]) == 2
    api.call("GET", "/v1/orders", query={"page_size": 101}).refused(400, "INVALID_ORDER_DATA")


def update(verb: str) -> None:
    @calls(verb, "/v1/orders/{order.order_id}")
    def _(api: Api) -> None:
        order = api.create(special_instructions="ring")
        path = f"/v1/orders/{order['order_id']}"
        # Without a mask: what is set and differs. What is left out stays.
        new = {**order["shipping_address"], "street": "456 Oak Ave"}
        moved = api.call(
            verb, path, {"shipping_address": new, "etag": order["etag"]}, {"request_id": f"move-{verb}"}
        ).ok
        assert moved["shipping_address"] == new
        assert moved["special_instructions"] == "ring"
        # The whole order, as it was read, with a change in one place.
        whole = api.call(verb, path, {**moved, "special_instructions": "knock"}).ok
        assert (whole["special_instructions"], int(whole["version"])) == ("knock", int(order["version"]) + 2)
        # With a mask: what it names and the body leaves out is emptied.
        emptied = api.call(verb, path, {}, {"update_mask": "special_instructions,shipping_address.city"}).ok
        assert emptied["special_instructions"] == ""
        assert emptied["shipping_address"] == {**new, "city": ""}
        camel = api.call(verb, path, {"specialInstructions": "sing"}, {"updateMask": "specialInstructions"}).ok
        assert camel["special_instructions"] == "sing"
        trial = api.call(verb, path, {"special_instructions": "no"}, {"validate_only": "true"}).ok
        assert trial["special_instructions"] == "no"
        assert api.call("GET", path).ok == camel
        confirm = {"override_reason": "paid in the shop"}
        confirmed = api.call(verb, path, {"status": "ORDER_STATUS_CONFIRMED"}, confirm).ok
        assert confirmed["status"] == "ORDER_STATUS_CONFIRMED"
        stale = api.call(verb, path, {"special_instructions": "late", "etag": order["etag"]})
        assert stale.refused(409, "ETAG_MISMATCH")["etag"] == confirmed["etag"]
        # What the server sets cannot be changed; what names the order or dates it is no wish to.
        dearer = api.call(verb, path, {"pricing": {"subtotal": {"currency_code": "USD", "units": 1}}})
        dearer.refused(400, "INVALID_ORDER_DATA")
        assert "order.pricing" in dearer.json["message"]
        dated = {"order_number": "ORD-1", "update_time": order["create_time"]}
        assert api.call(verb, path, dated).ok["version"] == confirmed["version"]


update("PATCH")
update("PUT")


@calls("PUT", "/v1/orders/{order_id}/status")
def _(api: Api) -> None:
    path = f"/v1/orders/{api.create()['order_number']}/status"
    unpaid = api.call("PUT", path, {"status": "ORDER_STATUS_CONFIRMED"})
    assert unpaid.refused(400, "INVALID_TRANSITION")["guard"] == "paid"
    body = {"status": "ORDER_STATUS_CONFIRMED", "override_reason": "paid in the shop"}
    assert api.call("PUT", path, body).ok["status"] == "ORDER_STATUS_CONFIRMED"
    bare = api.call("PUT", path, {"status": "ORDER_STATUS_SHIPPED"})
    assert bare.refused(400, "INVALID_TRANSITION")["guard"] == "shippable"
    body = {"status": "ORDER_STATUS_SHIPPED", "carrier": "UPS", "tracking_number": "1Z"}
    assert api.call("PUT", path, body).ok["shipping_status"] == "SHIPPING_STATUS_SHIPPED"
    assert api.call("PUT", path, {"status": "ORDER_STATUS_CANCELLED"}).refused(400, "ORDER_NOT_CANCELLABLE")


@calls("POST", "/v1/orders/{order_id}:cancel")
def _(api: Api) -> None:
    order = api.create()
    body = {"reason": "changed my mind", "etag": order["etag"]}
    cancelled = api.call("POST", f"/v1/orders/{order['order_id']}:cancel", body).ok
    assert cancelled["status"] == "ORDER_STATUS_CANCELLED"
    assert cancelled["cancellation"]["reason"] == "changed my mind"
    assert cancelled["cancellation"]["actor"] == "anonymous"
    api.call("POST", f"/v1/orders/{order['order_id']}:cancel", {}).refused(400, "ORDER_ALREADY_CANCELLED")


@calls("POST", "/v1/orders/{order_id}:cancelLines")
def _(api: Api) -> None:
    order = api.create(payment_method_id="pm-visa", shipping_address_id="home")
    path = f"/v1/orders/{order['order_id']}:cancelLines"
    body = {"items": [{"item_id": "1", "quantity": 1}], "reason": "one is enough", "etag": order["etag"]}
    cancelled = api.call("POST", path, body).ok
    assert cancelled["status"] == "ORDER_STATUS_CONFIRMED"
    assert [refund["reason"] for refund in cancelled["refunds"]] == ["one is enough"]
    much = {"items": [{"item_id": "1", "quantity": 2}]}
    api.call("POST", path, much).refused(400, "LINE_QUANTITY_EXCEEDED")


@calls("DELETE", "/v1/orders/{order_id}")
def _(api: Api) -> None:
    path = f"/v1/orders/{api.create()['order_id']}"
    query = {"reason": "changed my mind", "request_id": "delete-1"}
    cancelled = api.call("DELETE", path, query=query)
    assert cancelled.ok["status"] == "ORDER_STATUS_CANCELLED"
    assert cancelled.json["cancellation"]["reason"] == "changed my mind"
    assert "idempotency-replayed" not in cancelled.headers
    again = api.call("DELETE", path, query=query)
    assert again.ok == cancelled.json
    assert again.headers["idempotency-replayed"] == "true"
    api.call("DELETE", path).refused(400, "ORDER_ALREADY_CANCELLED")


@calls("GET", "/v1/orders/{order_id}/tracking")
def _(api: Api) -> None:
    order = api.create()
    tracking = api.call("GET", f"/v1/orders/{order['order_number']}/tracking").ok
    assert tracking["order_id"] == order["order_id"]
    assert tracking["tracking_number"] == ""
    assert [event["status"] for event in tracking["events"]] == ["TRACKING_STATUS_ORDER_PLACED"]


@calls("POST", "/v1/orders/{order_id}/tracking/events")
def _(api: Api) -> None:
    path = f"/v1/orders/{api.create()['order_id']}"
    body = {"status": "ORDER_STATUS_PROCESSING", "override_reason": "paid in the shop"}
    assert api.call("PUT", f"{path}/status", body).ok
    event = {"status": "TRACKING_STATUS_IN_TRANSIT", "location": "Giza Distribution Center", "city": "Giza"}
    body = {"event": event, "carrier": "Aramex", "tracking_number": "A1"}
    tracking = api.call("POST", f"{path}/tracking/events", body).ok
    assert (tracking["status"], tracking["carrier"]) == ("TRACKING_STATUS_IN_TRANSIT", "Aramex")
    assert tracking["current_location"]["city"] == "Giza"
    assert api.call("GET", path).ok["status"] == "ORDER_STATUS_SHIPPED"
    forbidden = {"event": {"status": "TRACKING_STATUS_CANCELLED"}}
    api.call("POST", f"{path}/tracking/events", forbidden).refused(400, "INVALID_ORDER_DATA")


@calls("POST", "/v1/orders:batchUpsert")
def _(api: Api) -> None:
    """Document 004's own sample, as the page writes it."""
    (sample,) = (text for text in re.findall(r"```json\n(.*?)```", FIVE_DOCUMENTS, re.DOTALL) if '"source"' in text)
    answer = api.call("POST", "/v1/orders:batchUpsert", sample).ok
    assert answer["message"] == (
        "1 new records inserted. 0 existing records updated. Same value or invalid data skipped 0"
    )
    assert answer["message"] in FIVE_DOCUMENTS
    (result,) = answer["results"]
    assert result["outcome"] == "UPSERT_OUTCOME_INSERTED"
    assert len(result["warnings"]) == 2
    bad = json.loads(sample)
    bad["orders"][0]["items"][0]["quantity"] = -1
    answer = api.call("POST", "/v1/orders:batchUpsert", bad).ok
    assert (answer["updated"], answer["invalid"], answer["skipped"]) == (0, 1, 1)
    kinds = [detail["@type"].rpartition(".")[2] for detail in answer["results"][0]["status"]["details"]]
    assert kinds == ["ErrorInfo", "BadRequest", "Help"]
    api.call("POST", "/v1/orders:batchUpsert", {**bad, "mode": "UPSERT_MODE_ALL_OR_NOTHING"}).refused(
        400, "INVALID_ORDER_DATA"
    )


@calls("GET", "/v1/orders:summarize")
def _(api: Api) -> None:
    api.create("summary")
    query = {"filter.customer_id": "summary", "group_by": "SUMMARY_KEY_STATUS"}
    (group,) = api.call("GET", "/v1/orders:summarize", query=query).ok["groups"]
    assert (group["key"], group["count"]) == ("ORDER_STATUS_PENDING", "1")


@calls("POST", "/v1/orders:batchCreate")
def _(api: Api) -> None:
    item = {"customer_id": "jane", "items": [{"product_id": "nope", "quantity": 1}], "shipping_address": HOME}
    check_refused(api.call("POST", "/v1/orders:batchCreate", {"requests": [{**item, "request_id": "create-1"}]}).ok)


@calls("POST", "/v1/orders:batchTransition")
def _(api: Api) -> None:
    item = {"order_id": "nope", "status": "ORDER_STATUS_CONFIRMED", "request_id": "move-1"}
    check_refused(api.call("POST", "/v1/orders:batchTransition", {"requests": [item]}).ok)


@calls("POST", "/v1/orders:batchCancel")
def _(api: Api) -> None:
    item = {"order_id": "nope", "request_id": "cancel-1"}
    check_refused(api.call("POST", "/v1/orders:batchCancel", {"requests": [item]}).ok)


def check_refused(answer: Any) -> None:
    """The answer to a batch of one request that fails. One that succeeds is answered differently the second time."""
    assert (answer["failed"], answer["succeeded"], len(answer["results"])) == (1, 0, 1)
    assert answer["results"][0]["status"]["details"][0]["domain"] == "orders.v1"


@calls("GET", "/v1/orders/{order_id}/events")
def _(api: Api) -> None:
    path = f"/v1/orders/{api.create()['order_id']}"
    assert api.call("DELETE", path, query={"reason": "changed my mind"}).ok
    first = api.call("GET", f"{path}/events", query={"page_size": 2}).ok
    assert [event["type"] for event in first["events"]] == ["ORDER_EVENT_TYPE_CREATED", "ORDER_EVENT_TYPE_PAYMENT"]
    second = api.call("GET", f"{path}/events", query={"page_token": first["next_page_token"]}).ok["events"]
    assert (second[0]["to_status"], second[0]["reason"]) == ("ORDER_STATUS_CANCELLED", "changed my mind")
    api.call("GET", f"{path}/events", query={"page_token": "nonsense"}).refused(400, "RESUME_TOKEN_INVALID")


@calls("POST", "/v1/orders:price")
def _(api: Api) -> None:
    lines = [{"product_id": "sofa", "variant_id": "blue", "quantity": 1}]
    body = {"customer_id": "jane", "items": lines, "shipping_address_id": "home", "coupon_code": "sofa5"}
    priced = api.call("POST", "/v1/orders:price", body).ok
    # 1,250 less 5 %, 100 to install it, free delivery, 8.88 % of 1,187.50 and of 100
    assert priced["pricing"]["total"] == {"currency_code": "USD", "units": "1401", "nanos": 830000000}
    assert priced["steps"][-1]["type"] == "PRICE_STEP_TYPE_POINTS_EARNED"
    assert [option["method"] for option in priced["delivery_options"]] == ["standard", "express"]
    nowhere = {**body, "shipping_address": {"street": "1 rue X", "country": "FR"}}
    del nowhere["shipping_address_id"]
    refused = api.call("POST", "/v1/orders:price", nowhere).refused(400, "DELIVERY_NOT_AVAILABLE")
    assert (refused["condition"], refused["country"]) == ("zone", "FR")
    worn = {**body, "coupon_code": "NOPE"}
    assert api.call("POST", "/v1/orders:price", worn).refused(400, "INVALID_COUPON")["condition"] == "exists"


@calls("POST", "/v1/orders/{order_id}/payments")
def _(api: Api) -> None:
    order = api.create()
    path = f"/v1/orders/{order['order_id']}/payments"
    event = {"event_id": f"evt-{order['order_id']}", "type": "PAYMENT_EVENT_TYPE_PAID", "provider": "stripe"}
    paid = api.call("POST", path, {"event": event}).ok
    assert (paid["status"], paid["payment_status"]) == ("ORDER_STATUS_CONFIRMED", "PAYMENT_STATUS_PAID")
    assert paid["payment"]["paid_amount"] == order["pricing"]["total"]
    assert paid["invoice_number"].startswith("INV-")
    # The same event counts once.
    assert api.call("POST", path, {"event": event}).ok == paid


@calls("POST", "/v1/orders/{order_id}:refund")
def _(api: Api) -> None:
    order = api.create(payment_method_id="pm-visa", shipping_address_id="home")
    assert order["payment_status"] == "PAYMENT_STATUS_PAID"
    path = f"/v1/orders/{order['order_id']}:refund"
    body = {"amount": {"currency_code": "USD", "units": 5}, "reason": "a chipped mug", "etag": order["etag"]}
    refunded = api.call("POST", path, body).ok
    assert refunded["payment_status"] == "PAYMENT_STATUS_PARTIALLY_REFUNDED"
    assert [refund["status"] for refund in refunded["refunds"]] == ["REFUND_STATUS_SUCCEEDED"]
    much = {"amount": {"currency_code": "USD", "units": 500}}
    assert api.call("POST", path, much).refused(400, "REFUND_EXCEEDS_PAYMENT")["refundable"] == "33.00 USD"


@calls("GET", "/v1/orders/{order_id}/invoice")
def _(api: Api) -> None:
    order = api.create()
    path = f"/v1/orders/{order['order_id']}/invoice"
    api.call("GET", path).refused(404, "INVOICE_NOT_FOUND")
    paid = api.pay(order)
    invoice = api.call("GET", path).ok
    assert invoice["invoice_number"] == paid["invoice_number"]
    assert invoice["pricing"] == paid["pricing"]


@calls("POST", "/v1/orders/{order_id}:reorder")
def _(api: Api) -> None:
    order = api.create("regular")
    cart = api.call("POST", f"/v1/orders/{order['order_number']}:reorder", {}).ok
    assert [(item["product_id"], item["quantity"]) for item in cart["items"]] == [("mug", 2)]
    again = {"customer_id": "regular", "cart_id": cart["cart_id"], "shipping_address": HOME}
    assert api.call("POST", "/v1/orders", again).ok["pricing"] == order["pricing"]


@calls("GET", "/v1/orders/{order_id}:explain")
def _(api: Api) -> None:
    explained = api.call("GET", f"/v1/orders/{api.create()['order_id']}:explain").ok
    confirm = next(step for step in explained["transitions"] if step["to"] == "ORDER_STATUS_CONFIRMED")
    assert (confirm["allowed"], confirm["blocked_by"]) == (False, "ERROR_REASON_INVALID_TRANSITION")
    cancel = next(step for step in explained["transitions"] if step["to"] == "ORDER_STATUS_CANCELLED")
    assert (cancel["allowed"], cancel["roles"]) == (True, ["admin", "customer"])


@calls("POST", "/v1/products:batchUpsert")
def _(api: Api) -> None:
    product = {"product_id": "new", "name": "New", "price": {"currency_code": "EGP", "units": 5}, "stock": 3}
    answer = api.call("POST", "/v1/products:batchUpsert", {"products": [product]}).ok
    assert (answer["inserted"], answer["updated"], answer["unchanged"]) == (1, 0, 0)
    assert answer["products"][0]["stock"] == "3"


@calls("GET", "/v1/products/{product_id}")
def _(api: Api) -> None:
    assert api.call("GET", "/v1/products/lamp").ok["price"] == {
        "currency_code": "USD",
        "units": "49",
        "nanos": 900000000,
    }
    assert api.call("GET", "/v1/products/nope").refused(404, "PRODUCT_NOT_FOUND")["product_id"] == "nope"


@calls("GET", "/v1/products")
def _(api: Api) -> None:
    first = api.call("GET", "/v1/products", query={"page_size": 1}).ok
    second = api.call("GET", "/v1/products", query={"page_size": 1, "page_token": first["next_page_token"]}).ok
    assert first["products"][0]["product_id"] < second["products"][0]["product_id"]


@calls("POST", "/v1/products/{product_id}:adjustStock")
def _(api: Api) -> None:
    before = int(api.call("GET", "/v1/products/desk").ok["stock"])
    body = {"delta": 5, "reason": "delivery 4711", "request_id": "adjust-1"}
    for _ in range(2):
        assert int(api.call("POST", "/v1/products/desk:adjustStock", body).ok["stock"]) == before + 5
    api.call("POST", "/v1/products/desk:adjustStock", {"delta": -1_000, "reason": "broken"}).refused(
        400, "INSUFFICIENT_STOCK"
    )


@calls("GET", "/v1/products/{product_id}/adjustments")
def _(api: Api) -> None:
    assert api.call("POST", "/v1/products/vase:adjustStock", {"delta": -1, "reason": "broken"}).ok
    path = "/v1/products/vase/adjustments"
    first = api.call("GET", path, query={"page_size": 1}).ok
    assert [(each["delta"], each["reason"]) for each in first["adjustments"]] == [("-1", "broken")]
    second = api.call("GET", path, query={"page_token": first["next_page_token"]}).ok
    assert [(each["delta"], each["reason"]) for each in second["adjustments"]] == [("40", "catalogue")]
    assert api.call("GET", "/v1/products/nope/adjustments").ok["adjustments"] == []


def usd(units: int) -> dict[str, Any]:
    return {"currency_code": "USD", "units": units}


@calls("POST", "/v1/coupons:batchUpsert")
def _(api: Api) -> None:
    coupon = {"code": "spring", "type": "COUPON_TYPE_FIXED", "amounts": [usd(5)]}
    answer = api.call("POST", "/v1/coupons:batchUpsert", {"coupons": [coupon]}).ok
    assert (answer["inserted"], answer["coupons"][0]["code"]) == (1, "SPRING")
    bad = {"coupons": [{**coupon, "amounts": []}]}
    api.call("POST", "/v1/coupons:batchUpsert", bad).refused(400, "INVALID_ORDER_DATA")


@calls("GET", "/v1/coupons/{code}")
def _(api: Api) -> None:
    before = int(api.call("GET", "/v1/coupons/welcome10").ok["times_used"])
    api.create("newcomer", coupon_code="WELCOME10")
    coupon = api.call("GET", "/v1/coupons/Welcome10").ok
    assert (coupon["basis_points"], int(coupon["times_used"])) == (1000, before + 1)
    assert api.call("GET", "/v1/coupons/nope").refused(404, "COUPON_NOT_FOUND")["coupon_code"]


@calls("GET", "/v1/coupons")
def _(api: Api) -> None:
    first = api.call("GET", "/v1/coupons", query={"page_size": 1}).ok
    second = api.call("GET", "/v1/coupons", query={"page_size": 1, "page_token": first["next_page_token"]}).ok
    assert first["coupons"][0]["code"] < second["coupons"][0]["code"]


def alaska(zone_id: str) -> dict[str, Any]:
    return {
        "zone_id": zone_id,
        "areas": [{"country": "US", "state": zone_id}],
        "methods": [{"method": "standard", "prices": [usd(50)], "transit_days": 9}],
    }


@calls("POST", "/v1/deliveryZones:batchUpsert")
def _(api: Api) -> None:
    zones = {"zones": [alaska("AK")]}
    assert api.call("POST", "/v1/deliveryZones:batchUpsert", zones).ok["inserted"] == 1
    assert api.call("POST", "/v1/deliveryZones:batchUpsert", zones).ok["unchanged"] == 1
    order = api.create(shipping_address={**HOME, "city": "Juneau", "state": "AK", "postal_code": "99801"})
    assert (order["delivery"]["zone_id"], order["pricing"]["shipping"]["units"]) == ("AK", "50")


@calls("GET", "/v1/deliveryZones/{zone_id}")
def _(api: Api) -> None:
    assert api.call("GET", "/v1/deliveryZones/de").ok["tax_included"] is True
    assert api.call("GET", "/v1/deliveryZones/nope").refused(404, "DELIVERY_ZONE_NOT_FOUND") == {"zone_id": "nope"}


@calls("GET", "/v1/deliveryZones")
def _(api: Api) -> None:
    zones = api.call("GET", "/v1/deliveryZones", query={"page_size": 1000}).ok["zones"]
    assert {"at", "de", "us", "us-ny"} <= {zone["zone_id"] for zone in zones}


@calls("DELETE", "/v1/deliveryZones/{zone_id}")
def _(api: Api) -> None:
    assert api.call("POST", "/v1/deliveryZones:batchUpsert", {"zones": [alaska("HI")]}).ok
    assert api.call("DELETE", "/v1/deliveryZones/HI").ok["zone_id"] == "HI"
    api.call("DELETE", "/v1/deliveryZones/HI").refused(404, "DELIVERY_ZONE_NOT_FOUND")


def add(api: Api, customer_id: str, product_id: str = "mug", quantity: int = 1) -> dict[str, Any]:
    """The customer's cart with something more in it."""
    body = {"customer_id": customer_id, "product_id": product_id, "quantity": quantity}
    return dict(api.call("POST", "/v1/cart/items", body).ok)


@calls("GET", "/v1/cart")
def _(api: Api) -> None:
    empty = api.call("GET", "/v1/cart", query={"customer_id": "looker"}).ok
    assert (empty["items"], empty["total_quantity"]) == ([], "0")
    filled = add(api, "looker")
    assert filled["cart_id"] == empty["cart_id"]
    assert api.call("GET", "/v1/cart", query={"customer_id": "looker"}).ok == filled
    other = {"customer_id": "looker", "cart_id": "nope"}
    assert api.call("GET", "/v1/cart", query=other).refused(404, "CART_NOT_FOUND") == {"cart_id": "nope"}


@calls("POST", "/v1/cart/items")
def _(api: Api) -> None:
    cart = add(api, "adder", "lamp", 2)
    assert cart["items"][0]["total_price"] == {"currency_code": "USD", "units": "99", "nanos": 800000000}
    assert add(api, "adder", "lamp", 1)["items"][0]["quantity"] == 3
    much = {"customer_id": "adder", "product_id": "lamp", "quantity": 1_000}
    api.call("POST", "/v1/cart/items", much).refused(400, "INSUFFICIENT_STOCK")


def update_cart_item(verb: str) -> None:
    @calls(verb, "/v1/cart/items/{item_id}")
    def _(api: Api) -> None:
        customer_id = f"changer-{verb}"
        item_id = add(api, customer_id)["items"][0]["item_id"]
        body = {"customer_id": customer_id, "quantity": 4}
        assert api.call(verb, f"/v1/cart/items/{item_id}", body).ok["total_quantity"] == "4"
        missing = api.call(verb, "/v1/cart/items/99", body).refused(404, "CART_ITEM_NOT_FOUND")
        assert missing["item_id"] == "99"


update_cart_item("PUT")
update_cart_item("PATCH")


@calls("DELETE", "/v1/cart/items/{item_id}")
def _(api: Api) -> None:
    add(api, "remover", "lamp")
    item_id = add(api, "remover", "mug")["items"][1]["item_id"]
    query = {"customer_id": "remover", "request_id": "remove-1"}
    for _ in range(2):
        left = api.call("DELETE", f"/v1/cart/items/{item_id}", query=query).ok
        assert [item["product_id"] for item in left["items"]] == ["lamp"]


@calls("DELETE", "/v1/cart")
def _(api: Api) -> None:
    add(api, "clearer")
    assert api.call("DELETE", "/v1/cart", query={"customer_id": "clearer"}).ok["items"] == []


@calls("GET", "/v1/customers/{customer_id}")
def _(api: Api) -> None:
    account = api.call("GET", "/v1/customers/omar").ok
    assert account["customer"]["name"] == "Omar Haddad"
    assert [method["provider_token"] for method in account["payment_methods"]] == [""]
    assert api.call("GET", "/v1/customers/nope").refused(404, "CUSTOMER_NOT_FOUND") == {"customer_id": "nope"}


@calls("PUT", "/v1/customers/{customer.customer_id}")
def _(api: Api) -> None:
    body = {"name": "Ann Lee", "email": "ann@example.com"}
    account = api.call("PUT", "/v1/customers/ann", body, {"request_id": "ann-1"}).ok
    assert account["customer"] == {**body, "customer_id": "ann", "phone": ""}
    assert api.create("ann")["customer"] == account["customer"]


@calls("POST", "/v1/customers/{customer_id}/addresses")
def _(api: Api) -> None:
    saved = api.call("POST", "/v1/customers/mover/addresses", HOME).ok
    assert saved == {**HOME, "address_id": saved["address_id"], "name": "", "phone": ""}
    order = api.create("mover", shipping_address_id=saved["address_id"])
    assert order["shipping_address"] == saved


@calls("PUT", "/v1/customers/{customer_id}/addresses/{address.address_id}")
def _(api: Api) -> None:
    for street in ("1 First Ave", "2 Second Ave"):
        api.call("PUT", "/v1/customers/nomad/addresses/home", {**HOME, "street": street})
    addresses = api.call("GET", "/v1/customers/nomad").ok["addresses"]
    assert [(address["address_id"], address["street"]) for address in addresses] == [("home", "2 Second Ave")]


@calls("DELETE", "/v1/customers/{customer_id}/addresses/{address_id}")
def _(api: Api) -> None:
    assert api.call("PUT", "/v1/customers/leaver/addresses/home", HOME).ok
    assert api.call("DELETE", "/v1/customers/leaver/addresses/home").ok["addresses"] == []
    api.call("DELETE", "/v1/customers/leaver/addresses/home").refused(404, "ADDRESS_NOT_FOUND")


CARD = {"type": "PAYMENT_METHOD_CREDIT_CARD", "brand": "visa", "last_four": "4242", "provider_token": "tok_visa"}


@calls("POST", "/v1/customers/{customer_id}/paymentMethods")
def _(api: Api) -> None:
    saved = api.call("POST", "/v1/customers/payer/paymentMethods", CARD).ok
    assert (saved["last_four"], saved["provider_token"]) == ("4242", "")
    order = api.create("payer", payment_method_id=saved["payment_method_id"])
    assert (order["status"], order["payment_status"]) == ("ORDER_STATUS_CONFIRMED", "PAYMENT_STATUS_PAID")
    number = {**CARD, "brand": "4111 1111 1111 1111"}
    refused = api.call("POST", "/v1/customers/payer/paymentMethods", number)
    refused.refused(400, "INVALID_ORDER_DATA")
    assert "1111" not in refused.text


@calls("PUT", "/v1/customers/{customer_id}/paymentMethods/{payment_method.payment_method_id}")
def _(api: Api) -> None:
    path = "/v1/customers/spender/paymentMethods/pm-1"
    assert api.call("PUT", path, {**CARD, "provider_token": "tok_decline_no_funds"}).ok["payment_method_id"] == "pm-1"
    body = {"customer_id": "spender", "items": [{"product_id": "mug", "quantity": 1}], "shipping_address": HOME}
    declined = api.call("POST", "/v1/orders", {**body, "payment_method_id": "pm-1"})
    order_id = declined.refused(400, "PAYMENT_FAILED")["order_id"]
    assert api.call("GET", f"/v1/orders/{order_id}").ok["status"] == "ORDER_STATUS_CANCELLED"


@calls("DELETE", "/v1/customers/{customer_id}/paymentMethods/{payment_method_id}")
def _(api: Api) -> None:
    path = "/v1/customers/forgetter/paymentMethods/pm-1"
    assert api.call("PUT", path, CARD).ok
    assert api.call("DELETE", path).ok["payment_methods"] == []
    api.call("DELETE", path).refused(404, "PAYMENT_METHOD_NOT_FOUND")


@calls("POST", "/v1/customers/{customer_id}/points:adjust")
def _(api: Api) -> None:
    path = "/v1/customers/collector/points:adjust"
    body = {"delta": 10, "reason": "welcome gift", "request_id": "gift-1"}
    for _ in range(2):
        assert api.call("POST", path, body).ok["balance"] == "10"
    short = api.call("POST", path, {"delta": -11, "reason": "too many"}).refused(400, "INSUFFICIENT_POINTS")
    assert short == {"requested": "11", "available": "10"}


@calls("GET", "/v1/customers/{customer_id}/points")
def _(api: Api) -> None:
    for delta in (10, 20):
        body = {"delta": delta, "reason": "gift"}
        assert api.call("POST", "/v1/customers/saver/points:adjust", body).ok
    order = api.create("saver", loyalty_points_to_use="25")
    newest = api.call("GET", "/v1/customers/saver/points", query={"page_size": 1}).ok
    assert newest["points_balance"] == "5"
    assert [(entry["delta"], entry["order_id"]) for entry in newest["entries"]] == [("-25", order["order_id"])]
    query = {"page_token": newest["next_page_token"]}
    older = api.call("GET", "/v1/customers/saver/points", query=query).ok
    assert [entry["delta"] for entry in older["entries"]] == ["20", "10"]


def new_key(api: Api, **fields: Any) -> dict[str, Any]:
    body = {"owner": "shop", "roles": ["ROLE_ADMIN"], "scopes": ["SCOPE_ORDERS_READ"], **fields}
    return dict(api.call("POST", "/v1/apiKeys", body).ok)


@calls("POST", "/v1/apiKeys")
def _(api: Api) -> None:
    made = new_key(api, description="reads orders", expire_time="2099-01-01T00:00:00Z")
    assert made["key"].startswith(f"ord_{made['key_id']}_")
    assert (made["creator"], made["expire_time"]) == ("anonymous", "2099-01-01T00:00:00Z")
    api.call("POST", "/v1/apiKeys", {"owner": "shop"}).refused(400, "INVALID_ORDER_DATA")


@calls("GET", "/v1/apiKeys/{key_id}")
def _(api: Api) -> None:
    made = new_key(api)
    assert api.call("GET", f"/v1/apiKeys/{made['key_id']}").ok == {**made, "key": ""}
    assert api.call("GET", "/v1/apiKeys/nope").refused(404, "API_KEY_NOT_FOUND") == {"key_id": "nope"}


@calls("GET", "/v1/apiKeys")
def _(api: Api) -> None:
    made = {new_key(api)["key_id"] for _ in range(2)}
    first = api.call("GET", "/v1/apiKeys", query={"page_size": 1}).ok
    rest = api.call("GET", "/v1/apiKeys", query={"page_token": first["next_page_token"]}).ok
    listed = first["api_keys"] + rest["api_keys"]
    assert made <= {api_key["key_id"] for api_key in listed}
    assert {api_key["key"] for api_key in listed} == {""}


@calls("POST", "/v1/apiKeys/{key_id}:rotate")
def _(api: Api) -> None:
    made = new_key(api)
    rotated = api.call("POST", f"/v1/apiKeys/{made['key_id']}:rotate", {"overlap": "3600s"}).ok
    assert rotated["key"].startswith(f"ord_{made['key_id']}_")
    assert rotated["key"] != made["key"]


@calls("POST", "/v1/apiKeys/{key_id}:revoke")
def _(api: Api) -> None:
    made = new_key(api)
    path = f"/v1/apiKeys/{made['key_id']}"
    assert api.call("POST", f"{path}:revoke", {}).ok["revoker"] == "anonymous"
    assert api.call("POST", f"{path}:rotate", {}).refused(400, "API_KEY_REVOKED") == {"key_id": made["key_id"]}


# Payments that are held.


def held(api: Api, customer_id: str) -> dict[str, Any]:
    """An order whose total a card holds."""
    card = {**CARD, "provider_token": "tok_authorize"}
    assert api.call("PUT", f"/v1/customers/{customer_id}/paymentMethods/pm-1", card).ok
    order = api.create(customer_id, payment_method_id="pm-1")
    assert order["payment_status"] == "PAYMENT_STATUS_AUTHORIZED"
    return order


@calls("POST", "/v1/orders/{order_id}:capturePayment")
def _(api: Api) -> None:
    path = f"/v1/orders/{held(api, 'captured')['order_id']}:capturePayment"
    assert api.call("POST", path, {"amount": usd(5)}).ok["payment"]["paid_amount"]["units"] == "5"
    api.call("POST", path, {"amount": usd(500)}).refused(400, "CAPTURE_EXCEEDS_AUTHORIZATION")


@calls("POST", "/v1/orders/{order_id}:voidPayment")
def _(api: Api) -> None:
    path = f"/v1/orders/{held(api, 'released')['order_id']}:voidPayment"
    released = api.call("POST", path, {"reason": "out of stock"}).ok
    assert (released["status"], released["payment_status"]) == ("ORDER_STATUS_CONFIRMED", "PAYMENT_STATUS_UNPAID")
    api.call("POST", path, {"payment_id": "nope"}).refused(404, "PAYMENT_NOT_FOUND")


@calls("GET", "/v1/orders/{order_id}:explainPrice")
def _(api: Api) -> None:
    order = api.create()
    explained = api.call("GET", f"/v1/orders/{order['order_number']}:explainPrice").ok
    assert explained["pricing"] == order["pricing"]
    assert explained["steps"][0]["rule"] == "unit price × quantity"


# The feed, and what became of orders and requests.

BEGINNING = "1970-01-01T00:00:00Z"


def in_feed(api: Api, customer_id: str) -> dict[str, Any]:
    """An order whose changes, and so all earlier ones, are in the feed. It is that customer's only order."""
    order = api.create(customer_id)
    query = {"filter.customer_id": customer_id, "start_time": BEGINNING}
    through_envoy = Api(api.address)
    wait_until(lambda: len(through_envoy.call("GET", "/v1/orders:changes", query=query).ok["changes"]) == 2)
    return order


def versions(changes: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(change["event"]["order_id"], change["event"]["version"]) for change in changes]


@calls("GET", "/v1/orders:watch")
def _(api: Api) -> None:
    order_id = in_feed(api, "watched")["order_id"]
    query = {"filter.customer_id": "watched", "start_time": BEGINNING, "end_when_caught_up": "true"}
    watched = api.call("GET", "/v1/orders:watch", query=query)
    assert watched.status == 200
    messages = [json.loads(line) for line in watched.text.splitlines()]
    assert versions([change for message in messages for change in message["changes"]]) == [
        (order_id, "1"),
        (order_id, "2"),
    ]
    assert messages[-1]["caught_up"]
    api.call("GET", "/v1/orders:watch", query={"resume_token": "nonsense"}).refused(400, "RESUME_TOKEN_INVALID")


@calls("GET", "/v1/orders:changes")
def _(api: Api) -> None:
    order_id = in_feed(api, "polled")["order_id"]
    query = {"filter.customer_id": "polled", "page_size": 1}
    first = api.call("GET", "/v1/orders:changes", query={**query, "start_time": BEGINNING}).ok
    second = api.call("GET", "/v1/orders:changes", query={**query, "resume_token": first["resume_token"]}).ok
    assert versions(first["changes"] + second["changes"]) == [(order_id, "1"), (order_id, "2")]
    api.call("GET", "/v1/orders:changes", query={"consumer_id": "nope"}).refused(404, "CONSUMER_NOT_FOUND")


@calls("GET", "/v1/orders/{order_id}:wait")
def _(api: Api) -> None:
    path = f"/v1/orders/{api.create()['order_id']}"
    waited = api.call("GET", f"{path}:wait", query={"statuses": "ORDER_STATUS_PENDING"}).ok
    assert (waited["reached"], waited["order"]["status"]) == (True, "ORDER_STATUS_PENDING")
    assert api.call("POST", f"{path}:cancel", {}).ok
    api.call("GET", f"{path}:wait", query={"statuses": "ORDER_STATUS_SHIPPED"}).refused(400, "WAIT_IMPOSSIBLE")


@calls("POST", "/v1/orders:reconcile")
def _(api: Api) -> None:
    """The body is the list of the messages that a gRPC caller would stream."""
    ids = sorted([api.create("copied")["order_id"], api.create("copied")["order_id"]])
    in_feed(api, "settled")
    whole = {"filter": {"customer_id": "copied"}, "orders": [{"order_id": ids[0], "version": "2"}]}
    outdated = {"orders": [{"order_id": ids[1], "version": "1"}]}
    compared = api.call("POST", "/v1/orders:reconcile", [whole, outdated])
    assert compared.status == 200
    messages = [json.loads(line) for line in compared.text.splitlines()]
    assert [difference for message in messages for difference in message["differences"]] == [
        {"order_id": ids[1], "kind": "ORDER_DIFFERENCE_KIND_DIFFERS", "version": "2"}
    ]
    assert (messages[-1]["complete"], messages[-1]["count"]) == (True, "2")
    api.call("POST", "/v1/orders:reconcile", [{"after_order_id": "0"}]).refused(400, "INVALID_ORDER_DATA")
    api.call("POST", "/v1/orders:reconcile", whole).refused(400)


@calls("GET", "/v1/orders/{order_id}:diff")
def _(api: Api) -> None:
    path = f"/v1/orders/{api.create(special_instructions='ring')['order_id']}"
    assert api.call("PATCH", path, {"special_instructions": "knock"}).ok["version"] == "3"
    diff = api.call("GET", f"{path}:diff").ok
    assert (diff["from_version"], diff["to_version"]) == ("2", "3")
    changed = {difference["path"]: difference for difference in diff["differences"]}["special_instructions"]
    assert (changed["old_value"], changed["new_value"]) == ("ring", "knock")
    api.call("GET", f"{path}:diff", query={"to_version": 9}).refused(404, "VERSION_NOT_FOUND")


@calls("GET", "/v1/requests/{request_id}")
def _(api: Api) -> None:
    order = api.create(request_id="asked-for-1")
    found = api.call("GET", "/v1/requests/asked-for-1").ok
    (done,) = found["done"]
    assert (done["method"], done["order_id"]) == ("CreateOrder", order["order_id"])
    assert done["response"]["@type"].endswith("orders.v1.Order")
    assert api.call("GET", "/v1/requests/never-sent").ok["done"] == []


def consumer(api: Api, consumer_id: str) -> str:
    """The path of a new consumer at the end of the feed."""
    in_feed(api, f"before-{consumer_id}")
    path = f"/v1/consumers/{consumer_id}"
    assert api.call("PUT", path, {"event_types": ["ORDER_EVENT_TYPE_PAYMENT"]}).ok["lag_events"] == "0"
    return path


def end_of_feed(api: Api) -> str:
    return str(api.call("GET", "/v1/orders:changes").ok["resume_token"])


@calls("PUT", "/v1/consumers/{consumer.consumer_id}")
def _(api: Api) -> None:
    path = consumer(api, "replaced")
    replaced = api.call("PUT", path, {"filter": {"customer_id": "jane"}}).ok
    assert (replaced["consumer_id"], replaced["event_types"]) == ("replaced", [])
    api.call("PUT", "/v1/consumers/LOUD", {}).refused(400, "INVALID_ORDER_DATA")


@calls("GET", "/v1/consumers/{consumer_id}")
def _(api: Api) -> None:
    assert api.call("GET", consumer(api, "shown")).ok["event_types"] == ["ORDER_EVENT_TYPE_PAYMENT"]
    assert api.call("GET", "/v1/consumers/nope").refused(404, "CONSUMER_NOT_FOUND") == {"consumer_id": "nope"}


@calls("GET", "/v1/consumers")
def _(api: Api) -> None:
    consumer(api, "listed")
    consumer(api, "listed-too")
    listed = api.call("GET", "/v1/consumers").ok["consumers"]
    assert {"listed", "listed-too"} <= {found["consumer_id"] for found in listed}
    first = api.call("GET", "/v1/consumers", query={"page_size": 1}).ok
    second = api.call("GET", "/v1/consumers", query={"page_size": 1, "page_token": first["next_page_token"]}).ok
    assert first["consumers"][0]["consumer_id"] < second["consumers"][0]["consumer_id"]
    api.call("GET", "/v1/consumers", query={"page_token": "nonsense"}).refused(400, "RESUME_TOKEN_INVALID")


@calls("DELETE", "/v1/consumers/{consumer_id}")
def _(api: Api) -> None:
    path = consumer(api, "deleted")
    assert api.call("DELETE", path).ok == {}
    api.call("DELETE", path).refused(404, "CONSUMER_NOT_FOUND")


@calls("POST", "/v1/consumers/{consumer_id}:ack")
def _(api: Api) -> None:
    path = consumer(api, "acknowledging")
    in_feed(api, "acknowledged")
    acked = api.call("POST", f"{path}:ack", {"resume_token": end_of_feed(api)}).ok
    assert (acked["acked_by"], acked["lag_events"]) == ("anonymous", "0")
    api.call("POST", f"{path}:ack", {"resume_token": "nonsense"}).refused(400, "RESUME_TOKEN_INVALID")


@calls("POST", "/v1/consumers/{consumer_id}:seek")
def _(api: Api) -> None:
    path = consumer(api, "seeking")
    in_feed(api, "skipped")
    assert api.call("POST", f"{path}:seek", {"resume_token": end_of_feed(api)}).ok["lag_events"] == "0"
    api.call("POST", f"{path}:seek", {}).refused(400, "INVALID_ORDER_DATA")


@calls("POST", "/v1/customers/{customer_id}:erase")
def _(api: Api) -> None:
    assert api.call("PUT", "/v1/customers/erased", {"name": "Jane Doe"}).ok
    order = api.create("erased")
    path = "/v1/customers/erased:erase"
    api.call("POST", path, {}).refused(400, "CUSTOMER_HAS_OPEN_ORDERS")
    assert api.call("POST", f"/v1/orders/{order['order_id']}:cancel", {}).ok
    erased = api.call("POST", path, {}).ok
    assert (erased["erased_orders"], erased["complete"]) == ("1", True)
    assert api.call("GET", f"/v1/orders/{order['order_id']}").ok["shipping_address"]["street"] == "[erased]"


@calls("GET", "/v1/customers/{customer_id}:export")
def _(api: Api) -> None:
    order = api.create("exported")
    exported = api.call("GET", "/v1/customers/exported:export")
    assert exported.status == 200
    messages = [json.loads(line) for line in exported.text.splitlines()]
    assert messages[-1]["complete"]
    assert order["order_number"] in "".join(message["lines"] for message in messages)
    api.call("GET", "/v1/customers/never-seen:export").refused(404, "CUSTOMER_NOT_FOUND")


# Webhooks, to an address that the server refuses to dial.


def webhook(api: Api, **fields: Any) -> str:
    """The path of a new endpoint, which gets no changes of the orders here."""
    body = {"url": "https://127.0.0.1/", "event_types": ["hold.*"], **fields}
    return f"/v1/webhooks/{api.call('POST', '/v1/webhooks', body).ok['endpoint']['endpoint_id']}"


def failed_delivery(api: Api, endpoint: str) -> str:
    """The path of a test that the endpoint has not got."""
    path = f"{endpoint}/deliveries/{api.call('POST', f'{endpoint}:test', {}).ok['delivery_id']}"
    through_envoy = Api(api.address)
    wait_until(lambda: through_envoy.call("GET", path).ok["state"] == "WEBHOOK_DELIVERY_STATE_FAILED")
    return path


@calls("POST", "/v1/webhooks")
def _(api: Api) -> None:
    body = {"url": "https://example.com/hook", "event_types": ["hold.*"], "headers": [{"name": "X-Shop", "value": "7"}]}
    created = api.call("POST", "/v1/webhooks", body).ok
    assert created["secret"].startswith("whsec_")
    assert created["endpoint"]["headers"] == [{"name": "X-Shop", "value": ""}]
    assert [secret["secret"] for secret in created["endpoint"]["secrets"]] == [""]
    api.call("POST", "/v1/webhooks", {"url": "http://example.com/hook"}).refused(400, "INVALID_ORDER_DATA")


@calls("GET", "/v1/webhooks/{endpoint_id}")
def _(api: Api) -> None:
    found = api.call("GET", webhook(api, description="shop")).ok
    assert (found["description"], found["state"]) == ("shop", "WEBHOOK_ENDPOINT_STATE_ENABLED")
    missing = api.call("GET", "/v1/webhooks/nope")
    assert missing.refused(404, "WEBHOOK_ENDPOINT_NOT_FOUND") == {"endpoint_id": "nope"}


@calls("GET", "/v1/webhooks")
def _(api: Api) -> None:
    made = {webhook(api), webhook(api)}
    listed = api.call("GET", "/v1/webhooks").ok["endpoints"]
    assert made <= {f"/v1/webhooks/{endpoint['endpoint_id']}" for endpoint in listed}
    first = api.call("GET", "/v1/webhooks", query={"page_size": 1}).ok
    second = api.call("GET", "/v1/webhooks", query={"page_size": 1, "page_token": first["next_page_token"]}).ok
    assert first["endpoints"][0]["endpoint_id"] < second["endpoints"][0]["endpoint_id"]


@calls("PATCH", "/v1/webhooks/{endpoint.endpoint_id}")
def _(api: Api) -> None:
    path = webhook(api, description="shop")
    changed = api.call("PATCH", path, {"max_rate": 5}).ok
    assert (changed["max_rate"], changed["description"]) == (5, "shop")
    assert api.call("PATCH", path, {}, {"update_mask": "description"}).ok["description"] == ""


@calls("DELETE", "/v1/webhooks/{endpoint_id}")
def _(api: Api) -> None:
    path = webhook(api)
    assert api.call("DELETE", path).ok == {}
    api.call("DELETE", path).refused(404, "WEBHOOK_ENDPOINT_NOT_FOUND")


@calls("POST", "/v1/webhooks/{endpoint_id}:rotateSecret")
def _(api: Api) -> None:
    rotated = api.call("POST", f"{webhook(api)}:rotateSecret", {}).ok
    assert rotated["secret"].startswith("whsec_")
    assert ["expire_time" in secret for secret in rotated["endpoint"]["secrets"]] == [False, True]


@calls("POST", "/v1/webhooks/{endpoint_id}:disable")
def _(api: Api) -> None:
    path = webhook(api)
    assert api.call("POST", f"{path}:disable", {}).ok["disable_cause"] == "WEBHOOK_DISABLE_CAUSE_REQUESTED"
    api.call("POST", f"{path}:test", {}).refused(400, "WEBHOOK_ENDPOINT_DISABLED")


@calls("POST", "/v1/webhooks/{endpoint_id}:enable")
def _(api: Api) -> None:
    path = webhook(api)
    assert api.call("POST", f"{path}:disable", {}).ok
    assert api.call("POST", f"{path}:enable", {}).ok["state"] == "WEBHOOK_ENDPOINT_STATE_ENABLED"


@calls("POST", "/v1/webhooks/{endpoint_id}:test")
def _(api: Api) -> None:
    failed_delivery(api, webhook(api))
    api.call("POST", "/v1/webhooks/nope:test", {}).refused(404, "WEBHOOK_ENDPOINT_NOT_FOUND")


@calls("GET", "/v1/webhooks/{endpoint_id}/deliveries")
def _(api: Api) -> None:
    path = webhook(api)
    tests = [failed_delivery(api, path) for _ in range(2)]
    query = {"states": "WEBHOOK_DELIVERY_STATE_FAILED", "page_size": 1}
    first = api.call("GET", f"{path}/deliveries", query=query).ok
    second = api.call("GET", f"{path}/deliveries", query={**query, "page_token": first["next_page_token"]}).ok
    listed = [delivery["delivery_id"] for delivery in first["deliveries"] + second["deliveries"]]
    assert [f"{path}/deliveries/{delivery_id}" for delivery_id in listed] == tests[::-1]


@calls("GET", "/v1/webhooks/{endpoint_id}/deliveries/{delivery_id}")
def _(api: Api) -> None:
    path = webhook(api)
    failed = api.call("GET", failed_delivery(api, path)).ok
    assert (failed["event_type"], len(failed["attempts"])) == ("webhook.test", 1)
    api.call("GET", f"{path}/deliveries/nope").refused(404, "WEBHOOK_DELIVERY_NOT_FOUND")


@calls("POST", "/v1/webhooks/{endpoint_id}/deliveries/{delivery_id}:resend")
def _(api: Api) -> None:
    path = webhook(api)
    delivery = failed_delivery(api, path)
    assert api.call("POST", f"{path}:disable", {}).ok
    assert api.call("POST", f"{delivery}:resend", {}).ok["state"] == "WEBHOOK_DELIVERY_STATE_PENDING"
    api.call("POST", f"{path}/deliveries/nope:resend", {}).refused(404, "WEBHOOK_DELIVERY_NOT_FOUND")


@calls("POST", "/v1/webhooks/{endpoint_id}:recover")
def _(api: Api) -> None:
    path = webhook(api)
    failed_delivery(api, path)
    assert api.call("POST", f"{path}:disable", {}).ok
    assert api.call("POST", f"{path}:recover", {"start_time": BEGINNING}).ok == {"delivery_count": "1"}
    api.call("POST", "/v1/webhooks/nope:recover", {}).refused(404, "WEBHOOK_ENDPOINT_NOT_FOUND")


class TestRequests:
    def test_the_example_of_the_document_creates_an_order_once(self, api: Api) -> None:
        price = {"currency_code": "USD", "units": 1}
        products = [{"product_id": name, "name": name, "price": price, "stock": 9} for name in ("A100", "B200")]
        assert api.call("POST", "/v1/products:batchUpsert", {"products": products}).ok
        body, *_ = re.findall(r"curl -X POST http://localhost:8080/v1/orders -d '(.*?)'", DOCUMENT, re.DOTALL)
        first = api.call("POST", "/v1/orders", body)
        again = api.call("POST", "/v1/orders", body)
        assert again.ok == first.ok
        assert again.headers["idempotency-replayed"] == "true"
        other = api.call("POST", "/v1/orders", {**json.loads(body), "customer_id": "joe"})
        assert "customer_id" in other.refused(400, "IDEMPOTENCY_KEY_REUSED")["fields"]
        (change,) = re.findall(r"curl -X PUT http://localhost:8080/v1/orders/\S+ -d '(.*?)'", DOCUMENT, re.DOTALL)
        changed = api.call("PUT", f"/v1/orders/{first.ok['order_number']}", change).ok
        assert changed["shipping_address"]["street"] == "456 Oak Ave"

    def test_the_checkout_of_the_document_goes_from_the_cart_to_the_order(self, api: Api) -> None:
        section = DOCUMENT.partition("### A checkout")[2].partition("###")[0]
        lines = re.findall(
            r"^curl (?:-X (\w+) )?'?http://localhost:8080(\S+?)'?(?: -d '(.*)')?$", section, re.MULTILINE
        )
        assert len(lines) == 4
        cart_id = api.call("GET", "/v1/cart", query={"customer_id": "jane"}).ok["cart_id"]
        added, shown, priced, ordered = [
            api.call(verb or "GET", path, body.replace("…", cart_id) or None).ok for verb, path, body in lines
        ]
        assert shown == added
        assert ordered["pricing"] == priced["pricing"] == shown["pricing"]
        assert api.call("GET", "/v1/cart", query={"customer_id": "jane"}).ok["items"] == []

    def test_an_id_in_the_body_that_differs_from_the_path_is_refused(self, api: Api) -> None:
        one, two = api.create()["order_id"], api.create()["order_id"]
        body = {"order_id": two, "status": "ORDER_STATUS_CANCELLED"}
        api.call("PUT", f"/v1/orders/{one}/status", body).refused(400)
        api.call("PUT", f"/v1/orders/{one}", body).refused(400)
        # In camel case it is overruled.
        body = {"orderId": two, "status": "ORDER_STATUS_CANCELLED"}
        assert api.call("PUT", f"/v1/orders/{one}/status", body).ok["order_id"] == one
        assert api.call("GET", f"/v1/orders/{two}").ok["status"] == "ORDER_STATUS_PENDING"

    @pytest.mark.parametrize("product_id", ["a/b", "x:adjustStock", "50%+1"])
    def test_any_product_id_can_stand_in_a_path_if_it_is_escaped(self, api: Api, product_id: str) -> None:
        product = {"product_id": product_id, "name": "x", "price": {"currency_code": "USD", "units": 1}}
        assert api.call("POST", "/v1/products:batchUpsert", {"products": [product]}).ok
        path = f"/v1/products/{quote(product_id, safe='')}"
        assert api.call("GET", path).ok["product_id"] == product_id
        adjusted = api.call("POST", f"{path}:adjustStock", {"delta": 1, "reason": "found"}).ok
        assert (adjusted["product_id"], adjusted["stock"]) == (product_id, "1")

    @pytest.mark.parametrize(
        "query",
        [
            {"page": 1},
            {"customer_id": "jane"},
            {"filter.create_time_from": "2026-01-01"},
            {"filter.statuses": "ORDER_STATUS_PENDING,ORDER_STATUS_CONFIRMED"},
            {"filter.statuses": "pending"},
            {"page_size": "many"},
        ],
        ids=str,
    )
    def test_a_query_that_means_nothing_is_refused(self, api: Api, query: Query) -> None:
        api.call("GET", "/v1/orders", query=query).refused(400)

    def test_a_body_needs_no_content_type_but_must_be_json_of_the_right_types(self, api: Api) -> None:
        good = {"customer_id": "jane", "items": [{"product_id": "mug", "quantity": 1}], "shipping_address": HOME}
        for headers in ({}, {"content-type": "application/json"}, {"content-type": "text/plain"}):
            assert api.call("POST", "/v1/orders", good, headers=headers).status == 200
        for bad in ("{", '{"customer_id": 5}', '{"customer_id": {}}', '{"items": [5]}'):
            assert api.call("POST", "/v1/orders", bad).refused(400) == {}

    def test_one_object_where_a_list_belongs_is_taken_for_a_list_of_one(self, api: Api) -> None:
        body = {"customer_id": "jane", "items": {"product_id": "mug", "quantity": 1}, "shipping_address": HOME}
        assert len(api.call("POST", "/v1/orders", body).ok["items"]) == 1

    def test_a_field_that_the_message_does_not_have_is_ignored_in_a_body(self, api: Api) -> None:
        address = {"street": "123 Main St", "zip": "10001", "country": "US"}
        order = api.create(shipping_address=address, colour="blue")
        assert order["shipping_address"]["postal_code"] == ""

    def test_a_callers_deadline_limits_the_call(self, api: Api, server: Server) -> None:
        body = {"customer_id": "hasty", "items": [{"product_id": "lamp", "quantity": 1}], "shipping_address": HOME}
        with psycopg.connect(server.url) as blocker:
            blocker.execute("SELECT 1 FROM inventory WHERE product_id = 'lamp' FOR UPDATE")
            late = api.call("POST", "/v1/orders", body, headers={"grpc-timeout": "100m"})
        assert late.status == 504
        assert late.json["code"] == 4
        assert api.call("POST", "/v1/orders", body, headers={"grpc-timeout": "30S"}).ok

    def test_fields_that_break_a_rule_are_named(self, api: Api) -> None:
        refused = api.call("POST", "/v1/orders", {"customer_id": "jane", "items": [{"product_id": "mug"}]})
        refused.refused(400, "INVALID_ORDER_DATA")
        (bad,) = [detail for detail in refused.json["details"] if detail["@type"].endswith("BadRequest")]
        assert [violation["field"] for violation in bad["field_violations"]] == ["items[0].quantity"]

    def test_a_request_that_is_too_large_is_refused(self, api: Api) -> None:
        order = {"external_order_id": "1", "customer": {}, "metadata": {"a": "x" * (5 << 20)}}
        body = {"source": "large", "orders": [order]}
        assert "4,194,304" in api.call("POST", "/v1/orders:batchUpsert", body).text
        api.call("POST", "/v1/orders:batchUpsert", body).refused(400, "INVALID_ORDER_DATA")
        order["metadata"] = {"a": "x" * (17 << 20)}
        api.call("POST", "/v1/orders:batchUpsert", body).refused(429)

    def test_what_there_is_not_is_404(self, api: Api) -> None:
        for verb, path in (("GET", "/v1/nothing"), ("POST", "/v1/orders/1"), ("GET", "/"), ("PATCH", "/v1/orders")):
            response = api.call(verb, path, {} if verb != "GET" else None)
            response.refused(404)
            assert response.json["code"] == 12


class TestAround:
    def test_the_id_of_a_call_is_the_callers_or_a_new_one(self, api: Api) -> None:
        assert api.call("GET", "/v1/orders", headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"
        assert len(api.call("GET", "/v1/orders").headers["x-request-id"]) == 36

    def test_health(self, api: Api) -> None:
        assert api.call("GET", "/healthz").ok == {"status": "SERVING"}

    async def test_grpc_passes_unchanged_with_its_details(self, api: Api) -> None:
        order = api.create()
        async with grpc.aio.insecure_channel(api.address) as channel:
            stub = OrderServiceStub(channel)
            assert (await stub.GetOrder(GetOrderRequest(order_id=order["order_id"]))).etag == order["etag"]
            error = await refused(stub.GetOrder(GetOrderRequest(order_id="nope")))
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")

    def test_browsers_call_by_grpc_web(self, api: Api) -> None:
        """A frame is a byte of flags, four of length and a message; the flag 128 marks the trailers."""
        order = api.create()
        message = GetOrderRequest(order_id=order["order_id"]).SerializeToString()
        headers = {
            "content-type": "application/grpc-web+proto",
            "x-grpc-web": "1",
            "origin": "https://shop.example.com",
        }
        connection = http.client.HTTPConnection(api.address, timeout=60)
        connection.request("POST", "/orders.v1.OrderService/GetOrder", frame(message), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert (answer.status, answer.headers["content-type"]) == (200, "application/grpc-web+proto")
        assert answer.headers["access-control-allow-origin"] == headers["origin"]
        length = int.from_bytes(body[1:5], "big")
        assert Order.FromString(body[5 : 5 + length]).order_id == order["order_id"]
        trailers = body[5 + length :]
        assert trailers[0] == 128
        assert b"grpc-status:0" in trailers

    def test_pages_may_call_only_from_named_origins(self, api: Api) -> None:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
        for origin, allowed in (("https://shop.example.com", "https://shop.example.com"), ("https://evil.com", None)):
            for verb, headers in (("OPTIONS", asked), ("GET", {})):
                answer = api.call(verb, "/v1/orders", headers={"origin": origin, **headers})
                assert answer.headers["access-control-allow-origin"] == allowed

    def test_a_stream_comes_line_by_line(self, api: Api) -> None:
        """The first line can be read while the rest has not been asked for."""
        for _ in range(3):
            api.create("slow")
        address = urlsplit(f"http://{api.address}")
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        connection.request("GET", "/v1/orders:stream?filter.customer_id=slow&page_size=1")
        answer = connection.getresponse()
        assert answer.headers["transfer-encoding"] == "chunked"
        lines = [json.loads(line) for line in answer]
        connection.close()
        assert [len(line["orders"]) for line in lines] == [1, 1, 1]
        assert [line["complete"] for line in lines] == [False, False, True]

    def test_without_a_server_it_is_503_with_a_status(self, folder: Path) -> None:
        with envoy(folder, f"127.0.0.1:{free_port()}") as alone:
            wait_until(lambda: status_of_health(alone) == 503)
            assert alone.call("GET", "/healthz").json == {"status": "NOT_SERVING"}
            response = alone.call("GET", "/v1/orders")
            response.refused(503)
            assert response.json["code"] == 14

    def test_the_configuration_is_valid_as_it_stands(self) -> None:
        command = [ENVOY, "--mode", "validate", "-c", "deploy/envoy.yaml", "--use-dynamic-base-id"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
