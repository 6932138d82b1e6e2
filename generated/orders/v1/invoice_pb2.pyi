import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import money_pb2 as _money_pb2
from orders.v1 import order_pb2 as _order_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Invoice(_message.Message):
    __slots__ = ("invoice_number", "order_id", "order_number", "issue_time", "customer", "billing_address", "shipping_address", "items", "pricing", "payment_method", "credit_notes", "omitted_fields", "tax_totals", "replaced_invoices")
    INVOICE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    BILLING_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    PRICING_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHOD_FIELD_NUMBER: _ClassVar[int]
    CREDIT_NOTES_FIELD_NUMBER: _ClassVar[int]
    OMITTED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    TAX_TOTALS_FIELD_NUMBER: _ClassVar[int]
    REPLACED_INVOICES_FIELD_NUMBER: _ClassVar[int]
    invoice_number: str
    order_id: str
    order_number: str
    issue_time: _timestamp_pb2.Timestamp
    customer: _order_pb2.Customer
    billing_address: _order_pb2.Address
    shipping_address: _order_pb2.Address
    items: _containers.RepeatedCompositeFieldContainer[_order_pb2.OrderItem]
    pricing: _order_pb2.Pricing
    payment_method: _order_pb2.PaymentMethod
    credit_notes: _containers.RepeatedCompositeFieldContainer[CreditNote]
    omitted_fields: _containers.RepeatedScalarFieldContainer[str]
    tax_totals: _containers.RepeatedCompositeFieldContainer[_order_pb2.AppliedTax]
    replaced_invoices: _containers.RepeatedCompositeFieldContainer[Invoice]
    def __init__(self, invoice_number: _Optional[str] = ..., order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., customer: _Optional[_Union[_order_pb2.Customer, _Mapping]] = ..., billing_address: _Optional[_Union[_order_pb2.Address, _Mapping]] = ..., shipping_address: _Optional[_Union[_order_pb2.Address, _Mapping]] = ..., items: _Optional[_Iterable[_Union[_order_pb2.OrderItem, _Mapping]]] = ..., pricing: _Optional[_Union[_order_pb2.Pricing, _Mapping]] = ..., payment_method: _Optional[_Union[_order_pb2.PaymentMethod, str]] = ..., credit_notes: _Optional[_Iterable[_Union[CreditNote, _Mapping]]] = ..., omitted_fields: _Optional[_Iterable[str]] = ..., tax_totals: _Optional[_Iterable[_Union[_order_pb2.AppliedTax, _Mapping]]] = ..., replaced_invoices: _Optional[_Iterable[_Union[Invoice, _Mapping]]] = ...) -> None: ...

class CreditNote(_message.Message):
    __slots__ = ("credit_note_number", "invoice_number", "order_id", "refund_id", "amount", "tax", "reason", "issue_time", "lines", "tax_totals", "adjustment_id")
    CREDIT_NOTE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    INVOICE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REFUND_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TAX_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    TAX_TOTALS_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_ID_FIELD_NUMBER: _ClassVar[int]
    credit_note_number: str
    invoice_number: str
    order_id: str
    refund_id: str
    amount: _money_pb2.Money
    tax: _money_pb2.Money
    reason: str
    issue_time: _timestamp_pb2.Timestamp
    lines: _containers.RepeatedCompositeFieldContainer[_order_pb2.PriceShare]
    tax_totals: _containers.RepeatedCompositeFieldContainer[_order_pb2.AppliedTax]
    adjustment_id: str
    def __init__(self, credit_note_number: _Optional[str] = ..., invoice_number: _Optional[str] = ..., order_id: _Optional[str] = ..., refund_id: _Optional[str] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., tax: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., reason: _Optional[str] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lines: _Optional[_Iterable[_Union[_order_pb2.PriceShare, _Mapping]]] = ..., tax_totals: _Optional[_Iterable[_Union[_order_pb2.AppliedTax, _Mapping]]] = ..., adjustment_id: _Optional[str] = ...) -> None: ...
