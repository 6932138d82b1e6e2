"""The API over HTTP: statuses, headers, streams, limits and stopping."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from server.gateway import exchange
from server.gateway.errors import HttpError
from tests.conftest import Service, serving
from tests.gateway.conftest import Http, gateway
from tests.shop import HOME


def an_order(customer_id: str = "jane", **fields: Any) -> dict[str, Any]:
    order = {"customer_id": customer_id, "items": [{"product_id": "mug", "quantity": 1}], "shipping_address": HOME}
    return {**order, **fields}


async def created(http: Http, customer_id: str = "jane") -> dict[str, Any]:
    answer = await http.call("POST", "/v1/orders", an_order(customer_id))
    assert answer.status == 201, answer.text
    return dict(answer.json)


class TestStatuses:
    async def test_creating_says_where_the_resource_is(self, http: Http) -> None:
        answer = await http.call("POST", "/v1/orders", an_order())
        assert answer.status == 201
        got = await http.call("GET", answer.headers["location"])
        assert got.json["order_id"] == answer.json["order_id"]
        assert got.headers["etag"] == f'"{answer.json["etag"]}"'
        key = await http.call(
            "POST", "/v1/apiKeys", {"owner": "shop", "roles": ["ROLE_ADMIN"], "scopes": ["SCOPE_ORDERS_READ"]}
        )
        assert (key.status, key.headers["location"]) == (201, f"/v1/apiKeys/{key.json['key_id']}")

    async def test_a_dry_run_creates_nothing(self, http: Http) -> None:
        answer = await http.call("POST", "/v1/orders", an_order(validate_only=True))
        assert (answer.status, "location" in answer.headers) == (200, False)

    async def test_conflicts_with_the_state_of_an_order_are_409(self, http: Http) -> None:
        path = f"/v1/orders/{(await created(http))['order_id']}"
        shipped = await http.call("PUT", f"{path}/status", {"status": "ORDER_STATUS_DELIVERED"})
        assert (shipped.status, shipped.reason()) == (409, "INVALID_TRANSITION")
        assert (await http.call("DELETE", path)).status == 200
        again = await http.call("DELETE", path)
        assert (again.status, again.reason()) == (409, "ORDER_ALREADY_CANCELLED")

    async def test_a_customer_with_an_open_order_is_not_erased(self, http: Http) -> None:
        await created(http, "leaver")
        erased = await http.call("POST", "/v1/customers/leaver:erase", {})
        assert (erased.status, erased.reason()) == (409, "CUSTOMER_HAS_OPEN_ORDERS")

    async def test_where_the_shop_does_not_deliver_is_422(self, http: Http) -> None:
        answer = await http.call("POST", "/v1/orders", an_order(delivery_method="drone"))
        assert (answer.status, answer.reason()) == (422, "DELIVERY_NOT_AVAILABLE")

    async def test_a_problem_is_sent_on_request(self, http: Http) -> None:
        headers = {"accept": "application/problem+json"}
        answer = await http.call("POST", "/v1/orders", an_order(colour="blue"), headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == answer.status == 400
        assert answer.json["type"] == "urn:orders.v1:INVALID_ORDER_DATA"
        assert answer.json["errors"][0]["field"] == "colour"

    async def test_paths_and_verbs_that_do_not_exist_are_404_and_405(self, http: Http) -> None:
        assert (await http.call("GET", "/v1/nothing")).status == 404
        answer = await http.call("PATCH", "/v1/orders", {})
        assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")

    async def test_a_caller_over_its_limit_is_told_when_to_retry(self) -> None:
        status = Status(code=code_pb2.RESOURCE_EXHAUSTED)
        status.details.add().Pack(RetryInfo(retry_delay=Duration(nanos=1_000_000)))
        assert HttpError(429, status).headers == [("retry-after", "1")]

    async def test_credentials_reach_the_server(self, new_database: Callable[[], str]) -> None:
        async with serving(new_database(), authentication="required") as closed, gateway(closed) as http:
            for headers, cause in (
                ({}, "missing"),
                ({"authorization": "Bearer ord_a_b"}, ""),
                ({"token": "ord_a_b"}, ""),
            ):
                answer = await http.call("GET", "/v1/orders", headers=headers)
                assert (answer.status, answer.reason()) == (401, "UNAUTHENTICATED")
                assert ("missing" in answer.text) == (cause == "missing")


class TestConditions:
    async def test_if_match_keeps_changes_of_others(self, http: Http) -> None:
        order = await created(http)
        path, change = f"/v1/orders/{order['order_id']}", {"special_instructions": "ring"}
        outdated = await http.call("PATCH", path, change, headers={"if-match": '"0"'})
        assert (outdated.status, outdated.reason()) == (409, "ETAG_MISMATCH")
        changed = await http.call("PATCH", path, change, headers={"if-match": f'"{order["etag"]}"'})
        assert changed.status == 200
        cancelled = await http.call("DELETE", path, headers={"if-match": f'"{order["etag"]}"'})
        assert cancelled.reason() == "ETAG_MISMATCH"
        assert (await http.call("DELETE", path, headers={"if-match": changed.headers["etag"]})).status == 200

    async def test_a_condition_that_cannot_be_checked_is_refused(self, http: Http) -> None:
        answer = await http.call("POST", "/v1/orders", an_order(), headers={"if-match": '"1"'})
        assert answer.fields()["If-Match"].startswith("CreateOrder takes no etag")
        path = f"/v1/orders/{(await created(http))['order_id']}"
        assert "If-Match" in (await http.call("DELETE", path, headers={"if-match": 'W/"1"'})).fields()

    async def test_an_unchanged_order_is_not_sent_again(self, http: Http) -> None:
        order = await created(http)
        path, known = f"/v1/orders/{order['order_id']}", {"if-none-match": f'W/"{order["etag"]}", "0"'}
        answer = await http.call("GET", path, headers=known)
        assert (answer.status, answer.text) == (304, "")
        assert (await http.call("GET", path, headers={"if-none-match": '"0"'})).status == 200

    async def test_an_idempotency_key_makes_a_retry_safe(self, http: Http) -> None:
        headers = {"idempotency-key": '"retry-1"'}
        first = await http.call("POST", "/v1/orders", an_order("retry"), headers=headers)
        again = await http.call("POST", "/v1/orders", an_order("retry"), headers=headers)
        assert (again.status, again.json["order_id"]) == (201, first.json["order_id"])
        assert again.headers["idempotency-replayed"] == "true"
        other = await http.call("POST", "/v1/orders", an_order("retry", request_id="retry-2"), headers=headers)
        assert "differs" in other.fields()["request_id"]


class TestStreams:
    async def test_lines_and_events_carry_the_same_messages(self, http: Http) -> None:
        for _ in range(3):
            await created(http, "streamer")
        path = "/v1/orders:stream?filter.customer_id=streamer&page_size=1"
        lines = await http.call("GET", path)
        assert lines.headers["content-type"] == "application/x-ndjson"
        messages = [json.loads(line) for line in lines.text.splitlines()]
        assert [len(message["orders"]) for message in messages] == [1, 1, 1]
        events = await http.call("GET", path, headers={"accept": "text/event-stream"})
        found = [event.splitlines() for event in events.text.strip().split("\n\n")]
        assert [json.loads(data.removeprefix("data: "))["orders"] for _, data in found] == [
            message["orders"] for message in messages
        ]

    async def test_an_event_source_resumes_after_its_last_event(self, http: Http) -> None:
        for _ in range(3):
            await created(http, "resumer")
        path = "/v1/orders:stream?filter.customer_id=resumer&page_size=1"
        headers = {"accept": "text/event-stream"}
        events = (await http.call("GET", path, headers=headers)).text.strip().split("\n\n")
        last = events[0].splitlines()[0].removeprefix("id: ")
        # The query still has the position of the first connection.
        rest = await http.call("GET", f"{path}&resume_token=", headers=headers | {"last-event-id": last})
        orders = [json.loads(event.partition("data: ")[2])["orders"] for event in events]
        again = [json.loads(event.partition("data: ")[2])["orders"] for event in rest.text.strip().split("\n\n")]
        assert again == orders[1:]

    async def test_a_stream_that_fails_at_once_is_an_ordinary_error(self, http: Http) -> None:
        answer = await http.call("GET", "/v1/orders:stream?resume_token=nonsense")
        assert (answer.status, answer.reason()) == (400, "RESUME_TOKEN_INVALID")

    async def test_compressed_lines_can_be_read_one_by_one(self, http: Http) -> None:
        for _ in range(2):
            await created(http, "squeezer")
        path = "/v1/orders:stream?filter.customer_id=squeezer&page_size=1"
        async with http.session.get(http.url + path, headers={"accept-encoding": "gzip"}) as response:
            assert response.headers["content-encoding"] == "gzip"
            assert len((await response.text()).splitlines()) == 2


class TestAround:
    async def test_large_responses_are_compressed_on_request(self, http: Http) -> None:
        path = f"/v1/orders/{(await created(http))['order_id']}"
        plain = await http.call("GET", path, headers={"accept-encoding": "identity"})
        async with http.session.get(
            http.url + path, headers={"accept-encoding": "gzip"}, auto_decompress=False
        ) as small:
            assert gzip.decompress(await small.read()) == plain.text.encode()

    async def test_the_id_of_a_request_is_the_callers_or_a_new_one(self, http: Http) -> None:
        assert (await http.call("GET", "/v1/orders", headers={"x-request-id": "mine"})).headers[
            "x-request-id"
        ] == "mine"
        assert len((await http.call("GET", "/v1/nothing")).headers["x-request-id"]) == 36

    async def test_headers_that_grpc_does_not_take_do_no_harm(self, http: Http) -> None:
        strange = {"x-request-id": "é", "x-name": "é", "x-raw-bin": "!", "x-a|b": "c", "authorization": "é"}
        answer = await http.call("GET", "/v1/orders", headers=strange)
        assert answer.status == 200
        assert len(answer.headers["x-request-id"]) == 36

    async def test_the_log_has_the_method_and_nothing_from_callers(self, http: Http, caplog: Any) -> None:
        caplog.set_level("INFO", "server.gateway")
        await http.call("GET", "/v1/orders/4012888888881881?page=jane", headers={"x-request-id": "jane@example.com"})
        (line,) = [record for record in caplog.text.splitlines() if "request" in record]
        assert "verb=GET method=OrderService.GetOrder status=400" in line
        assert "jane" not in line
        assert "4012" not in line

    async def test_a_deadline_is_passed_on(self, http: Http) -> None:
        late = await http.call("GET", "/v1/orders", headers={"grpc-timeout": "1n"})
        assert late.status == 504
        assert "grpc-timeout" in (await http.call("GET", "/v1/orders", headers={"grpc-timeout": "soon"})).fields()

    async def test_bodies_have_bounds(self, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exchange, "MAX_BODY", 1000)
        data = orjson.dumps(an_order(special_instructions="x" * 1000))
        assert (await http.call("POST", "/v1/orders", data=data)).status == 413

        async def chunks() -> Any:
            yield data

        assert (await http.call("POST", "/v1/orders", data=chunks())).status == 413
        packed = {"data": b"{}", "headers": {"content-encoding": "br"}}
        assert (await http.call("POST", "/v1/orders", **packed)).status == 415

    async def test_headers_have_bounds(self, http: Http) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(http.url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000)
        assert b"400" in await reader.readline()
        writer.close()

    async def test_pages_of_other_origins_may_not_call_unless_allowed(self, service: Service, http: Http) -> None:
        page = {"origin": "https://shop.example.com"}
        assert (await http.call("POST", "/v1/orders", an_order(), headers=page)).status == 403
        assert (await http.call("GET", "/v1/orders", headers={"origin": http.url})).status == 200
        async with gateway(service, cors_origins=("https://shop.example.com",)) as open_to_page:
            answer = await open_to_page.call("GET", "/v1/orders", headers=page)
            assert answer.headers["access-control-allow-origin"] == page["origin"]
            asked = {**page, "access-control-request-method": "PATCH", "access-control-request-headers": "if-match"}
            assert (await open_to_page.call("OPTIONS", "/v1/orders/1", headers=asked)).status == 200
            assert (await open_to_page.call("GET", "/v1/orders", headers={"origin": "https://evil.com"})).status == 403

    async def test_a_stopping_gateway_says_so_and_ends_streams(self, service: Service) -> None:
        async with gateway(service) as http:
            assert (await http.call("GET", "/healthz")).json == {"status": "SERVING"}
            http.stopping.set()
            assert (await http.call("GET", "/healthz")).status == 503

    async def test_the_description_and_its_page_need_no_other_host(self, http: Http) -> None:
        described = await http.call("GET", "/openapi.json")
        assert json.loads(described.text)["openapi"] == "3.1.0"
        page = await http.call("GET", "/docs")
        assert "https://" not in page.text
        assert "http://" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
