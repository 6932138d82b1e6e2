"""The sources of an OpenID provider's keys: its URL, or a file."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from orders.v1.error_reason_pb2 import ERROR_REASON_DEPENDENCY_UNAVAILABLE

from server import http_client
from server.domain.base.errors import Refusal
from server.identity.files import fingerprint
from server.identity.loopback import is_loopback
from server.identity.signing_keys import SigningKey, choose, parse
from server.tasks import Tasks, contain
from server.telemetry.log import fields

log = logging.getLogger(__name__)

_MAX_BYTES = 1 << 20
# Seconds between attempts while there are no keys at all.
_RETRY = 1.0


class KeySource(Protocol):
    """A source of a provider's keys."""

    async def find(self, *, key_id: str, algorithm: str) -> list[SigningKey]:
        """The keys that may have signed a token. Raises DEPENDENCY_UNAVAILABLE without the provider's keys."""
        ...


class KeyFile:
    """The keys in a file, a PEM or a JSON Web Key Set, which is read again when it changes."""

    def __init__(self, path: Path) -> None:
        """Reads the file. Raises OSError or ValueError if it contains no keys."""
        self._path = path
        self._seen = fingerprint(path)
        self._keys = parse(path.read_bytes())

    async def find(self, *, key_id: str, algorithm: str) -> list[SigningKey]:
        self._look()
        return choose(self._keys, key_id=key_id, algorithm=algorithm)

    def _look(self) -> None:
        seen = fingerprint(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys = parse(self._path.read_bytes())
        except BaseException as error:
            failure = contain(error)
            log.warning(
                "the file of the provider's keys cannot be read; the previous keys stay in use", extra=fields(failure)
            )
        else:
            log.info("read the file of the provider's keys again")


class KeyUrl:
    """The keys that a provider publishes, fetched on first use and refreshed regularly."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 5.0,
        refresh: float = 300.0,
        min_interval: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The refresh interval, and the minimum interval between fetches for unknown keys, in seconds.

        Raises ValueError for an untrusted URL.
        """
        _check(url)
        self._url = url
        self._timeout = timeout
        self._refresh = refresh
        self._min_interval = min_interval
        self._clock = clock
        self._keys: list[SigningKey] = []
        self._fetch_at = clock()
        self._not_before = clock()
        self._fetching: asyncio.Task[None] | None = None
        self._tasks = Tasks()

    async def find(self, *, key_id: str, algorithm: str) -> list[SigningKey]:
        if self._keys and self._clock() >= self._fetch_at:
            # No call waits for new keys while the known ones suffice.
            self._begin()
        found = choose(self._keys, key_id=key_id, algorithm=algorithm)
        if not found:
            await self._fetched()
            found = choose(self._keys, key_id=key_id, algorithm=algorithm)
        if not self._keys:
            raise _unavailable()
        return found

    async def _fetched(self) -> None:
        """Waits for a fetch that all waiting calls share; returns immediately if the last one was recent."""
        if task := self._begin():
            # The fetch continues for the other calls if one is cancelled.
            await asyncio.shield(task)

    def _begin(self) -> asyncio.Task[None] | None:
        if self._fetching is None and self._clock() >= self._not_before:
            self._fetching = self._tasks.spawn(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            data = await http_client.get(
                self._url,
                accept="application/json",
                seconds=self._timeout,
                max_bytes=_MAX_BYTES,
                may_use_proxy=not is_loopback(urlsplit(self._url).hostname or ""),
            )
            self._keys = parse(data)
        except BaseException as error:
            log.warning("the identity provider's keys cannot be fetched", extra=fields(contain(error)))
        finally:
            now = self._clock()
            self._not_before = now + (self._min_interval if self._keys else _RETRY)
            self._fetch_at = now + self._refresh
            self._fetching = None


def _check(url: str) -> None:
    if urlsplit(url).scheme == "https" and urlsplit(url).hostname:
        return
    if urlsplit(url).scheme != "http" or not is_loopback(urlsplit(url).hostname or ""):
        raise ValueError(f"keys must come from an address with https, or with http from this machine, not {url}")


def _unavailable() -> Refusal:
    text = "the keys of the identity provider cannot be fetched; try again"
    return Refusal(
        ERROR_REASON_DEPENDENCY_UNAVAILABLE, text, metadata={"dependency": "identity_provider"}, retry_after=_RETRY
    )
