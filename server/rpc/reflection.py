"""gRPC reflection v1 and v1alpha, for grpcurl, ghz and buf curl: behind the gate, with the same refusals as every method."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import grpc
from google.protobuf import text_format
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import Default, DescriptorPool
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from server.domain.base.errors import Refusal
from server.rpc.call_metadata import request_id_trailer
from server.rpc.errors import Refuser
from server.rpc.gate import Gate
from server.rpc.health_list import HEALTH_FILE
from server.rpc.validation import decode

HEALTH = "grpc.health.v1.Health"
V1ALPHA = reflection.SERVICE_NAME
V1 = "grpc.reflection.v1.ServerReflection"


def reflection_handlers(
    services: Sequence[str], gate: Gate | None, refuser: Refuser
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Describes the named services and health to authenticated callers; without a gate, to all callers."""
    pool = _MethodPool(_pool_of(services))
    servicer = reflection.aio.ReflectionServicer([*services, HEALTH, V1, V1ALPHA], pool)

    async def serve(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> None:
        try:
            if gate is not None:
                await gate.identify(context)
            decoded = (decode(ServerReflectionRequest, data) async for data in requests)
            async for response in servicer.ServerReflectionInfo(decoded, context):
                await context.write(response.SerializeToString())
        except Refusal as error:
            await refuser.refuse(context, error, trailers=request_id_trailer(context))

    # The messages of both versions are the same on the wire.
    handlers = {"ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(serve)}
    return tuple(grpc.method_handlers_generic_handler(version, handlers) for version in (V1, V1ALPHA))


class _MethodPool:
    """A descriptor pool that also finds methods by name, unlike protobuf's own."""

    def __init__(self, pool: DescriptorPool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            name, _, method = symbol.rpartition(".")
            return self._pool.FindServiceByName(name).methods_by_name[method].containing_service.file


def _pool_of(services: Iterable[str]) -> DescriptorPool:
    """The files of the services, of health and reflection, and of the details of errors."""
    pool = DescriptorPool()
    for service in services:
        _add(pool, Default().FindServiceByName(service).file)
    _add(pool, error_details_pb2.DESCRIPTOR)
    _add(pool, reflection_pb2.DESCRIPTOR)
    pool.Add(_reflection_v1())
    pool.Add(HEALTH_FILE)
    return pool


def _add(pool: DescriptorPool, file: FileDescriptor) -> None:
    for dependency in file.dependencies:
        _add(pool, dependency)
    pool.AddSerializedFile(file.serialized_pb)


def _reflection_v1() -> FileDescriptorProto:
    """The file of reflection v1, which grpcio-reflection does not ship: v1alpha's under another package."""
    v1alpha = FileDescriptorProto.FromString(reflection_pb2.DESCRIPTOR.serialized_pb)
    return text_format.Parse(str(v1alpha).replace("v1alpha", "v1"), FileDescriptorProto())
