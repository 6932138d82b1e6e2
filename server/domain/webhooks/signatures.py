"""Signatures of webhooks as Standard Webhooks 1.0.0 specifies them."""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A random secret."""
    return _PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers_of(webhook_id: str, timestamp: int, body: bytes, secrets_: Iterable[str]) -> dict[str, str]:
    """The headers by which a receiver verifies a request: one signature for each secret."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = (f"v1,{b64encode(_digest(secret, signed)).decode()}" for secret in secrets_)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.digest(b64decode(secret.removeprefix(_PREFIX)), signed, "sha256")
