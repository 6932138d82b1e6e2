"""Which parts of the server may import which, and that no modules import each other in a circle."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server"

# The parts of the server that each part may import, besides itself. Those in COMMON are open to all but the domain.
ALLOWED: Mapping[str, set[str]] = {
    "domain": set(),
    "telemetry": set(),
    "tasks": {"domain"},
    "retry": set(),
    "http_client": set(),
    "config": {"currency_rates", "fulfilment_settings", "outbound_settings", "setting_origins"},
    "currency_rates": set(),
    "setting_origins": set(),
    "fulfilment_settings": set(),
    "outbound_settings": set(),
    "identity": {"domain"},
    "storage": {"domain"},
    "payments": {"domain", "storage"},
    "feed": {"domain", "storage"},
    "webhooks": {"domain", "feed", "storage"},
    "broker": {"domain", "storage"},
    "mail": {"domain", "identity", "storage"},
    "rpc": {"domain", "feed", "identity", "storage", "telemetry"},
    "runtime": {
        "broker",
        "config",
        "currency_rates",
        "domain",
        "feed",
        "gateway",
        "identity",
        "mail",
        "payments",
        "rpc",
        "storage",
        "telemetry",
        "transfer",
        "webhooks",
    },
    "transfer": set(),
    # The shapes in which other systems write orders are known once.
    "gateway": {"transfer"},
    "views": {"gateway"},
    "cli": {"config", "domain", "gateway", "identity", "rpc", "runtime", "storage", "telemetry", "transfer", "views"},
}
COMMON = {
    "server.telemetry.log",
    "server.telemetry.spans",
    "server.telemetry.timings",
    "server.tasks",
    "server.retry",
    "server.http_client",
}

# The folders of the domain, bottom up: each may import those before it.
LAYERS = (
    {"base"},
    {"access", "catalog", "customers", "servers", "webhooks"},
    {"pricing"},
    {"carts"},
    {"lifecycle"},
    {"payments", "fulfilment"},
    {"orders"},
    {"operations"},
)

# The parts that may import a package of others.
PACKAGES = {
    "grpc": {"rpc", "runtime", "transfer", "gateway", "views", "cli"},
    "sqlalchemy": {"storage", "runtime"},
    "psycopg": {"storage", "runtime"},
    "psycopg_pool": {"storage"},
    "prometheus_client": {"telemetry", "runtime", "views"},
    "aiohttp": {"http_client"},
    "opentelemetry": {"telemetry"},
    "starlette": {"gateway", "runtime"},
    "uvicorn": {"gateway"},
    "orjson": {"gateway", "cli"},
    "stripe": {"payments"},
    "nats": {"broker"},
    "aio_pika": {"broker"},
    "aiokafka": {"broker"},
    "aiosmtplib": {"mail"},
    "jinja2": {"mail"},
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in SERVER.rglob("*.py") if "versions" not in path.parts}


def imports_of(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it, those for types only included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else node.module for name in names)


IMPORTS = {name: set(imports_of(path)) for name, path in MODULES.items()}


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("part", sorted({part_of(module) for module in MODULES} - {""}))
def test_a_part_imports_only_what_it_may(part: str) -> None:
    imported = {
        (module, other)
        for module, others in IMPORTS.items()
        for other in others
        if part_of(module) == part and other.startswith("server.") and part_of(other) != part
    }
    common = set() if part == "domain" else COMMON
    assert {(m, o) for m, o in imported if part_of(o) not in ALLOWED[part] and o not in common} == set()


def test_the_folders_of_the_domain_form_layers() -> None:
    height = {folder: number for number, layer in enumerate(LAYERS) for folder in layer}
    upwards = {
        (module, other)
        for module, others in IMPORTS.items()
        for other in others
        if module.startswith("server.domain.") and other.startswith("server.domain.")
        for here, there in [(module.split(".")[2], other.split(".")[2])]
        if here != there and height[here] <= height[there]
    }
    assert upwards == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module: {other for other in others if other in MODULES and not module.startswith(f"{other}.")}
        for module, others in IMPORTS.items()
    }
    assert circle(graph) == []


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of a circle of imports, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_a_circle_would_be_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


@pytest.mark.parametrize(("package", "parts"), PACKAGES.items(), ids=PACKAGES)
def test_few_parts_know_a_package(package: str, parts: set[str]) -> None:
    users = {
        part_of(module)
        for module, others in IMPORTS.items()
        if any(other == package or other.startswith(f"{package}.") for other in others)
    }
    assert users == parts


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        module
        for module, path in MODULES.items()
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert readers == {"server.config"}


def test_no_module_is_longer_than_400_lines() -> None:
    assert {module for module, path in MODULES.items() if len(path.read_text().splitlines()) > 400} == set()


def test_no_float_comes_near_money() -> None:
    """In the whole domain, except for the seconds that a refused caller waits. A ratio is a Fraction, and `/` would make a float."""
    for path in (SERVER / "domain").rglob("*.py"):
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
