import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.type import money_pb2 as _money_pb2
from orders.v1 import access_pb2 as _access_pb2
from orders.v1 import accounting_pb2 as _accounting_pb2
from orders.v1 import cart_service_pb2 as _cart_service_pb2
from orders.v1 import error_reason_pb2 as _error_reason_pb2
from orders.v1 import invoice_pb2 as _invoice_pb2
from orders.v1 import order_pb2 as _order_pb2
from orders.v1 import order_change_pb2 as _order_change_pb2
from orders.v1 import order_return_pb2 as _order_return_pb2
from orders.v1 import personal_data_pb2 as _personal_data_pb2
from orders.v1 import shipment_pb2 as _shipment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PriceStepType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_STEP_TYPE_UNSPECIFIED: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_LINE: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_SUBTOTAL: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_LINE_DISCOUNT: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_DISCOUNT: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_TAX: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_INCLUDED_TAX: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_SHIPPING: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_INSTALLATION: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_POINTS: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_TOTAL: _ClassVar[PriceStepType]
    PRICE_STEP_TYPE_POINTS_EARNED: _ClassVar[PriceStepType]

class OrderBy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_BY_UNSPECIFIED: _ClassVar[OrderBy]
    ORDER_BY_CREATE_TIME: _ClassVar[OrderBy]
    ORDER_BY_UPDATE_TIME: _ClassVar[OrderBy]
    ORDER_BY_TOTAL: _ClassVar[OrderBy]

class SortOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SORT_ORDER_UNSPECIFIED: _ClassVar[SortOrder]
    SORT_ORDER_DESC: _ClassVar[SortOrder]
    SORT_ORDER_ASC: _ClassVar[SortOrder]

class UpsertMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPSERT_MODE_UNSPECIFIED: _ClassVar[UpsertMode]
    UPSERT_MODE_BEST_EFFORT: _ClassVar[UpsertMode]
    UPSERT_MODE_ALL_OR_NOTHING: _ClassVar[UpsertMode]

class UpsertOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPSERT_OUTCOME_UNSPECIFIED: _ClassVar[UpsertOutcome]
    UPSERT_OUTCOME_INSERTED: _ClassVar[UpsertOutcome]
    UPSERT_OUTCOME_UPDATED: _ClassVar[UpsertOutcome]
    UPSERT_OUTCOME_UNCHANGED: _ClassVar[UpsertOutcome]
    UPSERT_OUTCOME_INVALID: _ClassVar[UpsertOutcome]

