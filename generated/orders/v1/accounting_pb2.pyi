import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import money_pb2 as _money_pb2
from orders.v1 import order_pb2 as _order_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InvoiceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INVOICE_TYPE_UNSPECIFIED: _ClassVar[InvoiceType]
    INVOICE_TYPE_INVOICE: _ClassVar[InvoiceType]
    INVOICE_TYPE_CREDIT_NOTE: _ClassVar[InvoiceType]
INVOICE_TYPE_UNSPECIFIED: InvoiceType
INVOICE_TYPE_INVOICE: InvoiceType
INVOICE_TYPE_CREDIT_NOTE: InvoiceType

class InvoiceEntry(_message.Message):
    __slots__ = ("number", "type", "invoice_number", "order_id", "order_number", "customer_id", "issue_time", "amount", "tax", "tax_totals", "reason")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    INVOICE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TAX_FIELD_NUMBER: _ClassVar[int]
    TAX_TOTALS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    number: str
    type: InvoiceType
    invoice_number: str
    order_id: str
    order_number: str
    customer_id: str
    issue_time: _timestamp_pb2.Timestamp
    amount: _money_pb2.Money
    tax: _money_pb2.Money
    tax_totals: _containers.RepeatedCompositeFieldContainer[_order_pb2.AppliedTax]
    reason: str
    def __init__(self, number: _Optional[str] = ..., type: _Optional[_Union[InvoiceType, str]] = ..., invoice_number: _Optional[str] = ..., order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., customer_id: _Optional[str] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., tax: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., tax_totals: _Optional[_Iterable[_Union[_order_pb2.AppliedTax, _Mapping]]] = ..., reason: _Optional[str] = ...) -> None: ...

class PaymentEntry(_message.Message):
    __slots__ = ("payment", "order_id", "order_number", "customer_id", "time", "invoice_number")
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    INVOICE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    payment: _order_pb2.Payment
    order_id: str
    order_number: str
    customer_id: str
    time: _timestamp_pb2.Timestamp
    invoice_number: str
    def __init__(self, payment: _Optional[_Union[_order_pb2.Payment, _Mapping]] = ..., order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., customer_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., invoice_number: _Optional[str] = ...) -> None: ...

class RefundEntry(_message.Message):
    __slots__ = ("refund", "provider", "order_id", "order_number", "customer_id", "time")
    REFUND_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    refund: _order_pb2.Refund
    provider: str
    order_id: str
    order_number: str
    customer_id: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, refund: _Optional[_Union[_order_pb2.Refund, _Mapping]] = ..., provider: _Optional[str] = ..., order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., customer_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class InvoiceSum(_message.Message):
    __slots__ = ("type", "count", "amount", "tax", "tax_totals")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TAX_FIELD_NUMBER: _ClassVar[int]
    TAX_TOTALS_FIELD_NUMBER: _ClassVar[int]
    type: InvoiceType
    count: int
    amount: _money_pb2.Money
    tax: _money_pb2.Money
    tax_totals: _containers.RepeatedCompositeFieldContainer[_order_pb2.AppliedTax]
    def __init__(self, type: _Optional[_Union[InvoiceType, str]] = ..., count: _Optional[int] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., tax: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., tax_totals: _Optional[_Iterable[_Union[_order_pb2.AppliedTax, _Mapping]]] = ...) -> None: ...

