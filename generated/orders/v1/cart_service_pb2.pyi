import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import money_pb2 as _money_pb2
from orders.v1 import access_pb2 as _access_pb2
from orders.v1 import error_reason_pb2 as _error_reason_pb2
from orders.v1 import order_pb2 as _order_pb2
from orders.v1 import personal_data_pb2 as _personal_data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Cart(_message.Message):
    __slots__ = ("cart_id", "customer_id", "items", "total_quantity", "pricing", "currency_code", "notices", "create_time", "update_time", "omitted_fields")
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICING_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    OMITTED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    cart_id: str
    customer_id: str
    items: _containers.RepeatedCompositeFieldContainer[CartItem]
    total_quantity: int
    pricing: _order_pb2.Pricing
    currency_code: str
    notices: _containers.RepeatedCompositeFieldContainer[CartNotice]
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    omitted_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cart_id: _Optional[str] = ..., customer_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[CartItem, _Mapping]]] = ..., total_quantity: _Optional[int] = ..., pricing: _Optional[_Union[_order_pb2.Pricing, _Mapping]] = ..., currency_code: _Optional[str] = ..., notices: _Optional[_Iterable[_Union[CartNotice, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., omitted_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class CartItem(_message.Message):
    __slots__ = ("item_id", "product_id", "variant_id", "sku", "name", "variant_name", "image_uri", "quantity", "unit_price", "total_price", "previous_unit_price", "design_project_id", "customizations", "requires_installation", "installation_price", "add_time", "variant_attributes")
    class CustomizationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class VariantAttributesEntry(_message.Message):
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
    IMAGE_URI_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PRICE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_UNIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    DESIGN_PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMIZATIONS_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_INSTALLATION_FIELD_NUMBER: _ClassVar[int]
    INSTALLATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    ADD_TIME_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    product_id: str
    variant_id: str
    sku: str
    name: str
    variant_name: str
    image_uri: str
    quantity: int
    unit_price: _money_pb2.Money
    total_price: _money_pb2.Money
    previous_unit_price: _money_pb2.Money
    design_project_id: str
    customizations: _containers.ScalarMap[str, str]
    requires_installation: bool
    installation_price: _money_pb2.Money
    add_time: _timestamp_pb2.Timestamp
    variant_attributes: _containers.ScalarMap[str, str]
    def __init__(self, item_id: _Optional[str] = ..., product_id: _Optional[str] = ..., variant_id: _Optional[str] = ..., sku: _Optional[str] = ..., name: _Optional[str] = ..., variant_name: _Optional[str] = ..., image_uri: _Optional[str] = ..., quantity: _Optional[int] = ..., unit_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., total_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., previous_unit_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., design_project_id: _Optional[str] = ..., customizations: _Optional[_Mapping[str, str]] = ..., requires_installation: _Optional[bool] = ..., installation_price: _Optional[_Union[_money_pb2.Money, _Mapping]] = ..., add_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., variant_attributes: _Optional[_Mapping[str, str]] = ...) -> None: ...

class CartNotice(_message.Message):
    __slots__ = ("item_id", "reason", "message")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    reason: _error_reason_pb2.ErrorReason
    message: str
    def __init__(self, item_id: _Optional[str] = ..., reason: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., message: _Optional[str] = ...) -> None: ...

class GetCartRequest(_message.Message):
    __slots__ = ("customer_id", "cart_id")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    cart_id: str
    def __init__(self, customer_id: _Optional[str] = ..., cart_id: _Optional[str] = ...) -> None: ...

class AddCartItemRequest(_message.Message):
    __slots__ = ("customer_id", "cart_id", "product_id", "variant_id", "quantity", "design_project_id", "customizations", "currency_code", "request_id", "validate_only")
    class CustomizationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DESIGN_PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMIZATIONS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    cart_id: str
    product_id: str
    variant_id: str
    quantity: int
    design_project_id: str
    customizations: _containers.ScalarMap[str, str]
    currency_code: str
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., cart_id: _Optional[str] = ..., product_id: _Optional[str] = ..., variant_id: _Optional[str] = ..., quantity: _Optional[int] = ..., design_project_id: _Optional[str] = ..., customizations: _Optional[_Mapping[str, str]] = ..., currency_code: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateCartItemRequest(_message.Message):
    __slots__ = ("customer_id", "cart_id", "item_id", "quantity", "request_id", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    cart_id: str
    item_id: str
    quantity: int
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., cart_id: _Optional[str] = ..., item_id: _Optional[str] = ..., quantity: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RemoveCartItemRequest(_message.Message):
    __slots__ = ("customer_id", "cart_id", "item_id", "request_id", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    cart_id: str
    item_id: str
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., cart_id: _Optional[str] = ..., item_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ClearCartRequest(_message.Message):
    __slots__ = ("customer_id", "cart_id", "request_id", "validate_only")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    cart_id: str
    request_id: str
    validate_only: bool
    def __init__(self, customer_id: _Optional[str] = ..., cart_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ListCartsRequest(_message.Message):
    __slots__ = ("product_id", "update_time_from", "update_time_to", "page_size", "page_token")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_TO_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    update_time_from: _timestamp_pb2.Timestamp
    update_time_to: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, product_id: _Optional[str] = ..., update_time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCartsResponse(_message.Message):
    __slots__ = ("carts", "next_page_token")
    CARTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    carts: _containers.RepeatedCompositeFieldContainer[Cart]
    next_page_token: str
    def __init__(self, carts: _Optional[_Iterable[_Union[Cart, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
