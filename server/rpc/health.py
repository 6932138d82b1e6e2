"""grpc.health.v1.Health, per service and overall."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from server.domain.base.errors import Refusal
from server.rpc.call_metadata import request_id_trailer
from server.rpc.errors import Refuser
from server.rpc.health_list import HealthListResponse
from server.rpc.validation import decode

SERVING = HealthCheckResponse.SERVING
NOT_SERVING = HealthCheckResponse.NOT_SERVING

# Liveness: none of the process's tasks has died, whatever the state of the database. The overall service '' and the named ones
# report readiness.
LIVENESS = "liveness"
# Reads are answered, whether or not the database accepts writes.
READS = "reads"


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Starts as NOT_SERVING, and ends its watches when the server stops."""

    # The library's servicer starts as SERVING, and its watches never end: each would delay a stop for the whole grace.

    def __init__(self, services: Sequence[str], *, is_alive: Callable[[], bool]) -> None:
        self._is_alive = is_alive
        self._services = ("", *services)
        self._ready_statuses = dict.fromkeys((*self._services, READS), NOT_SERVING)
        self._stopping = False
        # The cause of the database's failure; None if it works.
        self.cause: str | None = None
        # Outbound channels, such as the message broker, on which no call depends.
        self._channels: dict[str, int] = {}
        # Set and replaced at each change.
        self._changed = asyncio.Event()

    def set_ready(self, ready: bool, *, reads: bool | None = None) -> None:
        """Sets whether the server is ready for all calls and, by default the same, for reads."""
        self._tell(ready, reads=ready if reads is None else reads)

    def set_channel(self, name: str, *, keeps_up: bool) -> None:
        """Sets whether an outbound channel keeps up."""
        status = int(SERVING if keeps_up else NOT_SERVING)
        if self._channels.get(name) != status:
            self._channels[name] = status
            self._tell_watches()

    def stop(self) -> None:
        """Reports NOT_SERVING from now on, and ends the watches."""
        self._stopping = True
        self._tell(False, reads=False)

    def _tell(self, ready: bool, *, reads: bool) -> None:
        self._ready_statuses |= dict.fromkeys(self._services, self._status(ready)) | {READS: self._status(reads)}
        self._tell_watches()

    def _tell_watches(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _status(self, serves: bool) -> int:
        return int(SERVING if serves and not self._stopping else NOT_SERVING)

    @property
    def ready(self) -> bool:
        return bool(self._ready_statuses[""] == SERVING)

    @property
    def _statuses(self) -> dict[str, int]:
        liveness = SERVING if self._is_alive() else NOT_SERVING
        return self._ready_statuses | self._channels | {LIVENESS: liveness}

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

    async def _list(self, _: bytes, context: grpc.aio.ServicerContext) -> Any:
        return HealthListResponse(statuses={name: {"status": status} for name, status in self._statuses.items()})

    def add_to(self, server: grpc.aio.Server, refuser: Refuser) -> None:
        encode = HealthCheckResponse.SerializeToString
        handlers = {
            "Check": grpc.unary_unary_rpc_method_handler(_decoded(self.Check, refuser), response_serializer=encode),
            "Watch": grpc.unary_stream_rpc_method_handler(_decoded(self.Watch, refuser), response_serializer=encode),
            "List": grpc.unary_unary_rpc_method_handler(
                self._list, response_serializer=HealthListResponse.SerializeToString
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),))


def _decoded(handler: Callable[..., Awaitable[Any]], refuser: Refuser) -> Callable[..., Awaitable[Any]]:
    """A handler with its own decoding, because the library's decoding reveals class names to callers."""

    async def serve(data: bytes, context: grpc.aio.ServicerContext) -> Any:
        try:
            request = decode(HealthCheckRequest, data)
        except Refusal as error:
            return await refuser.refuse(context, error, trailers=request_id_trailer(context))
        return await handler(request, context)

    return serve
