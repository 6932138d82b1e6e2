"""grpc.health.v1.Health, per service and overall."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from server.domain.base.errors import OrderError
from server.rpc import wire
from server.rpc.errors import refuse
from server.rpc.validation import decode

SERVING = HealthCheckResponse.SERVING
NOT_SERVING = HealthCheckResponse.NOT_SERVING

# Says that the process is alive, whatever the database does. The overall service '' and those by name say that it is ready.
LIVENESS = "liveness"


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Not serving until told otherwise, and done with its watches when the server stops."""

    # The library's servicer starts as serving, and its watches never end: each would hold up a stop for all of its grace.

    def __init__(self, services: Sequence[str]) -> None:
        self._services = ("", *services)
        self._statuses = dict.fromkeys(self._services, NOT_SERVING) | {LIVENESS: SERVING}
        self._stopping = False
        # Set at the next change, and then replaced.
        self._changed = asyncio.Event()

    def set_ready(self, ready: bool) -> None:
        self._tell(SERVING if ready and not self._stopping else NOT_SERVING)

    def stop(self) -> None:
        """Tells everybody, for good, and ends their watches."""
        self._stopping = True
        self._tell(NOT_SERVING)

    def _tell(self, status: int) -> None:
        self._statuses |= dict.fromkeys(self._services, status)
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def ready(self) -> bool:
        return bool(self._statuses[""] == SERVING)

    async def Check(self, request: HealthCheckRequest, context: grpc.aio.ServicerContext) -> HealthCheckResponse:
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service[:100]!r}")
        return HealthCheckResponse(status=status)

    async def Watch(self, request: HealthCheckRequest, context: grpc.aio.ServicerContext) -> None:
        told = None
        while True:
            changed, stopping = self._changed, self._stopping
            status = self._statuses.get(request.service, HealthCheckResponse.SERVICE_UNKNOWN)
            if status != told:
                await context.write(HealthCheckResponse(status=status))
                told = status
            if stopping:
                return
            await changed.wait()

    async def _list(self, _: bytes, context: grpc.aio.ServicerContext) -> bytes:
        """HealthListResponse {map<string, HealthCheckResponse> statuses = 1}, which the library's proto does not have yet."""
        entries = []
        for name, status in self._statuses.items():
            response = HealthCheckResponse(status=status).SerializeToString()
            entries.append(wire.field(1, name.encode()) + wire.field(2, response))
        return b"".join(wire.repeated(1, entries))

    def add_to(self, server: grpc.aio.Server) -> None:
        encode = HealthCheckResponse.SerializeToString
        handlers = {
            "Check": grpc.unary_unary_rpc_method_handler(_decoded(self.Check), response_serializer=encode),
            "Watch": grpc.unary_stream_rpc_method_handler(_decoded(self.Watch), response_serializer=encode),
            "List": grpc.unary_unary_rpc_method_handler(self._list),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),))


def _decoded(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The handler behind our own decoding: the library's tells callers the names of its classes."""

    async def serve(data: bytes, context: grpc.aio.ServicerContext) -> Any:
        try:
            request = decode(HealthCheckRequest, data)
        except OrderError as error:
            return await refuse(context, error)
        return await handler(request, context)

    return serve
