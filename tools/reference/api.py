"""The API reference, docs/api.md, from the comments and options of the protos."""

import re
from collections.abc import Iterator, Mapping, Sequence

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FieldDescriptorProto,
)
from google.rpc import code_pb2
from orders.v1 import access_pb2, error_reason_pb2

from server.domain.base.caller import role_of, scope_name
from tools.reference.bounds import Names, rules_in_words
from tools.reference.markdown import link, table
from tools.reference.protos import (
    ENUM_VALUES,
    FILE_ENUMS,
    FILE_MESSAGES,
    MESSAGE_FIELDS,
    MESSAGE_ONEOFS,
    PACKAGE,
    Method,
    Source,
    services,
)

OTHER_TYPES = {
    "google.protobuf.Any": "A message of any type. In JSON the message with its type in `@type`.",
    "google.protobuf.Duration": 'A length of time. In JSON seconds: `"86400s"`.',
    "google.protobuf.Empty": "A message without fields. In JSON `{}`.",
    "google.protobuf.FieldMask": 'Paths of fields. In JSON one text with commas: `"status,shippingAddress.city"`.',
    "google.protobuf.Timestamp": 'A time. In JSON RFC 3339 with a zone: `"2026-01-20T10:00:00Z"`.',
    "google.protobuf.Value": "A value of any type, in JSON as it is.",
    "google.rpc.Status": "An error: `code`, `message` and `details`. See [errors.md](errors.md).",
    "google.type.DayOfWeek": "A day of the week: `MONDAY` to `SUNDAY`.",
    "google.type.Decimal": 'A decimal number as a text in `value`: `{"value": "9.975"}`.',
    "google.type.Money": "An amount: `currency_code` (ISO 4217), `units` (whole units; a string in JSON) and `nanos` "
    "(billionths of a unit, of the same sign).",
}

HEAD = """\
# API reference

<!-- Generated from protos/orders/v1. Change the comments there, then run `make proto`. -->

The methods, messages and enums of the package `orders.v1`. [http-mapping.md](http-mapping.md) describes the methods over
HTTP, [errors.md](errors.md) the errors. The column *Behaviour* shows `google.api.field_behavior`, the column *Rules* the
bounds of a field. A request outside its bounds is refused with `INVALID_ORDER_DATA`. Every write can be tried with
`validate_only`: see [dry runs](dry-runs.md).
"""


def render(sources: Sequence[Source]) -> str:
    """Returns the whole page."""
    parts = [HEAD, *_contents(sources)]
    for title, chapter in (("Services", _services), ("Messages", _messages), ("Enums", _enums)):
        parts += [f"## {title}", *chapter(sources)]
    return "\n\n".join([part.strip() for part in (*parts, *_other_types())]) + "\n"


def _contents(sources: Sequence[Source]) -> Iterator[str]:
    for service in services(sources):
        yield f"**{link(service.name)}**"
        yield table(["Method", "HTTP", "Description"], map(_summary, service.methods))
    messages = sorted(message.name for source in sources for message in source.file.message_type)
    yield "**Messages**: " + " · ".join(map(link, messages))
    enums = sorted(enum.name for source in sources for enum in source.file.enum_type)
    yield "**Enums**: " + " · ".join(map(link, enums))


def _summary(method: Method) -> list[str]:
    bindings = "<br>".join(f"`{verb} {path}`" for verb, path, _ in method.bindings)
    return [link(method.name), bindings, method.summary]


def _services(sources: Sequence[Source]) -> Iterator[str]:
    for service in services(sources):
        yield f"### {service.name}"
        yield from service.comment
        for method in service.methods:
            yield f"#### {method.name}"
            yield from _method(method)


def _method(method: Method) -> Iterator[str]:
    descriptor = method.descriptor
    answer = _type_name(descriptor.output_type)
    yield f"{_type_name(descriptor.input_type)} → {'a stream of ' if descriptor.server_streaming else ''}{answer}"
    yield "\n".join(f"- `{verb} {path}`{_body_words(body)}" for verb, path, body in method.bindings)
    yield _access_words(method.access)
    for paragraph in method.comment:
        yield _errors_list(paragraph) if re.match(r"[A-Z_]+: [A-Z_]", paragraph) else paragraph


def _access_words(access: access_pb2.Access) -> str:
    if access.any_caller:
        return "For every authenticated caller."
    roles = ", ".join(role_of(role) for role in access.roles)
    return f"Scope `{scope_name(access.scope)}`; for {roles}."


