import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import decimal_pb2 as _decimal_pb2
from google.type import money_pb2 as _money_pb2
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

class EventValuesState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_VALUES_STATE_UNSPECIFIED: _ClassVar[EventValuesState]
    EVENT_VALUES_STATE_RECORDED: _ClassVar[EventValuesState]
    EVENT_VALUES_STATE_NOT_RECORDED: _ClassVar[EventValuesState]
    EVENT_VALUES_STATE_ERASED: _ClassVar[EventValuesState]

class OrderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATUS_UNSPECIFIED: _ClassVar[OrderStatus]
    ORDER_STATUS_PENDING: _ClassVar[OrderStatus]
    ORDER_STATUS_CONFIRMED: _ClassVar[OrderStatus]
    ORDER_STATUS_PROCESSING: _ClassVar[OrderStatus]
    ORDER_STATUS_SHIPPED: _ClassVar[OrderStatus]
    ORDER_STATUS_DELIVERED: _ClassVar[OrderStatus]
    ORDER_STATUS_CANCELLED: _ClassVar[OrderStatus]

class PaymentStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_STATUS_UNSPECIFIED: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_UNPAID: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_AUTHORIZED: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_PAID: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_PARTIALLY_REFUNDED: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_REFUNDED: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_REFUND_DUE: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_FAILED: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_PARTIALLY_PAID: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_VOIDED: _ClassVar[PaymentStatus]
    PAYMENT_STATUS_DISPUTED: _ClassVar[PaymentStatus]

class ShippingStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHIPPING_STATUS_UNSPECIFIED: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_NOT_SHIPPED: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_PROCESSING: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_SHIPPED: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_IN_TRANSIT: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_DELIVERED: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_RETURNED: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_PARTIALLY_SHIPPED: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_PARTIALLY_DELIVERED: _ClassVar[ShippingStatus]
    SHIPPING_STATUS_PARTIALLY_RETURNED: _ClassVar[ShippingStatus]

class PaymentMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_METHOD_UNSPECIFIED: _ClassVar[PaymentMethod]
    PAYMENT_METHOD_CREDIT_CARD: _ClassVar[PaymentMethod]
    PAYMENT_METHOD_PAYPAL: _ClassVar[PaymentMethod]
    PAYMENT_METHOD_BANK_TRANSFER: _ClassVar[PaymentMethod]
    PAYMENT_METHOD_CASH_ON_DELIVERY: _ClassVar[PaymentMethod]

class PaymentIntentStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_INTENT_STATUS_UNSPECIFIED: _ClassVar[PaymentIntentStatus]
    PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD: _ClassVar[PaymentIntentStatus]
    PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION: _ClassVar[PaymentIntentStatus]
    PAYMENT_INTENT_STATUS_PROCESSING: _ClassVar[PaymentIntentStatus]
    PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE: _ClassVar[PaymentIntentStatus]
    PAYMENT_INTENT_STATUS_SUCCEEDED: _ClassVar[PaymentIntentStatus]
    PAYMENT_INTENT_STATUS_CANCELLED: _ClassVar[PaymentIntentStatus]

class PaymentEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYMENT_EVENT_TYPE_UNSPECIFIED: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_AUTHORIZED: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_PAID: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_FAILED: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_REFUNDED: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_REFUND_FAILED: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_VOIDED: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_DISPUTE_OPENED: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_DISPUTE_WON: _ClassVar[PaymentEventType]
    PAYMENT_EVENT_TYPE_DISPUTE_LOST: _ClassVar[PaymentEventType]

class RefundStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUND_STATUS_UNSPECIFIED: _ClassVar[RefundStatus]
    REFUND_STATUS_PENDING: _ClassVar[RefundStatus]
    REFUND_STATUS_SUCCEEDED: _ClassVar[RefundStatus]
    REFUND_STATUS_FAILED: _ClassVar[RefundStatus]

class PricePart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_PART_UNSPECIFIED: _ClassVar[PricePart]
    PRICE_PART_LINE: _ClassVar[PricePart]
    PRICE_PART_SHIPPING: _ClassVar[PricePart]
    PRICE_PART_INSTALLATION: _ClassVar[PricePart]

class PriceAdjustmentType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_ADJUSTMENT_TYPE_UNSPECIFIED: _ClassVar[PriceAdjustmentType]
    PRICE_ADJUSTMENT_TYPE_LINES_CANCELLED: _ClassVar[PriceAdjustmentType]
    PRICE_ADJUSTMENT_TYPE_SETTLED: _ClassVar[PriceAdjustmentType]

class CouponType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COUPON_TYPE_UNSPECIFIED: _ClassVar[CouponType]
    COUPON_TYPE_PERCENTAGE: _ClassVar[CouponType]
    COUPON_TYPE_FIXED: _ClassVar[CouponType]

class CouponPayer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COUPON_PAYER_UNSPECIFIED: _ClassVar[CouponPayer]
    COUPON_PAYER_SHOP: _ClassVar[CouponPayer]
    COUPON_PAYER_THIRD_PARTY: _ClassVar[CouponPayer]

class RoundingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUNDING_MODE_UNSPECIFIED: _ClassVar[RoundingMode]
    ROUNDING_MODE_HALF_EVEN: _ClassVar[RoundingMode]
    ROUNDING_MODE_HALF_UP: _ClassVar[RoundingMode]

class RoundingLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUNDING_LEVEL_UNSPECIFIED: _ClassVar[RoundingLevel]
    ROUNDING_LEVEL_LINE: _ClassVar[RoundingLevel]
    ROUNDING_LEVEL_ORDER: _ClassVar[RoundingLevel]

class ShippingTaxPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHIPPING_TAX_POLICY_UNSPECIFIED: _ClassVar[ShippingTaxPolicy]
    SHIPPING_TAX_POLICY_CLASS: _ClassVar[ShippingTaxPolicy]
    SHIPPING_TAX_POLICY_PROPORTIONAL: _ClassVar[ShippingTaxPolicy]
    SHIPPING_TAX_POLICY_HIGHEST: _ClassVar[ShippingTaxPolicy]

class TrackingStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRACKING_STATUS_UNSPECIFIED: _ClassVar[TrackingStatus]
    TRACKING_STATUS_ORDER_PLACED: _ClassVar[TrackingStatus]
    TRACKING_STATUS_ORDER_CONFIRMED: _ClassVar[TrackingStatus]
    TRACKING_STATUS_PROCESSING: _ClassVar[TrackingStatus]
    TRACKING_STATUS_SHIPPED: _ClassVar[TrackingStatus]
    TRACKING_STATUS_IN_TRANSIT: _ClassVar[TrackingStatus]
    TRACKING_STATUS_OUT_FOR_DELIVERY: _ClassVar[TrackingStatus]
    TRACKING_STATUS_DELIVERY_ATTEMPTED: _ClassVar[TrackingStatus]
    TRACKING_STATUS_DELIVERED: _ClassVar[TrackingStatus]
    TRACKING_STATUS_EXCEPTION: _ClassVar[TrackingStatus]
    TRACKING_STATUS_RETURNED: _ClassVar[TrackingStatus]
    TRACKING_STATUS_CANCELLED: _ClassVar[TrackingStatus]

class OrderEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_EVENT_TYPE_UNSPECIFIED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_CREATED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_IMPORTED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_UPDATED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_STATUS_CHANGED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_TRACKING: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_PAYMENT: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_REFUND: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_ERASED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_SHIPMENT_CREATED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_SHIPMENT_UPDATED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_SHIPMENT_SHIPPED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_SHIPMENT_DELIVERED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_SHIPMENT_CANCELLED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_HOLD_PLACED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_HOLD_RELEASED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_FULFILMENT_COMPLETED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_FULFILMENT_GIVEN_BACK: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_RETURN_REQUESTED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_RETURN_APPROVED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_RETURN_DECLINED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_RETURN_RECEIVED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_RETURN_CLOSED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_ITEM_RATED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_INSTALLATION_REQUESTED: _ClassVar[OrderEventType]
    ORDER_EVENT_TYPE_BACKORDER_ALLOCATED: _ClassVar[OrderEventType]
