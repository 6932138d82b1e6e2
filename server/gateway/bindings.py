"""The HTTP bindings of the API's methods, from the `google.api.http` options in their descriptors."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orders.v1
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from server.gateway.templates import Template, parse

_VERBS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class Binding:
    """One way to call a method over HTTP."""

    method: MethodDescriptor
    verb: str
    template: Template
    body: str

    @cached_property
    def request(self) -> type[Message]:
        return GetMessageClass(self.method.input_type)

    @cached_property
    def response(self) -> type[Message]:
        return GetMessageClass(self.method.output_type)

    @cached_property
    def grpc_path(self) -> str:
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @cached_property
    def name(self) -> str:
        """The method's name for the log."""
        return f"{self.method.containing_service.name}.{self.method.name}"

    @cached_property
    def streams(self) -> bool:
        return bool(self.method.server_streaming)

    @cached_property
    def takes_stream(self) -> bool:
        """Whether the request is a stream of messages."""
        return bool(self.method.client_streaming)

    def takes(self, field: str) -> bool:
        """Whether the request has a top-level field of this name."""
        return field in self.method.input_type.fields_by_name

    @cached_property
    def etag_holder(self) -> tuple[str, ...] | None:
        """The path to the message that holds the request's etag: the request, or the resource in its body."""
        if self.takes("etag"):
            return ()
        field: Any = self.method.input_type.fields_by_name.get(self.body)
        return (self.body,) if field is not None and "etag" in field.message_type.fields_by_name else None


def services() -> list[ServiceDescriptor]:
    """The services of the API, in the order of their files' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(orders.v1.__path__))
    files = [importlib.import_module(f"orders.v1.{name}") for name in names if name.endswith("_service_pb2")]
    return [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]


def bindings() -> list[Binding]:
    """The bindings of all methods."""
    methods = [method for service in services() for method in service.methods]
    return [binding for method in methods for binding in bindings_of(method)]


def bindings_of(method: MethodDescriptor) -> Iterator[Binding]:
    options: Any = method.GetOptions()
    rule = options.Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        verb = each.WhichOneof("pattern")
        if verb in _VERBS:
            yield Binding(method, verb.upper(), parse(getattr(each, verb)), each.body)
