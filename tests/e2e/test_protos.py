"""`orders protos` writes a folder that code generators compile on its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from tests.e2e.processes import ORDERS, ROOT, Finished, folder, orders
from tests.e2e.tools import NODE, PROTO_LOADER, PROTOC_GEN_GO, needs_proto_loader, needs_protoc_gen_go

BUF = ORDERS.with_name("buf")
IMAGE = ROOT / "generated" / "orders.binpb"


@pytest.fixture(scope="module")
def protos() -> Iterator[Path]:
    """The folder that the command writes."""
    with folder() as parent:
        written = orders("protos", "--output", parent / "new" / "protos")
        assert (written.code, written.err) == (0, "")
        yield parent / "new" / "protos"


def names_in(protos: Path) -> list[str]:
    return sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))


def compile_with(*command: object, cwd: Path) -> None:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def protoc(protos: Path, *options: object) -> None:
    """Compiles every file; the compiler brings google/protobuf."""
    compile_with(sys.executable, "-m", "grpc_tools.protoc", "-I.", *options, *names_in(protos), cwd=protos)


def test_the_folder_holds_the_api_and_what_it_imports(protos: Path) -> None:
    assert names_in(protos) == sorted(descriptors(IMAGE))


def test_the_command_can_be_repeated(protos: Path) -> None:
    (protos / "orders" / "v1" / "order.proto").write_text("")
    again = orders("protos", "--output", protos)
    assert again.out == f"{len(names_in(protos))} files written to {protos}\n"
    assert (protos / "orders" / "v1" / "order.proto").read_text()


def test_a_folder_that_cannot_be_written_is_named(protos: Path) -> None:
    file = protos / "orders" / "v1" / "order.proto"
    refused = orders("protos", "--output", file)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"orders: --output {file}: ")
    assert len(refused.err.splitlines()) == 1


def descriptors(image: Path) -> dict[str, FileDescriptorProto]:
    """The files of an image, without their comments, which compilers place differently."""
    files = {file.name: file for file in FileDescriptorSet.FromString(image.read_bytes()).file}
    for file in files.values():
        file.ClearField("source_code_info")
        # buf notes there which files were only imported.
        file.DiscardUnknownFields()
    return {name: file for name, file in files.items() if not name.startswith("google/protobuf/")}


def test_protoc_compiles_the_folder_to_the_same_api(protos: Path, tmp_path: Path) -> None:
    protoc(protos, f"--descriptor_set_out={tmp_path / 'all.binpb'}")
    assert descriptors(tmp_path / "all.binpb") == descriptors(IMAGE)


def test_buf_compiles_the_folder_to_the_same_api(protos: Path, tmp_path: Path) -> None:
    compile_with(BUF, "build", protos, "-o", tmp_path / "all.binpb", cwd=tmp_path)
    assert descriptors(tmp_path / "all.binpb") == descriptors(IMAGE)


@needs_protoc_gen_go
def test_protoc_gen_go_generates_code(protos: Path, tmp_path: Path) -> None:
    protoc(protos, f"--plugin=protoc-gen-go={PROTOC_GEN_GO}", f"--go_out={tmp_path}")
    (package,) = tmp_path.glob("**/order.pb.go")
    assert "\npackage ordersv1\n" in package.read_text()


LOAD = """
const [loader, root, ...names] = process.argv.slice(1);
const loaded = require(loader).loadSync(names, {includeDirs: [root]});
console.log(JSON.stringify(Object.keys(loaded["orders.v1.OrderService"])));
"""


@needs_proto_loader
def test_proto_loader_loads_every_file(protos: Path) -> None:
    command = [str(NODE), "-e", LOAD, str(PROTO_LOADER), str(protos), *names_in(protos)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "CreateOrder" in json.loads(done.stdout), Finished(done.returncode, done.stdout, done.stderr)


PLUGIN = """
import sys
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse

request = CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
for file in request.proto_file:
    if file.name in request.file_to_generate:
        response.file.add(name=file.name + ".options", content=str(file.options))
sys.stdout.buffer.write(response.SerializeToString())
"""


def test_the_language_options_are_those_of_managed_mode(tmp_path: Path) -> None:
    """A plugin records the options that buf sets; they are the ones in the protos."""
    (tmp_path / "plugin.py").write_text(PLUGIN)
    template = {
        "version": "v2",
        "managed": {
            "enabled": True,
            "override": [{"file_option": "go_package_prefix", "value": "example.com/order-service/gen"}],
        },
        "plugins": [{"local": [sys.executable, str(tmp_path / "plugin.py")], "out": str(tmp_path)}],
    }
    compile_with(BUF, "generate", IMAGE, "--path", "orders", "--template", json.dumps(template), cwd=tmp_path)
    for file in FileDescriptorSet.FromString(IMAGE.read_bytes()).file:
        if file.package == "orders.v1":
            assert str(file.options) == (tmp_path / f"{file.name}.options").read_text(), file.name
