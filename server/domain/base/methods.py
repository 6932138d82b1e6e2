"""The services and methods of the API, as the protos declare them."""

from enum import StrEnum
from types import MappingProxyType
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from orders.v1 import (
    access_pb2,
    api_key_service_pb2,
    audit_service_pb2,
    cart_service_pb2,
    catalog_service_pb2,
    consumer_service_pb2,
    customer_service_pb2,
    fulfilment_service_pb2,
    order_service_pb2,
    server_service_pb2,
    webhook_service_pb2,
)

SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    service
    for file in (
        order_service_pb2,
        catalog_service_pb2,
        cart_service_pb2,
        customer_service_pb2,
        fulfilment_service_pb2,
        api_key_service_pb2,
        consumer_service_pb2,
        webhook_service_pb2,
        server_service_pb2,
        audit_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)

# Every method has its own request type.
_METHODS = MappingProxyType({method.input_type.full_name: method for service in SERVICES for method in service.methods})


class MethodClass(StrEnum):
    """The class of a method. It determines the rate limit and, for an operation, the lane in the writer."""

    UNSPECIFIED = "unspecified"
    READ = "read"
    WRITE = "write"
    BULK = "bulk"


_BY_NAME = MappingProxyType({method.name: method for service in SERVICES for method in service.methods})


def response_type_of(method: str) -> Any:
    """The type of a method's response. Method names are unique across services."""
    return GetMessageClass(_BY_NAME[method].output_type)


def request_type_of(method: str) -> Any:
    """The type of a method's request."""
    return GetMessageClass(_BY_NAME[method].input_type)


def path_of(method: str) -> str:
    """The path of a method, as gRPC calls it."""
    return f"/{_BY_NAME[method].containing_service.full_name}/{method}"


def access_of(method: MethodDescriptor) -> access_pb2.Access:
    """The access option of a method's proto."""
    return method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]


def class_of(method: MethodDescriptor) -> MethodClass:
    name = access_pb2.MethodClass.Name(access_of(method).method_class)
    return MethodClass(name.removeprefix("METHOD_CLASS_").lower())


def method_of(request: type[Message]) -> MethodDescriptor:
    """The method that takes a request type."""
    return _METHODS[request.DESCRIPTOR.full_name]


# The names of the methods whose requests are stored under their ids.
WRITES = tuple(
    name
    for name, method in _BY_NAME.items()
    if class_of(method) is not MethodClass.READ and "request_id" in method.input_type.fields_by_name
)


def method_class_of(request: Any) -> MethodClass:
    """The class of the method that takes a request type; WRITE for a command that only the service itself issues."""
    descriptor = getattr(request, "DESCRIPTOR", None)
    method = None if descriptor is None else _METHODS.get(descriptor.full_name)
    return MethodClass.WRITE if method is None else class_of(method)
