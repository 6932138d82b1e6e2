"""A grpc.aio server with one method, which answers with what it is sent: what a release of grpcio costs, and nothing else.

python -m benchmarks.baselines.bare
"""

import grpc
import uvloop

METHOD = "/bare.Bare/Echo"


async def _echo(request: bytes, context: object) -> bytes:
    return request


async def _serve() -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    service, method = METHOD.strip("/").split("/")
    handlers = {method: grpc.unary_unary_rpc_method_handler(_echo)}
    server.add_registered_method_handlers(service, handlers)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"grpcio {grpc.__version__} on 127.0.0.1:{port}, bare", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve())
