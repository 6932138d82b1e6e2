from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from orders.v1 import order_pb2 as _order_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrderDifferenceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_DIFFERENCE_KIND_UNSPECIFIED: _ClassVar[OrderDifferenceKind]
    ORDER_DIFFERENCE_KIND_DIFFERS: _ClassVar[OrderDifferenceKind]
    ORDER_DIFFERENCE_KIND_MISSING: _ClassVar[OrderDifferenceKind]
    ORDER_DIFFERENCE_KIND_EXTRA: _ClassVar[OrderDifferenceKind]
ORDER_DIFFERENCE_KIND_UNSPECIFIED: OrderDifferenceKind
ORDER_DIFFERENCE_KIND_DIFFERS: OrderDifferenceKind
ORDER_DIFFERENCE_KIND_MISSING: OrderDifferenceKind
ORDER_DIFFERENCE_KIND_EXTRA: OrderDifferenceKind

class OrderChange(_message.Message):
    __slots__ = ("position", "event", "order")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    position: int
    event: _order_pb2.OrderEvent
    order: _order_pb2.Order
    def __init__(self, position: _Optional[int] = ..., event: _Optional[_Union[_order_pb2.OrderEvent, _Mapping]] = ..., order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ...) -> None: ...

class WaitOrderRequest(_message.Message):
    __slots__ = ("order_id", "statuses", "version")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    statuses: _containers.RepeatedScalarFieldContainer[_order_pb2.OrderStatus]
    version: int
    def __init__(self, order_id: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_order_pb2.OrderStatus, str]]] = ..., version: _Optional[int] = ...) -> None: ...

class WaitOrderResponse(_message.Message):
    __slots__ = ("order", "reached", "waiting_for")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    REACHED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    order: _order_pb2.Order
    reached: bool
    waiting_for: str
    def __init__(self, order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ..., reached: _Optional[bool] = ..., waiting_for: _Optional[str] = ...) -> None: ...

class OrderState(_message.Message):
    __slots__ = ("order_id", "version", "event_hash")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_HASH_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    version: int
    event_hash: bytes
    def __init__(self, order_id: _Optional[str] = ..., version: _Optional[int] = ..., event_hash: _Optional[bytes] = ...) -> None: ...

class OrderDifference(_message.Message):
    __slots__ = ("order_id", "kind", "version")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    kind: OrderDifferenceKind
    version: int
    def __init__(self, order_id: _Optional[str] = ..., kind: _Optional[_Union[OrderDifferenceKind, str]] = ..., version: _Optional[int] = ...) -> None: ...
