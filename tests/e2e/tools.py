"""Tools that are not Python packages: .ci/run installs them, and tests that need one skip without it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT

# Where .ci/run installs them.
TOOLS = ROOT / ".venv-tools"
PROTO_LOADER = TOOLS / "node_modules" / "@grpc" / "proto-loader"


def find_tool(name: str) -> str | None:
    """The tool on the path, where .ci/run installs it, or where `go install` puts it."""
    gopath = ""
    if go := shutil.which("go"):
        gopath = subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, check=False).stdout.strip()
    places = [str(Path(place) / "bin") for place in (Path.home() / "go", gopath) if place]
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), str(TOOLS), *places]))


GRPCURL, GHZ, PROTOC_GEN_GO, NODE = map(find_tool, ("grpcurl", "ghz", "protoc-gen-go", "node"))

needs_grpcurl = pytest.mark.skipif(GRPCURL is None, reason="grpcurl is not installed")
needs_ghz = pytest.mark.skipif(GHZ is None, reason="ghz is not installed")
needs_protoc_gen_go = pytest.mark.skipif(PROTOC_GEN_GO is None, reason="protoc-gen-go is not installed")
needs_proto_loader = pytest.mark.skipif(
    NODE is None or not PROTO_LOADER.exists(), reason="node or @grpc/proto-loader is not installed"
)