class SummaryKey(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUMMARY_KEY_UNSPECIFIED: _ClassVar[SummaryKey]
    SUMMARY_KEY_STATUS: _ClassVar[SummaryKey]
    SUMMARY_KEY_DAY: _ClassVar[SummaryKey]
    SUMMARY_KEY_CURRENCY: _ClassVar[SummaryKey]
    SUMMARY_KEY_CUSTOMER: _ClassVar[SummaryKey]
    SUMMARY_KEY_SOURCE: _ClassVar[SummaryKey]

class RequestState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REQUEST_STATE_UNSPECIFIED: _ClassVar[RequestState]
    REQUEST_STATE_UNKNOWN: _ClassVar[RequestState]
    REQUEST_STATE_DONE: _ClassVar[RequestState]
PRICE_STEP_TYPE_UNSPECIFIED: PriceStepType
PRICE_STEP_TYPE_LINE: PriceStepType
PRICE_STEP_TYPE_SUBTOTAL: PriceStepType
PRICE_STEP_TYPE_LINE_DISCOUNT: PriceStepType
PRICE_STEP_TYPE_DISCOUNT: PriceStepType
PRICE_STEP_TYPE_TAX: PriceStepType
PRICE_STEP_TYPE_INCLUDED_TAX: PriceStepType
PRICE_STEP_TYPE_SHIPPING: PriceStepType
PRICE_STEP_TYPE_INSTALLATION: PriceStepType
PRICE_STEP_TYPE_POINTS: PriceStepType
PRICE_STEP_TYPE_TOTAL: PriceStepType
PRICE_STEP_TYPE_POINTS_EARNED: PriceStepType
ORDER_BY_UNSPECIFIED: OrderBy
ORDER_BY_CREATE_TIME: OrderBy
ORDER_BY_UPDATE_TIME: OrderBy
ORDER_BY_TOTAL: OrderBy
SORT_ORDER_UNSPECIFIED: SortOrder
SORT_ORDER_DESC: SortOrder
SORT_ORDER_ASC: SortOrder
UPSERT_MODE_UNSPECIFIED: UpsertMode
UPSERT_MODE_BEST_EFFORT: UpsertMode
UPSERT_MODE_ALL_OR_NOTHING: UpsertMode
UPSERT_OUTCOME_UNSPECIFIED: UpsertOutcome
UPSERT_OUTCOME_INSERTED: UpsertOutcome
UPSERT_OUTCOME_UPDATED: UpsertOutcome
UPSERT_OUTCOME_UNCHANGED: UpsertOutcome
UPSERT_OUTCOME_INVALID: UpsertOutcome
SUMMARY_KEY_UNSPECIFIED: SummaryKey
SUMMARY_KEY_STATUS: SummaryKey
SUMMARY_KEY_DAY: SummaryKey
SUMMARY_KEY_CURRENCY: SummaryKey
SUMMARY_KEY_CUSTOMER: SummaryKey
SUMMARY_KEY_SOURCE: SummaryKey
REQUEST_STATE_UNSPECIFIED: RequestState
REQUEST_STATE_UNKNOWN: RequestState
REQUEST_STATE_DONE: RequestState

class CreateOrderRequest(_message.Message):
    __slots__ = ("request_id", "customer_id", "items", "cart_id", "shipping_address", "shipping_address_id", "billing_address", "billing_address_id", "payment_method", "payment_method_id", "requested_delivery_time", "installation_time", "special_instructions", "coupon_code", "loyalty_points_to_use", "referral_code", "metadata", "validate_only", "delivery_method", "delivery_time_slot", "installation_time_slot", "currency_code", "accept_price_changes", "coupon_codes")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_ADDRESS_ID_FIELD_NUMBER: _ClassVar[int]
    BILLING_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    BILLING_ADDRESS_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHOD_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_DELIVERY_TIME_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_TIME_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    COUPON_CODE_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_TO_USE_FIELD_NUMBER: _ClassVar[int]
    REFERRAL_CODE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_METHOD_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_TIME_SLOT_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_TIME_SLOT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_PRICE_CHANGES_FIELD_NUMBER: _ClassVar[int]
    COUPON_CODES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    customer_id: str
    items: _containers.RepeatedCompositeFieldContainer[NewOrderItem]
    cart_id: str
    shipping_address: _order_pb2.Address
    shipping_address_id: str
    billing_address: _order_pb2.Address
    billing_address_id: str
    payment_method: _order_pb2.PaymentMethod
    payment_method_id: str
    requested_delivery_time: _timestamp_pb2.Timestamp
    installation_time: _timestamp_pb2.Timestamp
    special_instructions: str
    coupon_code: str
    loyalty_points_to_use: int
    referral_code: str
    metadata: _containers.ScalarMap[str, str]
    validate_only: bool
    delivery_method: str
    delivery_time_slot: str
    installation_time_slot: str
    currency_code: str
    accept_price_changes: bool
    coupon_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[NewOrderItem, _Mapping]]] = ..., cart_id: _Optional[str] = ..., shipping_address: _Optional[_Union[_order_pb2.Address, _Mapping]] = ..., shipping_address_id: _Optional[str] = ..., billing_address: _Optional[_Union[_order_pb2.Address, _Mapping]] = ..., billing_address_id: _Optional[str] = ..., payment_method: _Optional[_Union[_order_pb2.PaymentMethod, str]] = ..., payment_method_id: _Optional[str] = ..., requested_delivery_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., installation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., special_instructions: _Optional[str] = ..., coupon_code: _Optional[str] = ..., loyalty_points_to_use: _Optional[int] = ..., referral_code: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., validate_only: _Optional[bool] = ..., delivery_method: _Optional[str] = ..., delivery_time_slot: _Optional[str] = ..., installation_time_slot: _Optional[str] = ..., currency_code: _Optional[str] = ..., accept_price_changes: _Optional[bool] = ..., coupon_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class PriceOrderRequest(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: CreateOrderRequest
    def __init__(self, order: _Optional[_Union[CreateOrderRequest, _Mapping]] = ...) -> None: ...

class PriceOrderResponse(_message.Message):
    __slots__ = ("pricing", "items", "delivery", "installation", "steps", "delivery_options")
    PRICING_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    pricing: _order_pb2.Pricing
    items: _containers.RepeatedCompositeFieldContainer[_order_pb2.OrderItem]
    delivery: _order_pb2.Delivery
    installation: _order_pb2.Installation
    steps: _containers.RepeatedCompositeFieldContainer[PriceStep]
    delivery_options: _containers.RepeatedCompositeFieldContainer[DeliveryOption]
    def __init__(self, pricing: _Optional[_Union[_order_pb2.Pricing, _Mapping]] = ..., items: _Optional[_Iterable[_Union[_order_pb2.OrderItem, _Mapping]]] = ..., delivery: _Optional[_Union[_order_pb2.Delivery, _Mapping]] = ..., installation: _Optional[_Union[_order_pb2.Installation, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[PriceStep, _Mapping]]] = ..., delivery_options: _Optional[_Iterable[_Union[DeliveryOption, _Mapping]]] = ...) -> None: ...

class PriceStep(_message.Message):
    __slots__ = ("type", "subject", "rule", "numbers", "amount")
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    type: PriceStepType
    subject: str
    rule: str
    numbers: _containers.ScalarMap[str, str]
    amount: _money_pb2.Money
    def __init__(self, type: _Optional[_Union[PriceStepType, str]] = ..., subject: _Optional[str] = ..., rule: _Optional[str] = ..., numbers: _Optional[_Mapping[str, str]] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class DeliveryOption(_message.Message):
    __slots__ = ("method", "name", "price", "estimated_shipping_time", "estimated_delivery_time", "time_slots")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_SHIPPING_TIME_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_DELIVERY_TIME_FIELD_NUMBER: _ClassVar[int]
    TIME_SLOTS_FIELD_NUMBER: _ClassVar[int]
    method: str
    name: str
    price: _money_pb2.Money
    estimated_shipping_time: _timestamp_pb2.Timestamp
    estimated_delivery_time: _timestamp_pb2.Timestamp
    time_slots: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, method: _Optional[str] = ..., name: _Optional[str] = ..., price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., estimated_shipping_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., estimated_delivery_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_slots: _Optional[_Iterable[str]] = ...) -> None: ...

class NewOrderItem(_message.Message):
    __slots__ = ("product_id", "variant_id", "quantity", "design_project_id", "customizations", "without_installation")
    class CustomizationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DESIGN_PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMIZATIONS_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    variant_id: str
    quantity: int
    design_project_id: str
    customizations: _containers.ScalarMap[str, str]
    without_installation: bool
    def __init__(self, product_id: _Optional[str] = ..., variant_id: _Optional[str] = ..., quantity: _Optional[int] = ..., design_project_id: _Optional[str] = ..., customizations: _Optional[_Mapping[str, str]] = ..., without_installation: _Optional[bool] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("order_id", "show_consumers", "version", "read_time", "show_provenance", "read_mask")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SHOW_CONSUMERS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    READ_TIME_FIELD_NUMBER: _ClassVar[int]
    SHOW_PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    show_consumers: bool
    version: int
    read_time: _timestamp_pb2.Timestamp
    show_provenance: bool
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, order_id: _Optional[str] = ..., show_consumers: _Optional[bool] = ..., version: _Optional[int] = ..., read_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., show_provenance: _Optional[bool] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class BatchGetOrdersRequest(_message.Message):
    __slots__ = ("order_ids", "read_mask")
    ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    order_ids: _containers.RepeatedScalarFieldContainer[str]
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, order_ids: _Optional[_Iterable[str]] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class BatchGetOrdersResponse(_message.Message):
    __slots__ = ("orders", "missing_order_ids", "remaining_order_ids")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    MISSING_ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_order_pb2.Order]
    missing_order_ids: _containers.RepeatedScalarFieldContainer[str]
    remaining_order_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, orders: _Optional[_Iterable[_Union[_order_pb2.Order, _Mapping]]] = ..., missing_order_ids: _Optional[_Iterable[str]] = ..., remaining_order_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class OrderFilter(_message.Message):
    __slots__ = ("customer_id", "statuses", "payment_statuses", "source", "product_id", "create_time_from", "create_time_to", "update_time_from", "update_time_to", "total_from", "total_to", "external_order_id", "stuck_for", "order_ids", "document_number", "payment_event_id", "payment_provider", "variant_id", "imported", "customer_email", "customer_phone", "status_time_from", "status_time_to", "metadata_key", "metadata_value", "tracking_number", "coupon_code", "payment_id", "held")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_STATUSES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_TO_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_TO_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FROM_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TO_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    STUCK_FOR_FIELD_NUMBER: _ClassVar[int]
    ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_PROVIDER_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_PHONE_FIELD_NUMBER: _ClassVar[int]
    STATUS_TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    STATUS_TIME_TO_FIELD_NUMBER: _ClassVar[int]
    METADATA_KEY_FIELD_NUMBER: _ClassVar[int]
    METADATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    TRACKING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    COUPON_CODE_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    statuses: _containers.RepeatedScalarFieldContainer[_order_pb2.OrderStatus]
    payment_statuses: _containers.RepeatedScalarFieldContainer[_order_pb2.PaymentStatus]
    source: str
    product_id: str
    create_time_from: _timestamp_pb2.Timestamp
    create_time_to: _timestamp_pb2.Timestamp
    update_time_from: _timestamp_pb2.Timestamp
    update_time_to: _timestamp_pb2.Timestamp
    total_from: _money_pb2.Money
    total_to: _money_pb2.Money
    external_order_id: str
    stuck_for: _duration_pb2.Duration
    order_ids: _containers.RepeatedScalarFieldContainer[str]
    document_number: str
    payment_event_id: str
    payment_provider: str
    variant_id: str
    imported: bool
    customer_email: str
    customer_phone: str
    status_time_from: _timestamp_pb2.Timestamp
    status_time_to: _timestamp_pb2.Timestamp
    metadata_key: str
    metadata_value: str
    tracking_number: str
    coupon_code: str
    payment_id: str
    held: bool
    def __init__(self, customer_id: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_order_pb2.OrderStatus, str]]] = ..., payment_statuses: _Optional[_Iterable[_Union[_order_pb2.PaymentStatus, str]]] = ..., source: _Optional[str] = ..., product_id: _Optional[str] = ..., create_time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_from: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., total_to: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., external_order_id: _Optional[str] = ..., stuck_for: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., order_ids: _Optional[_Iterable[str]] = ..., document_number: _Optional[str] = ..., payment_event_id: _Optional[str] = ..., payment_provider: _Optional[str] = ..., variant_id: _Optional[str] = ..., imported: _Optional[bool] = ..., customer_email: _Optional[str] = ..., customer_phone: _Optional[str] = ..., status_time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status_time_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metadata_key: _Optional[str] = ..., metadata_value: _Optional[str] = ..., tracking_number: _Optional[str] = ..., coupon_code: _Optional[str] = ..., payment_id: _Optional[str] = ..., held: _Optional[bool] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("filter", "order_by", "sort_order", "limit", "page_size", "resume_token", "read_mask")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    SORT_ORDER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    filter: OrderFilter
    order_by: OrderBy
    sort_order: SortOrder
    limit: int
    page_size: int
    resume_token: str
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, filter: _Optional[_Union[OrderFilter, _Mapping]] = ..., order_by: _Optional[_Union[OrderBy, str]] = ..., sort_order: _Optional[_Union[SortOrder, str]] = ..., limit: _Optional[int] = ..., page_size: _Optional[int] = ..., resume_token: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("orders", "resume_token", "truncated", "complete", "count", "checksum", "limit_reached")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    LIMIT_REACHED_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_order_pb2.Order]
    resume_token: str
    truncated: bool
    complete: bool
    count: int
    checksum: int
    limit_reached: bool
    def __init__(self, orders: _Optional[_Iterable[_Union[_order_pb2.Order, _Mapping]]] = ..., resume_token: _Optional[str] = ..., truncated: _Optional[bool] = ..., complete: _Optional[bool] = ..., count: _Optional[int] = ..., checksum: _Optional[int] = ..., limit_reached: _Optional[bool] = ...) -> None: ...

