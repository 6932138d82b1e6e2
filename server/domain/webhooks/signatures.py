"""Signatures of webhooks as Standard Webhooks 1.0.0 specifies them: v1 with a shared secret, v1a with a key pair."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SECRET, _PRIVATE_KEY, _PUBLIC_KEY = "whsec_", "whsk_", "whpk_"
# Of a secret, and of an Ed25519 private key.
_BYTES = 32


def new_secret() -> str:
    """A random secret."""
    return _SECRET + _base64(secrets.token_bytes(_BYTES))


def new_private_key() -> str:
    """A random private key: any 32 bytes are one."""
    return _PRIVATE_KEY + _base64(secrets.token_bytes(_BYTES))


def public_key_of(private_key: str) -> str:
    """The key with which a receiver verifies signatures by the private key."""
    return _PUBLIC_KEY + _base64(_ed25519(private_key).public_key().public_bytes_raw())


def headers_of(webhook_id: str, timestamp: int, body: bytes, keys: Iterable[str]) -> dict[str, str]:
    """The headers by which a receiver verifies a request: one signature for each secret and private key."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(key, signed) for key in keys),
    }


def _signature(key: str, signed: bytes) -> str:
    if key.startswith(_PRIVATE_KEY):
        return f"v1a,{_base64(_ed25519(key).sign(signed))}"
    return f"v1,{_base64(hmac.digest(b64decode(key.removeprefix(_SECRET)), signed, 'sha256'))}"


def _ed25519(private_key: str) -> Ed25519PrivateKey:
    # A server without such keys need not load cryptography.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(b64decode(private_key.removeprefix(_PRIVATE_KEY)))


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
