"""When a server is open and when it is closed, and what is open all the same."""

import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from orders.v1.catalog_service_pb2 import ListProductsRequest

from server.config import ConfigError, Settings
from server.rpc.admission import InFlight
from server.rpc.errors import Refuser
from server.rpc.gate import Gate
from server.rpc.reflection import reflection_handlers
from server.runtime.security import build_authenticator, check_exposure, is_loopback
from server.storage.read.api_keys import ApiKeyRepository
from tests.certificates import make_ca
from tests.conftest import Service, refused, serving
from tests.identity_provider import AUDIENCE, ISSUER, pem, rsa_key
from tests.rpc.calls import outcome
from tests.rpc.principals import Metadata, bearer, closed, key_holder

SERVING = health_pb2.HealthCheckResponse.SERVING


async def lets_in(service: Service, metadata: Metadata = ()) -> bool:
    refusal = await outcome(service, "ListProducts", ListProductsRequest(), metadata)
    assert refusal is None or refusal.reason == "UNAUTHENTICATED"
    return refusal is None


async def test_a_key_in_the_database_closes_the_servers_that_start_from_then_on(
    new_database: Callable[[], str],
) -> None:
    url = new_database()
    async with serving(url) as first:
        assert (first.running.started.is_open, await lets_in(first)) == (True, True)
        admin = await key_holder(first, "admin")
        # It stays open, or whoever makes the first key over it would lock themselves out.
        assert await lets_in(first)
        async with serving(url) as second:
            assert (second.running.started.is_open, await lets_in(second)) == (False, False)
            assert await lets_in(second, admin.metadata)
        async with serving(url, authentication="open") as told:
            assert (told.running.started.is_open, await lets_in(told)) == (True, True)


async def test_without_a_key_a_setting_closes_the_server(new_database: Callable[[], str], tmp_path: Path) -> None:
    url, key = new_database(), tmp_path / "provider.pem"
    key.write_bytes(pem(rsa_key()))
    authority = make_ca(tmp_path)
    own = authority.issue("orders.example")
    tokens = {"jwt_key_file": key, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    files = {"tls_certificate": own.certificate, "tls_key": own.key, "tls_client_ca": authority.certificate}
    for settings in ({"authentication": "required"}, tokens, files):
        async with serving(url, **settings) as service:
            assert not service.running.started.is_open
            if settings is not files:
                assert not await lets_in(service)
                assert not await lets_in(service, bearer("x"))
    async with serving(url) as service:
        assert service.running.started.is_open


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("example.com", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_only_this_machine_reaches_a_loopback_address(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


TLS = {"tls_certificate": Path("tls.crt"), "tls_key": Path("tls.key")}


@pytest.mark.parametrize(
    ("settings", "is_closed", "missing"),
    [
        ({}, False, {"authentication", "TLS"}),
        ({}, True, {"TLS"}),
        (TLS, False, {"authentication"}),
        (TLS, True, set()),
        ({"insecure": True}, False, set()),
        ({"authentication": "open", "insecure": True}, False, set()),
        ({"authentication": "open"} | TLS, False, {"authentication"}),
    ],
)
def test_other_machines_are_served_with_authentication_and_tls_or_not_at_all(
    settings: dict[str, Any], is_closed: bool, missing: set[str]
) -> None:
    for host in ("0.0.0.0", "::", "10.0.0.1"):
        if not missing:
            check_exposure(Settings(host=host, **settings), closed=is_closed)
            continue
        with pytest.raises(ConfigError) as caught:
            check_exposure(Settings(host=host, **settings), closed=is_closed)
        (line,) = str(caught.value).splitlines()
        assert {word for word in ("authentication", "TLS") if f"no {word}:" in line} == missing
        assert line.startswith(f"{host} is reachable from other machines")
        assert "--insecure" in line
    for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        check_exposure(Settings(host=host, **settings), closed=is_closed)


# What is open all the same.


@pytest.fixture(scope="module")
async def service(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with closed(new_database()) as service:
        yield service


async def reflected(channel: grpc.aio.Channel, metadata: Metadata = ()) -> set[str]:
    """The services that reflection lists."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (response,) = [answer async for answer in stub.ServerReflectionInfo(iter([request]), metadata=metadata)]
    return {found.name for found in response.list_services_response.service}


async def test_a_closed_server_tells_everybody_how_it_is(service: Service) -> None:
    health = health_pb2_grpc.HealthStub(service.channel)
    for name in ("", "liveness", "orders.v1.OrderService", "orders.v1.ApiKeyService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == SERVING
        watch = health.Watch(health_pb2.HealthCheckRequest(service=name))
        assert (await anext(aiter(watch))).status == SERVING
        watch.cancel()
    for metadata in (bearer("nonsense"), (("authorization", "nonsense"),)):
        assert (await health.Check(health_pb2.HealthCheckRequest(), metadata=metadata)).status == SERVING
    assert not await lets_in(service)


async def test_on_this_machine_reflection_is_for_everybody(service: Service) -> None:
    assert ipaddress.ip_address(service.running.started.host).is_loopback
    assert "orders.v1.OrderService" in await reflected(service.channel)


@asynccontextmanager
async def reflecting(gate: Gate) -> AsyncIterator[grpc.aio.Channel]:
    """A connection to a server that reflects, as where other machines reach it, behind a gate."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(reflection_handlers(["orders.v1.OrderService"], gate, Refuser()))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


async def test_elsewhere_reflection_is_for_callers_who_are_known_whatever_they_may_do(service: Service) -> None:
    settings = Settings(database_url=service.url, key_cache_seconds=0)
    authenticator = build_authenticator(settings, ApiKeyRepository(service.running.database))
    gate = Gate(authenticator=authenticator, limiter=None, in_flight=InFlight(10))
    known = await key_holder(service, "customer", scopes=["carts.read"])
    async with reflecting(gate) as channel:
        assert "orders.v1.OrderService" in await reflected(channel, known.metadata)
        for metadata, cause in (((), "missing"), (bearer("ord_x"), "malformed")):
            refusal = await refused(reflected(channel, metadata))
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
            assert refusal.metadata == {"cause": cause}