EVENT_VALUES_STATE_UNSPECIFIED: EventValuesState
EVENT_VALUES_STATE_RECORDED: EventValuesState
EVENT_VALUES_STATE_NOT_RECORDED: EventValuesState
EVENT_VALUES_STATE_ERASED: EventValuesState
ORDER_STATUS_UNSPECIFIED: OrderStatus
ORDER_STATUS_PENDING: OrderStatus
ORDER_STATUS_CONFIRMED: OrderStatus
ORDER_STATUS_PROCESSING: OrderStatus
ORDER_STATUS_SHIPPED: OrderStatus
ORDER_STATUS_DELIVERED: OrderStatus
ORDER_STATUS_CANCELLED: OrderStatus
PAYMENT_STATUS_UNSPECIFIED: PaymentStatus
PAYMENT_STATUS_UNPAID: PaymentStatus
PAYMENT_STATUS_AUTHORIZED: PaymentStatus
PAYMENT_STATUS_PAID: PaymentStatus
PAYMENT_STATUS_PARTIALLY_REFUNDED: PaymentStatus
PAYMENT_STATUS_REFUNDED: PaymentStatus
PAYMENT_STATUS_REFUND_DUE: PaymentStatus
PAYMENT_STATUS_FAILED: PaymentStatus
PAYMENT_STATUS_PARTIALLY_PAID: PaymentStatus
PAYMENT_STATUS_VOIDED: PaymentStatus
PAYMENT_STATUS_DISPUTED: PaymentStatus
SHIPPING_STATUS_UNSPECIFIED: ShippingStatus
SHIPPING_STATUS_NOT_SHIPPED: ShippingStatus
SHIPPING_STATUS_PROCESSING: ShippingStatus
SHIPPING_STATUS_SHIPPED: ShippingStatus
SHIPPING_STATUS_IN_TRANSIT: ShippingStatus
SHIPPING_STATUS_DELIVERED: ShippingStatus
SHIPPING_STATUS_RETURNED: ShippingStatus
SHIPPING_STATUS_PARTIALLY_SHIPPED: ShippingStatus
SHIPPING_STATUS_PARTIALLY_DELIVERED: ShippingStatus
SHIPPING_STATUS_PARTIALLY_RETURNED: ShippingStatus
PAYMENT_METHOD_UNSPECIFIED: PaymentMethod
PAYMENT_METHOD_CREDIT_CARD: PaymentMethod
PAYMENT_METHOD_PAYPAL: PaymentMethod
PAYMENT_METHOD_BANK_TRANSFER: PaymentMethod
PAYMENT_METHOD_CASH_ON_DELIVERY: PaymentMethod
PAYMENT_INTENT_STATUS_UNSPECIFIED: PaymentIntentStatus
PAYMENT_INTENT_STATUS_REQUIRES_PAYMENT_METHOD: PaymentIntentStatus
PAYMENT_INTENT_STATUS_REQUIRES_CONFIRMATION: PaymentIntentStatus
PAYMENT_INTENT_STATUS_PROCESSING: PaymentIntentStatus
PAYMENT_INTENT_STATUS_REQUIRES_CAPTURE: PaymentIntentStatus
PAYMENT_INTENT_STATUS_SUCCEEDED: PaymentIntentStatus
PAYMENT_INTENT_STATUS_CANCELLED: PaymentIntentStatus
PAYMENT_EVENT_TYPE_UNSPECIFIED: PaymentEventType
PAYMENT_EVENT_TYPE_AUTHORIZED: PaymentEventType
PAYMENT_EVENT_TYPE_PAID: PaymentEventType
PAYMENT_EVENT_TYPE_FAILED: PaymentEventType
PAYMENT_EVENT_TYPE_REFUNDED: PaymentEventType
PAYMENT_EVENT_TYPE_REFUND_FAILED: PaymentEventType
PAYMENT_EVENT_TYPE_VOIDED: PaymentEventType
PAYMENT_EVENT_TYPE_DISPUTE_OPENED: PaymentEventType
PAYMENT_EVENT_TYPE_DISPUTE_WON: PaymentEventType
PAYMENT_EVENT_TYPE_DISPUTE_LOST: PaymentEventType
REFUND_STATUS_UNSPECIFIED: RefundStatus
REFUND_STATUS_PENDING: RefundStatus
REFUND_STATUS_SUCCEEDED: RefundStatus
REFUND_STATUS_FAILED: RefundStatus
PRICE_PART_UNSPECIFIED: PricePart
PRICE_PART_LINE: PricePart
PRICE_PART_SHIPPING: PricePart
PRICE_PART_INSTALLATION: PricePart
PRICE_ADJUSTMENT_TYPE_UNSPECIFIED: PriceAdjustmentType
PRICE_ADJUSTMENT_TYPE_LINES_CANCELLED: PriceAdjustmentType
PRICE_ADJUSTMENT_TYPE_SETTLED: PriceAdjustmentType
COUPON_TYPE_UNSPECIFIED: CouponType
COUPON_TYPE_PERCENTAGE: CouponType
COUPON_TYPE_FIXED: CouponType
COUPON_PAYER_UNSPECIFIED: CouponPayer
COUPON_PAYER_SHOP: CouponPayer
COUPON_PAYER_THIRD_PARTY: CouponPayer
ROUNDING_MODE_UNSPECIFIED: RoundingMode
ROUNDING_MODE_HALF_EVEN: RoundingMode
ROUNDING_MODE_HALF_UP: RoundingMode
ROUNDING_LEVEL_UNSPECIFIED: RoundingLevel
ROUNDING_LEVEL_LINE: RoundingLevel
ROUNDING_LEVEL_ORDER: RoundingLevel
SHIPPING_TAX_POLICY_UNSPECIFIED: ShippingTaxPolicy
SHIPPING_TAX_POLICY_CLASS: ShippingTaxPolicy
SHIPPING_TAX_POLICY_PROPORTIONAL: ShippingTaxPolicy
SHIPPING_TAX_POLICY_HIGHEST: ShippingTaxPolicy
TRACKING_STATUS_UNSPECIFIED: TrackingStatus
TRACKING_STATUS_ORDER_PLACED: TrackingStatus
TRACKING_STATUS_ORDER_CONFIRMED: TrackingStatus
TRACKING_STATUS_PROCESSING: TrackingStatus
TRACKING_STATUS_SHIPPED: TrackingStatus
TRACKING_STATUS_IN_TRANSIT: TrackingStatus
TRACKING_STATUS_OUT_FOR_DELIVERY: TrackingStatus
TRACKING_STATUS_DELIVERY_ATTEMPTED: TrackingStatus
TRACKING_STATUS_DELIVERED: TrackingStatus
TRACKING_STATUS_EXCEPTION: TrackingStatus
TRACKING_STATUS_RETURNED: TrackingStatus
TRACKING_STATUS_CANCELLED: TrackingStatus
ORDER_EVENT_TYPE_UNSPECIFIED: OrderEventType
ORDER_EVENT_TYPE_CREATED: OrderEventType
ORDER_EVENT_TYPE_IMPORTED: OrderEventType
ORDER_EVENT_TYPE_UPDATED: OrderEventType
ORDER_EVENT_TYPE_STATUS_CHANGED: OrderEventType
ORDER_EVENT_TYPE_TRACKING: OrderEventType
ORDER_EVENT_TYPE_PAYMENT: OrderEventType
ORDER_EVENT_TYPE_REFUND: OrderEventType
ORDER_EVENT_TYPE_ERASED: OrderEventType
ORDER_EVENT_TYPE_SHIPMENT_CREATED: OrderEventType
ORDER_EVENT_TYPE_SHIPMENT_UPDATED: OrderEventType
ORDER_EVENT_TYPE_SHIPMENT_SHIPPED: OrderEventType
ORDER_EVENT_TYPE_SHIPMENT_DELIVERED: OrderEventType
ORDER_EVENT_TYPE_SHIPMENT_CANCELLED: OrderEventType
ORDER_EVENT_TYPE_HOLD_PLACED: OrderEventType
ORDER_EVENT_TYPE_HOLD_RELEASED: OrderEventType
ORDER_EVENT_TYPE_FULFILMENT_COMPLETED: OrderEventType
ORDER_EVENT_TYPE_FULFILMENT_GIVEN_BACK: OrderEventType
ORDER_EVENT_TYPE_RETURN_REQUESTED: OrderEventType
ORDER_EVENT_TYPE_RETURN_APPROVED: OrderEventType
ORDER_EVENT_TYPE_RETURN_DECLINED: OrderEventType
ORDER_EVENT_TYPE_RETURN_RECEIVED: OrderEventType
ORDER_EVENT_TYPE_RETURN_CLOSED: OrderEventType
ORDER_EVENT_TYPE_ITEM_RATED: OrderEventType
ORDER_EVENT_TYPE_INSTALLATION_REQUESTED: OrderEventType
ORDER_EVENT_TYPE_BACKORDER_ALLOCATED: OrderEventType

