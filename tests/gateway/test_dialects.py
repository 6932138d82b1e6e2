"""The dialects of published order APIs, called by the code samples of their documents with another base address."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Service, serving, stock_shop
from tests.gateway.conftest import Http, gateway
from tests.shop import HOME

# The samples as the documents print them, with @ADDRESS@ for theirs, and the ids of carts and keys that this server has.
SAMPLES = Path(__file__).with_name("dialect_samples")
CURL, NODE = shutil.which("curl"), shutil.which("node")
needs_curl = pytest.mark.skipif(CURL is None, reason="curl is not installed")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


@pytest.fixture(scope="module")
async def served(new_database: Callable[[], str]) -> AsyncIterator[tuple[Service, Http]]:
    async with serving(new_database(), payment_provider="test") as service:
        await stock_shop(service)
        async with gateway(service, dialects=("000", "001", "002", "003")) as http:
            ids = ("A100", "B200", "PROD001", "PROD004", "p001")
            price = {"currency_code": "USD", "units": 10}
            products = [{"product_id": name, "name": name, "price": price, "stock": 1000} for name in ids]
            assert (await http.call("POST", "/v1/products:batchUpsert", {"products": products})).status == 200
            yield service, http


@pytest.fixture
def http(served: tuple[Service, Http]) -> Http:
    return served[1]


async def run(http: Http, name: str, below: str, **replaced: str) -> str:
    """What a sample prints, run with the tool of its language."""
    text = (SAMPLES / name).read_text().replace("@ADDRESS@", f"{http.url}{below}")
    for old, new in replaced.items():
        text = text.replace(old, new)
    tools = {".sh": ["bash", "-c"], ".py": [sys.executable, "-c"], ".js": [NODE, "-e"]}
    process = await asyncio.create_subprocess_exec(
        *map(str, tools[Path(name).suffix]),
        text,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SAMPLES / "libraries"), "NODE_PATH": str(SAMPLES / "libraries")},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


class TestDocument000:
    async def test_its_python_sample_creates_an_order(self, http: Http) -> None:
        order = json.loads((await run(http, "000.py", "")).replace("'", '"'))
        assert set(order) == {"order_id", "status", "created_at"}
        assert order["status"] == "pending"

    @needs_node
    async def test_its_node_sample_creates_an_order(self, http: Http) -> None:
        printed = await run(http, "000.js", "/000")
        assert re.search(r"status: 'pending'", printed), printed

    async def test_an_order_goes_from_creation_to_cancellation(self, http: Http) -> None:
        address = {"street": "1 Main St", "city": "New York", "state": "NY", "zip": "10001", "country": "US"}
        body = {
            "customer_id": "d000",
            "items": [{"product_id": "A100", "quantity": 2}],
            "shipping_address": address,
            "payment_method": "paypal",
        }
        made = await http.call("POST", "/orders", body)
        assert made.status == 201
        path = f"/orders/{made.json['order_id']}"
        order = (await http.call("GET", path)).json
        assert order["items"] == [{"product_id": "A100", "quantity": 2, "price": 10}]
        assert (order["shipping_address"], order["payment_method"]) == (address, "paypal")
        changed = await http.call("PUT", path, {"shipping_address": {**address, "street": "2 Main St"}})
        assert (changed.status, set(changed.json)) == (200, {"order_id", "status", "updated_at"})
        assert (await http.call("DELETE", path)).json["status"] == "cancelled"
        listed = (await http.call("GET", "/orders?customer_id=d000&status=cancelled&page=1&limit=5")).json
        assert [each["order_id"] for each in listed] == [made.json["order_id"]]
        assert (await http.call("GET", "/orders?customer_id=d000&page=2&limit=5")).json == []

    async def test_errors_have_its_form(self, http: Http) -> None:
        missing = await http.call("GET", "/orders/nope")
        assert (missing.status, missing.json["error"]["code"]) == (404, "order_not_found")
        answer = await http.call("POST", "/orders", {"customer_id": "x", "payment_details": {"card": "4"}})
        assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_parameter")
        assert "payment_details" in answer.json["error"]["message"]
        assert (await http.call("GET", "/orders?page=0")).status == 400
        assert (await http.call("GET", "/orders?colour=blue")).status == 400


class TestDocument001:
    @needs_curl
    async def test_its_curl_sample_orders_a_cart(self, http: Http) -> None:
        line = {"customer_id": "user789", "product_id": "p001", "quantity": 2}
        cart = (await http.call("POST", "/v1/cart/items", line)).json
        order = json.loads(await run(http, "001.sh", "", abc123=cart["cart_id"]))
        assert order == {
            "order_id": order["order_id"],
            "status": "pending",
            "message": "Order received and pending payment.",
        }
        path = f"/api/orders/{order['order_id']}"
        got = (await http.call("GET", path)).json
        assert (got["payment_status"], got["shipping_status"], got["user_id"]) == ("unpaid", "not_shipped", "user789")
        assert got["items"] == [{"product_id": "p001", "name": "p001", "quantity": 2, "price": 10}]
        listed = (await http.call("GET", "/api/orders?user_id=user789&status=pending")).json
        assert [each["order_id"] for each in listed] == [order["order_id"]]
        refused = await http.call("PUT", f"{path}/status", {"status": "shipped"})
        assert refused.status == 409
        cancelled = await http.call("DELETE", path)
        assert cancelled.json == {"message": f"Order {order['order_id']} cancelled successfully."}
        assert (await http.call("DELETE", path)).status == 409


class TestDocument002:
    @needs_curl
    async def test_its_curl_samples_work_in_their_order(self, http: Http) -> None:
        order = json.loads(await run(http, "002-create.sh", "/002"))
        assert (order["customerId"], order["status"], order["currency"]) == ("CUST98765", "pending", "USD")
        assert [line["price"] for line in order["items"]] == [10, 10]
        number = order["orderId"]
        got = json.loads(await run(http, "002-get.sh", "/002", ORD123456789=number))
        assert got["shippingAddress"]["zipCode"] == "90210"
        refused = json.loads(await run(http, "002-update.sh", "/002", ORD123456789=number))
        # The order is not paid, so it cannot be shipped.
        assert refused["error"]["code"] == "BAD_REQUEST"
        listed = json.loads(await run(http, "002-list.sh", "/002", processing="pending"))
        assert listed["pagination"]["limit"] == 10
        assert number in [each["orderId"] for each in listed["data"]]
        assert (await run(http, "002-cancel.sh", "/002", ORD123456789=number)) == ""

    async def test_pages_have_offsets(self, http: Http) -> None:
        for _ in range(3):
            body = {"customerId": "pager", "items": [{"productId": "A100", "quantity": 1}], "shippingAddress": {}}
            body["shippingAddress"] = {"street": "1", "state": "NY", "zipCode": "10001", "country": "US"}
            assert (await http.call("POST", "/002/v1/orders", body)).status == 201
        page = (await http.call("GET", "/002/v1/orders?limit=1&offset=1&sortBy=createdAt&sortOrder=asc")).json
        pages = page["pagination"]
        assert (pages["offset"], pages["nextOffset"], pages["prevOffset"]) == (1, 2, 0)
        missing = await http.call("GET", "/002/v1/orders/nope")
        assert (missing.status, missing.json["error"]["code"]) == (404, "NOT_FOUND")
        assert "sortBy" in (await http.call("GET", "/002/v1/orders?sortBy=size")).json["error"]["message"]


class TestDocument004:
    @needs_curl
    async def test_its_curl_sample_gets_its_answer_word_for_word(self, http: Http) -> None:
        answers = [json.loads(await run(http, "004.sh", "")) for _ in range(2)]
        says = "{} new records inserted. 0 existing records updated. Same value or invalid data skipped {}"
        assert answers == [
            {"message": says.format(1, 0), "skipped": 0, "inserted": 1, "updated": 0},
            {"message": says.format(0, 1), "skipped": 1, "inserted": 0, "updated": 0},
        ]

    async def test_its_python_and_node_samples_send_the_same(self, http: Http) -> None:
        for name in ("004.py", *(["004.js"] if NODE else [])):
            answer = json.loads(await run(http, name, "", HOST=http.url.removeprefix("http://")))
            assert set(answer) == {"message", "skipped", "inserted", "updated"}

    @pytest.mark.parametrize(
        ("body", "path"),
        [
            (
                {"data": [{"order_id": "1", "products": [{"product_sku_id": "a", "qty": "x"}]}]},
                "data[0].products[0].qty",
            ),
            ({"data": [{"order_id": "1", "products": [], "total_amount": "1,5"}]}, "data[0].total_amount"),
            ({"data": [{"order_id": "1", "colour": "blue"}]}, "data[0].colour"),
            ({"data": []}, "data"),
            ({}, "data"),
        ],
    )
    async def test_a_bad_request_names_the_path(self, http: Http, body: Any, path: str) -> None:
        answer = await http.call("POST", "/api/integration/orders", body)
        assert (answer.status, answer.json["path"], set(answer.json)) == (400, path, {"path", "error"})

    async def test_its_token_is_a_credential(self, new_database: Callable[[], str]) -> None:
        async with serving(new_database(), authentication="required") as closed, gateway(closed) as http:
            answer = await http.call("POST", "/api/integration/orders", {"data": []}, headers={"token": "nope"})
            assert (answer.status, set(answer.json)) == (401, {"error"})


class TestDocument003:
    async def test_a_customer_goes_from_the_cart_to_tracking(self, new_database: Callable[[], str]) -> None:
        async with serving(new_database(), payment_provider="test") as opened, gateway(opened) as first:
            await stock_shop(opened)
            await stock_for_003(first)
            key = (await first.call("POST", "/v1/apiKeys", KEY_003)).json["key"]
            settings = {"authentication": "required", "payment_provider": "test"}
            async with serving(opened.url, **settings) as closed, gateway(closed, dialects=("003",)) as http:
                await follow_003(http, key)


SOFA, LAMP = "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440001"
KEY_003 = {
    "owner": "Ahmed",
    "roles": ["ROLE_CUSTOMER"],
    "scopes": ["SCOPE_ORDERS_READ", "SCOPE_ORDERS_WRITE", "SCOPE_CARTS_READ", "SCOPE_CARTS_WRITE"],
    "customer_id": "user-001",
}


async def stock_for_003(http: Http) -> None:
    """What the samples of 003 name: products, a coupon, and a customer with an address, a card and points."""
    usd = {"currency_code": "USD", "units": 100}
    variant = {"variant_id": "var-001", "name": "Blue", "attributes": {"color": "Blue"}, "stock": 9}
    products = [
        {"product_id": SOFA, "name": "Sofa", "price": usd, "variants": [variant]},
        {"product_id": LAMP, "name": "Lamp", "price": usd, "stock": 9},
    ]
    coupon = {"code": "WELCOME10", "type": "COUPON_TYPE_PERCENTAGE", "basis_points": 1000}
    card = {"type": "PAYMENT_METHOD_CREDIT_CARD", "brand": "visa", "provider_token": "tok_visa"}
    customer = "/v1/customers/user-001"
    for verb, path, body in (
        ("POST", "/v1/products:batchUpsert", {"products": products}),
        ("POST", "/v1/coupons:batchUpsert", {"coupons": [coupon]}),
        ("PUT", f"{customer}/addresses/addr-001", HOME),
        ("PUT", f"{customer}/paymentMethods/pm-001", card),
        ("POST", f"{customer}/points:adjust", {"delta": 500, "reason": "gift"}),
    ):
        answer = await http.call(verb, path, body)
        assert answer.status == 200, answer.text


async def follow_003(http: Http, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"}
    added = json.loads(await run(http, "003-cart.sh", "/003", YOUR_API_KEY=key))
    assert added["success"], added
    cart = added["data"]["cart"]
    assert (cart["totalItems"], cart["items"][0]["variant"]) == (1, {"name": "Blue", "color": "Blue"})
    item = f"/003/v1/cart/items/{cart['items'][0]['id']}"
    changed = await http.call("PUT", item, {"quantity": 2}, headers=headers)
    assert changed.json["data"]["cart"]["totalItems"] == 2
    emptied = await http.call("DELETE", item, headers=headers)
    assert emptied.json["data"]["cart"]["items"] == []
    made = json.loads(await run(http, "003-create.sh", "/003", YOUR_API_KEY=key, **{"2025-01-20": "2099-01-20"}))
    assert set(made) == {"success", "data", "timestamp", "requestId"}
    order = made["data"]["order"]
    assert (order["status"], order["pricing"]["loyaltyPointsUsed"]) == ("confirmed", 500)
    assert order["pricing"]["appliedCoupons"] == [{"code": "WELCOME10", "discount": 30, "type": "percentage"}]
    assert made["data"]["paymentIntent"]["status"] == "succeeded"
    path = f"/003/v1/orders/{order['orderNumber']}"
    sample = {"YOUR_API_KEY": key, "ord-123456": order["id"]}
    assert json.loads(await run(http, "003-get.sh", "/003", **sample))["data"]["order"]["id"] == order["id"]
    assert (await http.call("GET", path, headers=headers)).json["data"]["order"]["id"] == order["id"]
    tracking = (await http.call("GET", f"{path}/tracking", headers=headers)).json["data"]["tracking"]
    assert (tracking["orderId"], tracking["status"]) == (order["id"], "order_confirmed")
    listed = await http.call("GET", "/003/v1/orders?page=1&limit=5&sortBy=totalAmount", headers=headers)
    assert [each["id"] for each in listed.json["data"]["orders"]] == [order["id"]]
    missing = await http.call("GET", "/003/v1/orders/nope", headers=headers)
    assert (missing.status, missing.json["error"]["code"]) == (404, "ORDER_NOT_FOUND")
    assert (await http.call("GET", "/003/v1/cart")).status == 401


async def test_dialects_are_served_only_if_chosen(service: Service) -> None:
    async with gateway(service) as http:
        for path in ("/orders", "/api/orders", "/002/v1/orders", "/003/v1/cart"):
            assert (await http.call("GET", path)).status == 404
        assert (await http.call("GET", "/api/integration/orders")).status == 405
