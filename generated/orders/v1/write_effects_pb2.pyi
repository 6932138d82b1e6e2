from google.type import money_pb2 as _money_pb2
from orders.v1 import customer_service_pb2 as _customer_service_pb2
from orders.v1 import order_pb2 as _order_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DocumentType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOCUMENT_TYPE_UNSPECIFIED: _ClassVar[DocumentType]
    DOCUMENT_TYPE_INVOICE: _ClassVar[DocumentType]
    DOCUMENT_TYPE_CREDIT_NOTE: _ClassVar[DocumentType]
DOCUMENT_TYPE_UNSPECIFIED: DocumentType
DOCUMENT_TYPE_INVOICE: DocumentType
DOCUMENT_TYPE_CREDIT_NOTE: DocumentType

class WriteEffects(_message.Message):
    __slots__ = ("stock", "points", "coupons", "events", "documents", "truncated")
    STOCK_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    COUPONS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    stock: _containers.RepeatedCompositeFieldContainer[StockEffect]
    points: _containers.RepeatedCompositeFieldContainer[PointsEffect]
    coupons: _containers.RepeatedCompositeFieldContainer[CouponEffect]
    events: _containers.RepeatedCompositeFieldContainer[EventEffect]
    documents: _containers.RepeatedCompositeFieldContainer[DocumentEffect]
    truncated: bool
    def __init__(self, stock: _Optional[_Iterable[_Union[StockEffect, _Mapping]]] = ..., points: _Optional[_Iterable[_Union[PointsEffect, _Mapping]]] = ..., coupons: _Optional[_Iterable[_Union[CouponEffect, _Mapping]]] = ..., events: _Optional[_Iterable[_Union[EventEffect, _Mapping]]] = ..., documents: _Optional[_Iterable[_Union[DocumentEffect, _Mapping]]] = ..., truncated: _Optional[bool] = ...) -> None: ...

class StockEffect(_message.Message):
    __slots__ = ("product_id", "variant_id", "available_delta", "reserved_delta")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_DELTA_FIELD_NUMBER: _ClassVar[int]
    RESERVED_DELTA_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    variant_id: str
    available_delta: int
    reserved_delta: int
    def __init__(self, product_id: _Optional[str] = ..., variant_id: _Optional[str] = ..., available_delta: _Optional[int] = ..., reserved_delta: _Optional[int] = ...) -> None: ...

class PointsEffect(_message.Message):
    __slots__ = ("customer_id", "type", "delta", "balance")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    type: _customer_service_pb2.PointsEntryType
    delta: int
    balance: int
    def __init__(self, customer_id: _Optional[str] = ..., type: _Optional[_Union[_customer_service_pb2.PointsEntryType, str]] = ..., delta: _Optional[int] = ..., balance: _Optional[int] = ...) -> None: ...

class CouponEffect(_message.Message):
    __slots__ = ("code", "delta", "times_used")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    TIMES_USED_FIELD_NUMBER: _ClassVar[int]
    code: str
    delta: int
    times_used: int
    def __init__(self, code: _Optional[str] = ..., delta: _Optional[int] = ..., times_used: _Optional[int] = ...) -> None: ...

class EventEffect(_message.Message):
    __slots__ = ("order_id", "version", "type", "from_status", "to_status", "changed_fields")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    FROM_STATUS_FIELD_NUMBER: _ClassVar[int]
    TO_STATUS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    version: int
    type: _order_pb2.OrderEventType
    from_status: _order_pb2.OrderStatus
    to_status: _order_pb2.OrderStatus
    changed_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, order_id: _Optional[str] = ..., version: _Optional[int] = ..., type: _Optional[_Union[_order_pb2.OrderEventType, str]] = ..., from_status: _Optional[_Union[_order_pb2.OrderStatus, str]] = ..., to_status: _Optional[_Union[_order_pb2.OrderStatus, str]] = ..., changed_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class DocumentEffect(_message.Message):
    __slots__ = ("type", "order_id", "amount")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    type: DocumentType
    order_id: str
    amount: _money_pb2.Money
    def __init__(self, type: _Optional[_Union[DocumentType, str]] = ..., order_id: _Optional[str] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...
