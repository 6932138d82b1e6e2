import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import dayofweek_pb2 as _dayofweek_pb2
from google.type import decimal_pb2 as _decimal_pb2
from google.type import money_pb2 as _money_pb2
from orders.v1 import access_pb2 as _access_pb2
from orders.v1 import order_pb2 as _order_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Product(_message.Message):
    __slots__ = ("product_id", "sku", "name", "price", "stock", "variants", "requires_installation", "installation_price", "image_uri", "prices", "installation_prices", "tax_class", "reserved", "omitted_fields", "backorder_limit", "backorder_until", "restock_time")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    SKU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    VARIANTS_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_URI_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_PRICES_FIELD_NUMBER: _ClassVar[int]
    TAX_CLASS_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    OMITTED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    BACKORDER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    BACKORDER_UNTIL_FIELD_NUMBER: _ClassVar[int]
    RESTOCK_TIME_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    sku: str
    name: str
    price: _money_pb2.Money
    stock: int
    variants: _containers.RepeatedCompositeFieldContainer[ProductVariant]
    requires_installation: bool
    installation_price: _money_pb2.Money
    image_uri: str
    prices: _containers.RepeatedCompositeFieldContainer[_money_pb2.Money]
    installation_prices: _containers.RepeatedCompositeFieldContainer[_money_pb2.Money]
    tax_class: str
    reserved: int
    omitted_fields: _containers.RepeatedScalarFieldContainer[str]
    backorder_limit: int
    backorder_until: _timestamp_pb2.Timestamp
    restock_time: _timestamp_pb2.Timestamp
    def __init__(self, product_id: _Optional[str] = ..., sku: _Optional[str] = ..., name: _Optional[str] = ..., price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., stock: _Optional[int] = ..., variants: _Optional[_Iterable[_Union[ProductVariant, _Mapping]]] = ..., requires_installation: _Optional[bool] = ..., installation_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., image_uri: _Optional[str] = ..., prices: _Optional[_Iterable[_Union[_money_pb2.Money, _Mapping]]] = ..., installation_prices: _Optional[_Iterable[_Union[_money_pb2.Money, _Mapping]]] = ..., tax_class: _Optional[str] = ..., reserved: _Optional[int] = ..., omitted_fields: _Optional[_Iterable[str]] = ..., backorder_limit: _Optional[int] = ..., backorder_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., restock_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProductVariant(_message.Message):
    __slots__ = ("variant_id", "sku", "name", "price", "stock", "attributes", "prices", "reserved", "backorder_limit", "backorder_until", "restock_time")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    SKU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    BACKORDER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    BACKORDER_UNTIL_FIELD_NUMBER: _ClassVar[int]
    RESTOCK_TIME_FIELD_NUMBER: _ClassVar[int]
    variant_id: str
    sku: str
    name: str
    price: _money_pb2.Money
    stock: int
    attributes: _containers.ScalarMap[str, str]
    prices: _containers.RepeatedCompositeFieldContainer[_money_pb2.Money]
    reserved: int
    backorder_limit: int
    backorder_until: _timestamp_pb2.Timestamp
    restock_time: _timestamp_pb2.Timestamp
    def __init__(self, variant_id: _Optional[str] = ..., sku: _Optional[str] = ..., name: _Optional[str] = ..., price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., stock: _Optional[int] = ..., attributes: _Optional[_Mapping[str, str]] = ..., prices: _Optional[_Iterable[_Union[_money_pb2.Money, _Mapping]]] = ..., reserved: _Optional[int] = ..., backorder_limit: _Optional[int] = ..., backorder_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., restock_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Coupon(_message.Message):
    __slots__ = ("code", "type", "basis_points", "amounts", "start_time", "end_time", "minimum_subtotals", "usage_limit", "usage_limit_per_customer", "product_ids", "description", "times_used", "payer", "combinable")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    BASIS_POINTS_FIELD_NUMBER: _ClassVar[int]
    AMOUNTS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_SUBTOTALS_FIELD_NUMBER: _ClassVar[int]
    USAGE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    USAGE_LIMIT_PER_CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IDS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TIMES_USED_FIELD_NUMBER: _ClassVar[int]
    PAYER_FIELD_NUMBER: _ClassVar[int]
    COMBINABLE_FIELD_NUMBER: _ClassVar[int]
    code: str
    type: _order_pb2.CouponType
    basis_points: int
    amounts: _containers.RepeatedCompositeFieldContainer[_money_pb2.Money]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    minimum_subtotals: _containers.RepeatedCompositeFieldContainer[_money_pb2.Money]
    usage_limit: int
    usage_limit_per_customer: int
    product_ids: _containers.RepeatedScalarFieldContainer[str]
    description: str
    times_used: int
    payer: _order_pb2.CouponPayer
    combinable: bool
    def __init__(self, code: _Optional[str] = ..., type: _Optional[_Union[_order_pb2.CouponType, str]] = ..., basis_points: _Optional[int] = ..., amounts: _Optional[_Iterable[_Union[_money_pb2.Money, _Mapping]]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., minimum_subtotals: _Optional[_Iterable[_Union[_money_pb2.Money, _Mapping]]] = ..., usage_limit: _Optional[int] = ..., usage_limit_per_customer: _Optional[int] = ..., product_ids: _Optional[_Iterable[str]] = ..., description: _Optional[str] = ..., times_used: _Optional[int] = ..., payer: _Optional[_Union[_order_pb2.CouponPayer, str]] = ..., combinable: _Optional[bool] = ...) -> None: ...

class DeliveryZone(_message.Message):
    __slots__ = ("zone_id", "name", "areas", "tax_rates", "tax_included", "tax_before_discount", "shipping_tax_class", "installation_tax_class", "methods", "rounding", "shipping_tax_policy", "affected_orders", "calendar", "time_zone", "cut_off")
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AREAS_FIELD_NUMBER: _ClassVar[int]
    TAX_RATES_FIELD_NUMBER: _ClassVar[int]
    TAX_INCLUDED_FIELD_NUMBER: _ClassVar[int]
    TAX_BEFORE_DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_TAX_CLASS_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_TAX_CLASS_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_TAX_POLICY_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_ORDERS_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    CUT_OFF_FIELD_NUMBER: _ClassVar[int]
    zone_id: str
    name: str
    areas: _containers.RepeatedCompositeFieldContainer[DeliveryArea]
    tax_rates: _containers.RepeatedCompositeFieldContainer[TaxRate]
    tax_included: bool
    tax_before_discount: bool
    shipping_tax_class: str
    installation_tax_class: str
    methods: _containers.RepeatedCompositeFieldContainer[DeliveryMethod]
    rounding: _order_pb2.TaxRounding
    shipping_tax_policy: _order_pb2.ShippingTaxPolicy
    affected_orders: _containers.RepeatedCompositeFieldContainer[AffectedOrder]
    calendar: DeliveryCalendar
    time_zone: str
    cut_off: str
    def __init__(self, zone_id: _Optional[str] = ..., name: _Optional[str] = ..., areas: _Optional[_Iterable[_Union[DeliveryArea, _Mapping]]] = ..., tax_rates: _Optional[_Iterable[_Union[TaxRate, _Mapping]]] = ..., tax_included: _Optional[bool] = ..., tax_before_discount: _Optional[bool] = ..., shipping_tax_class: _Optional[str] = ..., installation_tax_class: _Optional[str] = ..., methods: _Optional[_Iterable[_Union[DeliveryMethod, _Mapping]]] = ..., rounding: _Optional[_Union[_order_pb2.TaxRounding, _Mapping]] = ..., shipping_tax_policy: _Optional[_Union[_order_pb2.ShippingTaxPolicy, str]] = ..., affected_orders: _Optional[_Iterable[_Union[AffectedOrder, _Mapping]]] = ..., calendar: _Optional[_Union[DeliveryCalendar, _Mapping]] = ..., time_zone: _Optional[str] = ..., cut_off: _Optional[str] = ...) -> None: ...

class DeliveryCalendar(_message.Message):
    __slots__ = ("working_days", "holidays")
    WORKING_DAYS_FIELD_NUMBER: _ClassVar[int]
    HOLIDAYS_FIELD_NUMBER: _ClassVar[int]
    working_days: _containers.RepeatedScalarFieldContainer[_dayofweek_pb2.DayOfWeek]
    holidays: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, working_days: _Optional[_Iterable[_Union[_dayofweek_pb2.DayOfWeek, str]]] = ..., holidays: _Optional[_Iterable[str]] = ...) -> None: ...

class AffectedOrder(_message.Message):
    __slots__ = ("order_id", "order_number", "zone_id", "new_zone_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    order_number: str
    zone_id: str
    new_zone_id: str
    def __init__(self, order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., zone_id: _Optional[str] = ..., new_zone_id: _Optional[str] = ...) -> None: ...

class DeliveryArea(_message.Message):
    __slots__ = ("country", "state", "postal_prefix")
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    POSTAL_PREFIX_FIELD_NUMBER: _ClassVar[int]
    country: str
    state: str
    postal_prefix: str
    def __init__(self, country: _Optional[str] = ..., state: _Optional[str] = ..., postal_prefix: _Optional[str] = ...) -> None: ...

class TaxRate(_message.Message):
    __slots__ = ("tax_class", "basis_points", "name", "rate", "compound")
    TAX_CLASS_FIELD_NUMBER: _ClassVar[int]
    BASIS_POINTS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    COMPOUND_FIELD_NUMBER: _ClassVar[int]
    tax_class: str
    basis_points: int
    name: str
    rate: _decimal_pb2.Decimal
    compound: bool
    def __init__(self, tax_class: _Optional[str] = ..., basis_points: _Optional[int] = ..., name: _Optional[str] = ..., rate: _Optional[_Union[_decimal_pb2.Decimal, _Mapping]] = ..., compound: _Optional[bool] = ...) -> None: ...

class DeliveryMethod(_message.Message):
    __slots__ = ("method", "name", "prices", "free_from", "handling_days", "transit_days", "time_slots")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    FREE_FROM_FIELD_NUMBER: _ClassVar[int]
    HANDLING_DAYS_FIELD_NUMBER: _ClassVar[int]
    TRANSIT_DAYS_FIELD_NUMBER: _ClassVar[int]
    TIME_SLOTS_FIELD_NUMBER: _ClassVar[int]
    method: str
    name: str
    prices: _containers.RepeatedCompositeFieldContainer[_money_pb2.Money]
    free_from: _containers.RepeatedCompositeFieldContainer[_money_pb2.Money]
    handling_days: int
    transit_days: int
    time_slots: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, method: _Optional[str] = ..., name: _Optional[str] = ..., prices: _Optional[_Iterable[_Union[_money_pb2.Money, _Mapping]]] = ..., free_from: _Optional[_Iterable[_Union[_money_pb2.Money, _Mapping]]] = ..., handling_days: _Optional[int] = ..., transit_days: _Optional[int] = ..., time_slots: _Optional[_Iterable[str]] = ...) -> None: ...

class StockAdjustment(_message.Message):
    __slots__ = ("adjustment_id", "product_id", "variant_id", "delta", "reason", "actor", "request_id", "adjust_time")
    ADJUSTMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ADJUST_TIME_FIELD_NUMBER: _ClassVar[int]
    adjustment_id: int
    product_id: str
    variant_id: str
    delta: int
    reason: str
    actor: str
    request_id: str
    adjust_time: _timestamp_pb2.Timestamp
    def __init__(self, adjustment_id: _Optional[int] = ..., product_id: _Optional[str] = ..., variant_id: _Optional[str] = ..., delta: _Optional[int] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ..., request_id: _Optional[str] = ..., adjust_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchUpsertProductsRequest(_message.Message):
    __slots__ = ("products", "request_id", "validate_only")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    request_id: str
    validate_only: bool
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpsertProductsResponse(_message.Message):
    __slots__ = ("products", "inserted", "updated", "unchanged")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    INSERTED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    inserted: int
    updated: int
    unchanged: int
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., inserted: _Optional[int] = ..., updated: _Optional[int] = ..., unchanged: _Optional[int] = ...) -> None: ...

class GetProductRequest(_message.Message):
    __slots__ = ("product_id",)
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    def __init__(self, product_id: _Optional[str] = ...) -> None: ...

class ListProductsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "stock_below")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STOCK_BELOW_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    stock_below: int
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., stock_below: _Optional[int] = ...) -> None: ...

