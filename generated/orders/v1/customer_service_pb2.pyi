import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from orders.v1 import access_pb2 as _access_pb2
from orders.v1 import order_pb2 as _order_pb2
from orders.v1 import personal_data_pb2 as _personal_data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PointsEntryType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POINTS_ENTRY_TYPE_UNSPECIFIED: _ClassVar[PointsEntryType]
    POINTS_ENTRY_TYPE_USED: _ClassVar[PointsEntryType]
    POINTS_ENTRY_TYPE_RETURNED: _ClassVar[PointsEntryType]
    POINTS_ENTRY_TYPE_EARNED: _ClassVar[PointsEntryType]
    POINTS_ENTRY_TYPE_ADJUSTED: _ClassVar[PointsEntryType]
POINTS_ENTRY_TYPE_UNSPECIFIED: PointsEntryType
POINTS_ENTRY_TYPE_USED: PointsEntryType
POINTS_ENTRY_TYPE_RETURNED: PointsEntryType
POINTS_ENTRY_TYPE_EARNED: PointsEntryType
POINTS_ENTRY_TYPE_ADJUSTED: PointsEntryType

class CustomerAccount(_message.Message):
    __slots__ = ("customer", "addresses", "payment_methods", "points_balance", "update_time")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHODS_FIELD_NUMBER: _ClassVar[int]
    POINTS_BALANCE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    customer: _order_pb2.Customer
    addresses: _containers.RepeatedCompositeFieldContainer[_order_pb2.Address]
    payment_methods: _containers.RepeatedCompositeFieldContainer[SavedPaymentMethod]
    points_balance: int
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, customer: _Optional[_Union[_order_pb2.Customer, _Mapping]] = ..., addresses: _Optional[_Iterable[_Union[_order_pb2.Address, _Mapping]]] = ..., payment_methods: _Optional[_Iterable[_Union[SavedPaymentMethod, _Mapping]]] = ..., points_balance: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SavedPaymentMethod(_message.Message):
    __slots__ = ("payment_method_id", "type", "brand", "last_four", "provider_token", "expiry_month", "expiry_year")
    PAYMENT_METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    LAST_FOUR_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_MONTH_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_YEAR_FIELD_NUMBER: _ClassVar[int]
    payment_method_id: str
    type: _order_pb2.PaymentMethod
    brand: str
    last_four: str
    provider_token: str
    expiry_month: int
    expiry_year: int
    def __init__(self, payment_method_id: _Optional[str] = ..., type: _Optional[_Union[_order_pb2.PaymentMethod, str]] = ..., brand: _Optional[str] = ..., last_four: _Optional[str] = ..., provider_token: _Optional[str] = ..., expiry_month: _Optional[int] = ..., expiry_year: _Optional[int] = ...) -> None: ...

class PointsEntry(_message.Message):
    __slots__ = ("entry_id", "customer_id", "type", "delta", "balance", "order_id", "reason", "actor", "request_id", "entry_time")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRY_TIME_FIELD_NUMBER: _ClassVar[int]
    entry_id: str
    customer_id: str
    type: PointsEntryType
    delta: int
    balance: int
    order_id: str
    reason: str
    actor: str
    request_id: str
    entry_time: _timestamp_pb2.Timestamp
    def __init__(self, entry_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., type: _Optional[_Union[PointsEntryType, str]] = ..., delta: _Optional[int] = ..., balance: _Optional[int] = ..., order_id: _Optional[str] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ..., request_id: _Optional[str] = ..., entry_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetCustomerRequest(_message.Message):
    __slots__ = ("customer_id",)
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    def __init__(self, customer_id: _Optional[str] = ...) -> None: ...

class UpsertCustomerRequest(_message.Message):
    __slots__ = ("customer", "request_id", "validate_only")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer: _order_pb2.Customer
    request_id: str
    validate_only: bool
    def __init__(self, customer: _Optional[_Union[_order_pb2.Customer, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpsertAddressRequest(_message.Message):
    __slots__ = ("customer_id", "address", "request_id", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    address: _order_pb2.Address
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., address: _Optional[_Union[_order_pb2.Address, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteAddressRequest(_message.Message):
    __slots__ = ("customer_id", "address_id", "request_id", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    address_id: str
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., address_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpsertPaymentMethodRequest(_message.Message):
    __slots__ = ("customer_id", "payment_method", "request_id", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    payment_method: SavedPaymentMethod
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., payment_method: _Optional[_Union[SavedPaymentMethod, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeletePaymentMethodRequest(_message.Message):
    __slots__ = ("customer_id", "payment_method_id", "request_id", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    payment_method_id: str
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., payment_method_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class AdjustPointsRequest(_message.Message):
    __slots__ = ("customer_id", "delta", "reason", "request_id", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    delta: int
    reason: str
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., delta: _Optional[int] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ListPointsEntriesRequest(_message.Message):
    __slots__ = ("customer_id", "page_size", "page_token")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    page_size: int
    page_token: str
    def __init__(self, customer_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPointsEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token", "points_balance")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    POINTS_BALANCE_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[PointsEntry]
    next_page_token: str
    points_balance: int
    def __init__(self, entries: _Optional[_Iterable[_Union[PointsEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., points_balance: _Optional[int] = ...) -> None: ...

class EraseCustomerRequest(_message.Message):
    __slots__ = ("customer_id", "include_open_orders", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    include_open_orders: bool
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., include_open_orders: _Optional[bool] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class EraseCustomerResponse(_message.Message):
    __slots__ = ("customer_id", "erased_orders", "erased_carts", "erased_requests", "complete")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ERASED_ORDERS_FIELD_NUMBER: _ClassVar[int]
    ERASED_CARTS_FIELD_NUMBER: _ClassVar[int]
    ERASED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    erased_orders: int
    erased_carts: int
    erased_requests: int
    complete: bool
    def __init__(self, customer_id: _Optional[str] = ..., erased_orders: _Optional[int] = ..., erased_carts: _Optional[int] = ..., erased_requests: _Optional[int] = ..., complete: _Optional[bool] = ...) -> None: ...

class ExportCustomerRequest(_message.Message):
    __slots__ = ("customer_id",)
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    def __init__(self, customer_id: _Optional[str] = ...) -> None: ...

class ExportCustomerResponse(_message.Message):
    __slots__ = ("lines", "complete")
    LINES_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    lines: str
    complete: bool
    def __init__(self, lines: _Optional[str] = ..., complete: _Optional[bool] = ...) -> None: ...

class ListCustomersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCustomersResponse(_message.Message):
    __slots__ = ("customers", "next_page_token")
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customers: _containers.RepeatedCompositeFieldContainer[CustomerAccount]
    next_page_token: str
    def __init__(self, customers: _Optional[_Iterable[_Union[CustomerAccount, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SearchCustomersRequest(_message.Message):
    __slots__ = ("email", "phone", "name", "page_size", "page_token")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    email: str
    phone: str
    name: str
    page_size: int
    page_token: str
    def __init__(self, email: _Optional[str] = ..., phone: _Optional[str] = ..., name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SearchCustomersResponse(_message.Message):
    __slots__ = ("customers", "next_page_token")
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customers: _containers.RepeatedCompositeFieldContainer[CustomerAccount]
    next_page_token: str
    def __init__(self, customers: _Optional[_Iterable[_Union[CustomerAccount, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
