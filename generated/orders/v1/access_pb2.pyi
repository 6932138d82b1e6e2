from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_CUSTOMER: _ClassVar[Role]
    ROLE_FULFILMENT: _ClassVar[Role]
    ROLE_PAYMENT: _ClassVar[Role]
    ROLE_ADMIN: _ClassVar[Role]

class Scope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCOPE_UNSPECIFIED: _ClassVar[Scope]
    SCOPE_ORDERS_READ: _ClassVar[Scope]
    SCOPE_ORDERS_WRITE: _ClassVar[Scope]
    SCOPE_ORDERS_IMPORT: _ClassVar[Scope]
    SCOPE_PAYMENTS_WRITE: _ClassVar[Scope]
    SCOPE_TRACKING_WRITE: _ClassVar[Scope]
    SCOPE_CARTS_READ: _ClassVar[Scope]
    SCOPE_CARTS_WRITE: _ClassVar[Scope]
    SCOPE_CATALOG_READ: _ClassVar[Scope]
    SCOPE_CATALOG_WRITE: _ClassVar[Scope]
    SCOPE_CUSTOMERS_READ: _ClassVar[Scope]
    SCOPE_CUSTOMERS_WRITE: _ClassVar[Scope]
    SCOPE_KEYS_ADMIN: _ClassVar[Scope]
    SCOPE_WEBHOOKS_READ: _ClassVar[Scope]
    SCOPE_WEBHOOKS_WRITE: _ClassVar[Scope]
    SCOPE_SERVER_READ: _ClassVar[Scope]
    SCOPE_SERVER_WRITE: _ClassVar[Scope]
    SCOPE_AUDIT_READ: _ClassVar[Scope]

class MethodClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    METHOD_CLASS_UNSPECIFIED: _ClassVar[MethodClass]
    METHOD_CLASS_READ: _ClassVar[MethodClass]
    METHOD_CLASS_WRITE: _ClassVar[MethodClass]
    METHOD_CLASS_BULK: _ClassVar[MethodClass]
ROLE_UNSPECIFIED: Role
ROLE_CUSTOMER: Role
ROLE_FULFILMENT: Role
ROLE_PAYMENT: Role
ROLE_ADMIN: Role
SCOPE_UNSPECIFIED: Scope
SCOPE_ORDERS_READ: Scope
SCOPE_ORDERS_WRITE: Scope
SCOPE_ORDERS_IMPORT: Scope
SCOPE_PAYMENTS_WRITE: Scope
SCOPE_TRACKING_WRITE: Scope
SCOPE_CARTS_READ: Scope
SCOPE_CARTS_WRITE: Scope
SCOPE_CATALOG_READ: Scope
SCOPE_CATALOG_WRITE: Scope
SCOPE_CUSTOMERS_READ: Scope
SCOPE_CUSTOMERS_WRITE: Scope
SCOPE_KEYS_ADMIN: Scope
SCOPE_WEBHOOKS_READ: Scope
SCOPE_WEBHOOKS_WRITE: Scope
SCOPE_SERVER_READ: Scope
SCOPE_SERVER_WRITE: Scope
SCOPE_AUDIT_READ: Scope
METHOD_CLASS_UNSPECIFIED: MethodClass
METHOD_CLASS_READ: MethodClass
METHOD_CLASS_WRITE: MethodClass
METHOD_CLASS_BULK: MethodClass
ACCESS_FIELD_NUMBER: _ClassVar[int]
access: _descriptor.FieldDescriptor

class Access(_message.Message):
    __slots__ = ("scope", "roles", "customer", "method_class", "any_caller")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    METHOD_CLASS_FIELD_NUMBER: _ClassVar[int]
    ANY_CALLER_FIELD_NUMBER: _ClassVar[int]
    scope: Scope
    roles: _containers.RepeatedScalarFieldContainer[Role]
    customer: str
    method_class: MethodClass
    any_caller: bool
    def __init__(self, scope: _Optional[_Union[Scope, str]] = ..., roles: _Optional[_Iterable[_Union[Role, str]]] = ..., customer: _Optional[str] = ..., method_class: _Optional[_Union[MethodClass, str]] = ..., any_caller: _Optional[bool] = ...) -> None: ...
