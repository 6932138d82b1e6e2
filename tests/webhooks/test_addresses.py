"""The addresses that webhooks are sent to, and the one that is dialled."""

import socket
from typing import Any

import pytest

from server.domain.base.records import Everything
from server.http_client import HttpError, Poster
from server.webhooks.addresses import AllowedAddresses
from tests.webhooks.receiver import receiving

PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1")
NOT_PUBLIC = (
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:a00:1::1",
    "2001::1",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    assert address in AllowedAddresses()


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_other_address_is_refused(address: str) -> None:
    assert address not in AllowedAddresses()


def test_setting_allows_more() -> None:
    allowed = AllowedAddresses(["10.0.0.0/8", "::1/128"])
    assert all(address in allowed for address in ("10.1.2.3", "::ffff:10.1.2.3", "::1", *PUBLIC))
    assert "192.168.1.1" not in allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1"])
async def test_private_address_is_not_dialled(host: str) -> None:
    poster = Poster(seconds=30, max_bytes=100, allowed=AllowedAddresses())
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        with pytest.raises(HttpError):
            await poster.post(f"http://{host}:{port}/", b"{}", {})
        await poster.close()
    assert receiver.received == {}


async def test_name_that_changes_its_address_is_checked_when_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as receiver:
        port = int(receiver.url.rpartition(":")[2])

        async def rebound(*_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        poster = Poster(seconds=30, max_bytes=100, allowed=AllowedAddresses())
        monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", rebound)
        with pytest.raises(HttpError, match="address not allowed"):
            await poster.post(f"http://localhost:{port}/", b"{}", {})
        await poster.close()
        assert receiver.received == {}


async def test_redirect_is_not_followed() -> None:
    from aiohttp import web

    def moved(_: Any) -> web.Response:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    poster = Poster(seconds=30, max_bytes=100, allowed=Everything())
    async with receiving() as receiver:
        receiver.answers["/"] = moved
        assert (await poster.post(receiver.url + "/", b"{}", {})).status == 302
        await poster.close()
        assert list(receiver.received) == ["/"]


async def test_slow_response_times_out_and_a_large_one_is_cut() -> None:
    import asyncio

    from aiohttp import web

    async with receiving() as receiver:
        receiver.blocked["/slow"] = asyncio.Event()
        receiver.answers["/large"] = lambda _: web.Response(text="x" * 1_000_000)
        poster = Poster(seconds=0.2, max_bytes=100, allowed=Everything())
        with pytest.raises(HttpError, match="timeout"):
            await poster.post(receiver.url + "/slow", b"{}", {})
        receiver.blocked["/slow"].set()
        patient = Poster(seconds=30, max_bytes=100, allowed=Everything())
        assert (await patient.post(receiver.url + "/large", b"{}", {})).body == b"x" * 100
        for each in (poster, patient):
            await each.close()
