"""Callers over TLS: known by their certificates, and by what they present besides; certificates replaced while they call."""

import asyncio
import dataclasses
import shutil
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from orders.v1.catalog_service_pb2 import ListProductsRequest
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.order_service_pb2 import ListOrderEventsRequest
from orders.v1.order_service_pb2_grpc import OrderServiceStub

from tests.certificates import Authority, Issued, make_ca
from tests.conftest import RefusedCall, Service, new_order, refused, serving, stock_shop
from tests.methods import METHODS
from tests.rpc.calls import new_subject, outcome
from tests.rpc.principals import ROLES, Metadata, Principal, bearer, closed, key_holder, new_key, revoke_key
from tests.rpc.test_access import RULES, about, met, verdict
from tests.samples import request_for


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with TemporaryDirectory(prefix="orders-tls-") as folder:
        yield make_ca(Path(folder))


@pytest.fixture(scope="module")
def served(authority: Authority) -> Issued:
    """The files that the server is given."""
    files = Issued(authority.folder / "served.crt", authority.folder / "served.key")
    serve_instead(files, authority.issue("orders.example"))
    return files


def serve_instead(files: Issued, other: Issued) -> None:
    """Puts other files in the place of those that are served, one after the other, each at once."""
    for path, source in ((files.certificate, other.certificate), (files.key, other.key)):
        shutil.copy(source, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)


@pytest.fixture(scope="module")
async def back_door(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    async with serving(new_database(), authentication="open") as service:
        await stock_shop(service)
        yield service


@pytest.fixture(scope="module")
async def shop(back_door: Service, authority: Authority, served: Issued) -> AsyncIterator[Service]:
    """A server that takes callers with certificates only."""
    async with closed(
        back_door.url,
        tls_certificate=served.certificate,
        tls_key=served.key,
        tls_client_ca=authority.certificate,
    ) as service:
        yield service


@asynccontextmanager
async def calling(
    service: Service, authority: Authority, client: Issued | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    """A connection of its own, with a client certificate or without one."""
    credentials = grpc.ssl_channel_credentials(
        authority.certificate.read_bytes(),
        client.key.read_bytes() if client else None,
        client.certificate.read_bytes() if client else None,
    )
    # Without this, channels to one address share a connection.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(service.address, credentials, options=options) as channel:
        yield channel


async def register(service: Service, name: str, *roles: str) -> Principal:
    """A certificate of that name is let in, with these roles and every scope."""
    made = await new_key(service, *roles, certificate_name=name)
    return Principal(f"certificate of {' and '.join(roles)}", roles=frozenset(roles), customer_id=made.customer_id)


async def answers(service: Service, metadata: Metadata, requests: dict[str, Message]) -> dict[str, RefusedCall | None]:
    found = await asyncio.gather(*(outcome(service, method, request, metadata) for method, request in requests.items()))
    return dict(zip(requests, found, strict=True))


async def requests_of_all(back_door: Service) -> dict[str, Message]:
    """A valid request of every method, about jane wherever one is about a customer."""
    found = {}
    for method, rule in RULES.items():
        valid = request_for(method, await new_subject(back_door, method))
        found[method] = about(valid, rule.customer, "jane") if rule.customer else valid
    return found


async def test_a_certificate_opens_what_its_registration_says(
    shop: Service, back_door: Service, authority: Authority
) -> None:
    strangers = {
        "nobody.example": Principal("a certificate that nobody registered", cause="unknown"),
        "gone.example": Principal("a certificate that is revoked", cause="unknown"),
    }
    gone = await new_key(shop, "admin", certificate_name="gone.example")
    await revoke_key(shop, gone.key_id)
    registered = {f"{role}.example": await register(shop, f"{role}.example", role) for role in sorted(ROLES)}
    registered["joe.example"] = Principal("joe", roles=frozenset({"customer"}), customer_id="joe")
    await new_key(shop, "customer", certificate_name="joe.example", customer_id="joe")
    requests = await requests_of_all(back_door)
    for name, principal in {**strangers, **registered}.items():
        async with calling(shop, authority, authority.issue(name, client=True)) as channel:
            found = await answers(dataclasses.replace(shop, channel=channel), (), requests)
        assert {method: met(answer) for method, answer in found.items()} == {
            method: verdict(method, principal, "jane") for method in METHODS
        }, principal.name


async def test_what_is_presented_counts_more_than_the_certificate(shop: Service, authority: Authority) -> None:
    await register(shop, "clerk.example", "admin")
    customer = await key_holder(shop, "customer")
    async with calling(shop, authority, authority.issue("clerk.example", client=True)) as channel:
        orders = OrderServiceStub(channel)
        by_key = await orders.CreateOrder(new_order("jane"), metadata=customer.metadata)
        by_certificate = await orders.CreateOrder(new_order("jane", request_id="by-certificate"))
        events = {}
        for order in (by_key, by_certificate):
            listed = await orders.ListOrderEvents(ListOrderEventsRequest(order_id=order.order_id))
            events[order.order_id] = [(event.actor, event.request_id) for event in listed.events]
        key_id = customer.metadata[0][1].split("_")[1]
        assert events[by_key.order_id] == [(f"key:{key_id}", "")]
        assert events[by_certificate.order_id] == [("certificate:clerk.example", "by-certificate")]
        wrong = await refused(CatalogServiceStub(channel).ListProducts(ListProductsRequest(), metadata=bearer("x")))
        assert wrong.metadata == {"cause": "unknown"}


async def test_without_a_certificate_there_is_no_connection_and_with_one_there_is_health(
    shop: Service, authority: Authority
) -> None:
    async with calling(shop, authority) as channel:
        refusal = await refused(health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()))
        assert refusal.code == grpc.StatusCode.UNAVAILABLE
    async with calling(shop, authority, authority.issue("probe.example", client=True)) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_over_tls_without_an_authority_of_clients_certificates_name_nobody(
    back_door: Service, authority: Authority, served: Issued
) -> None:
    async with (
        closed(back_door.url, tls_certificate=served.certificate, tls_key=served.key) as service,
        calling(service, authority, authority.issue("admin.example", client=True)) as channel,
    ):
        catalog = CatalogServiceStub(channel)
        assert (await refused(catalog.ListProducts(ListProductsRequest()))).metadata == {"cause": "missing"}
        admin = await key_holder(service, "admin")
        assert (await catalog.ListProducts(ListProductsRequest(), metadata=admin.metadata)).products


async def test_the_servers_certificate_is_replaced_under_load_without_a_failed_call(
    shop: Service, authority: Authority, served: Issued
) -> None:
    await register(shop, "busy.example", "fulfilment")
    client, stop = authority.issue("busy.example", client=True), asyncio.Event()

    async def keep_calling(channel: grpc.aio.Channel) -> int:
        calls = 0
        while not stop.is_set():
            await CatalogServiceStub(channel).ListProducts(ListProductsRequest(page_size=1))
            calls += 1
        return calls

    async def keep_connecting() -> int:
        calls = 0
        while not stop.is_set():
            async with calling(shop, authority, client) as channel:
                await CatalogServiceStub(channel).ListProducts(ListProductsRequest(page_size=1))
            calls += 1
        return calls

    async with AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(calling(shop, authority, client)) for _ in range(4)]
        callers = [asyncio.create_task(keep_calling(channel)) for channel in channels]
        callers += [asyncio.create_task(keep_connecting()) for _ in range(2)]
        for number in range(4):
            serve_instead(served, authority.issue(f"orders-{number}.example"))
            # A connection that was made since has seen the new certificate.
            async with calling(shop, authority, client) as channel:
                await CatalogServiceStub(channel).ListProducts(ListProductsRequest())
        stop.set()
        assert all(await asyncio.gather(*callers))


