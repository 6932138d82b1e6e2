"""The JSON Schemas of messages, as they look over HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
)

from tools.reference.protos import (
    ENUM_VALUES,
    FILE_ENUMS,
    FILE_MESSAGES,
    MESSAGE_FIELDS,
    Binding,
    Method,
    Source,
)

Json = dict[str, Any]
Type = FieldDescriptorProto.Type

STATUS_TYPES = (".google.rpc.Status", ".google.rpc.ErrorInfo", ".google.rpc.BadRequest", ".google.rpc.RetryInfo")

_INT64: Json = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
_SCALARS: dict[int, Json] = {
    Type.TYPE_STRING: {"type": "string"},
    Type.TYPE_BOOL: {"type": "boolean"},
    Type.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    Type.TYPE_INT32: {"type": "integer", "format": "int32"},
    Type.TYPE_UINT32: {"type": "integer", "minimum": 0},
    Type.TYPE_INT64: _INT64,
    Type.TYPE_UINT64: _INT64,
    Type.TYPE_DOUBLE: {"type": "number"},
    Type.TYPE_FLOAT: {"type": "number"},
}
_WELL_KNOWN: dict[str, Json] = {
    ".google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    ".google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    ".google.protobuf.FieldMask": {"type": "string", "description": "Paths of fields, separated by commas."},
    ".google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "additionalProperties": True,
    },
    ".google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    ".google.protobuf.Empty": {"type": "object"},
}
# The names of bounds in protovalidate and in JSON Schema.
_BOUNDS = {
    "min_len": "minLength",
    "max_len": "maxLength",
    "pattern": "pattern",
    "gte": "minimum",
    "lte": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_pairs": "minProperties",
    "max_pairs": "maxProperties",
}
# A list of messages, or a message within a message within a message, is no query parameter.
_DEPTH = 3


def reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


class Schemas:
    """The types of a descriptor set; `found` has those that were used."""

    def __init__(self, image: Path) -> None:
        self.found: dict[str, Json] = {}
        self._messages: dict[str, tuple[Source, int, DescriptorProto]] = {}
        self._enums: dict[str, tuple[Source, int, EnumDescriptorProto]] = {}
        for file in FileDescriptorSet.FromString(image.read_bytes()).file:
            source = Source(file)
            for at, message in enumerate(file.message_type):
                self._messages[f".{file.package}.{message.name}"] = (source, at, message)
                for nested in message.nested_type:
                    self._messages[f".{file.package}.{message.name}.{nested.name}"] = (source, -1, nested)
            for at, enum in enumerate(file.enum_type):
                self._enums[f".{file.package}.{enum.name}"] = (source, at, enum)

    def use(self, type_name: str) -> str:
        """The name of a type's schema, which is then part of the document."""
        name = type_name.rpartition(".")[2]
        if name not in self.found:
            self.found[name] = {}
            self.found[name] |= self._enum(type_name) if type_name in self._enums else self._message(type_name)
        return name

    def field_names(self, type_name: str) -> list[str]:
        return [field.name for field in self._messages[type_name][2].field] if type_name in self._messages else []

    def type_of(self, type_name: str, name: str) -> str:
        """The type of a field; '' if there is no such field or it is no message."""
        return next((field.type_name for field in self._messages[type_name][2].field if field.name == name), "")

    def field_at(self, type_name: str, path: str) -> tuple[FieldDescriptorProto, Json, str]:
        """The field at a dotted path with its schema and description."""
        *outer, last = path.split(".")
        for name in outer:
            type_name = self.type_of(type_name, name)
        return next(each for each in self._fields(type_name) if each[0].name == last)

    def body(self, method: Method, binding: Binding) -> Json | None:
        """The schema of a binding's body; None if it has none. What is in the path is not in the body."""
        if not binding.body:
            return None
        request = method.descriptor.input_type
        if binding.body != "*":
            return reference(self.use(self.type_of(request, binding.body)))
        in_path = frozenset(re.findall(r"\{(\w+)", binding.path))
        name = request.rpartition(".")[2]
        self.found.setdefault(name, self._message(request, without=in_path))
        one = reference(name)
        return {"type": "array", "items": one} if method.descriptor.client_streaming else one

    def leaves(self, type_name: str, path: str = "") -> Iterator[tuple[str, Json, str, bool]]:
        """The fields that query parameters can set: their paths, schemas and descriptions, and whether they are required."""
        for field, schema, description in self._fields(type_name):
            place = f"{path}{field.name}"
            if field.type_name in self._messages and field.type_name not in _WELL_KNOWN:
                if field.label != FieldDescriptorProto.LABEL_REPEATED and place.count(".") < _DEPTH:
                    yield from self.leaves(field.type_name, f"{place}.")
            else:
                yield place, schema, description, _is_required(field) and not path

    def _message(self, type_name: str, *, without: frozenset[str] = frozenset()) -> Json:
        source, at, _ = self._messages[type_name]
        fields = [each for each in self._fields(type_name) if each[0].name not in without]
        found: Json = {"type": "object"}
        if at >= 0 and (comment := source.comment(FILE_MESSAGES, at)):
            found["description"] = "\n\n".join(comment)
        found["properties"] = {field.name: _described(schema, text, field) for field, schema, text in fields}
        if required := [field.name for field, _, _ in fields if _is_required(field)]:
            found["required"] = required
        return found

    def _fields(self, type_name: str) -> Iterator[tuple[FieldDescriptorProto, Json, str]]:
        source, at, message = self._messages[type_name]
        for index, field in enumerate(message.field):
            comment = source.comment(FILE_MESSAGES, at, MESSAGE_FIELDS, index) if at >= 0 else []
            yield field, self._schema(field, message), "\n\n".join(comment)

    def _schema(self, field: FieldDescriptorProto, message: DescriptorProto) -> Json:
        rules: Any = field.options.Extensions[validate_pb2.field]
        entries = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
        if entry := entries.get(field.type_name.rpartition(".")[2]):
            value = {"additionalProperties": self._single(entry.field[1]) | _bounds(rules.map.values)}
            return {"type": "object", **value, **_bounds(rules)}
        if field.label == FieldDescriptorProto.LABEL_REPEATED:
            return {"type": "array", "items": self._single(field) | _bounds(rules.repeated.items), **_bounds(rules)}
        return self._single(field) | _bounds(rules)

    def _single(self, field: FieldDescriptorProto) -> Json:
        if field.type_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[field.type_name])
        if field.type_name:
            return reference(self.use(field.type_name))
        return dict(_SCALARS[field.type])

    def _enum(self, type_name: str) -> Json:
        source, at, enum = self._enums[type_name]
        values = [
            f"- `{value.name}`: {' '.join(source.comment(FILE_ENUMS, at, ENUM_VALUES, index))}"
            for index, value in enumerate(enum.value)
        ]
        text = "\n".join(["\n\n".join(source.comment(FILE_ENUMS, at)), "", *values])
        return {"type": "string", "description": text, "enum": [value.name for value in enum.value]}


def _described(schema: Json, description: str, field: FieldDescriptorProto) -> Json:
    behaviours = field.options.Extensions[field_behavior_pb2.field_behavior]
    found = schema | ({"description": description} if description else {})
    return found | ({"readOnly": True} if field_behavior_pb2.OUTPUT_ONLY in behaviours else {})


def _is_required(field: FieldDescriptorProto) -> bool:
    return field_behavior_pb2.REQUIRED in field.options.Extensions[field_behavior_pb2.field_behavior]


def _bounds(rules: Any) -> Json:
    """The bounds that JSON Schema has too. Those of 64-bit numbers, which are texts in JSON, are in the description."""
    kind = rules.WhichOneof("type")
    if kind not in ("string", "int32", "repeated", "map"):
        return {}
    bounds = {field.name: value for field, value in getattr(rules, kind).ListFields()}
    return {_BOUNDS[name]: value for name, value in bounds.items() if name in _BOUNDS}
