"""Regenerates generated/ from protos/: message classes, stubs, types, the descriptor set, OpenAPI and AsyncAPI. Works offline."""

import shutil
import sys
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

from server.cli.proto_source import render

ROOT = Path(__file__).parent.parent
VALIDATE = "buf/validate/validate.proto"
# The protos of the project, Google's and protobuf's own.
ROOTS = (ROOT / "protos", files("google.api").joinpath("../.."), files("grpc_tools").joinpath("_proto"))


def validate_source() -> str:
    """The source of protovalidate's proto."""
    serialized = validate_pb.desc().proto.to_binary()
    # The file uses options that it defines itself, so a pool that knows it has to parse it.
    pool = DescriptorPool()
    for imported in (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2):
        pool.AddSerializedFile(imported.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(serialized)
    file: Any = GetMessageClass(pool.FindMessageTypeByName("google.protobuf.FileDescriptorProto")).FromString(
        serialized
    )
    # buf replaced it when it generated the package.
    file.options.java_package = "build.buf.validate"
    return render(file)


def main(out: Path) -> None:
    with TemporaryDirectory() as folder:
        validate = Path(folder, VALIDATE)
        validate.parent.mkdir(parents=True)
        validate.write_text(validate_source(), encoding="utf-8")
        compile_into(out, Path(folder))
    # Imports what was just compiled.
    from tools.asyncapi import render as render_asyncapi
    from tools.openapi import render as render_openapi

    (out / "orders" / "v1" / "openapi.json").write_text(render_openapi(out / "orders.binpb"), encoding="utf-8")
    (out / "orders" / "v1" / "asyncapi.json").write_text(render_asyncapi(out / "orders.binpb"), encoding="utf-8")


def compile_into(out: Path, dependencies: Path) -> None:
    def run(*arguments: str) -> None:
        if protoc.main(["protoc", *(f"-I{root}" for root in (*ROOTS, dependencies)), *arguments]) != 0:
            sys.exit(1)

    sources = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos").rglob("*.proto"))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    run(f"--python_out={out}", f"--pyi_out={out}", *sources, VALIDATE)
    run(f"--grpc_python_out={out}", *[name for name in sources if name.endswith("_service.proto")])
    run(
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={out / 'orders.binpb'}",
        *sources,
        # Conversion of errors to JSON also needs the types of their details.
        "google/rpc/error_details.proto",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "generated")
