"""Standard HTTP headers for preconditions, retries and positions, and the request fields that they set."""

from collections.abc import Mapping
from typing import Any

from server.gateway.bindings import Binding
from server.gateway.errors import HttpError, invalid

Fields = dict[str, str]

RESUME = "resume_token"


def fields_of(binding: Binding, headers: Mapping[str, str]) -> Fields:
    """The fields that headers set, by dotted path. Raises HttpError for a precondition that the method cannot check."""
    found: Fields = {}
    if (key := headers.get("idempotency-key")) is not None and binding.takes("request_id"):
        found["request_id"] = _unquoted(key)
    if (match := headers.get("if-match")) is not None and match.strip() != "*":
        found |= _etag(binding, match.strip())
    return found


def _etag(binding: Binding, match: str) -> Fields:
    if binding.etag_holder is None:
        if binding.verb == "GET":
            return {}
        raise _refused(f"{binding.method.name} takes no etag; leave the header out")
    if "," in match or match.startswith("W/"):
        raise _refused("must be one strong etag, as the header ETag of a response has it")
    return {".".join([*binding.etag_holder, "etag"]): _unquoted(match)}


def _refused(description: str) -> HttpError:
    return invalid([("If-Match", description)])


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def etag_of(message: Any) -> str:
    """The value of the header ETag for a response; '' if it has none."""
    etag = message.etag if "etag" in message.DESCRIPTOR.fields_by_name else ""
    return f'"{etag}"' if etag else ""


def is_unchanged(headers: Mapping[str, str], etag: str) -> bool:
    """Whether the caller already has the response with this etag."""
    known = [each.strip().removeprefix("W/") for each in headers.get("if-none-match", "").split(",")]
    return bool(etag) and (etag in known or "*" in known)