class PaymentSum(_message.Message):
    __slots__ = ("provider", "status", "count", "authorized_amount", "captured_amount", "refunded_amount")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    status: _order_pb2.PaymentStatus
    count: int
    authorized_amount: _money_pb2.Money
    captured_amount: _money_pb2.Money
    refunded_amount: _money_pb2.Money
    def __init__(self, provider: _Optional[str] = ..., status: _Optional[_Union[_order_pb2.PaymentStatus, str]] = ..., count: _Optional[int] = ..., authorized_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., captured_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., refunded_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class RefundSum(_message.Message):
    __slots__ = ("provider", "status", "count", "amount")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    status: _order_pb2.RefundStatus
    count: int
    amount: _money_pb2.Money
    def __init__(self, provider: _Optional[str] = ..., status: _Optional[_Union[_order_pb2.RefundStatus, str]] = ..., count: _Optional[int] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class ListInvoicesRequest(_message.Message):
    __slots__ = ("type", "issue_time_from", "issue_time_to", "currency_code", "show_sums", "page_size", "page_token")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_TO_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    SHOW_SUMS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    type: InvoiceType
    issue_time_from: _timestamp_pb2.Timestamp
    issue_time_to: _timestamp_pb2.Timestamp
    currency_code: str
    show_sums: bool
    page_size: int
    page_token: str
    def __init__(self, type: _Optional[_Union[InvoiceType, str]] = ..., issue_time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., issue_time_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., currency_code: _Optional[str] = ..., show_sums: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListInvoicesResponse(_message.Message):
    __slots__ = ("invoices", "next_page_token", "sums")
    INVOICES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SUMS_FIELD_NUMBER: _ClassVar[int]
    invoices: _containers.RepeatedCompositeFieldContainer[InvoiceEntry]
    next_page_token: str
    sums: _containers.RepeatedCompositeFieldContainer[InvoiceSum]
    def __init__(self, invoices: _Optional[_Iterable[_Union[InvoiceEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., sums: _Optional[_Iterable[_Union[InvoiceSum, _Mapping]]] = ...) -> None: ...

class ListPaymentsRequest(_message.Message):
    __slots__ = ("provider", "statuses", "currency_code", "time_from", "time_to", "show_sums", "page_size", "page_token")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIELD_NUMBER: _ClassVar[int]
    SHOW_SUMS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    provider: str
    statuses: _containers.RepeatedScalarFieldContainer[_order_pb2.PaymentStatus]
    currency_code: str
    time_from: _timestamp_pb2.Timestamp
    time_to: _timestamp_pb2.Timestamp
    show_sums: bool
    page_size: int
    page_token: str
    def __init__(self, provider: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_order_pb2.PaymentStatus, str]]] = ..., currency_code: _Optional[str] = ..., time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., show_sums: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPaymentsResponse(_message.Message):
    __slots__ = ("payments", "next_page_token", "sums")
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SUMS_FIELD_NUMBER: _ClassVar[int]
    payments: _containers.RepeatedCompositeFieldContainer[PaymentEntry]
    next_page_token: str
    sums: _containers.RepeatedCompositeFieldContainer[PaymentSum]
    def __init__(self, payments: _Optional[_Iterable[_Union[PaymentEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., sums: _Optional[_Iterable[_Union[PaymentSum, _Mapping]]] = ...) -> None: ...

class ListRefundsRequest(_message.Message):
    __slots__ = ("provider", "statuses", "currency_code", "time_from", "time_to", "show_sums", "page_size", "page_token")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIELD_NUMBER: _ClassVar[int]
    SHOW_SUMS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    provider: str
    statuses: _containers.RepeatedScalarFieldContainer[_order_pb2.RefundStatus]
    currency_code: str
    time_from: _timestamp_pb2.Timestamp
    time_to: _timestamp_pb2.Timestamp
    show_sums: bool
    page_size: int
    page_token: str
    def __init__(self, provider: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_order_pb2.RefundStatus, str]]] = ..., currency_code: _Optional[str] = ..., time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., show_sums: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRefundsResponse(_message.Message):
    __slots__ = ("refunds", "next_page_token", "sums")
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SUMS_FIELD_NUMBER: _ClassVar[int]
    refunds: _containers.RepeatedCompositeFieldContainer[RefundEntry]
    next_page_token: str
    sums: _containers.RepeatedCompositeFieldContainer[RefundSum]
    def __init__(self, refunds: _Optional[_Iterable[_Union[RefundEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., sums: _Optional[_Iterable[_Union[RefundSum, _Mapping]]] = ...) -> None: ...