def _body_words(body: str) -> str:
    if not body:
        return ", other fields as query parameters"
    return ", the request as body" if body == "*" else f", `{body}` as body, other fields as query parameters"


def _errors_list(paragraph: str) -> str:
    """The paragraph `CODE: REASON, REASON. CODE: REASON.` as a list."""
    lines = [line.rstrip(".").split(": ", 1) for line in re.split(r"\. (?=[A-Z_]+: )", paragraph)]
    marked = [(code, re.sub(r"\b([A-Z]+(?:_[A-Z]+)+)\b", r"`\1`", reasons)) for code, reasons in lines]
    return "Errors:\n\n" + "\n".join(f"- `{code}`: {reasons}" for code, reasons in marked)


def _messages(sources: Sequence[Source]) -> Iterator[str]:
    enums = _short_names(sources)
    for source in sources:
        for index, message in enumerate(source.file.message_type):
            yield f"### {message.name}"
            yield from source.comment(FILE_MESSAGES, index)
            rows = _fields(source, message, index, enums)
            if message.field:
                yield table(["Field", "Type", "Behaviour", "Rules", "Description"], rows)


def _short_names(sources: Sequence[Source]) -> dict[str, Names]:
    """For each enum the names of its values, without what all begin with."""
    found: dict[str, Names] = {}
    for enum in (enum for source in sources for enum in source.file.enum_type):
        prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
        found[f".{PACKAGE}.{enum.name}"] = {value.number: value.name.removeprefix(prefix) for value in enum.value}
    return found


def _fields(source: Source, message: DescriptorProto, at: int, enums: Mapping[str, Names]) -> Iterator[list[str]]:
    for index, field in enumerate(message.field):
        words = source.comment(FILE_MESSAGES, at, MESSAGE_FIELDS, index)
        if field.HasField("oneof_index") and not field.proto3_optional:
            group = source.comment(FILE_MESSAGES, at, MESSAGE_ONEOFS, field.oneof_index)
            words = [f"One of `{message.oneof_decl[field.oneof_index].name}`: {' '.join(group)}", *words]
        rules = rules_in_words(field.options.Extensions[validate_pb2.field], enums.get(field.type_name, {}))
        yield [f"`{field.name}`", _field_type(message, field), _behaviour(field), rules, "<br>".join(words)]


def _behaviour(field: FieldDescriptorProto) -> str:
    behaviours = field.options.Extensions[field_behavior_pb2.field_behavior]
    return ", ".join(field_behavior_pb2.FieldBehavior.Name(each) for each in behaviours)


def _field_type(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    entries = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    if entry := entries.get(field.type_name.rpartition(".")[2]):
        key, value = entry.field
        return f"map of {_single_type(key)} to {_single_type(value)}"
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"list of {_single_type(field)}"
    return _single_type(field) + (", optional" if field.proto3_optional else "")


def _single_type(field: FieldDescriptorProto) -> str:
    scalar = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    return _type_name(field.type_name) if field.type_name else scalar


def _type_name(full_name: str) -> str:
    name = full_name.removeprefix(".")
    if name.startswith(f"{PACKAGE}."):
        return link(name.removeprefix(f"{PACKAGE}."))
    if name not in OTHER_TYPES:
        raise ValueError(f"{name} needs a line in OTHER_TYPES")
    return f"[{name}](#other-types)"


def _enums(sources: Sequence[Source]) -> Iterator[str]:
    for source in sources:
        for index, enum in enumerate(source.file.enum_type):
            yield f"### {enum.name}"
            yield from source.comment(FILE_ENUMS, index)
            yield table(["Value", "Number", "Code", "Description"], _values(source, enum, index))


def _values(source: Source, enum: EnumDescriptorProto, at: int) -> Iterator[list[str]]:
    for index, value in enumerate(enum.value):
        words = source.comment(FILE_ENUMS, at, ENUM_VALUES, index)
        yield [f"`{value.name}`", str(value.number), _code(value), "<br>".join(words)]


def _code(value: EnumValueDescriptorProto) -> str:
    code = value.options.Extensions[error_reason_pb2.code]
    return f"`{code_pb2.Code.Name(code)}`" if code else ""


def _other_types() -> Iterator[str]:
    yield "## Other types"
    yield table(["Type", "Description"], [[f"`{name}`", words] for name, words in OTHER_TYPES.items()])
