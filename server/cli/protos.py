"""`orders protos`: the API's protos for code generators."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from buf.validate import validate_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from server.cli.options import Failure
from server.cli.proto_source import render

# Errors carry these messages in their details, though no proto of the API imports them.
_ERROR_DETAILS = "google/rpc/error_details.proto"
_VALIDATE = "buf/validate/validate.proto"
_IMPORT = re.compile(r'^import (?:public )?"(.+)";', re.MULTILINE)
# Every compiler includes these in a suitable version.
_BUILT_IN = "google/protobuf/"


def protos(
    *, output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to; created if it is missing.")]
) -> None:
    """Write the protos of the API and all their imports, for protoc, buf and other code generators.

    The folder is the import path: protoc -I FOLDER, or buf build FOLDER. It omits only google/protobuf, which every compiler
    includes.
    """
    sources = _sources()
    try:
        for name, text in sources.items():
            path = output / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(
            f"--output {output}: {error.strerror}: {error.filename}; choose a folder you can write to"
        ) from error
    print(f"{len(sources)} files written to {output}")


def _sources() -> dict[str, str]:
    """The protos by their import path, the dependencies included."""
    sources: dict[str, str] = {}
    wanted = [f"orders/v1/{file.name}" for file in files("orders.v1").iterdir() if file.name.endswith(".proto")]
    wanted.append(_ERROR_DETAILS)
    while wanted:
        name = wanted.pop()
        if name not in sources and not name.startswith(_BUILT_IN):
            sources[name] = _read(name)
            wanted += _IMPORT.findall(sources[name])
    return sources


def _read(name: str) -> str:
    """The source of a proto, which is next to the code generated from it, except for protovalidate's."""
    if name == _VALIDATE:
        return render(FileDescriptorProto.FromString(validate_pb2.DESCRIPTOR.serialized_pb))
    folder, _, file = name.rpartition("/")
    return files(folder.replace("/", ".")).joinpath(file).read_text(encoding="utf-8")
