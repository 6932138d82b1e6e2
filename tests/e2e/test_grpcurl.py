"""The commands that `orders serve` prints, pasted into a shell as they stand; and what else a person tries with these tools."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.type.money_pb2 import Money
from orders.v1.order_pb2 import ORDER_STATUS_CANCELLED, TRACKING_STATUS_ORDER_PLACED, Order, Tracking
from orders.v1.order_service_pb2 import ListOrdersResponse

from tests.conftest import new_order
from tests.e2e.processes import Finished, Server, serving

BUF = Path(sys.executable).with_name("buf")


def find_grpcurl() -> str | None:
    """On the path, or where `go install` puts it."""
    gopath = ""
    if go := shutil.which("go"):
        gopath = subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, check=False).stdout.strip()
    places = [str(Path(place) / "bin") for place in (Path.home() / "go", gopath) if place]
    return shutil.which("grpcurl", path=os.pathsep.join([os.environ.get("PATH", ""), *places]))


GRPCURL = find_grpcurl()
needs_grpcurl = pytest.mark.skipif(GRPCURL is None, reason="there is no grpcurl")


def paste(command: str) -> Finished:
    """Runs a printed line, with the programs of this environment."""
    runnable = command.strip().replace(".venv/bin/buf", str(BUF))
    if GRPCURL:
        runnable = re.sub(r"^grpcurl", GRPCURL, runnable)
    done = subprocess.run(["bash", "-c", runnable], capture_output=True, text=True, timeout=30, check=False)
    return Finished(done.returncode, done.stdout, done.stderr)


def answer(command: str, kind: type[Message]) -> Any:
    """What a command prints, as a message: one tool writes its fields in camel case, the other as the proto does."""
    finished = paste(command)
    assert finished.code == 0, finished
    return json_format.Parse(finished.out, kind())


def details_of(finished: Finished) -> dict[str, Any]:
    """The details of an error as `buf curl` prints them: each by its type, but not taken apart."""
    found = {detail["type"]: detail["value"] for detail in json.loads(finished.err)["details"]}
    kinds = {kind.DESCRIPTOR.full_name: kind for kind in (ErrorInfo, BadRequest)}
    return {name: kinds[name].FromString(base64.b64decode(value + "==")) for name, value in found.items()}


def printed(server: Server, tool: str) -> dict[str, str]:
    """The commands for a tool, by their method."""
    lines = [line for line in server.welcome.splitlines() if line.startswith(f"  {tool} ")]
    return {line.rsplit("/", 1)[-1] if "/orders.v1" in line or " orders.v1" in line else "list": line for line in lines}


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


def test_every_printed_command_does_what_it_says_in_the_order_in_which_they_stand(fresh: Server, tool: str) -> None:
    commands = printed(fresh, tool)
    assert list(commands)[-5:] == ["CreateOrder", "GetOrder", "ListOrders", "TrackOrder", "CancelOrder"]
    created = answer(commands["CreateOrder"], Order)
    # 2 × 12.50 + 1,250 + 100 to install the sofa
    assert created.pricing.total == Money(currency_code="USD", units=1375)
    assert created.order_number in commands["GetOrder"]
    assert answer(commands["GetOrder"], Order) == created
    page = answer(commands["ListOrders"], ListOrdersResponse)
    assert page.orders[0] == created
    assert page.complete
    story = answer(commands["TrackOrder"], Tracking)
    assert [event.status for event in story.events] == [TRACKING_STATUS_ORDER_PLACED]
    cancelled = answer(commands["CancelOrder"], Order)
    assert cancelled.status == ORDER_STATUS_CANCELLED
    assert cancelled.cancellation.reason == "changed my mind"


def test_an_error_is_printed_with_its_details(fresh: Server, tool: str) -> None:
    cancel = printed(fresh, tool)["CancelOrder"]
    missing = paste(re.sub(r"ORD-\d+-\d+", "ORD-2026-999999", cancel))
    assert missing.code != 0
    assert "there is no order 'ORD-2026-999999'" in missing.err
    if tool == "grpcurl":
        assert '"reason": "ORDER_NOT_FOUND"' in missing.err
    else:
        assert details_of(missing)["google.rpc.ErrorInfo"].reason == "ORDER_NOT_FOUND"


def test_a_field_that_is_misspelt_is_refused_by_the_tool(fresh: Server, tool: str) -> None:
    create = printed(fresh, tool)["CreateOrder"]
    refused = paste(create.replace("customer_id", "costumer_id"))
    assert refused.code != 0
    assert "costumer_id" in refused.err


class TestGrpcurl:
    pytestmark = needs_grpcurl

    def test_the_printed_list_names_every_service(self, server: Server) -> None:
        listed = paste(printed(server, "grpcurl")["list"])
        assert listed.code == 0
        assert listed.out.splitlines() == [
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
            "orders.v1.CatalogService",
            "orders.v1.OrderService",
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


class TestBufCurl:
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
