"""Regenerates generated/ from protos/: message classes, stubs, types and the descriptor set. Works offline."""

import shutil
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent.parent
# The protos of the project, and those that they import: protovalidate's, Google's and protobuf's own.
ROOTS = (
    ROOT / "protos",
    ROOT / "third_party",
    files("google.api").joinpath("../.."),
    files("grpc_tools").joinpath("_proto"),
)


def run(*arguments: str) -> None:
    if protoc.main(["protoc", *(f"-I{root}" for root in ROOTS), *arguments]) != 0:
        sys.exit(1)


def main(out: Path) -> None:
    sources = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos").rglob("*.proto"))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    run(f"--python_out={out}", f"--pyi_out={out}", *sources, "buf/validate/validate.proto")
    run(f"--grpc_python_out={out}", *[name for name in sources if name.endswith("_service.proto")])
    run(
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={out / 'orders.binpb'}",
        *sources,
        # Whoever turns errors into JSON needs the types of their details too.
        "google/rpc/error_details.proto",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "generated")
