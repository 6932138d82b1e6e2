"""The protos of others that the project keeps are those of the packages that it runs with."""

from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from protovalidate._gen.buf.validate import validate_pb

IMAGE = Path(__file__).parents[2] / "generated" / "orders.binpb"


def test_the_validation_rules_are_those_of_protovalidate() -> None:
    """If not, copy buf/validate/validate.proto from the release of bufbuild/protovalidate that the package follows."""
    files = {file.name: file for file in FileDescriptorSet.FromString(IMAGE.read_bytes()).file}
    kept = files["buf/validate/validate.proto"]
    used = FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())
    kept.ClearField("source_code_info")
    # The package was built with other language options.
    for file in (kept, used):
        file.ClearField("options")
    assert kept == used
