"""Request ids: a request that is sent again with its id gets the first answer."""

from typing import NamedTuple

from google.protobuf.message import Message
from orders.v1.error_reason_pb2 import ERROR_REASON_IDEMPOTENCY_KEY_REUSED

from server.domain.base.errors import Refusal
from server.domain.base.redaction import without_secrets


class Key(NamedTuple):
    """The scope within which a request id is unique."""

    caller: str
    method: str
    request_id: str


class Remembered(NamedTuple):
    """The first request with a key and its answer, both serialized without their secrets."""

    request: bytes
    response: bytes


def first_answer(key: Key, request: Message, remembered: Remembered) -> bytes:
    """The answer to the first request with the key; refuses if this one differs from it."""
    first = type(request).FromString(remembered.request)
    # Field by field: a field that this server does not know does not make it another request.
    if differing := differing_fields(first, without_secrets(request)):
        raise _reused(key, differing)
    return remembered.response


def differing_fields(first: Message, second: Message) -> list[str]:
    """The names of the top-level fields in which two requests differ."""
    return [
        field.name
        for field in first.DESCRIPTOR.fields
        if getattr(first, field.name) != getattr(second, field.name)
        or (field.has_presence and first.HasField(field.name) != second.HasField(field.name))
    ]


def _reused(key: Key, fields: list[str]) -> Refusal:
    names = ", ".join(fields)
    return Refusal(
        ERROR_REASON_IDEMPOTENCY_KEY_REUSED,
        f"request_id {key.request_id!r} was used before with another request: {names} differ; use a new id for a new request",
        metadata={"request_id": key.request_id, "fields": names},
    )
