"""Regenerates generated/ from protos/: message classes, stubs, types and the descriptor set. Works offline."""

import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).parent.parent
VALIDATE = "buf/validate/validate.proto"


def run(*arguments: str) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        sys.exit(1)


def main(out: Path) -> None:
    sources = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos").rglob("*.proto"))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        # protovalidate ships its rules as a descriptor, not as a file; protoc takes the one as well as the other.
        rules = Path(scratch) / "validate.binpb"
        rules.write_bytes(b"\x0a" + _length_delimited(validate_pb.desc().proto.to_binary()))
        google = str(files("google.api").joinpath("../.."))
        builtin = str(files("grpc_tools").joinpath("_proto"))
        # protoc looks names up in the set before the paths, so the set must hold what validate.proto itself imports.
        paths = [f"-I{ROOT / 'protos'}", f"-I{google}", f"-I{builtin}"]
        wkt = Path(scratch) / "wkt.binpb"
        run(*paths, "--include_imports", f"--descriptor_set_out={wkt}",
            "google/protobuf/descriptor.proto", "google/protobuf/duration.proto",
            "google/protobuf/timestamp.proto", "google/protobuf/field_mask.proto")  # fmt: skip
        inputs = [*paths, f"--descriptor_set_in={wkt}:{rules}"]
        run(*inputs, f"--python_out={out}", f"--pyi_out={out}", *sources, VALIDATE)
        run(*inputs, f"--grpc_python_out={out}", *[name for name in sources if name.endswith("_service.proto")])
        run(
            *inputs,
            "--include_imports",
            "--include_source_info",
            f"--descriptor_set_out={out / 'orders.binpb'}",
            *sources,
            # Whoever turns errors into JSON needs the types of their details too.
            "google/rpc/error_details.proto",
        )


def _length_delimited(data: bytes) -> bytes:
    size, prefix = len(data), bytearray()
    while size > 0x7F:
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + data


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "generated")
