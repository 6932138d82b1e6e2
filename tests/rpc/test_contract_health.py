"""Health and reflection, as balancers and grpcurl use them."""

import asyncio
from contextlib import AsyncExitStack

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from orders.v1.order_service_pb2 import GetOrderRequest

from tests.conftest import Service, refusal_of, refused, serving
from tests.rpc.cases import SERVICES

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


def statuses(listed: bytes) -> dict[str, int]:
    """The map in a HealthListResponse: entries {1: name, 2: response}, as any protobuf decoder would read them."""
    file = FileDescriptorProto(name="list.proto", package="probe", syntax="proto3")
    file.dependency.append(health_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="HealthListResponse")
    entry = message.nested_type.add(name="StatusesEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    entry.field.add(
        name="value",
        number=2,
        type="TYPE_MESSAGE",
        type_name=".grpc.health.v1.HealthCheckResponse",
        label="LABEL_OPTIONAL",
    )
    message.field.add(
        name="statuses",
        number=1,
        type="TYPE_MESSAGE",
        type_name=".probe.HealthListResponse.StatusesEntry",
        label="LABEL_REPEATED",
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    response = message_factory.GetMessageClass(pool.FindMessageTypeByName("probe.HealthListResponse")).FromString(
        listed
    )
    return {name: status.status for name, status in response.statuses.items()}


async def test_all_health_can_be_listed(service: Service) -> None:
    listed = await service.channel.unary_unary("/grpc.health.v1.Health/List")(b"")
    assert statuses(listed) == dict.fromkeys(["", "liveness", "reads", *NAMES], SERVING)


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
            async with asyncio.timeout(10):
                await stopping
            assert (await refused(health.Check(asking("")))).code == grpc.StatusCode.UNAVAILABLE


async def test_who_watches_an_unknown_service_is_told_so_and_not_refused(service: Service) -> None:
    watch = health_pb2_grpc.HealthStub(service.channel).Watch(asking("orders.v1.Nope"))
    assert (await anext(aiter(watch))).status == SERVICE_UNKNOWN
    watch.cancel()


async def reflect(
    service: Service, *requests: reflection_pb2.ServerReflectionRequest
) -> list[reflection_pb2.ServerReflectionResponse]:
    stub = reflection_pb2_grpc.ServerReflectionStub(service.channel)
    return [response async for response in stub.ServerReflectionInfo(iter(requests))]


async def test_reflection_lists_every_service(service: Service) -> None:
    (response,) = await reflect(service, reflection_pb2.ServerReflectionRequest(list_services=""))
    listed = {found.name for found in response.list_services_response.service}
    assert listed == {*NAMES, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


SYMBOLS = {
    "orders.v1.OrderService": "orders/v1/order_service.proto",
    "orders.v1.CatalogService": "orders/v1/catalog_service.proto",
    "orders.v1.Order": "orders/v1/order.proto",
    "google.rpc.ErrorInfo": "google/rpc/error_details.proto",
    "google.rpc.BadRequest": "google/rpc/error_details.proto",
    "google.rpc.RetryInfo": "google/rpc/error_details.proto",
    "google.rpc.Status": "google/rpc/status.proto",
    "google.type.Money": "google/type/money.proto",
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


async def test_reflection_does_not_find_what_is_not_there(service: Service) -> None:
    (response,) = await reflect(
        service, reflection_pb2.ServerReflectionRequest(file_containing_symbol="orders.v1.Nope")
    )
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
