"""Real parts for every test: PostgreSQL from the wheel, migrated; a real server on a free port; real stubs."""

import itertools
import logging
import os

# Tests start processes beside threads of gRPC, whose fork handlers can crash either side. It reads this when it is imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import hypothesis
import psycopg
import pytest
import uvloop
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, RetryInfo
from google.rpc.status_pb2 import Status
from orders.v1.api_key_service_pb2 import ApiKey
from orders.v1.api_key_service_pb2_grpc import ApiKeyServiceStub
from orders.v1.cart_service_pb2_grpc import CartServiceStub
from orders.v1.catalog_service_pb2_grpc import CatalogServiceStub
from orders.v1.customer_service_pb2_grpc import CustomerServiceStub
from orders.v1.order_service_pb2_grpc import OrderServiceStub
from sqlalchemy.engine import make_url

from server.config import Settings
from server.runtime.app import Running, running
from server.storage import embedded
from server.storage.schema import schema
from server.telemetry.log import TextFormatter, quieten_libraries, set_level
from tests.methods import method_of, path_of
from tests.shop import COUPONS, HOME, PRODUCTS, ZONES, new_order, stocking, usd  # noqa: F401

# No example is too slow: that depends on the machine. `make fuzz` tries more of them.
hypothesis.settings.register_profile(
    "default", max_examples=25, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("fuzz", hypothesis.settings.get_profile("default"), max_examples=1000)
hypothesis.settings.load_profile("default")

# As in a process that serves, see `server.telemetry.log`.
quieten_libraries()

VERSIONS = (18, 16)

# Databases of tests live in memory where there is room for them. PostgreSQL syncs as ever, and it costs nothing.
_MEMORY = Path("/dev/shm")
if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 4 << 30:
    tempfile.tempdir = str(_MEMORY)
_names = itertools.count(1)

# Servers of tests may do what servers may do, and no more; tests look behind the scenes as the owner.
SERVING_ROLE = "orders_server"


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "version of PostgreSQL for tests that do not run on all of them (default: 18)"
    parser.addoption("--postgres", type=int, choices=VERSIONS, default=VERSIONS[0], help=text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests run on one PostgreSQL; those whose statements or plans could depend on its version, on all of them."""
    if "postgres" in metafunc.fixturenames:
        every = metafunc.definition.get_closest_marker("every_postgres")
        versions = VERSIONS if every else [metafunc.config.getoption("postgres")]
        names = [f"postgres{version}" for version in versions]
        metafunc.parametrize("postgres", versions, ids=names, indirect=True, scope="session")


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Callable[[], Any]]:
    """Tests run on the loop that the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@contextmanager
def reachable_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder for data of PostgreSQL, which runs as another user where this is root."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A missing data folder for an embedded PostgreSQL of the test's own."""
    with reachable_folder("orders-test-") as folder:
        yield folder / "data"


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a running PostgreSQL of a supported version: see `pytest_generate_tests`."""
    with reachable_folder("orders-test-") as folder:
        server = embedded.start(folder / "data", version=request.param)
        try:
            create_serving_role(server.url)
            yield server.url
        finally:
            server.stop()


@pytest.fixture(scope="session")
def new_database(postgres: str) -> Callable[[], str]:
    """Makes an empty, migrated database and returns its URL."""
    template = _create(postgres, "template")
    schema.migrate(template, grant_to=SERVING_ROLE)

    def make() -> str:
        return _create(postgres, f"test{next(_names)}", template="template")

    return make


def _create(postgres: str, name: str, *, template: str = "template0") -> str:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return make_url(postgres).set(database=name).render_as_string(hide_password=False)


def create_serving_role(url: str) -> None:
    """Creates the role that servers work under, for all databases of a PostgreSQL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {SERVING_ROLE} LOGIN")


def as_serving_role(url: str) -> str:
    """The same database under the role that may only serve."""
    return make_url(url).set(username=SERVING_ROLE).render_as_string(hide_password=False)


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What was logged, with the text that the log would have."""
    caplog.handler.setFormatter(TextFormatter())
    return caplog


# The rows and columns that do not change in the background: by uses of keys, the server's own consumers, and webhooks.
_SETTLED = {
    "api_keys": "SELECT key_id, certificate_name, digest, previous_digest, snapshot FROM api_keys",
    "consumers": "SELECT * FROM consumers WHERE consumer_id NOT LIKE 'orders.%'",
    "mails": "SELECT mail_id FROM mails",
    "webhook_endpoints": "SELECT endpoint_id, snapshot FROM webhook_endpoints",
    "webhook_deliveries": "SELECT delivery_id, endpoint_id, event_type FROM webhook_deliveries WHERE order_id IS NULL",
}


@dataclass(frozen=True)
class Service:
    """A running server, its stubs, and its database for looking behind the scenes."""

    running: Running
    url: str
    channel: grpc.aio.Channel
    orders: OrderServiceStub
    catalog: CatalogServiceStub
    carts: CartServiceStub
    customers: CustomerServiceStub
    api_keys: ApiKeyServiceStub

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.running.port}"

    async def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query of the database, beside the server."""
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall()

    async def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything the database holds, to compare."""
        tables = (
            "orders",
            "order_items",
            "order_terms",
            "order_events",
            "fulfilments",
            "consumers",
            "products",
            "inventory",
            "stock_adjustments",
            "coupons",
            "coupon_uses",
            "delivery_zones",
            "customers",
            "carts",
            "points_accounts",
            "points_entries",
            "payments",
            "documents",
            "document_numbers",
            "idempotency_keys",
            "audit_events",
            "api_keys",
            "mails",
            "webhook_endpoints",
            "webhook_deliveries",
        )
        # One connection for all of them: most tests look twice.
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            found = {}
            for table in tables:
                rows = _SETTLED.get(table, f"SELECT * FROM {table}")
                cursor = await connection.execute(f"SELECT t::text FROM ({rows}) t ORDER BY 1")
                found[table] = await cursor.fetchall()
        return found

    async def add_key(self, api_key: ApiKey, digest: bytes) -> None:
        """Stores a key as no operation would: with an id of its own, or expired already."""
        query = "INSERT INTO api_keys (key_id, digest, snapshot) VALUES (%s, %s, %s) RETURNING key_id"
        await self.rows(query, api_key.key_id, digest, api_key.SerializeToString())

    async def stock(self, product_id: str, variant_id: str = "") -> int:
        query = "SELECT available FROM inventory WHERE product_id = %s AND variant_id = %s"
        return int((await self.rows(query, product_id, variant_id))[0][0])


@asynccontextmanager
async def serving(url: str, **settings: Any) -> AsyncIterator[Service]:
    """A server on a database, under the role that may only serve, with the given settings."""
    served = as_serving_role(url)
    # Nothing is given up because the machine is slow.
    patience = {"database_timeout": 60.0, "max_call_seconds": 600.0}
    own = {"port": 0, "database_url": served, "shutdown_grace": 1.0, "drain_delay": 0.0, "health_interval": 0.2}
    configured = Settings(**own | patience | settings)
    async with AsyncExitStack() as stack:
        # A server takes the level from its database.
        stack.callback(set_level, logging.getLevelName(logging.getLogger().level))
        server = await stack.enter_async_context(running(configured, served))
        options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)]
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=options)
        )
        yield Service(
            running=server,
            url=url,
            channel=channel,
            orders=OrderServiceStub(channel),
            catalog=CatalogServiceStub(channel),
            carts=CartServiceStub(channel),
            customers=CustomerServiceStub(channel),
            api_keys=ApiKeyServiceStub(channel),
        )


@pytest.fixture(scope="module")
async def service(new_database: Callable[[], str]) -> AsyncIterator[Service]:
    """A server on a database of the module's own, with a stocked shop."""
    async with serving(new_database()) as service:
        await stock_shop(service)
        yield service


async def stock_shop(service: Service) -> None:
    """Stores everything that sample requests are about."""
    for request in stocking():
        await service.channel.unary_unary(path_of(method_of(request)))(request.SerializeToString())


@dataclass(frozen=True)
class RefusedCall:
    """An error as a client sees it, details taken apart."""

    code: grpc.StatusCode
    message: str
    infos: list[ErrorInfo]
    fields: dict[str, str]
    retry: RetryInfo | None
    links: list[Help.Link]

    @property
    def reason(self) -> str:
        """The reason of the one ErrorInfo."""
        (info,) = self.infos
        assert info.domain == "orders.v1"
        return str(info.reason)

    @property
    def metadata(self) -> dict[str, str]:
        (info,) = self.infos
        return dict(info.metadata)


def refusal_of(error: grpc.aio.AioRpcError) -> RefusedCall:
    """Takes an error's details apart."""
    status = Status()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = Status.FromString(value)
    infos, fields, retry, links = [], {}, None, []
    for detail in status.details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            infos.append(ErrorInfo.FromString(detail.value))
        elif detail.Is(BadRequest.DESCRIPTOR):
            fields |= {v.field: v.description for v in BadRequest.FromString(detail.value).field_violations}
        elif detail.Is(RetryInfo.DESCRIPTOR):
            retry = RetryInfo.FromString(detail.value)
        elif detail.Is(Help.DESCRIPTOR):
            links += Help.FromString(detail.value).links
    return RefusedCall(error.code(), error.details() or "", infos, fields, retry, links)


async def refused(call: Any) -> RefusedCall:
    """Awaits a call that must fail and returns how it did."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refusal_of(caught.value)
