"""TLS by real handshakes: which versions, whose certificates, and files that are replaced while calls go on."""

import asyncio
import json
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from server.rpc.certificate_names import certificate_names
from server.rpc.tls import TlsError, server_credentials
from tests.certificates import Authority, Issued, make_ca


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_ca(tmp_path)


@pytest.fixture
def served(authority: Authority, tmp_path: Path) -> Issued:
    """The files that the server is given."""
    files = Issued(tmp_path / "served.crt", tmp_path / "served.key")
    serve_instead(files, authority.issue("first.example"))
    return files


def serve_instead(files: Issued, other: Issued) -> None:
    """Puts other files in the place of those that are served."""
    replace(files.certificate, other.certificate)
    replace(files.key, other.key)


def replace(path: Path, other: Path) -> None:
    shutil.copy(other, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


@asynccontextmanager
async def serving(files: Issued, *, client_ca: Path | None = None) -> AsyncIterator[int]:
    """The port of a server that answers every call with the names of who calls."""

    async def names(_: bytes, context: grpc.aio.ServicerContext) -> bytes:
        return json.dumps(certificate_names(context.auth_context())).encode()

    handlers = {"Names": grpc.unary_unary_rpc_method_handler(names)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", handlers),))
    credentials = server_credentials(certificate=files.certificate, key=files.key, client_ca=client_ca)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@asynccontextmanager
async def calling(
    port: int, authority: Authority, *, client: Issued | None = None
) -> AsyncIterator[Callable[[], Awaitable[list[str]]]]:
    """A call over a connection of its own, which the server answers with the caller's names."""
    credentials = grpc.ssl_channel_credentials(
        authority.certificate.read_bytes(),
        client.key.read_bytes() if client else None,
        client.certificate.read_bytes() if client else None,
    )
    # Without this, channels to one address share a connection.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options) as channel:
        method = channel.unary_unary("/test/Names")

        async def call() -> list[str]:
            return list(json.loads(await method(b"", timeout=10)))

        yield call


def handshake(port: int, authority: Authority, version: ssl.TLSVersion) -> tuple[str | None, str | None]:
    """Version and protocol that a client of one version only agrees on. Blocks."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    # Without this, the client itself would refuse what is old.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return connection.version(), connection.selected_alpn_protocol()


def served_name(port: int) -> str:
    """The common name of the certificate that a new connection is shown. Blocks."""
    shown = x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port)).encode())
    return str(shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
async def test_present_versions_of_tls_carry_http_2(
    version: ssl.TLSVersion, name: str, authority: Authority, served: Issued
) -> None:
    async with serving(served) as port:
        assert await asyncio.to_thread(handshake, port, authority, version) == (name, "h2")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_versions_of_tls_are_refused_by_the_server(
    version: ssl.TLSVersion, authority: Authority, served: Issued
) -> None:
    # The server hangs up on the client's first word; a client that could not speak would have failed otherwise.
    async with serving(served) as port:
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            await asyncio.to_thread(handshake, port, authority, version)


async def test_a_new_certificate_is_shown_to_new_connections_while_the_old_ones_stay(
    authority: Authority, served: Issued
) -> None:
    async with serving(served) as port, calling(port, authority) as open_call:
        await open_call()
        assert await asyncio.to_thread(served_name, port) == "first.example"
        serve_instead(served, authority.issue("second.example"))
        assert await asyncio.to_thread(served_name, port) == "second.example"
        assert await open_call() == []
        async with calling(port, authority) as new_call:
            assert await new_call() == []


async def test_a_running_call_outlives_its_certificate(authority: Authority, served: Issued) -> None:
    async with serving(served) as port, calling(port, authority) as call:
        await call()
        stop = asyncio.Event()

        async def keep_calling() -> int:
            calls = 0
            while not stop.is_set():
                await call()
                calls += 1
            return calls

        calling_on = asyncio.create_task(keep_calling())
        for number in range(5):
            serve_instead(served, authority.issue(f"number-{number}.example"))
            assert await asyncio.to_thread(served_name, port) == f"number-{number}.example"
        stop.set()
        assert await calling_on > 0


async def test_a_certificate_is_used_once_its_key_is_there_too(
    authority: Authority, served: Issued, caplog: pytest.LogCaptureFixture
) -> None:
    second = authority.issue("second.example")
    async with serving(served) as port:
        replace(served.certificate, second.certificate)
        for _ in range(3):
            assert await asyncio.to_thread(served_name, port) == "first.example"
        warnings = [line for line in caplog.text.splitlines() if " WARNING " in line]
        assert len(warnings) == 1
        assert "the new TLS files are not used yet" in warnings[0]
        assert "setting=ORDERS_TLS_KEY" in warnings[0]
        replace(served.key, second.key)
        assert await asyncio.to_thread(served_name, port) == "second.example"


async def test_files_that_are_away_for_a_moment_stop_nobody(
    authority: Authority, served: Issued, caplog: pytest.LogCaptureFixture
) -> None:
    second = authority.issue("second.example")
    async with serving(served) as port:
        for file in (served.certificate, served.key):
            file.unlink()
        for _ in range(2):
            assert await asyncio.to_thread(served_name, port) == "first.example"
        assert sum(record.levelname == "WARNING" for record in caplog.records) == 1
        serve_instead(served, second)
        assert await asyncio.to_thread(served_name, port) == "second.example"


async def test_a_folder_that_is_swapped_by_a_symbolic_link_is_noticed(authority: Authority, tmp_path: Path) -> None:
    first, second = authority.issue("first.example"), authority.issue("second.example")
    link = tmp_path / "..data"
    link.symlink_to(first.certificate.parent)
    async with serving(Issued(link / "tls.crt", link / "tls.key")) as port:
        assert await asyncio.to_thread(served_name, port) == "first.example"
        swapped = tmp_path / "..data_new"
        swapped.symlink_to(second.certificate.parent)
        swapped.replace(link)
        assert await asyncio.to_thread(served_name, port) == "second.example"


async def test_without_an_authority_of_clients_nobody_has_a_name(authority: Authority, served: Issued) -> None:
    async with (
        serving(served) as port,
        calling(port, authority, client=authority.issue("shop", client=True)) as call,
    ):
        assert await call() == []


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("shop.example", "spiffe://shop/checkout"), ["spiffe://shop/checkout", "shop.example"]),
        (("b.example", "a.example", "shop"), ["b.example", "a.example", "shop"]),
        ((), ["shop"]),
    ],
)
async def test_a_client_is_known_by_the_names_of_its_certificate(
    names: tuple[str, ...], found: list[str], authority: Authority, served: Issued
) -> None:
    client = authority.issue("shop", client=True, names=names)
    async with (
        serving(served, client_ca=authority.certificate) as port,
        calling(port, authority, client=client) as call,
    ):
        assert await call() == found


@pytest.mark.parametrize("kind", ["none", "of a stranger"])
async def test_a_client_without_a_certificate_of_the_authority_is_refused(
    kind: str, authority: Authority, served: Issued, tmp_path: Path
) -> None:
    client = None if kind == "none" else make_ca(tmp_path).issue("shop", client=True)
    async with (
        serving(served, client_ca=authority.certificate) as port,
        calling(port, authority, client=client) as call,
        calling(port, authority, client=authority.issue("shop", client=True)) as known,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call()
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert await known() == ["shop"]


async def test_a_new_authority_of_clients_counts_for_new_connections(
    authority: Authority, served: Issued, tmp_path: Path
) -> None:
    trusted = tmp_path / "clients.crt"
    replace(trusted, authority.certificate)
    other = make_ca(tmp_path)
    old, new = authority.issue("old", client=True), other.issue("new", client=True)
    async with serving(served, client_ca=trusted) as port:
        async with calling(port, authority, client=old) as call:
            assert await call() == ["old"]
            replace(trusted, other.certificate)
            async with calling(port, authority, client=new) as new_call:
                assert await new_call() == ["new"]
            assert await call() == ["old"]
        async with calling(port, authority, client=old) as late_call:
            with pytest.raises(grpc.aio.AioRpcError):
                await late_call()


def test_who_calls_without_tls_has_no_name() -> None:
    assert certificate_names({}) == []


def test_a_name_that_is_no_text_names_nobody_else() -> None:
    assert certificate_names({"x509_common_name": [b"caf\xe9"]}) == ["caf\\xe9"]


Break = Callable[[Issued], None]


def encrypt(files: Issued) -> None:
    key = load_pem_private_key(files.key.read_bytes(), password=None)
    secret = BestAvailableEncryption(b"secret")
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))


@pytest.mark.parametrize(
    ("break_it", "text"),
    [
        (lambda files: files.certificate.unlink(), "ORDERS_TLS_CERTIFICATE cannot be read: .*No such file"),
        (lambda files: files.certificate.write_text("x"), "ORDERS_TLS_CERTIFICATE holds no certificates"),
        (lambda files: shutil.copy(files.key, files.certificate), "ORDERS_TLS_CERTIFICATE holds no certificates"),
        (lambda files: files.key.unlink(), "ORDERS_TLS_KEY cannot be read: .*No such file"),
        (lambda files: files.key.write_text("x"), "ORDERS_TLS_KEY holds no private key"),
        (lambda files: shutil.copy(files.certificate, files.key), "ORDERS_TLS_KEY holds no private key"),
        (encrypt, "ORDERS_TLS_KEY is encrypted"),
    ],
    ids=range(7),
)
def test_files_that_are_not_in_order_are_refused_at_the_start(break_it: Break, text: str, served: Issued) -> None:
    break_it(served)
    with pytest.raises(TlsError, match=text):
        server_credentials(certificate=served.certificate, key=served.key, client_ca=None)


def test_a_key_of_another_certificate_is_refused_at_the_start(authority: Authority, served: Issued) -> None:
    key = authority.issue("second.example").key
    with pytest.raises(TlsError, match="ORDERS_TLS_KEY is not the key of the first certificate"):
        server_credentials(certificate=served.certificate, key=key, client_ca=None)


@pytest.mark.parametrize(
    "key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP521R1())], ids=["ed25519", "p521"]
)
def test_a_key_that_no_handshake_would_take_is_refused_at_the_start(
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, authority: Authority
) -> None:
    files = authority.issue("odd.example", key=key)
    with pytest.raises(TlsError, match="use RSA, or EC with P-256 or P-384"):
        server_credentials(certificate=files.certificate, key=files.key, client_ca=None)


def test_an_rsa_key_is_served(authority: Authority) -> None:
    files = authority.issue("rsa.example", key=rsa.generate_private_key(65537, 2048))
    assert server_credentials(certificate=files.certificate, key=files.key, client_ca=None)


def test_an_authority_of_clients_that_is_none_is_refused_at_the_start(served: Issued, tmp_path: Path) -> None:
    for path, text in ((tmp_path / "none.crt", "cannot be read"), (served.key, "holds no certificates")):
        with pytest.raises(TlsError, match=f"ORDERS_TLS_CLIENT_CA {text}"):
            server_credentials(certificate=served.certificate, key=served.key, client_ca=path)