def _header(name: bytes, value: bytes) -> bytes:
    """A header of HTTP/2 as a literal that nobody remembers."""
    return b"\0%c%b%c%b" % (len(name), name, len(value), value)


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def call_by_hand(port: int, authority: Authority, client: Issued, token: bytes) -> bytes:
    """Calls ListProducts with a token that no gRPC client would send; returns what the server says."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.check_hostname = False
    context.load_cert_chain(client.certificate, client.key)
    context.set_alpn_protocols(["h2"])
    headers = [(b":method", b"POST"), (b":scheme", b"https"), (b":path", b"/orders.v1.CatalogService/ListProducts")]
    headers += [(b":authority", b"x"), (b"content-type", b"application/grpc"), (b"te", b"trailers"), (b"token", token)]
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="orders.example") as connection,
    ):
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0))
        connection.sendall(_frame(1, 4, 1, b"".join(_header(*header) for header in headers)))
        connection.sendall(_frame(0, 1, 1, bytes(5)))
        said = b""
        while b"grpc-status" not in said:
            said += connection.recv(65_536)
        return said


async def test_no_text_stands_for_a_certificate(shop: Service, authority: Authority) -> None:
    """Not even one with a character that no client sends, and that divides names elsewhere."""
    await register(shop, "manager.example", "admin")
    manager, stranger = (authority.issue(name, client=True) for name in ("manager.example", "stranger.example"))
    own = authority.issue("orders.example")
    async with closed(
        shop.url,
        tls_certificate=own.certificate,
        tls_key=own.key,
        tls_client_ca=authority.certificate,
        key_cache_seconds=60.0,
    ) as believing:
        async with calling(believing, authority, manager) as channel:
            await CatalogServiceStub(channel).ListProducts(ListProductsRequest())
        for token in (b"manager.example", b"\0manager.example", b"\nmanager.example", b"\0"):
            said = await asyncio.to_thread(call_by_hand, believing.running.port, authority, stranger, token)
            assert b"grpc-status\x0216" in said, token
