"""A cache of recently checked credentials."""

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from server.domain.base.caller import Caller


class Verified(NamedTuple):
    """The caller of a credential, and its expiry in seconds since 1970; None for no expiry."""

    caller: Caller
    expire_time: float | None


class _Known(NamedTuple):
    caller: Caller
    until: float


class CredentialCache:
    """Callers by their credentials, each for a limited time.

    The keys are digests made with a secret of this process, so the time of a lookup reveals nothing about known credentials.
    """

    def __init__(self, *, seconds: float, size: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._size, self._clock = seconds, size, clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def find(self, text: str) -> Caller | None:
        """The caller of a recently checked text; None if it must be checked."""
        digest = _digest(text)
        known = self._known.get(digest)
        if known is None:
            return None
        if self._clock() >= known.until:
            del self._known[digest]
            return None
        self._known.move_to_end(digest)
        return known.caller

    def keep(self, text: str, verified: Verified) -> None:
        """Remembers a valid text, but not beyond its expiry."""
        caller, expire_time = verified
        left = self._seconds if expire_time is None else min(self._seconds, expire_time - time.time())
        self._known[_digest(text)] = _Known(caller, self._clock() + left)
        if len(self._known) > self._size:
            self._known.popitem(last=False)


def _digest(text: str) -> bytes:
    return sha256(text.encode(errors="replace")).digest()
