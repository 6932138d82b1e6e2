"""Identifies callers by an API key, a token of an identity provider, or the name of a client certificate."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from server.domain.access import key_texts
from server.domain.access.api_keys import Use, caller_of, check_valid, expire_time_of
from server.domain.base.caller import Caller
from server.domain.base.errors import Refusal, unauthenticated
from server.domain.base.values import StoredKey
from server.identity.credential_cache import CredentialCache, Verified

if TYPE_CHECKING:
    from server.identity.jwt import TokenVerifier

# Characters of a certificate's names that a refusal shows.
_LONGEST_NAME = 300


class KeyStore(Protocol):
    """The reader of API keys: `storage/read/api_keys.py`."""

    async def find(self, key_id: str) -> StoredKey | None: ...
    async def find_certificate(self, name: str) -> StoredKey | None: ...


class Authenticator:
    """Authenticates callers by their credentials. It caches results for `cache_seconds`, for which a revoked key still works."""

    def __init__(
        self,
        *,
        store: KeyStore,
        tokens: "TokenVerifier | None",
        cache_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._tokens = store, tokens
        # A separate cache, so that no text from a caller can match a certificate.
        self._texts = CredentialCache(seconds=cache_seconds, clock=clock)
        self._certificates = CredentialCache(seconds=cache_seconds, clock=clock)
        self._uses: dict[Use, datetime] = {}

    async def authenticate(self, bearer: str, certificate_names: Sequence[str] = ()) -> Caller:
        """The caller of a credential or a verified certificate. Raises UNAUTHENTICATED and DEPENDENCY_UNAVAILABLE."""
        recent, presented = (self._texts, bearer) if bearer else (self._certificates, "\n".join(certificate_names))
        caller = recent.find(presented)
        if caller is None:
            verified = await self._check(bearer, certificate_names)
            recent.keep(presented, verified)
            caller = verified.caller
        return caller

    def take_uses(self) -> dict[Use, datetime]:
        """The keys used since the last call of this method, with their times."""
        uses, self._uses = self._uses, {}
        return uses

    async def _check(self, bearer: str, certificate_names: Sequence[str]) -> Verified:
        if bearer.startswith(key_texts.PREFIX):
            return await self._by_key(bearer)
        if bearer:
            return await self._by_token(bearer)
        if certificate_names:
            return await self._by_certificate(certificate_names)
        text = "send an API key or a token, as metadata `authorization: Bearer …`; `orders keys create` creates a key"
        raise unauthenticated("missing", text)

    async def _by_key(self, text: str) -> Verified:
        presented = key_texts.parse(text)
        if presented is None:
            raise unauthenticated("malformed", "the API key is incomplete: its checksum is wrong; copy it again")
        try:
            return await self._by_presented(presented)
        except Refusal as error:
            error.key_id = presented.key_id
            raise

    async def _by_presented(self, presented: key_texts.Presented) -> Verified:
        stored = await self._store.find(presented.key_id)
        if stored is None:
            raise _unknown_key()
        newest = key_texts.matches(presented.digest, stored.digest)
        # Only the holder of a key learns why it is invalid.
        if not newest and not key_texts.matches(presented.digest, stored.previous):
            raise _unknown_key()
        return self._use(stored, presented.digest, newest=newest)

    async def _by_token(self, token: str) -> Verified:
        if self._tokens is None:
            raise unauthenticated(
                "unknown", "this is not an API key, and this server accepts no tokens of an identity provider"
            )
        return await self._tokens.verify(token)

    async def _by_certificate(self, names: Sequence[str]) -> Verified:
        for name in names:
            stored = await self._store.find_certificate(name)
            if stored is not None:
                return self._use(stored)
        named = ", ".join(names)[:_LONGEST_NAME]
        text = f"no key has the client certificate's name ({named}); run `orders keys create --certificate-name NAME`"
        refusal = unauthenticated("unknown", text)
        refusal.metadata["certificate_name"] = named
        raise refusal

    def _use(self, stored: StoredKey, digest: bytes = b"", *, newest: bool = True) -> Verified:
        api_key, now = stored.api_key, datetime.now(UTC)
        check_valid(api_key, newest=newest, now=now)
        self._uses[Use(api_key.key_id, digest)] = now
        end = expire_time_of(api_key, newest=newest)
        return Verified(caller_of(api_key), None if end is None else end.timestamp())


def _unknown_key() -> Refusal:
    return unauthenticated("unknown", "there is no such API key; if it was rotated, use its new text")
