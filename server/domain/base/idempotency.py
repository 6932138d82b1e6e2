"""Request ids: repeating a request with the same id returns the first answer."""

from typing import NamedTuple

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from orders.v1.error_reason_pb2 import ERROR_REASON_IDEMPOTENCY_KEY_REUSED

from server.domain.base.caller import Caller
from server.domain.base.errors import Refusal
from server.domain.base.personal_data import erased
from server.domain.base.redaction import without_secrets


class Key(NamedTuple):
    """The scope within which a request id is unique."""

    caller: str
    method: str
    request_id: str


class Remembered(NamedTuple):
    """The first request with a key and its answer, both serialized without their secrets, and the time of the answer."""

    request: bytes
    response: bytes
    answer_time: Timestamp


class Replay(NamedTuple):
    """The first answer to a request that was sent again."""

    answer_time: Timestamp
    response: bytes


def scope_of(caller: Caller) -> str:
    """The part of a key that separates callers. One subject may act for several customers, as a shop front does."""
    return "\n".join(filter(None, (caller.subject, caller.confined_to)))


def first_answer(key: Key, request: Message, remembered: Remembered) -> bytes:
    """The answer to the first request with the key; refuses if this one differs from it."""
    first = type(request).FromString(remembered.request)
    # Field by field: a field that this server does not know does not make it another request.
    differing = differing_fields(first, without_secrets(request))
    # The first request may have been erased since.
    if differing and differing_fields(first, erased(without_secrets(request))):
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
