"""Renders a file's descriptor as proto2 source.

    protovalidate's packages contain the descriptor of validate.proto, but not its source. The renderer supports what that file uses: no
services, maps or groups.
"""

from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import groupby
from typing import Any

from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    OneofDescriptorProto,
)
from google.protobuf.message import Message

_MAX_NUMBER = (1 << 29) - 1

Lines = Iterator[str]


def render(file: FileDescriptorProto) -> str:
    """The source. Options that are extensions must be known where the descriptor was parsed."""
    return "\n".join(_file(file)) + "\n"


def _file(file: FileDescriptorProto) -> Lines:
    if file.syntax not in ("", "proto2") or file.service:
        raise ValueError(f"{file.name}: only proto2 without services can be rendered")
    yield from ('syntax = "proto2";', "", f"package {file.package};", "")
    yield from (f'import "{name}";' for name in file.dependency)
    yield ""
    yield from _option_lines(file.options)
    for extension in file.extension:
        yield from ("", f"extend {extension.extendee} {{", *_indented(_field(extension)), "}")
    for message in file.message_type:
        yield from ("", *_message(message))
    for enum in file.enum_type:
        yield from ("", *_enum(enum))


def _message(message: DescriptorProto) -> Lines:
    yield f"message {message.name} {{"
    yield from _indented(_message_body(message))
    yield "}"


def _message_body(message: DescriptorProto) -> Lines:
    yield from _option_lines(message.options)
    for oneof, fields in groupby(message.field, key=_oneof_of):
        if oneof is None:
            yield from (line for field in fields for line in _field(field))
        else:
            yield from _oneof(message.oneof_decl[oneof], fields)
    for nested in message.nested_type:
        yield from _message(nested)
    for enum in message.enum_type:
        yield from _enum(enum)
    for extensions in message.extension_range:
        yield f"extensions {_range(extensions.start, extensions.end - 1)};"
    for reserved in message.reserved_range:
        yield f"reserved {_range(reserved.start, reserved.end - 1)};"
    for name in message.reserved_name:
        yield f'reserved "{name}";'


def _oneof_of(field: FieldDescriptorProto) -> int | None:
    return field.oneof_index if field.HasField("oneof_index") else None


def _oneof(oneof: OneofDescriptorProto, fields: Iterable[FieldDescriptorProto]) -> Lines:
    yield f"oneof {oneof.name} {{"
    yield from _indented(_option_lines(oneof.options))
    for field in fields:
        yield from _indented(_field(field))
    yield "}"


def _field(field: FieldDescriptorProto) -> Lines:
    label = "" if field.HasField("oneof_index") else _lower(FieldDescriptorProto.Label.Name(field.label)) + " "
    kind = field.type_name or _lower(FieldDescriptorProto.Type.Name(field.type))
    options = [f"{name} = {value}" for name, value in _options(field.options)]
    if not options:
        yield f"{label}{kind} {field.name} = {field.number};"
        return
    yield f"{label}{kind} {field.name} = {field.number} ["
    yield from _indented(",\n".join(options).splitlines())
    yield "];"


def _lower(name: str) -> str:
    """LABEL_OPTIONAL as optional, TYPE_INT32 as int32."""
    return name.partition("_")[2].lower()


def _enum(enum: EnumDescriptorProto) -> Lines:
    yield f"enum {enum.name} {{"
    yield from _indented(_option_lines(enum.options))
    yield from (f"  {value.name} = {value.number};" for value in enum.value)
    yield from (f"  reserved {_range(reserved.start, reserved.end)};" for reserved in enum.reserved_range)
    yield from (f'  reserved "{name}";' for name in enum.reserved_name)
    yield "}"


def _range(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first} to {'max' if last == _MAX_NUMBER else last}"


def _option_lines(options: Message) -> Lines:
    for name, value in _options(options):
        yield from f"option {name} = {value};".splitlines()


def _options(options: Message) -> Iterator[tuple[str, str]]:
    """The name and the value of each option, once for each value of a list."""
    for field, values in options.ListFields():
        name = f"({field.full_name})" if field.is_extension else field.name
        for value in values if field.is_repeated else [values]:
            yield name, _value(field, value)


def _value(field: Any, value: Any) -> str:
    out = StringIO()
    text_format.PrintFieldValue(field, value, out, as_utf8=True)
    return out.getvalue().strip()


def _indented(lines: Iterable[str]) -> Lines:
    return (f"  {line}" for line in lines)
