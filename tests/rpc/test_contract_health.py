"""Health and reflection, as balancers and grpcurl use them."""

import asyncio
from contextlib import AsyncExitStack

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from orders.v1.order_service_pb2 import GetOrderRequest

from server.domain.base.methods import SERVICES
from server.rpc.health_list import HealthListResponse
from tests.conftest import Service, refusal_of, refused, serving

NAMES = [service.full_name for service in SERVICES]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def asking(name: str) -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=name)


@pytest.mark.parametrize("name", ["", "liveness", "reads", *NAMES])
async def test_health_is_told_overall_and_for_each_service(service: Service, name: str) -> None:
    assert (await health_pb2_grpc.HealthStub(service.channel).Check(asking(name))).status == SERVING


async def test_the_health_of_an_unknown_service_is_not_found(service: Service) -> None:
    refusal = await refused(health_pb2_grpc.HealthStub(service.channel).Check(asking("orders.v1.Nope")))
    assert refusal.code == grpc.StatusCode.NOT_FOUND


async def test_all_health_can_be_listed(service: Service) -> None:
    listed = await service.channel.unary_unary("/grpc.health.v1.Health/List")(b"")
    statuses = HealthListResponse.FromString(listed).statuses
    assert {name: found.status for name, found in statuses.items()} == dict.fromkeys(
        ["", "liveness", "reads", *NAMES], SERVING
    )


async def test_reflection_describes_the_answer_of_health_list(service: Service) -> None:
    listed = await service.channel.unary_unary("/grpc.health.v1.Health/List")(b"")
    health = described(await file_of(service, "grpc.health.v1.Health.List")).FindServiceByName("grpc.health.v1.Health")
    answer = message_factory.GetMessageClass(health.methods_by_name["List"].output_type).FromString(listed)
    assert answer.statuses["liveness"].status == SERVING


