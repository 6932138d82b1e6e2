"""gRPC reflection, for grpcurl and buf curl: behind the gate, and with refusals like every other method's."""

from collections.abc import AsyncIterator, Sequence

import grpc
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from server.domain.base.errors import OrderError
from server.rpc.errors import refuse
from server.rpc.gate import Gate
from server.rpc.validation import decode

# The types of error details are served only if they are loaded.
_LOADED = error_details_pb2


def reflection_handler(names: Sequence[str], gate: Gate | None) -> grpc.GenericRpcHandler:
    """Serves the descriptors of the named services to callers whom the gate knows; without a gate, to everybody."""
    servicer = reflection.aio.ReflectionServicer([*names, reflection.SERVICE_NAME])

    async def serve(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext) -> None:
        try:
            if gate is not None:
                await gate.identify(context)
            decoded = (decode(ServerReflectionRequest, data) async for data in requests)
            async for response in servicer.ServerReflectionInfo(decoded, context):
                await context.write(response.SerializeToString())
        except OrderError as error:
            await refuse(context, error)

    handlers = {"ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(serve)}
    return grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, handlers)