class Order(_message.Message):
    __slots__ = ("order_id", "order_number", "source", "external_order_id", "customer", "status", "payment_status", "shipping_status", "items", "shipping_address", "billing_address", "payment_method", "payment_method_id", "pricing", "delivery", "installation", "payment_intent", "special_instructions", "referral_code", "metadata", "cancellation", "etag", "version", "create_time", "update_time", "total_quantity", "payment", "refunds", "invoice_number", "cart_id", "event_hash", "omitted_fields", "payments", "shipments", "holds", "adjustments", "returns", "fulfilment", "exchange_of", "order_time", "consumers", "provenance")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_STATUS_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_STATUS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    BILLING_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHOD_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    PRICING_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_INTENT_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    REFERRAL_CODE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CANCELLATION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    INVOICE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_HASH_FIELD_NUMBER: _ClassVar[int]
    OMITTED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    SHIPMENTS_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    FULFILMENT_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_OF_FIELD_NUMBER: _ClassVar[int]
    ORDER_TIME_FIELD_NUMBER: _ClassVar[int]
    CONSUMERS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    order_number: str
    source: str
    external_order_id: str
    customer: Customer
    status: OrderStatus
    payment_status: PaymentStatus
    shipping_status: ShippingStatus
    items: _containers.RepeatedCompositeFieldContainer[OrderItem]
    shipping_address: Address
    billing_address: Address
    payment_method: PaymentMethod
    payment_method_id: str
    pricing: Pricing
    delivery: Delivery
    installation: Installation
    payment_intent: PaymentIntent
    special_instructions: str
    referral_code: str
    metadata: _containers.ScalarMap[str, str]
    cancellation: Cancellation
    etag: str
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    total_quantity: int
    payment: PaymentSummary
    refunds: _containers.RepeatedCompositeFieldContainer[Refund]
    invoice_number: str
    cart_id: str
    event_hash: bytes
    omitted_fields: _containers.RepeatedScalarFieldContainer[str]
    payments: _containers.RepeatedCompositeFieldContainer[Payment]
    shipments: _containers.RepeatedCompositeFieldContainer[_shipment_pb2.Shipment]
    holds: _containers.RepeatedCompositeFieldContainer[_shipment_pb2.Hold]
    adjustments: _containers.RepeatedCompositeFieldContainer[PriceAdjustment]
    returns: _containers.RepeatedCompositeFieldContainer[_order_return_pb2.OrderReturn]
    fulfilment: OrderFulfilment
    exchange_of: _order_return_pb2.ExchangedReturn
    order_time: _timestamp_pb2.Timestamp
    consumers: _containers.RepeatedCompositeFieldContainer[OrderConsumer]
    provenance: _containers.RepeatedCompositeFieldContainer[FieldProvenance]
    def __init__(self, order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., source: _Optional[str] = ..., external_order_id: _Optional[str] = ..., customer: _Optional[_Union[Customer, _Mapping]] = ..., status: _Optional[_Union[OrderStatus, str]] = ..., payment_status: _Optional[_Union[PaymentStatus, str]] = ..., shipping_status: _Optional[_Union[ShippingStatus, str]] = ..., items: _Optional[_Iterable[_Union[OrderItem, _Mapping]]] = ..., shipping_address: _Optional[_Union[Address, _Mapping]] = ..., billing_address: _Optional[_Union[Address, _Mapping]] = ..., payment_method: _Optional[_Union[PaymentMethod, str]] = ..., payment_method_id: _Optional[str] = ..., pricing: _Optional[_Union[Pricing, _Mapping]] = ..., delivery: _Optional[_Union[Delivery, _Mapping]] = ..., installation: _Optional[_Union[Installation, _Mapping]] = ..., payment_intent: _Optional[_Union[PaymentIntent, _Mapping]] = ..., special_instructions: _Optional[str] = ..., referral_code: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., cancellation: _Optional[_Union[Cancellation, _Mapping]] = ..., etag: _Optional[str] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_quantity: _Optional[int] = ..., payment: _Optional[_Union[PaymentSummary, _Mapping]] = ..., refunds: _Optional[_Iterable[_Union[Refund, _Mapping]]] = ..., invoice_number: _Optional[str] = ..., cart_id: _Optional[str] = ..., event_hash: _Optional[bytes] = ..., omitted_fields: _Optional[_Iterable[str]] = ..., payments: _Optional[_Iterable[_Union[Payment, _Mapping]]] = ..., shipments: _Optional[_Iterable[_Union[_shipment_pb2.Shipment, _Mapping]]] = ..., holds: _Optional[_Iterable[_Union[_shipment_pb2.Hold, _Mapping]]] = ..., adjustments: _Optional[_Iterable[_Union[PriceAdjustment, _Mapping]]] = ..., returns: _Optional[_Iterable[_Union[_order_return_pb2.OrderReturn, _Mapping]]] = ..., fulfilment: _Optional[_Union[OrderFulfilment, _Mapping]] = ..., exchange_of: _Optional[_Union[_order_return_pb2.ExchangedReturn, _Mapping]] = ..., order_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., consumers: _Optional[_Iterable[_Union[OrderConsumer, _Mapping]]] = ..., provenance: _Optional[_Iterable[_Union[FieldProvenance, _Mapping]]] = ...) -> None: ...

class FieldProvenance(_message.Message):
    __slots__ = ("field", "version", "set_time", "actor")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SET_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    field: str
    version: int
    set_time: _timestamp_pb2.Timestamp
    actor: str
    def __init__(self, field: _Optional[str] = ..., version: _Optional[int] = ..., set_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ...) -> None: ...

class Customer(_message.Message):
    __slots__ = ("customer_id", "name", "email", "phone")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    name: str
    email: str
    phone: str
    def __init__(self, customer_id: _Optional[str] = ..., name: _Optional[str] = ..., email: _Optional[str] = ..., phone: _Optional[str] = ...) -> None: ...

