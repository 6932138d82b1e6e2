"""Resume and page tokens: opaque texts with a position in one list, which are refused for any other list."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from google.protobuf.message import Message
from orders.v1.error_reason_pb2 import ERROR_REASON_RESUME_TOKEN_INVALID

from server.domain.base.errors import Refusal

_DIGEST = 8
_MAX_INT = 2**63 - 1


def encode(query: Message, position: list[Any]) -> str:
    """A token for a position (JSON values) in the list that a query makes."""
    payload = json.dumps(position, separators=(",", ":")).encode()
    return urlsafe_b64encode(_digest(query, payload) + payload).decode().rstrip("=")


def decode(token: str, query: Message, *shapes: Sequence[type], field: str) -> list[Any]:
    """The position in a token, whose values have the types of one of the shapes.

    Raises RESUME_TOKEN_INVALID if the token is damaged, forged or made for another query.
    """
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError:
        raw = b""
    digest, payload = raw[:_DIGEST], raw[_DIGEST:]
    if digest != _digest(query, payload):
        raise token_invalid(field)
    try:
        position = json.loads(payload)
    except (ValueError, RecursionError):
        position = None
    if not isinstance(position, list) or tuple(map(type, position)) not in shapes:
        raise token_invalid(field)
    if any(isinstance(value, int) and abs(value) > _MAX_INT for value in position):
        raise token_invalid(field)
    return position


def token_invalid(field: str) -> Refusal:
    text = f"{field} is damaged or belongs to another query; repeat the query that returned it, or start again without a token"
    return Refusal(ERROR_REASON_RESUME_TOKEN_INVALID, text, metadata={"field": field})


def _digest(query: Message, payload: bytes) -> bytes:
    text = query.SerializeToString(deterministic=True)
    return blake2b(type(query).__name__.encode() + b"\0" + text + b"\0" + payload, digest_size=_DIGEST).digest()
