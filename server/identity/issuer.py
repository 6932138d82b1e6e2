"""Makes, rotates and revokes API keys. The one place where a key's text is seen."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from orders.v1.api_key_service_pb2 import ApiKey

from server.domain.access.api_keys import DEFAULT_OVERLAP, StoredKey, new_api_key, revoke, rotate
from server.identity import keys


class KeyStore(Protocol):
    """What stores API keys: `storage/api_keys.py`."""

    async def add(self, stored: StoredKey) -> None: ...
    async def change(self, key_id: str, change: Callable[[StoredKey], StoredKey]) -> ApiKey: ...


class KeyIssuer:
    """Methods raise DEPENDENCY_UNAVAILABLE, and what each says."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    async def create(self, wished: ApiKey, *, creator: str) -> ApiKey:
        """A new key with its text, or without one where a certificate stands for it. Raises CERTIFICATE_NAME_TAKEN."""
        made = keys.generate()
        api_key = new_api_key(wished, key_id=made.key_id, creator=creator, now=datetime.now(UTC))
        if api_key.certificate_name:
            await self._store.add(StoredKey(api_key))
        else:
            await self._store.add(StoredKey(api_key, made.digest))
            api_key.key = made.text
        return api_key

    async def rotate(self, key_id: str, *, overlap: timedelta = DEFAULT_OVERLAP) -> ApiKey:
        """The key with its new text; the old one is good for the overlap. Raises API_KEY_NOT_FOUND and API_KEY_REVOKED."""
        text, now = "", datetime.now(UTC)

        def renew(stored: StoredKey) -> StoredKey:
            nonlocal text
            made = keys.generate(key_id)
            text = made.text
            return rotate(stored, made.digest, overlap=overlap, now=now)

        api_key = await self._store.change(key_id, renew)
        api_key.key = text
        return api_key

    async def revoke(self, key_id: str, *, revoker: str) -> ApiKey:
        """The key, ended. Raises API_KEY_NOT_FOUND."""
        now = datetime.now(UTC)
        return await self._store.change(key_id, lambda stored: revoke(stored, revoker=revoker, now=now))
