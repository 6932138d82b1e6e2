"""The outgoing HTTP client, against real HTTP and TLS on this machine."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from server import http_client
from server.http_client import HttpError
from tests.certificates import make_ca


class Site:
    """Answers each path in its own way."""

    def __init__(self) -> None:
        self.url = ""
        self.headers: list[dict[str, str]] = []
        # Slow answers wait for it between two bytes.
        self.over = threading.Event()


@contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.headers.append(dict(self.headers))
            if self.path == "/elsewhere":
                self.send_response(302)
                self.send_header("Location", site.url + "/found")
                self.end_headers()
            elif self.path == "/slow":
                self.send_response(200)
                self.end_headers()
                while not site.over.wait(0.01):
                    self.wfile.write(b".")
                    self.wfile.flush()
            else:
                self.send_response(200 if self.path == "/found" else 404)
                self.end_headers()
                self.wfile.write(b"0123456789")

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    site.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    with listening() as site:
        yield site


async def get(url: str, **changed: Any) -> bytes:
    usual: dict[str, Any] = {"accept": "text/plain", "seconds": 30.0, "max_bytes": 10}
    return await http_client.get(url, **usual | changed)


async def test_body_is_returned_and_the_server_names_itself(site: Site) -> None:
    assert await get(site.url + "/found") == b"0123456789"
    (headers,) = site.headers
    assert (headers["User-Agent"], headers["Accept"]) == ("orders", "text/plain")
    assert headers["Accept-Encoding"] == "identity"


async def test_body_above_the_limit_is_refused(site: Site) -> None:
    with pytest.raises(HttpError, match="more than 9 bytes"):
        await get(site.url + "/found", max_bytes=9)


async def test_redirect_is_not_followed(site: Site) -> None:
    with pytest.raises(HttpError, match="status 302"):
        await get(site.url + "/elsewhere")
    assert len(site.headers) == 1


async def test_status_of_a_failure_is_an_error(site: Site) -> None:
    with pytest.raises(HttpError, match="status 404"):
        await get(site.url + "/nowhere")


async def test_body_that_never_ends_is_given_up(site: Site) -> None:
    with pytest.raises(HttpError, match="Timeout"):
        await get(site.url + "/slow", seconds=0.1, max_bytes=1 << 20)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://", "nonsense"])
async def test_address_that_cannot_be_reached_is_an_error(url: str) -> None:
    with pytest.raises(HttpError):
        await get(url)


async def test_certificate_must_be_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = make_ca(tmp_path)
    issued = authority.issue("localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(issued.certificate, issued.key)
    with listening(tls) as site, pytest.raises(HttpError, match="Certificate"):
        await get(site.url + "/found")


@pytest.mark.parametrize(("may_use_proxy", "proxied"), [(True, True), (False, False)])
async def test_proxy_of_the_environment_is_used_if_it_may(
    may_use_proxy: bool, proxied: bool, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    if proxied:
        with pytest.raises(HttpError):
            await get(site.url + "/found", may_use_proxy=may_use_proxy)
        assert site.headers == []
    else:
        assert await get(site.url + "/found", may_use_proxy=may_use_proxy)
