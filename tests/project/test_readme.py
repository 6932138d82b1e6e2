"""The README names what there is."""

import re
from pathlib import Path
from typing import Any

import pytest
from orders.v1 import (
    api_key_service_pb2,
    cart_service_pb2,
    catalog_service_pb2,
    customer_service_pb2,
    order_service_pb2,
)
from typer.main import get_command

from server.cli.main import app
from server.config import PREFIX, Settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
FILES = (order_service_pb2, cart_service_pb2, catalog_service_pb2, customer_service_pb2, api_key_service_pb2)
SERVICES = [service for file in FILES for service in file.DESCRIPTOR.services_by_name.values()]


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def shown(default: Any) -> str:
    """A default as the tables have it."""
    if default is None or default == "":
        return ""
    text = str(default).lower() if isinstance(default, bool) else str(default).removesuffix(".0")
    return f"`{text}`"


def test_the_tables_have_every_setting_with_its_default() -> None:
    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \| (.*?) ?\| .", section("Configuration"), flags=re.MULTILINE)
    settings = {name.upper(): shown(field.default) for name, field in Settings.model_fields.items()}
    assert len(rows) == len(settings)
    assert dict(rows) == settings


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_tables_have_every_method_of_a_service(service: Any) -> None:
    table = section("Methods").split(f"| {service.name} | HTTP | |")[1].split("\n\n")[0]
    named = [name for row in table.splitlines()[2:] for name in row.split("|")[1].strip().split(", ")]
    assert sorted(named) == sorted(method.name for method in service.methods)


def test_every_command_is_named() -> None:
    commands: Any = get_command(app)
    text = section("The orders command")
    assert [name for name in commands.commands if not re.search(rf"`{name}`|orders {name}\b", text)] == []
