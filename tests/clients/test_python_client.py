"""The Python client, from its wheel in an environment without the server."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import run
from tests.clients.proxy import breaking
from tests.conftest import Service
from tests.e2e.processes import ROOT, free_port
from tests.shop import new_order

CALLS = Path(__file__).with_name("calls.py")


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def call(python: Path, kind: str, address: str, case: str) -> Any:
    return json.loads(await asyncio.to_thread(run, python, CALLS, kind, address, case))


@pytest.fixture(scope="module")
async def orders(service: Service) -> list[str]:
    """The ids of all orders, newest first."""
    return [(await service.orders.CreateOrder(new_order())).order_id for _ in range(60)][::-1]


def test_the_client_brings_nothing_of_the_server(client_python: Path) -> None:
    shown = "import importlib.metadata as m; print(*m.requires('order-service-client'), sep='\\n')"
    required = {re.split("[<>=]", line)[0] for line in run(client_python, "-c", shown).splitlines()}
    assert required == {"grpcio", "protobuf", "googleapis-common-protos"}


def test_the_client_has_every_service(client_python: Path) -> None:
    shown = (
        "from order_service_client import Client, services; c = Client('x');"
        "print(len(services.SERVICES) - sum(type(a).__name__ == 'Methods' for a in vars(c).values()))"
    )
    assert run(client_python, "-c", shown) == "0\n"


async def test_a_write_gets_an_id_of_its_own(client_python: Path, kind: str, service: Service) -> None:
    assert await call(client_python, kind, service.address, "create") == {"orders": 2, "request_id": ""}
    assert await call(client_python, kind, service.address, "batch") == 2


async def test_a_refusal_is_an_exception_with_its_details(client_python: Path, kind: str, service: Service) -> None:
    error = await call(client_python, kind, service.address, "refused")
    assert error["code"] == "FAILED_PRECONDITION"
    assert (error["reason"], error["metadata"]["product_id"]) == ("PRODUCT_NOT_FOUND", "nothing")
    assert error["has_request_id"]
    assert error["links"][0][1] == "docs/errors.md#product_not_found"


async def test_a_call_that_reaches_no_server_has_no_reason(client_python: Path, kind: str) -> None:
    error = await call(client_python, kind, f"127.0.0.1:{free_port()}", "unreachable")
    assert error["code"] in ("UNAVAILABLE", "DEADLINE_EXCEEDED")
    assert (error["reason"], error["metadata"], error["has_request_id"]) == ("", {}, False)


async def test_a_list_that_breaks_loses_and_repeats_nothing(
    client_python: Path, kind: str, service: Service, orders: list[str]
) -> None:
    async with breaking(service.address, after=9_000, times=3) as address:
        listed = await call(client_python, kind, address, "list")
    assert [each for each in listed if each in set(orders)] == orders
    assert len(set(listed)) == len(listed)


async def test_a_watch_that_breaks_loses_and_repeats_nothing(
    client_python: Path, kind: str, service: Service, orders: list[str]
) -> None:
    async with breaking(service.address, after=9_000, times=3) as address:
        positions = await call(client_python, kind, address, "watch")
    assert positions == list(range(1, len(positions) + 1))
    assert len(positions) >= len(orders)


async def test_streams_are_open_as_they_are_too(
    client_python: Path, kind: str, service: Service, orders: list[str]
) -> None:
    assert await call(client_python, kind, service.address, "raw") == 3


@pytest.fixture(scope="module")
def typed_python(client_python: Path) -> Path:
    """The same environment with the types of protobuf, which its own package does not have."""
    pip = (client_python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    run(*pip, "--constraint", ROOT / "constraints.txt", "types-protobuf")
    return client_python


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("order: Order = client.orders.GetOrder(GetOrderRequest())", ""),
        ("order: str = client.orders.GetOrder(GetOrderRequest())", "assignment"),
        ("client.orders.GetOrder(Order())", "arg-type"),
        ("client.orders.Nothing", "attr-defined"),
        ("number: int = next(iter(client.list_orders(ListOrdersRequest())))", "assignment"),
    ],
)
def test_type_checkers_know_the_methods(typed_python: Path, tmp_path: Path, line: str, error: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from order_service_client import Client\n"
        "from orders.v1.order_pb2 import Order\n"
        "from orders.v1.order_service_pb2 import GetOrderRequest, ListOrdersRequest\n"
        f"client = Client('localhost:50051')\n{line}\n"
    )
    mypy = ["-m", "mypy", "--strict", "--cache-dir", ROOT / ".mypy_cache" / "client"]
    command = [sys.executable, *map(str, mypy), "--python-executable", str(typed_python), str(program)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert (f"[{error}]" in done.stdout) if error else done.returncode == 0, done.stdout + done.stderr
