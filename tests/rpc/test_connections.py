"""What a client's connection may do: how old it gets, how long it is idle, how often it pings, how many calls it has at once."""

import asyncio
from collections.abc import Callable

import grpc
import pytest
from orders.v1.catalog_service_pb2 import GetProductRequest

from tests.conftest import refused, serving
from tests.rpc import http2
from tests.rpc.test_call_bounds import products_locked, somebody_waits

GET = GetProductRequest(product_id="mug")
PATH = "/orders.v1.CatalogService/GetProduct"


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    return new_database()


async def test_a_connection_that_has_reached_its_age_is_told_to_go_and_closed(url: str) -> None:
    async with (
        serving(url, authentication="open", max_connection_age=0.2) as service,
        http2.connected(service.running.port) as connection,
    ):
        told = [frame for frame in await connection.until_closed() if frame.kind == http2.GOAWAY]
    assert {(frame.error, frame.reason) for frame in told} == {(http2.NO_ERROR, "max_age")}


async def test_a_call_outlives_the_age_of_its_connection_and_the_next_one_goes_on_a_new_one(url: str) -> None:
    async with serving(url, authentication="open", max_connection_age=0.2) as service:
        async with products_locked(service) as connection:
            call = asyncio.ensure_future(refused(service.catalog.GetProduct(GET)))
            await somebody_waits(connection)
            async with asyncio.timeout(60):
                while (state := service.channel.get_state()) == grpc.ChannelConnectivity.READY:
                    await service.channel.wait_for_state_change(state)
            assert state == grpc.ChannelConnectivity.IDLE
        assert (await call).reason == "PRODUCT_NOT_FOUND"
        assert (await refused(service.catalog.GetProduct(GET))).reason == "PRODUCT_NOT_FOUND"


async def test_a_connection_without_calls_is_closed(url: str) -> None:
    async with (
        serving(url, authentication="open", max_connection_idle=0.2) as service,
        http2.connected(service.running.port) as connection,
    ):
        *_, last = await connection.until_closed()
    assert (last.kind, last.reason) == (http2.GOAWAY, "connection idle")


async def test_a_connection_with_a_call_is_not_idle(url: str) -> None:
    """It begins before another one, and is there when that one is closed."""
    async with serving(url, authentication="open", max_connection_idle=0.2) as service:
        async with products_locked(service) as outside:
            call = asyncio.ensure_future(refused(service.catalog.GetProduct(GET)))
            await somebody_waits(outside)
            async with http2.connected(service.running.port) as idle:
                await idle.until_closed()
            assert service.channel.get_state() == grpc.ChannelConnectivity.READY
        assert (await call).reason == "PRODUCT_NOT_FOUND"


async def _answer(connection: http2.Connection, number: int) -> None:
    """Waits for the answer to a ping."""
    answer = await connection.first(http2.PING)
    assert (answer.acknowledges, answer.payload) == (True, number.to_bytes(8))


async def test_who_pings_too_often_three_times_is_sent_away(url: str) -> None:
    async with (
        serving(url, authentication="open", min_ping_interval=60) as service,
        http2.connected(service.running.port) as connection,
    ):
        # The first one is not too early for anything.
        for number in range(3):
            connection.ping(number)
        for number in range(3):
            await _answer(connection, number)
        connection.ping(3)
        *_, last = await connection.until_closed()
        assert (last.kind, last.error, last.reason) == (http2.GOAWAY, http2.ENHANCE_YOUR_CALM, "too_many_pings")


async def test_who_keeps_the_interval_may_ping_without_calls(url: str) -> None:
    """The interval is none here, so that nobody has to wait; without the setting it would be 10 seconds."""
    async with (
        serving(url, authentication="open", min_ping_interval=0.0001) as service,
        http2.connected(service.running.port) as connection,
    ):
        for number in range(20):
            connection.ping(number)
            await _answer(connection, number)


async def test_a_client_is_told_how_many_calls_a_connection_takes_and_further_ones_are_refused(url: str) -> None:
    async with (
        serving(url, authentication="open", max_concurrent_streams=2) as service,
        http2.connected(service.running.port) as connection,
    ):
        told = await connection.first(http2.SETTINGS)
        assert told.settings[http2.MAX_CONCURRENT_STREAMS] == 2
        for stream in (1, 3, 5):
            connection.begin_call(PATH, stream=stream)
        refusal = await connection.first(http2.RST_STREAM)
        assert (refusal.stream, refusal.error) == (5, http2.REFUSED_STREAM)


async def test_calls_over_what_a_connection_takes_wait_in_the_client(url: str) -> None:
    async with serving(url, authentication="open", max_concurrent_streams=1, max_in_flight=1) as service:
        async with products_locked(service) as connection:
            calls = [asyncio.ensure_future(refused(service.catalog.GetProduct(GET))) for _ in range(5)]
            await somebody_waits(connection)
        # Had two come to the server at once, one would have been refused as OVERLOADED.
        assert [(await call).reason for call in calls] == ["PRODUCT_NOT_FOUND"] * 5
