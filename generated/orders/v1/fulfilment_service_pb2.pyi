from google.api import annotations_pb2 as _annotations_pb2
from orders.v1 import access_pb2 as _access_pb2
from orders.v1 import fulfilment_queue_pb2 as _fulfilment_queue_pb2
from orders.v1 import order_pb2 as _order_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
