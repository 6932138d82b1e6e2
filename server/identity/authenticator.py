"""Tells who calls, by an API key, a token of an identity provider, or the name of a client certificate."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

from server.domain.api_keys import StoredKey, Use, caller_of, check_previous, check_valid, unauthenticated
from server.domain.caller import Caller
from server.domain.errors import OrderError
from server.identity import keys
from server.identity.jwt import TokenVerifier

Value = TypeVar("Value")
Clock = Callable[[], float]
Find = Callable[[str], Awaitable[StoredKey | None]]

# Made-up names must not drive the real ones out, nor either fill the memory.
_MAX_KNOWN = 100_000
_MAX_UNKNOWN = 10_000


class KeyStore(Protocol):
    """What reads API keys: `storage/api_keys.py`."""

    async def find(self, key_id: str) -> StoredKey | None: ...
    async def find_certificate(self, name: str) -> StoredKey | None: ...


class Authenticator:
    """Knows callers by what they present. What it has read it believes for `cache_seconds`: so long a revoked key lives on."""

    def __init__(
        self, *, store: KeyStore, tokens: TokenVerifier | None, cache_seconds: float, clock: Clock = time.monotonic
    ) -> None:
        self._keys = _Lookup(store.find, seconds=cache_seconds, clock=clock)
        self._certificates = _Lookup(store.find_certificate, seconds=cache_seconds, clock=clock)
        self._tokens = tokens
        self._uses: dict[Use, datetime] = {}

    async def authenticate(self, bearer: str, certificate_names: Sequence[str] = ()) -> Caller:
        """The caller who presents a text, or else a verified certificate. Raises UNAUTHENTICATED and DEPENDENCY_UNAVAILABLE."""
        if bearer.startswith(keys.PREFIX):
            return await self._by_key(bearer)
        if bearer:
            return await self._by_token(bearer)
        if certificate_names:
            return await self._by_certificate(certificate_names)
        text = "send an API key or a token, as metadata `authorization: Bearer …`; `orders keys create` makes a key"
        raise unauthenticated("missing", text)

    def take_uses(self) -> dict[Use, datetime]:
        """What was used since the last call, and when."""
        uses, self._uses = self._uses, {}
        return uses

    async def _by_key(self, text: str) -> Caller:
        presented = keys.parse(text)
        if presented is None:
            raise unauthenticated("malformed", "the API key is not whole, its checksum is wrong; copy it again")
        found = await self._keys.get(presented.key_id)
        if found is None:
            raise _unknown_key()
        newest = keys.matches(presented.digest, found.stored.digest)
        # Told what is wrong with a key is only who holds it.
        if not newest and not keys.matches(presented.digest, found.stored.previous):
            raise _unknown_key()
        return self._use(found, presented.digest, newest=newest)

    async def _by_token(self, token: str) -> Caller:
        if self._tokens is None:
            raise unauthenticated(
                "unknown", "this is no API key, and tokens of an identity provider are not set up here"
            )
        return self._tokens.known(token) or (await self._tokens.verify(token)).caller

    async def _by_certificate(self, names: Sequence[str]) -> Caller:
        for name in names:
            found = await self._certificates.get(name)
            if found is not None:
                return self._use(found)
        text = "the client certificate's name is not known; register it with `orders keys create --certificate-name`"
        raise unauthenticated("unknown", text)

    def _use(self, found: "_Found", digest: bytes = b"", *, newest: bool = True) -> Caller:
        api_key, now = found.stored.api_key, datetime.now(UTC)
        check_valid(api_key, now=now)
        if not newest:
            check_previous(api_key, now=now)
        self._uses[Use(api_key.key_id, digest)] = now
        return found.caller


def _unknown_key() -> OrderError:
    return unauthenticated("unknown", "there is no such API key; if it was rotated, its new text is needed")


class _Found(NamedTuple):
    stored: StoredKey
    caller: Caller
    until: float


class _Lookup:
    """Keys by a name, and the names that no key has, each believed for some seconds."""

    def __init__(self, find: Find, *, seconds: float, clock: Clock) -> None:
        self._find, self._seconds, self._clock = find, seconds, clock
        self._known: OrderedDict[str, _Found] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()

    async def get(self, name: str) -> _Found | None:
        now = self._clock()
        found = self._known.get(name)
        if found is not None and found.until > now:
            return found
        if self._unknown.get(name, now) > now:
            return None
        stored = await self._find(name)
        if stored is None:
            self._known.pop(name, None)
            _keep(self._unknown, name, now + self._seconds, at_most=_MAX_UNKNOWN)
            return None
        found = _Found(stored, caller_of(stored.api_key), now + self._seconds)
        _keep(self._known, name, found, at_most=_MAX_KNOWN)
        return found


def _keep(kept: OrderedDict[str, Value], name: str, value: Value, *, at_most: int) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > at_most:
        kept.popitem(last=False)
