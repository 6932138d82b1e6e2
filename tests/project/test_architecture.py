"""Who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "server"

# What puts the folders together, and the command around it. Of these, the folders know the log and
# how tasks are run, and rpc what it counts in.
KNOWN = ("__init__", "logs", "metrics", "tasks")
TOP = sorted(f"server.{path.stem}" for path in SERVER.glob("*.py") if path.stem not in KNOWN)


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
    "package",
    [
        "grpc",
        "sqlalchemy",
        "psycopg",
        "psycopg_pool",
        "server.storage",
        "server.payments",
        "server.identity",
        "server.rpc",
        "server.transfer",
        "server.telemetry.log",
        "server.tasks",
        *TOP,
    ],
)
def test_the_domain_knows_neither_the_network_nor_the_database(package: str) -> None:
    assert not uses(imported_by("domain"), package)


@pytest.mark.parametrize(
    "package", ["grpc", "server.payments", "server.identity", "server.rpc", "server.transfer", *TOP]
)
def test_storage_knows_nothing_of_rpc(package: str) -> None:
    assert not uses(imported_by("storage"), package)


@pytest.mark.parametrize(
    "package", ["grpc", "sqlalchemy", "psycopg", "psycopg_pool", "server.rpc", "server.transfer", *TOP]
)
def test_payments_know_the_domain_and_storage_only(package: str) -> None:
    assert not uses(imported_by("payments"), package)


@pytest.mark.parametrize(
    "package",
    [
        "grpc",
        "sqlalchemy",
        "psycopg",
        "psycopg_pool",
        "server.storage",
        "server.payments",
        "server.rpc",
        "server.transfer",
        *TOP,
    ],
)
def test_identity_knows_the_domain_only(package: str) -> None:
    assert not uses(imported_by("identity"), package)


@pytest.mark.parametrize("package", ["sqlalchemy", "psycopg", "psycopg_pool", "server.transfer", *TOP])
def test_rpc_reaches_the_database_through_storage_only(package: str) -> None:
    assert not uses(imported_by("rpc"), package)


@pytest.mark.parametrize(
    "package", ["server.storage", "server.domain", "server.payments", "server.identity", "server.rpc", "psycopg", *TOP]
)
def test_the_import_and_export_client_knows_the_api_only(package: str) -> None:
    assert not uses(imported_by("transfer"), package)


@pytest.mark.parametrize(
    ("package", "modules"),
    [
        ("grpc", {"rpc", "transfer", "app.py", "cli.py", "parts.py", "security.py"}),
        ("sqlalchemy", {"storage", "startup.py"}),
        ("psycopg", {"storage", "app.py", "startup.py"}),
        ("prometheus_client", {"metrics.py", "metrics_http.py"}),
        ("server.telemetry.metrics", {"rpc", "parts.py"}),
    ],
)
def test_few_know_the_network_the_database_and_the_metrics(package: str, modules: set[str]) -> None:
    assert {
        path.relative_to(SERVER).parts[0] for path in SERVER.rglob("*.py") if uses(set(imports_of(path)), package)
    } == modules


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
    """In the whole domain, but for how long a refused caller should wait. A ratio is a Fraction, and `/` would make a float."""
    for path in (SERVER / "domain").glob("*.py"):
        if path.name != "errors.py":
            assert not list(floats_in(ast.parse(path.read_text()))), path.name


def floats_in(tree: ast.AST) -> Iterator[ast.AST]:
    """Where a float could come about: written as one, named, or by division."""
    for node in ast.walk(tree):
        if (
            (isinstance(node, ast.Constant) and isinstance(node.value, float))
            or (isinstance(node, ast.Name) and node.id in ("float", "round"))
            or isinstance(node, ast.Div)
        ):
            yield node


@pytest.mark.parametrize("text", ["0.5", "total / 2", "total /= 2", "float(total)", "round(total)"])
def test_a_float_would_be_found(text: str) -> None:
    assert list(floats_in(ast.parse(text)))
