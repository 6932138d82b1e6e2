import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from orders.v1 import personal_data_pb2 as _personal_data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ShipmentStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHIPMENT_STATUS_UNSPECIFIED: _ClassVar[ShipmentStatus]
    SHIPMENT_STATUS_PENDING: _ClassVar[ShipmentStatus]
    SHIPMENT_STATUS_SHIPPED: _ClassVar[ShipmentStatus]
    SHIPMENT_STATUS_IN_TRANSIT: _ClassVar[ShipmentStatus]
    SHIPMENT_STATUS_DELIVERED: _ClassVar[ShipmentStatus]
    SHIPMENT_STATUS_RETURNED: _ClassVar[ShipmentStatus]
    SHIPMENT_STATUS_CANCELLED: _ClassVar[ShipmentStatus]

class HoldReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLD_REASON_UNSPECIFIED: _ClassVar[HoldReason]
    HOLD_REASON_AWAITING_PAYMENT: _ClassVar[HoldReason]
    HOLD_REASON_HIGH_RISK_OF_FRAUD: _ClassVar[HoldReason]
    HOLD_REASON_INCORRECT_ADDRESS: _ClassVar[HoldReason]
    HOLD_REASON_INVENTORY_OUT_OF_STOCK: _ClassVar[HoldReason]
    HOLD_REASON_UNKNOWN_DELIVERY_DATE: _ClassVar[HoldReason]
    HOLD_REASON_OTHER: _ClassVar[HoldReason]
SHIPMENT_STATUS_UNSPECIFIED: ShipmentStatus
SHIPMENT_STATUS_PENDING: ShipmentStatus
SHIPMENT_STATUS_SHIPPED: ShipmentStatus
SHIPMENT_STATUS_IN_TRANSIT: ShipmentStatus
SHIPMENT_STATUS_DELIVERED: ShipmentStatus
SHIPMENT_STATUS_RETURNED: ShipmentStatus
SHIPMENT_STATUS_CANCELLED: ShipmentStatus
HOLD_REASON_UNSPECIFIED: HoldReason
HOLD_REASON_AWAITING_PAYMENT: HoldReason
HOLD_REASON_HIGH_RISK_OF_FRAUD: HoldReason
HOLD_REASON_INCORRECT_ADDRESS: HoldReason
HOLD_REASON_INVENTORY_OUT_OF_STOCK: HoldReason
HOLD_REASON_UNKNOWN_DELIVERY_DATE: HoldReason
HOLD_REASON_OTHER: HoldReason

class Shipment(_message.Message):
    __slots__ = ("shipment_id", "status", "items", "parcels", "create_time", "ship_time", "deliver_time", "cancel_time", "cancel_reason")
    SHIPMENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PARCELS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SHIP_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVER_TIME_FIELD_NUMBER: _ClassVar[int]
    CANCEL_TIME_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REASON_FIELD_NUMBER: _ClassVar[int]
    shipment_id: str
    status: ShipmentStatus
    items: _containers.RepeatedCompositeFieldContainer[ShipmentItem]
    parcels: _containers.RepeatedCompositeFieldContainer[Parcel]
    create_time: _timestamp_pb2.Timestamp
    ship_time: _timestamp_pb2.Timestamp
    deliver_time: _timestamp_pb2.Timestamp
    cancel_time: _timestamp_pb2.Timestamp
    cancel_reason: str
    def __init__(self, shipment_id: _Optional[str] = ..., status: _Optional[_Union[ShipmentStatus, str]] = ..., items: _Optional[_Iterable[_Union[ShipmentItem, _Mapping]]] = ..., parcels: _Optional[_Iterable[_Union[Parcel, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ship_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliver_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cancel_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cancel_reason: _Optional[str] = ...) -> None: ...

class ShipmentItem(_message.Message):
    __slots__ = ("item_id", "quantity")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    quantity: int
    def __init__(self, item_id: _Optional[str] = ..., quantity: _Optional[int] = ...) -> None: ...

class Parcel(_message.Message):
    __slots__ = ("parcel_id", "carrier", "tracking_number", "tracking_uri", "items", "status", "estimated_delivery_time", "deliver_time")
    PARCEL_ID_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_URI_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_DELIVERY_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVER_TIME_FIELD_NUMBER: _ClassVar[int]
    parcel_id: str
    carrier: str
    tracking_number: str
    tracking_uri: str
    items: _containers.RepeatedCompositeFieldContainer[ShipmentItem]
    status: ShipmentStatus
    estimated_delivery_time: _timestamp_pb2.Timestamp
    deliver_time: _timestamp_pb2.Timestamp
    def __init__(self, parcel_id: _Optional[str] = ..., carrier: _Optional[str] = ..., tracking_number: _Optional[str] = ..., tracking_uri: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ShipmentItem, _Mapping]]] = ..., status: _Optional[_Union[ShipmentStatus, str]] = ..., estimated_delivery_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliver_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ("hold_id", "reason", "note", "actor", "create_time", "automatic")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    AUTOMATIC_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    reason: HoldReason
    note: str
    actor: str
    create_time: _timestamp_pb2.Timestamp
    automatic: bool
    def __init__(self, hold_id: _Optional[str] = ..., reason: _Optional[_Union[HoldReason, str]] = ..., note: _Optional[str] = ..., actor: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., automatic: _Optional[bool] = ...) -> None: ...