class OrderItem(_message.Message):
    __slots__ = ("item_id", "product_id", "variant_id", "sku", "name", "variant_name", "quantity", "unit_price", "total_price", "design_project_id", "customizations", "requires_installation", "installation_price", "discount", "tax", "tax_basis_points", "taxes", "cancelled_quantity", "packed_quantity", "shipped_quantity", "delivered_quantity", "return_requested_quantity", "returned_quantity", "backordered_quantity", "without_installation", "restocked_quantity", "rating")
    class CustomizationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    SKU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VARIANT_NAME_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PRICE_FIELD_NUMBER: _ClassVar[int]
    DESIGN_PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMIZATIONS_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    TAX_FIELD_NUMBER: _ClassVar[int]
    TAX_BASIS_POINTS_FIELD_NUMBER: _ClassVar[int]
    TAXES_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PACKED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SHIPPED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_REQUESTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RETURNED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    BACKORDERED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    RESTOCKED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RATING_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    product_id: str
    variant_id: str
    sku: str
    name: str
    variant_name: str
    quantity: int
    unit_price: _money_pb2.Money
    total_price: _money_pb2.Money
    design_project_id: str
    customizations: _containers.ScalarMap[str, str]
    requires_installation: bool
    installation_price: _money_pb2.Money
    discount: _money_pb2.Money
    tax: _money_pb2.Money
    tax_basis_points: int
    taxes: _containers.RepeatedCompositeFieldContainer[AppliedTax]
    cancelled_quantity: int
    packed_quantity: int
    shipped_quantity: int
    delivered_quantity: int
    return_requested_quantity: int
    returned_quantity: int
    backordered_quantity: int
    without_installation: bool
    restocked_quantity: int
    rating: ItemRating
    def __init__(self, item_id: _Optional[str] = ..., product_id: _Optional[str] = ..., variant_id: _Optional[str] = ..., sku: _Optional[str] = ..., name: _Optional[str] = ..., variant_name: _Optional[str] = ..., quantity: _Optional[int] = ..., unit_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., total_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., design_project_id: _Optional[str] = ..., customizations: _Optional[_Mapping[str, str]] = ..., requires_installation: _Optional[bool] = ..., installation_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., discount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., tax: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., tax_basis_points: _Optional[int] = ..., taxes: _Optional[_Iterable[_Union[AppliedTax, _Mapping]]] = ..., cancelled_quantity: _Optional[int] = ..., packed_quantity: _Optional[int] = ..., shipped_quantity: _Optional[int] = ..., delivered_quantity: _Optional[int] = ..., return_requested_quantity: _Optional[int] = ..., returned_quantity: _Optional[int] = ..., backordered_quantity: _Optional[int] = ..., without_installation: _Optional[bool] = ..., restocked_quantity: _Optional[int] = ..., rating: _Optional[_Union[ItemRating, _Mapping]] = ...) -> None: ...

