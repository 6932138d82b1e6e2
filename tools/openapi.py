"""The OpenAPI description of the API over HTTP, from the descriptors: methods, fields, bounds, errors and security."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.rpc import code_pb2
from orders.v1 import access_pb2, error_reason_pb2

from server.gateway.statuses import CREATED, status_of
from tools.openapi_schemas import STATUS_TYPES, Schemas, reference
from tools.reference.protos import Binding, Method, Source, load, services, value_comments

Json = dict[str, Any]

_ERRORS = re.compile(r"([A-Z_]+) \(([^)]*)\)")
_REASON = re.compile(r"[A-Z]+(?:_[A-Z]+)+")
_VARIABLE = re.compile(r"\{(?:\w+\.)*(\w+)(?:=[^}]*)?\}")
_PREFIX = "ERROR_REASON_"
_CODES = frozenset(code_pb2.Code.keys())

# Any method can return these: see the comment of OrderService.
_COMMON = (
    *("INVALID_ORDER_DATA", "UNAUTHENTICATED", "SCOPE_MISSING", "ROLE_MISSING", "ORDER_ACCESS_DENIED"),
    *(
        "CUSTOMER_ACCESS_DENIED",
        "RATE_LIMITED",
        "OVERLOADED",
        "INTERNAL",
        "DEPENDENCY_UNAVAILABLE",
        "DEADLINE_EXCEEDED",
    ),
)
_ALSO_OF_WRITES = ("IDEMPOTENCY_IN_PROGRESS",)

_HEADERS: Mapping[str, Json] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes it safe to retry the request; the same as `request_id`.",
        "schema": {"type": "string", "maxLength": 128},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` of the response that the change is based on; the same as `etag`. 409 if it is outdated.",
        "schema": {"type": "string"},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "Resumes the stream after this event; the same as `resume_token`.",
        "schema": {"type": "string"},
    },
}

_PROBLEM: Json = {
    "type": "object",
    "description": "An error as RFC 9457 has it, for requests with `Accept: application/problem+json`.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "The gRPC code."},
        "reason": {"type": "string", "description": "The reason; each is documented with the responses."},
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def render(image: Path) -> str:
    """The description, from a descriptor set with comments."""
    sources = load(image)
    return json.dumps(_Document(sources, Schemas(image)).build(), indent=1, ensure_ascii=False) + "\n"


class _Document:
    def __init__(self, sources: Sequence[Source], schemas: Schemas) -> None:
        self._sources = sources
        self._schemas = schemas
        self._reasons = _reasons(sources)

    def build(self) -> Json:
        every = list(services(self._sources))
        paths: dict[str, Json] = defaultdict(dict)
        for service in every:
            for method in service.methods:
                for at, binding in enumerate(method.bindings):
                    path = _VARIABLE.sub(r"{\1}", binding.path)
                    paths[path][binding.verb.lower()] = self._operation(method, binding, at)
        for name in STATUS_TYPES:
            self._schemas.use(name)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Order service",
                "version": "v1",
                "description": "Orders, from checkout to delivery. Every error is a `google.rpc.Status` with one reason, "
                "or a problem of RFC 9457 on request.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "security": [{"bearer": []}, {"token": []}, {}],
            "tags": [{"name": _tag(service.name), "description": "\n\n".join(service.comment)} for service in every],
            "paths": paths,
            "components": {
                "schemas": {**dict(sorted(self._schemas.found.items())), "Problem": _PROBLEM},
                "parameters": dict(_HEADERS),
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a token."},
                    "token": {"type": "apiKey", "in": "header", "name": "token", "description": "The same."},
                },
            },
        }

    def _operation(self, method: Method, binding: Binding, at: int) -> Json:
        scope = access_pb2.Scope.Name(method.access.scope).removeprefix("SCOPE_").lower().replace("_", ".")
        scopes = [] if method.access.any_caller else [scope]
        operation: Json = {
            "operationId": method.name if at == 0 else f"{method.name}_{binding.verb.lower()}{at if at > 1 else ''}",
            "tags": [_tag(method.service)],
            "summary": method.summary.rstrip("."),
            "description": "\n\n".join([*method.comment, _access_words(method, scope)]),
            "security": [{"bearer": scopes}, {"token": scopes}, {}],
            "parameters": list(self._parameters(method, binding)),
            "responses": self._responses(method, binding),
        }
        if body := self._schemas.body(method, binding):
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
        return operation

    def _parameters(self, method: Method, binding: Binding) -> Iterator[Json]:
        variables = re.findall(r"\{([\w.]+)(?:=[^}]*)?\}", binding.path)
        request = method.descriptor.input_type
        for path in variables:
            field, schema, description = self._schemas.field_at(request, path)
            yield _parameter(field.name, "path", schema, description) | {"required": True}
        if binding.body != "*":
            for path, schema, description, required in self._schemas.leaves(request):
                if path not in variables and path.split(".")[0] != binding.body:
                    yield _parameter(path, "query", schema, description) | ({"required": True} if required else {})
        names = set(self._schemas.field_names(request))
        body = set(self._schemas.field_names(self._schemas.type_of(request, binding.body))) if binding.body else set()
        if "request_id" in names:
            yield {"$ref": "#/components/parameters/IdempotencyKey"}
        if "etag" in names or (binding.body not in ("", "*") and "etag" in body):
            yield {"$ref": "#/components/parameters/IfMatch"}
        if method.descriptor.server_streaming and "resume_token" in names:
            yield {"$ref": "#/components/parameters/LastEventId"}

    def _responses(self, method: Method, binding: Binding) -> Json:
        schema = reference(self._schemas.use(method.descriptor.output_type))
        types = (
            ("application/x-ndjson", "text/event-stream")
            if method.descriptor.server_streaming
            else ("application/json",)
        )
        creates = method.name.startswith("Create") and binding.verb == "POST"
        status = str(CREATED if creates else 200)
        found: Json = {
            status: {"description": "Success.", "content": {each: {"schema": schema} for each in types}},
        }
        if creates:
            found[status]["headers"] = {
                "Location": {"schema": {"type": "string"}, "description": "The resource's path."}
            }
        return found | self._errors(method)

    def _errors(self, method: Method) -> Json:
        """The responses of errors by status, each with its reasons."""
        listed = [reason for text in method.comment if text.startswith("Errors:") for reason in self._listed(text)]
        is_write = method.access.method_class == access_pb2.METHOD_CLASS_WRITE
        by_status: dict[int, dict[str, str]] = defaultdict(dict)
        for reason, code in [*listed, *((each, 0) for each in (*_COMMON, *(_ALSO_OF_WRITES if is_write else ())))]:
            known = self._reasons[reason]
            by_status[status_of(code or known[0], reason)][reason] = known[1]
        return {str(status): _error(reasons) for status, reasons in sorted(by_status.items())}

    def _listed(self, text: str) -> Iterator[tuple[str, int]]:
        """The reasons that a comment lists, with the codes that it lists them under."""
        for code, names in _ERRORS.findall(text):
            for name in _REASON.findall(names):
                if name in self._reasons and code in _CODES:
                    yield name, code_pb2.Code.Value(code)


def _reasons(sources: Sequence[Source]) -> dict[str, tuple[int, str]]:
    """The code of each reason, and its first sentence."""
    values = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_number
    return {
        values[number].name.removeprefix(_PREFIX): (
            values[number].GetOptions().Extensions[error_reason_pb2.code],
            comment[0],
        )
        for number, comment in value_comments(sources, "ErrorReason").items()
    }


def _error(reasons: Mapping[str, str]) -> Json:
    words = "\n".join(f"- `{reason}`: {text}" for reason, text in sorted(reasons.items()))
    return {
        "description": words,
        "content": {
            "application/json": {"schema": reference("Status")},
            "application/problem+json": {"schema": reference("Problem")},
        },
        "x-reasons": sorted(reasons),
    }


def _parameter(name: str, place: str, schema: Json, description: str) -> Json:
    found = {"name": name, "in": place, "schema": schema}
    return found | ({"description": description} if description else {})


def _access_words(method: Method, scope: str) -> str:
    if method.access.any_caller:
        return "For every authenticated caller."
    roles = [access_pb2.Role.Name(role).removeprefix("ROLE_").lower() for role in method.access.roles]
    return f"Scope `{scope}`; for {', '.join(roles)}."


def _tag(service: str) -> str:
    return service.removesuffix("Service")