class SearchOrdersRequest(_message.Message):
    __slots__ = ("filter", "order_by", "sort_order", "page_size", "page_token", "skip", "read_mask")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    SORT_ORDER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    filter: OrderFilter
    order_by: OrderBy
    sort_order: SortOrder
    page_size: int
    page_token: str
    skip: int
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, filter: _Optional[_Union[OrderFilter, _Mapping]] = ..., order_by: _Optional[_Union[OrderBy, str]] = ..., sort_order: _Optional[_Union[SortOrder, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., skip: _Optional[int] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class SearchOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token", "total_size", "total_size_estimated", "previous_page_token")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_order_pb2.Order]
    next_page_token: str
    total_size: int
    total_size_estimated: bool
    previous_page_token: str
    def __init__(self, orders: _Optional[_Iterable[_Union[_order_pb2.Order, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ..., total_size_estimated: _Optional[bool] = ..., previous_page_token: _Optional[str] = ...) -> None: ...

class UpdateOrderRequest(_message.Message):
    __slots__ = ("order", "update_mask", "request_id", "validate_only", "override_reason", "accept_price_changes", "add_coupon_codes", "remove_coupon_codes", "settle", "merge")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_REASON_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_PRICE_CHANGES_FIELD_NUMBER: _ClassVar[int]
    ADD_COUPON_CODES_FIELD_NUMBER: _ClassVar[int]
    REMOVE_COUPON_CODES_FIELD_NUMBER: _ClassVar[int]
    SETTLE_FIELD_NUMBER: _ClassVar[int]
    MERGE_FIELD_NUMBER: _ClassVar[int]
    order: _order_pb2.Order
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    override_reason: str
    accept_price_changes: bool
    add_coupon_codes: _containers.RepeatedScalarFieldContainer[str]
    remove_coupon_codes: _containers.RepeatedScalarFieldContainer[str]
    settle: bool
    merge: bool
    def __init__(self, order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., override_reason: _Optional[str] = ..., accept_price_changes: _Optional[bool] = ..., add_coupon_codes: _Optional[_Iterable[str]] = ..., remove_coupon_codes: _Optional[_Iterable[str]] = ..., settle: _Optional[bool] = ..., merge: _Optional[bool] = ...) -> None: ...

class TransitionOrderRequest(_message.Message):
    __slots__ = ("order_id", "status", "carrier", "tracking_number", "etag", "request_id", "override_reason", "reason", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_REASON_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    status: _order_pb2.OrderStatus
    carrier: str
    tracking_number: str
    etag: str
    request_id: str
    override_reason: str
    reason: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., status: _Optional[_Union[_order_pb2.OrderStatus, str]] = ..., carrier: _Optional[str] = ..., tracking_number: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., override_reason: _Optional[str] = ..., reason: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("order_id", "reason", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    reason: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CancelOrderLinesRequest(_message.Message):
    __slots__ = ("order_id", "items", "reason", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    items: _containers.RepeatedCompositeFieldContainer[LineQuantity]
    reason: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[LineQuantity, _Mapping]]] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class LineQuantity(_message.Message):
    __slots__ = ("item_id", "quantity")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    quantity: int
    def __init__(self, item_id: _Optional[str] = ..., quantity: _Optional[int] = ...) -> None: ...

class TrackOrderRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class RecordTrackingEventRequest(_message.Message):
    __slots__ = ("order_id", "event", "carrier", "tracking_number", "estimated_delivery_time", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_DELIVERY_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    event: _order_pb2.TrackingEvent
    carrier: str
    tracking_number: str
    estimated_delivery_time: _timestamp_pb2.Timestamp
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., event: _Optional[_Union[_order_pb2.TrackingEvent, _Mapping]] = ..., carrier: _Optional[str] = ..., tracking_number: _Optional[str] = ..., estimated_delivery_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpsertOrdersRequest(_message.Message):
    __slots__ = ("source", "orders", "mode", "validate_only", "request_id", "preview_orders")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_ORDERS_FIELD_NUMBER: _ClassVar[int]
    source: str
    orders: _containers.RepeatedCompositeFieldContainer[UpsertOrder]
    mode: UpsertMode
    validate_only: bool
    request_id: str
    preview_orders: int
    def __init__(self, source: _Optional[str] = ..., orders: _Optional[_Iterable[_Union[UpsertOrder, _Mapping]]] = ..., mode: _Optional[_Union[UpsertMode, str]] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., preview_orders: _Optional[int] = ...) -> None: ...

class UpsertOrder(_message.Message):
    __slots__ = ("external_order_id", "customer", "items", "shipping_address", "address_text", "discount", "total", "total_quantity", "referral_code", "status", "metadata", "shipments", "returns", "order_time", "tax", "shipping", "installation", "included_tax", "loyalty_points_used", "loyalty_points_value", "loyalty_points_earned", "payments")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EXTERNAL_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_TEXT_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REFERRAL_CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SHIPMENTS_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    ORDER_TIME_FIELD_NUMBER: _ClassVar[int]
    TAX_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    INCLUDED_TAX_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_USED_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_VALUE_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_EARNED_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    external_order_id: str
    customer: _order_pb2.Customer
    items: _containers.RepeatedCompositeFieldContainer[UpsertOrderItem]
    shipping_address: _order_pb2.Address
    address_text: str
    discount: _money_pb2.Money
    total: _money_pb2.Money
    total_quantity: int
    referral_code: str
    status: _order_pb2.OrderStatus
    metadata: _containers.ScalarMap[str, str]
    shipments: _containers.RepeatedCompositeFieldContainer[_shipment_pb2.Shipment]
    returns: _containers.RepeatedCompositeFieldContainer[_order_return_pb2.OrderReturn]
    order_time: _timestamp_pb2.Timestamp
    tax: _money_pb2.Money
    shipping: _money_pb2.Money
    installation: _money_pb2.Money
    included_tax: _money_pb2.Money
    loyalty_points_used: int
    loyalty_points_value: _money_pb2.Money
    loyalty_points_earned: int
    payments: _containers.RepeatedCompositeFieldContainer[UpsertPayment]
    def __init__(self, external_order_id: _Optional[str] = ..., customer: _Optional[_Union[_order_pb2.Customer, _Mapping]] = ..., items: _Optional[_Iterable[_Union[UpsertOrderItem, _Mapping]]] = ..., shipping_address: _Optional[_Union[_order_pb2.Address, _Mapping]] = ..., address_text: _Optional[str] = ..., discount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., total: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., total_quantity: _Optional[int] = ..., referral_code: _Optional[str] = ..., status: _Optional[_Union[_order_pb2.OrderStatus, str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., shipments: _Optional[_Iterable[_Union[_shipment_pb2.Shipment, _Mapping]]] = ..., returns: _Optional[_Iterable[_Union[_order_return_pb2.OrderReturn, _Mapping]]] = ..., order_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tax: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., shipping: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., installation: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., included_tax: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., loyalty_points_used: _Optional[int] = ..., loyalty_points_value: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., loyalty_points_earned: _Optional[int] = ..., payments: _Optional[_Iterable[_Union[UpsertPayment, _Mapping]]] = ...) -> None: ...

class UpsertPayment(_message.Message):
    __slots__ = ("provider", "provider_payment_id", "method", "authorized_amount", "captured_amount", "refunded_amount")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    provider_payment_id: str
    method: str
    authorized_amount: _money_pb2.Money
    captured_amount: _money_pb2.Money
    refunded_amount: _money_pb2.Money
    def __init__(self, provider: _Optional[str] = ..., provider_payment_id: _Optional[str] = ..., method: _Optional[str] = ..., authorized_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., captured_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., refunded_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class UpsertOrderItem(_message.Message):
    __slots__ = ("sku", "name", "quantity", "unit_price", "total_price", "item_id")
    SKU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PRICE_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    sku: str
    name: str
    quantity: int
    unit_price: _money_pb2.Money
    total_price: _money_pb2.Money
    item_id: str
    def __init__(self, sku: _Optional[str] = ..., name: _Optional[str] = ..., quantity: _Optional[int] = ..., unit_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., total_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., item_id: _Optional[str] = ...) -> None: ...

class BatchUpsertOrdersResponse(_message.Message):
    __slots__ = ("message", "inserted", "updated", "unchanged", "invalid", "skipped", "results")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    INSERTED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    INVALID_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    message: str
    inserted: int
    updated: int
    unchanged: int
    invalid: int
    skipped: int
    results: _containers.RepeatedCompositeFieldContainer[UpsertResult]
    def __init__(self, message: _Optional[str] = ..., inserted: _Optional[int] = ..., updated: _Optional[int] = ..., unchanged: _Optional[int] = ..., invalid: _Optional[int] = ..., skipped: _Optional[int] = ..., results: _Optional[_Iterable[_Union[UpsertResult, _Mapping]]] = ...) -> None: ...

class UpsertResult(_message.Message):
    __slots__ = ("index", "external_order_id", "outcome", "order_id", "etag", "warnings", "status", "order")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    index: int
    external_order_id: str
    outcome: UpsertOutcome
    order_id: str
    etag: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    status: _status_pb2.Status
    order: _order_pb2.Order
    def __init__(self, index: _Optional[int] = ..., external_order_id: _Optional[str] = ..., outcome: _Optional[_Union[UpsertOutcome, str]] = ..., order_id: _Optional[str] = ..., etag: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ...) -> None: ...

class BatchCreateOrdersRequest(_message.Message):
    __slots__ = ("requests", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateOrderRequest]
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateOrderRequest, _Mapping]]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCreateOrdersResponse(_message.Message):
    __slots__ = ("results", "succeeded", "failed")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[OrderResult]
    succeeded: int
    failed: int
    def __init__(self, results: _Optional[_Iterable[_Union[OrderResult, _Mapping]]] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class BatchTransitionOrdersRequest(_message.Message):
    __slots__ = ("requests", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[TransitionOrderRequest]
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[TransitionOrderRequest, _Mapping]]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchTransitionOrdersResponse(_message.Message):
    __slots__ = ("results", "succeeded", "failed")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[OrderResult]
    succeeded: int
    failed: int
    def __init__(self, results: _Optional[_Iterable[_Union[OrderResult, _Mapping]]] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class BatchCancelOrdersRequest(_message.Message):
    __slots__ = ("requests", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CancelOrderRequest]
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CancelOrderRequest, _Mapping]]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCancelOrdersResponse(_message.Message):
    __slots__ = ("results", "succeeded", "failed")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[OrderResult]
    succeeded: int
    failed: int
    def __init__(self, results: _Optional[_Iterable[_Union[OrderResult, _Mapping]]] = ..., succeeded: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class OrderResult(_message.Message):
    __slots__ = ("index", "request_id", "order_id", "order", "replayed", "status")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    index: int
    request_id: str
    order_id: str
    order: _order_pb2.Order
    replayed: bool
    status: _status_pb2.Status
    def __init__(self, index: _Optional[int] = ..., request_id: _Optional[str] = ..., order_id: _Optional[str] = ..., order: _Optional[_Union[_order_pb2.Order, _Mapping]] = ..., replayed: _Optional[bool] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class SummarizeOrdersRequest(_message.Message):
    __slots__ = ("filter", "group_by")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    filter: OrderFilter
    group_by: SummaryKey
    def __init__(self, filter: _Optional[_Union[OrderFilter, _Mapping]] = ..., group_by: _Optional[_Union[SummaryKey, str]] = ...) -> None: ...

class SummarizeOrdersResponse(_message.Message):
    __slots__ = ("groups", "orders_truncated", "groups_truncated")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    GROUPS_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[OrderSummary]
    orders_truncated: bool
    groups_truncated: bool
    def __init__(self, groups: _Optional[_Iterable[_Union[OrderSummary, _Mapping]]] = ..., orders_truncated: _Optional[bool] = ..., groups_truncated: _Optional[bool] = ...) -> None: ...

class OrderSummary(_message.Message):
    __slots__ = ("key", "count", "total")
    KEY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    key: str
    count: int
    total: _money_pb2.Money
    def __init__(self, key: _Optional[str] = ..., count: _Optional[int] = ..., total: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class RecordPaymentRequest(_message.Message):
    __slots__ = ("order_id", "event", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    event: _order_pb2.PaymentEvent
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., event: _Optional[_Union[_order_pb2.PaymentEvent, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RefundOrderRequest(_message.Message):
    __slots__ = ("order_id", "amount", "reason", "etag", "request_id", "payment_id", "items", "shipping", "installation", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    amount: _money_pb2.Money
    reason: str
    etag: str
    request_id: str
    payment_id: str
    items: _containers.RepeatedCompositeFieldContainer[LineQuantity]
    shipping: bool
    installation: bool
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., payment_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[LineQuantity, _Mapping]]] = ..., shipping: _Optional[bool] = ..., installation: _Optional[bool] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CapturePaymentRequest(_message.Message):
    __slots__ = ("order_id", "payment_id", "amount", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    payment_id: str
    amount: _money_pb2.Money
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., payment_id: _Optional[str] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class VoidPaymentRequest(_message.Message):
    __slots__ = ("order_id", "payment_id", "reason", "etag", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    payment_id: str
    reason: str
    etag: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., payment_id: _Optional[str] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GetInvoiceRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class ReorderOrderRequest(_message.Message):
    __slots__ = ("order_id", "request_id", "validate_only")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    request_id: str
    validate_only: bool
    def __init__(self, order_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ExplainOrderRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class ExplainOrderResponse(_message.Message):
    __slots__ = ("order_id", "status", "transitions")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TRANSITIONS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    status: _order_pb2.OrderStatus
    transitions: _containers.RepeatedCompositeFieldContainer[TransitionExplanation]
    def __init__(self, order_id: _Optional[str] = ..., status: _Optional[_Union[_order_pb2.OrderStatus, str]] = ..., transitions: _Optional[_Iterable[_Union[TransitionExplanation, _Mapping]]] = ...) -> None: ...

class TransitionExplanation(_message.Message):
    __slots__ = ("to", "allowed", "blocked_by", "explanation", "roles", "passing", "blockers")
    TO_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_BY_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    PASSING_FIELD_NUMBER: _ClassVar[int]
    BLOCKERS_FIELD_NUMBER: _ClassVar[int]
    to: _order_pb2.OrderStatus
    allowed: bool
    blocked_by: _error_reason_pb2.ErrorReason
    explanation: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    passing: _containers.RepeatedScalarFieldContainer[_order_pb2.OrderStatus]
    blockers: _containers.RepeatedCompositeFieldContainer[TransitionBlocker]
    def __init__(self, to: _Optional[_Union[_order_pb2.OrderStatus, str]] = ..., allowed: _Optional[bool] = ..., blocked_by: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., explanation: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., passing: _Optional[_Iterable[_Union[_order_pb2.OrderStatus, str]]] = ..., blockers: _Optional[_Iterable[_Union[TransitionBlocker, _Mapping]]] = ...) -> None: ...

class TransitionBlocker(_message.Message):
    __slots__ = ("guard", "reason", "explanation")
    GUARD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    guard: str
    reason: _error_reason_pb2.ErrorReason
    explanation: str
    def __init__(self, guard: _Optional[str] = ..., reason: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., explanation: _Optional[str] = ...) -> None: ...

class ExplainPriceRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class ExplainPriceResponse(_message.Message):
    __slots__ = ("order_id", "version", "pricing", "steps")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PRICING_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    version: int
    pricing: _order_pb2.Pricing
    steps: _containers.RepeatedCompositeFieldContainer[PriceStep]
    def __init__(self, order_id: _Optional[str] = ..., version: _Optional[int] = ..., pricing: _Optional[_Union[_order_pb2.Pricing, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[PriceStep, _Mapping]]] = ...) -> None: ...

class ListOrderEventsRequest(_message.Message):
    __slots__ = ("order_id", "page_size", "page_token")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    page_size: int
    page_token: str
    def __init__(self, order_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOrderEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_order_pb2.OrderEvent]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[_order_pb2.OrderEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchOrdersRequest(_message.Message):
    __slots__ = ("filter", "event_types", "resume_token", "start_time", "consumer_id", "latest", "include_order", "read_mask", "bookmark_interval", "end_when_caught_up")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ORDER_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    BOOKMARK_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    END_WHEN_CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    filter: OrderFilter
    event_types: _containers.RepeatedScalarFieldContainer[_order_pb2.OrderEventType]
    resume_token: str
    start_time: _timestamp_pb2.Timestamp
    consumer_id: str
    latest: bool
    include_order: bool
    read_mask: _field_mask_pb2.FieldMask
    bookmark_interval: _duration_pb2.Duration
    end_when_caught_up: bool
    def __init__(self, filter: _Optional[_Union[OrderFilter, _Mapping]] = ..., event_types: _Optional[_Iterable[_Union[_order_pb2.OrderEventType, str]]] = ..., resume_token: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., consumer_id: _Optional[str] = ..., latest: _Optional[bool] = ..., include_order: _Optional[bool] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., bookmark_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., end_when_caught_up: _Optional[bool] = ...) -> None: ...

class WatchOrdersResponse(_message.Message):
    __slots__ = ("changes", "resume_token", "caught_up", "truncated", "count", "checksum")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[_order_change_pb2.OrderChange]
    resume_token: str
    caught_up: bool
    truncated: bool
    count: int
    checksum: int
    def __init__(self, changes: _Optional[_Iterable[_Union[_order_change_pb2.OrderChange, _Mapping]]] = ..., resume_token: _Optional[str] = ..., caught_up: _Optional[bool] = ..., truncated: _Optional[bool] = ..., count: _Optional[int] = ..., checksum: _Optional[int] = ...) -> None: ...

class ListOrderChangesRequest(_message.Message):
    __slots__ = ("filter", "event_types", "resume_token", "start_time", "consumer_id", "latest", "include_order", "read_mask", "page_size")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ORDER_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    filter: OrderFilter
    event_types: _containers.RepeatedScalarFieldContainer[_order_pb2.OrderEventType]
    resume_token: str
    start_time: _timestamp_pb2.Timestamp
    consumer_id: str
    latest: bool
    include_order: bool
    read_mask: _field_mask_pb2.FieldMask
    page_size: int
    def __init__(self, filter: _Optional[_Union[OrderFilter, _Mapping]] = ..., event_types: _Optional[_Iterable[_Union[_order_pb2.OrderEventType, str]]] = ..., resume_token: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., consumer_id: _Optional[str] = ..., latest: _Optional[bool] = ..., include_order: _Optional[bool] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListOrderChangesResponse(_message.Message):
    __slots__ = ("changes", "resume_token", "caught_up", "count", "checksum")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[_order_change_pb2.OrderChange]
    resume_token: str
    caught_up: bool
    count: int
    checksum: int
    def __init__(self, changes: _Optional[_Iterable[_Union[_order_change_pb2.OrderChange, _Mapping]]] = ..., resume_token: _Optional[str] = ..., caught_up: _Optional[bool] = ..., count: _Optional[int] = ..., checksum: _Optional[int] = ...) -> None: ...

class ReconcileOrdersRequest(_message.Message):
    __slots__ = ("filter", "orders", "after_order_id")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    AFTER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    filter: OrderFilter
    orders: _containers.RepeatedCompositeFieldContainer[_order_change_pb2.OrderState]
    after_order_id: str
    def __init__(self, filter: _Optional[_Union[OrderFilter, _Mapping]] = ..., orders: _Optional[_Iterable[_Union[_order_change_pb2.OrderState, _Mapping]]] = ..., after_order_id: _Optional[str] = ...) -> None: ...

class ReconcileOrdersResponse(_message.Message):
    __slots__ = ("differences", "last_order_id", "complete", "count", "checksum", "resume_token")
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    differences: _containers.RepeatedCompositeFieldContainer[_order_change_pb2.OrderDifference]
    last_order_id: str
    complete: bool
    count: int
    checksum: int
    resume_token: str
    def __init__(self, differences: _Optional[_Iterable[_Union[_order_change_pb2.OrderDifference, _Mapping]]] = ..., last_order_id: _Optional[str] = ..., complete: _Optional[bool] = ..., count: _Optional[int] = ..., checksum: _Optional[int] = ..., resume_token: _Optional[str] = ...) -> None: ...

class DiffOrderRequest(_message.Message):
    __slots__ = ("order_id", "from_version", "to_version")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    from_version: int
    to_version: int
    def __init__(self, order_id: _Optional[str] = ..., from_version: _Optional[int] = ..., to_version: _Optional[int] = ...) -> None: ...

class DiffOrderResponse(_message.Message):
    __slots__ = ("order_id", "from_version", "to_version", "differences")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    from_version: int
    to_version: int
    differences: _containers.RepeatedCompositeFieldContainer[FieldDifference]
    def __init__(self, order_id: _Optional[str] = ..., from_version: _Optional[int] = ..., to_version: _Optional[int] = ..., differences: _Optional[_Iterable[_Union[FieldDifference, _Mapping]]] = ...) -> None: ...

class FieldDifference(_message.Message):
    __slots__ = ("path", "old_value", "new_value", "event")
    PATH_FIELD_NUMBER: _ClassVar[int]
    OLD_VALUE_FIELD_NUMBER: _ClassVar[int]
    NEW_VALUE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    path: str
    old_value: _struct_pb2.Value
    new_value: _struct_pb2.Value
    event: _order_pb2.OrderEvent
    def __init__(self, path: _Optional[str] = ..., old_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., new_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., event: _Optional[_Union[_order_pb2.OrderEvent, _Mapping]] = ...) -> None: ...

class GetRequestRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class GetRequestResponse(_message.Message):
    __slots__ = ("request_id", "state", "done")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    state: RequestState
    done: _containers.RepeatedCompositeFieldContainer[DoneRequest]
    def __init__(self, request_id: _Optional[str] = ..., state: _Optional[_Union[RequestState, str]] = ..., done: _Optional[_Iterable[_Union[DoneRequest, _Mapping]]] = ...) -> None: ...

class DoneRequest(_message.Message):
    __slots__ = ("method", "answer_time", "order_id", "order_version", "current_order_version", "response")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ANSWER_TIME_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_VERSION_FIELD_NUMBER: _ClassVar[int]
    CURRENT_ORDER_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    method: str
    answer_time: _timestamp_pb2.Timestamp
    order_id: str
    order_version: int
    current_order_version: int
    response: _any_pb2.Any
    def __init__(self, method: _Optional[str] = ..., answer_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., order_id: _Optional[str] = ..., order_version: _Optional[int] = ..., current_order_version: _Optional[int] = ..., response: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...
