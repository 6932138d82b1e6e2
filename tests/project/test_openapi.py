"""generated/orders/v1/openapi.json is valid, describes every binding, and makes a client that works."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from server.gateway.bindings import bindings
from server.gateway.openapi import document
from server.gateway.statuses import BY_REASON
from tests.conftest import Service
from tests.e2e.tools import TOOLS
from tests.gateway.conftest import gateway
from tests.shop import HOME

DOCUMENT: dict[str, Any] = json.loads(document())
VERBS = ("get", "post", "put", "patch", "delete")
OPERATIONS = {(verb, path): item[verb] for path, item in DOCUMENT["paths"].items() for verb in VERBS if verb in item}
GENERATOR = shutil.which("openapi-python-client", path=f"{TOOLS / 'openapi' / 'bin'}:{Path(sys.executable).parent}")


def test_the_description_is_valid() -> None:
    validate(DOCUMENT)


def test_every_binding_is_described() -> None:
    paths = [re.sub(r"\{(?:\w+\.)*(\w+)\}", r"{\1}", binding.template.text) for binding in bindings()]
    assert set(OPERATIONS) == {(binding.verb.lower(), path) for binding, path in zip(bindings(), paths, strict=True)}


def test_ids_of_operations_are_unique() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))


def test_reasons_stand_at_the_status_that_the_gateway_sends() -> None:
    for operation in OPERATIONS.values():
        for status, response in operation["responses"].items():
            for reason in response.get("x-reasons", ()):
                assert BY_REASON.get(reason, int(status)) == int(status), (operation["operationId"], reason)
    created = OPERATIONS["post", "/v1/orders"]["responses"]
    assert "DELIVERY_NOT_AVAILABLE" in created["422"]["x-reasons"]
    assert "Location" in created["201"]["headers"]


def test_fields_have_their_bounds() -> None:
    quantity = DOCUMENT["components"]["schemas"]["NewOrderItem"]["properties"]["quantity"]
    assert (quantity["type"], quantity["exclusiveMinimum"], quantity["maximum"]) == ("integer", 0, 1_000_000)
    transition = DOCUMENT["components"]["schemas"]["TransitionOrderRequest"]
    assert "order_id" not in transition["properties"]


def generate_client(folder: Path) -> None:
    (folder / "openapi.json").write_bytes(document())
    command = [GENERATOR, "generate", "--path", "openapi.json", "--output-path", "shop_client", "--meta", "none"]
    subprocess.run(list(map(str, command)), cwd=folder, check=True, capture_output=True)


@pytest.mark.skipif(GENERATOR is None, reason="openapi-python-client is not installed")
async def test_a_generated_client_creates_and_gets_an_order(service: Service, tmp_path: Path) -> None:
    generate_client(tmp_path)
    program = f"""
from shop_client import Client
from shop_client.api.order import create_order, get_order
from shop_client.models import CreateOrderRequest
client = Client(base_url="URL")
order = {{"customer_id": "generated", "items": [{{"product_id": "mug", "quantity": 2}}], "shipping_address": {HOME}}}
made = create_order.sync(client=client, body=CreateOrderRequest.from_dict(order))
got = get_order.sync(made.order_id, client=client)
print(got.items[0].quantity, got.status)
"""
    python = Path(str(GENERATOR)).with_name("python")
    async with gateway(service) as http:
        process = await asyncio.create_subprocess_exec(
            python,
            "-c",
            program.replace("URL", http.url),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert out.decode().split() == ["2", "ORDER_STATUS_PENDING"], err.decode()
