import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import money_pb2 as _money_pb2
from orders.v1 import personal_data_pb2 as _personal_data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReturnStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_STATUS_UNSPECIFIED: _ClassVar[ReturnStatus]
    RETURN_STATUS_REQUESTED: _ClassVar[ReturnStatus]
    RETURN_STATUS_APPROVED: _ClassVar[ReturnStatus]
    RETURN_STATUS_DECLINED: _ClassVar[ReturnStatus]
    RETURN_STATUS_RECEIVED: _ClassVar[ReturnStatus]
    RETURN_STATUS_CLOSED: _ClassVar[ReturnStatus]

class ReturnReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_REASON_UNSPECIFIED: _ClassVar[ReturnReason]
    RETURN_REASON_DEFECTIVE: _ClassVar[ReturnReason]
    RETURN_REASON_DAMAGED_IN_TRANSIT: _ClassVar[ReturnReason]
    RETURN_REASON_WRONG_ITEM: _ClassVar[ReturnReason]
    RETURN_REASON_NOT_AS_DESCRIBED: _ClassVar[ReturnReason]
    RETURN_REASON_DOES_NOT_FIT: _ClassVar[ReturnReason]
    RETURN_REASON_CHANGED_MIND: _ClassVar[ReturnReason]
    RETURN_REASON_OTHER: _ClassVar[ReturnReason]

class ReturnDisposition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_DISPOSITION_UNSPECIFIED: _ClassVar[ReturnDisposition]
    RETURN_DISPOSITION_RESTOCK: _ClassVar[ReturnDisposition]
    RETURN_DISPOSITION_INSPECT: _ClassVar[ReturnDisposition]
    RETURN_DISPOSITION_DAMAGED: _ClassVar[ReturnDisposition]
    RETURN_DISPOSITION_MISSING: _ClassVar[ReturnDisposition]

class ReturnDecision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_DECISION_UNSPECIFIED: _ClassVar[ReturnDecision]
    RETURN_DECISION_APPROVE: _ClassVar[ReturnDecision]
    RETURN_DECISION_DECLINE: _ClassVar[ReturnDecision]
RETURN_STATUS_UNSPECIFIED: ReturnStatus
RETURN_STATUS_REQUESTED: ReturnStatus
RETURN_STATUS_APPROVED: ReturnStatus
RETURN_STATUS_DECLINED: ReturnStatus
RETURN_STATUS_RECEIVED: ReturnStatus
RETURN_STATUS_CLOSED: ReturnStatus
RETURN_REASON_UNSPECIFIED: ReturnReason
RETURN_REASON_DEFECTIVE: ReturnReason
RETURN_REASON_DAMAGED_IN_TRANSIT: ReturnReason
RETURN_REASON_WRONG_ITEM: ReturnReason
RETURN_REASON_NOT_AS_DESCRIBED: ReturnReason
RETURN_REASON_DOES_NOT_FIT: ReturnReason
RETURN_REASON_CHANGED_MIND: ReturnReason
RETURN_REASON_OTHER: ReturnReason
RETURN_DISPOSITION_UNSPECIFIED: ReturnDisposition
RETURN_DISPOSITION_RESTOCK: ReturnDisposition
RETURN_DISPOSITION_INSPECT: ReturnDisposition
RETURN_DISPOSITION_DAMAGED: ReturnDisposition
RETURN_DISPOSITION_MISSING: ReturnDisposition
RETURN_DECISION_UNSPECIFIED: ReturnDecision
RETURN_DECISION_APPROVE: ReturnDecision
RETURN_DECISION_DECLINE: ReturnDecision

class OrderReturn(_message.Message):
    __slots__ = ("return_id", "status", "items", "reason", "photo_uris", "label_uri", "decision_reason", "actor", "create_time", "decide_time", "receive_time", "close_time", "refund_ids", "exchange_order_id")
    RETURN_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PHOTO_URIS_FIELD_NUMBER: _ClassVar[int]
    LABEL_URI_FIELD_NUMBER: _ClassVar[int]
    DECISION_REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    REFUND_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    return_id: str
    status: ReturnStatus
    items: _containers.RepeatedCompositeFieldContainer[ReturnItem]
    reason: str
    photo_uris: _containers.RepeatedScalarFieldContainer[str]
    label_uri: str
    decision_reason: str
    actor: str
    create_time: _timestamp_pb2.Timestamp
    decide_time: _timestamp_pb2.Timestamp
    receive_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    refund_ids: _containers.RepeatedScalarFieldContainer[str]
    exchange_order_id: str
    def __init__(self, return_id: _Optional[str] = ..., status: _Optional[_Union[ReturnStatus, str]] = ..., items: _Optional[_Iterable[_Union[ReturnItem, _Mapping]]] = ..., reason: _Optional[str] = ..., photo_uris: _Optional[_Iterable[str]] = ..., label_uri: _Optional[str] = ..., decision_reason: _Optional[str] = ..., actor: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., refund_ids: _Optional[_Iterable[str]] = ..., exchange_order_id: _Optional[str] = ...) -> None: ...

