"""The servers as they describe themselves, the caller as they see it, and the log level that callers set."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from orders.v1 import server_service_pb2 as pb
from orders.v1.access_pb2 import ROLE_ADMIN, ROLE_CUSTOMER, SCOPE_ORDERS_READ
from orders.v1.customer_service_pb2 import GetCustomerRequest
from orders.v1.server_service_pb2_grpc import ServerServiceStub

from server.config import PREFIX, load
from server.domain.servers.warnings import warnings_about
from tests.conftest import Service, refused, serving
from tests.identity_provider import providing
from tests.rpc.principals import bearer, closed, new_key
from tests.storage.helpers import until


@dataclass(frozen=True)
class Servers:
    """A server, and the stub of its service."""

    service: Service
    stub: ServerServiceStub


@pytest.fixture
async def servers(new_database: Callable[[], str]) -> AsyncIterator[Servers]:
    async with serving(new_database(), point_value="EUR=0.02", metrics_port=0) as service:
        yield Servers(service, ServerServiceStub(service.channel))


async def test_a_server_tells_its_version_settings_and_jobs(servers: Servers) -> None:
    info = await servers.stub.GetServerInfo(pb.GetServerInfoRequest())
    settings = {setting.name: setting for setting in info.settings}
    assert (info.alive, info.workers, info.address) == (True, 1, servers.service.address)
    assert (settings["ORDERS_POINT_VALUE"].value, settings["ORDERS_POINT_VALUE"].affects_prices) == ("EUR=0.02", True)
    assert info.log_level == pb.LOG_LEVEL_INFO
    jobs = {job.name: job for job in info.jobs}
    assert jobs["end_overdue_calls"].HasField("last_success_time")
    assert jobs["delete_expired_rows"].exclusive
    assert int(info.schema_version) >= 24


async def test_no_secret_is_among_the_settings(new_database: Callable[[], str]) -> None:
    secrets = {"stripe_secret_key": "sk_test_quix", "stripe_webhook_secret": "whsec_quix"}
    async with serving(new_database(), **secrets) as service:
        info = await ServerServiceStub(service.channel).GetServerInfo(pb.GetServerInfoRequest())
    assert "quix" not in str(info)


def test_a_setting_has_an_origin(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    file = tmp_path / "orders.toml"
    file.write_text("max_batch = 10\nmax_queue = 20\npool_size = 30\n")
    monkeypatch.setenv(f"{PREFIX}MAX_QUEUE", "21")
    monkeypatch.setenv(f"{PREFIX}POOL_SIZE", "31")
    settings = load({"pool_size": 32}, file=str(file))
    origins = {name: settings.origin_of(name) for name in ("max_batch", "max_queue", "pool_size", "port")}
    assert origins == {"max_batch": "file", "max_queue": "environment", "pool_size": "flag", "port": "default"}
    assert settings.model_copy(update={"port": 1}).origin_of("pool_size") == "flag"


async def test_the_start_is_logged_with_version_and_settings(
    new_database: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with serving(new_database()) as service:
        address = service.address
    assert "serving version=0.1.0 schema=00" in caplog.text
    assert f"address={address} settings={{" in caplog.text


async def test_servers_register_themselves_and_leave(servers: Servers) -> None:
    async def listed() -> list[str]:
        answer = await servers.stub.ListServers(pb.ListServersRequest())
        return [server.address for server in answer.servers if server.alive]

    async with serving(servers.service.url) as other:

        async def both() -> bool:
            return sorted(await listed()) == sorted([servers.service.address, other.address])

        await until(both)
    assert await listed() == [servers.service.address]


async def test_different_prices_are_warned_about(servers: Servers, caplog: pytest.LogCaptureFixture) -> None:
    async def warned() -> list[Any]:
        return list((await servers.stub.ListServers(pb.ListServersRequest())).warnings)

    async def registered() -> bool:
        return bool((await servers.stub.ListServers(pb.ListServersRequest())).servers)

    await until(registered)
    assert await warned() == []
    async with serving(servers.service.url, point_value="EUR=0.03"):

        async def differ() -> bool:
            return bool(await warned())

        await until(differ)
        (warning,) = await warned()
        assert "processes on this database differ setting=ORDERS_POINT_VALUE" in caplog.text
    assert warning.subject == "ORDERS_POINT_VALUE"
    assert [value.value for value in warning.values] == ["EUR=0.02", "EUR=0.03"]


def test_dead_processes_are_not_warned_about() -> None:
    versions = [pb.ServerInfo(server_id="a", version="1", alive=True), pb.ServerInfo(server_id="b", version="2")]
    assert warnings_about(versions) == []
    versions[1].alive = True
    assert [warning.subject for warning in warnings_about(versions)] == ["version"]


async def test_the_log_level_is_set_for_a_time(servers: Servers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    override = await servers.stub.SetLogLevel(pb.SetLogLevelRequest(level=pb.LOG_LEVEL_DEBUG))
    assert override.HasField("expire_time")

    async def level() -> Any:
        return (await servers.stub.GetServerInfo(pb.GetServerInfoRequest())).log_level

    async def is_debug() -> bool:
        return await level() == pb.LOG_LEVEL_DEBUG and logging.getLogger().level == logging.DEBUG

    await until(is_debug)
    await servers.stub.SetLogLevel(pb.SetLogLevelRequest())

    async def is_back() -> bool:
        return await level() == pb.LOG_LEVEL_INFO and logging.getLogger().level == logging.INFO

    await until(is_back)


async def test_a_key_learns_who_it_is_and_what_is_left(new_database: Callable[[], str]) -> None:
    async with closed(new_database(), rate_limit_read=100.0) as service:
        key = await new_key(service, "customer", scopes=["orders.read"], owner="web shop")
        stub = ServerServiceStub(service.channel)
        info = await stub.WhoAmI(pb.WhoAmIRequest(), metadata=bearer(key.key))
        assert (info.subject, info.owner, info.customer_id) == (f"key:{key.key_id}", "web shop", "jane")
        assert (list(info.roles), list(info.scopes)) == ([ROLE_CUSTOMER], [SCOPE_ORDERS_READ])
        (limit,) = info.limits
        assert limit.rate == 100
        assert 90 <= limit.remaining <= 100
        assert (await refused(stub.WhoAmI(pb.WhoAmIRequest()))).code == grpc.StatusCode.UNAUTHENTICATED
        denied = await refused(stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=bearer(key.key)))
        assert denied.reason == "SCOPE_MISSING"


async def test_a_token_learns_why_a_role_does_not_count(new_database: Callable[[], str]) -> None:
    with providing() as provider:
        async with closed(new_database(), provider) as service:
            token = bearer(provider.token(roles=["customer", "auditor", "admin"], scope="orders.read"))
            info = await ServerServiceStub(service.channel).WhoAmI(pb.WhoAmIRequest(), metadata=token)
            assert list(info.roles) == [ROLE_ADMIN]
            assert {(role.role, role.cause) for role in info.ignored_roles} == {
                ("customer", "customer_id_missing"),
                ("auditor", "unknown"),
            }
            customer = bearer(provider.token(roles=["customer"], scope="customers.read"))
            denied = await refused(
                service.customers.GetCustomer(GetCustomerRequest(customer_id="jane"), metadata=customer)
            )
    assert denied.metadata["cause"] == "customer_id_missing"
    assert "the token has no claim customer_id, which the role customer needs" in denied.message
