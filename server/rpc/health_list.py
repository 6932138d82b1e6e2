"""Health.List and its messages, which grpcio-health-checking does not ship."""

from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

_LIST = """
message_type { name: "HealthListRequest" }
message_type {
  name: "HealthListResponse"
  field {
    name: "statuses" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE
    type_name: ".grpc.health.v1.HealthListResponse.StatusesEntry"
  }
  nested_type {
    name: "StatusesEntry"
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field {
      name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE
      type_name: ".grpc.health.v1.HealthCheckResponse"
    }
    options { map_entry: true }
  }
}
"""


def _with_list() -> FileDescriptorProto:
    file = FileDescriptorProto.FromString(health_pb2.DESCRIPTOR.serialized_pb)
    text_format.Merge(_LIST, file)
    (health,) = file.service
    health.method.add(
        name="List",
        input_type=".grpc.health.v1.HealthListRequest",
        output_type=".grpc.health.v1.HealthListResponse",
    )
    return file


HEALTH_FILE = _with_list()

# A separate pool: the default one already has the file without List.
_pool = DescriptorPool()
_pool.Add(HEALTH_FILE)
HealthListResponse = GetMessageClass(_pool.FindMessageTypeByName("grpc.health.v1.HealthListResponse"))
