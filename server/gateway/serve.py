"""Runs a gateway until it is stopped."""

import asyncio
import logging
import signal
from collections.abc import Callable

import grpc

from server.gateway.app import build
from server.gateway.bindings import bindings
from server.gateway.listener import GatewayError, Listener, listen
from server.gateway.options import Options

_PROBE_SECONDS = 5.0
_LOOPBACK = ("127.", "::1", "localhost")


def serve(connect: Callable[[], grpc.aio.Channel], options: Options, *, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; announces the URL. `connect` makes the channel to the server. Raises GatewayError."""
    import uvloop

    # Its messages do not follow the log's rules, and bad requests would fill the log.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    uvloop.run(_serve(connect, options, announce))


async def _serve(connect: Callable[[], grpc.aio.Channel], options: Options, announce: Callable[[str], None]) -> None:
    if options.tls_client_ca and not options.tls_certificate:
        raise GatewayError("client certificates need TLS: set ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY")
    listening = listen(options)
    stopping = asyncio.Event()
    async with connect() as channel:
        await _check_exposure(channel, options)
        listener = Listener(build(channel, options, stopping=stopping), options, stopping=stopping)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, listener.stop)
        announce(_url(options, listening.getsockname()[1]))
        await listener.run_on(listening)


def _url(options: Options, port: int) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{'https' if options.tls_certificate else 'http'}://{host}:{port}"


async def _check_exposure(channel: grpc.aio.Channel, options: Options) -> None:
    """Refuses to serve other machines without TLS, or for a server without authentication. Raises GatewayError."""
    if options.insecure or options.host.startswith(_LOOPBACK):
        return
    if options.tls_certificate is None:
        raise GatewayError(_exposed(options, "TLS: set ORDERS_TLS_CERTIFICATE and ORDERS_TLS_KEY"))
    if not await _asks_for_credentials(channel):
        text = "authentication: create a key with `orders keys create`, or start the server first"
        raise GatewayError(_exposed(options, text))


def _exposed(options: Options, missing: str) -> str:
    return (
        f"{options.host} is reachable from other machines, and there is no {missing}. "
        "On a private network, --insecure allows that"
    )


async def _asks_for_credentials(channel: grpc.aio.Channel) -> bool:
    """Whether the server requires credentials."""
    reading = next(binding for binding in bindings() if binding.verb == "GET" and not binding.streams)
    call = channel.unary_unary(reading.grpc_path)
    try:
        await call(b"", timeout=_PROBE_SECONDS)
    except grpc.aio.AioRpcError as error:
        return bool(error.code() == grpc.StatusCode.UNAUTHENTICATED)
    return False
