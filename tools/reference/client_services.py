"""Writes the types of the client's methods, client/src/order_service_client/services.py, from the descriptors."""

from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor

from server.domain.base.methods import SERVICES

TARGET = Path(__file__).parents[2] / "client" / "src" / "order_service_client" / "services.py"

_HEAD = '''\
"""The types of the methods. Generated from the protos by `make proto`."""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from google.protobuf.descriptor import ServiceDescriptor
{imports}

Request_contra = TypeVar("Request_contra", contravariant=True)
Response_co = TypeVar("Response_co", covariant=True)
Metadata = Sequence[tuple[str, str]]


class Unary(Protocol[Request_contra, Response_co]):
    """A method with one response."""

    def __call__(
        self, request: Request_contra, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> Response_co: ...


class Streaming(Protocol[Request_contra, Response_co]):
    """A method with a stream of responses."""

    def __call__(
        self, request: Request_contra, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> Iterator[Response_co]: ...


class AsyncUnary(Protocol[Request_contra, Response_co]):
    """A method with one response."""

    def __call__(
        self, request: Request_contra, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> Awaitable[Response_co]: ...


class AsyncStreaming(Protocol[Request_contra, Response_co]):
    """A method with a stream of responses."""

    def __call__(
        self, request: Request_contra, *, timeout: float | None = None, metadata: Metadata = ()
    ) -> AsyncIterator[Response_co]: ...

'''


def render() -> str:
    """The module."""
    parts = [_HEAD.format(imports="\n".join(_imports()))]
    for service in SERVICES:
        parts += ["\n".join(_service(service, prefix)) + "\n" for prefix in ("", "Async")]
    return "\n".join([*parts, *_table()]) + "\n"


def _imports() -> Iterator[str]:
    modules = {service.file.name for service in SERVICES} | {each.file.name for each in _messages()}
    for name in sorted(modules):
        if name.startswith("orders/v1/"):
            yield f"from orders.v1 import {_module(name)}"
        else:
            yield f"from {name.rpartition('/')[0].replace('/', '.')} import {_module(name)}"


def _messages() -> Iterator[Descriptor]:
    for service in SERVICES:
        for method in service.methods:
            yield from (method.input_type, method.output_type)


def _module(file: str) -> str:
    return file.rpartition("/")[2].removesuffix(".proto") + "_pb2"


def _service(service: ServiceDescriptor, prefix: str) -> Iterator[str]:
    yield f"class {prefix}{service.name}(Protocol):"
    yield f'    """The methods of {service.full_name}."""'
    yield ""
    yield from (f"    {method.name}: {_type(method, prefix)}" for method in service.methods)
    yield ""


def _type(method: MethodDescriptor, prefix: str) -> str:
    kind = "Streaming" if method.server_streaming else "Unary"
    request = _name(method.input_type)
    request = f"Iterator[{request}]" if method.client_streaming and not prefix else request
    request = f"AsyncIterator[{request}]" if method.client_streaming and prefix else request
    return f"{prefix}{kind}[{request}, {_name(method.output_type)}]"


def _name(message: Descriptor) -> str:
    return f"{_module(message.file.name)}.{message.name}"


def _table() -> Iterator[str]:
    yield ""
    yield "SERVICES: Mapping[str, ServiceDescriptor] = {"
    for service in SERVICES:
        yield f'    "{service.name}": {_module(service.file.name)}.DESCRIPTOR.services_by_name["{service.name}"],'
    yield "}"