class ItemRating(_message.Message):
    __slots__ = ("stars", "comment", "rate_time")
    STARS_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    RATE_TIME_FIELD_NUMBER: _ClassVar[int]
    stars: int
    comment: str
    rate_time: _timestamp_pb2.Timestamp
    def __init__(self, stars: _Optional[int] = ..., comment: _Optional[str] = ..., rate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AppliedTax(_message.Message):
    __slots__ = ("name", "rate", "compound", "taxable_amount", "amount")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    TAXABLE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    rate: _decimal_pb2.Decimal
    compound: bool
    taxable_amount: _money_pb2.Money
    amount: _money_pb2.Money
    def __init__(self, name: _Optional[str] = ..., rate: _Optional[_Union[_decimal_pb2.Decimal, _Mapping]] = ..., compound: _Optional[bool] = ..., taxable_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class Address(_message.Message):
    __slots__ = ("address_id", "name", "street", "city", "state", "postal_code", "country", "phone")
    ADDRESS_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STREET_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    POSTAL_CODE_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    address_id: str
    name: str
    street: str
    city: str
    state: str
    postal_code: str
    country: str
    phone: str
    def __init__(self, address_id: _Optional[str] = ..., name: _Optional[str] = ..., street: _Optional[str] = ..., city: _Optional[str] = ..., state: _Optional[str] = ..., postal_code: _Optional[str] = ..., country: _Optional[str] = ..., phone: _Optional[str] = ...) -> None: ...

class Pricing(_message.Message):
    __slots__ = ("subtotal", "tax", "shipping", "discount", "installation", "total", "applied_coupons", "loyalty_points_used", "loyalty_points_earned", "loyalty_points_value", "included_tax", "taxes", "shipping_taxes", "installation_taxes", "loyalty_points_requested", "terms")
    SUBTOTAL_FIELD_NUMBER: _ClassVar[int]
    TAX_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    APPLIED_COUPONS_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_USED_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_EARNED_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_VALUE_FIELD_NUMBER: _ClassVar[int]
    INCLUDED_TAX_FIELD_NUMBER: _ClassVar[int]
    TAXES_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_TAXES_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_TAXES_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    subtotal: _money_pb2.Money
    tax: _money_pb2.Money
    shipping: _money_pb2.Money
    discount: _money_pb2.Money
    installation: _money_pb2.Money
    total: _money_pb2.Money
    applied_coupons: _containers.RepeatedCompositeFieldContainer[AppliedCoupon]
    loyalty_points_used: int
    loyalty_points_earned: int
    loyalty_points_value: _money_pb2.Money
    included_tax: _money_pb2.Money
    taxes: _containers.RepeatedCompositeFieldContainer[AppliedTax]
    shipping_taxes: _containers.RepeatedCompositeFieldContainer[AppliedTax]
    installation_taxes: _containers.RepeatedCompositeFieldContainer[AppliedTax]
    loyalty_points_requested: int
    terms: PriceTerms
    def __init__(self, subtotal: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., tax: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., shipping: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., discount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., installation: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., total: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., applied_coupons: _Optional[_Iterable[_Union[AppliedCoupon, _Mapping]]] = ..., loyalty_points_used: _Optional[int] = ..., loyalty_points_earned: _Optional[int] = ..., loyalty_points_value: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., included_tax: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., taxes: _Optional[_Iterable[_Union[AppliedTax, _Mapping]]] = ..., shipping_taxes: _Optional[_Iterable[_Union[AppliedTax, _Mapping]]] = ..., installation_taxes: _Optional[_Iterable[_Union[AppliedTax, _Mapping]]] = ..., loyalty_points_requested: _Optional[int] = ..., terms: _Optional[_Union[PriceTerms, _Mapping]] = ...) -> None: ...

class PriceTerms(_message.Message):
    __slots__ = ("tax_included", "rounding", "shipping_tax_policy", "shipping_price", "free_from", "point_value", "points_per_unit")
    TAX_INCLUDED_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_TAX_POLICY_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_PRICE_FIELD_NUMBER: _ClassVar[int]
    FREE_FROM_FIELD_NUMBER: _ClassVar[int]
    POINT_VALUE_FIELD_NUMBER: _ClassVar[int]
    POINTS_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    tax_included: bool
    rounding: TaxRounding
    shipping_tax_policy: ShippingTaxPolicy
    shipping_price: _money_pb2.Money
    free_from: _money_pb2.Money
    point_value: _decimal_pb2.Decimal
    points_per_unit: _decimal_pb2.Decimal
    def __init__(self, tax_included: _Optional[bool] = ..., rounding: _Optional[_Union[TaxRounding, _Mapping]] = ..., shipping_tax_policy: _Optional[_Union[ShippingTaxPolicy, str]] = ..., shipping_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., free_from: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., point_value: _Optional[_Union[_decimal_pb2.Decimal, _Mapping]] = ..., points_per_unit: _Optional[_Union[_decimal_pb2.Decimal, _Mapping]] = ...) -> None: ...

class TaxRounding(_message.Message):
    __slots__ = ("mode", "level")
    MODE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    mode: RoundingMode
    level: RoundingLevel
    def __init__(self, mode: _Optional[_Union[RoundingMode, str]] = ..., level: _Optional[_Union[RoundingLevel, str]] = ...) -> None: ...

class AppliedCoupon(_message.Message):
    __slots__ = ("code", "discount", "type", "terms", "eligible_amount")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    code: str
    discount: _money_pb2.Money
    type: CouponType
    terms: CouponTerms
    eligible_amount: _money_pb2.Money
    def __init__(self, code: _Optional[str] = ..., discount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., type: _Optional[_Union[CouponType, str]] = ..., terms: _Optional[_Union[CouponTerms, _Mapping]] = ..., eligible_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class CouponTerms(_message.Message):
    __slots__ = ("basis_points", "amount", "minimum_subtotal", "product_ids", "payer", "combinable")
    BASIS_POINTS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_SUBTOTAL_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IDS_FIELD_NUMBER: _ClassVar[int]
    PAYER_FIELD_NUMBER: _ClassVar[int]
    COMBINABLE_FIELD_NUMBER: _ClassVar[int]
    basis_points: int
    amount: _money_pb2.Money
    minimum_subtotal: _money_pb2.Money
    product_ids: _containers.RepeatedScalarFieldContainer[str]
    payer: CouponPayer
    combinable: bool
    def __init__(self, basis_points: _Optional[int] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., minimum_subtotal: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., product_ids: _Optional[_Iterable[str]] = ..., payer: _Optional[_Union[CouponPayer, str]] = ..., combinable: _Optional[bool] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("method", "requested_time", "estimated_time", "time_slot", "carrier", "tracking_number", "estimated_shipping_time", "zone_id")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_TIME_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_TIME_FIELD_NUMBER: _ClassVar[int]
    TIME_SLOT_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_SHIPPING_TIME_FIELD_NUMBER: _ClassVar[int]
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    method: str
    requested_time: _timestamp_pb2.Timestamp
    estimated_time: _timestamp_pb2.Timestamp
    time_slot: str
    carrier: str
    tracking_number: str
    estimated_shipping_time: _timestamp_pb2.Timestamp
    zone_id: str
    def __init__(self, method: _Optional[str] = ..., requested_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., estimated_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_slot: _Optional[str] = ..., carrier: _Optional[str] = ..., tracking_number: _Optional[str] = ..., estimated_shipping_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., zone_id: _Optional[str] = ...) -> None: ...

class Installation(_message.Message):
    __slots__ = ("required", "scheduled_time", "time_slot")
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_TIME_FIELD_NUMBER: _ClassVar[int]
    TIME_SLOT_FIELD_NUMBER: _ClassVar[int]
    required: bool
    scheduled_time: _timestamp_pb2.Timestamp
    time_slot: str
    def __init__(self, required: _Optional[bool] = ..., scheduled_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_slot: _Optional[str] = ...) -> None: ...

class PaymentIntent(_message.Message):
    __slots__ = ("id", "client_secret", "status", "provider", "number", "amount")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    id: str
    client_secret: str
    status: PaymentIntentStatus
    provider: str
    number: int
    amount: _money_pb2.Money
    def __init__(self, id: _Optional[str] = ..., client_secret: _Optional[str] = ..., status: _Optional[_Union[PaymentIntentStatus, str]] = ..., provider: _Optional[str] = ..., number: _Optional[int] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class Payment(_message.Message):
    __slots__ = ("payment_id", "provider", "provider_payment_id", "method", "status", "authorized_amount", "captured_amount", "refunded_amount", "voided_amount", "disputed_amount")
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    VOIDED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    payment_id: str
    provider: str
    provider_payment_id: str
    method: str
    status: PaymentStatus
    authorized_amount: _money_pb2.Money
    captured_amount: _money_pb2.Money
    refunded_amount: _money_pb2.Money
    voided_amount: _money_pb2.Money
    disputed_amount: _money_pb2.Money
    def __init__(self, payment_id: _Optional[str] = ..., provider: _Optional[str] = ..., provider_payment_id: _Optional[str] = ..., method: _Optional[str] = ..., status: _Optional[_Union[PaymentStatus, str]] = ..., authorized_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., captured_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., refunded_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., voided_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., disputed_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class PaymentSummary(_message.Message):
    __slots__ = ("authorized_amount", "paid_amount", "refunded_amount", "voided_amount", "disputed_amount", "refund_due_amount", "due_amount")
    AUTHORIZED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PAID_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    VOIDED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUND_DUE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DUE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    authorized_amount: _money_pb2.Money
    paid_amount: _money_pb2.Money
    refunded_amount: _money_pb2.Money
    voided_amount: _money_pb2.Money
    disputed_amount: _money_pb2.Money
    refund_due_amount: _money_pb2.Money
    due_amount: _money_pb2.Money
    def __init__(self, authorized_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., paid_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., refunded_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., voided_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., disputed_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., refund_due_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., due_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class Refund(_message.Message):
    __slots__ = ("refund_id", "amount", "reason", "status", "create_time", "credit_note_number", "credited_amount", "payment_id", "provider_refund_id", "lines", "returned_points")
    REFUND_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREDIT_NOTE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CREDITED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_REFUND_ID_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    RETURNED_POINTS_FIELD_NUMBER: _ClassVar[int]
    refund_id: str
    amount: _money_pb2.Money
    reason: str
    status: RefundStatus
    create_time: _timestamp_pb2.Timestamp
    credit_note_number: str
    credited_amount: _money_pb2.Money
    payment_id: str
    provider_refund_id: str
    lines: _containers.RepeatedCompositeFieldContainer[PriceShare]
    returned_points: int
    def __init__(self, refund_id: _Optional[str] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., reason: _Optional[str] = ..., status: _Optional[_Union[RefundStatus, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., credit_note_number: _Optional[str] = ..., credited_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., payment_id: _Optional[str] = ..., provider_refund_id: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[PriceShare, _Mapping]]] = ..., returned_points: _Optional[int] = ...) -> None: ...

class PriceShare(_message.Message):
    __slots__ = ("part", "item_id", "quantity", "price", "discount", "taxes", "loyalty_points", "loyalty_points_value", "amount")
    PART_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    TAXES_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_FIELD_NUMBER: _ClassVar[int]
    LOYALTY_POINTS_VALUE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    part: PricePart
    item_id: str
    quantity: int
    price: _money_pb2.Money
    discount: _money_pb2.Money
    taxes: _containers.RepeatedCompositeFieldContainer[AppliedTax]
    loyalty_points: int
    loyalty_points_value: _money_pb2.Money
    amount: _money_pb2.Money
    def __init__(self, part: _Optional[_Union[PricePart, str]] = ..., item_id: _Optional[str] = ..., quantity: _Optional[int] = ..., price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., discount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., taxes: _Optional[_Iterable[_Union[AppliedTax, _Mapping]]] = ..., loyalty_points: _Optional[int] = ..., loyalty_points_value: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ...) -> None: ...

class PriceAdjustment(_message.Message):
    __slots__ = ("adjustment_id", "type", "lines", "reason", "create_time", "previous_total", "new_total", "payment_required", "refund_ids", "credit_note_number", "credited_amount", "replaced_invoice_number")
    ADJUSTMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEW_TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    REFUND_IDS_FIELD_NUMBER: _ClassVar[int]
    CREDIT_NOTE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CREDITED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REPLACED_INVOICE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    adjustment_id: str
    type: PriceAdjustmentType
    lines: _containers.RepeatedCompositeFieldContainer[PriceShare]
    reason: str
    create_time: _timestamp_pb2.Timestamp
    previous_total: _money_pb2.Money
    new_total: _money_pb2.Money
    payment_required: bool
    refund_ids: _containers.RepeatedScalarFieldContainer[str]
    credit_note_number: str
    credited_amount: _money_pb2.Money
    replaced_invoice_number: str
    def __init__(self, adjustment_id: _Optional[str] = ..., type: _Optional[_Union[PriceAdjustmentType, str]] = ..., lines: _Optional[_Iterable[_Union[PriceShare, _Mapping]]] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., previous_total: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., new_total: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., payment_required: _Optional[bool] = ..., refund_ids: _Optional[_Iterable[str]] = ..., credit_note_number: _Optional[str] = ..., credited_amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., replaced_invoice_number: _Optional[str] = ...) -> None: ...

class PaymentEvent(_message.Message):
    __slots__ = ("provider", "event_id", "type", "amount", "refund_id", "description", "time", "payment_id", "transaction_id", "method")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUND_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    provider: str
    event_id: str
    type: PaymentEventType
    amount: _money_pb2.Money
    refund_id: str
    description: str
    time: _timestamp_pb2.Timestamp
    payment_id: str
    transaction_id: str
    method: str
    def __init__(self, provider: _Optional[str] = ..., event_id: _Optional[str] = ..., type: _Optional[_Union[PaymentEventType, str]] = ..., amount: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., refund_id: _Optional[str] = ..., description: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payment_id: _Optional[str] = ..., transaction_id: _Optional[str] = ..., method: _Optional[str] = ...) -> None: ...

class OrderFulfilment(_message.Message):
    __slots__ = ("claim_id", "worker", "complete_time", "give_back_time", "give_back_reason")
    CLAIM_ID_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_TIME_FIELD_NUMBER: _ClassVar[int]
    GIVE_BACK_TIME_FIELD_NUMBER: _ClassVar[int]
    GIVE_BACK_REASON_FIELD_NUMBER: _ClassVar[int]
    claim_id: str
    worker: str
    complete_time: _timestamp_pb2.Timestamp
    give_back_time: _timestamp_pb2.Timestamp
    give_back_reason: str
    def __init__(self, claim_id: _Optional[str] = ..., worker: _Optional[str] = ..., complete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., give_back_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., give_back_reason: _Optional[str] = ...) -> None: ...

class Cancellation(_message.Message):
    __slots__ = ("reason", "actor", "cancel_time")
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    CANCEL_TIME_FIELD_NUMBER: _ClassVar[int]
    reason: str
    actor: str
    cancel_time: _timestamp_pb2.Timestamp
    def __init__(self, reason: _Optional[str] = ..., actor: _Optional[str] = ..., cancel_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Tracking(_message.Message):
    __slots__ = ("order_id", "tracking_number", "carrier", "status", "estimated_delivery_time", "current_location", "events", "shipments", "support")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TRACKING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_DELIVERY_TIME_FIELD_NUMBER: _ClassVar[int]
    CURRENT_LOCATION_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SHIPMENTS_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    tracking_number: str
    carrier: str
    status: TrackingStatus
    estimated_delivery_time: _timestamp_pb2.Timestamp
    current_location: TrackingLocation
    events: _containers.RepeatedCompositeFieldContainer[TrackingEvent]
    shipments: _containers.RepeatedCompositeFieldContainer[_shipment_pb2.Shipment]
    support: Support
    def __init__(self, order_id: _Optional[str] = ..., tracking_number: _Optional[str] = ..., carrier: _Optional[str] = ..., status: _Optional[_Union[TrackingStatus, str]] = ..., estimated_delivery_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., current_location: _Optional[_Union[TrackingLocation, _Mapping]] = ..., events: _Optional[_Iterable[_Union[TrackingEvent, _Mapping]]] = ..., shipments: _Optional[_Iterable[_Union[_shipment_pb2.Shipment, _Mapping]]] = ..., support: _Optional[_Union[Support, _Mapping]] = ...) -> None: ...

class Support(_message.Message):
    __slots__ = ("email", "phone", "uri", "hours")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    email: str
    phone: str
    uri: str
    hours: str
    def __init__(self, email: _Optional[str] = ..., phone: _Optional[str] = ..., uri: _Optional[str] = ..., hours: _Optional[str] = ...) -> None: ...

class TrackingLocation(_message.Message):
    __slots__ = ("city", "country", "time")
    CITY_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    city: str
    country: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, city: _Optional[str] = ..., country: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TrackingEvent(_message.Message):
    __slots__ = ("status", "description", "time", "location", "city", "country", "shipment_id", "parcel_id")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PARCEL_ID_FIELD_NUMBER: _ClassVar[int]
    status: TrackingStatus
    description: str
    time: _timestamp_pb2.Timestamp
    location: str
    city: str
    country: str
    shipment_id: str
    parcel_id: str
    def __init__(self, status: _Optional[_Union[TrackingStatus, str]] = ..., description: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., location: _Optional[str] = ..., city: _Optional[str] = ..., country: _Optional[str] = ..., shipment_id: _Optional[str] = ..., parcel_id: _Optional[str] = ...) -> None: ...

class OrderConsumer(_message.Message):
    __slots__ = ("consumer_id", "version", "lag_events")
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LAG_EVENTS_FIELD_NUMBER: _ClassVar[int]
    consumer_id: str
    version: int
    lag_events: int
    def __init__(self, consumer_id: _Optional[str] = ..., version: _Optional[int] = ..., lag_events: _Optional[int] = ...) -> None: ...

class OrderEvent(_message.Message):
    __slots__ = ("order_id", "version", "type", "actor", "request_id", "event_time", "from_status", "to_status", "changed_fields", "reason", "tracking_event", "payment_event", "hash", "traceparent", "before", "after", "values_digest", "values_state", "actor_owner", "override", "method", "shipment_id", "hold_id", "return_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    FROM_STATUS_FIELD_NUMBER: _ClassVar[int]
    TO_STATUS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TRACKING_EVENT_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_EVENT_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    VALUES_DIGEST_FIELD_NUMBER: _ClassVar[int]
    VALUES_STATE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_OWNER_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_ID_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    version: int
    type: OrderEventType
    actor: str
    request_id: str
    event_time: _timestamp_pb2.Timestamp
    from_status: OrderStatus
    to_status: OrderStatus
    changed_fields: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    tracking_event: TrackingEvent
    payment_event: PaymentEvent
    hash: bytes
    traceparent: str
    before: Order
    after: Order
    values_digest: bytes
    values_state: EventValuesState
    actor_owner: str
    override: bool
    method: str
    shipment_id: str
    hold_id: str
    return_id: str
    def __init__(self, order_id: _Optional[str] = ..., version: _Optional[int] = ..., type: _Optional[_Union[OrderEventType, str]] = ..., actor: _Optional[str] = ..., request_id: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., from_status: _Optional[_Union[OrderStatus, str]] = ..., to_status: _Optional[_Union[OrderStatus, str]] = ..., changed_fields: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., tracking_event: _Optional[_Union[TrackingEvent, _Mapping]] = ..., payment_event: _Optional[_Union[PaymentEvent, _Mapping]] = ..., hash: _Optional[bytes] = ..., traceparent: _Optional[str] = ..., before: _Optional[_Union[Order, _Mapping]] = ..., after: _Optional[_Union[Order, _Mapping]] = ..., values_digest: _Optional[bytes] = ..., values_state: _Optional[_Union[EventValuesState, str]] = ..., actor_owner: _Optional[str] = ..., override: _Optional[bool] = ..., method: _Optional[str] = ..., shipment_id: _Optional[str] = ..., hold_id: _Optional[str] = ..., return_id: _Optional[str] = ...) -> None: ...
