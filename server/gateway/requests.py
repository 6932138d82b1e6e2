"""A method's request from the path, the query and the body of an HTTP request, by the rules of `google/api/http.proto`."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.gateway.bindings import Binding
from server.gateway.json_reader import TEXT_FORMS, parse, read
from server.gateway.problems import Problems

WHOLE = "*"


class BadRequest(Exception):
    """The request is invalid for the method; contains the faults by field."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in problems))
        self.problems = problems


def build(
    binding: Binding, *, variables: Mapping[str, str], query: str, body: bytes, headers: Mapping[str, str]
) -> Message:
    """The request. `headers` are values of fields, by dotted path, that the caller sent as headers.

    Raises BadRequest and NotJson.
    """
    request = binding.request()
    problems = Problems()
    _read_query(request, binding, query, problems)
    if binding.body:
        _read_body(request, binding, body, problems)
    elif body.strip():
        problems.add("body", f"{binding.verb} {binding.template.text} takes no body")
    for source, values in (("path", variables), ("headers", headers)):
        for path, value in values.items():
            _set(request, path, value, source, problems)
    if problems.found:
        raise BadRequest(problems.found)
    return request


def build_stream(binding: Binding, *, query: str, body: bytes) -> list[Message]:
    """The requests of a stream: the body is the list of them. Raises BadRequest and NotJson."""
    problems = Problems()
    if query:
        problems.add("query", f"{binding.verb} {binding.template.text} takes no parameters")
    values = parse(body)
    if not isinstance(values, list):
        raise BadRequest([("body", "must be a list of messages")])
    requests = [binding.request() for _ in values]
    for index, (request, value) in enumerate(zip(requests, values, strict=True)):
        read(request, value, problems, path=f"[{index}].")
    if problems.found:
        raise BadRequest(problems.found)
    return requests


def _read_body(request: Any, binding: Binding, body: bytes, problems: Problems) -> None:
    # No body means no fields, as the callers of `…:cancel` expect.
    value = parse(body) if body.strip() else {}
    if binding.body == WHOLE:
        read(request, value, problems)
        return
    field = request.DESCRIPTOR.fields_by_name[binding.body]
    if field.is_repeated:
        read(request, {binding.body: value}, problems)
        return
    inner = getattr(request, binding.body)
    inner.SetInParent()
    read(inner, value, problems, path=f"{binding.body}.")


def _read_query(request: Any, binding: Binding, query: str, problems: Problems) -> None:
    if not query:
        return
    values: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if binding.body == WHOLE or name.split(".")[0] == binding.body:
            problems.add(name, "belongs in the body, not in the query")
        else:
            _nest(values, request.DESCRIPTOR, name, text, problems)
    read(request, values, problems)


def _nest(values: dict[str, Any], message: Descriptor, name: str, text: str, problems: Problems) -> None:
    """Inserts a parameter at its place in the JSON of the message."""
    *outer, last = name.split(".")
    for at, part in enumerate(outer):
        field = _field(message, part)
        if field is None or field.message_type is None or field.is_repeated or _is_text(field):
            problems.unknown(".".join([*outer[:at], ""]), part, _names(message))
            return
        message, values = field.message_type, values.setdefault(field.name, {})
    field = _field(message, last)
    if field is None:
        problems.unknown(".".join([*outer, ""]), last, _names(message))
    elif field.message_type is not None and not _is_text(field):
        inner = ", ".join(f"{name}.{each.name}" for each in field.message_type.fields[:3])
        problems.add(name, f"is a message; set its fields, such as {inner}")
    elif field.is_repeated:
        values.setdefault(field.name, []).append(_value(field, text))
    elif field.name in values:
        problems.add(name, "is given more than once")
    else:
        values[field.name] = _value(field, text)


def _field(message: Descriptor, name: str) -> Any:
    return message.fields_by_name.get(name) or message.fields_by_camelcase_name.get(name)


def _names(message: Descriptor) -> list[str]:
    return [field.name for field in message.fields]


def _is_text(field: Any) -> bool:
    return field.message_type is not None and field.message_type.full_name in TEXT_FORMS


def _value(field: Any, text: str) -> object:
    """The JSON value of a parameter. An invalid value stays a text, which is then refused."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    if field.enum_type is not None and text.isdecimal():
        return int(text)
    if _is_text(field) and field.message_type.full_name.endswith("FieldMask"):
        return _camel_paths(text)
    return text


def _camel_paths(mask: str) -> str:
    """The paths of a field mask in lower camel case, which JSON has, whichever of a field's names are given."""
    return ",".join(_camel(path) for path in mask.split(","))


def _camel(path: str) -> str:
    first, *rest = path.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _set(request: Any, path: str, text: str, source: str, problems: Problems) -> None:
    """Sets a field from the path or the headers. The body may repeat the value but not differ from it."""
    *outer, last = path.split(".")
    message = request
    for name in outer:
        message = getattr(message, name)
    field = message.DESCRIPTOR.fields_by_name[last]
    before = getattr(message, last)
    found = Problems()
    message.ClearField(last)
    read(message, {last: _value(field, text)}, found, path=".".join([*outer, ""]))
    if before and before != getattr(message, last):
        problems.add(path, f"differs from the value in the {source}")
    problems.found += found.found
