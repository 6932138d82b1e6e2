import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from orders.v1 import access_pb2 as _access_pb2
from orders.v1 import fulfilment_queue_pb2 as _fulfilment_queue_pb2
from orders.v1 import order_pb2 as _order_pb2
from orders.v1 import order_return_pb2 as _order_return_pb2
from orders.v1 import personal_data_pb2 as _personal_data_pb2
from orders.v1 import shipment_pb2 as _shipment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
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

class UpdateShipmentRequest(_message.Message):
    __slots__ = ("order_id", "shipment", "update_mask", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    shipment: _shipment_pb2.Shipment
    update_mask: _field_mask_pb2.FieldMask
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., shipment: _Optional[_Union[_shipment_pb2.Shipment, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CancelShipmentRequest(_message.Message):
    __slots__ = ("order_id", "shipment_id", "reason", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    shipment_id: str
    reason: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., shipment_id: _Optional[str] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RequestInstallationRequest(_message.Message):
    __slots__ = ("order_id", "item_ids", "scheduled_time", "time_slot", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_TIME_FIELD_NUMBER: _ClassVar[int]
    TIME_SLOT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    scheduled_time: _timestamp_pb2.Timestamp
    time_slot: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ..., scheduled_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_slot: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GetPackingSlipRequest(_message.Message):
    __slots__ = ("order_id", "shipment_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    shipment_id: str
    def __init__(self, order_id: _Optional[str] = ..., shipment_id: _Optional[str] = ...) -> None: ...

class PackingSlip(_message.Message):
    __slots__ = ("order_id", "order_number", "order_time", "shipping_address", "delivery_method", "special_instructions", "shipment", "items")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORDER_TIME_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_METHOD_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    order_number: str
    order_time: _timestamp_pb2.Timestamp
    shipping_address: _order_pb2.Address
    delivery_method: str
    special_instructions: str
    shipment: _shipment_pb2.Shipment
    items: _containers.RepeatedCompositeFieldContainer[PackingSlipItem]
    def __init__(self, order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., order_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shipping_address: _Optional[_Union[_order_pb2.Address, _Mapping]] = ..., delivery_method: _Optional[str] = ..., special_instructions: _Optional[str] = ..., shipment: _Optional[_Union[_shipment_pb2.Shipment, _Mapping]] = ..., items: _Optional[_Iterable[_Union[PackingSlipItem, _Mapping]]] = ...) -> None: ...

class PackingSlipItem(_message.Message):
    __slots__ = ("item_id", "quantity", "sku", "name", "variant_name", "customizations", "parcel_ids")
    class CustomizationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SKU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VARIANT_NAME_FIELD_NUMBER: _ClassVar[int]
    CUSTOMIZATIONS_FIELD_NUMBER: _ClassVar[int]
    PARCEL_IDS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    quantity: int
    sku: str
    name: str
    variant_name: str
    customizations: _containers.ScalarMap[str, str]
    parcel_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, item_id: _Optional[str] = ..., quantity: _Optional[int] = ..., sku: _Optional[str] = ..., name: _Optional[str] = ..., variant_name: _Optional[str] = ..., customizations: _Optional[_Mapping[str, str]] = ..., parcel_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class HoldOrderRequest(_message.Message):
    __slots__ = ("order_id", "reason", "note", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    reason: _shipment_pb2.HoldReason
    note: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., reason: _Optional[_Union[_shipment_pb2.HoldReason, str]] = ..., note: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ReleaseHoldRequest(_message.Message):
    __slots__ = ("order_id", "hold_id", "note", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    hold_id: str
    note: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., hold_id: _Optional[str] = ..., note: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...
