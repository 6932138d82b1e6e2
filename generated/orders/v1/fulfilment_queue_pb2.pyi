import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from orders.v1 import order_pb2 as _order_pb2
from orders.v1 import personal_data_pb2 as _personal_data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FulfilmentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FULFILMENT_STATE_UNSPECIFIED: _ClassVar[FulfilmentState]
    FULFILMENT_STATE_WAITING: _ClassVar[FulfilmentState]
    FULFILMENT_STATE_CLAIMED: _ClassVar[FulfilmentState]
    FULFILMENT_STATE_DEFERRED: _ClassVar[FulfilmentState]
FULFILMENT_STATE_UNSPECIFIED: FulfilmentState
FULFILMENT_STATE_WAITING: FulfilmentState
FULFILMENT_STATE_CLAIMED: FulfilmentState
FULFILMENT_STATE_DEFERRED: FulfilmentState

class Fulfilment(_message.Message):
    __slots__ = ("order_id", "order_number", "state", "due_time", "delivery_method", "zone_id", "claim_id", "worker", "claim_time", "lease_expire_time", "claim_count", "order")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_METHOD_FIELD_NUMBER: _ClassVar[int]
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    CLAIM_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLAIM_COUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    order_number: str
    state: FulfilmentState
    due_time: _timestamp_pb2.Timestamp
    delivery_method: str
    zone_id: str
    claim_id: str
    worker: str
    claim_time: _timestamp_pb2.Timestamp
    lease_expire_time: _timestamp_pb2.Timestamp
    claim_count: int
    order: _order_pb2.Order
    def __init__(self, order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., state: _Optional[_Union[FulfilmentState, str]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delivery_method: _Optional[str] = ..., zone_id: _Optional[str] = ..., claim_id: _Optional[str] = ..., worker: _Optional[str] = ..., claim_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lease_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., claim_count: _Optional[int] = ..., order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ...) -> None: ...

class FulfilmentFilter(_message.Message):
    __slots__ = ("delivery_methods", "zone_ids", "product_ids")
    DELIVERY_METHODS_FIELD_NUMBER: _ClassVar[int]
    ZONE_IDS_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IDS_FIELD_NUMBER: _ClassVar[int]
    delivery_methods: _containers.RepeatedScalarFieldContainer[str]
    zone_ids: _containers.RepeatedScalarFieldContainer[str]
    product_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, delivery_methods: _Optional[_Iterable[str]] = ..., zone_ids: _Optional[_Iterable[str]] = ..., product_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ClaimFulfilmentsRequest(_message.Message):
    __slots__ = ("worker", "count", "lease", "filter", "request_id", "validate_only")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    worker: str
    count: int
    lease: _duration_pb2.Duration
    filter: FulfilmentFilter
    request_id: str
    validate_only: bool
    def __init__(self, worker: _Optional[str] = ..., count: _Optional[int] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., filter: _Optional[_Union[FulfilmentFilter, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ClaimFulfilmentsResponse(_message.Message):
    __slots__ = ("fulfilments",)
    FULFILMENTS_FIELD_NUMBER: _ClassVar[int]
    fulfilments: _containers.RepeatedCompositeFieldContainer[Fulfilment]
    def __init__(self, fulfilments: _Optional[_Iterable[_Union[Fulfilment, _Mapping]]] = ...) -> None: ...

class ExtendFulfilmentRequest(_message.Message):
    __slots__ = ("order_id", "claim_id", "lease", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    claim_id: str
    lease: _duration_pb2.Duration
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., claim_id: _Optional[str] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CompleteFulfilmentRequest(_message.Message):
    __slots__ = ("order_id", "claim_id", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    claim_id: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., claim_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GiveBackFulfilmentRequest(_message.Message):
    __slots__ = ("order_id", "claim_id", "reason", "delay", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    claim_id: str
    reason: str
    delay: _duration_pb2.Duration
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., claim_id: _Optional[str] = ..., reason: _Optional[str] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ListFulfilmentsRequest(_message.Message):
    __slots__ = ("filter", "states", "worker", "page_size", "page_token")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    filter: FulfilmentFilter
    states: _containers.RepeatedScalarFieldContainer[FulfilmentState]
    worker: str
    page_size: int
    page_token: str
    def __init__(self, filter: _Optional[_Union[FulfilmentFilter, _Mapping]] = ..., states: _Optional[_Iterable[_Union[FulfilmentState, str]]] = ..., worker: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFulfilmentsResponse(_message.Message):
    __slots__ = ("fulfilments", "next_page_token")
    FULFILMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    fulfilments: _containers.RepeatedCompositeFieldContainer[Fulfilment]
    next_page_token: str
    def __init__(self, fulfilments: _Optional[_Iterable[_Union[Fulfilment, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
