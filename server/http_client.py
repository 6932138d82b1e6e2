"""Outgoing HTTP: every request has a deadline and a size limit, and goes to the given address only."""

import asyncio
import socket
from collections.abc import Container, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

# A compressed body could grow beyond any limit on what is received.
_HEADERS = {"User-Agent": "orders", "Accept-Encoding": "identity"}

# The errors of a connection, including those of libraries that use the same client.
TRANSPORT_ERRORS = (ClientError, OSError)


class HttpError(Exception):
    """The request failed: no connection, an untrusted certificate, a timeout, too long a response, or a status other than 2xx."""


async def get(url: str, *, accept: str, seconds: float, max_bytes: int, may_use_proxy: bool = True) -> bytes:
    """The body of a successful response. Raises HttpError.

    The timeout includes the name lookup and the last byte. Redirects are not followed.
    """
    proxy = proxy_for(url) if may_use_proxy else None
    try:
        async with (
            _session(seconds) as session,
            session.get(url, headers={"Accept": accept}, allow_redirects=False, proxy=proxy) as response,
        ):
            if not 200 <= response.status < 300:
                raise HttpError(f"status {response.status}")
            return await _read(response, max_bytes)
    except (ClientError, OSError, ValueError) as error:
        raise HttpError(type(error).__name__) from error


class Reply(NamedTuple):
    """A response of any status, with the beginning of its body."""

    status: int
    body: bytes
    retry_after: str


class Poster:
    """Posts to URLs that callers choose, over persistent connections. It uses no proxy, because it could not check addresses."""

    def __init__(self, *, seconds: float, max_bytes: int, allowed: Container[str]) -> None:
        """`seconds` is the timeout of a whole request; at most `max_bytes` of a response are read."""
        self._seconds, self._max_bytes, self._allowed = seconds, max_bytes, allowed
        self._kept: ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The response of any status. Raises HttpError if there is none. Redirects are not followed."""
        try:
            # The library's own timeout rounds to seconds.
            async with asyncio.timeout(self._seconds):
                return await self._post(url, body, headers)
        except TimeoutError as error:
            raise HttpError("timeout") from error
        except ClientError as error:
            refused = isinstance(getattr(error, "os_error", None), AddressNotAllowed)
            raise HttpError("address not allowed" if refused else _text_of(error)) from error
        except (OSError, ValueError) as error:
            raise HttpError(type(error).__name__) from error

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        # In this order: no header replaces the content's type.
        sent = {**headers, "Content-Type": "application/json"}
        async with self._session().post(url, data=body, headers=sent, allow_redirects=False) as response:
            data = bytearray()
            async for chunk in response.content.iter_any():
                data += chunk
                if len(data) >= self._max_bytes:
                    response.close()
                    break
            return Reply(response.status, bytes(data[: self._max_bytes]), response.headers.get("Retry-After", ""))

    def _session(self) -> ClientSession:
        if self._kept is None:
            connector = TCPConnector(limit=0, socket_factory=self._socket)
            self._kept = _session(self._seconds, connector)
        return self._kept

    def _socket(self, address_info: Any) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if address[0] not in self._allowed:
            raise AddressNotAllowed(f"{address[0]} is not an allowed address")
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        """Closes the connections."""
        if self._kept is not None:
            await self._kept.close()
            self._kept = None


class AddressNotAllowed(OSError):
    """The name resolves to an address that is not allowed."""


def _text_of(error: ClientError) -> str:
    inner = getattr(error, "os_error", None) or error
    return type(inner).__name__


def _session(seconds: float, connector: TCPConnector | None = None) -> ClientSession:
    return ClientSession(
        connector=connector,
        headers=_HEADERS,
        timeout=ClientTimeout(total=seconds),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
    )


async def _read(response: ClientResponse, max_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > max_bytes:
            raise HttpError(f"more than {max_bytes:,} bytes")
    return bytes(data)


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names. The library's own lookup would also send passwords from ~/.netrc."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
