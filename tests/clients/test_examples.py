"""The examples do what they say, in each language whose tools are installed."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import run
from tests.conftest import Service
from tests.e2e.processes import ROOT, folder, orders
from tests.e2e.tools import NODE, PROTO_LOADER, TOOLS, find_tool
from tests.shop import new_order

EXAMPLES = ROOT / "examples"
CONFIG = ROOT / "docs" / "service-config.json"
GO, JAVAC, MVN = map(shutil.which, ("go", "javac", "mvn"))
GENERATORS = (find_tool("protoc-gen-go"), find_tool("protoc-gen-go-grpc"))
GRPC_JS = PROTO_LOADER.parent / "grpc-js"

OUTPUT = "created ORDER_STATUS_PENDING again\nlisted {true} repeated 0\nrefused PRODUCT_NOT_FOUND nothing\n"


@pytest.fixture(scope="module")
async def address(service: Service) -> str:
    for _ in range(5):
        await service.orders.CreateOrder(new_order())
    return service.address


@pytest.fixture(scope="module")
def protos() -> Iterator[Path]:
    """The protos as `orders protos` writes them."""
    with folder() as parent:
        assert orders("protos", "--output", parent / "protos").code == 0
        yield parent / "protos"


async def test_the_python_example_works(client_python: Path, address: str) -> None:
    out = await asyncio.to_thread(run, client_python, EXAMPLES / "python" / "caller.py", address)
    assert out == OUTPUT.format(true="True")


@pytest.mark.skipif(NODE is None or not GRPC_JS.exists(), reason="node or @grpc/grpc-js is not installed")
async def test_the_node_example_works(protos: Path, address: str, tmp_path: Path) -> None:
    (tmp_path / "caller.js").write_text((EXAMPLES / "node" / "caller.js").read_text())
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    out = await asyncio.to_thread(run, NODE, tmp_path / "caller.js", address, protos, CONFIG)
    assert out == OUTPUT.format(true="true")


def test_the_node_example_names_the_packages_that_ci_installs() -> None:
    wanted = json.loads((EXAMPLES / "node" / "package.json").read_text())["dependencies"]
    ci = (ROOT / ".ci" / "run").read_text()
    assert all(f"{name}@{version.removeprefix('^').split('.')[0]}." in ci for name, version in wanted.items())


@pytest.mark.skipif(GO is None or None in GENERATORS, reason="go or its generators are not installed")
async def test_the_go_example_works(protos: Path, address: str, tmp_path: Path) -> None:
    program = tmp_path / "go"
    shutil.copytree(EXAMPLES / "go", program)
    path = os.pathsep.join([*(str(Path(str(each)).parent) for each in GENERATORS), os.environ["PATH"]])
    settings = (f"PATH={path}", f"PROTOC={sys.executable} -m grpc_tools.protoc")
    await asyncio.to_thread(run, "env", *settings, program / "generate.sh", protos)
    await asyncio.to_thread(run, GO, "build", "-o", tmp_path / "caller", ".", cwd=program)
    out = await asyncio.to_thread(run, tmp_path / "caller", address, CONFIG)
    assert out == OUTPUT.format(true="true")


@pytest.mark.timeout(1200)
@pytest.mark.skipif(JAVAC is None or MVN is None, reason="a JDK or Maven is not installed")
async def test_the_java_example_works(protos: Path, address: str, tmp_path: Path) -> None:
    program = tmp_path / "java"
    shutil.copytree(EXAMPLES / "java", program, ignore=shutil.ignore_patterns("target"))
    settings = ("-Dstyle.color=never", f"-Dprotos={protos}", f"-Dexec.args={address} {CONFIG}")
    maven = (MVN, "--quiet", "--batch-mode", *settings, "compile", "exec:java")
    out = await asyncio.to_thread(run, *maven, cwd=program, seconds=1100)
    # Maven resets the colours that it was told not to use.
    assert out.replace("\x1b[0m", "") == OUTPUT.format(true="true")