async def test_who_watches_sees_the_stop_coming(service: Service) -> None:
    async with AsyncExitStack() as stack:
        stopped = await stack.enter_async_context(serving(service.url, shutdown_grace=60, drain_delay=0.2))
        # A connection of its own: that of the service is closed before its server stops.
        async with grpc.aio.insecure_channel(stopped.address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            watches = [aiter(health.Watch(asking(name))) for name in ("", *NAMES)]
            assert [(await anext(watch)).status for watch in watches] == [SERVING] * len(watches)
            stopping = asyncio.create_task(stack.aclose())
            assert [(await anext(watch)).status for watch in watches] == [NOT_SERVING] * len(watches)
            assert (await health.Check(asking("liveness"))).status == SERVING
            async with asyncio.timeout(60):
                await stopping
            assert (await refused(health.Check(asking("")))).code == grpc.StatusCode.UNAVAILABLE


async def test_who_watches_an_unknown_service_is_told_so_and_not_refused(service: Service) -> None:
    watch = health_pb2_grpc.HealthStub(service.channel).Watch(asking("orders.v1.Nope"))
    assert (await anext(aiter(watch))).status == SERVICE_UNKNOWN
    watch.cancel()


VERSIONS = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


async def reflect(
    service: Service, *requests: reflection_pb2.ServerReflectionRequest, version: str = VERSIONS[0]
) -> list[reflection_pb2.ServerReflectionResponse]:
    call = service.channel.stream_stream(
        f"/{version}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return [response async for response in call(iter(requests))]


async def file_of(service: Service, symbol: str, *, version: str = VERSIONS[0]) -> list[FileDescriptorProto]:
    """The file that holds a symbol, and those that it imports."""
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)
    (response,) = await reflect(service, request, version=version)
    return files_of(response)


def described(files: list[FileDescriptorProto]) -> descriptor_pool.DescriptorPool:
    """The pool that a client builds from the files."""
    known = {file.name: file for file in files}
    pool = descriptor_pool.DescriptorPool()

    def add(file: FileDescriptorProto) -> None:
        for name in file.dependency:
            add(known[name])
        pool.Add(file)

    for file in files:
        add(file)
    return pool


@pytest.mark.parametrize("version", VERSIONS)
async def test_reflection_lists_every_service(service: Service, version: str) -> None:
    (response,) = await reflect(service, reflection_pb2.ServerReflectionRequest(list_services=""), version=version)
    listed = {found.name for found in response.list_services_response.service}
    assert listed == {*NAMES, "grpc.health.v1.Health", *VERSIONS}


@pytest.mark.parametrize("version", VERSIONS)
async def test_reflection_describes_every_listed_service(service: Service, version: str) -> None:
    for name in (*NAMES, "grpc.health.v1.Health", *VERSIONS):
        pool = described(await file_of(service, name, version=version))
        assert pool.FindServiceByName(name).methods


@pytest.mark.parametrize("version", VERSIONS)
async def test_reflection_finds_every_method_by_its_name(service: Service, version: str) -> None:
    for listed in SERVICES:
        for method in listed.methods:
            files = await file_of(service, method.full_name, version=version)
            assert files[0].name == listed.file.name


SYMBOLS = {
    "orders.v1.OrderService": "orders/v1/order_service.proto",
    "orders.v1.CatalogService": "orders/v1/catalog_service.proto",
    "orders.v1.Order": "orders/v1/order.proto",
    "google.rpc.ErrorInfo": "google/rpc/error_details.proto",
    "google.rpc.BadRequest": "google/rpc/error_details.proto",
    "google.rpc.RetryInfo": "google/rpc/error_details.proto",
    "google.rpc.Status": "google/rpc/status.proto",
    "google.type.Money": "google/type/money.proto",
    "orders.v1.Order.order_id": "orders/v1/order.proto",
    "orders.v1.ORDER_STATUS_PENDING": "orders/v1/order.proto",
    "orders.v1.access": "orders/v1/access.proto",
    "grpc.health.v1.Health.List": "grpc_health/v1/health.proto",
    "grpc.reflection.v1.ServerReflectionRequest": "grpc_reflection/v1/reflection.proto",
}


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_reflection_serves_the_file_of_a_symbol_and_all_that_it_imports(service: Service, symbol: str) -> None:
    (response,) = await reflect(service, reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol))
    files = files_of(response)
    assert files[0].name == SYMBOLS[symbol]
    known = {file.name: file for file in files}
    wanted = [name for file in files for name in file.dependency if name not in known]
    while wanted:
        responses = await reflect(
            service, *(reflection_pb2.ServerReflectionRequest(file_by_filename=name) for name in wanted)
        )
        known |= {file.name: file for found in responses for file in files_of(found)}
        assert set(wanted) <= known.keys()
        wanted = [name for file in known.values() for name in file.dependency if name not in known]


def files_of(response: reflection_pb2.ServerReflectionResponse) -> list[FileDescriptorProto]:
    return [FileDescriptorProto.FromString(data) for data in response.file_descriptor_response.file_descriptor_proto]


@pytest.mark.parametrize("symbol", ["orders.v1.Nope", "orders.v1.OrderService.Nope", "orders.v1.Order.nope", "", "."])
async def test_reflection_does_not_find_what_is_not_there(service: Service, symbol: str) -> None:
    (response,) = await reflect(service, reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol))
    assert response.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_reflection_can_be_turned_off(service: Service) -> None:
    async with serving(service.url, reflection=False) as other:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await reflect(other, reflection_pb2.ServerReflectionRequest(list_services=""))
        refusal = refusal_of(caught.value)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_NOT_FOUND")
        assert (await refused(other.orders.GetOrder(GetOrderRequest(order_id="nope")))).reason == "ORDER_NOT_FOUND"


async def test_bytes_that_are_no_health_request_are_refused_like_any_other(service: Service) -> None:
    refusal = await refused(service.channel.unary_unary("/grpc.health.v1.Health/Check")(b"\xff\xff"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ORDER_DATA")
