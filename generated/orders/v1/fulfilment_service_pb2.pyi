from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from orders.v1 import access_pb2 as _access_pb2
from orders.v1 import fulfilment_queue_pb2 as _fulfilment_queue_pb2
from orders.v1 import order_pb2 as _order_pb2
from orders.v1 import order_return_pb2 as _order_return_pb2
from orders.v1 import shipment_pb2 as _shipment_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateShipmentRequest(_message.Message):
    __slots__ = ("order_id", "shipment", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    shipment: _shipment_pb2.Shipment
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., shipment: _Optional[_Union[_shipment_pb2.Shipment, _Mapping]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...
