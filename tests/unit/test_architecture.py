"""Who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "server"


def imports_of(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def imported_by(folder: str) -> set[str]:
    return {module for path in (SERVER / folder).rglob("*.py") for module in imports_of(path)}


def uses(modules: set[str], package: str) -> set[str]:
    return {module for module in modules if module == package or module.startswith(package + ".")}


@pytest.mark.parametrize(
    "package", ["grpc", "sqlalchemy", "psycopg", "psycopg_pool", "server.storage", "server.rpc", "server.app"]
)
def test_the_domain_knows_neither_the_network_nor_the_database(package: str) -> None:
    assert not uses(imported_by("domain"), package)


@pytest.mark.parametrize("package", ["grpc", "server.rpc", "server.app", "server.transfer"])
def test_storage_knows_nothing_of_rpc(package: str) -> None:
    assert not uses(imported_by("storage"), package)


@pytest.mark.parametrize("package", ["sqlalchemy", "psycopg", "psycopg_pool", "server.app"])
def test_rpc_reaches_the_database_through_storage_only(package: str) -> None:
    assert not uses(imported_by("rpc"), package)


@pytest.mark.parametrize("package", ["server.storage", "server.domain", "server.rpc", "server.app", "psycopg"])
def test_the_import_and_export_client_knows_the_api_only(package: str) -> None:
    assert not uses(imported_by("transfer"), package)


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        path.relative_to(SERVER).as_posix()
        for path in SERVER.rglob("*.py")
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert readers == {"config.py"}


def test_no_float_comes_near_money() -> None:
    for name in ("money.py", "pricing.py", "upsert.py", "catalog.py"):
        tree = ast.parse((SERVER / "domain" / name).read_text())
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)]
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "float"]
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Div)]
