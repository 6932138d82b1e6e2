"""The commands that `orders serve` prints, pasted into a shell as they stand; and what else a person tries with these tools."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help
from google.type.money_pb2 import Money
from orders.v1.cart_service_pb2 import Cart
from orders.v1.invoice_pb2 import Invoice
from orders.v1.order_pb2 import (
    ORDER_STATUS_CONFIRMED,
    ORDER_STATUS_DELIVERED,
    ORDER_STATUS_PENDING,
    ORDER_STATUS_PROCESSING,
    ORDER_STATUS_SHIPPED,
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD,
    PAYMENT_STATUS_PAID,
    TRACKING_STATUS_DELIVERED,
    TRACKING_STATUS_IN_TRANSIT,
    Order,
    Tracking,
)
from orders.v1.order_service_pb2 import ListOrdersResponse, PriceOrderResponse

from tests.conftest import new_order
from tests.e2e.processes import Finished, Server, serving
from tests.e2e.tools import GHZ, GRPCURL, needs_ghz, needs_grpcurl

BUF = Path(sys.executable).with_name("buf")


def paste(command: str) -> Finished:
    """Runs a printed line, with the programs of this environment."""
    runnable = command.strip().replace(".venv/bin/buf", str(BUF))
    if GRPCURL:
        runnable = re.sub(r"(?<![\w/])grpcurl", GRPCURL, runnable)
    done = subprocess.run(["bash", "-c", runnable], capture_output=True, text=True, timeout=60, check=False)
    return Finished(done.returncode, done.stdout, done.stderr)


def answer(command: str, kind: type[Message]) -> Any:
    """What a command prints, as a message: one tool writes its fields in camel case, the other as the proto does."""
    finished = paste(command)
    assert finished.code == 0, finished
    return json_format.Parse(finished.out, kind())


def details_of(finished: Finished) -> dict[str, Any]:
    """The details of an error as `buf curl` prints them: each by its type, but not taken apart."""
    found = {detail["type"]: detail["value"] for detail in json.loads(finished.err)["details"]}
    kinds = {kind.DESCRIPTOR.full_name: kind for kind in (ErrorInfo, BadRequest, Help)}
    return {name: kinds[name].FromString(base64.b64decode(value + "==")) for name, value in found.items()}


def printed(server: Server, tool: str) -> list[tuple[str, str]]:
    """The commands for a tool, in their order, each with its method. How the tool is called is part of each."""
    lines = [line.strip() for line in server.welcome.splitlines()]
    (function,) = (line for line in lines if line.startswith(f"call() {{ {tool} "))
    return [(line.split()[1], f"{function}\n{line}") for line in lines if line.startswith("call ")]


def command(server: Server, tool: str, method: str) -> str:
    """The first command that calls a method."""
    return dict(reversed(printed(server, tool)))[method]


@pytest.fixture(scope="module", params=[pytest.param("grpcurl", marks=needs_grpcurl), ".venv/bin/buf curl"])
def tool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def fresh(server: Server, tool: str) -> Iterator[Server]:
    """A server started for the tool, on a database that has orders already: what it prints is about the next one."""
    with server.stubs() as (orders, _):
        orders.CreateOrder(new_order("joe"))
    with serving(server.data_dir) as fresh:
        yield fresh


# What the printed commands answer, in their order.
TOUR: list[tuple[str, type[Message]]] = [
    ("CartService/AddCartItem", Cart),
    ("CartService/AddCartItem", Cart),
    ("OrderService/PriceOrder", PriceOrderResponse),
    ("OrderService/CreateOrder", Order),
    ("OrderService/RecordPayment", Order),
    ("OrderService/GetInvoice", Invoice),
    ("OrderService/TransitionOrder", Order),
    ("OrderService/TransitionOrder", Order),
    ("OrderService/RecordTrackingEvent", Tracking),
    ("OrderService/TrackOrder", Tracking),
    ("OrderService/RecordTrackingEvent", Tracking),
    ("OrderService/GetOrder", Order),
    ("OrderService/ListOrders", ListOrdersResponse),
]


def test_the_printed_commands_take_an_order_from_the_cart_to_the_door(fresh: Server, tool: str) -> None:
    commands = printed(fresh, tool)
    assert [method for method, _ in commands] == [method for method, _ in TOUR]
    answers: list[Any] = [answer(line, kind) for (_, line), (_, kind) in zip(commands, TOUR, strict=True)]
    mug, cart, priced, created, paid, invoice, packed, shipped, moving, tracked, arrived, delivered, listed = answers
    assert [item.product_id for item in mug.items] == ["mug"]
    assert [item.product_id for item in cart.items] == ["mug", "sofa"]
    # 2 × 12.50 + 1,250 − 20, 100 to install the sofa, and 8.88 % of 24.61, 1,230.39 and 100
    assert priced.pricing.total == Money(currency_code="USD", units=1475, nanos=330_000_000)
    assert created.pricing == priced.pricing
    assert created.status == ORDER_STATUS_PENDING
    assert created.payment_intent.status == PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD
    assert (paid.status, paid.payment_status) == (ORDER_STATUS_CONFIRMED, PAYMENT_STATUS_PAID)
    assert invoice.invoice_number == paid.invoice_number
    assert (packed.status, shipped.status) == (ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED)
    assert moving.status == TRACKING_STATUS_IN_TRANSIT
    assert tracked == moving
    assert arrived.status == TRACKING_STATUS_DELIVERED
    assert (delivered.order_id, delivered.status) == (created.order_id, ORDER_STATUS_DELIVERED)
    assert listed.orders[0] == delivered
    assert listed.complete


def test_an_error_is_printed_with_its_details(fresh: Server, tool: str) -> None:
    get = command(fresh, tool, "OrderService/GetOrder")
    missing = paste(re.sub(r"ORD-\d+-\d+", "ORD-2026-999999", get))
    assert missing.code != 0
    assert "there is no order 'ORD-2026-999999'" in missing.err
    if tool == "grpcurl":
        assert '"reason": "ORDER_NOT_FOUND"' in missing.err
    else:
        assert details_of(missing)["google.rpc.ErrorInfo"].reason == "ORDER_NOT_FOUND"


def test_a_field_that_is_misspelt_is_refused_by_the_tool(fresh: Server, tool: str) -> None:
    create = command(fresh, tool, "OrderService/CreateOrder")
    refused = paste(create.replace("customer_id", "costumer_id"))
    assert refused.code != 0
    assert "costumer_id" in refused.err


class TestGrpcurl:
    pytestmark = needs_grpcurl

    def test_the_printed_list_names_every_service(self, server: Server) -> None:
        line = next(line for line in server.welcome.splitlines() if line.endswith(" list"))
        listed = paste(line.partition(": ")[2])
        assert listed.code == 0
        assert listed.out.splitlines() == [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
            "orders.v1.ApiKeyService",
            "orders.v1.AuditService",
            "orders.v1.CartService",
            "orders.v1.CatalogService",
            "orders.v1.ConsumerService",
            "orders.v1.CustomerService",
            "orders.v1.FulfilmentService",
            "orders.v1.OrderService",
            "orders.v1.ServerService",
            "orders.v1.WebhookService",
        ]

    def test_methods_and_messages_can_be_described_with_their_options(self, server: Server) -> None:
        describe = f"grpcurl -plaintext {server.address} describe"
        service = paste(f"{describe} orders.v1.OrderService")
        assert service.code == 0
        assert "rpc ListOrders ( .orders.v1.ListOrdersRequest ) returns ( stream .orders.v1.ListOrdersResponse )" in (
            service.out
        )
        assert "/v1/orders/{order_id}/status" in service.out
        for name in (
            "orders.v1.Order",
            "orders.v1.CreateOrderRequest",
            "google.rpc.ErrorInfo",
            "google.rpc.BadRequest",
        ):
            assert f"{name} is a message" in paste(f"{describe} {name}").out

    def test_a_method_of_every_service_can_be_described(self, server: Server) -> None:
        grpcurl = f"grpcurl -plaintext {server.address}"
        methods = paste(f"for service in $({grpcurl} list); do {grpcurl} list $service | tail -1; done").out.split()
        assert len(methods) == 13
        described = paste(f"for method in {' '.join(methods)}; do {grpcurl} describe $method; done")
        assert described.err == ""
        assert re.findall(r"^(\S+) is a method:$", described.out, re.MULTILINE) == methods

    def test_reflection_v1alpha_finds_a_method(self, server: Server) -> None:
        request = """-d '{"file_containing_symbol":"orders.v1.OrderService.CreateOrder"}'"""
        method = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        answered = json.loads(paste(f"grpcurl -plaintext {request} {server.address} {method}").out)
        assert answered["file_descriptor_response"]["file_descriptor_proto"]

    def test_every_detail_of_an_error_is_decoded(self, server: Server) -> None:
        create = f"grpcurl -plaintext -d '{{}}' {server.address} orders.v1.OrderService/CreateOrder"
        refused = paste(create).err
        assert "Code: InvalidArgument" in refused
        for text in ("google.rpc.ErrorInfo", "INVALID_ORDER_DATA", "google.rpc.BadRequest", '"field": "customer_id"'):
            assert text in refused
        assert "error decoding" not in refused.lower()

    def test_health_can_be_asked(self, server: Server) -> None:
        check = paste(f"grpcurl -plaintext {server.address} grpc.health.v1.Health/Check")
        assert json.loads(check.out) == {"status": "SERVING"}

    def test_health_can_be_listed(self, server: Server) -> None:
        listed = paste(f"grpcurl -plaintext {server.address} grpc.health.v1.Health/List")
        assert json.loads(listed.out)["statuses"]["orders.v1.OrderService"] == {"status": "SERVING"}


@needs_ghz
def test_ghz_calls_a_method_that_it_found_by_reflection(server: Server) -> None:
    request = """--call orders.v1.CatalogService.GetProduct -d '{"product_id":"mug"}'"""
    report = json.loads(paste(f"{GHZ} --insecure -n 5 -c 1 -O json {request} {server.address}").out)
    assert report["statusCodeDistribution"] == {"OK": 5}


class TestBufCurl:
    @pytest.mark.parametrize("version", ["grpc-v1", "grpc-v1alpha"])
    def test_both_versions_of_reflection_find_every_service(self, server: Server, version: str) -> None:
        curl = f".venv/bin/buf curl --protocol grpc --http2-prior-knowledge --reflect-protocol {version}"
        listed = paste(f"{curl} http://{server.address}/grpc.health.v1.Health/List -d '{{}}'")
        assert json.loads(listed.out)["statuses"]["orders.v1.OrderService"] == {"status": "SERVING"}
        product = paste(
            f"""{curl} -d '{{"product_id":"mug"}}' http://{server.address}/orders.v1.CatalogService/GetProduct"""
        )
        assert json.loads(product.out)["productId"] == "mug"

    def test_methods_can_be_listed(self, server: Server) -> None:
        curl = ".venv/bin/buf curl --protocol grpc --http2-prior-knowledge"
        listed = paste(f"{curl} --list-methods http://{server.address}")
        assert listed.code == 0
        assert "orders.v1.OrderService/CreateOrder" in listed.out.splitlines()

    @pytest.mark.parametrize("method", ["OrderService/GetOrder", "CatalogService/GetProduct"])
    def test_an_empty_request_is_refused_with_its_fields(self, server: Server, method: str) -> None:
        curl = ".venv/bin/buf curl --protocol grpc --http2-prior-knowledge -d '{}'"
        refused = paste(f"{curl} http://{server.address}/orders.v1.{method}")
        assert json.loads(refused.err)["code"] == "invalid_argument"
        details = details_of(refused)
        assert details["google.rpc.ErrorInfo"].reason == "INVALID_ORDER_DATA"
        assert details["google.rpc.BadRequest"].field_violations


def test_without_reflection_the_methods_are_not_told(server: Server) -> None:
    with serving(server.data_dir, "--no-reflection") as silent:
        curl = ".venv/bin/buf curl --protocol grpc --http2-prior-knowledge"
        refused = paste(f"{curl} http://{silent.address}/orders.v1.OrderService/GetOrder")
    assert refused.code != 0
    assert 'failed to find service named "orders.v1.OrderService"' in refused.err
