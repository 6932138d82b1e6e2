"""Outgoing HTTP: every request has a deadline and a size limit, and goes to the given address only."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

# A compressed body could grow beyond any limit on what is received.
_HEADERS = {"User-Agent": "orders", "Accept-Encoding": "identity"}

# The errors of a connection, also of one that a library makes with the same client.
TRANSPORT_ERRORS = (ClientError, OSError)


class HttpError(Exception):
    """There is no usable response: no connection, no trusted certificate, too late, too long, or a status other than 2xx."""


async def get(url: str, *, accept: str, seconds: float, max_bytes: int, may_use_proxy: bool = True) -> bytes:
    """The body of a successful response. Raises HttpError.

    It ends within so many seconds, from looking up the name to the last byte. Redirects are not followed.
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


def _session(seconds: float) -> ClientSession:
    return ClientSession(
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
