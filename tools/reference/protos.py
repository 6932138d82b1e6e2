"""The files of the package `orders.v1` with their comments, as generated/orders.binpb has them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)
from orders.v1 import access_pb2

PACKAGE = "orders.v1"
VERBS = ("get", "put", "post", "delete", "patch")

# The field numbers of descriptor.proto that make up a path in SourceCodeInfo.
FILE_MESSAGES = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER
FILE_ENUMS = FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER
FILE_SERVICES = FileDescriptorProto.SERVICE_FIELD_NUMBER
MESSAGE_FIELDS = DescriptorProto.FIELD_FIELD_NUMBER
MESSAGE_ONEOFS = DescriptorProto.ONEOF_DECL_FIELD_NUMBER
ENUM_VALUES = EnumDescriptorProto.VALUE_FIELD_NUMBER
SERVICE_METHODS = ServiceDescriptorProto.METHOD_FIELD_NUMBER


class Source:
    """A file of the package, and the comments in it."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self.file = file
        self._comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}

    def comment(self, *path: int) -> list[str]:
        """The paragraphs of the comment at a path."""
        text = re.sub(r"^ ", "", self._comments.get(path, ""), flags=re.MULTILINE).strip()
        return [" ".join(paragraph.split("\n")) for paragraph in re.split(r"\n\s*\n", text) if paragraph]


def load(path: Path) -> list[Source]:
    """The package's files, sorted by name."""
    descriptors = FileDescriptorSet.FromString(path.read_bytes())
    return [Source(file) for file in sorted(descriptors.file, key=lambda file: file.name) if file.package == PACKAGE]


class Binding(NamedTuple):
    """One way to call a method over HTTP."""

    verb: str
    path: str
    body: str


@dataclass(frozen=True)
class Method:
    """A method of a service, and the paragraphs of its comment."""

    service: str
    descriptor: MethodDescriptorProto
    comment: list[str]

    @property
    def name(self) -> str:
        return self.descriptor.name

    @property
    def summary(self) -> str:
        """The first sentence of the comment."""
        return re.split(r"(?<=\.) ", self.comment[0], maxsplit=1)[0] if self.comment else ""

    @property
    def access(self) -> access_pb2.Access:
        return self.descriptor.options.Extensions[access_pb2.access]

    @property
    def bindings(self) -> list[Binding]:
        rule = self.descriptor.options.Extensions[annotations_pb2.http]
        return [_binding(each) for each in (rule, *rule.additional_bindings) if each.WhichOneof("pattern")]


def _binding(rule: HttpRule) -> Binding:
    verb = rule.WhichOneof("pattern")
    if verb not in VERBS:
        raise ValueError(f"bindings of kind {verb} are not supported")
    return Binding(verb.upper(), getattr(rule, verb), rule.body)


class Service(NamedTuple):
    """A service, the paragraphs of its comment, and its methods."""

    name: str
    comment: list[str]
    methods: list[Method]


def services(sources: Sequence[Source]) -> Iterator[Service]:
    for source in sources:
        for at, service in enumerate(source.file.service):
            path = (FILE_SERVICES, at)
            comments = [source.comment(*path, SERVICE_METHODS, each) for each in range(len(service.method))]
            methods = [Method(service.name, *pair) for pair in zip(service.method, comments, strict=True)]
            yield Service(service.name, source.comment(*path), methods)


def methods(sources: Sequence[Source]) -> list[Method]:
    return [method for service in services(sources) for method in service.methods]


def value_comments(sources: Sequence[Source], enum: str) -> dict[int, list[str]]:
    """The paragraphs of the comment of each value of an enum, by number. The zero value, which means unset, is left out."""
    for source in sources:
        for at, found in enumerate(source.file.enum_type):
            if found.name == enum:
                comments = (source.comment(FILE_ENUMS, at, ENUM_VALUES, index) for index in range(len(found.value)))
                numbers = (value.number for value in found.value)
                return {number: comment for number, comment in zip(numbers, comments, strict=True) if number}
    raise ValueError(f"there is no enum {enum}")