class ListProductsResponse(_message.Message):
    __slots__ = ("products", "next_page_token")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    next_page_token: str
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AdjustStockRequest(_message.Message):
    __slots__ = ("product_id", "variant_id", "delta", "reason", "request_id", "validate_only")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    variant_id: str
    delta: int
    reason: str
    request_id: str
    validate_only: bool
    def __init__(self, product_id: _Optional[str] = ..., variant_id: _Optional[str] = ..., delta: _Optional[int] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ListStockAdjustmentsRequest(_message.Message):
    __slots__ = ("product_id", "page_size", "page_token")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    page_size: int
    page_token: str
    def __init__(self, product_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStockAdjustmentsResponse(_message.Message):
    __slots__ = ("adjustments", "next_page_token")
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    adjustments: _containers.RepeatedCompositeFieldContainer[StockAdjustment]
    next_page_token: str
    def __init__(self, adjustments: _Optional[_Iterable[_Union[StockAdjustment, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class BatchUpsertCouponsRequest(_message.Message):
    __slots__ = ("coupons", "request_id", "validate_only")
    COUPONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    coupons: _containers.RepeatedCompositeFieldContainer[Coupon]
    request_id: str
    validate_only: bool
    def __init__(self, coupons: _Optional[_Iterable[_Union[Coupon, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpsertCouponsResponse(_message.Message):
    __slots__ = ("coupons", "inserted", "updated", "unchanged")
    COUPONS_FIELD_NUMBER: _ClassVar[int]
    INSERTED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    coupons: _containers.RepeatedCompositeFieldContainer[Coupon]
    inserted: int
    updated: int
    unchanged: int
    def __init__(self, coupons: _Optional[_Iterable[_Union[Coupon, _Mapping]]] = ..., inserted: _Optional[int] = ..., updated: _Optional[int] = ..., unchanged: _Optional[int] = ...) -> None: ...

class GetCouponRequest(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class ListCouponsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCouponsResponse(_message.Message):
    __slots__ = ("coupons", "next_page_token")
    COUPONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    coupons: _containers.RepeatedCompositeFieldContainer[Coupon]
    next_page_token: str
    def __init__(self, coupons: _Optional[_Iterable[_Union[Coupon, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class BatchUpsertDeliveryZonesRequest(_message.Message):
    __slots__ = ("zones", "request_id", "validate_only")
    ZONES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    zones: _containers.RepeatedCompositeFieldContainer[DeliveryZone]
    request_id: str
    validate_only: bool
    def __init__(self, zones: _Optional[_Iterable[_Union[DeliveryZone, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpsertDeliveryZonesResponse(_message.Message):
    __slots__ = ("zones", "inserted", "updated", "unchanged", "affected_orders")
    ZONES_FIELD_NUMBER: _ClassVar[int]
    INSERTED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_ORDERS_FIELD_NUMBER: _ClassVar[int]
    zones: _containers.RepeatedCompositeFieldContainer[DeliveryZone]
    inserted: int
    updated: int
    unchanged: int
    affected_orders: _containers.RepeatedCompositeFieldContainer[AffectedOrder]
    def __init__(self, zones: _Optional[_Iterable[_Union[DeliveryZone, _Mapping]]] = ..., inserted: _Optional[int] = ..., updated: _Optional[int] = ..., unchanged: _Optional[int] = ..., affected_orders: _Optional[_Iterable[_Union[AffectedOrder, _Mapping]]] = ...) -> None: ...

class GetDeliveryZoneRequest(_message.Message):
    __slots__ = ("zone_id",)
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    zone_id: str
    def __init__(self, zone_id: _Optional[str] = ...) -> None: ...

class ListDeliveryZonesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDeliveryZonesResponse(_message.Message):
    __slots__ = ("zones", "next_page_token")
    ZONES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    zones: _containers.RepeatedCompositeFieldContainer[DeliveryZone]
    next_page_token: str
    def __init__(self, zones: _Optional[_Iterable[_Union[DeliveryZone, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteDeliveryZoneRequest(_message.Message):
    __slots__ = ("zone_id", "request_id", "validate_only")
    ZONE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    zone_id: str
    request_id: str
    validate_only: bool
    def __init__(self, zone_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ListStockMovementsRequest(_message.Message):
    __slots__ = ("product_id", "time_from", "time_to", "page_size", "page_token")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    time_from: _timestamp_pb2.Timestamp
    time_to: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, product_id: _Optional[str] = ..., time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStockMovementsResponse(_message.Message):
    __slots__ = ("movements", "next_page_token")
    MOVEMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    movements: _containers.RepeatedCompositeFieldContainer[StockMovement]
    next_page_token: str
    def __init__(self, movements: _Optional[_Iterable[_Union[StockMovement, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StockMovement(_message.Message):
    __slots__ = ("time", "variant_id", "delta", "order_id", "order_number", "order_version", "actor", "request_id", "reason")
    TIME_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORDER_VERSION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    variant_id: str
    delta: int
    order_id: str
    order_number: str
    order_version: int
    actor: str
    request_id: str
    reason: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., variant_id: _Optional[str] = ..., delta: _Optional[int] = ..., order_id: _Optional[str] = ..., order_number: _Optional[str] = ..., order_version: _Optional[int] = ..., actor: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
