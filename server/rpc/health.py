"""grpc.health.v1.Health, per service and overall."""

from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio

from server.rpc import wire

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

# Says that the process is alive, whatever the database does. The overall service '' and those by name say that it is ready.
LIVENESS = "liveness"


class Health(aio.HealthServicer):  # type: ignore[misc]
    """Not serving until told otherwise; the library's servicer starts as serving."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__()
        self._services = ("", *services)
        self._server_status = dict.fromkeys(self._services, NOT_SERVING) | {LIVENESS: SERVING}

    async def set_ready(self, ready: bool) -> None:
        for name in self._services:
            await self.set(name, SERVING if ready else NOT_SERVING)

    @property
    def ready(self) -> bool:
        return bool(self._server_status[""] == SERVING)

    async def _list(self, _: bytes, context: grpc.aio.ServicerContext) -> bytes:
        """HealthListResponse {map<string, HealthCheckResponse> statuses = 1}, which the library's proto does not have yet."""
        entries = []
        for name, status in self._server_status.items():
            response = health_pb2.HealthCheckResponse(status=status).SerializeToString()
            entries.append(wire.field(1, name.encode()) + wire.field(2, response))
        return b"".join(wire.repeated(1, entries))

    def add_to(self, server: grpc.aio.Server) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(self, server)
        handlers = {"List": grpc.unary_unary_rpc_method_handler(self._list)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),))
