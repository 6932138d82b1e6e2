import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from orders.v1 import access_pb2 as _access_pb2
from orders.v1 import order_pb2 as _order_pb2
from orders.v1 import order_service_pb2 as _order_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Consumer(_message.Message):
    __slots__ = ("consumer_id", "filter", "event_types", "position", "lag_events", "lag", "ack_time", "acked_by", "create_time")
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LAG_EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    ACK_TIME_FIELD_NUMBER: _ClassVar[int]
    ACKED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    consumer_id: str
    filter: _order_service_pb2.OrderFilter
    event_types: _containers.RepeatedScalarFieldContainer[_order_pb2.OrderEventType]
    position: int
    lag_events: int
    lag: _duration_pb2.Duration
    ack_time: _timestamp_pb2.Timestamp
    acked_by: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, consumer_id: _Optional[str] = ..., filter: _Optional[_Union[_order_service_pb2.OrderFilter, _Mapping]] = ..., event_types: _Optional[_Iterable[_Union[_order_pb2.OrderEventType, str]]] = ..., position: _Optional[int] = ..., lag_events: _Optional[int] = ..., lag: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., ack_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acked_by: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UpsertConsumerRequest(_message.Message):
    __slots__ = ("consumer", "validate_only")
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    consumer: Consumer
    validate_only: bool
    def __init__(self, consumer: _Optional[_Union[Consumer, _Mapping]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GetConsumerRequest(_message.Message):
    __slots__ = ("consumer_id",)
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    consumer_id: str
    def __init__(self, consumer_id: _Optional[str] = ...) -> None: ...

class ListConsumersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListConsumersResponse(_message.Message):
    __slots__ = ("consumers", "next_page_token")
    CONSUMERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consumers: _containers.RepeatedCompositeFieldContainer[Consumer]
    next_page_token: str
    def __init__(self, consumers: _Optional[_Iterable[_Union[Consumer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteConsumerRequest(_message.Message):
    __slots__ = ("consumer_id", "validate_only")
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    consumer_id: str
    validate_only: bool
    def __init__(self, consumer_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class AckConsumerRequest(_message.Message):
    __slots__ = ("consumer_id", "resume_token", "validate_only")
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    consumer_id: str
    resume_token: str
    validate_only: bool
    def __init__(self, consumer_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class SeekConsumerRequest(_message.Message):
    __slots__ = ("consumer_id", "resume_token", "start_time", "validate_only")
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    consumer_id: str
    resume_token: str
    start_time: _timestamp_pb2.Timestamp
    validate_only: bool
    def __init__(self, consumer_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., validate_only: _Optional[bool] = ...) -> None: ...