class ExchangedReturn(_message.Message):
    __slots__ = ("order_id", "return_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    return_id: str
    def __init__(self, order_id: _Optional[str] = ..., return_id: _Optional[str] = ...) -> None: ...

class ExchangeItem(_message.Message):
    __slots__ = ("product_id", "variant_id", "quantity")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    variant_id: str
    quantity: int
    def __init__(self, product_id: _Optional[str] = ..., variant_id: _Optional[str] = ..., quantity: _Optional[int] = ...) -> None: ...

class ReturnItem(_message.Message):
    __slots__ = ("item_id", "quantity", "reason", "received")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    quantity: int
    reason: ReturnReason
    received: _containers.RepeatedCompositeFieldContainer[DisposedUnits]
    def __init__(self, item_id: _Optional[str] = ..., quantity: _Optional[int] = ..., reason: _Optional[_Union[ReturnReason, str]] = ..., received: _Optional[_Iterable[_Union[DisposedUnits, _Mapping]]] = ...) -> None: ...

class DisposedUnits(_message.Message):
    __slots__ = ("disposition", "quantity")
    DISPOSITION_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    disposition: ReturnDisposition
    quantity: int
    def __init__(self, disposition: _Optional[_Union[ReturnDisposition, str]] = ..., quantity: _Optional[int] = ...) -> None: ...

class RequestReturnRequest(_message.Message):
    __slots__ = ("order_id", "items", "reason", "photo_uris", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PHOTO_URIS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    items: _containers.RepeatedCompositeFieldContainer[ReturnItem]
    reason: str
    photo_uris: _containers.RepeatedScalarFieldContainer[str]
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ReturnItem, _Mapping]]] = ..., reason: _Optional[str] = ..., photo_uris: _Optional[_Iterable[str]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DecideReturnRequest(_message.Message):
    __slots__ = ("order_id", "return_id", "decision", "reason", "label_uri", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LABEL_URI_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    return_id: str
    decision: ReturnDecision
    reason: str
    label_uri: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., return_id: _Optional[str] = ..., decision: _Optional[_Union[ReturnDecision, str]] = ..., reason: _Optional[str] = ..., label_uri: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ReceivedItem(_message.Message):
    __slots__ = ("item_id", "quantity", "disposition")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DISPOSITION_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    quantity: int
    disposition: ReturnDisposition
    def __init__(self, item_id: _Optional[str] = ..., quantity: _Optional[int] = ..., disposition: _Optional[_Union[ReturnDisposition, str]] = ...) -> None: ...

class ReceiveReturnRequest(_message.Message):
    __slots__ = ("order_id", "return_id", "items", "inspected", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    INSPECTED_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    return_id: str
    items: _containers.RepeatedCompositeFieldContainer[ReceivedItem]
    inspected: _containers.RepeatedCompositeFieldContainer[ReceivedItem]
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., return_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ReceivedItem, _Mapping]]] = ..., inspected: _Optional[_Iterable[_Union[ReceivedItem, _Mapping]]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CloseReturnRequest(_message.Message):
    __slots__ = ("order_id", "return_id", "no_refund", "refund_amount", "reason", "etag", "request_id", "validate_only", "exchange_items")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_ID_FIELD_NUMBER: _ClassVar[int]
    NO_REFUND_FIELD_NUMBER: _ClassVar[int]
    REFUND_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    return_id: str
    no_refund: bool
    refund_amount: _money_pb2.Money
    reason: str
    etag: str
    request_id: str
    validate_only: bool
    exchange_items: _containers.RepeatedCompositeFieldContainer[ExchangeItem]
    def __init__(self, order_id: _Optional[str] = ..., return_id: _Optional[str] = ..., no_refund: _Optional[bool] = ..., refund_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., exchange_items: _Optional[_Iterable[_Union[ExchangeItem, _Mapping]]] = ...) -> None: ...

class RateItemRequest(_message.Message):
    __slots__ = ("order_id", "item_id", "stars", "comment", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    STARS_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    item_id: str
    stars: int
    comment: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., item_id: _Optional[str] = ..., stars: _Optional[int] = ..., comment: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...
