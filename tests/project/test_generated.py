"""generated/ holds the rules of the protovalidate that the project runs with."""

from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from protovalidate._gen.buf.validate import validate_pb

IMAGE = Path(__file__).parents[2] / "generated" / "orders.binpb"


def test_the_validation_rules_are_those_of_protovalidate() -> None:
    files = {file.name: file for file in FileDescriptorSet.FromString(IMAGE.read_bytes()).file}
    generated = files["buf/validate/validate.proto"]
    generated.ClearField("source_code_info")
    used = FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())
    used.options.java_package = "build.buf.validate"
    assert generated == used, "run `make proto`"
